//! Somebody who can write the database and has no key. He changes rows and makes every hash again,
//! by code that shares nothing with the ledger's own: the audit names what he did.

use eol_inject::ledger::{Audit, LedgerError, StorageError};
use eol_inject::recipe::SerialFormat;
use sha2::{Digest as _, Sha256};

use super::*;

/// An event, as the database has it.
pub struct Told {
    pub seq: i64,
    pub station: String,
    pub at: String,
    pub kind: String,
    pub body: String,
    pub unit: Option<i64>,
}

/// What somebody can do who has the database, and what its owner sees afterwards.
pub trait Database {
    /// Changes rows; no rule hinders him.
    fn run(&self, sql: &str);
    fn number(&self) -> String;
    /// Returns all events by station and place.
    fn events(&self) -> Vec<Told>;
    /// Returns SQL for bytes.
    fn bytes(&self, hex: &str) -> String;
    fn owner(&self) -> &dyn Bench;
    fn open_again(&self) -> Result<(), LedgerError>;
    fn audit(&self) -> Audit;
}

fn part(hash: &mut Sha256, text: &str) {
    hash.update(u64::try_from(text.len()).unwrap().to_be_bytes());
    hash.update(text);
}

/// Numbers each station's events anew and makes their hashes, as `docs/guarantees.md` has them.
pub fn rehash(db: &dyn Database) {
    let number = db.number();
    let mut sql = String::new();
    let mut station = String::new();
    let (mut link, mut head) = (0_u64, Vec::new());
    for event in db.events() {
        if event.station != station {
            let mut hash = Sha256::new();
            hash.update(b"eol-inject/chain/1\0");
            part(&mut hash, &number);
            part(&mut hash, &event.station);
            (link, head) = (0, hash.finalize().to_vec());
            station = event.station;
        }
        link += 1;
        let mut hash = Sha256::new();
        hash.update(b"eol-inject/event/1\0");
        hash.update(&head);
        hash.update(link.to_be_bytes());
        for text in [&event.at, &event.kind, &event.body] {
            part(&mut hash, text);
        }
        head = hash.finalize().to_vec();
        let hex: String = head.iter().map(|byte| format!("{byte:02x}")).collect();
        let hash = db.bytes(&hex);
        let seq = event.seq;
        sql += &format!("UPDATE events SET link = {link}, hash = {hash} WHERE seq = {seq};\n");
        if let Some(unit) = event.unit {
            sql += &format!("UPDATE units SET event = {hash} WHERE id = {unit};\n");
        }
    }
    db.run(&sql);
}

/// A ledger with units in all states, and something after each of them.
fn busy(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 8);
    let format = SerialFormat::try_from("N{:03}".to_owned()).unwrap();
    for text in ["GW1", "GW2"] {
        finish(&mut ledger, &on_board(text, text));
    }
    finish(&mut ledger, &claim("GW3"));
    let held = go(&mut ledger, &claim("GW4"));
    ledger.fail(held, &failure(false)).unwrap();
    finish(&mut ledger, &claim("GW5"));
    ledger.void(&serial("GW5"), &actor("L1")).unwrap();
    ledger.labelled(&serial("GW1"), &actor("L1")).unwrap();
    ledger.next_serials(&format, 3).unwrap();
    finish(&mut ledger, &claim("GW6"));
    assert_clean(&ledger);
}

/// What becomes visible of a change.
struct Forgery {
    sql: String,
    /// One line that the audit must have.
    named: &'static str,
    /// Whether the next program refuses to work, before any audit.
    stops: bool,
}

