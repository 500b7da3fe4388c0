//! Token lists: in whole or not at all, and any number of times.

use eol_inject::ledger::{Import, LedgerError, ListError, Refusal};
use eol_inject::pool::Origin;

use super::*;

contract! {
    a_source_is_known_once_its_list_went_in_whole
    a_list_taken_in_twice_adds_nothing
    a_second_list_tops_up
    free_tokens_are_counted_no_further_than_asked
    a_claimed_row_is_gone_and_never_drawn
    a_free_token_that_a_later_list_calls_claimed_is_gone
    a_unit_keeps_its_token_whatever_a_later_list_says
    a_token_with_another_qr_token_is_refused_with_the_whole_list
    a_qr_token_of_another_token_is_refused
    lists_of_two_organisations_are_refused
    a_known_token_gets_what_a_later_list_tells
    what_was_known_first_stays_and_is_counted
    a_token_with_another_serial_is_refused
    a_serial_fixed_to_two_tokens_is_refused
    a_serial_that_has_a_token_is_not_fixed_to_another
    exported_and_generated_tokens_are_never_mixed
    pictures_are_counted
    a_list_longer_than_one_transaction_goes_in_whole
    a_ledger_in_the_place_of_a_lost_one_takes_no_list_in_undecided
    a_list_that_is_used_or_claimed_needs_no_decision
    a_decision_that_brings_nothing_new_is_on_record
}

fn take(ledger: &mut Ledger, rows: impl IntoIterator<Item = Row>) -> Import {
    ledger.import(&list(rows), &actor("L1")).unwrap()
}

fn refuse(ledger: &mut Ledger, rows: impl IntoIterator<Item = Row>) -> String {
    let before = ledger.stock().unwrap();
    let error = ledger.import(&list(rows), &actor("L1")).unwrap_err();
    assert!(
        matches!(error, LedgerError::List(ListError::ListConflict { .. })),
        "{error}"
    );
    assert_eq!(ledger.stock().unwrap(), before);
    assert_clean(ledger);
    error.to_string()
}

fn a_list_taken_in_twice_adds_nothing(bench: &dyn Bench) {
    let mut ledger = bench.open("L1");
    let first = take(&mut ledger, (0..5).map(row));
    assert_eq!((first.added, first.known), (5, 0));
    let second = take(&mut ledger, (0..5).map(row));
    assert_eq!((second.added, second.known), (0, 5));
    assert_eq!(ledger.stock().unwrap().free, 5);
    assert_clean(&ledger);
}

fn a_source_is_known_once_its_list_went_in_whole(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let source = Digest::of(b"an export");
    let mut wrong = list([
        row(3),
        Row {
            qr: row(0).qr,
            ..row(4)
        },
    ]);
    wrong.source = Some(source);
    ledger.import(&wrong, &actor("L1")).unwrap_err();
    assert!(!ledger.knows(&source).unwrap());
    let mut right = list((2..6).map(row));
    right.source = Some(source);
    ledger.import(&right, &actor("L1")).unwrap();
    ledger.import(&right, &actor("L1")).unwrap();
    assert!(bench.open("L2").knows(&source).unwrap());
    assert!(!ledger.knows(&Digest::of(b"another")).unwrap());
    assert_clean(&ledger);
}

fn free_tokens_are_counted_no_further_than_asked(bench: &dyn Bench) {
    let mut ledger = bench.open("L1");
    assert_eq!(ledger.free(5).unwrap(), 0);
    let mut rows: Vec<Row> = (0..6).map(row).collect();
    rows[5].bound = Some(serial("GW5"));
    ledger.import(&list(rows), &actor("L1")).unwrap();
    assert_eq!(ledger.free(3).unwrap(), 3);
    assert_eq!(ledger.free(100).unwrap(), 6);
    finish(&mut ledger, &claim("GW1"));
    finish(&mut ledger, &claim("GW5"));
    assert_eq!(ledger.free(100).unwrap(), 4);
    assert_eq!(ledger.simulated().unwrap(), Some(Simulated::No));
}

