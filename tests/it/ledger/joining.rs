//! A ledger that begins in the middle of a production: tokens that are used, units that exist,
//! boards that others programmed, and what the cloud says of all that.

use eol_inject::ledger::{
    Difference, Evidence, LedgerError, ListError, Mapping, Reconciliation, Refusal, Rework, Target,
    TokenState, UnitState, Witness,
};

use super::*;

contract! {
    a_used_token_is_never_drawn
    a_used_token_that_a_unit_here_has_is_refused_by_row
    a_used_list_turns_free_tokens_into_gone_ones_once
    a_used_token_that_is_away_is_refused
    a_used_token_that_a_unit_gets_meanwhile_is_refused
    adopted_units_are_delivered_with_their_tokens_and_boards
    an_adopted_unit_is_done_for_its_image_and_refused_for_another
    a_mapping_goes_in_whole_or_not_at_all
    a_mapping_goes_in_twice_and_changes_nothing
    a_mapping_that_contradicts_is_refused_by_row
    an_adopted_token_that_was_gone_or_free_is_its_units
    an_adopted_token_is_bound_whatever_a_later_list_says
    a_mapping_without_a_serial_is_refused
    a_witness_makes_prepared_units_delivered
    a_label_that_was_read_before_counts_with_the_witness
    what_a_witness_contradicts_is_refused_and_nothing_counts
    a_witness_heard_twice_is_heard_once
    what_failed_elsewhere_stays_as_it_is
    a_unit_by_a_witness_takes_its_board
    an_attested_unit_is_done
    a_token_is_no_boards_number
    cloud_and_ledger_agree
    each_difference_is_named
    a_returned_unit_is_to_disclaim_until_it_is_made_again
    burnt_tokens_are_to_be_deleted
    the_code_of_a_token_is_known_whatever_became_of_it
}

fn existing(n: usize, text: &str, uid: Option<&str>) -> Row {
    let mut row = Row {
        bound: Some(serial(text)),
        ..row(n)
    };
    if let Some(uid) = uid {
        row.columns
            .insert("UID".to_owned(), Zeroizing::new(uid.to_owned()));
    }
    row
}

fn mapping(rows: impl IntoIterator<Item = Row>) -> Mapping {
    Mapping::of(list(rows)).unwrap()
}

fn adopt(ledger: &mut Ledger, rows: impl IntoIterator<Item = Row>) -> (usize, usize) {
    let adopted = ledger.adopt(&mapping(rows), &actor("L1")).unwrap();
    (adopted.added.len(), adopted.known)
}

fn refused(ledger: &mut Ledger, rows: impl IntoIterator<Item = Row>) -> String {
    let error = ledger.adopt(&mapping(rows), &actor("L1")).unwrap_err();
    assert!(
        matches!(error, LedgerError::List(ListError::Row { .. })),
        "{error}"
    );
    error.to_string()
}

fn witness(text: &str) -> Evidence {
    Evidence {
        line: 1,
        serial: serial(text),
        fingerprint: None,
        uid: None,
        image: None,
        witness: Witness::List,
        passed: true,
    }
}

fn state(ledger: &Ledger, text: &str) -> UnitState {
    ledger.find(&serial(text)).unwrap().unwrap().state
}

fn token_states(ledger: &Ledger) -> Vec<TokenState> {
    let mut states = Vec::new();
    ledger
        .tokens(&mut |token| states.push(token.state))
        .unwrap();
    states
}

fn a_used_token_is_never_drawn(bench: &dyn Bench) {
    let mut ledger = bench.open("L1");
    let used = list((0..3).map(row)).used();
    let import = ledger.import(&used, &actor("L1")).unwrap();
    assert_eq!((import.added, import.gone), (3, 3));
    let empty = refusal(&mut ledger, &claim("GW1"));
    assert!(matches!(empty, Refusal::PoolEmpty { .. }));
    // The export that still has them brings none back.
    ledger.import(&list((0..4).map(row)), &actor("L1")).unwrap();
    assert_eq!(finish(&mut ledger, &claim("GW1")), print_of(3));
    assert_clean(&ledger);
}

fn a_used_token_that_a_unit_here_has_is_refused_by_row(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &claim("GW1"));
    let used = list([row(7), row(0)]).used();
    let error = ledger.import(&used, &actor("L1")).unwrap_err();
    let told = format!(
        "row 2 (token {}) of the token list: GW1 of this ledger",
        print_of(0)
    );
    assert!(error.to_string().starts_with(&told), "{error}");
    assert_eq!(ledger.stock().unwrap().gone, 0);
    assert_clean(&ledger);
}

