//! Stations without network: a share goes away, is used, and comes back.

use eol_inject::ledger::{
    Clear, Content, LedgerError, ListError, Mapping, Merge, OpenError, Part, PartError, PartState,
    Recipient, Return, Rework, Share, StationKey, UnitError, UnitState,
};
use eol_inject::recipe::SerialFormat;

use super::*;

contract! {
    a_share_is_away_and_never_drawn_at_home
    a_part_is_a_ledger_and_its_units_come_back
    the_sum_holds_over_all_parts
    a_part_has_its_own_run_of_numbers
    a_run_of_numbers_steps_over_known_serials
    named_serials_go_with_their_tokens_and_are_refused_at_home
    bound_serials_go_with_the_tokens_of_the_list
    too_few_tokens_split_nothing_off
    a_serial_that_is_known_cannot_go_away
    a_part_takes_no_list_and_is_not_split
    a_part_that_was_begun_is_gone_on_with
    a_part_leaves_once
    a_closed_part_gives_no_token
    an_unclosed_part_leaves_its_free_tokens_in_quarantine
    serials_of_an_unclosed_part_are_refused_until_they_are_cleared
    serials_of_a_list_in_an_unclosed_part_get_their_token_when_they_are_cleared
    the_same_return_twice_changes_nothing
    a_return_that_was_used_further_is_refused
    a_copy_that_diverged_is_refused_with_the_units_that_share_a_token
    an_overlap_of_serial_or_board_is_refused_and_nothing_is_merged
    a_part_of_another_ledger_is_refused
    a_lost_part_is_burnt_and_does_not_come_back
    what_was_void_or_released_in_the_part_stays_so
    simulated_parts_are_not_merged_into_real_ledgers
    what_was_reworked_in_the_part_is_known_at_home
    a_return_that_its_station_did_not_sign_is_refused
    a_part_that_was_begun_for_one_key_goes_to_no_other
}

/// Splits a share off and makes it a ledger of its own.
fn part_of(home: &mut Ledger, bench: &dyn Bench, share: &Share) -> Box<dyn Bench> {
    let handing = home
        .split(("S1", &recipient()), share, &actor("L1"))
        .unwrap();
    assert!(!handing.resumed());
    let part = bench.another();
    let mut ledger = part.open("S1");
    ledger.found_part(&handing, &actor("L1")).unwrap();
    let handed = home.handed(handing.part().number, &actor("L1")).unwrap();
    assert_eq!(handed.state, PartState::Handed);
    part
}

fn loose(home: &mut Ledger, bench: &dyn Bench, count: usize) -> Box<dyn Bench> {
    part_of(home, bench, &Share::Loose(count))
}

/// Closes a part and reads what it brings.
fn back(part: &dyn Bench) -> Return {
    let mut ledger = part.open("S1");
    ledger.close_part(&actor("S1")).unwrap();
    ledger.bring_back().unwrap().signed(&station_key())
}

fn merge(home: &mut Ledger, back: &Return) -> Merge {
    home.merge(back, &actor("L1")).unwrap()
}

/// What a merge that was refused says, one `about: what` a line.
fn refused(home: &mut Ledger, back: &Return) -> String {
    let before = home.stock().unwrap();
    let error = home.merge(back, &actor("L1")).unwrap_err();
    assert_eq!(home.stock().unwrap(), before);
    assert_clean(home);
    let LedgerError::Part(PartError::PartConflict { findings, .. }) = error else {
        panic!("{error}");
    };
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| format!("{}: {}", finding.about, finding.what))
        .collect();
    lines.join("\n")
}

fn only_part(home: &Ledger) -> Part {
    let parts = home.parts().unwrap();
    assert_eq!(parts.len(), 1);
    parts.into_iter().next().unwrap()
}

fn numbers(text: &str) -> SerialFormat {
    text.to_owned().try_into().unwrap()
}

