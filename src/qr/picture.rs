//! One picture: what its QR symbol says, and that the file says nothing else.
//!
//! It does not know rows or file names.

use std::collections::HashSet;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use png::{BitDepth, ColorType, Decoder, Info, Limits, Transformations};
use quircs::{Code, Quirc};

use super::error::PictureError;
use super::exact;
use super::symbol::Symbol;
use crate::unit::{AuthToken, QrToken};

/// First bytes of a PNG (PNG third edition, 5.2).
const MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Most pixels in each direction.
const SIDE: u32 = 2048;
/// Most bytes that decoding may take beside the picture itself.
const BYTES: usize = 32 * 1024 * 1024;
/// Most bytes of one text chunk.
const TEXT: usize = 1024 * 1024;

/// Tokens to look for, by their bytes.
pub(crate) type Secrets<'a> = HashSet<&'a [u8; AuthToken::LEN]>;

/// Returns whether `bytes` start like a PNG.
pub(crate) fn is_png(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads the QR Token of a picture, which must hold exactly one symbol.
///
/// # Errors
/// [`PictureError`]
#[cfg(test)]
pub(crate) fn read(bytes: &[u8]) -> Result<QrToken, PictureError> {
    Picture::decode(bytes)?.code()
}

/// Reads the QR Token of a picture with exactly one symbol; and the symbol module by module, where
/// the picture is drawn without a flaw.
///
/// # Errors
/// [`PictureError`]
pub(crate) fn read_symbol(bytes: &[u8]) -> Result<(QrToken, Option<Symbol>), PictureError> {
    let picture = Picture::decode(bytes)?;
    let exact = exact::read(&picture.dark(), picture.width);
    match exact.and_then(|code| Some((decoded(&code)?, code))) {
        Some((text, code)) => Ok((token(&text)?, Some(Symbol::of_code(&code)))),
        None => Ok((picture.code()?, None)),
    }
}

/// Reads the QR Token of a picture that must give none of `secrets` away.
///
/// # Errors
/// [`PictureError`]
pub(crate) fn read_safe(bytes: &[u8], secrets: &Secrets<'_>) -> Result<QrToken, PictureError> {
    let picture = Picture::decode(bytes)?;
    let mut stored = picture.texts.iter().map(Vec::as_slice).chain([bytes]);
    if stored.any(|stored| gives_away(stored, secrets)) {
        return Err(PictureError::SecretInFile);
    }
    picture.code()
}

/// Returns whether any of `secrets` stands in `bytes`.
fn gives_away(bytes: &[u8], secrets: &Secrets<'_>) -> bool {
    // Runs of the alphabet this long are rare in compressed data: few windows are looked up.
    bytes
        .split(|byte| !AuthToken::allows(*byte))
        .flat_map(|run| run.windows(AuthToken::LEN))
        .filter_map(|window| window.first_chunk())
        .any(|window| secrets.contains(window))
}

/// A decoded picture.
struct Picture {
    /// Grey values, one byte a pixel, on white.
    grey: Vec<u8>,
    width: usize,
    height: usize,
    /// What else the file stores: texts, EXIF, colour profile.
    texts: Vec<Vec<u8>>,
}

impl Picture {
    fn decode(bytes: &[u8]) -> Result<Self, PictureError> {
        if !is_png(bytes) {
            return Err(PictureError::NotPng);
        }
        let damaged = |_| PictureError::Damaged;
        let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: BYTES });
        decoder.set_transformations(Transformations::normalize_to_color8());
        let header = decoder.read_header_info().map_err(damaged)?;
        let (width, height) = (header.width, header.height);
        if width > SIDE || height > SIDE {
            return Err(PictureError::TooLarge {
                width,
                height,
                limit: SIDE,
            });
        }
        let mut reader = decoder.read_info().map_err(damaged)?;
        // Frames behind the first would not be looked at.
        if reader.info().animation_control.is_some() {
            return Err(PictureError::Animated);
        }
        let size = reader.output_buffer_size().ok_or(PictureError::Damaged)?;
        let mut pixels = vec![0; size];
        let frame = reader.next_frame(&mut pixels).map_err(damaged)?;
        reader.finish().map_err(damaged)?;
        if frame.bit_depth != BitDepth::Eight {
            return Err(PictureError::Damaged);
        }
        let texts = texts(reader.info()).ok_or(PictureError::Damaged)?;
        Ok(Self {
            grey: grey(pixels, frame.color_type),
            width: usize::try_from(width).map_err(|_| PictureError::Damaged)?,
            height: usize::try_from(height).map_err(|_| PictureError::Damaged)?,
            texts,
        })
    }

    /// Reads the one symbol.
    fn code(&self) -> Result<QrToken, PictureError> {
        token(&self.text()?)
    }

    /// Tells dark pixels from light ones, one byte each.
    fn dark(&self) -> Vec<u8> {
        self.grey.iter().map(|grey| u8::from(*grey < 128)).collect()
    }

    /// Reads the text of the one symbol.
    fn text(&self) -> Result<Vec<u8>, PictureError> {
        if let Some(text) = exact::read(&self.dark(), self.width).and_then(|code| decoded(&code)) {
            return Ok(text);
        }
        let codes = self.found();
        match codes.as_slice() {
            [code] => decoded(code).ok_or(PictureError::Undecodable),
            [] => Err(PictureError::Undecodable),
            _ => Err(PictureError::Several { found: codes.len() }),
        }
    }

    /// Looks for symbols anywhere in the picture.
    fn found(&self) -> Vec<Code> {
        guarded(|| {
            let mut finder = Quirc::default();
            let codes = finder.identify(self.width, self.height, &self.grey);
            Some(codes.filter_map(Result::ok).collect())
        })
        .unwrap_or_default()
    }
}

