//! Who gets which token, and who gets none.

use std::collections::HashSet;

use eol_inject::ledger::{
    Attempt, Claim, LedgerError, ListError, Refusal, Scope, Target, UnitError, UnitState,
};
use eol_inject::unit::Digest;

use super::*;

contract! {
    tokens_are_drawn_in_the_order_of_the_list
    the_same_serial_always_gets_the_same_token
    a_serial_in_other_case_is_the_same_unit
    a_group_is_answered_in_its_order_and_a_refusal_disturbs_nobody
    a_serial_named_twice_in_a_group_is_refused_once
    an_empty_pool_refuses_and_a_top_up_helps
    a_claim_of_a_live_run_is_refused_to_others
    a_claim_in_hand_is_refused_to_its_own_run_too
    a_dead_runs_claim_is_taken_over_with_the_next_epoch
    an_outrun_claim_cannot_be_confirmed
    a_bound_serial_gets_its_own_token
    a_bound_token_is_never_drawn_by_another_serial
    a_bound_serial_whose_token_is_gone_is_refused
    bound_serials_are_listed_in_order_while_free
    a_claim_never_moves_to_another_board
    a_board_is_one_unit_only
    the_board_of_a_void_unit_may_become_another
    products_and_templates_have_their_own_tokens
    a_serial_of_another_template_is_refused
    the_values_hold_serial_token_and_columns
    numbers_are_handed_out_once
    numbers_never_meet_a_known_serial
    a_format_without_numbers_left_says_so
    open_claims_are_the_stations_own_and_in_nobodys_hand
    real_and_simulated_units_are_never_mixed
}

fn tokens_are_drawn_in_the_order_of_the_list(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    for n in 0..3 {
        let print = finish(&mut ledger, &claim(&format!("GW{n}")));
        assert_eq!(print, print_of(n));
    }
    assert_clean(&ledger);
}

fn the_same_serial_always_gets_the_same_token(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let first = go(&mut ledger, &claim("GW1"));
    assert_eq!((first.attempt(), first.resumed()), (1, false));
    ledger.fail(first, &failure(true)).unwrap();
    let second = go(&mut ledger, &claim("GW1"));
    assert_eq!((second.attempt(), second.resumed()), (2, true));
    assert_eq!(second.fingerprint(), print_of(0));
    assert_eq!(ledger.stock().unwrap().bound, 1);
    assert_clean(&ledger);
}

fn a_serial_in_other_case_is_the_same_unit(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 2);
    finish(&mut ledger, &claim("GW1a"));
    assert!(is_done(&mut ledger, &claim("gw1A")));
    let record = ledger.find(&serial("gw1a")).unwrap().unwrap();
    assert_eq!(record.serial, serial("GW1a"));
}

fn a_group_is_answered_in_its_order_and_a_refusal_disturbs_nobody(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 5);
    finish(&mut ledger, &claim("GW1"));
    ledger.void(&serial("GW1"), &actor("L1")).unwrap();
    finish(&mut ledger, &claim("GW3"));
    let group: Vec<Claim> = ["GW0", "GW1", "GW2", "GW3"].map(claim).into();
    let answers = ledger.reserve(&group).unwrap();
    assert!(matches!(&answers[0], Ok(Attempt::Go(r)) if r.fingerprint() == print_of(2)));
    assert!(matches!(&answers[1], Err(Refusal::Void { by, reason, .. })
        if by == "anna at L1" && reason == "scrapped"));
    assert!(matches!(&answers[2], Ok(Attempt::Go(r)) if r.fingerprint() == print_of(3)));
    assert!(matches!(&answers[3], Ok(Attempt::Done { entry, values })
        if entry.record().state == UnitState::Prepared && values.serial == serial("GW3")));
}

fn a_serial_named_twice_in_a_group_is_refused_once(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 5);
    let answers = ledger.reserve(&[claim("GW1"), claim("gw1")]).unwrap();
    assert!(matches!(answers[0], Ok(Attempt::Go(_))));
    assert!(matches!(answers[1], Err(Refusal::Duplicate { .. })));
    assert_eq!(ledger.stock().unwrap().bound, 1);
}