fn a_share_is_away_and_never_drawn_at_home(bench: &dyn Bench) {
    let mut home = stocked(bench, 5);
    let _part = loose(&mut home, bench, 3);
    let stock = home.stock().unwrap();
    assert_eq!((stock.free, stock.away), (2, 3));
    assert_eq!(finish(&mut home, &claim("GW1")), print_of(3));
    assert_eq!(finish(&mut home, &claim("GW2")), print_of(4));
    assert!(matches!(
        refusal(&mut home, &claim("GW3")),
        Refusal::PoolEmpty { .. }
    ));
    assert_clean(&home);
}

fn a_part_is_a_ledger_and_its_units_come_back(bench: &dyn Bench) {
    let mut home = stocked(bench, 5);
    let part = loose(&mut home, bench, 3);
    let mut station = part.open("S1");
    let of = station.part_of().unwrap().unwrap();
    assert_eq!((of.part.number, of.closed), (1, false));
    assert_eq!(finish(&mut station, &on_board("GW7", "u7")), print_of(0));
    let held = go(&mut station, &on_board("GW8", "u8"));
    station.fail(held, &failure(true)).unwrap();
    assert_clean(&station);
    let record = station.find(&serial("GW7")).unwrap().unwrap();
    drop(station);
    let merged = merge(&mut home, &back(&*part));
    assert_eq!((merged.units, merged.free, merged.already), (2, 1, false));
    let unit = home.find(&serial("GW7")).unwrap().unwrap();
    assert_eq!(unit.fingerprint, record.fingerprint);
    assert_eq!(unit.state, record.state);
    assert_eq!(unit.uid.as_deref(), Some("u7"));
    assert_eq!((unit.station.as_str(), unit.attempt), ("S1", 1));
    assert!(is_done(&mut home, &on_board("GW7", "u7")));
    // The one that failed goes on here, with the token that it has.
    let taken = go(&mut home, &on_board("GW8", "u8"));
    assert_eq!((taken.fingerprint(), taken.attempt()), (print_of(1), 2));
    let told = receipt(&taken);
    home.confirm(&[(taken, told)]).unwrap();
    assert_eq!(finish(&mut home, &claim("GW9")), print_of(2));
    assert_eq!(only_part(&home).state, PartState::Merged);
    let history = home.history(&serial("GW7")).unwrap();
    assert!(history[0].body.contains(&record.event.to_string()));
    assert_clean(&home);
}

fn the_sum_holds_over_all_parts(bench: &dyn Bench) {
    let mut home = stocked(bench, 12);
    finish(&mut home, &claim("GW1"));
    let one = loose(&mut home, bench, 4);
    let two = loose(&mut home, bench, 3);
    let sum = |ledger: &Ledger| {
        let stock = ledger.stock().unwrap();
        stock.free + stock.bound + stock.void + stock.gone + stock.away + stock.quarantined
    };
    assert_eq!(sum(&home), 12);
    let mut station = two.open("S2");
    finish(&mut station, &claim("GW50"));
    drop(station);
    home.void_part(1, &actor("L1")).unwrap();
    assert_eq!((sum(&home), home.stock().unwrap().void), (12, 4));
    merge(&mut home, &back(&*two));
    let stock = home.stock().unwrap();
    assert_eq!(
        (stock.free, stock.bound, stock.void, stock.away),
        (6, 2, 4, 0)
    );
    assert_eq!(sum(&one.open("S1")), 4);
    assert_clean(&home);
}

