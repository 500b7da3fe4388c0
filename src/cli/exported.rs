//! The record as `ledger export` writes it, read back.

use eol_inject::pool::Sheet;

use super::error::CliError;

/// One unit of the table; what is empty is not known.
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) line: u32,
    pub(crate) serial: String,
    pub(crate) fingerprint: String,
    pub(crate) uid: String,
    pub(crate) state: String,
    pub(crate) simulated: bool,
}

/// Reads the units of a table, each by the names of its columns; `wrong` says of which file it is.
pub(crate) fn rows(bytes: &[u8], wrong: &dyn Fn(String) -> CliError) -> Result<Vec<Row>, CliError> {
    let mut sheet = Sheet::new(bytes).map_err(|error| wrong(error.to_string()))?;
    let column = |name: &str| sheet.column(&[name]);
    let columns = column("serial").and_then(|serial| {
        let needed = serial.zip(column("fingerprint")?);
        let simulated = column("simulated").ok().flatten();
        Ok((needed, column("chip_uid")?, column("state")?, simulated))
    });
    let (needed, uid, state, simulated) = columns.map_err(|error| wrong(error.to_string()))?;
    let Some((serial, fingerprint)) = needed else {
        let what = "the first line names no columns serial and fingerprint";
        return Err(wrong(what.to_owned()));
    };
    let mut rows = Vec::new();
    while let Some(line) = sheet.next_row().map_err(|error| wrong(error.to_string()))? {
        let given = |column: Option<usize>| sheet.given(column).unwrap_or_default().to_owned();
        rows.push(Row {
            line,
            serial: given(Some(serial)),
            fingerprint: given(Some(fingerprint)),
            uid: given(uid),
            state: given(state),
            simulated: given(simulated) == "true",
        });
    }
    Ok(rows)
}
