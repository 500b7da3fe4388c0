//! The mirror has every event once, whatever the back end, and a ledger comes out of it again.

use std::path::Path;

use eol_inject::ledger::{Clear, History, KeyPlace, LedgerError, Remaking, RestoreError, Share};

use super::*;

contract! {
    many_writers_tell_every_event_once
    an_event_longer_than_a_block_is_told_once
    a_ledger_in_a_file_is_made_from_the_mirror_of_any
    a_mirror_does_not_clear_what_an_open_part_may_have_made
    a_mirror_that_was_changed_is_refused
    a_ledger_that_is_made_anew_has_what_later_lists_told
}

fn a_ledger_that_is_made_anew_has_what_later_lists_told(bench: &dyn Bench) {
    let folder = tempfile::tempdir().unwrap();
    let mirror = folder.path().join("mirror");
    let bare = |n: usize| Row {
        qr: None,
        picture: None,
        ..row(n)
    };
    let lists = || [list((0..4).map(bare)), list((0..5).map(row))];
    let mut ledger = bench.mirrored(&mirror, "L0");
    for list in lists() {
        ledger.import(&list, &actor("L0")).unwrap();
    }
    finish(&mut ledger, &claim("GW1"));
    assert_clean(&ledger);
    drop(ledger);
    let history = History::find(&mirror, None).unwrap();
    let scope = scope();
    let [first, whole] = lists();
    let both = lists();
    for (name, lists) in [("both", &both[..]), ("whole", &[whole])] {
        let path = folder.path().join(name);
        let remaking = Remaking {
            path: &path,
            scope: &scope,
            identity: identity("L9"),
            place: &KeyPlace::Beside,
        };
        let remade = remaking.anew(history.ledger(), |ledger| {
            ledger.rebuild(&history, lists, None, &actor("L9"))?;
            let entry = ledger.entry(&serial("GW1"))?.unwrap();
            assert!(entry.qr().is_some() && entry.picture().is_some());
            assert_clean(&*ledger);
            Ok(eol_inject::ledger::Replayed::default())
        });
        remade.unwrap();
    }
    // With the first list alone the audit says what is missing.
    let path = folder.path().join("first");
    let remaking = Remaking {
        path: &path,
        scope: &scope,
        identity: identity("L9"),
        place: &KeyPlace::Beside,
    };
    let remade = remaking.anew(history.ledger(), |ledger| {
        ledger.rebuild(&history, &[first], None, &actor("L9"))?;
        let findings = ledger.audit()?.findings;
        assert_eq!(findings.len(), 4);
        assert!(findings[0].what.contains("import that list again"));
        Ok(eol_inject::ledger::Replayed::default())
    });
    remade.unwrap();
}