fn a_part_has_its_own_run_of_numbers(bench: &dyn Bench) {
    let format = numbers("GW{:03}");
    let mut home = stocked(bench, 5);
    home.next_serials(&format, 2).unwrap();
    let share = Share::Counted(2, format.clone());
    let part = part_of(&mut home, bench, &share);
    let next = home.next_serials(&format, 1).unwrap();
    assert_eq!(next, [serial("GW005")]);
    let refused = refusal(&mut home, &claim("GW004"));
    assert!(matches!(refused, Refusal::CheckedOut { part: 1, station, .. } if station == "S1"));
    let mut station = part.open("S1");
    assert!(matches!(
        station.next_serials(&format, 3),
        Err(LedgerError::Unit(UnitError::SerialsUsedUp { left: 2, .. }))
    ));
    let own = station.next_serials(&format, 2).unwrap();
    assert_eq!(own, ["GW003", "GW004"].map(serial));
    assert!(matches!(
        station.next_serials(&format, 1),
        Err(LedgerError::Unit(UnitError::SerialsUsedUp {
            part: Some(1),
            left: 0,
            ..
        }))
    ));
    assert!(matches!(
        station.next_serials(&numbers("X{}"), 1),
        Err(LedgerError::Part(PartError::IsPart { part: 1, .. }))
    ));
    let refused = refusal(&mut station, &claim("GW005"));
    assert!(matches!(refused, Refusal::NotOfPart { part: 1, .. }));
    finish(&mut station, &claim("GW003"));
    drop(station);
    merge(&mut home, &back(&*part));
    // What the part did not use may be made here.
    finish(&mut home, &claim("GW004"));
    assert_clean(&home);
}

fn a_run_of_numbers_steps_over_known_serials(bench: &dyn Bench) {
    let mut home = stocked(bench, 5);
    finish(&mut home, &claim("GW002"));
    let share = Share::Counted(3, numbers("GW{:03}"));
    part_of(&mut home, bench, &share);
    let numbers = only_part(&home).numbers;
    assert_eq!(numbers, Some(("GW{:03}".to_owned(), 3, 6)));
}

fn named_serials_go_with_their_tokens_and_are_refused_at_home(bench: &dyn Bench) {
    let mut home = stocked(bench, 4);
    let bound = Row {
        bound: Some(serial("B9")),
        ..row(9)
    };
    home.import(&list([bound]), &actor("L1")).unwrap();
    let share = Share::Serials(["GW7", "B9"].map(serial).to_vec());
    let part = part_of(&mut home, bench, &share);
    assert!(only_part(&home).listed);
    assert!(matches!(
        refusal(&mut home, &claim("gw7")),
        Refusal::CheckedOut { part: 1, .. }
    ));
    assert!(matches!(
        refusal(&mut home, &claim("B9")),
        Refusal::CheckedOut { part: 1, .. }
    ));
    let mut station = part.open("S1");
    assert_eq!(finish(&mut station, &claim("B9")), print_of(9));
    assert_eq!(finish(&mut station, &claim("GW7")), print_of(0));
    assert!(matches!(
        refusal(&mut station, &claim("GW8")),
        Refusal::PoolEmpty { .. }
    ));
    assert_clean(&station);
    drop(station);
    merge(&mut home, &back(&*part));
    assert!(is_done(&mut home, &claim("GW7")));
    assert_clean(&home);
}

fn bound_serials_go_with_the_tokens_of_the_list(bench: &dyn Bench) {
    let mut home = bench.open("L1");
    let rows = (0..4).map(|n| Row {
        bound: Some(serial(&format!("B{n}"))),
        ..row(n)
    });
    home.import(&list(rows), &actor("L1")).unwrap();
    let part = part_of(&mut home, bench, &Share::Bound(2));
    assert_eq!(home.bound_serials(9).unwrap(), ["B2", "B3"].map(serial));
    assert!(matches!(
        refusal(&mut home, &claim("B1")),
        Refusal::CheckedOut { .. }
    ));
    // A later list cannot give the serial another token meanwhile.
    let other = Row {
        bound: Some(serial("B0")),
        ..row(50)
    };
    let error = home.import(&list([other]), &actor("L1")).unwrap_err();
    assert!(matches!(
        error,
        LedgerError::List(ListError::ListConflict { .. })
    ));
    let mut station = part.open("S1");
    assert_eq!(station.bound_serials(9).unwrap(), ["B0", "B1"].map(serial));
    assert_eq!(finish(&mut station, &claim("B1")), print_of(1));
    drop(station);
    merge(&mut home, &back(&*part));
    assert_eq!(finish(&mut home, &claim("B0")), print_of(0));
    assert_clean(&home);
}