fn a_used_token_that_is_away_is_refused(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let share = eol_inject::ledger::Share::Loose(1);
    ledger
        .split(("S1", &recipient()), &share, &actor("L1"))
        .unwrap();
    let used = list([row(0)]).used();
    let error = ledger.import(&used, &actor("L1")).unwrap_err();
    assert!(error.to_string().contains("away in a part"), "{error}");
    assert_clean(&ledger);
}

fn a_used_token_that_a_unit_gets_meanwhile_is_refused(bench: &dyn Bench) {
    let count = 400;
    let mut ledger = stocked(bench, count);
    let used = Pool {
        elsewhere: eol_inject::pool::Elsewhere::Used,
        ..list((0..count).map(|n| Row {
            claimed: true,
            ..row(n)
        }))
    };
    let mut station = bench.open("L2");
    let (taken, units) = std::thread::scope(|scope| {
        let units = scope.spawn(move || {
            let claims: Vec<Claim> = (0..count).map(|n| claim(&format!("GW{n}"))).collect();
            let mut units = 0;
            for claims in claims.chunks(4) {
                let answers = station.reserve(claims).unwrap().into_iter();
                units += answers.filter(|answer| answer.is_ok()).count();
            }
            units
        });
        let taken = ledger.import(&used, &actor("L1"));
        (taken, units.join().unwrap())
    });
    match taken {
        // All were turned before anybody drew one, or the list was refused with all its rows.
        Ok(done) => assert_eq!((done.turned, units), (count, 0)),
        Err(error) => assert!(
            matches!(error, LedgerError::List(ListError::ListConflict { .. })),
            "{error}"
        ),
    }
    assert_clean(&ledger);
}

fn a_used_list_turns_free_tokens_into_gone_ones_once(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let used = || list([row(1), row(2)]).used();
    let first = ledger.import(&used(), &actor("L1")).unwrap();
    assert_eq!((first.added, first.known, first.turned), (0, 2, 2));
    let second = ledger.import(&used(), &actor("L1")).unwrap();
    assert_eq!((second.known, second.turned), (2, 0));
    let stock = ledger.stock().unwrap();
    assert_eq!((stock.free, stock.gone), (1, 2));
    assert_clean(&ledger);
}

fn adopted_units_are_delivered_with_their_tokens_and_boards(bench: &dyn Bench) {
    let mut ledger = bench.open("L1");
    let rows = [existing(0, "GW1", Some("u1")), existing(1, "GW2", None)];
    assert_eq!(adopt(&mut ledger, rows), (2, 0));
    let unit = ledger.find(&serial("gw1")).unwrap().unwrap();
    assert_eq!(
        (unit.state, unit.target),
        (UnitState::Delivered, Target::Program)
    );
    assert_eq!(
        (unit.fingerprint, unit.uid.as_deref()),
        (print_of(0), Some("u1"))
    );
    assert_eq!(unit.image.known(), None);
    let stock = ledger.stock().unwrap();
    assert_eq!((stock.free, stock.bound, stock.gone), (0, 2, 0));
    assert_eq!((stock.delivered, stock.reserved), (2, 0));
    let entry = ledger.entry(&serial("GW2")).unwrap().unwrap();
    assert_eq!(entry.qr().unwrap().payload(), qr_text(1));
    let history = ledger.history(&serial("GW1")).unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].kind, "adopted");
    assert!(history[0].body.contains(r#""by":"anna""#));
    assert_clean(&ledger);
}

fn an_adopted_unit_is_done_for_its_image_and_refused_for_another(bench: &dyn Bench) {
    let mut ledger = bench.open("L1");
    let mut known = existing(0, "GW1", Some("u1"));
    known.columns.insert(
        "image_sha256".to_owned(),
        Zeroizing::new(image("v1").to_string()),
    );
    adopt(&mut ledger, [known, existing(1, "GW2", Some("u2"))]);
    assert!(is_done(&mut ledger, &on_board("GW1", "u1")));
    let refused = refusal(&mut ledger, &on_board("GW2", "u2")).to_string();
    assert!(
        refused.contains("is made already, with image unknown"),
        "{refused}"
    );
    // Its board is known, and rework is the way.
    let moved = refusal(&mut ledger, &on_board("GW3", "u2"));
    assert!(matches!(moved, Refusal::BoardTaken { .. }), "{moved:?}");
    ledger
        .rework(&serial("GW2"), &Rework::SameBoard, &actor("L1"))
        .unwrap();
    assert_eq!(finish(&mut ledger, &on_board("GW2", "u2")), print_of(1));
    assert_clean(&ledger);
}

fn a_mapping_goes_in_whole_or_not_at_all(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 2);
    finish(&mut ledger, &on_board("GW1", "u1"));
    let rows = [existing(5, "GW5", None), existing(6, "GW1", None)];
    let told = refused(&mut ledger, rows);
    assert!(
        told.starts_with("row 2, GW1: it is delivered here with token"),
        "{told}"
    );
    assert!(ledger.find(&serial("GW5")).unwrap().is_none());
    let stock = ledger.stock().unwrap();
    assert_eq!((stock.free, stock.bound, stock.gone), (1, 1, 0));
    assert_clean(&ledger);
}

