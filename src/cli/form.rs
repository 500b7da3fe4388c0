//! The form that images leave in: the shared image's own, BIN or HEX.

use std::path::Path;

use eol_inject::image::{Conversion, Format, Image};

use super::args::FormArgs;
use super::error::{CliError, exit};
use super::output::Output;
use super::report::grouped;

impl FormArgs {
    /// Returns the arguments that `verify` needs for such images.
    pub(crate) fn again(&self) -> String {
        let format = self
            .format
            .map(|form| format!(" --format {}", form.extension()));
        let fill = self.gap_fill.map(|fill| format!(" --gap-fill {fill:#04x}"));
        [format, fill].into_iter().flatten().collect()
    }

    /// Returns what images are converted to; nothing where they have that form anyway.
    pub(crate) fn conversion(&self, format: Format) -> Result<Option<Conversion>, CliError> {
        let form = match (self.format, self.gap_fill) {
            (Some(Conversion::Bin { .. }), Some(fill)) => Some(Conversion::Bin { fill }),
            (_, Some(_)) => return Err(CliError::usage("--gap-fill goes with --format bin")),
            (form, None) => form,
        };
        Ok(form.filter(|form| match form {
            Conversion::Bin { .. } => format != Format::Bin,
            Conversion::Hex => format != Format::Hex,
        }))
    }
}

/// Returns the formats that files with an extension have; none where it promises nothing.
fn promised(extension: &str) -> &'static [Format] {
    match extension.to_ascii_lowercase().as_str() {
        "elf" | "axf" => &[Format::Elf],
        "bin" => &[Format::Bin],
        "hex" | "ihex" | "ihx" | "h86" => &[Format::Hex],
        "srec" | "s19" | "s28" | "s37" | "mot" => &[Format::Srec],
        "uf2" => &[Format::Uf2],
        _ => &[],
    }
}

/// Refuses a name that promises another format than the file has: programmers go by the name.
pub(crate) fn fits(file: &Path, image: &Image, form: Option<Conversion>) -> Result<(), CliError> {
    let extension = file.extension().unwrap_or_default().to_string_lossy();
    let written = match form {
        Some(Conversion::Bin { .. }) => Format::Bin,
        Some(Conversion::Hex) => Format::Hex,
        None => image.format(),
    };
    let [promised, ..] = promised(&extension) else {
        return Ok(());
    };
    if *promised == written {
        return Ok(());
    }
    let cure = match promised {
        Format::Bin | Format::Hex if image.format() != *promised => {
            format!("convert it by --format {promised}, or name the file .{written}")
        }
        _ => format!("name the file .{written}"),
    };
    let (name, written) = (file.display(), written.to_string().to_uppercase());
    let message = format!(
        "{name} would be no {}: what is written is {written}",
        promised.to_string().to_uppercase()
    );
    Err(CliError::new(exit::USAGE, "output-extension", message).with_hint(Some(&cure)))
}

/// Proves that the image can be converted, and says what that does.
pub(crate) fn announce(
    image: &Image,
    form: Option<Conversion>,
    output: &Output,
) -> Result<(), CliError> {
    let Some(form) = form else { return Ok(()) };
    image.convertible(form)?;
    let runs = image.runs();
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
        return Ok(());
    };
    let (start, end) = (first.start(), last.end());
    match form {
        Conversion::Bin { fill } => {
            let gaps = image.gaps();
            let filling = grouped(gaps.iter().map(|gap| gap.len()).sum::<u64>());
            output.note(format_args!(
                "written as bin: {start}..{end}, {filling} bytes in {} gap{} filled with \
                 0x{fill:02x}; flash from {start} on",
                gaps.len(),
                if gaps.len() == 1 { "" } else { "s" },
            ));
        }
        Conversion::Hex => {
            output.note(format_args!(
                "written as hex: {start}..{end}, gaps left out"
            ));
        }
    }
    Ok(())
}