fn an_empty_pool_refuses_and_a_top_up_helps(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 1);
    finish(&mut ledger, &claim("GW1"));
    let refused = refusal(&mut ledger, &claim("GW2"));
    let serial = serial("GW2");
    assert_eq!(refused, Refusal::PoolEmpty { serial });
    ledger.import(&list([row(7)]), &actor("L1")).unwrap();
    assert_eq!(finish(&mut ledger, &claim("GW2")), print_of(7));
    assert_clean(&ledger);
}

fn a_claim_of_a_live_run_is_refused_to_others(bench: &dyn Bench) {
    let mut one = stocked(bench, 3);
    let held = go(&mut one, &claim("GW1"));
    // A second run of the same station is another run.
    for station in ["L1", "L2"] {
        let mut other = bench.open(station);
        let refused = refusal(&mut other, &claim("GW1"));
        assert!(matches!(refused, Refusal::InWork { station, .. } if station == "L1"));
    }
    let receipt = receipt(&held);
    one.confirm(&[(held, receipt)]).unwrap();
    assert!(is_done(&mut bench.open("L2"), &claim("GW1")));
}

fn a_claim_in_hand_is_refused_to_its_own_run_too(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let held = go(&mut ledger, &claim("GW1"));
    let refused = refusal(&mut ledger, &claim("GW1"));
    assert!(matches!(refused, Refusal::InWork { .. }));
    drop(held);
    assert_eq!(go(&mut ledger, &claim("GW1")).attempt(), 2);
}

fn a_dead_runs_claim_is_taken_over_with_the_next_epoch(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let held = go(&mut ledger, &claim("GW1"));
    drop(ledger);
    let mut other = bench.open("L2");
    let taken = go(&mut other, &claim("GW1"));
    assert_eq!(taken.fingerprint(), held.fingerprint());
    assert_eq!(taken.attempt(), 2);
    let record = other.find(&serial("GW1")).unwrap().unwrap();
    assert_eq!(record.station, "L2");
    assert_clean(&other);
}

fn an_outrun_claim_cannot_be_confirmed(bench: &dyn Bench) {
    let mut one = stocked(bench, 3);
    let first = go(&mut one, &claim("GW1"));
    let outcome = receipt(&first);
    drop(one);
    // The run that died comes back with its claim: nobody waits for it any more.
    let mut two = bench.open("L2");
    let second = go(&mut two, &claim("GW1"));
    let error = two.confirm(&[(first, outcome)]).unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Unit(UnitError::Stale { held: 1, current: 2, station, .. }) if station == "L2"
    ));
    let outcome = receipt(&second);
    two.confirm(&[(second, outcome)]).unwrap();
    assert_clean(&two);
}

fn bound(n: usize, text: &str) -> Row {
    Row {
        bound: Some(serial(text)),
        ..row(n)
    }
}

fn a_bound_serial_gets_its_own_token(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 2);
    let rows = [bound(5, "GW5"), bound(6, "GW6")];
    ledger.import(&list(rows), &actor("L1")).unwrap();
    assert_eq!(finish(&mut ledger, &claim("gw6")), print_of(6));
    assert_eq!(finish(&mut ledger, &claim("GW1")), print_of(0));
    assert_clean(&ledger);
}

fn a_bound_token_is_never_drawn_by_another_serial(bench: &dyn Bench) {
    let mut ledger = bench.open("L1");
    let rows = [bound(5, "GW5")];
    ledger.import(&list(rows), &actor("L1")).unwrap();
    let refused = refusal(&mut ledger, &claim("GW1"));
    assert!(matches!(refused, Refusal::NotListed { .. }));
    // It cost nothing, and the next one is taken; then the pool is empty for everybody.
    assert_eq!(finish(&mut ledger, &claim("GW5")), print_of(5));
    let refused = refusal(&mut ledger, &claim("GW1"));
    assert!(matches!(refused, Refusal::PoolEmpty { .. }));
    assert_clean(&ledger);
}

