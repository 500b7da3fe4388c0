//! The program's words and exit codes: one case per file in `tests/cli`.

#![cfg(feature = "cli")]

#[test]
fn cli() {
    trycmd::TestCases::new()
        .env("EOL_STATION", "test-station")
        .env("NO_COLOR", "1")
        .case("tests/cli/*.toml");
}
