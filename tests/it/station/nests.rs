use std::time::Duration;

use eol_inject::station::{Command, Event, Feed, Plan, Stop, Wanted};

use super::{Bench, NEXT, SCAN, Way, all, scan};

const TWO: [Option<&str>; 2] = [Some("A"), Some("B")];

/// What is wanted now.
fn wanted(bench: &Bench) -> Wanted {
    let events = all(&bench.station.log(), 0);
    let wanted = events.iter().rev().find_map(|one| match &one.event {
        Event::Wanted(wanted) => Some(wanted.clone()),
        _ => None,
    });
    wanted.unwrap()
}

fn nests(names: &[&str]) -> Wanted {
    Wanted::Nests(names.iter().map(|&name| name.to_owned()).collect())
}

#[test]
fn two_nests_start_together_when_each_has_its_serial() {
    let mut bench = Bench::new(SCAN, &TWO, Way::BySerial);
    bench.start(Plan::Scans(Feed::Pipe));
    assert_eq!(wanted(&bench), nests(&["A", "B"]));
    bench.scan("A\tGW000001");
    assert_eq!(wanted(&bench), nests(&["B"]));
    assert_eq!(bench.free(), 10);
    bench.scan("a GW000003");
    assert!(bench.names(0).contains(&"replaced"));
    let before = bench.last();
    bench.scan("B\tGW000002");
    let names = bench.names(before);
    assert_eq!(names[..2], ["begun", "begun"]);
    assert_eq!(names.iter().filter(|name| **name == "ended").count(), 2);
    assert_eq!((bench.station.counters().passed, bench.free()), (2, 8));
    assert_eq!(wanted(&bench), nests(&["A", "B"]));
}

#[test]
fn a_serial_for_a_nest_that_is_not_there_or_twice_costs_nothing() {
    let mut bench = Bench::new(SCAN, &TWO, Way::BySerial);
    bench.start(Plan::Scans(Feed::Pipe));
    bench.scan("A\tGW000001");
    for wrong in ["C\tGW000002", "GW000002", "B\tGW000001"] {
        bench.scan(wrong);
        assert_eq!(bench.ended(), "serial-nest", "{wrong}");
    }
    let counters = bench.station.counters();
    assert_eq!((counters.failed, counters.in_a_row), (3, 0));
    assert_eq!((bench.free(), wanted(&bench)), (10, nests(&["B"])));
}

#[test]
fn a_panel_that_was_begun_and_is_not_whole_ends_the_loop_by_its_error() {
    let mut bench = Bench::new(SCAN, &TWO, Way::BySerial);
    bench.start(Plan::Scans(Feed::Pipe));
    bench.scan("A\tGW000001");
    let error = bench.station.command(Command::End).unwrap_err();
    assert_eq!(error.name(), "serial-nest");
    let events = all(&bench.station.log(), bench.last() - 1);
    let over = matches!(&events[0].event, Event::Over { error } if *error == Some("serial-nest"));
    assert!(over && bench.station.is_over());
}

#[test]
fn a_skipped_nest_gets_no_unit_until_it_is_resumed() {
    let mut bench = Bench::new(SCAN, &TWO, Way::BySerial);
    bench.start(Plan::Scans(Feed::Pipe));
    bench.scan("A\tGW000001");
    // What was scanned for the other one is enough now.
    bench.command(Command::Skip(1));
    assert_eq!(bench.station.counters().passed, 1);
    assert_eq!(wanted(&bench), nests(&["A"]));
    // The last one is not left out.
    bench.command(Command::Skip(0));
    assert_eq!(wanted(&bench), nests(&["A"]));
    bench.command(Command::Resume(1));
    assert_eq!(wanted(&bench), nests(&["A", "B"]));
}

#[test]
fn every_free_nest_takes_the_next_unit_until_enough_are_good() {
    let mut bench = Bench::new(NEXT, &TWO, Way::BySerial);
    bench.start(Plan::Count(5));
    assert!(bench.station.is_over());
    assert_eq!((bench.station.counters().passed, bench.free()), (5, 5));
}

#[test]
fn a_nest_that_gives_no_sign_holds_nobody_else_and_its_unit_is_in_doubt() {
    let limit = |setup: &mut eol_inject::station::Setup| setup.limit = Duration::from_millis(300);
    let mut bench = Bench::with(SCAN, &[None], Way::Silent, &limit);
    bench.start(Plan::Scans(Feed::Pipe));
    bench.scan("GW000001");
    assert_eq!(bench.ended(), "deliver-no-sign");
    let events = all(&bench.station.log(), 0);
    let left = |event: &Event| matches!(event, Event::Stopped(Stop::NoNest));
    assert!(events.iter().any(|numbered| left(&numbered.event)));
    assert!(bench.station.is_over());
    // What is scanned afterwards is nobody's.
    bench.station.command(scan("GW000002")).unwrap();
    bench.station.close();
}
