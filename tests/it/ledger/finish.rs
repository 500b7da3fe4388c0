//! What comes of a claim: confirmed, failed, labelled, released, void.

use eol_inject::ledger::{
    Attempt, Claim, LedgerError, Outcome, Refusal, Target, UnitError, UnitState,
};

use eol_inject::unit::Fingerprint;

use super::*;

contract! {
    a_prepared_unit_is_claimed_anew_when_its_file_does_not_count
    a_label_made_again_is_on_record_and_names_its_owner
    a_file_makes_a_unit_prepared_and_a_board_delivered
    a_prepared_unit_is_done_for_the_same_image
    a_prepared_unit_may_get_another_image_before_a_board_was_seen
    a_prepared_unit_is_delivered_when_its_board_shows_up
    a_finished_serial_is_done_with_the_same_image
    a_finished_serial_is_refused_with_another_image
    a_receipt_of_another_unit_is_refused_and_the_group_stands_still
    the_same_confirm_twice_is_one
    a_failed_confirm_leaves_the_whole_group_to_try_again
    the_entry_has_what_its_label_needs
    a_unit_without_an_outcome_is_in_doubt_on_a_board_only
    a_failure_keeps_claim_and_token
    a_label_is_read_once
    a_label_may_be_read_before_the_board_is_seen
    a_label_on_a_unit_without_image_is_refused
    a_claim_that_touched_nothing_is_released
    a_claim_that_touched_something_is_not_released
    a_claim_without_an_outcome_is_not_released
    a_claim_in_work_is_neither_released_nor_voided
    a_void_token_is_never_handed_out_again
    a_void_unit_is_refused_with_who_when_and_why
    what_is_void_cannot_be_voided_or_released
    an_unknown_serial_is_named
    a_token_names_the_unit_that_it_belongs_to
}

fn a_token_names_the_unit_that_it_belongs_to(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 4);
    let first = finish(&mut ledger, &on_board("GW1", "u1"));
    let held = go(&mut ledger, &on_board("GW2", "u2"));
    let second = held.fingerprint();
    let found = |ledger: &Ledger, print: &Fingerprint| {
        let unit = ledger.holder(print).unwrap();
        unit.map(|unit| (unit.serial.to_string(), unit.state))
    };
    let unit = |text: &str, state| Some((text.to_owned(), state));
    assert_eq!(found(&ledger, &first), unit("GW1", UnitState::Delivered));
    assert_eq!(found(&ledger, &second), unit("GW2", UnitState::Reserved));
    // A token that nobody has, and one of another ledger.
    let free = (0..4)
        .map(print_of)
        .find(|print| *print != first && *print != second);
    assert_eq!(found(&ledger, &free.unwrap()), None);
    assert_eq!(found(&ledger, &print_of(99)), None);
    ledger.void(&serial("GW1"), &actor("L1")).unwrap();
    assert_eq!(found(&ledger, &first), unit("GW1", UnitState::Void));
    // What never was on a board is taken back: the token is nobody's again.
    ledger.fail(held, &failure(false)).unwrap();
    ledger.release(&serial("GW2"), &actor("L1")).unwrap();
    assert_eq!(found(&ledger, &second), None);
}

fn a_file_makes_a_unit_prepared_and_a_board_delivered(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &claim("GW1"));
    finish(&mut ledger, &on_board("GW2", "u2"));
    let program = Claim {
        target: Target::Program,
        ..claim("GW3")
    };
    finish(&mut ledger, &program);
    let state = |text| ledger.find(&serial(text)).unwrap().unwrap().state;
    assert_eq!(state("GW1"), UnitState::Prepared);
    assert_eq!(state("GW2"), UnitState::Delivered);
    assert_eq!(state("GW3"), UnitState::Delivered);
    let stock = ledger.stock().unwrap();
    assert_eq!((stock.prepared, stock.delivered, stock.reserved), (1, 2, 0));
    assert_eq!((stock.free, stock.bound), (0, 3));
    assert_clean(&ledger);
}

