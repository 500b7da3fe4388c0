#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drive::image(bytes, eol_inject::image::Format::Uf2));
