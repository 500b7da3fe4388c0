//! A role of the stations' own, with the grants that the manual names and no others.

use super::*;
use eol_inject::ledger::{ListError, StorageError};

/// Returns the statements of the manual, for a schema and a role.
fn statements(schema: &str, role: &str) -> Vec<String> {
    let manual = include_str!("../../../../docs/ledger.md");
    let (_, after) = manual.split_once("CREATE ROLE station").unwrap();
    let (block, _) = after.split_once("\n\n").unwrap();
    let block = format!("CREATE ROLE station{block}");
    let named = block
        .replace("eol_inject", schema)
        .replace("TO station", &format!("TO {role}"))
        .replace("ROLE station", &format!("ROLE {role}"));
    let all = named.split(';').map(str::trim).map(str::to_owned);
    all.filter(|one| !one.is_empty()).collect()
}

#[test]
fn a_role_with_the_grants_of_the_manual_works_and_one_without_is_told() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let bench = OnServer::at(&cluster.url());
    let mut owner = bench.open("L1");
    owner.import(&list((0..4).map(row)), &actor("L1")).unwrap();
    drop(owner);
    let mut client = cluster.client();
    let (role, bare) = ("grants_station", "grants_bare");
    for statement in statements(bench.schema(), role) {
        client.batch_execute(&statement).unwrap();
    }
    let schema = bench.schema();
    client
        .batch_execute(&format!(
            "CREATE ROLE {bare} LOGIN; GRANT USAGE ON SCHEMA {schema} TO {bare}"
        ))
        .unwrap();
    let as_role = |role: &str| {
        let url = cluster.url().replace("eol@", &format!("{role}@"));
        server(&url, schema, &bench.server.folder)
    };
    let station = as_role(role);
    let mut ledger = Postgres::open(&station, &scope(), identity("L2")).unwrap();
    // A list that is refused halfway is cleared away, and one that is whole is taken in.
    let twice = Row {
        bound: Some(serial("B1")),
        ..row(0)
    };
    let error = ledger.import(&list([row(9), twice]), &actor("L2"));
    assert!(matches!(
        error,
        Err(LedgerError::List(ListError::ListConflict { .. }))
    ));
    ledger
        .import(&list((9..12).map(row)), &actor("L2"))
        .unwrap();
    finish(&mut ledger, &claim("GW1"));
    let format = "GW{:03}".to_owned().try_into().unwrap();
    ledger.next_serials(&format, 2).unwrap();
    ledger.void(&serial("GW1"), &actor("L2")).unwrap();
    assert_clean(&ledger);
    drop(ledger);
    for outcome in [
        Postgres::open(&as_role(bare), &scope(), identity("L3")).map(drop),
        Postgres::inspect(&as_role(bare), &scope()).map(drop),
    ] {
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, LedgerError::Storage(StorageError::NoRights { .. })),
            "{error:?}"
        );
    }
}