fn a_prepared_unit_is_done_for_the_same_image(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let print = finish(&mut ledger, &claim("GW1"));
    let events = ledger.history(&serial("GW1")).unwrap().len();
    let Ok(Attempt::Done { entry, values }) = answer(&mut ledger, &claim("GW1")) else {
        panic!("it is done");
    };
    assert_eq!(values.token.fingerprint(), print);
    assert_eq!(entry.record().attempt, 1);
    assert_eq!(ledger.history(&serial("GW1")).unwrap().len(), events);
}

fn a_prepared_unit_is_claimed_anew_when_its_file_does_not_count(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let print = finish(&mut ledger, &claim("GW1"));
    let other = [
        Claim {
            finished: Finished::Nothing,
            ..claim("GW1")
        },
        Claim {
            recipe: image("another recipe"),
            ..claim("GW1")
        },
    ];
    for (epoch, claim) in (2..).zip(other) {
        let Ok(Attempt::Go(reservation)) = answer(&mut ledger, &claim) else {
            panic!("it is not done");
        };
        assert_eq!(reservation.attempt(), epoch);
        assert_eq!(reservation.fingerprint(), print);
        // In hand: nobody else writes the same file meanwhile.
        let mut two = bench.open("L2");
        let refusal = answer(&mut two, &claim).unwrap_err();
        assert_eq!(refusal.name(), "unit-in-work");
        drop(reservation);
    }
    assert_clean(&ledger);
}

fn with_image(claim: Claim, text: &str) -> Claim {
    Claim {
        image: image(text),
        ..claim
    }
}

fn a_prepared_unit_may_get_another_image_before_a_board_was_seen(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let first = finish(&mut ledger, &claim("GW1"));
    let held = go(&mut ledger, &with_image(claim("GW1"), "v2"));
    assert_eq!((held.fingerprint(), held.attempt()), (first, 2));
    drop(held);
    assert_eq!(finish(&mut ledger, &with_image(claim("GW1"), "v2")), first);
    let record = ledger.find(&serial("GW1")).unwrap().unwrap();
    assert_eq!((record.image, record.attempt), (image("v2"), 3));
    assert_clean(&ledger);
}

fn a_prepared_unit_is_delivered_when_its_board_shows_up(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let first = finish(&mut ledger, &claim("GW1"));
    assert_eq!(finish(&mut ledger, &on_board("GW1", "u1")), first);
    let record = ledger.find(&serial("GW1")).unwrap().unwrap();
    assert_eq!(record.state, UnitState::Delivered);
    assert_eq!(record.uid.as_deref(), Some("u1"));
    assert_clean(&ledger);
}

fn a_finished_serial_is_done_with_the_same_image(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &on_board("GW1", "u1"));
    assert!(is_done(&mut ledger, &on_board("GW1", "u1")));
    ledger.labelled(&serial("GW1"), &actor("L1")).unwrap();
    assert!(is_done(&mut ledger, &on_board("GW1", "u1")));
    assert!(is_done(&mut ledger, &claim("GW1")));
}

fn a_finished_serial_is_refused_with_another_image(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &on_board("GW1", "u1"));
    let refused = refusal(&mut ledger, &with_image(on_board("GW1", "u1"), "v2"));
    assert!(matches!(refused, Refusal::Finished { .. }));
    let refused = refusal(&mut ledger, &with_image(claim("GW1"), "v2"));
    assert!(matches!(refused, Refusal::Finished { .. }));
}

