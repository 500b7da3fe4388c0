//! After a loss: what is set aside, what is used again, and what others know better.

use eol_inject::ledger::{
    Clear, LedgerError, NextNumber, PartError, RestoreError, Sighting, UnitError, Witnessed,
};
use eol_inject::recipe::SerialFormat;

use super::*;

contract! {
    what_a_backup_calls_free_or_reserved_is_set_aside
    a_claim_that_a_backup_knew_is_refused_until_it_is_cleared
    a_claim_that_is_set_aside_is_not_released
    everything_set_aside_can_be_cleared
    single_units_and_tokens_can_be_cleared
    a_token_that_is_set_aside_and_used_elsewhere_is_gone
    a_list_that_comes_after_a_restore_is_drawn
    a_part_that_was_begun_is_not_made_again_after_a_restore
    numbers_go_on_only_where_somebody_said
    a_witness_of_what_is_there_finds_nothing
    a_witness_names_a_cut_end_and_an_older_copy
    two_sites_with_one_token_or_board_are_named
    the_same_unit_at_two_sites_is_no_finding
    the_last_backup_is_known
}

fn format(text: &str) -> SerialFormat {
    text.to_owned().try_into().unwrap()
}

/// A ledger with a delivered, a prepared and a claimed unit, restored.
fn restored(bench: &dyn Bench) -> Ledger {
    let mut ledger = stocked(bench, 6);
    finish(&mut ledger, &on_board("GW1", "u1"));
    finish(&mut ledger, &claim("GW2"));
    let held = go(&mut ledger, &on_board("GW3", "u3"));
    ledger.fail(held, &failure(false)).unwrap();
    let aside = ledger.restored(None, &actor("L1")).unwrap();
    assert_eq!((aside.free, aside.reserved), (3, 1));
    assert_clean(&ledger);
    ledger
}

fn what_a_backup_calls_free_or_reserved_is_set_aside(bench: &dyn Bench) {
    let mut ledger = restored(bench);
    let stock = ledger.stock().unwrap();
    assert_eq!((stock.free, stock.quarantined, stock.bound), (0, 4, 2));
    let refused = refusal(&mut ledger, &claim("GW9"));
    assert!(matches!(refused, Refusal::PoolEmpty { .. }));
    // What was finished stays so.
    assert!(is_done(&mut ledger, &on_board("GW1", "u1")));
    assert!(is_done(&mut ledger, &claim("GW2")));
    assert_clean(&ledger);
}

fn a_token_that_is_set_aside_and_used_elsewhere_is_gone(bench: &dyn Bench) {
    let mut ledger = restored(bench);
    // Tokens 3 to 5 are set aside without a unit; 2 is that of a claim, and stays its own.
    let used = list([row(4)]).used();
    assert_eq!(ledger.import(&used, &actor("L1")).unwrap().turned, 1);
    let claimed = Row {
        claimed: true,
        ..row(2)
    };
    let done = ledger.import(&list([claimed]), &actor("L1")).unwrap();
    assert_eq!(done.turned, 0);
    let twice = Clear::Serials(vec![serial("GW3"), serial("gw3")]);
    assert_eq!(ledger.clear(&twice, &actor("L1")).unwrap().tokens, 1);
    assert_eq!(ledger.clear(&Clear::All, &actor("L1")).unwrap().tokens, 2);
    assert_clean(&ledger);
    let drawn = ["GW7", "GW8"].map(|name| finish(&mut ledger, &claim(name)));
    assert_eq!(drawn, [print_of(3), print_of(5)]);
    let refused = refusal(&mut ledger, &claim("GW9"));
    assert!(matches!(refused, Refusal::PoolEmpty { .. }));
    assert_clean(&ledger);
}

fn a_claim_that_a_backup_knew_is_refused_until_it_is_cleared(bench: &dyn Bench) {
    let mut ledger = restored(bench);
    let refused = refusal(&mut ledger, &on_board("GW3", "u3"));
    assert!(matches!(refused, Refusal::Quarantined { .. }));
    let which = Clear::Serials(vec![serial("GW3")]);
    assert_eq!(ledger.clear(&which, &actor("L1")).unwrap().tokens, 1);
    assert_eq!(ledger.clear(&which, &actor("L1")).unwrap().tokens, 0);
    assert_clean(&ledger);
    let taken = finish(&mut ledger, &on_board("GW3", "u3"));
    assert_eq!(taken, print_of(2));
    assert_eq!(ledger.stock().unwrap().quarantined, 3);
    assert_clean(&ledger);
}

