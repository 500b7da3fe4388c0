//! A ledger on a server that is gone while a station's files say that it was there; names of schemas.

use super::*;

fn name<T>(result: Result<T, LedgerError>) -> &'static str {
    result.err().unwrap().name()
}

/// Drops the schema, as its database's owner may.
fn drop_schema(bench: &OnServer) {
    let LedgerUrl::Postgres(url) = bench.server.url.clone() else {
        panic!("no server");
    };
    let mut client = ::postgres::Client::connect(&url, ::postgres::NoTls).unwrap();
    let drop = format!("DROP SCHEMA {} CASCADE", bench.server.schema.quoted());
    client.batch_execute(&drop).unwrap();
}

#[test]
fn a_schema_that_was_dropped_is_not_begun_anew() {
    let Some(bench) = OnServer::new() else { return };
    let mut ledger = bench.try_open("L1").unwrap();
    ledger.import(&list((0..3).map(row)), &actor("L1")).unwrap();
    finish(&mut ledger, &claim("GW1"));
    drop(ledger);
    drop_schema(&bench);
    assert_eq!(name(bench.try_open("L1")), "ledger-lost");
    assert_eq!(
        name(Postgres::inspect(&bench.server, &scope())),
        "ledger-lost"
    );
    assert_eq!(
        name(Postgres::open_existing(
            &bench.server,
            &scope(),
            identity("L1")
        )),
        "ledger-lost"
    );
    let by = actor("L1");
    Postgres::afresh(&bench.server, &scope(), (identity("L1"), &by)).unwrap();
    let ledger = bench.try_open("L1").unwrap();
    let mut kinds = Vec::new();
    ledger
        .events_since(0, &mut |event| kinds.push(event.kind))
        .unwrap();
    assert_eq!(kinds, ["begun"]);
    assert_clean(&ledger);
    let mut ledger = ledger;
    let refused = ledger.import(&list((0..3).map(row)), &actor("L1"));
    assert_eq!(name(refused), "ledger-list-undecided");
    drop(ledger);
    let again = Postgres::afresh(&bench.server, &scope(), (identity("L1"), &by));
    assert_eq!(name(again), "ledger-begun");
}

#[test]
fn a_schema_may_be_named_by_a_word_of_the_language() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    for word in ["user", "table", "select"] {
        let bench = OnServer::at(&cluster.url());
        let server = server(&cluster.url(), word, &bench.server.folder);
        let mut ledger = Postgres::open(&server, &scope(), identity("L1")).unwrap();
        ledger.import(&list((0..3).map(row)), &actor("L1")).unwrap();
        finish(&mut ledger, &claim("GW1"));
        assert_clean(&ledger);
        drop(ledger);
        assert!(Postgres::inspect(&server, &scope()).is_ok(), "{word}");
    }
}
