#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drive::structures::starting(
    bytes,
    &drive::structures::ESP
));
