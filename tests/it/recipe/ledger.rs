//! Which ledger.

use eol_inject::recipe::{LedgerUrl, SchemaName};

#[test]
fn an_address_is_shown_without_its_password() {
    let shown = |url: &str| LedgerUrl::try_from(url.to_owned()).unwrap().to_string();
    assert_eq!(
        shown("postgres://eol:se@cr/et@db1:5432,db2/line?password=x"),
        "postgres://db1:5432,db2/line"
    );
    assert_eq!(shown("postgresql://db/line"), "postgres://db/line");
    assert_eq!(shown("sqlite:a.ledger"), "sqlite:a.ledger");
    let url = LedgerUrl::try_from("postgres://eol:hidden@db/line".to_owned()).unwrap();
    assert!(!format!("{url:?}").contains("hidden"));
    let error = LedgerUrl::try_from("mysql://eol:hidden@db".to_owned()).unwrap_err();
    assert!(!error.contains("hidden"));
}

#[test]
fn a_schema_name_is_plain_and_none_of_the_servers_own() {
    let name = |text: &str| SchemaName::try_from(text.to_owned());
    assert_eq!(name("line_2").unwrap().as_str(), "line_2");
    assert_eq!(name("user").unwrap().quoted(), "\"user\"");
    let error = name("information_schema").unwrap_err();
    assert!(error.contains("the server's own"), "{error}");
    for bad in ["", "Line", "2nd", "pg_x", "a-b", "a\"b", &"a".repeat(64)] {
        assert!(name(bad).is_err(), "{bad}");
    }
}
