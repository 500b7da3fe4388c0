//! The tables' own rules, as the server tells them.

use super::*;

const LIST: &str = include_str!("../../../../src/ledger/storage/migrations/rules.postgres.sql");
const FILE: &str = "src/ledger/storage/migrations/rules.postgres.txt";

/// The list is kept by hand's will only: `EOL_INJECT_BLESS=1` writes it anew.
#[test]
fn the_rules_that_the_audit_wants_are_those_that_the_migrations_make() {
    let Some(bench) = OnServer::new() else { return };
    drop(bench.open("L1"));
    let mut client = Cluster::shared().unwrap().client();
    client
        .batch_execute(&format!("SET search_path = {}", bench.schema()))
        .unwrap();
    let rows = client.query(LIST, &[]).unwrap();
    let lines: String = rows
        .iter()
        .map(|row| row.get::<_, String>(0).replace('\n', " ") + "\n")
        .collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os("EOL_INJECT_BLESS").is_some() {
        std::fs::write(&file, &lines).unwrap();
    }
    assert!(lines.lines().count() > 100);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), lines);
}