fn too_few_tokens_split_nothing_off(bench: &dyn Bench) {
    let mut home = stocked(bench, 3);
    let error = home
        .split(("S1", &recipient()), &Share::Loose(4), &actor("L1"))
        .unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Part(PartError::PartShort { wanted: 4, free: 3 })
    ));
    assert_eq!(home.stock().unwrap().free, 3);
    assert_eq!(home.parts().unwrap(), []);
    assert_clean(&home);
}

fn a_serial_that_is_known_cannot_go_away(bench: &dyn Bench) {
    let mut home = stocked(bench, 4);
    finish(&mut home, &claim("GW1"));
    let share = Share::Serials(["GW2", "GW1"].map(serial).to_vec());
    let error = home
        .split(("S1", &recipient()), &share, &actor("L1"))
        .unwrap_err();
    assert!(
        matches!(error, LedgerError::Part(PartError::PartSerial { serial, .. }) if serial.as_str() == "GW1")
    );
    assert_eq!(home.stock().unwrap().free, 3);
    part_of(&mut home, bench, &Share::Serials(vec![serial("GW2")]));
    let share = Share::Serials(vec![serial("gw2")]);
    let error = home
        .split(("S2", &recipient()), &share, &actor("L1"))
        .unwrap_err();
    assert!(error.to_string().contains("part 1 has it"), "{error}");
}

fn a_part_takes_no_list_and_is_not_split(bench: &dyn Bench) {
    let mut home = stocked(bench, 4);
    let part = loose(&mut home, bench, 3);
    let mut station = part.open("S1");
    let error = station.import(&list([row(9)]), &actor("S1")).unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Part(PartError::IsPart { part: 1, .. })
    ));
    let error = station.split(("S2", &recipient()), &Share::Loose(1), &actor("S1"));
    assert!(matches!(
        error,
        Err(LedgerError::Part(PartError::IsPart { part: 1, .. }))
    ));
    assert!(matches!(
        home.close_part(&actor("L1")),
        Err(LedgerError::Part(PartError::NotAPart))
    ));
    assert!(matches!(
        home.bring_back(),
        Err(LedgerError::Part(PartError::NotAPart))
    ));
}

fn a_part_that_was_begun_is_gone_on_with(bench: &dyn Bench) {
    let mut home = stocked(bench, 6);
    let share = Share::Loose(3);
    let first = home
        .split(("S1", &recipient()), &share, &actor("L1"))
        .unwrap();
    // Another run of the same ledger does not take it out of a live one's hand.
    let mut other = bench.open("L2");
    assert!(matches!(
        other.split(("S1", &recipient()), &share, &actor("L2")),
        Err(LedgerError::Part(PartError::PartBegun { part: 1, .. }))
    ));
    drop(home);
    assert!(matches!(
        other.split(("S1", &recipient()), &Share::Loose(2), &actor("L2")),
        Err(LedgerError::Part(PartError::PartBegun { count: 3, .. }))
    ));
    let again = other
        .split(("S1", &recipient()), &share, &actor("L2"))
        .unwrap();
    assert!(again.resumed());
    assert_eq!(again.part(), first.part());
    assert_eq!(other.stock().unwrap().away, 3);
    // Another station gets its own.
    let two = other
        .split(("S2", &recipient()), &share, &actor("L2"))
        .unwrap();
    assert_eq!(two.part().number, 2);
    assert_clean(&other);
}

fn a_part_leaves_once(bench: &dyn Bench) {
    let mut home = stocked(bench, 6);
    loose(&mut home, bench, 3);
    let error = home.handed(1, &actor("L1")).unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Part(PartError::PartState {
            part: 1,
            state: "handed",
            ..
        })
    ));
    assert!(matches!(
        home.handed(2, &actor("L1")),
        Err(LedgerError::Part(PartError::NoPart { part: 2 }))
    ));
    assert_clean(&home);
}