fn forgeries(db: &dyn Database) -> Vec<Forgery> {
    let db_hex = db.bytes(&"ab".repeat(32));
    let of = |column: &str, serial: &str| {
        format!("(SELECT {column} FROM units WHERE serial = '{serial}')")
    };
    let (one, two) = (print_of(0).to_hex(), print_of(1).to_hex());
    let events = "of its chain, the first";
    let silent = |sql: String, named| Forgery {
        sql,
        named,
        stops: false,
    };
    let loud = |sql: &str, named| Forgery {
        sql: sql.to_owned(),
        named,
        stops: true,
    };
    vec![
        silent(
            format!(
                "DELETE FROM events WHERE unit = {}; UPDATE tokens SET state = 0 WHERE id = {}; \
                 DELETE FROM units WHERE serial = 'GW1'",
                of("id", "GW1"),
                of("token", "GW1")
            ),
            events,
        ),
        silent(
            format!(
                "DELETE FROM events WHERE kind = 'voided'; UPDATE tokens SET state = 1 WHERE id = {}; \
                 UPDATE units SET state = 1, at = (SELECT max(at) FROM events WHERE unit = units.id) \
                 WHERE serial = 'GW5'",
                of("token", "GW5")
            ),
            events,
        ),
        silent(
            format!(
                "UPDATE units SET token = {} + {} - token WHERE serial IN ('GW1', 'GW2'); \
                 UPDATE events SET body = replace(replace(replace(body, '{one}', '#'), '{two}', '{one}'), '#', '{two}')",
                of("token", "GW1"),
                of("token", "GW2")
            ),
            events,
        ),
        silent(
            "UPDATE units SET uid = 'u9' WHERE serial = 'GW1'; \
             UPDATE events SET body = replace(body, '\"uid\":\"GW1\"', '\"uid\":\"u9\"')"
                .to_owned(),
            events,
        ),
        silent(
            "UPDATE events SET kind = 'reprinted' WHERE kind = 'labelled'; \
             UPDATE units SET label = NULL WHERE serial = 'GW1'"
                .to_owned(),
            events,
        ),
        loud(
            "UPDATE facts SET value = 'simulated' WHERE name = 'simulated'; \
             UPDATE events SET body = replace(body, '\"simulated\":false', '\"simulated\":true')",
            "fact simulated: it was written without the ledger's key",
        ),
        loud(
            "DELETE FROM facts WHERE name = 'simulated'",
            "fact simulated: it is unknown, events of units say real",
        ),
        loud(
            "UPDATE facts SET value = '00112233445566778899aabbccddeeff' WHERE name = 'ledger'",
            "fact ledger: it was written without the ledger's key",
        ),
        silent(
            "UPDATE facts SET value = 'generated' WHERE name = 'origin'; \
             UPDATE events SET body = replace(body, '\"origin\":\"export\"', '\"origin\":\"generated\"')"
                .to_owned(),
            "fact origin: it was written without the ledger's key",
        ),
        silent(
            "DELETE FROM facts WHERE name = 'origin'".to_owned(),
            "is missing before it",
        ),
        silent(
            "UPDATE counters SET next = 1".to_owned(),
            "counter N{:03}: it was written without the ledger's key",
        ),
        silent(
            "DELETE FROM pictures WHERE token = 8; UPDATE imports SET pictures = pictures - 1".to_owned(),
            "import 1: it was written without the ledger's key",
        ),
        silent(
            "DELETE FROM pictures WHERE token = 8".to_owned(),
            "its lists brought 8 pictures, 7 are there",
        ),
        silent(
            "UPDATE units SET folded = 'gw99' WHERE serial = 'GW1'".to_owned(),
            "GW1: it is found as \"gw99\", which is another serial",
        ),
        silent(
            format!("INSERT INTO prints SELECT {}, 8", db_hex),
            "token 8: a print of it is not its own",
        ),
        silent(
            "DELETE FROM counters".to_owned(),
            "counter [\"GW-100\",\"N{:03}\"]: it began, and is missing",
        ),
        silent(
            "UPDATE imports SET first = 5".to_owned(),
            "import 1: it was written without the ledger's key",
        ),
        silent(
            "UPDATE imports SET unit = 3".to_owned(),
            "import 1: it was written without the ledger's key",
        ),
        silent(
            "UPDATE imports SET station = 'L9'".to_owned(),
            "import 1: it was written without the ledger's key",
        ),
        loud(
            "UPDATE scopes SET template = 'OTHER'; \
             INSERT INTO scopes (id, product, template, mark) SELECT 9, product, 'TMPLgw100demo', mark FROM scopes",
            "product GW-100: it was written without the ledger's key",
        ),
    ]
}