fn a_bound_serial_whose_token_is_gone_is_refused(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 2);
    let gone = Row {
        claimed: true,
        ..bound(5, "GW5")
    };
    ledger.import(&list([gone]), &actor("L1")).unwrap();
    let refused = refusal(&mut ledger, &claim("GW5"));
    assert!(matches!(
        refused,
        Refusal::BoundElsewhere { state: "gone", .. }
    ));
    // A new token for it is a new chance.
    ledger
        .import(&list([bound(9, "GW5")]), &actor("L1"))
        .unwrap();
    assert_eq!(finish(&mut ledger, &claim("GW5")), print_of(9));
    assert_clean(&ledger);
}

fn bound_serials_are_listed_in_order_while_free(bench: &dyn Bench) {
    let mut ledger = bench.open("L1");
    let rows = [bound(0, "Z"), bound(1, "A"), bound(2, "M")];
    ledger.import(&list(rows), &actor("L1")).unwrap();
    assert_eq!(ledger.bound_serials(2).unwrap(), ["Z", "A"].map(serial));
    finish(&mut ledger, &claim("Z"));
    assert_eq!(ledger.bound_serials(9).unwrap(), ["A", "M"].map(serial));
}

fn a_claim_never_moves_to_another_board(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 2);
    let held = go(&mut ledger, &on_board("GW1", "u1"));
    ledger.fail(held, &failure(false)).unwrap();
    let refused = refusal(&mut ledger, &on_board("GW1", "u2"));
    assert!(matches!(
        refused,
        Refusal::OtherBoard { claimed, seen, .. } if claimed == "u1" && seen == "u2"
    ));
    finish(&mut ledger, &on_board("GW1", "u1"));
    assert!(is_done(&mut ledger, &on_board("GW1", "u1")));
    assert!(matches!(
        refusal(&mut ledger, &on_board("GW1", "u2")),
        Refusal::OtherBoard { .. }
    ));
}

fn a_board_is_one_unit_only(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &on_board("GW1", "u1"));
    let refused = refusal(&mut ledger, &on_board("GW2", "u1"));
    assert!(matches!(refused, Refusal::BoardTaken { holder, .. } if holder == serial("GW1")));
    // A unit that was a file so far meets the same board.
    finish(&mut ledger, &claim("GW3"));
    let refused = refusal(&mut ledger, &on_board("GW3", "u1"));
    assert!(matches!(refused, Refusal::BoardTaken { .. }));
    assert_eq!(ledger.stock().unwrap().bound, 2);
}

fn the_board_of_a_void_unit_may_become_another(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &on_board("GW1", "u1"));
    ledger.void(&serial("GW1"), &actor("L1")).unwrap();
    assert_eq!(finish(&mut ledger, &on_board("GW2", "u1")), print_of(1));
    assert_clean(&ledger);
}

fn products_and_templates_have_their_own_tokens(bench: &dyn Bench) {
    let mut one = stocked(bench, 2);
    let other = Scope {
        product: "GW-200".to_owned(),
        template: None,
    };
    let mut two = bench.open_for(&other, identity("L1"));
    assert!(matches!(
        refusal(&mut two, &claim("GW1")),
        Refusal::PoolEmpty { .. }
    ));
    two.import(&list([row(50)]), &actor("L1")).unwrap();
    // The same serial of another product is another unit.
    assert_eq!(finish(&mut two, &claim("GW1")), print_of(50));
    assert_eq!(finish(&mut one, &claim("GW1")), print_of(0));
    assert_eq!(one.stock().unwrap().prepared, 1);
    assert_eq!(two.stock().unwrap().free, 0);
    assert_clean(&one);
    let error = two.import(&list([row(1)]), &actor("L1")).unwrap_err();
    assert!(
        matches!(error, LedgerError::List(ListError::ListConflict { place, .. }) if place.number == 1)
    );
}

