//! Somebody with the file and without the key changes it: the audit names what.

use std::fs;

use eol_inject::ledger::{Evidence, Mapping, OpenError, Rework, Witness};
use rusqlite::Connection;

use super::*;

/// A ledger with units in all states.
fn busy(bench: &InFile) {
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

/// Lists `kind name`, text of the ledger's own rules.
fn rules(conn: &Connection) -> Vec<(String, String)> {
    let sql = "SELECT type || ' ' || name, sql FROM sqlite_schema \
               WHERE type IN ('trigger', 'index') AND sql IS NOT NULL";
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

/// Takes the rules away, changes something, and puts the rules back.
fn tamper(bench: &InFile, sql: &str) {
    let conn = Connection::open(&bench.path).unwrap();
    conn.pragma_update(None, "foreign_keys", false).unwrap();
    let rules = rules(&conn);
    for (name, _) in &rules {
        conn.execute_batch(&format!("DROP {name}")).unwrap();
    }
    conn.execute_batch(sql).unwrap();
    for (_, sql) in &rules {
        conn.execute_batch(sql).unwrap();
    }
}

/// Returns what the audit says, one `about: what` a line.
fn findings(bench: &InFile) -> String {
    let audit = bench.inspect().unwrap().audit().unwrap();
    let lines: Vec<String> = audit
        .findings
        .iter()
        .map(|finding| format!("{}: {}", finding.about, finding.what))
        .collect();
    lines.join("\n")
}

fn found(sql: &str, wanted: &[&str]) {
    let bench = InFile::new();
    busy(&bench);
    tamper(&bench, sql);
    let findings = findings(&bench);
    for wanted in wanted {
        assert!(findings.contains(wanted), "{wanted} is not in:\n{findings}");
    }
}

#[test]
fn a_tamperer_who_changes_nothing_is_not_blamed() {
    let bench = InFile::new();
    busy(&bench);
    tamper(&bench, "SELECT 1");
    assert_eq!(findings(&bench), "");
}

#[test]
fn a_changed_state_is_named() {
    found(
        "UPDATE units SET state = 3 WHERE serial = 'GW1'",
        &["GW1: its state is labelled, its events say delivered"],
    );
}

#[test]
fn every_changed_field_is_named() {
    for (change, wanted) in [
        ("serial = 'GW9', folded = 'gw9'", "GW9: its serial is GW9"),
        ("uid = 'u9'", "GW1: its board is u9, its events say GW1"),
        ("image = zeroblob(32)", "GW1: its image is 000000"),
        ("digest = NULL", "GW1: its digest is nothing"),
        ("epoch = 7", "GW1: its epoch is 7, its events say 1"),
        ("station = 'L9'", "GW1: its station is L9"),
        ("touched = 0", "GW1: its touched is false"),
        ("durable = 0", "GW1: its durable is false"),
        ("label = 'x'", "GW1: its label is x"),
        ("at = 'x'", "GW1: its time is x"),
        ("event = zeroblob(32)", "GW1: its event is 000000"),
        ("target = 'file'", "GW1: its target is file"),
    ] {
        let sql = format!("UPDATE units SET {change} WHERE serial = 'GW1'");
        found(&sql, &[wanted]);
    }
}

#[test]
fn a_swapped_pair_of_tokens_is_named_by_unit() {
    let two = |n: usize| print_of(n).to_hex()[..24].to_owned();
    found(
        "UPDATE units SET token = 3 - token WHERE serial IN ('GW1', 'GW2')",
        &[
            &format!("GW1: its token is {}, its events say {}", two(1), two(0)),
            &format!("GW2: its token is {}, its events say {}", two(0), two(1)),
        ],
    );
}

#[test]
fn swapped_secrets_do_not_open() {
    found(
        "CREATE TEMP TABLE o AS SELECT id, token FROM tokens; \
         UPDATE tokens SET token = (SELECT token FROM o WHERE o.id = 15 - tokens.id) \
         WHERE id IN (7, 8)",
        &[
            &format!("token {}: its AuthToken does not open", print_of(6)),
            &format!("token {}: its AuthToken does not open", print_of(7)),
        ],
    );
    found(
        "UPDATE tokens SET qr = (SELECT qr FROM tokens o WHERE o.id = 8) WHERE id = 7",
        &[&format!(
            "token {}: its QR Token does not open",
            print_of(6)
        )],
    );
    found(
        "UPDATE pictures SET picture = zeroblob(50) WHERE token = 7",
        &[&format!("token {}: its picture does not open", print_of(6))],
    );
}

#[test]
fn a_token_made_free_again_is_named() {
    let first = print_of(0);
    found(
        "UPDATE tokens SET state = 0 WHERE id = 1",
        &[&format!(
            "token {first}: it is free, but its unit is delivered"
        )],
    );
    let void = print_of(4);
    found(
        "UPDATE tokens SET state = 0 WHERE id = 5",
        &[&format!("token {void}: it is free, but its unit is void")],
    );
}

/// A ledger with a swapped board, a unit that came back, an adopted and an attested one.
fn reworked(bench: &InFile) {
    let mut ledger = stocked(bench, 8);
    finish(&mut ledger, &on_board("GW1", "u1"));
    finish(&mut ledger, &on_board("GW2", "u2"));
    for (text, rework) in [("GW1", Rework::BoardSwapped), ("GW2", Rework::Returned)] {
        ledger.rework(&serial(text), &rework, &actor("L1")).unwrap();
    }
    let old = Row {
        bound: Some(serial("GW8")),
        ..row(7)
    };
    let mapping = Mapping::of(list([old])).unwrap();
    ledger.adopt(&mapping, &actor("L1")).unwrap();
    finish(&mut ledger, &claim("GW3"));
    let seen = Evidence {
        line: 1,
        serial: serial("GW3"),
        fingerprint: None,
        uid: None,
        image: None,
        witness: Witness::List,
        passed: true,
    };
    ledger.attest(&[seen], &actor("L1")).unwrap();
    assert_clean(&ledger);
}

#[test]
fn what_rework_and_joining_wrote_is_held_to_their_events() {
    let swapped = print_of(0);
    for (sql, wanted) in [
        (
            "UPDATE tokens SET state = 0 WHERE id = 1",
            format!("token {swapped}: it is free, but it was burnt when its board was swapped"),
        ),
        (
            "UPDATE units SET state = 2 WHERE serial = 'GW2' AND past = 0",
            "GW2: its state is delivered, its events say reserved".to_owned(),
        ),
        (
            "UPDATE units SET uid = 'u9' WHERE serial = 'GW2' AND past = 0",
            "GW2: its board is u9, its events say u2".to_owned(),
        ),
        (
            "UPDATE units SET uid = 'u9' WHERE serial = 'GW8'",
            "GW8: its board is u9, its events say nothing".to_owned(),
        ),
        (
            "UPDATE units SET target = 'file' WHERE serial = 'GW3'",
            "GW3: its target is file, its events say program".to_owned(),
        ),
        (
            "UPDATE units SET state = 2, past = 0 WHERE id = 1",
            "GW1: its state is delivered, its events say superseded".to_owned(),
        ),
    ] {
        let bench = InFile::new();
        reworked(&bench);
        tamper(&bench, sql);
        let findings = findings(&bench);
        assert!(
            findings.contains(&wanted),
            "{wanted} is not in:\n{findings}"
        );
    }
}

#[test]
fn an_orphaned_token_is_named() {
    let last = print_of(7);
    found(
        "UPDATE tokens SET state = 1 WHERE id = 8",
        &[&format!("token {last}: it is bound, but no unit has it")],
    );
    found(
        "UPDATE tokens SET state = 3 WHERE id = 8",
        &[&format!("token {last}: it is gone, but no unit has it")],
    );
}

#[test]
fn a_missing_or_additional_token_is_named() {
    found(
        "DELETE FROM pictures WHERE token = 8; DELETE FROM tokens WHERE id = 8",
        &["import 1: it brought 8 tokens, 7 are there"],
    );
    found(
        "UPDATE tokens SET fingerprint = randomblob(32) WHERE id = 8",
        &["import 1: its tokens are not those that were imported"],
    );
    found(
        "INSERT INTO imports SELECT 9, scope, first, unit, run, station, 0, 0, zeroblob(32) FROM imports; \
         UPDATE tokens SET import = 9 WHERE id = 8",
        &[
            "import 1: it brought 8 tokens, 7 are there",
            "import 9: 1 tokens are there and no event tells of them",
        ],
    );
}

#[test]
fn a_missing_unit_is_named() {
    found(
        "DELETE FROM units WHERE serial = 'GW1'",
        &["unit 1: its events tell of it, its row is missing"],
    );
}

#[test]
fn a_unit_without_events_is_named() {
    found(
        "UPDATE events SET unit = NULL WHERE unit = 1",
        &["GW1: no event tells of this unit"],
    );
}

#[test]
fn a_changed_event_is_named() {
    found(
        "UPDATE events SET body = replace(body, 'GW3', 'GW8') WHERE seq = 6",
        &["station L1: event 6 of its chain (seq 6) was changed"],
    );
    found(
        "UPDATE events SET at = '2020-01-01T00:00:00Z' WHERE seq = 6",
        &["station L1: event 6 of its chain (seq 6) was changed"],
    );
}

#[test]
fn a_removed_event_is_named() {
    found(
        "DELETE FROM events WHERE seq = 4",
        &["station L1: events 4 to 4 of its chain are missing"],
    );
    // Closing the gap in the numbers does not close the chain.
    found(
        "DELETE FROM events WHERE seq = 4; UPDATE events SET link = link - 1 WHERE link > 4",
        &["station L1: event 4 of its chain (seq 5) was changed"],
    );
}

#[test]
fn a_cut_tail_is_seen_by_the_tables_or_by_a_witness() {
    found(
        "DELETE FROM events WHERE seq > 10",
        &["GW5: its state is void, its events say"],
    );
    // With the tables set back too, only a witness from outside knows better.
    let bench = InFile::new();
    busy(&bench);
    let before = fs::read(&bench.path).unwrap();
    let witness = bench.inspect().unwrap().audit().unwrap().heads;
    finish(&mut bench.open("L1"), &claim("GW6"));
    let later = bench.inspect().unwrap().audit().unwrap().heads;
    fs::write(&bench.path, before).unwrap();
    let audit = bench.inspect().unwrap().audit().unwrap();
    assert_eq!(audit.findings, []);
    assert_eq!(audit.heads, witness);
    assert_ne!(audit.heads, later);
}

#[test]
fn a_rule_that_was_taken_away_is_named() {
    let bench = InFile::new();
    busy(&bench);
    let conn = Connection::open(&bench.path).unwrap();
    conn.execute_batch("DROP TRIGGER events_same; CREATE TABLE mine (x)")
        .unwrap();
    let findings = findings(&bench);
    assert!(findings.contains("trigger events_same: the ledger's own rule is missing"));
    assert!(findings.contains("table mine: no version made this"));
}

#[test]
fn the_tables_themselves_forbid_changes_of_the_past() {
    let bench = InFile::new();
    busy(&bench);
    let conn = Connection::open(&bench.path).unwrap();
    for sql in [
        "UPDATE events SET body = '{}'",
        "DELETE FROM events",
        "DELETE FROM units",
        "DELETE FROM tokens",
        "UPDATE tokens SET fingerprint = zeroblob(32) WHERE id = 1",
        "UPDATE units SET token = 8 WHERE id = 1",
        "UPDATE units SET serial = 'GW9'",
        "UPDATE facts SET value = 'simulated'",
        "INSERT INTO prints SELECT fingerprint, 99 FROM tokens WHERE id = 1",
        "UPDATE prints SET token = 3",
        "DELETE FROM prints",
        "UPDATE units SET state = 10",
    ] {
        assert!(conn.execute_batch(sql).is_err(), "{sql}");
    }
    drop(conn);
    assert_eq!(findings(&bench), "");
}

/// A ledger and the file that it is in.
pub struct Forged(pub InFile);

impl forgery::Database for Forged {
    fn run(&self, sql: &str) {
        tamper(&self.0, sql);
    }

    fn number(&self) -> String {
        let conn = Connection::open(&self.0.path).unwrap();
        let sql = "SELECT value FROM facts WHERE name = 'ledger'";
        conn.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn events(&self) -> Vec<forgery::Told> {
        let conn = Connection::open(&self.0.path).unwrap();
        let sql = "SELECT e.seq, s.name, e.at, e.kind, e.body, e.unit FROM events e \
                   JOIN stations s ON s.id = e.station ORDER BY s.name, e.link";
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            Ok(forgery::Told {
                seq: row.get(0)?,
                station: row.get(1)?,
                at: row.get(2)?,
                kind: row.get(3)?,
                body: row.get(4)?,
                unit: row.get(5)?,
            })
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    fn bytes(&self, hex: &str) -> String {
        format!("x'{hex}'")
    }

    fn owner(&self) -> &dyn Bench {
        &self.0
    }

    fn open_again(&self) -> Result<(), LedgerError> {
        self.0.try_open().map(drop)
    }

    fn audit(&self) -> eol_inject::ledger::Audit {
        self.0.inspect().unwrap().audit().unwrap()
    }
}

fn forged() -> Option<Box<dyn forgery::Database>> {
    Some(Box::new(Forged(InFile::new())))
}

#[test]
fn every_forgery_is_named() {
    forgery::every_forgery_is_named(forged);
}

#[test]
fn a_forger_who_changes_nothing_is_not_blamed() {
    forgery::a_forger_who_changes_nothing_is_not_blamed(forged);
}

#[test]
fn a_ledger_of_an_earlier_build_is_refused() {
    let bench = InFile::new();
    busy(&bench);
    let conn = Connection::open(&bench.path).unwrap();
    conn.pragma_update(None, "user_version", 3).unwrap();
    drop(conn);
    for error in [bench.try_open().err(), bench.inspect().err()] {
        let error = error.unwrap();
        assert!(
            matches!(
                error,
                LedgerError::Open(OpenError::SchemaOlder { found: 3, .. })
            ),
            "{error}"
        );
    }
}

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

#[test]
fn nothing_forged_is_made_free() {
    forgery::nothing_forged_is_made_free(forged);
}
