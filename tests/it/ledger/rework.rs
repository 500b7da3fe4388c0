//! Units that are worked on once more: what becomes of token, label, board and serial.

use eol_inject::ledger::{
    Claim, Content, LedgerError, Outcome, Refusal, Rework, Reworked, UnitError, UnitState,
};

use super::*;

contract! {
    the_same_board_is_delivered_again_with_another_image
    a_swapped_board_burns_the_token_and_the_serial_starts_anew
    a_swapped_boards_token_names_the_unit_that_had_it
    a_claim_whose_board_broke_is_swapped
    a_swapped_board_may_become_another_unit
    a_bound_serial_with_a_swapped_board_takes_its_next_token_only
    a_rehoused_unit_keeps_board_and_token
    a_rehoused_unit_whose_image_says_the_serial_is_delivered_again
    the_serial_that_was_given_up_is_refused_until_it_is_taken_back
    a_serial_that_is_taken_is_no_new_serial
    a_returned_unit_keeps_its_token_and_is_labelled_again
    what_is_not_made_is_neither_delivered_again_nor_returned
    what_is_void_superseded_or_in_work_is_not_reworked
    rework_is_no_open_claim_of_the_station
    an_outrun_claim_cannot_be_confirmed_after_rework
    a_refused_rework_changes_nothing
    another_templates_unit_is_not_reworked
}

fn do_it(ledger: &mut Ledger, text: &str, rework: &Rework) -> Reworked {
    ledger.rework(&serial(text), rework, &actor("L1")).unwrap()
}

fn refused(ledger: &mut Ledger, text: &str, rework: &Rework) -> String {
    let error = ledger
        .rework(&serial(text), rework, &actor("L1"))
        .unwrap_err();
    assert!(
        matches!(error, LedgerError::Unit(UnitError::NotReworkable { .. })),
        "{error}"
    );
    error.to_string()
}

fn to(text: &str, content: Content) -> Rework {
    Rework::Rehoused {
        to: serial(text),
        content,
    }
}

fn second(claim: Claim) -> Claim {
    Claim {
        image: image("v2"),
        ..claim
    }
}

fn state(ledger: &Ledger, text: &str) -> UnitState {
    ledger.find(&serial(text)).unwrap().unwrap().state
}

fn rows(ledger: &Ledger) -> Vec<(String, UnitState)> {
    let mut rows = Vec::new();
    ledger
        .units(&mut |unit| rows.push((unit.serial.to_string(), unit.state)))
        .unwrap();
    rows
}

fn the_same_board_is_delivered_again_with_another_image(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let print = finish(&mut ledger, &on_board("GW1", "u1"));
    ledger.labelled(&serial("GW1"), &actor("L1")).unwrap();
    let label = ledger.find(&serial("GW1")).unwrap().unwrap().labelled_at;
    refusal(&mut ledger, &second(on_board("GW1", "u1")));

    let done = do_it(&mut ledger, "GW1", &Rework::SameBoard);
    assert_eq!(done.before.state, UnitState::Superseded);
    let after = done.after.unwrap();
    assert_eq!(
        (after.state, after.outcome),
        (UnitState::Reserved, Outcome::Due)
    );
    assert_eq!(
        (after.fingerprint, after.uid.as_deref()),
        (print, Some("u1"))
    );
    assert_clean(&ledger);

    // The same board only, and by whichever run.
    let mut two = bench.open("L2");
    let other = refusal(&mut two, &second(on_board("GW1", "u2")));
    assert!(matches!(other, Refusal::OtherBoard { .. }));
    let again = go(&mut two, &second(on_board("GW1", "u1")));
    assert!(again.resumed());
    let told = receipt(&again);
    let entries = two.confirm(&[(again, told)]).unwrap();
    let record = entries[0].record();
    // Nobody took the label off.
    assert_eq!(
        (record.state, &record.labelled_at),
        (UnitState::Labelled, &label)
    );
    assert_eq!((record.fingerprint, record.image), (print, image("v2")));
    assert_eq!(two.stock().unwrap().free, 2);
    assert_clean(&two);
}