/// Takes the text of a symbol as a QR Token.
fn token(text: &[u8]) -> Result<QrToken, PictureError> {
    let text = std::str::from_utf8(text).unwrap_or_default();
    text.parse().map_err(|source| {
        if AuthToken::looks_like(text.trim()) {
            PictureError::SecretInSymbol
        } else {
            PictureError::NotAQrToken { source }
        }
    })
}

/// Corrects and unpacks a symbol.
fn decoded(code: &Code) -> Option<Vec<u8>> {
    guarded(|| code.decode().ok().map(|data| data.payload))
}

/// Runs the symbol reader, which was written for camera pictures and indexes without proof: on
/// hostile pixels a panic in it counts as a symbol that cannot be read.
fn guarded<T>(read: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}

/// Turns pixels of eight bits into grey ones, transparency into white.
fn grey(pixels: Vec<u8>, kind: ColorType) -> Vec<u8> {
    let over = |grey: u32, alpha: u32| (grey * alpha + 255 * (255 - alpha)) / 255;
    let mix = |r: u8, g: u8, b: u8| {
        // ITU-R BT.601 in thousandths.
        (u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114) / 1000
    };
    let byte = |value: u32| u8::try_from(value).unwrap_or(u8::MAX);
    match kind {
        ColorType::Grayscale | ColorType::Indexed => pixels,
        ColorType::GrayscaleAlpha => (pixels.as_chunks().0.iter())
            .map(|[g, a]| byte(over(u32::from(*g), u32::from(*a))))
            .collect(),
        ColorType::Rgb => (pixels.as_chunks().0.iter())
            .map(|[r, g, b]| byte(mix(*r, *g, *b)))
            .collect(),
        ColorType::Rgba => (pixels.as_chunks().0.iter())
            .map(|[r, g, b, a]| byte(over(mix(*r, *g, *b), u32::from(*a))))
            .collect(),
    }
}