fn a_claim_that_is_set_aside_is_not_released(bench: &dyn Bench) {
    let mut ledger = restored(bench);
    let error = ledger.release(&serial("GW3"), &actor("L1")).unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Unit(UnitError::NotReleasable { .. })
    ));
    ledger.void(&serial("GW3"), &actor("L1")).unwrap();
    assert_clean(&ledger);
    ledger.clear(&Clear::All, &actor("L1")).unwrap();
    assert_clean(&ledger);
}

fn everything_set_aside_can_be_cleared(bench: &dyn Bench) {
    let mut ledger = restored(bench);
    assert_eq!(ledger.clear(&Clear::All, &actor("L1")).unwrap().tokens, 4);
    let stock = ledger.stock().unwrap();
    assert_eq!((stock.free, stock.quarantined, stock.bound), (3, 0, 3));
    assert_eq!(finish(&mut ledger, &claim("GW9")), print_of(3));
    finish(&mut ledger, &on_board("GW3", "u3"));
    assert_clean(&ledger);
}

fn single_units_and_tokens_can_be_cleared(bench: &dyn Bench) {
    let mut ledger = restored(bench);
    let which = Clear::Tokens(vec![print_of(4)]);
    assert_eq!(ledger.clear(&which, &actor("L1")).unwrap().tokens, 1);
    assert_eq!(finish(&mut ledger, &claim("GW9")), print_of(4));
    assert!(matches!(
        ledger.clear(&Clear::Tokens(vec![print_of(99)]), &actor("L1")),
        Err(LedgerError::Restore(RestoreError::NoToken { .. }))
    ));
    assert!(matches!(
        ledger.clear(&Clear::Serials(vec![serial("GW99")]), &actor("L1")),
        Err(LedgerError::Unit(UnitError::NoUnit { .. }))
    ));
    assert_clean(&ledger);
}

fn a_list_that_comes_after_a_restore_is_drawn(bench: &dyn Bench) {
    let mut ledger = restored(bench);
    ledger.import(&list((0..8).map(row)), &actor("L1")).unwrap();
    assert_eq!(ledger.stock().unwrap().free, 2);
    assert_eq!(finish(&mut ledger, &claim("GW9")), print_of(6));
    assert_clean(&ledger);
}

fn a_part_that_was_begun_is_not_made_again_after_a_restore(bench: &dyn Bench) {
    use eol_inject::ledger::{PartState, Share};
    let mut ledger = stocked(bench, 6);
    ledger
        .split(("S1", &recipient()), &Share::Loose(2), &actor("L1"))
        .unwrap();
    ledger.restored(None, &actor("L1")).unwrap();
    assert_eq!(ledger.parts().unwrap()[0].state, PartState::Handed);
    let error = ledger.split(("S1", &recipient()), &Share::Loose(2), &actor("L1"));
    assert!(matches!(
        error,
        Err(LedgerError::Part(PartError::PartShort { free: 0, .. }))
    ));
    assert_eq!(ledger.stock().unwrap().away, 2);
    assert_clean(&ledger);
}

fn numbers_go_on_only_where_somebody_said(bench: &dyn Bench) {
    let format = format("GW{:03}");
    let mut ledger = stocked(bench, 3);
    // Nothing was handed out: nobody needs to say anything.
    ledger
        .restored(
            Some(NextNumber {
                format: &format,
                next: None,
            }),
            &actor("L1"),
        )
        .unwrap();
    ledger.next_serials(&format, 5).unwrap();
    for given in [None, Some(5)] {
        let error = ledger.restored(
            Some(NextNumber {
                format: &format,
                next: given,
            }),
            &actor("L1"),
        );
        assert!(matches!(
            error,
            Err(LedgerError::Restore(RestoreError::NextNumber { known: 6, given: said, .. })) if said == given
        ));
    }
    ledger
        .restored(
            Some(NextNumber {
                format: &format,
                next: Some(40),
            }),
            &actor("L1"),
        )
        .unwrap();
    let next = ledger.next_serials(&format, 1).unwrap();
    assert_eq!(next, [serial("GW040")]);
    assert_clean(&ledger);
}

/// What an audit's heads are to a witness.
fn heads(ledger: &Ledger) -> Vec<Witnessed> {
    let heads = ledger.audit().unwrap().heads.into_iter();
    heads
        .map(|(station, link, event)| Witnessed {
            place: "heads".to_owned(),
            link: Some((station, link)),
            event,
        })
        .collect()
}