fn a_receipt_of_another_unit_is_refused_and_the_group_stands_still(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let one = go(&mut ledger, &claim("GW1"));
    let two = go(&mut ledger, &claim("GW2"));
    let (right, wrong) = (receipt(&one), receipt(&one));
    let group = [(one, right), (two, wrong)];
    let error = ledger.confirm(&group).unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Unit(UnitError::WrongReceipt { .. })
    ));
    assert_eq!(ledger.stock().unwrap().prepared, 0);
    let [(one, right), (two, wrong)] = group;
    assert_eq!(wrong, receipt(&one));
    // The right unit with the other one's token.
    let swapped = Values {
        serial: serial("GW2"),
        token: token(0),
        columns: BTreeMap::new(),
    };
    let wrong = receipt_of(&swapped);
    let error = ledger.confirm(&[(two, wrong)]).unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Unit(UnitError::WrongReceipt { .. })
    ));
    ledger.confirm(&[(one, right)]).unwrap();
    assert_clean(&ledger);
}

fn the_same_confirm_twice_is_one(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let held = go(&mut ledger, &claim("GW1"));
    let outcome = receipt(&held);
    let group = [(held, outcome)];
    let first = ledger.confirm(&group).unwrap();
    let second = ledger.confirm(&group).unwrap();
    assert_eq!(first[0].record(), second[0].record());
    assert_eq!(ledger.history(&serial("GW1")).unwrap().len(), 2);
}

fn a_failed_confirm_leaves_the_whole_group_to_try_again(bench: &dyn Bench) {
    let mut one = stocked(bench, 3);
    let lost = go(&mut one, &claim("GW1"));
    let lost_outcome = receipt(&lost);
    drop(one);
    let mut two = bench.open("L2");
    let again = go(&mut two, &claim("GW1"));
    let good = go(&mut two, &claim("GW2"));
    let outcome = receipt(&good);
    let group = [(good, outcome), (lost, lost_outcome)];
    let error = two.confirm(&group).unwrap_err();
    assert!(matches!(error, LedgerError::Unit(UnitError::Stale { .. })));
    let outcome = receipt(&again);
    let [good, _] = group;
    let entries = two.confirm(&[good, (again, outcome)]).unwrap();
    assert_eq!(entries.len(), 2);
    assert_clean(&two);
}

fn the_entry_has_what_its_label_needs(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    assert!(ledger.entry(&serial("GW1")).unwrap().is_none());
    let held = go(&mut ledger, &claim("GW1"));
    assert!(ledger.entry(&serial("GW1")).unwrap().is_none());
    let digest = Digest::of(&container(held.values()));
    let outcome = receipt(&held);
    let made = ledger.confirm(&[(held, outcome)]).unwrap();
    let found = ledger.entry(&serial("gw1")).unwrap().unwrap();
    for entry in [&made[0], &found] {
        assert_eq!(entry.qr().unwrap().payload(), qr_text(0));
        assert_eq!(entry.picture(), Some(&b"picture of 0"[..]));
        assert_eq!(entry.record().digest, Some(digest));
        assert!(entry.record().durable);
    }
    let last = ledger.history(&serial("GW1")).unwrap().pop().unwrap();
    assert_eq!(found.record().event, last.hash);
    assert_eq!(found.record().at, last.at);
}

fn a_unit_without_an_outcome_is_in_doubt_on_a_board_only(bench: &dyn Bench) {
    let mut one = stocked(bench, 3);
    let _file = go(&mut one, &claim("GW1"));
    let _board = go(&mut one, &on_board("GW2", "u2"));
    let two = bench.open("L2");
    let outcome = |text| two.find(&serial(text)).unwrap().unwrap().outcome;
    assert_eq!(outcome("GW1"), Outcome::InWork);
    assert_eq!(outcome("GW2"), Outcome::InWork);
    drop(one);
    assert_eq!(outcome("GW1"), Outcome::Open);
    assert_eq!(outcome("GW2"), Outcome::InDoubt);
}