fn a_second_list_tops_up(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 5);
    let import = take(&mut ledger, (3..8).map(row));
    assert_eq!((import.added, import.known), (3, 2));
    assert_eq!(ledger.stock().unwrap().free, 8);
    assert_clean(&ledger);
}

fn claimed(n: usize) -> Row {
    Row {
        claimed: true,
        ..row(n)
    }
}

fn a_claimed_row_is_gone_and_never_drawn(bench: &dyn Bench) {
    let mut ledger = bench.open("L1");
    let import = take(&mut ledger, [claimed(0), row(1)]);
    assert_eq!((import.added, import.gone), (2, 1));
    assert_eq!(finish(&mut ledger, &claim("GW1")), print_of(1));
    let refused = refusal(&mut ledger, &claim("GW2"));
    assert!(matches!(refused, Refusal::PoolEmpty { .. }));
    let stock = ledger.stock().unwrap();
    assert_eq!((stock.free, stock.bound, stock.gone), (0, 1, 1));
    assert_clean(&ledger);
}

fn a_free_token_that_a_later_list_calls_claimed_is_gone(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let import = take(&mut ledger, [claimed(0), row(1), row(2)]);
    assert_eq!((import.added, import.known, import.turned), (0, 3, 1));
    assert_eq!(finish(&mut ledger, &claim("GW1")), print_of(1));
    assert_eq!(ledger.stock().unwrap().gone, 1);
    assert_clean(&ledger);
}

fn a_unit_keeps_its_token_whatever_a_later_list_says(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let print = finish(&mut ledger, &claim("GW1"));
    let import = take(&mut ledger, [claimed(0)]);
    assert_eq!((import.known, import.turned), (1, 0));
    let record = ledger.find(&serial("GW1")).unwrap().unwrap();
    assert_eq!(record.fingerprint, print);
    assert_eq!(ledger.stock().unwrap().bound, 1);
    assert_clean(&ledger);
}

fn a_token_with_another_qr_token_is_refused_with_the_whole_list(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let other = Row {
        qr: Some(qr_text(99).parse().unwrap()),
        ..row(2)
    };
    let error = refuse(&mut ledger, [row(10), row(11), other]);
    assert_eq!(
        error,
        format!(
            "row 3 (token {}) of the token list: it is known with another QR Token",
            print_of(2)
        )
    );
    // A list that does not name the organisation says nothing else.
    let silent = Row {
        qr: Some(qr_text(2).replace("+17", "").parse().unwrap()),
        ..row(2)
    };
    assert_eq!(take(&mut ledger, [silent]).known, 1);
}

fn lists_of_two_organisations_are_refused(bench: &dyn Bench) {
    let of = |n: usize, organisation: &str| Row {
        qr: Some(qr_text(n).replace("+17", organisation).parse().unwrap()),
        ..row(n)
    };
    let mut ledger = bench.open("L1");
    // A list that names none decides nothing.
    take(&mut ledger, [of(0, "")]);
    take(&mut ledger, [of(1, "+17")]);
    for wrong in [of(2, "+18"), of(1, "+18"), of(0, "+18")] {
        let before = ledger.stock().unwrap();
        let error = ledger.import(&list([wrong]), &actor("L1")).unwrap_err();
        assert_eq!(error.name(), "ledger-organisation-mixed");
        let text = error.to_string();
        assert!(
            text.contains("organisation 17") && text.contains("18"),
            "{text}"
        );
        assert_eq!(ledger.stock().unwrap(), before);
    }
    take(&mut ledger, [of(2, ""), of(3, "+17")]);
    assert_clean(&ledger);
}