/// Collects what a PNG stores beside its pixels, inflated; `None` when that fails.
fn texts(info: &Info<'_>) -> Option<Vec<Vec<u8>>> {
    let mut texts = Vec::new();
    for chunk in &info.uncompressed_latin1_text {
        texts.push(chunk.text.clone().into_bytes());
    }
    for chunk in &info.compressed_latin1_text {
        let mut chunk = chunk.clone();
        chunk.decompress_text_with_limit(TEXT).ok()?;
        texts.push(chunk.get_text().ok()?.into_bytes());
    }
    for chunk in &info.utf8_text {
        let mut chunk = chunk.clone();
        chunk.decompress_text_with_limit(TEXT).ok()?;
        texts.push(chunk.get_text().ok()?.into_bytes());
    }
    texts.extend(info.icc_profile.iter().map(|profile| profile.to_vec()));
    // EXIF stores some texts as UTF-16: looked at once more with every other byte left out.
    if let Some(exif) = &info.exif_metadata {
        texts.push(exif.iter().copied().filter(|byte| *byte != 0).collect());
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use png::Encoder;
    use png::text_metadata::{ITXtChunk, ZTXtChunk};
    use proptest::prelude::*;

    use super::*;

    const CODE: &str = "sqr_fake-TOKEN_0123456789abcdefghijk+17";
    const SECRET: &[u8; 32] = b"-fake-TOKEN_0123456789abcdefghij";

    fn drawn(code: &str) -> Vec<u8> {
        let code = qrcode::QrCode::new(code).unwrap();
        code.render::<char>()
            .light_color(' ')
            .dark_color('#')
            .module_dimensions(3, 3)
            .build()
            .lines()
            .flat_map(|line| line.chars().map(|c| if c == '#' { 0 } else { 255 }))
            .collect()
    }

    /// A grey picture, `more` written into it.
    fn file(grey: &[u8], width: usize, more: impl FnOnce(&mut Info<'static>)) -> Vec<u8> {
        let pixels = |count: usize| u32::try_from(count).unwrap();
        let mut info = Info::with_size(pixels(width), pixels(grey.len() / width));
        info.color_type = ColorType::Grayscale;
        more(&mut info);
        let mut bytes = Vec::new();
        let mut writer = Encoder::with_info(&mut bytes, info)
            .unwrap()
            .write_header()
            .unwrap();
        writer.write_image_data(grey).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn label(more: impl FnOnce(&mut Info<'static>)) -> Result<QrToken, PictureError> {
        let grey = drawn(CODE);
        let width = grey.len().isqrt();
        let bytes = file(&grey, width, more);
        read_safe(&bytes, &Secrets::from([SECRET]))
    }

    #[test]
    fn a_label_says_its_code() {
        assert_eq!(label(|_| {}), Ok(CODE.parse().unwrap()));
    }

    #[test]
    fn a_secret_beside_the_symbol_is_found_however_it_is_stored() {
        let text = format!("for {}", std::str::from_utf8(SECRET).unwrap());
        let zipped = ZTXtChunk::new("Comment", text.clone());
        let mut international = ITXtChunk::new("Comment", text.clone());
        international.compressed = true;
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let refused = Err(PictureError::SecretInFile);
        assert_eq!(label(|i| i.compressed_latin1_text.push(zipped)), refused);
        assert_eq!(label(|i| i.utf8_text.push(international)), refused);
        assert_eq!(label(|i| i.exif_metadata = Some(Cow::Owned(wide))), refused);
    }

    #[test]
    fn a_secret_behind_the_picture_is_found() {
        let grey = drawn(CODE);
        let mut bytes = file(&grey, grey.len().isqrt(), |_| {});
        bytes.extend(SECRET);
        let found = read_safe(&bytes, &Secrets::from([SECRET]));
        assert_eq!(found, Err(PictureError::SecretInFile));
    }

    #[test]
    fn two_symbols_are_no_label() {
        let one = drawn(CODE);
        let width = one.len().isqrt();
        let wide: Vec<u8> = one
            .chunks(width)
            .flat_map(|row| [row, row].concat())
            .collect();
        let found = read(&file(&wide, 2 * width, |_| {}));
        assert_eq!(found, Err(PictureError::Several { found: 2 }));
    }

    #[test]
    fn a_flawless_symbol_is_read_module_by_module() {
        let grey = drawn(CODE);
        let width = grey.len().isqrt();
        let dark: Vec<u8> = grey.iter().map(|g| u8::from(*g == 0)).collect();
        let code = exact::read(&dark, width).unwrap();
        assert_eq!(decoded(&code).unwrap(), CODE.as_bytes());
        let mut flawed = dark;
        let last = flawed.len() - 1;
        *flawed.get_mut(last).unwrap() = 1;
        assert!(exact::read(&flawed, width).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn no_pixels_make_the_finder_panic(grey in prop::collection::vec(prop_oneof![Just(0_u8), Just(255), any::<u8>()], 40 * 40)) {
            let _ = read(&file(&grey, 40, |_| {}));
        }

        #[test]
        fn no_flaws_make_the_symbol_panic(flaws in prop::collection::vec((12_usize..99, 12_usize..99), 0..400)) {
            let mut grey = drawn(CODE);
            let width = grey.len().isqrt();
            for (x, y) in flaws {
                let (x, y) = (x / 3 * 3, y / 3 * 3);
                for at in (0..3).flat_map(|dy| (0..3).map(move |dx| (y + dy) * width + x + dx)) {
                    if let Some(pixel) = grey.get_mut(at) {
                        *pixel = 255 - *pixel;
                    }
                }
            }
            let _ = read(&file(&grey, width, |_| {}));
        }
    }
}