/// Asserts that whatever is changed without the key is named, with all hashes made again.
pub fn every_forgery_is_named(make: impl Fn() -> Option<Box<dyn Database>>) {
    let Some(first) = make() else { return };
    for forgery in forgeries(&*first) {
        let Some(db) = make() else { return };
        busy(db.owner());
        db.run(&forgery.sql);
        rehash(&*db);
        let audit = db.audit();
        let lines: Vec<String> = audit
            .findings
            .iter()
            .map(|finding| format!("{}: {}", finding.about, finding.what))
            .collect();
        let told = lines.join("\n");
        let sql = &forgery.sql;
        assert!(told.contains(forgery.named), "{sql}\nis not named:\n{told}");
        let opened = db.open_again();
        let stopped = matches!(
            opened,
            Err(LedgerError::Storage(StorageError::Forged { .. }))
        );
        assert_eq!(stopped, forgery.stops, "{sql}: {opened:?}");
    }
}

/// Asserts that the forger's own hashes are the ledger's: else he would be named for his mistakes.
pub fn a_forger_who_changes_nothing_is_not_blamed(make: impl Fn() -> Option<Box<dyn Database>>) {
    let Some(db) = make() else { return };
    busy(db.owner());
    rehash(&*db);
    assert_eq!(db.audit().findings, []);
    db.open_again().unwrap();
}

/// Asserts that nobody is made to free a token by his own hand that a forger wants to be free.
pub fn nothing_forged_is_made_free(make: impl Fn() -> Option<Box<dyn Database>>) {
    let back = "UPDATE units SET state = 0, touched = '0' WHERE serial = 'GW1'";
    let aside = "UPDATE tokens SET state = 5 WHERE id = \
                 (SELECT token FROM units WHERE serial = 'GW1')";
    for sql in [back, aside] {
        let Some(db) = make() else { return };
        busy(db.owner());
        db.run(sql);
        let mut ledger = db.owner().open("L1");
        let by = actor("L1");
        let refused = match sql == back {
            true => ledger.release(&serial("GW1"), &by).map(drop),
            false => ledger.clear(&eol_inject::ledger::Clear::All, &by).map(drop),
        };
        assert!(
            matches!(
                refused,
                Err(LedgerError::Storage(StorageError::Forged { .. }))
            ),
            "{sql}: {refused:?}"
        );
    }
}