fn a_known_token_gets_what_a_later_list_tells(bench: &dyn Bench) {
    let bare = |n: usize| Row {
        qr: None,
        picture: None,
        columns: BTreeMap::new(),
        ..row(n)
    };
    let mut ledger = bench.open("L1");
    // More than one step of it.
    take(&mut ledger, (0..150).map(bare));
    let print = finish(&mut ledger, &claim("GW1"));
    assert_eq!(print, print_of(0));
    assert!(
        ledger
            .entry(&serial("GW1"))
            .unwrap()
            .unwrap()
            .qr()
            .is_none()
    );
    // The QR Tokens first, then with the organisation, then whole.
    let silent = |n: usize| Row {
        qr: Some(qr_text(n).replace("+17", "").parse().unwrap()),
        ..bare(n)
    };
    let named = |n: usize| Row {
        qr: row(n).qr,
        ..bare(n)
    };
    let mut source = list((0..151).map(row));
    source.source = Some(image("an export"));
    for (rows, added) in [
        (list((0..150).map(silent)), 0),
        (list((0..150).map(named)), 0),
        (source, 1),
    ] {
        let import = ledger.import(&rows, &actor("L1")).unwrap();
        assert_eq!((import.added, import.known), (added, 150));
        assert_eq!((import.completed, import.kept), (150, 0));
        assert_clean(&ledger);
        let again = ledger.import(&rows, &actor("L1")).unwrap();
        assert_eq!((again.added, again.completed, again.kept), (0, 0, 0));
    }
    assert!(ledger.knows(&image("an export")).unwrap());
    assert_eq!(ledger.stock().unwrap().pictures, 151);
    // The unit that was made before has its label now, and its token is the same.
    let entry = ledger.entry(&serial("GW1")).unwrap().unwrap();
    assert_eq!(entry.record().fingerprint, print);
    assert_eq!(entry.qr(), row(0).qr.as_ref());
    assert_eq!(entry.picture().map(<[u8]>::to_vec), row(0).picture);
    // The next one has the columns as well.
    let reservation = go(&mut ledger, &claim("GW2"));
    let column = &reservation.values().columns["MAC"];
    assert_eq!(column.as_str(), "secret column 1");
    // The code leads to its token.
    let owner = ledger.owner(&qr_text(0).parse().unwrap()).unwrap().unwrap();
    assert_eq!(owner.serial, serial("GW1"));
    assert_clean(&bench.open("L2"));
}

fn what_was_known_first_stays_and_is_counted(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &claim("GW1"));
    let other = |n: usize| Row {
        picture: Some(b"another picture of it".to_vec()),
        ..row(n)
    };
    let import = take(&mut ledger, (0..3).map(other));
    assert_eq!((import.known, import.completed, import.kept), (3, 0, 3));
    let entry = ledger.entry(&serial("GW1")).unwrap().unwrap();
    assert_eq!(entry.picture().map(<[u8]>::to_vec), row(0).picture);
    let column = Row {
        columns: BTreeMap::from([("MAC".to_owned(), "another".to_owned().into())]),
        ..row(1)
    };
    assert_eq!(take(&mut ledger, [column]).kept, 1);
    assert_clean(&ledger);
}

fn a_qr_token_of_another_token_is_refused(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let other = |n: usize, qr: usize| Row {
        qr: Some(qr_text(qr).parse().unwrap()),
        ..row(n)
    };
    let error = refuse(&mut ledger, [other(10, 2)]);
    assert!(error.contains(&print_of(2).to_string()), "{error}");
    refuse(&mut ledger, [other(10, 50), other(11, 50)]);
}

fn fixed(n: usize, text: &str) -> Row {
    Row {
        bound: Some(serial(text)),
        ..row(n)
    }
}

fn a_token_with_another_serial_is_refused(bench: &dyn Bench) {
    let mut ledger = bench.open("L1");
    take(&mut ledger, [fixed(0, "GW0")]);
    refuse(&mut ledger, [fixed(0, "GW1")]);
    assert_eq!(take(&mut ledger, [fixed(0, "gw0"), row(0)]).known, 2);
}

fn a_serial_fixed_to_two_tokens_is_refused(bench: &dyn Bench) {
    let mut ledger = bench.open("L1");
    let error = refuse(&mut ledger, [fixed(0, "GW0"), fixed(1, "gw0")]);
    assert!(error.starts_with("row 2 "), "{error}");
    take(&mut ledger, [fixed(0, "GW0")]);
    refuse(&mut ledger, [fixed(1, "GW0")]);
}