fn a_serial_of_another_template_is_refused(bench: &dyn Bench) {
    let mut one = stocked(bench, 2);
    finish(&mut one, &claim("GW1"));
    let other = Scope {
        template: Some("TMPLother".to_owned()),
        ..scope()
    };
    let mut two = bench.open_for(&other, identity("L1"));
    two.import(&list([row(50)]), &actor("L1")).unwrap();
    assert!(matches!(
        refusal(&mut two, &claim("GW1")),
        Refusal::BoundElsewhere { .. }
    ));
}

fn the_values_hold_serial_token_and_columns(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 1);
    let held = go(&mut ledger, &claim("GW1"));
    let values = held.values();
    assert_eq!(values.token.expose(), token(0).expose());
    assert_eq!(values.serial, serial("GW1"));
    assert_eq!(values.columns["MAC"].as_str(), "secret column 0");
    assert_eq!(held.claim().image, Digest::of(b"v1"));
}

fn format(text: &str) -> eol_inject::recipe::SerialFormat {
    text.to_owned().try_into().unwrap()
}

fn numbers_are_handed_out_once(bench: &dyn Bench) {
    let mut one = bench.open("L1");
    let first = one.next_serials(&format("GW{:03}"), 2).unwrap();
    drop(one);
    let mut two = bench.open("L2");
    let second = two.next_serials(&format("GW{:03}"), 2).unwrap();
    let all: HashSet<_> = first.iter().chain(&second).collect();
    assert_eq!(all.len(), 4);
    assert_eq!(first, ["GW001", "GW002"].map(serial));
    assert_eq!(
        two.next_serials(&format("X{}"), 1).unwrap(),
        ["X1"].map(serial)
    );
}

fn numbers_never_meet_a_known_serial(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 2);
    finish(&mut ledger, &claim("gw002"));
    let next = ledger.next_serials(&format("GW{:03}"), 2).unwrap();
    assert_eq!(next, ["GW001", "GW003"].map(serial));
}

fn a_format_without_numbers_left_says_so(bench: &dyn Bench) {
    let mut ledger = bench.open("L1");
    let all = ledger.next_serials(&format("G{:01}"), 10);
    assert!(matches!(
        all,
        Err(LedgerError::Unit(UnitError::SerialsUsedUp { .. }))
    ));
    // Nothing was handed out by the call that failed.
    let nine = ledger.next_serials(&format("G{:01}"), 9).unwrap();
    assert_eq!(nine.len(), 9);
}

fn open_claims_are_the_stations_own_and_in_nobodys_hand(bench: &dyn Bench) {
    let mut one = stocked(bench, 9);
    let _held = go(&mut one, &claim("GW1"));
    let failed = go(&mut one, &claim("GW2"));
    one.fail(failed, &failure(true)).unwrap();
    finish(&mut one, &claim("GW3"));
    let mut two = bench.open("L2");
    drop(go(&mut two, &claim("GW4")));
    let open = two.open_claims("L1").unwrap();
    assert_eq!(open, [serial("GW2")]);
    drop(one);
    let open = two.open_claims("L1").unwrap();
    assert_eq!(open, ["GW1", "GW2"].map(serial));
    assert_eq!(two.open_claims("L2").unwrap(), [serial("GW4")]);
}

fn real_and_simulated_units_are_never_mixed(bench: &dyn Bench) {
    let simulated = Identity {
        simulated: Simulated::Yes,
        ..identity("L2")
    };
    // Opened before the first unit decides.
    let mut late = bench.open_for(&scope(), simulated);
    let mut real = stocked(bench, 2);
    assert_eq!(real.stock().unwrap().simulated, None);
    let held = go(&mut real, &claim("GW1"));
    assert_eq!(real.stock().unwrap().simulated, Some(Simulated::No));
    let error = late.reserve(&[claim("GW2")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the ledger holds real units, this run makes simulated ones: use another ledger"
    );
    assert_eq!(held.claim().target, Target::File);
}