fn a_mapping_goes_in_twice_and_changes_nothing(bench: &dyn Bench) {
    let mut ledger = bench.open("L1");
    let rows = || [existing(0, "GW1", Some("u1")), existing(1, "GW2", None)];
    adopt(&mut ledger, rows());
    ledger.labelled(&serial("GW2"), &actor("L1")).unwrap();
    let before = ledger.history(&serial("GW1")).unwrap();
    assert_eq!(adopt(&mut ledger, rows()), (0, 2));
    assert_eq!(ledger.history(&serial("GW1")).unwrap(), before);
    // More of the same later.
    let more = rows().into_iter().chain([existing(2, "GW3", None)]);
    assert_eq!(adopt(&mut ledger, more), (1, 2));
    assert_clean(&ledger);
}

fn a_mapping_that_contradicts_is_refused_by_row(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 6);
    let fixed = Row {
        bound: Some(serial("GW8")),
        ..row(20)
    };
    ledger.import(&list([fixed]), &actor("L1")).unwrap();
    finish(&mut ledger, &on_board("GW1", "u1"));
    finish(&mut ledger, &claim("GW2"));
    finish(&mut ledger, &on_board("GW3", "u3"));
    ledger.void(&serial("GW3"), &actor("L1")).unwrap();
    finish(&mut ledger, &on_board("GW4", "u4"));
    let to = Rework::Rehoused {
        to: serial("GW14"),
        content: eol_inject::ledger::Content::Stays,
    };
    ledger.rework(&serial("GW4"), &to, &actor("L1")).unwrap();
    for (row, wanted) in [
        (existing(0, "GW9", None), "is GW1's already".to_owned()),
        (
            existing(0, "GW1", Some("u9")),
            "it is on the board u1 here, not u9".to_owned(),
        ),
        (
            existing(30, "GW9", Some("u1")),
            "its board is GW1 already".to_owned(),
        ),
        (
            existing(1, "GW2", None),
            "it is prepared here: confirm it".to_owned(),
        ),
        (existing(2, "GW9", None), "is burnt".to_owned()),
        (existing(2, "GW3", None), "it is void here".to_owned()),
        (
            existing(30, "GW4", None),
            "GW4 has been GW14 since".to_owned(),
        ),
        (
            existing(30, "GW8", None),
            format!("a list fixes it to token {}", print_of(20)),
        ),
        (
            existing(20, "GW9", None),
            format!("a list fixes its token {} to GW8", print_of(20)),
        ),
    ] {
        let told = refused(&mut ledger, [row]);
        assert!(told.contains(&wanted), "{told}, wanted {wanted}");
    }
    let twice = [
        existing(30, "GW9", Some("u9")),
        existing(31, "GW10", Some("u9")),
    ];
    let told = refused(&mut ledger, twice);
    assert!(
        told.contains("row 2, GW10: the board u9 stands in row 1 too"),
        "{told}"
    );
    assert_eq!(token_states(&ledger).len(), 7);
    assert_clean(&ledger);
}

fn an_adopted_token_that_was_gone_or_free_is_its_units(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 2);
    ledger.import(&list([row(5)]).used(), &actor("L1")).unwrap();
    adopt(
        &mut ledger,
        [existing(0, "GW1", None), existing(5, "GW5", None)],
    );
    assert_eq!(
        token_states(&ledger),
        [TokenState::Bound, TokenState::Free, TokenState::Bound]
    );
    assert_eq!(finish(&mut ledger, &claim("GW2")), print_of(1));
    assert_clean(&ledger);
}