fn a_failure_keeps_claim_and_token(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let held = go(&mut ledger, &on_board("GW1", "u1"));
    let print = held.fingerprint();
    ledger.fail(held, &failure(true)).unwrap();
    let record = ledger.find(&serial("GW1")).unwrap().unwrap();
    assert_eq!(record.state, UnitState::Reserved);
    assert_eq!(record.outcome, Outcome::Failed);
    let last = ledger.history(&serial("GW1")).unwrap().pop().unwrap();
    assert_eq!(last.kind, "failed");
    assert!(last.body.contains("no answer from the target"));
    // Nobody has it in hand: another station may go on.
    let mut two = bench.open("L2");
    assert_eq!(finish(&mut two, &on_board("GW1", "u1")), print);
    assert_clean(&two);
}

fn a_label_made_again_is_on_record_and_names_its_owner(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &claim("GW1"));
    let entry = ledger.reprinted(&serial("GW1"), &actor("L1")).unwrap();
    assert_eq!(entry.record().state, UnitState::Prepared);
    let history = ledger.history(&serial("GW1")).unwrap();
    assert_eq!(history.last().unwrap().kind, "reprinted");
    let code = entry.qr().unwrap();
    let owner = ledger.owner(code).unwrap().unwrap();
    assert_eq!(owner.serial, serial("GW1"));
    let error = ledger.reprinted(&serial("GW2"), &actor("L1")).unwrap_err();
    assert_eq!(error.name(), "ledger-no-unit");
    assert_clean(&ledger);
}

fn a_label_is_read_once(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &on_board("GW1", "u1"));
    let first = ledger.labelled(&serial("GW1"), &actor("L1")).unwrap();
    let second = ledger.labelled(&serial("GW1"), &actor("L2")).unwrap();
    assert_eq!(first.record().state, UnitState::Labelled);
    assert_eq!(
        first.record().labelled_at.as_ref(),
        Some(&first.record().at)
    );
    assert_eq!(first.record(), second.record());
    assert_clean(&ledger);
}

fn a_label_may_be_read_before_the_board_is_seen(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &claim("GW1"));
    let entry = ledger.labelled(&serial("GW1"), &actor("L1")).unwrap();
    assert_eq!(entry.record().state, UnitState::Prepared);
    assert!(entry.record().labelled_at.is_some());
    finish(&mut ledger, &on_board("GW1", "u1"));
    let record = ledger.find(&serial("GW1")).unwrap().unwrap();
    assert_eq!(record.state, UnitState::Labelled);
    assert_clean(&ledger);
}

fn a_label_on_a_unit_without_image_is_refused(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let _held = go(&mut ledger, &claim("GW1"));
    let error = ledger.labelled(&serial("GW1"), &actor("L1")).unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Unit(UnitError::NotLabelled {
            state: "reserved",
            ..
        })
    ));
}

fn a_claim_that_touched_nothing_is_released(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let held = go(&mut ledger, &claim("GW1"));
    ledger.fail(held, &failure(false)).unwrap();
    let record = ledger.release(&serial("GW1"), &actor("L1")).unwrap();
    assert_eq!(record.state, UnitState::Superseded);
    assert_eq!(ledger.stock().unwrap().free, 3);
    // The token is the oldest free one again; the serial starts anew.
    assert_eq!(finish(&mut ledger, &claim("GW2")), print_of(0));
    assert_eq!(finish(&mut ledger, &claim("GW1")), print_of(1));
    let mut all = Vec::new();
    ledger
        .units(&mut |unit| all.push((unit.serial, unit.state)))
        .unwrap();
    assert_eq!(
        all,
        [
            (serial("GW1"), UnitState::Superseded),
            (serial("GW2"), UnitState::Prepared),
            (serial("GW1"), UnitState::Prepared),
        ]
    );
    assert_eq!(ledger.history(&serial("GW1")).unwrap().len(), 5);
    assert_clean(&ledger);
}

fn not_releasable(ledger: &mut Ledger, text: &str, wanted: &str) {
    let error = ledger.release(&serial(text), &actor("L1")).unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Unit(UnitError::NotReleasable { .. })
    ));
    assert!(error.to_string().contains(wanted), "{error}");
}

