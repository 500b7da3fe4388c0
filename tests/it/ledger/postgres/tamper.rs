//! Somebody with the database and without the key changes it: the audit names what.

use super::*;
use eol_inject::ledger::OpenError;

/// A ledger with units in all states; returns its station's head for later.
fn busy(bench: &OnServer) {
    let mut ledger = stocked(bench, 8);
    for text in ["GW1", "GW2"] {
        finish(&mut ledger, &on_board(text, text));
    }
    finish(&mut ledger, &claim("GW3"));
    let held = go(&mut ledger, &claim("GW4"));
    ledger.fail(held, &failure(false)).unwrap();
    finish(&mut ledger, &claim("GW5"));
    ledger.void(&serial("GW5"), &actor("L1")).unwrap();
    assert_clean(&ledger);
}

fn client(bench: &OnServer) -> ::postgres::Client {
    let mut client = Cluster::shared().unwrap().client();
    let path = format!("SET search_path = {}", bench.schema());
    client.batch_execute(&path).unwrap();
    client
}

/// Changes something as an administrator for whom no trigger and no reference counts.
fn tamper(bench: &OnServer, sql: &str) {
    let mut client = client(bench);
    client
        .batch_execute("SET session_replication_role = replica")
        .unwrap();
    client.batch_execute(sql).unwrap();
}

/// Returns what the audit says, one `about: what` a line.
fn findings(bench: &OnServer) -> String {
    let audit = bench.inspect().audit().unwrap();
    let lines: Vec<String> = audit
        .findings
        .iter()
        .map(|finding| format!("{}: {}", finding.about, finding.what))
        .collect();
    lines.join("\n")
}

#[test]
fn what_was_changed_is_named() {
    if Cluster::shared().is_none() {
        return;
    }
    let print = |n: usize| print_of(n).to_hex()[..24].to_owned();
    let swapped = format!(
        "GW1: its token is {}, its events say {}",
        print(1),
        print(0)
    );
    let cases: [(&str, &[&str]); 15] = [
        ("SELECT 1", &[]),
        (
            "UPDATE units SET state = 3 WHERE serial = 'GW1'",
            &["GW1: its state is labelled, its events say delivered"],
        ),
        (
            "UPDATE units SET epoch = 7, station = 'L9' WHERE serial = 'GW1'",
            &[
                "GW1: its epoch is 7, its events say 1",
                "GW1: its station is L9",
            ],
        ),
        (
            "DROP INDEX units_token; \
             UPDATE units SET token = 3 - token WHERE serial IN ('GW1', 'GW2'); \
             CREATE UNIQUE INDEX units_token ON units (token, past)",
            &[&swapped],
        ),
        (
            "UPDATE tokens t SET token = o.token FROM tokens o WHERE t.id IN (7, 8) AND o.id = 15 - t.id",
            &["its AuthToken does not open: the row was changed"],
        ),
        (
            "UPDATE tokens SET state = 0 WHERE id = 1",
            &["it is free, but its unit is delivered"],
        ),
        (
            "UPDATE tokens SET state = 1 WHERE id = 8",
            &["it is bound, but no unit has it"],
        ),
        (
            "DELETE FROM pictures WHERE token = 8; DELETE FROM tokens WHERE id = 8",
            &[
                "import 1: it brought 8 tokens, 7 are there",
                "token 8: a print of it",
            ],
        ),
        (
            "UPDATE tokens SET import = 9 WHERE id = 8",
            &["token 8: no list or no key has it"],
        ),
        (
            "DELETE FROM units WHERE serial = 'GW1'",
            &["its events tell of it, its row is missing"],
        ),
        (
            "UPDATE events SET body = replace(body, 'GW3', 'GW8') WHERE kind = 'prepared'",
            &["station L1: event 7 of its chain", "was changed"],
        ),
        (
            "DELETE FROM events WHERE link = 4",
            &["station L1: events 4 to 4 of its chain are missing"],
        ),
        (
            "ALTER TABLE events DISABLE TRIGGER events_stay",
            &["trigger events.events_stay: the ledger's own rule is missing or was changed"],
        ),
        (
            "DROP INDEX units_serial; CREATE INDEX units_serial ON units (product, folded, past)",
            &["index units_serial: the ledger's own rule is missing or was changed"],
        ),
        (
            "CREATE RULE quiet AS ON DELETE TO events DO INSTEAD NOTHING",
            &["rewrite events.quiet: no version made this"],
        ),
    ];
    for (sql, wanted) in cases {
        let bench = OnServer::new().unwrap();
        busy(&bench);
        tamper(&bench, sql);
        let findings = findings(&bench);
        for wanted in wanted {
            assert!(
                findings.contains(wanted),
                "{sql}: {wanted} is not in:\n{findings}"
            );
        }
        assert_eq!(findings.is_empty(), wanted.is_empty(), "{sql}:\n{findings}");
    }
}

#[test]
fn the_tables_themselves_forbid_changes_of_the_past() {
    let Some(bench) = OnServer::new() else { return };
    busy(&bench);
    let mut client = client(&bench);
    for sql in [
        "UPDATE events SET body = '{}'",
        "DELETE FROM events",
        "TRUNCATE events",
        "DELETE FROM units",
        "TRUNCATE units CASCADE",
        "DELETE FROM tokens",
        "TRUNCATE tokens CASCADE",
        "UPDATE tokens SET fingerprint = sha256('x') WHERE id = 1",
        "UPDATE units SET token = 8 WHERE serial = 'GW1'",
        "UPDATE units SET serial = 'GW9'",
        "UPDATE facts SET value = 'simulated'",
        "INSERT INTO prints SELECT fingerprint, 99 FROM tokens WHERE id = 1",
        "UPDATE prints SET token = 3",
        "DELETE FROM prints",
        "UPDATE units SET state = 10",
    ] {
        assert!(client.batch_execute(sql).is_err(), "{sql}");
    }
    assert_eq!(findings(&bench), "");
}

