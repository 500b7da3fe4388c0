//! The settings page of Nordic's nRF5 SDK boot loader: a CRC of the application, and CRCs of
//! the settings over it.
//!
//! Source: nRF5 SDK 17, `nrf_dfu_types.h` (`nrf_dfu_settings_t`) and nrfutil
//! `bl_dfu_sett.py`. The application's bytes are those of the flash: gaps count as FF.

use crate::checksum::compute::digest::Hash;
use crate::checksum::feed::{Piece, filled};
use crate::checksum::finding::{Finding, Formula};
use crate::image::structure::{part, stored, take, word};
use crate::image::{Address, Image, Span};
use crate::recipe::Kind;

/// Where the page stands: nRF52832, nRF52840, nRF52810, nRF51; the backup is a page below.
const PAGES: [u64; 4] = [0x7_F000, 0xF_F000, 0x2_F000, 0x3_FC00];
const PAGE: u64 = 0x1000;
/// Offsets in the page, and the end of what the first CRC covers.
const VERSION: u64 = 4;
const BANK_SIZE: u64 = 0x18;
const BANK_CRC: u64 = 0x1C;
const SETTINGS_END: u64 = 0x5C;
/// Boot validation of version 2: CRC, covered bytes (three of type and 64 bytes), and the
/// application's part.
const BOOT_CRC: u64 = 0x25C;
const BOOT: u64 = 0x260;
const BOOT_END: u64 = 0x323;
const BOOT_TYPE: u64 = 0x2A1;
const BOOT_BYTES: u64 = 0x2A2;
/// Types of boot validation.
const BY_CRC: u8 = 1;
const BY_SHA256: u8 = 2;
const BY_ECDSA: u8 = 3;
/// Where an application starts: behind the MBR, or where a SoftDevice says it ends.
const MBR_END: u64 = 0x1000;
const SOFT_DEVICE_SIZE: u64 = 0x3008;
/// Largest flash of the family.
const MOST: u64 = 1024 * 1024;

const CRC32: Formula = Formula::Crc("CRC-32/ISO-HDLC");

/// Makes a field of the page: what it is over, offset, length, formula and name.
type Field<'f> = dyn Fn(Vec<Piece>, u64, u64, Formula, &str) -> Option<Finding> + 'f;

/// Finds the fields of all settings pages whose first CRC is right.
pub(super) fn findings(image: &Image) -> Vec<Finding> {
    let pages = PAGES.into_iter();
    let pages = pages.flat_map(|page| [Some(page), page.checked_sub(PAGE)]);
    let pages = pages.flatten().map(Address::new);
    pages
        .filter_map(|page| fields(image, page))
        .flatten()
        .collect()
}

fn fields(image: &Image, page: Address) -> Option<Vec<Finding>> {
    let field = |pieces, offset, len, formula, what: &str| {
        Finding::fed(
            Kind::NordicSettings,
            pieces,
            part(page, offset, len)?,
            formula,
        )
        .named(format!("Nordic settings page at {page}: {what}"))
        .framed(vec![part(page, 0, BANK_CRC)?])
        .judged(image)
    };
    let over = |from, to: u64| -> Option<Vec<Piece>> {
        Some(vec![Piece::Stored(stored(
            image,
            page,
            from,
            to.checked_sub(from)?,
        )?)])
    };
    let settings = field(
        over(VERSION, SETTINGS_END)?,
        0,
        4,
        CRC32,
        "CRC-32 of the settings",
    )?;
    let size = u64::from(word(image, page, BANK_SIZE)?);
    if !settings.right || size == 0 || size > MOST {
        return None;
    }
    let mut fields = Vec::new();
    // The CRC shows where the application starts.
    let app = starts(image).find_map(|start| {
        let pieces = flash(image, Span::new(start, size)?)?;
        let crc = field(
            pieces.clone(),
            BANK_CRC,
            4,
            CRC32,
            "CRC-32 of the application",
        )?;
        crc.right.then_some((crc, pieces))
    });
    if let Some((crc, pieces)) = app {
        fields.push(crc);
        let boot = over(BOOT, BOOT_END)
            .and_then(|over| field(over, BOOT_CRC, 4, CRC32, "CRC-32 of the boot validation"));
        if let Some(boot) = boot.filter(|boot| boot.right) {
            fields.extend(validation(image, page, pieces, &field));
            fields.push(boot);
        }
    }
    fields.push(settings);
    Some(fields)
}

/// Finds what the boot loader compares the application with at each start.
fn validation(image: &Image, page: Address, app: Vec<Piece>, field: &Field<'_>) -> Option<Finding> {
    match take(image, page, BOOT_TYPE)? {
        [BY_CRC] => field(app, BOOT_BYTES, 4, CRC32, "CRC-32 at boot"),
        [BY_SHA256] => {
            let formula = Formula::Hash(Hash::Sha256);
            field(app, BOOT_BYTES, 32, formula, "SHA-256 at boot")
        }
        [BY_ECDSA] => {
            let mut finding = Finding::refused(
                part(page, BOOT_BYTES, 64)?,
                format!("Nordic settings page at {page}: signature at boot"),
                "make the settings page of the unit's image behind this step with nrfutil",
            );
            finding.covers = app
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Stored(span) => Some(*span),
                    Piece::Constant { .. } => None,
                })
                .collect();
            Some(finding)
        }
        _ => None,
    }
}

/// Returns where an application may start.
fn starts(image: &Image) -> impl Iterator<Item = Address> {
    let soft_device = word(image, Address::new(0), SOFT_DEVICE_SIZE).map(u64::from);
    let soft_device = soft_device.filter(|size| *size < MOST && size.is_multiple_of(PAGE));
    let fixed = [Some(MBR_END), soft_device, Some(0)].into_iter().flatten();
    let runs = image.runs().into_iter().map(|run| run.start());
    fixed.map(Address::new).chain(runs)
}

/// Returns the bytes of `span` as the flash holds them; none where nothing is stored.
fn flash(image: &Image, span: Span) -> Option<Vec<Piece>> {
    image.stored_within(span).next()?;
    filled(image, span, Some(0xFF)).ok()
}