/// Asserts that what was forged goes into no unit: a claim that rests on it is refused, before any audit.
pub fn nothing_forged_is_handed_out(make: impl Fn() -> Option<Box<dyn Database>>) {
    let of = |column: &str, serial: &str| {
        format!("(SELECT {column} FROM units WHERE serial = '{serial}')")
    };
    // Forgotten: the unit, what happened to it, and that its token was drawn.
    let forget = format!(
        "DELETE FROM events WHERE unit = {}; UPDATE tokens SET state = 0 WHERE id = {}; \
         DELETE FROM units WHERE serial = 'GW1'",
        of("id", "GW1"),
        of("token", "GW1")
    );
    // Undone: that it was made void.
    let undo = format!(
        "DELETE FROM events WHERE kind = 'voided'; UPDATE tokens SET state = 1 WHERE id = {}; \
         UPDATE units SET state = 1, at = (SELECT max(at) FROM events WHERE unit = units.id) \
         WHERE serial = 'GW5'",
        of("token", "GW5")
    );
    let swap = format!(
        "UPDATE units SET token = {} + {} - token WHERE serial IN ('GW1', 'GW2')",
        of("token", "GW1"),
        of("token", "GW2")
    );
    let kept = "UPDATE units SET state = 0, touched = '0' WHERE serial = 'GW1'".to_owned();
    let free = format!(
        "UPDATE tokens SET state = 0 WHERE id = {}",
        of("token", "GW5")
    );
    for (sql, asked) in [
        (forget, "GW99"),
        (free, "GW99"),
        (undo, "GW5"),
        (swap, "GW1"),
        (kept, "GW1"),
        ("DELETE FROM counters".to_owned(), ""),
    ] {
        let Some(db) = make() else { return };
        busy(db.owner());
        db.run(&sql);
        rehash(&*db);
        let mut ledger = db.owner().open("L1");
        let refused = match asked {
            "" => ledger
                .next_serials(&"N{:03}".to_owned().try_into().unwrap(), 1)
                .map(drop),
            serial => ledger.reserve(&[on_board(serial, "u9")]).map(drop),
        };
        assert!(
            matches!(
                refused,
                Err(LedgerError::Storage(StorageError::Forged { .. }))
            ),
            "{sql}: {refused:?}"
        );
        // A part would hand it out just as well.
        if asked == "GW99" {
            let share = eol_inject::ledger::Share::Loose(1);
            let split = ledger.split(("S1", &recipient()), &share, &actor("L1"));
            assert!(
                matches!(
                    split,
                    Err(LedgerError::Storage(StorageError::Forged { .. }))
                ),
                "{sql}: {split:?}"
            );
        }
    }
}

/// An import that is called unfinished would be dropped with its tokens, and its list taken in anew.
pub fn a_complete_import_is_not_dropped(make: impl Fn() -> Option<Box<dyn Database>>) {
    for units in ["", "DELETE FROM units; "] {
        let Some(db) = make() else { return };
        busy(db.owner());
        db.run(&format!("{units}UPDATE imports SET pending = (1 = 1)"));
        let mut ledger = db.owner().open("L1");
        let refused = ledger.import(&list((0..8).map(row)), &actor("L1"));
        assert!(
            matches!(
                refused,
                Err(LedgerError::Storage(StorageError::Forged { .. }))
            ),
            "{units}: {refused:?}"
        );
    }
}

/// Asserts that a part that was forged gives none of its serials away, and that the audit names it.
pub fn nothing_forged_of_a_part_decides(make: impl Fn() -> Option<Box<dyn Database>>) {
    let part = "part 1: it was written without the ledger's key";
    for (sql, stops, named) in [
        ("UPDATE parts SET state = 3", true, part),
        ("UPDATE parts SET listed = '0'", true, part),
        ("UPDATE parts SET station = 'S9'", true, part),
        (
            "UPDATE part_serials SET cleared = 'x'",
            true,
            "part 1, GW90: it was written without the ledger's key",
        ),
        (
            "DELETE FROM part_serials",
            false,
            "part 1: it was given 1 serials, 0 are there",
        ),
        (
            "INSERT INTO generations SELECT 1, mark FROM facts WHERE number = 1",
            false,
            "generation 1: it was written without the ledger's key",
        ),
    ] {
        let Some(db) = make() else { return };
        busy(db.owner());
        let mut ledger = db.owner().open("L1");
        let share = eol_inject::ledger::Share::Serials(vec![serial("GW90")]);
        ledger
            .split(("S1", &recipient()), &share, &actor("L1"))
            .unwrap();
        drop(ledger);
        assert_eq!(db.audit().findings, []);
        db.run(sql);
        let mut ledger = db.owner().open("L1");
        let claimed = ledger.reserve(&[on_board("GW90", "u9")]);
        let stopped = matches!(
            claimed,
            Err(LedgerError::Storage(StorageError::Forged { .. }))
        );
        assert_eq!(stopped, stops, "{sql}: {claimed:?}");
        drop(ledger);
        let findings = db.audit().findings;
        let told = findings
            .iter()
            .any(|finding| format!("{}: {}", finding.about, finding.what) == named);
        assert!(told, "{sql}\nis not named:\n{findings:?}");
    }
}