fn an_adopted_token_is_bound_whatever_a_later_list_says(bench: &dyn Bench) {
    let mut ledger = bench.open("L1");
    adopt(&mut ledger, [existing(0, "GW1", None)]);
    let later = [
        Row {
            claimed: true,
            ..row(0)
        },
        row(1),
    ];
    ledger.import(&list(later), &actor("L1")).unwrap();
    assert_eq!(token_states(&ledger), [TokenState::Bound, TokenState::Free]);
    ledger.void(&serial("GW1"), &actor("L1")).unwrap();
    assert_clean(&ledger);
}

fn a_mapping_without_a_serial_is_refused(_: &dyn Bench) {
    let error = Mapping::of(list([existing(0, "GW1", None), row(1)])).unwrap_err();
    let told = format!(
        "row 2 (token {}): no serial says which unit has it",
        print_of(1)
    );
    assert_eq!(error.to_string(), told);
}

fn a_witness_makes_prepared_units_delivered(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    let print = finish(&mut ledger, &claim("GW1"));
    finish(&mut ledger, &claim("GW2"));
    let one = Evidence {
        fingerprint: Some(print),
        image: Some(image("v1")),
        witness: Witness::Dump,
        ..witness("gw1")
    };
    let told = ledger.attest(&[one], &actor("L2")).unwrap();
    assert!(!told[0].already);
    let unit = told[0].entry.record();
    assert_eq!(
        (unit.state, unit.target),
        (UnitState::Delivered, Target::Program)
    );
    assert_eq!(state(&ledger, "GW2"), UnitState::Prepared);
    let event = ledger.history(&serial("GW1")).unwrap().pop().unwrap();
    assert_eq!(
        (event.kind.as_str(), event.station.as_str()),
        ("attested", "L2")
    );
    assert!(event.body.contains(r#""witness":"dump""#), "{}", event.body);
    assert_clean(&ledger);
}

fn a_label_that_was_read_before_counts_with_the_witness(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &claim("GW1"));
    ledger.labelled(&serial("GW1"), &actor("L1")).unwrap();
    ledger.attest(&[witness("GW1")], &actor("L1")).unwrap();
    assert_eq!(state(&ledger, "GW1"), UnitState::Labelled);
    assert_clean(&ledger);
}

fn what_a_witness_contradicts_is_refused_and_nothing_counts(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 6);
    finish(&mut ledger, &claim("GW1"));
    drop(go(&mut ledger, &claim("GW2")));
    finish(&mut ledger, &claim("GW3"));
    ledger.void(&serial("GW3"), &actor("L1")).unwrap();
    finish(&mut ledger, &on_board("GW4", "u4"));
    finish(&mut ledger, &claim("GW5"));
    for (one, wanted) in [
        (witness("GW9"), "the ledger has no such unit"),
        (witness("GW2"), "it is reserved"),
        (witness("GW3"), "it is void since"),
        (
            Evidence {
                fingerprint: Some(print_of(9)),
                ..witness("GW5")
            },
            "it was seen with token",
        ),
        (
            Evidence {
                image: Some(image("v2")),
                ..witness("GW5")
            },
            "it was seen with image",
        ),
        (
            Evidence {
                uid: Some("u4".to_owned()),
                ..witness("GW5")
            },
            "the board u4 is GW4 already",
        ),
        (
            Evidence {
                uid: Some("u9".to_owned()),
                ..witness("GW4")
            },
            "it belongs to the board u4, not to u9",
        ),
    ] {
        let both = [witness("GW1"), Evidence { line: 2, ..one }];
        let error = ledger.attest(&both, &actor("L1")).unwrap_err();
        assert!(
            matches!(error, LedgerError::List(ListError::Row { place, .. }) if place.number == 2)
        );
        assert!(error.to_string().contains(wanted), "{error}");
        assert_eq!(state(&ledger, "GW1"), UnitState::Prepared);
    }
    assert_clean(&ledger);
}