fn a_swapped_board_burns_the_token_and_the_serial_starts_anew(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let old = finish(&mut ledger, &on_board("GW1", "u1"));
    let done = do_it(&mut ledger, "GW1", &Rework::BoardSwapped);
    assert_eq!(
        (done.before.state, done.after),
        (UnitState::Superseded, None)
    );
    let stock = ledger.stock().unwrap();
    assert_eq!((stock.free, stock.bound, stock.void), (2, 0, 1));
    assert!(ledger.entry(&serial("GW1")).unwrap().is_none());
    assert_clean(&ledger);

    let new = finish(&mut ledger, &on_board("GW1", "u2"));
    assert_ne!(old, new);
    let record = ledger.find(&serial("GW1")).unwrap().unwrap();
    assert_eq!((record.state, record.attempt), (UnitState::Delivered, 1));
    let history = ledger.history(&serial("GW1")).unwrap();
    let kinds: Vec<&str> = history.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["reserved", "delivered", "reworked", "reserved", "delivered"]
    );
    assert!(history[2].body.contains(r#""mode":"board-swapped""#));
    assert!(history[2].body.contains(r#""by":"anna""#));
    // No later pool brings the token back.
    let again = ledger.import(&list((0..3).map(row)), &actor("L1")).unwrap();
    assert_eq!((again.added, again.known), (0, 3));
    assert_eq!(finish(&mut ledger, &on_board("GW3", "u3")), print_of(2));
    let empty = refusal(&mut ledger, &on_board("GW4", "u4"));
    assert!(matches!(empty, Refusal::PoolEmpty { .. }));
    assert_clean(&ledger);
}

fn a_swapped_boards_token_names_the_unit_that_had_it(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let old = finish(&mut ledger, &on_board("GW1", "u1"));
    do_it(&mut ledger, "GW1", &Rework::BoardSwapped);
    finish(&mut ledger, &on_board("GW1", "u2"));
    let holder = ledger.holder(&old).unwrap().unwrap();
    assert_eq!(
        (holder.serial, holder.state),
        (serial("GW1"), UnitState::Superseded)
    );
    let owner = ledger.owner(&qr_text(0).parse().unwrap()).unwrap().unwrap();
    assert_eq!(
        (owner.fingerprint, owner.state),
        (old, UnitState::Superseded)
    );
    // The new label is the live unit's.
    let owner = ledger.owner(&qr_text(1).parse().unwrap()).unwrap().unwrap();
    assert_eq!(owner.state, UnitState::Delivered);
}

fn a_claim_whose_board_broke_is_swapped(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let held = go(&mut ledger, &on_board("GW1", "u1"));
    let old = held.fingerprint();
    ledger.fail(held, &failure(true)).unwrap();
    let moved = refusal(&mut ledger, &on_board("GW1", "u2"));
    assert!(matches!(moved, Refusal::OtherBoard { .. }));
    do_it(&mut ledger, "GW1", &Rework::BoardSwapped);
    assert_ne!(finish(&mut ledger, &on_board("GW1", "u2")), old);
    // In doubt, and only a file: neither hinders.
    drop(go(&mut ledger, &on_board("GW2", "u3")));
    do_it(&mut ledger, "GW2", &Rework::BoardSwapped);
    assert_clean(&ledger);
}

fn a_swapped_board_may_become_another_unit(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &on_board("GW1", "u1"));
    do_it(&mut ledger, "GW1", &Rework::BoardSwapped);
    assert!(ledger.on_board("u1").unwrap().is_none());
    finish(&mut ledger, &on_board("GW2", "u1"));
    assert_eq!(
        ledger.on_board("u1").unwrap().unwrap().serial,
        serial("GW2")
    );
    assert_clean(&ledger);
}

fn a_bound_serial_with_a_swapped_board_takes_its_next_token_only(bench: &dyn Bench) {
    let bound = |n: usize| Row {
        bound: Some(serial("GW1")),
        ..row(n)
    };
    let mut ledger = bench.open("L1");
    let first = list([bound(0), row(1)]);
    ledger.import(&first, &actor("L1")).unwrap();
    finish(&mut ledger, &on_board("GW1", "u1"));
    do_it(&mut ledger, "GW1", &Rework::BoardSwapped);
    // Never a token that the console does not know under this serial.
    let none = refusal(&mut ledger, &on_board("GW1", "u2"));
    assert!(matches!(
        none,
        Refusal::BoundElsewhere { state: "void", .. }
    ));
    ledger.import(&list([bound(2)]), &actor("L1")).unwrap();
    assert_eq!(finish(&mut ledger, &on_board("GW1", "u2")), print_of(2));
    assert_clean(&ledger);
}

fn a_rehoused_unit_keeps_board_and_token(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let print = finish(&mut ledger, &on_board("GW1", "u1"));
    ledger.labelled(&serial("GW1"), &actor("L1")).unwrap();
    let done = do_it(&mut ledger, "GW1", &to("GW9", Content::Stays));
    let after = done.after.unwrap();
    assert_eq!(after.state, UnitState::Delivered);
    assert_eq!(
        (after.fingerprint, after.uid.as_deref()),
        (print, Some("u1"))
    );
    assert!(after.digest.is_some());
    assert_eq!(
        (after.labelled_at, after.digest),
        (None, done.before.digest)
    );
    let entry = ledger.entry(&serial("GW9")).unwrap().unwrap();
    assert_eq!(entry.qr().unwrap().payload(), qr_text(0));
    assert!(is_done(&mut ledger, &on_board("GW9", "u1")));
    let owner = ledger.owner(entry.qr().unwrap()).unwrap().unwrap();
    assert_eq!(owner.serial, serial("GW9"));
    ledger.labelled(&serial("GW9"), &actor("L1")).unwrap();
    assert_eq!(
        rows(&ledger),
        [
            ("GW1".to_owned(), UnitState::Superseded),
            ("GW9".to_owned(), UnitState::Labelled),
        ]
    );
    assert_clean(&ledger);
}

fn a_rehoused_unit_whose_image_says_the_serial_is_delivered_again(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let print = finish(&mut ledger, &on_board("GW1", "u1"));
    do_it(&mut ledger, "GW1", &to("GW9", Content::Changes));
    assert_eq!(state(&ledger, "GW9"), UnitState::Reserved);
    assert!(ledger.entry(&serial("GW9")).unwrap().is_none());
    let held = go(&mut ledger, &on_board("GW9", "u1"));
    assert_eq!(held.values().serial, serial("GW9"));
    assert_eq!(held.fingerprint(), print);
    let told = receipt(&held);
    ledger.confirm(&[(held, told)]).unwrap();
    // A file bears the old serial in its name: it is written again in any case.
    let print = finish(&mut ledger, &claim("GW2"));
    do_it(&mut ledger, "GW2", &to("GW8", Content::Stays));
    assert_eq!(state(&ledger, "GW8"), UnitState::Reserved);
    assert_eq!(finish(&mut ledger, &claim("GW8")), print);
    assert_clean(&ledger);
}

fn the_serial_that_was_given_up_is_refused_until_it_is_taken_back(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let print = finish(&mut ledger, &on_board("GW1", "u1"));
    let done = do_it(&mut ledger, "GW1", &to("GW9", Content::Stays));
    let refused = refusal(&mut ledger, &claim("gw1"));
    let told = format!("GW1 has been GW9 since {}: scan that one", done.before.at);
    assert_eq!(refused.to_string(), told);
    do_it(&mut ledger, "GW9", &to("GW1", Content::Stays));
    assert!(is_done(&mut ledger, &on_board("GW1", "u1")));
    assert_eq!(
        ledger.find(&serial("GW1")).unwrap().unwrap().fingerprint,
        print
    );
    assert!(matches!(
        refusal(&mut ledger, &claim("GW9")),
        Refusal::Rehoused { .. }
    ));
    assert_clean(&ledger);
}

fn a_serial_that_is_taken_is_no_new_serial(bench: &dyn Bench) {
    let fixed = Row {
        bound: Some(serial("GW7")),
        ..row(5)
    };
    let mut ledger = stocked(bench, 3);
    ledger.import(&list([fixed]), &actor("L1")).unwrap();
    finish(&mut ledger, &on_board("GW1", "u1"));
    finish(&mut ledger, &on_board("GW2", "u2"));
    for (text, wanted) in [
        ("GW2", "GW2 is another unit, delivered".to_owned()),
        ("gw1", "gw1 is the serial that it has".to_owned()),
        ("GW7", format!("a list fixes GW7 to token {}", print_of(5))),
    ] {
        let told = refused(&mut ledger, "GW1", &to(text, Content::Stays));
        assert!(told.ends_with(&wanted), "{told}");
    }
    assert_eq!(state(&ledger, "GW1"), UnitState::Delivered);
    assert_clean(&ledger);
}

fn a_returned_unit_keeps_its_token_and_is_labelled_again(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let print = finish(&mut ledger, &on_board("GW1", "u1"));
    ledger.labelled(&serial("GW1"), &actor("L1")).unwrap();
    do_it(&mut ledger, "GW1", &Rework::Returned);
    assert_eq!(state(&ledger, "GW1"), UnitState::Reserved);
    // With the image that it left with: it is delivered all the same, not "done".
    assert_eq!(finish(&mut ledger, &on_board("GW1", "u1")), print);
    assert_eq!(state(&ledger, "GW1"), UnitState::Delivered);
    assert_eq!(ledger.stock().unwrap().free, 2);
    assert_clean(&ledger);
}

fn what_is_not_made_is_neither_delivered_again_nor_returned(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &claim("GW1"));
    let held = go(&mut ledger, &on_board("GW2", "u2"));
    ledger.fail(held, &failure(true)).unwrap();
    for (text, state) in [("GW1", "prepared"), ("GW2", "reserved")] {
        let told = refused(&mut ledger, text, &Rework::SameBoard);
        assert!(
            told.contains(&format!("it is {state} and on no board")),
            "{told}"
        );
        let told = refused(&mut ledger, text, &Rework::Returned);
        assert!(
            told.contains(&format!("it is {state}: it never left")),
            "{told}"
        );
    }
}

fn what_is_void_superseded_or_in_work_is_not_reworked(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 4);
    finish(&mut ledger, &on_board("GW1", "u1"));
    ledger.void(&serial("GW1"), &actor("L1")).unwrap();
    let told = refused(&mut ledger, "GW1", &Rework::BoardSwapped);
    assert!(told.contains("it is void since"), "{told}");
    finish(&mut ledger, &on_board("GW2", "u2"));
    do_it(&mut ledger, "GW2", &Rework::BoardSwapped);
    let told = refused(&mut ledger, "GW2", &Rework::BoardSwapped);
    assert!(told.contains("its record ended on"), "{told}");
    let held = go(&mut ledger, &on_board("GW3", "u3"));
    let mut two = bench.open("L2");
    let told = refused(&mut two, "GW3", &Rework::BoardSwapped);
    assert!(told.contains("in work at station L1"), "{told}");
    drop(held);
    let unknown = two.rework(&serial("GW4"), &Rework::SameBoard, &actor("L2"));
    assert!(matches!(
        unknown,
        Err(LedgerError::Unit(UnitError::NoUnit { .. }))
    ));
}

