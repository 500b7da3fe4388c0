//! A token that a board shows, and that nobody here put there: no unit gets it from then on.

use eol_inject::ledger::{Clear, Met, Share, Spot};

use super::*;

contract! {
    a_free_token_that_a_board_shows_is_never_handed_out
    a_token_of_a_unit_is_told_and_stays
    a_token_of_nobody_here_is_unknown
    a_token_that_is_set_aside_and_shown_is_not_cleared
    a_fixed_token_that_another_board_shows_is_not_its_serials_any_more
    a_token_that_a_board_showed_in_a_part_is_spent_at_home
    a_closed_part_writes_nothing
}

fn meet(ledger: &mut Ledger, n: usize) -> Met {
    let due = serial("GW77");
    let spot = Spot {
        uid: Some("u77"),
        due: &due,
    };
    ledger.met(&print_of(n), spot).unwrap()
}

fn told(ledger: &Ledger) -> Vec<String> {
    let mut told = Vec::new();
    let mut note = |event: eol_inject::ledger::Event| {
        if event.kind == "met" {
            told.push(event.body);
        }
    };
    ledger.events_since(0, &mut note).unwrap();
    told
}

fn a_free_token_that_a_board_shows_is_never_handed_out(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    // On a server the next one is held in hand already.
    assert_eq!(finish(&mut ledger, &claim("GW1")), print_of(0));
    assert_eq!(meet(&mut ledger, 1), Met::Nobodys);
    assert_eq!(meet(&mut ledger, 1), Met::Nobodys);
    let events = told(&ledger);
    assert_eq!(events.len(), 1, "{events:?}");
    for part in [&print_of(1).to_hex(), "u77", "GW77", "L1"] {
        let known = part == "L1" || events[0].contains(part);
        assert!(known, "{part}: {events:?}");
    }
    assert!(!events[0].contains(&token_text(1)));
    let stock = ledger.stock().unwrap();
    assert_eq!((stock.free, stock.gone), (1, 1));
    drop(ledger);
    let mut ledger = bench.open("L1");
    assert_eq!(finish(&mut ledger, &claim("GW2")), print_of(2));
    let refused = refusal(&mut ledger, &claim("GW3"));
    assert!(matches!(refused, Refusal::PoolEmpty { .. }));
    // A list that has it once more does not bring it back.
    ledger.import(&list([row(1)]), &actor("L1")).unwrap();
    assert_eq!(ledger.stock().unwrap().free, 0);
    assert_clean(&ledger);
}

fn a_token_of_a_unit_is_told_and_stays(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 2);
    finish(&mut ledger, &on_board("GW1", "u1"));
    finish(&mut ledger, &on_board("GW2", "u2"));
    ledger.void(&serial("GW2"), &actor("L1")).unwrap();
    for (n, name) in [(0, "GW1"), (1, "GW2")] {
        let Met::Unit(unit) = meet(&mut ledger, n) else {
            panic!("{name} has it");
        };
        assert_eq!(unit.serial, serial(name));
    }
    assert!(told(&ledger).is_empty());
    assert_clean(&ledger);
}

fn a_token_of_nobody_here_is_unknown(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 1);
    assert_eq!(meet(&mut ledger, 9), Met::Unknown);
    assert!(told(&ledger).is_empty());
}

fn a_token_that_is_set_aside_and_shown_is_not_cleared(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    ledger.restored(None, &actor("L1")).unwrap();
    assert_eq!(meet(&mut ledger, 1), Met::Nobodys);
    assert_eq!(ledger.clear(&Clear::All, &actor("L1")).unwrap().tokens, 2);
    let drawn = ["GW1", "GW2"].map(|name| finish(&mut ledger, &claim(name)));
    assert_eq!(drawn, [print_of(0), print_of(2)]);
    assert_clean(&ledger);
}

fn a_fixed_token_that_another_board_shows_is_not_its_serials_any_more(bench: &dyn Bench) {
    let mut ledger = bench.open("L1");
    let fixed = Row {
        bound: Some(serial("GW5")),
        ..row(0)
    };
    ledger.import(&list([fixed]), &actor("L1")).unwrap();
    assert_eq!(meet(&mut ledger, 0), Met::Nobodys);
    let refused = refusal(&mut ledger, &claim("GW5"));
    assert!(matches!(
        refused,
        Refusal::BoundElsewhere { state: "gone", .. }
    ));
    assert_clean(&ledger);
}

/// A part with three of five tokens, and its home.
fn part(bench: &dyn Bench) -> (Ledger, Ledger) {
    let mut home = stocked(bench, 5);
    let handing = home
        .split(("S1", &recipient()), &Share::Loose(3), &actor("L1"))
        .unwrap();
    let mut part = bench.another().open("S1");
    part.found_part(&handing, &actor("L1")).unwrap();
    home.handed(1, &actor("L1")).unwrap();
    (home, part)
}

fn a_token_that_a_board_showed_in_a_part_is_spent_at_home(bench: &dyn Bench) {
    let (mut home, mut part) = part(bench);
    // At home it is away, and whoever has the part decides.
    assert_eq!(meet(&mut home, 1), Met::Nobodys);
    assert!(told(&home).is_empty());
    assert_eq!(meet(&mut part, 1), Met::Nobodys);
    assert_clean(&part);
    part.close_part(&actor("S1")).unwrap();
    let back = part.bring_back().unwrap().signed(&station_key());
    let merged = home.merge(&back, &actor("L1")).unwrap();
    assert_eq!(merged.free, 2);
    let stock = home.stock().unwrap();
    assert_eq!((stock.free, stock.gone), (4, 1));
    let names = ["GW1", "GW2", "GW3", "GW4"];
    let drawn = names.map(|name| finish(&mut home, &claim(name)));
    assert!(!drawn.contains(&print_of(1)));
    assert_clean(&home);
}

fn a_closed_part_writes_nothing(bench: &dyn Bench) {
    let (mut home, mut part) = part(bench);
    part.close_part(&actor("S1")).unwrap();
    let back = part.bring_back().unwrap().signed(&station_key());
    assert_eq!(meet(&mut part, 1), Met::Nobodys);
    assert!(told(&part).is_empty());
    home.merge(&back, &actor("L1")).unwrap();
}