fn a_witness_heard_twice_is_heard_once(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &claim("GW1"));
    ledger.attest(&[witness("GW1")], &actor("L1")).unwrap();
    let before = ledger.history(&serial("GW1")).unwrap();
    let again = ledger.attest(&[witness("GW1")], &actor("L1")).unwrap();
    assert!(again[0].already);
    assert_eq!(ledger.history(&serial("GW1")).unwrap(), before);
}

fn what_failed_elsewhere_stays_as_it_is(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 4);
    finish(&mut ledger, &claim("GW1"));
    drop(go(&mut ledger, &claim("GW2")));
    finish(&mut ledger, &on_board("GW3", "u3"));
    finish(&mut ledger, &claim("GW4"));
    let failed = |text: &str| Evidence {
        passed: false,
        ..witness(text)
    };
    let before = ledger.history(&serial("GW1")).unwrap();
    let list = [failed("GW1"), failed("GW2"), witness("GW4")];
    let told = ledger.attest(&list, &actor("L1")).unwrap();
    let passed: Vec<bool> = told.iter().map(|one| one.passed).collect();
    assert_eq!(passed, [false, false, true]);
    assert_eq!(ledger.history(&serial("GW1")).unwrap(), before);
    assert_eq!(state(&ledger, "GW2"), UnitState::Reserved);
    assert_eq!(state(&ledger, "GW4"), UnitState::Delivered);
    // Of a delivered unit it contradicts the record, and nothing of the list counts.
    for (one, wanted) in [
        (
            failed("GW3"),
            "the list says that it failed, and it is delivered since",
        ),
        (failed("GW9"), "the ledger has no such unit"),
    ] {
        let list = [witness("GW1"), Evidence { line: 2, ..one }];
        let error = ledger.attest(&list, &actor("L1")).unwrap_err();
        assert!(
            matches!(error, LedgerError::List(ListError::Row { place, .. }) if place.number == 2)
        );
        assert!(error.to_string().contains(wanted), "{error}");
        assert_eq!(state(&ledger, "GW1"), UnitState::Prepared);
    }
    assert_clean(&ledger);
}

fn a_unit_by_a_witness_takes_its_board(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &claim("GW1"));
    finish(&mut ledger, &claim("GW2"));
    let seen = |text: &str| Evidence {
        uid: Some("u1".to_owned()),
        ..witness(text)
    };
    ledger.attest(&[seen("GW1")], &actor("L1")).unwrap();
    assert_eq!(
        ledger.on_board("u1").unwrap().unwrap().serial,
        serial("GW1")
    );
    // One board for two units in one list: neither order makes both true.
    let error = ledger.attest(&[seen("GW2")], &actor("L1")).unwrap_err();
    assert!(
        error.to_string().contains("the board u1 is GW1 already"),
        "{error}"
    );
    assert_clean(&ledger);
}

fn an_attested_unit_is_done(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &claim("GW1"));
    ledger.attest(&[witness("GW1")], &actor("L1")).unwrap();
    assert!(is_done(&mut ledger, &claim("GW1")));
    let other = Claim {
        image: image("v2"),
        ..claim("GW1")
    };
    assert!(matches!(
        refusal(&mut ledger, &other),
        Refusal::Finished { .. }
    ));
}

fn a_token_is_no_boards_number(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &claim("GW1"));
    let secret = token_text(7);
    let one = Evidence {
        uid: Some(secret.clone()),
        ..witness("GW1")
    };
    let told = ledger.attest(&[one], &actor("L1")).unwrap_err().to_string();
    assert!(
        told.contains("looks like a token") && !told.contains(&secret),
        "{told}"
    );
    let row = existing(5, "GW5", Some(&secret));
    let told = Mapping::of(list([row])).unwrap_err().to_string();
    assert!(
        told.contains("looks like a token") && !told.contains(&secret),
        "{told}"
    );
    // A chip with a number of 128 bits.
    let digits = "00112233445566778899aabbccddeeff";
    assert_eq!(
        adopt(&mut ledger, [existing(5, "GW5", Some(digits))]),
        (1, 0)
    );
}

/// Compares a list with a ledger; names each difference with its serial.
fn reconcile(ledger: &Ledger, rows: Vec<Row>) -> Vec<(Difference, Option<String>)> {
    let mut both = Reconciliation::new(&list(rows));
    ledger.tokens(&mut |token| both.take(&token)).unwrap();
    let found = both.rest().into_iter();
    found
        .map(|one| {
            let serial = one.serial.map(|serial| serial.to_string());
            (one.difference, serial)
        })
        .collect()
}