fn a_closed_part_gives_no_token(bench: &dyn Bench) {
    let mut home = stocked(bench, 6);
    let part = loose(&mut home, bench, 3);
    let mut station = part.open("S1");
    let held = go(&mut station, &claim("GW1"));
    let error = station.close_part(&actor("S1")).unwrap_err();
    assert!(error.to_string().contains("in work"), "{error}");
    station.fail(held, &failure(false)).unwrap();
    station.close_part(&actor("S1")).unwrap();
    station.close_part(&actor("S1")).unwrap();
    for text in ["GW1", "GW2"] {
        let refused = refusal(&mut station, &claim(text));
        assert!(matches!(refused, Refusal::Closed { part: 1, .. }));
    }
    assert_clean(&station);
}

fn an_unclosed_part_leaves_its_free_tokens_in_quarantine(bench: &dyn Bench) {
    let mut home = stocked(bench, 3);
    let part = loose(&mut home, bench, 3);
    let mut station = part.open("S1");
    finish(&mut station, &claim("GW1"));
    let merged = merge(
        &mut home,
        &station.bring_back().unwrap().signed(&station_key()),
    );
    assert_eq!((merged.free, merged.quarantined), (0, 2));
    let stock = home.stock().unwrap();
    assert_eq!((stock.free, stock.quarantined, stock.bound), (0, 2, 1));
    assert!(matches!(
        refusal(&mut home, &claim("GW2")),
        Refusal::PoolEmpty { .. }
    ));
    assert_clean(&home);
}

fn serials_of_an_unclosed_part_are_refused_until_they_are_cleared(bench: &dyn Bench) {
    let format = numbers("GW{:03}");
    let mut home = stocked(bench, 9);
    let shares = [
        Share::Counted(4, format),
        Share::Serials(["B7", "B8", "B9"].map(serial).to_vec()),
    ];
    for share in &shares {
        let handing = home
            .split(("S1", &recipient()), share, &actor("L1"))
            .unwrap();
        let part = bench.another();
        let mut station = part.open("S1");
        station.found_part(&handing, &actor("L1")).unwrap();
        home.handed(handing.part().number, &actor("L1")).unwrap();
        let first = if share.count() == 4 { "GW001" } else { "B7" };
        finish(&mut station, &claim(first));
        let merged = merge(
            &mut home,
            &station.bring_back().unwrap().signed(&station_key()),
        );
        assert!(merged.part.open);
        assert!(merged.part.since >= merged.part.at);
        // Elsewhere the station goes on with the part's own token.
        let next = if share.count() == 4 { "GW002" } else { "B8" };
        finish(&mut station, &claim(next));
    }
    for (text, number) in [("GW002", 1), ("gw003", 1), ("B8", 2), ("B9", 2)] {
        let refused = refusal(&mut home, &claim(text));
        let Refusal::PartOpen { part, station, .. } = refused else {
            panic!("{refused}");
        };
        assert_eq!((part, station.as_str()), (number, "S1"));
    }
    assert!(is_done(&mut home, &claim("GW001")));
    assert_clean(&home);
    // One may be made here again, by somebody's word; the others wait.
    let one = Clear::Serials(vec![serial("gw003")]);
    let cleared = home.clear(&one, &actor("L1")).unwrap();
    assert_eq!((cleared.tokens, cleared.serials, cleared.parts), (0, 1, 0));
    finish(&mut home, &claim("GW003"));
    let unknown = Clear::Serials(vec![serial("GW777")]);
    assert!(matches!(
        home.clear(&unknown, &actor("L1")),
        Err(LedgerError::Unit(UnitError::NoUnit { .. }))
    ));
    for text in ["GW002", "B9"] {
        let refused = refusal(&mut home, &claim(text));
        assert!(matches!(refused, Refusal::PartOpen { .. }), "{refused}");
    }
    assert_clean(&home);
    let cleared = home.clear(&Clear::All, &actor("L1")).unwrap();
    assert_eq!((cleared.tokens, cleared.serials, cleared.parts), (5, 0, 2));
    assert!(home.parts().unwrap().iter().all(|part| !part.open));
    finish(&mut home, &claim("GW002"));
    finish(&mut home, &claim("B9"));
    assert_clean(&home);
    assert_eq!(home.clear(&Clear::All, &actor("L1")).unwrap().parts, 0);
}