fn a_claim_that_touched_something_is_not_released(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let held = go(&mut ledger, &claim("GW1"));
    ledger.fail(held, &failure(true)).unwrap();
    not_releasable(&mut ledger, "GW1", "may have left the token");
    // A later attempt that touched nothing does not take that back.
    let held = go(&mut ledger, &claim("GW1"));
    ledger.fail(held, &failure(false)).unwrap();
    not_releasable(&mut ledger, "GW1", "void it to burn the token");
    finish(&mut ledger, &claim("GW2"));
    not_releasable(&mut ledger, "GW2", "it is prepared");
}

fn a_claim_without_an_outcome_is_not_released(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    drop(go(&mut ledger, &claim("GW1")));
    not_releasable(&mut ledger, "GW1", "ended without saying");
    let held = go(&mut ledger, &claim("GW1"));
    ledger.fail(held, &failure(false)).unwrap();
    not_releasable(&mut ledger, "GW1", "may have left the token");
}

fn a_claim_in_work_is_neither_released_nor_voided(bench: &dyn Bench) {
    let mut one = stocked(bench, 3);
    let _held = go(&mut one, &claim("GW1"));
    let mut two = bench.open("L2");
    not_releasable(&mut two, "GW1", "in work at station L1");
    let error = two.void(&serial("GW1"), &actor("L2")).unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Unit(UnitError::NotVoidable { .. })
    ));
    drop(one);
    two.void(&serial("GW1"), &actor("L2")).unwrap();
    assert_clean(&two);
}

fn a_void_token_is_never_handed_out_again(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 4);
    for (text, until) in [("GW0", 0), ("GW1", 1), ("GW2", 2), ("GW3", 3)] {
        let held = go(&mut ledger, &on_board(text, text));
        let outcome = receipt(&held);
        match until {
            0 => ledger.fail(held, &failure(true)).unwrap(),
            1 => drop(held),
            _ => drop(ledger.confirm(&[(held, outcome)]).unwrap()),
        }
        if until == 3 {
            ledger.labelled(&serial(text), &actor("L1")).unwrap();
        }
        let record = ledger.void(&serial(text), &actor("L1")).unwrap();
        assert_eq!(record.state, UnitState::Void);
    }
    let stock = ledger.stock().unwrap();
    assert_eq!((stock.free, stock.bound, stock.void), (0, 0, 4));
    let refused = refusal(&mut ledger, &claim("GW9"));
    assert!(matches!(refused, Refusal::PoolEmpty { .. }));
    assert_clean(&ledger);
}

fn a_void_unit_is_refused_with_who_when_and_why(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 4);
    finish(&mut ledger, &claim("GW1"));
    let record = ledger.void(&serial("GW1"), &actor("L1")).unwrap();
    let refused = refusal(&mut ledger, &claim("gw1"));
    assert_eq!(
        refused.to_string(),
        format!("GW1 is void since {} by anna at L1: scrapped", record.at)
    );
}

fn what_is_void_cannot_be_voided_or_released(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 4);
    finish(&mut ledger, &claim("GW1"));
    ledger.void(&serial("GW1"), &actor("L1")).unwrap();
    let error = ledger.void(&serial("GW1"), &actor("L1")).unwrap_err();
    assert!(error.to_string().contains("void already"), "{error}");
    not_releasable(&mut ledger, "GW1", "burnt already");
    let error = ledger.labelled(&serial("GW1"), &actor("L1")).unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Unit(UnitError::NotLabelled { state: "void", .. })
    ));
    assert!(ledger.entry(&serial("GW1")).unwrap().is_none());
}

fn an_unknown_serial_is_named(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 4);
    let by = actor("L1");
    let errors = [
        ledger.void(&serial("GW1"), &by).unwrap_err(),
        ledger.release(&serial("GW1"), &by).unwrap_err(),
        ledger.labelled(&serial("GW1"), &by).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.to_string(), "the ledger has no unit GW1");
    }
    assert!(ledger.find(&serial("GW1")).unwrap().is_none());
}