fn claimed(n: usize) -> Row {
    Row {
        claimed: true,
        ..row(n)
    }
}

fn cloud_and_ledger_agree(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 4);
    finish(&mut ledger, &on_board("GW1", "u1"));
    finish(&mut ledger, &on_board("GW2", "u2"));
    ledger.import(&list([row(9)]).used(), &actor("L1")).unwrap();
    // Sold, in stock, free, and used elsewhere: as it should be.
    let cloud = vec![claimed(0), row(1), row(2), row(3), claimed(9)];
    assert_eq!(reconcile(&ledger, cloud), []);
}

fn each_difference_is_named(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 8);
    finish(&mut ledger, &on_board("GW1", "u1"));
    finish(&mut ledger, &claim("GW2"));
    finish(&mut ledger, &on_board("GW3", "u3"));
    finish(&mut ledger, &on_board("GW4", "u4"));
    ledger.void(&serial("GW3"), &actor("L1")).unwrap();
    ledger
        .rework(&serial("GW4"), &Rework::BoardSwapped, &actor("L1"))
        .unwrap();
    // 0 is deleted, 1 claimed, 2 claimed, 3 there, 4 deleted, 5 claimed, 6 and 7 right.
    let cloud = vec![
        claimed(1),
        claimed(2),
        row(3),
        claimed(5),
        row(6),
        row(7),
        row(99),
    ];
    let named = |text: &str| Some(text.to_owned());
    assert_eq!(
        reconcile(&ledger, cloud),
        [
            (Difference::MadeDeleted, named("GW1")),
            (Difference::FreeDeleted, None),
            (Difference::FreeClaimed, None),
            (Difference::StockClaimed, named("GW2")),
            (Difference::BurntClaimed, named("GW3")),
            (Difference::BurntThere, named("GW4")),
            (Difference::UnknownHere, None),
        ]
    );
    // A burnt token that was deleted is as it should be.
    let cloud = vec![row(0), row(1), row(4), row(5), row(6), row(7)];
    assert_eq!(reconcile(&ledger, cloud), []);
}

fn a_returned_unit_is_to_disclaim_until_it_is_made_again(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 1);
    finish(&mut ledger, &on_board("GW1", "u1"));
    assert_eq!(reconcile(&ledger, vec![claimed(0)]), []);
    ledger
        .rework(&serial("GW1"), &Rework::Returned, &actor("L1"))
        .unwrap();
    let to_disclaim = |ledger: &Ledger| {
        let mut any = false;
        ledger
            .tokens(&mut |token| any |= token.is_to_disclaim())
            .unwrap();
        any
    };
    let named = Some("GW1".to_owned());
    assert!(to_disclaim(&ledger));
    let found = reconcile(&ledger, vec![claimed(0)]);
    assert_eq!(found, [(Difference::ReturnedClaimed, named.clone())]);
    assert_eq!(reconcile(&ledger, vec![row(0)]), []);
    finish(&mut ledger, &on_board("GW1", "u1"));
    // Perhaps sold again: a blind disclaim would cut a customer off.
    assert!(!to_disclaim(&ledger));
    let found = reconcile(&ledger, vec![claimed(0)]);
    assert_eq!(found, [(Difference::RemadeClaimed, named)]);
}

fn burnt_tokens_are_to_be_deleted(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 3);
    finish(&mut ledger, &on_board("GW1", "u1"));
    finish(&mut ledger, &on_board("GW2", "u2"));
    ledger.void(&serial("GW1"), &actor("L1")).unwrap();
    ledger
        .rework(&serial("GW2"), &Rework::BoardSwapped, &actor("L1"))
        .unwrap();
    let mut burnt = Vec::new();
    ledger
        .tokens(&mut |token| {
            if token.is_burnt() {
                burnt.push(token.holder.unwrap().serial.to_string());
            }
        })
        .unwrap();
    assert_eq!(burnt, ["GW1", "GW2"]);
}

fn the_code_of_a_token_is_known_whatever_became_of_it(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 2);
    finish(&mut ledger, &on_board("GW1", "u1"));
    ledger.void(&serial("GW1"), &actor("L1")).unwrap();
    for n in 0..2 {
        let code = ledger.code(&print_of(n)).unwrap().unwrap();
        assert_eq!(code.payload(), qr_text(n));
    }
    assert!(ledger.code(&print_of(9)).unwrap().is_none());
}