fn whats(findings: &[eol_inject::ledger::Finding]) -> String {
    let lines = findings
        .iter()
        .map(|finding| format!("{}: {}", finding.about, finding.what));
    lines.collect::<Vec<_>>().join("\n")
}

fn a_witness_of_what_is_there_finds_nothing(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let early = heads(&ledger);
    finish(&mut ledger, &claim("GW1"));
    let record = ledger.find(&serial("GW1")).unwrap().unwrap();
    let unit = Witnessed {
        place: "units".to_owned(),
        link: None,
        event: record.event,
    };
    finish(&mut ledger, &claim("GW2"));
    for seen in [early, vec![unit], heads(&ledger)] {
        assert_eq!(ledger.compare(&seen).unwrap(), []);
    }
}

fn a_witness_names_a_cut_end_and_an_older_copy(bench: &dyn Bench) {
    // Two ledgers that were one once: the witness kept what became of the other.
    let other = bench.another();
    let mut far = stocked(&*other, 3);
    finish(&mut far, &claim("GW1"));
    let mut witness = heads(&far);
    let record = far.find(&serial("GW1")).unwrap().unwrap();
    witness.push(Witnessed {
        place: "units".to_owned(),
        link: None,
        event: record.event,
    });
    let mut ledger = stocked(bench, 3);
    let told = whats(&ledger.compare(&witness).unwrap());
    assert!(told.contains("station L1: event 3 of its chain"), "{told}");
    assert!(
        told.contains("is not in this ledger: its end was cut off"),
        "{told}"
    );
    assert!(told.contains("units: event"), "{told}");
    finish(&mut ledger, &claim("GW2"));
    let told = whats(&ledger.compare(&witness).unwrap());
    assert!(
        told.contains("an older copy of it was used further"),
        "{told}"
    );
}

fn sighting(site: &str, text: &str, (n, uid): (usize, Option<&str>)) -> Sighting {
    Sighting {
        site: site.to_owned(),
        serial: serial(text),
        fingerprint: print_of(n),
        uid: uid.map(str::to_owned),
    }
}

fn two_sites_with_one_token_or_board_are_named(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 5);
    finish(&mut ledger, &on_board("GW1", "u1"));
    finish(&mut ledger, &claim("GW2"));
    ledger.void(&serial("GW2"), &actor("L1")).unwrap();
    let seen = [
        sighting("far.csv", "GW7", (0, None)),
        sighting("far.csv", "GW8", (9, Some("u1"))),
        sighting("far.csv", "GW2", (1, None)),
        sighting("far.csv", "GW9", (3, None)),
        sighting("one.csv", "X1", (50, Some("u50"))),
        sighting("two.csv", "X2", (50, Some("u51"))),
        sighting("two.csv", "X1", (60, Some("u60"))),
    ];
    let told = whats(&ledger.compare_sites(&seen).unwrap());
    let print = print_of;
    for wanted in [
        format!("token {}: it is used twice: GW1 on board u1 in this ledger, and GW7 in far.csv", print(0)),
        "board u1: it is used twice: GW1 on board u1 in this ledger, and GW8 on board u1 in far.csv".to_owned(),
        format!("token {}: it is void here, and GW2 in far.csv", print(1)),
        format!("token {}: it is free here, and GW9 in far.csv", print(3)),
        format!("token {}: it is used twice: X1 on board u50 in one.csv, and X2 on board u51 in two.csv", print(50)),
    ] {
        assert!(told.contains(&wanted), "{wanted} is not in:\n{told}");
    }
    assert_eq!(told.lines().count(), 5, "{told}");
}

fn the_same_unit_at_two_sites_is_no_finding(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 5);
    finish(&mut ledger, &on_board("GW1", "u1"));
    let seen = [
        sighting("part.csv", "gw1", (0, Some("u1"))),
        sighting("mes.csv", "GW1", (0, None)),
    ];
    assert_eq!(ledger.compare_sites(&seen).unwrap(), []);
    let moved = [sighting("part.csv", "GW1", (0, Some("u2")))];
    assert_eq!(ledger.compare_sites(&moved).unwrap().len(), 1);
}

fn the_last_backup_is_known(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 2);
    assert_eq!(ledger.audit().unwrap().backup, None);
    ledger.saved(&actor("L1")).unwrap();
    let first = ledger.audit().unwrap().backup.unwrap();
    ledger.saved(&actor("L0")).unwrap();
    let last = ledger.audit().unwrap().backup.unwrap();
    assert!(last >= first);
    assert_clean(&ledger);
}