fn serials_of_a_list_in_an_unclosed_part_get_their_token_when_they_are_cleared(bench: &dyn Bench) {
    let mut home = bench.open("L1");
    let rows = (0..3).map(|n| Row {
        bound: Some(serial(&format!("B{n}"))),
        ..row(n)
    });
    home.import(&list(rows), &actor("L1")).unwrap();
    let part = part_of(&mut home, bench, &Share::Bound(2));
    merge(
        &mut home,
        &part.open("S1").bring_back().unwrap().signed(&station_key()),
    );
    let one = Clear::Serials(vec![serial("B1")]);
    let cleared = home.clear(&one, &actor("L1")).unwrap();
    assert_eq!((cleared.tokens, cleared.serials), (1, 1));
    assert_eq!(finish(&mut home, &claim("B1")), print_of(1));
    let refused = refusal(&mut home, &claim("B0"));
    assert!(matches!(refused, Refusal::PartOpen { .. }), "{refused}");
    // What the station made after all comes in with its own token.
    let made = Row {
        bound: Some(serial("B0")),
        ..row(0)
    };
    let mapping = Mapping::of(list([made])).unwrap();
    home.adopt(&mapping, &actor("L1")).unwrap();
    assert_eq!(
        home.find(&serial("B0")).unwrap().unwrap().state,
        UnitState::Delivered
    );
    assert_clean(&home);
}

fn the_same_return_twice_changes_nothing(bench: &dyn Bench) {
    let mut home = stocked(bench, 5);
    let part = loose(&mut home, bench, 3);
    finish(&mut part.open("S1"), &claim("GW1"));
    let back = back(&*part);
    assert!(!merge(&mut home, &back).already);
    let events = home.audit().unwrap().events;
    let again = merge(&mut home, &back);
    assert!(again.already);
    assert_eq!(home.audit().unwrap().events, events);
    assert_clean(&home);
}

fn a_return_that_was_used_further_is_refused(bench: &dyn Bench) {
    let mut home = stocked(bench, 5);
    let part = loose(&mut home, bench, 3);
    let mut station = part.open("S1");
    finish(&mut station, &claim("GW1"));
    merge(
        &mut home,
        &station.bring_back().unwrap().signed(&station_key()),
    );
    finish(&mut station, &claim("GW2"));
    let told = refused(
        &mut home,
        &station.bring_back().unwrap().signed(&station_key()),
    );
    assert!(told.contains("part 1: it was merged already, and the file was used further since"));
    let print = print_of(1);
    assert!(told.contains(&format!(
        "GW2: token {print} is quarantined here, and this unit has it"
    )));
}

fn a_copy_that_diverged_is_refused_with_the_units_that_share_a_token(bench: &dyn Bench) {
    let mut home = stocked(bench, 5);
    let handing = home
        .split(("S1", &recipient()), &Share::Loose(3), &actor("L1"))
        .unwrap();
    let parts = [bench.another(), bench.another()];
    for (part, text) in parts.iter().zip(["GW1", "GW2"]) {
        let mut station = part.open("S1");
        station.found_part(&handing, &actor("L1")).unwrap();
        finish(&mut station, &claim(text));
    }
    home.handed(1, &actor("L1")).unwrap();
    merge(&mut home, &back(&*parts[0]));
    let told = refused(&mut home, &back(&*parts[1]));
    assert!(
        told.contains("part 1: this is a copy of what was merged already"),
        "{told}"
    );
    let print = print_of(0);
    assert!(
        told.contains(&format!(
            "GW2: token {print} is used twice: GW1 has it here"
        )),
        "{told}"
    );
}