fn rework_is_no_open_claim_of_the_station(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &on_board("GW1", "u1"));
    do_it(&mut ledger, "GW1", &Rework::SameBoard);
    // A batch that makes so many good units must not turn it into a file.
    assert_eq!(ledger.open_claims("L1").unwrap(), []);
    let held = go(&mut ledger, &on_board("GW1", "u1"));
    ledger.fail(held, &failure(true)).unwrap();
    assert_eq!(ledger.open_claims("L1").unwrap(), [serial("GW1")]);
}

fn an_outrun_claim_cannot_be_confirmed_after_rework(bench: &dyn Bench) {
    let mut one = stocked(bench, 3);
    let lost = go(&mut one, &on_board("GW1", "u1"));
    let told = receipt(&lost);
    drop(one);
    let mut two = bench.open("L2");
    do_it(&mut two, "GW1", &Rework::BoardSwapped);
    let error = two.confirm(&[(lost, told)]).unwrap_err();
    assert!(matches!(error, LedgerError::Unit(UnitError::Stale { .. })));
    assert_clean(&two);
}

fn a_refused_rework_changes_nothing(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &on_board("GW1", "u1"));
    finish(&mut ledger, &on_board("GW2", "u2"));
    let before = (rows(&ledger), ledger.stock().unwrap());
    refused(&mut ledger, "GW1", &to("GW2", Content::Stays));
    assert_eq!((rows(&ledger), ledger.stock().unwrap()), before);
    assert_eq!(ledger.history(&serial("GW1")).unwrap().len(), 2);
}

fn another_templates_unit_is_not_reworked(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &on_board("GW1", "u1"));
    let other = Scope {
        template: Some("TMPLother".to_owned()),
        ..scope()
    };
    let mut other = bench.open_for(&other, identity("L1"));
    let told = refused(&mut other, "GW1", &Rework::SameBoard);
    assert!(told.contains("another template"), "{told}");
}