#[test]
fn a_ledger_of_a_later_version_is_refused() {
    let Some(bench) = OnServer::new() else { return };
    drop(stocked(&bench, 1));
    client(&bench)
        .execute("INSERT INTO versions (version) VALUES (99)", &[])
        .unwrap();
    let error = bench.try_open("L1").unwrap_err();
    assert!(
        matches!(
            error,
            LedgerError::Open(OpenError::SchemaNewer { found: 99, .. })
        ),
        "{error}"
    );
}

/// Everything that the server keeps: tables, write-ahead log, what it swapped out.
#[cfg(feature = "sqlite")]
#[test]
fn a_copy_of_the_server_without_the_key_holds_no_secret() {
    use crate::ledger::sqlite::secrets::forms;
    let Some(cluster) = Cluster::own("") else {
        return;
    };
    let bench = OnServer::at(&cluster.url());
    busy(&bench);
    cluster.client().execute("CHECKPOINT", &[]).unwrap();
    let mut wanted = Vec::new();
    for n in [0, 5] {
        wanted.extend(forms(token(n).expose()));
        wanted.extend(forms(qr_text(n).as_bytes()));
        wanted.push(format!("secret column {n}").into_bytes());
        wanted.push(format!("picture of {n}").into_bytes());
    }
    let (mut folders, mut read, mut marked) = (vec![cluster.folder.clone()], 0, false);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                let bytes = std::fs::read(&path).unwrap();
                read += bytes.len();
                marked |= memchr::memmem::find(&bytes, b"\"serial\":\"GW1\"").is_some();
                for wanted in &wanted {
                    let found = memchr::memmem::find(&bytes, wanted);
                    assert_eq!(found, None, "{}", path.display());
                }
            }
        }
    }
    assert!(
        read > 1 << 24 && marked,
        "{read} bytes, the record is among them"
    );
}

/// A ledger and the schema that it is in.
#[cfg(feature = "sqlite")]
struct Forged(OnServer);

#[cfg(feature = "sqlite")]
impl forgery::Database for Forged {
    fn run(&self, sql: &str) {
        let swap = format!(
            "DROP INDEX units_token; {sql}; CREATE UNIQUE INDEX units_token ON units (token, past)"
        );
        tamper(&self.0, &swap);
    }

    fn number(&self) -> String {
        let sql = "SELECT value FROM facts WHERE name = 'ledger'";
        client(&self.0).query_one(sql, &[]).unwrap().get(0)
    }

    fn events(&self) -> Vec<forgery::Told> {
        let sql = "SELECT e.seq, s.name, e.at, e.kind, e.body, e.unit FROM events e \
                   JOIN stations s ON s.id = e.station ORDER BY s.name, e.link";
        let rows = client(&self.0).query(sql, &[]).unwrap();
        let told = |row: &::postgres::Row| forgery::Told {
            seq: row.get(0),
            station: row.get(1),
            at: row.get(2),
            kind: row.get(3),
            body: row.get(4),
            unit: row.get(5),
        };
        rows.iter().map(told).collect()
    }

    fn bytes(&self, hex: &str) -> String {
        format!("decode('{hex}', 'hex')")
    }

    fn owner(&self) -> &dyn Bench {
        &self.0
    }

    fn open_again(&self) -> Result<(), LedgerError> {
        self.0.try_open("L1").map(drop)
    }

    fn audit(&self) -> eol_inject::ledger::Audit {
        self.0.inspect().audit().unwrap()
    }
}

#[cfg(feature = "sqlite")]
fn forged() -> Option<Box<dyn forgery::Database>> {
    Some(Box::new(Forged(OnServer::new()?)))
}

#[cfg(feature = "sqlite")]
#[test]
fn every_forgery_is_named() {
    forgery::every_forgery_is_named(forged);
}

#[cfg(feature = "sqlite")]
#[test]
fn a_forger_who_changes_nothing_is_not_blamed() {
    forgery::a_forger_who_changes_nothing_is_not_blamed(forged);
}

#[test]
fn a_ledger_of_an_earlier_build_is_refused() {
    let Some(bench) = OnServer::new() else { return };
    drop(bench.open("L1"));
    tamper(&bench, "UPDATE versions SET version = 3");
    let error = bench.try_open("L1").unwrap_err();
    assert!(
        matches!(
            error,
            LedgerError::Open(OpenError::SchemaOlder { found: 3, .. })
        ),
        "{error}"
    );
}

#[cfg(feature = "sqlite")]
#[test]
fn a_complete_import_is_not_dropped() {
    forgery::a_complete_import_is_not_dropped(forged);
}

#[test]
fn nothing_forged_is_handed_out() {
    forgery::nothing_forged_is_handed_out(forged);
}

#[test]
fn nothing_forged_of_a_part_decides() {
    forgery::nothing_forged_of_a_part_decides(forged);
}

#[cfg(feature = "sqlite")]
#[test]
fn nothing_forged_is_made_free() {
    forgery::nothing_forged_is_made_free(forged);
}