fn an_overlap_of_serial_or_board_is_refused_and_nothing_is_merged(bench: &dyn Bench) {
    let mut home = stocked(bench, 6);
    let part = loose(&mut home, bench, 3);
    let mut station = part.open("S1");
    finish(&mut station, &on_board("GW1", "u1"));
    finish(&mut station, &on_board("GW2", "u2"));
    finish(&mut station, &on_board("GW3", "u3"));
    drop(station);
    finish(&mut home, &on_board("gw1", "u9"));
    finish(&mut home, &on_board("GW8", "u2"));
    let told = refused(&mut home, &back(&*part));
    assert!(
        told.contains("GW1: it is delivered here with token"),
        "{told}"
    );
    assert!(told.contains("GW2: its board u2 is GW8 here"), "{told}");
    assert!(!told.contains("GW3"), "{told}");
    assert!(home.find(&serial("GW3")).unwrap().is_none());
}

fn a_part_of_another_ledger_is_refused(bench: &dyn Bench) {
    let mut home = stocked(bench, 5);
    let elsewhere = bench.another();
    let mut other = stocked(&*elsewhere, 5);
    // Different from what this ledger handed out under the same number.
    other.revealed("nothing", &actor("L1")).unwrap();
    let part = loose(&mut other, bench, 3);
    loose(&mut home, bench, 3);
    let error = home.merge(&back(&*part), &actor("L1")).unwrap_err();
    // Ledgers in memory have no number of their own.
    assert!(
        matches!(
            error,
            LedgerError::Part(PartError::PartOther { .. })
                | LedgerError::Part(PartError::PartConflict { .. })
        ),
        "{error}"
    );
    assert_eq!(home.stock().unwrap().away, 3);
}

fn a_lost_part_is_burnt_and_does_not_come_back(bench: &dyn Bench) {
    let mut home = stocked(bench, 5);
    let part = loose(&mut home, bench, 3);
    let void = home.void_part(1, &actor("L1")).unwrap();
    assert_eq!(void.state, PartState::Void);
    let stock = home.stock().unwrap();
    assert_eq!((stock.void, stock.away, stock.free), (3, 0, 2));
    assert_clean(&home);
    let error = home.merge(&back(&*part), &actor("L1")).unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Part(PartError::PartState { state: "void", .. })
    ));
    assert!(matches!(
        home.void_part(1, &actor("L1")),
        Err(LedgerError::Part(PartError::PartState { .. }))
    ));
    assert_clean(&home);
}

fn what_was_void_or_released_in_the_part_stays_so(bench: &dyn Bench) {
    let mut home = stocked(bench, 5);
    let part = loose(&mut home, bench, 3);
    let mut station = part.open("S1");
    finish(&mut station, &on_board("GW1", "u1"));
    station.void(&serial("GW1"), &actor("S1")).unwrap();
    let held = go(&mut station, &claim("GW2"));
    station.fail(held, &failure(false)).unwrap();
    station.release(&serial("GW2"), &actor("S1")).unwrap();
    drop(go(&mut station, &on_board("GW3", "u3")));
    drop(station);
    let merged = merge(&mut home, &back(&*part));
    assert_eq!((merged.units, merged.free), (3, 1));
    assert!(matches!(
        refusal(&mut home, &claim("GW1")),
        Refusal::Void { .. }
    ));
    // The claim whose run ended without a word is still in doubt.
    let record = home.find(&serial("GW3")).unwrap().unwrap();
    assert_eq!(record.outcome, eol_inject::ledger::Outcome::InDoubt);
    finish(&mut home, &claim("GW2"));
    let stock = home.stock().unwrap();
    assert_eq!((stock.void, stock.bound, stock.free), (1, 2, 2));
    assert_clean(&home);
}