fn a_serial_that_has_a_token_is_not_fixed_to_another(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 1);
    finish(&mut ledger, &claim("GW1"));
    let error = refuse(&mut ledger, [fixed(5, "gw1")]);
    assert!(error.contains("has token"), "{error}");
}

fn exported_and_generated_tokens_are_never_mixed(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 1);
    assert_eq!(ledger.stock().unwrap().origin, Some(Origin::Export));
    let mut trial = list([row(5)]);
    trial.origin = Origin::Generated;
    let error = ledger.import(&trial, &actor("L1")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the ledger holds export tokens, the list has generated ones: use another ledger"
    );
    assert_eq!(ledger.stock().unwrap().free, 1);
}

fn pictures_are_counted(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let bare = Row {
        picture: None,
        ..row(9)
    };
    take(&mut ledger, [bare]);
    assert_eq!(ledger.stock().unwrap().pictures, 3);
}

fn a_list_longer_than_one_transaction_goes_in_whole(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &claim("GW1"));
    let mut rows: Vec<Row> = (100..1500).map(row).collect();
    rows.push(fixed(5000, "GW1"));
    let error = refuse(&mut ledger, rows);
    assert!(error.starts_with("row 1401 "), "{error}");
    let import = take(&mut ledger, (100..1500).map(row));
    assert_eq!(import.added, 1400);
    assert_eq!(ledger.stock().unwrap().free, 1402);
    assert_clean(&ledger);
}

fn begun(bench: &dyn Bench) -> Ledger {
    let mut ledger = bench.open("L1");
    let traces = ["gw100.ledger.runs".into()];
    ledger.begun(&traces, &actor("L1")).unwrap();
    ledger
}

fn a_ledger_in_the_place_of_a_lost_one_takes_no_list_in_undecided(bench: &dyn Bench) {
    let mut ledger = begun(bench);
    let refused = ledger.import(&list((0..3).map(row)), &actor("L1"));
    let error = refused.unwrap_err();
    assert!(
        matches!(
            error,
            LedgerError::List(ListError::ListUndecided { tokens: 3 })
        ),
        "{error}"
    );
    let asked = ledger.preview(&list((0..3).map(row))).unwrap_err();
    assert_eq!(asked.name(), error.name());
    assert_eq!(ledger.stock().unwrap().free, 0);
    let decided = list((0..2).map(row)).unused();
    assert_eq!(ledger.import(&decided, &actor("L1")).unwrap().added, 2);
    // What is known needs no second decision, and what is new does.
    assert_eq!(take(&mut ledger, (0..2).map(row)).known, 2);
    let refused = ledger.import(&list((0..3).map(row)), &actor("L1"));
    assert!(matches!(
        refused,
        Err(LedgerError::List(ListError::ListUndecided { tokens: 1 }))
    ));
    let stock = ledger.stock().unwrap();
    assert_eq!((stock.free, stock.unused), (2, true));
    assert_clean(&ledger);
}

fn a_list_that_is_used_or_claimed_needs_no_decision(bench: &dyn Bench) {
    let mut ledger = begun(bench);
    let used = list((0..2).map(row)).used();
    assert_eq!(ledger.import(&used, &actor("L1")).unwrap().gone, 2);
    let claimed = Row {
        claimed: true,
        ..row(2)
    };
    assert_eq!(take(&mut ledger, [row(0), row(1), claimed]).added, 1);
    assert_eq!(ledger.stock().unwrap().free, 0);
    assert_clean(&ledger);
}

fn a_decision_that_brings_nothing_new_is_on_record(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let decided = list((0..3).map(row)).unused();
    assert_eq!(ledger.import(&decided, &actor("L1")).unwrap().known, 3);
    assert!(ledger.stock().unwrap().unused);
    assert_clean(&ledger);
}