/// The lines of the only mirror in a folder.
fn lines(folder: &Path) -> Vec<serde_json::Value> {
    let history = History::find(folder, None).unwrap();
    let text = std::fs::read_to_string(history.path()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn many_writers_tell_every_event_once(bench: &dyn Bench) {
    let folder = tempfile::tempdir().unwrap();
    let mut first = bench.mirrored(folder.path(), "L0");
    first.import(&list((0..48).map(row)), &actor("L0")).unwrap();
    std::thread::scope(|threads| {
        for n in 0..4 {
            let mut ledger = bench.mirrored(folder.path(), &format!("L{n}"));
            threads.spawn(move || {
                for unit in 0..10 {
                    finish(&mut ledger, &claim(&format!("GW{n}-{unit}")));
                }
            });
        }
    });
    // The last word of the slowest is told by whoever writes next.
    first.revealed("nothing", &actor("L0")).unwrap();
    let lines = lines(folder.path());
    let mut told: Vec<(String, i64)> = lines
        .iter()
        .skip(1)
        .map(|line| {
            let station = line["station"].as_str().unwrap().to_owned();
            (station, line["link"].as_i64().unwrap())
        })
        .collect();
    told.sort();
    let mut wanted: Vec<(String, i64)> = Vec::new();
    for (station, last, _) in first.audit().unwrap().heads {
        wanted.extend((1..=last).map(|link| (station.clone(), link)));
    }
    wanted.sort();
    assert_eq!(told, wanted);
    let text = std::fs::read_to_string(History::find(folder.path(), None).unwrap().path()).unwrap();
    for n in 0..48 {
        assert!(!text.contains(&token_text(n)), "token {n} is in the mirror");
    }
}

fn an_event_longer_than_a_block_is_told_once(bench: &dyn Bench) {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = bench.mirrored(folder.path(), "L0");
    ledger.import(&list((0..4).map(row)), &actor("L0")).unwrap();
    finish(&mut ledger, &claim("GW0"));
    let by = Actor {
        reason: Some("why ".repeat(20_000)),
        ..actor("L0")
    };
    ledger.void(&serial("GW0"), &by).unwrap();
    drop(ledger);
    let mut ledger = bench.mirrored(folder.path(), "L0");
    finish(&mut ledger, &claim("GW1"));
    let lines = lines(folder.path());
    let longest = lines.iter().map(|line| line.to_string().len()).max();
    assert!(longest.unwrap() > 1 << 16, "{longest:?}");
    let mut seqs: Vec<i64> = lines
        .iter()
        .skip(1)
        .map(|line| line["seq"].as_i64().unwrap())
        .collect();
    assert!(seqs.is_sorted(), "{seqs:?}");
    let count = seqs.len();
    seqs.dedup();
    assert_eq!(seqs.len(), count, "{seqs:?}");
}

/// Makes a ledger in a file from a mirror and the first tokens.
fn rebuild(
    mirror: &Path,
    path: &Path,
    count: usize,
) -> Result<eol_inject::ledger::Replayed, LedgerError> {
    let history = History::find(mirror, None)?;
    let scope = scope();
    let remaking = Remaking {
        path,
        scope: &scope,
        identity: identity("L9"),
        place: &KeyPlace::Beside,
    };
    let lists = [list((0..count).map(row))];
    remaking.anew(history.ledger(), |ledger| {
        ledger.rebuild(&history, &lists, None, &actor("L9"))
    })
}

fn a_ledger_in_a_file_is_made_from_the_mirror_of_any(bench: &dyn Bench) {
    let folder = tempfile::tempdir().unwrap();
    let mirror = folder.path().join("mirror");
    let mut ledger = bench.mirrored(&mirror, "L1");
    let mut rows: Vec<Row> = (0..12).map(row).collect();
    rows[11].claimed = true;
    ledger.import(&list(rows), &actor("L1")).unwrap();
    finish(&mut ledger, &on_board("GW1", "u1"));
    finish(&mut ledger, &claim("GW2"));
    ledger.labelled(&serial("GW1"), &actor("L1")).unwrap();
    let held = go(&mut ledger, &on_board("GW3", "u3"));
    ledger.fail(held, &failure(true)).unwrap();
    drop(go(&mut ledger, &on_board("GW4", "u4")));
    finish(&mut ledger, &claim("GW5"));
    ledger.void(&serial("GW5"), &actor("L1")).unwrap();
    let lost = ledger
        .split(("S1", &recipient()), &Share::Loose(2), &actor("L1"))
        .unwrap();
    ledger.handed(lost.part().number, &actor("L1")).unwrap();
    ledger.void_part(1, &actor("L1")).unwrap();
    let named = Share::Serials(vec![serial("GW8")]);
    ledger
        .split(("S2", &recipient()), &named, &actor("L1"))
        .unwrap();
    ledger.handed(2, &actor("L1")).unwrap();
    let open = Share::Serials(vec![serial("GW9"), serial("GW10")]);
    let open = ledger
        .split(("S3", &recipient()), &open, &actor("L1"))
        .unwrap();
    let part = bench.another();
    let mut station = part.open("S3");
    station.found_part(&open, &actor("L1")).unwrap();
    ledger.handed(3, &actor("L1")).unwrap();
    ledger
        .merge(
            &station.bring_back().unwrap().signed(&station_key()),
            &actor("L1"),
        )
        .unwrap();
    let one = Clear::Serials(vec![serial("GW10")]);
    ledger.clear(&one, &actor("L1")).unwrap();
    let before = (ledger.stock().unwrap(), units(&ledger));
    let parts = ledger.parts().unwrap();
    drop(ledger);

    let path = folder.path().join("again.ledger");
    let done = rebuild(&mirror, &path, 12).unwrap();
    assert_eq!(done.units, 5);
    let mut again = eol_inject::ledger::Sqlite::open(&path, &scope(), identity("L9")).unwrap();
    assert_clean(&again);
    let mut stock = again.stock().unwrap();
    // The list is of today: it does not know any more which token was claimed.
    assert_eq!((before.0.gone, stock.gone), (1, 0));
    (stock.free, stock.gone) = (stock.free - 1, 1);
    assert_eq!((stock, units(&again)), before);
    assert!(matches!(
        refusal(&mut again, &claim("GW8")),
        Refusal::CheckedOut { part: 2, .. }
    ));
    assert_eq!(again.parts().unwrap(), parts);
    assert!(matches!(
        refusal(&mut again, &claim("GW9")),
        Refusal::PartOpen { part: 3, .. }
    ));
    finish(&mut again, &claim("GW10"));
    assert!(is_done(&mut again, &on_board("GW1", "u1")));
    let taken = go(&mut again, &on_board("GW4", "u4"));
    assert_eq!((taken.attempt(), taken.resumed()), (2, true));
    // Of the open part one is bound by now; nothing else is set aside.
    let cleared = again.clear(&Clear::All, &actor("L9")).unwrap();
    assert_eq!((cleared.tokens, cleared.parts), (2, 1));
    let missing = rebuild(&mirror, &folder.path().join("short.ledger"), 2).unwrap_err();
    assert!(
        matches!(
            missing,
            LedgerError::Restore(RestoreError::TokensMissing { .. })
        ),
        "{missing}"
    );
}

fn a_mirror_does_not_clear_what_an_open_part_may_have_made(bench: &dyn Bench) {
    let folder = tempfile::tempdir().unwrap();
    let mut home = bench.mirrored(folder.path(), "L1");
    home.import(&list((0..4).map(row)), &actor("L1")).unwrap();
    let share = Share::Serials(vec![serial("GW1")]);
    let handing = home
        .split(("S1", &recipient()), &share, &actor("L1"))
        .unwrap();
    let part = bench.another();
    let mut station = part.open("S1");
    station.found_part(&handing, &actor("L1")).unwrap();
    home.handed(1, &actor("L1")).unwrap();
    home.merge(
        &station.bring_back().unwrap().signed(&station_key()),
        &actor("L1"),
    )
    .unwrap();
    drop(home);
    // Brought up to date as a restored backup is.
    let mut home = bench.open("L1");
    let history = History::find(folder.path(), None).unwrap();
    home.catch_up(&history, None, &actor("L1")).unwrap();
    let stock = home.stock().unwrap();
    assert_eq!((stock.free, stock.quarantined), (3, 1));
    let refused = refusal(&mut home, &claim("GW1"));
    assert!(matches!(refused, Refusal::PartOpen { .. }), "{refused}");
    assert_clean(&home);
}

/// What can be seen of all units.
fn units(ledger: &Ledger) -> Vec<eol_inject::ledger::UnitRecord> {
    let mut units = Vec::new();
    ledger.units(&mut |unit| units.push(unit)).unwrap();
    units
}

fn a_mirror_that_was_changed_is_refused(bench: &dyn Bench) {
    let folder = tempfile::tempdir().unwrap();
    let mirror = folder.path().join("mirror");
    let mut ledger = bench.mirrored(&mirror, "L1");
    ledger.import(&list((0..4).map(row)), &actor("L1")).unwrap();
    for text in ["GW1", "GW2", "GW3"] {
        finish(&mut ledger, &claim(text));
    }
    drop(ledger);
    let file = History::find(&mirror, None).unwrap().path().to_owned();
    let whole = std::fs::read_to_string(&file).unwrap();
    let without_one: String = whole
        .lines()
        .enumerate()
        .filter(|(number, _)| *number != 3)
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    for (changed, wanted) in [
        (
            whole.replace("GW2", "GW9"),
            "does not follow from the one before it",
        ),
        (without_one, "does not follow from the one before it"),
        (format!("{whole}no line\n"), "is no event"),
    ] {
        std::fs::write(&file, changed).unwrap();
        let error = rebuild(&mirror, &folder.path().join("x.ledger"), 4).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(!folder.path().join("x.ledger").exists());
    }
    std::fs::write(&file, whole).unwrap();
    rebuild(&mirror, &folder.path().join("x.ledger"), 4).unwrap();
    assert!(matches!(
        History::find(folder.path(), None),
        Err(LedgerError::Restore(RestoreError::MirrorAbsent { .. }))
    ));
}