fn simulated_parts_are_not_merged_into_real_ledgers(bench: &dyn Bench) {
    let mut home = stocked(bench, 5);
    let part = loose(&mut home, bench, 3);
    let simulated = Identity {
        simulated: Simulated::Yes,
        ..identity("S1")
    };
    finish(
        &mut part.open_for(&scope(), simulated.clone()),
        &claim("GW1"),
    );
    finish(&mut home, &claim("GW2"));
    let mut station = part.open_for(&scope(), simulated);
    station.close_part(&actor("S1")).unwrap();
    let back = station.bring_back().unwrap().signed(&station_key());
    let error = home.merge(&back, &actor("L1")).unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Open(OpenError::SimulatedMixed { .. })
    ));
    assert_clean(&home);
}

fn what_was_reworked_in_the_part_is_known_at_home(bench: &dyn Bench) {
    let mut home = stocked(bench, 6);
    let part = loose(&mut home, bench, 4);
    let mut station = part.open("S1");
    finish(&mut station, &on_board("GW1", "u1"));
    finish(&mut station, &on_board("GW2", "u2"));
    finish(&mut station, &on_board("GW3", "u3"));
    let by = actor("S1");
    let swapped = serial("GW1");
    station
        .rework(&swapped, &Rework::BoardSwapped, &by)
        .unwrap();
    finish(&mut station, &on_board("GW1", "u9"));
    let rehoused = Rework::Rehoused {
        to: serial("GW7"),
        content: Content::Stays,
    };
    station.rework(&serial("GW2"), &rehoused, &by).unwrap();
    station.void(&serial("GW3"), &by).unwrap();
    assert_clean(&station);
    drop(station);
    let merged = merge(&mut home, &back(&*part));
    assert_eq!((merged.units, merged.free), (5, 0));
    assert_clean(&home);
    let stock = home.stock().unwrap();
    assert_eq!(
        (stock.bound, stock.void, stock.free, stock.away),
        (2, 2, 2, 0)
    );
    assert!(is_done(&mut home, &on_board("GW1", "u9")));
    assert!(is_done(&mut home, &on_board("GW7", "u2")));
    let refused = refusal(&mut home, &claim("GW2"));
    assert!(matches!(refused, Refusal::Rehoused { .. }), "{refused}");
    let refused = refusal(&mut home, &claim("GW3"));
    assert!(matches!(refused, Refusal::Void { by, .. } if by.starts_with("anna")));
}

fn a_return_that_its_station_did_not_sign_is_refused(bench: &dyn Bench) {
    let mut home = stocked(bench, 5);
    let part = loose(&mut home, bench, 3);
    let mut station = part.open("S1");
    finish(&mut station, &claim("GW1"));
    station.close_part(&actor("S1")).unwrap();
    let told = refused(&mut home, &station.bring_back().unwrap());
    assert!(
        told.contains("part 1: it carries no signature of its station"),
        "{told}"
    );
    let stranger = StationKey::parse(&format!("eol-inject station key 1\n{}\n", "ab".repeat(32)));
    let back = station.bring_back().unwrap().signed(&stranger.unwrap());
    let told = refused(&mut home, &back);
    let wanted = format!(
        "it is not what the station with the key {} signed",
        recipient().id()
    );
    assert!(told.contains(&wanted), "{told}");
    // Neither is one that comes after the right one.
    merge(&mut home, &self::back(&*part));
    refused(&mut home, &back);
    assert!(merge(&mut home, &self::back(&*part)).already);
}

fn a_part_that_was_begun_for_one_key_goes_to_no_other(bench: &dyn Bench) {
    let mut home = stocked(bench, 6);
    home.split(("S1", &recipient()), &Share::Loose(3), &actor("L1"))
        .unwrap();
    let other = PUBLIC.replace("07a3", "17a3");
    let other = Recipient::parse(&other).unwrap();
    let error = home.split(("S1", &other), &Share::Loose(3), &actor("L1"));
    assert!(matches!(
        error,
        Err(LedgerError::Part(PartError::PartBegun { part: 1, .. }))
    ));
}
