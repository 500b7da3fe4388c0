//! What the ledger tells: units, events, disclosures, audit.

use eol_inject::ledger::UnitState;

use super::*;

contract! {
    units_are_read_in_order_of_reservation
    the_history_tells_everything_and_no_secret
    each_station_has_its_own_chain
    a_token_leaves_only_after_that_was_recorded
    the_audit_counts_and_names_the_heads
    an_empty_ledger_is_clean
}

fn units_are_read_in_order_of_reservation(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 5);
    for text in ["Z", "A", "M"] {
        finish(&mut ledger, &claim(text));
    }
    let mut serials = Vec::new();
    ledger.units(&mut |unit| serials.push(unit.serial)).unwrap();
    assert_eq!(serials, ["Z", "A", "M"].map(serial));
}

fn the_history_tells_everything_and_no_secret(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 5);
    let held = go(&mut ledger, &on_board("GW1", "u1"));
    ledger.fail(held, &failure(true)).unwrap();
    finish(&mut ledger, &on_board("GW1", "u1"));
    ledger.labelled(&serial("GW1"), &actor("L1")).unwrap();
    ledger.void(&serial("GW1"), &actor("L1")).unwrap();
    let history = ledger.history(&serial("GW1")).unwrap();
    let kinds: Vec<&str> = history.iter().map(|event| event.kind.as_str()).collect();
    let wanted = [
        "reserved",
        "failed",
        "reserved",
        "delivered",
        "labelled",
        "voided",
    ];
    assert_eq!(kinds, wanted);
    assert!(history.windows(2).all(|two| two[0].seq < two[1].seq));
    let claimed = &history[2].body;
    for word in [
        "GW1",
        &print_of(0).to_hex(),
        &image("v1").to_string(),
        &image("recipe").to_string(),
        r#""epoch":2"#,
        r#""target":"probe""#,
        r#""uid":"u1""#,
        r#""product":"GW-100""#,
        env!("CARGO_PKG_VERSION"),
    ] {
        assert!(claimed.contains(word), "{word} is not in {claimed}");
    }
    assert!(history[5].body.contains("scrapped"));
    for event in &history {
        assert!(!event.body.contains(&token_text(0)));
        assert!(!event.body.contains(&qr_text(0)[..36]));
    }
}

fn each_station_has_its_own_chain(bench: &dyn Bench) {
    let mut one = stocked(bench, 5);
    let mut two = bench.open("L2");
    finish(&mut one, &claim("GW1"));
    finish(&mut two, &claim("GW2"));
    finish(&mut one, &claim("GW3"));
    let audit = one.audit().unwrap();
    let heads: Vec<(&str, i64)> = audit
        .heads
        .iter()
        .map(|(station, link, _)| (station.as_str(), *link))
        .collect();
    assert_eq!(heads, [("L1", 5), ("L2", 2)]);
    let last = two.history(&serial("GW2")).unwrap().pop().unwrap();
    assert_eq!(audit.heads[1].2, last.hash);
}

fn a_token_leaves_only_after_that_was_recorded(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 5);
    finish(&mut ledger, &claim("GW1"));
    let proof = ledger.revealed("tokens of 1 unit", &actor("L1")).unwrap();
    let secret = ledger.reveal(&serial("gw1"), &proof).unwrap();
    assert_eq!(secret.expose(), token(0).expose());
    assert!(ledger.reveal(&serial("GW2"), &proof).is_err());
    let audit = ledger.audit().unwrap();
    assert_eq!(audit.heads[0].2, proof.event());
    assert_eq!(audit.findings, []);
}

fn the_audit_counts_and_names_the_heads(bench: &dyn Bench) {
    let mut ledger = stocked(bench, 5);
    finish(&mut ledger, &claim("GW1"));
    finish(&mut ledger, &claim("GW2"));
    ledger.void(&serial("GW2"), &actor("L1")).unwrap();
    let audit = ledger.audit().unwrap();
    assert_eq!((audit.events, audit.units, audit.tokens), (6, 2, 5));
    assert_eq!(audit.findings, []);
    let record = ledger.find(&serial("GW2")).unwrap().unwrap();
    assert_eq!(record.state, UnitState::Void);
    assert_eq!(audit.heads, [("L1".to_owned(), 6, record.event)]);
}

fn an_empty_ledger_is_clean(bench: &dyn Bench) {
    let ledger = bench.open("L1");
    let audit = ledger.audit().unwrap();
    assert_eq!((audit.events, audit.heads.len()), (0, 0));
    assert_eq!(audit.findings, []);
}
