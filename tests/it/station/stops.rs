use eol_inject::scan::Misread;
use eol_inject::station::{Command, Event, Feed, Plan, Stop};

use super::{Bench, NEXT, SCAN, Way, all};

/// Why the loop stopped.
fn stop(bench: &Bench) -> Option<Stop> {
    let events = all(&bench.station.log(), 0);
    events.iter().rev().find_map(|one| match &one.event {
        Event::Stopped(why) => Some(*why),
        _ => None,
    })
}

#[test]
fn a_wrong_barcode_costs_nothing_and_never_stops_the_line() {
    let mut bench = Bench::new(SCAN, &[None], Way::BySerial);
    bench.start(Plan::Scans(Feed::Pipe));
    for _ in 0..5 {
        bench.scan("4006381333931");
        assert_eq!(bench.ended(), "serial-pattern");
    }
    bench.command(Command::Scan(Err(Misread::Garbled)));
    let counters = bench.station.counters();
    assert_eq!((counters.failed, counters.in_a_row), (6, 0));
    assert!(!bench.names(0).contains(&"begun"));
    assert_eq!(bench.free(), 10);
    bench.scan("GW000001");
    assert_eq!(bench.ended(), "passed");
}

#[test]
fn so_many_failures_in_a_row_stop_the_line() {
    let few = |setup: &mut eol_inject::station::Setup| setup.stop_after = 2;
    let mut bench = Bench::with(SCAN, &[None], Way::Broken, &few);
    bench.start(Plan::Scans(Feed::Pipe));
    bench.scan("GW000001");
    assert_eq!(stop(&bench), None);
    bench.scan("GW000002");
    assert_eq!(stop(&bench), Some(Stop::InARow(2)));
    assert_eq!(bench.names(bench.last() - 2), ["stopped", "over"]);
    assert_eq!(bench.free(), 10);
}

#[test]
fn nothing_stops_a_line_that_is_told_to_go_on_whatever_fails() {
    let never = |setup: &mut eol_inject::station::Setup| setup.stop_after = 0;
    let mut bench = Bench::with(SCAN, &[None], Way::Broken, &never);
    bench.start(Plan::Scans(Feed::Pipe));
    for _ in 0..6 {
        bench.scan("GW000001");
    }
    assert_eq!(stop(&bench), None);
    assert!(bench.station.takes_scans());
}

#[test]
fn the_line_stops_where_no_token_is_left() {
    let mut bench = Bench::new(NEXT, &[None], Way::BySerial);
    bench.start(Plan::Count(11));
    assert_eq!((bench.station.counters().passed, bench.free()), (10, 0));
    assert_eq!(stop(&bench), Some(Stop::Error));
}

#[test]
fn nests_are_not_started_where_there_are_fewer_tokens() {
    let mut bench = Bench::new(NEXT, &[Some("A"), Some("B")], Way::BySerial);
    bench.start(Plan::Count(9));
    assert_eq!(bench.free(), 1);
    let error = bench.station.start(Plan::Count(2)).unwrap_err();
    assert_eq!(error.name(), "unit-pool-empty");
    assert!(bench.station.is_over());
}

#[test]
fn a_line_that_is_stopped_begins_no_further_unit() {
    let mut bench = Bench::new(SCAN, &[None], Way::BySerial);
    bench.start(Plan::Scans(Feed::Pipe));
    bench.scan("GW000001");
    bench.command(Command::Stop);
    assert!(bench.station.is_over());
    let last = bench.last();
    bench.scan("GW000002");
    assert_eq!((bench.last(), bench.free()), (last, 9));
}

#[test]
fn a_stop_ends_the_wait_for_a_hand() {
    let mut bench = Bench::new(SCAN, &[None], Way::ByHand);
    bench.start(Plan::Scans(Feed::Hand));
    bench.scan("GW000001");
    bench.scan("GW000002");
    let before = bench.last();
    bench.station.command(Command::Stop).unwrap();
    while !bench.station.is_over() {
        bench.station.step().unwrap();
    }
    assert_eq!(bench.names(before), ["broken-off", "over"]);
    assert_eq!(bench.free(), 9);
}

#[cfg(unix)]
#[test]
fn a_units_end_is_an_event_before_its_result_is_handed_over() {
    let hook = format!("{SCAN}[hook]\non-result = ['sh', '-c', 'test -e up && cat >> taken']\n");
    let mut bench = Bench::new(&hook, &[None], Way::BySerial);
    bench.start(Plan::Scans(Feed::Pipe));
    bench.scan("GW000001");
    let names = bench.names(0);
    let tail = ["ended", "results", "wanted"];
    assert_eq!(names[names.len() - 3..], tail);
    // It is said once that they wait.
    bench.scan("GW000002");
    let names = bench.names(0);
    assert_eq!(names.iter().filter(|name| **name == "results").count(), 1);
    std::fs::write(bench.path("up"), "").unwrap();
    bench.scan("GW000003");
    let names = bench.names(0);
    assert_eq!(names[names.len() - 3..], tail);
    let taken = std::fs::read_to_string(bench.path("taken")).unwrap();
    assert_eq!(taken, "{\"seq\":1}\n{\"seq\":2}\n{\"seq\":3}\n");
}

#[cfg(unix)]
#[test]
fn a_system_that_takes_no_results_stops_the_line_where_the_recipe_says_so() {
    let hook = format!("{SCAN}[hook]\non-result = ['false']\nmes-down = 'stop'\n");
    let mut bench = Bench::new(&hook, &[None], Way::BySerial);
    bench.start(Plan::Scans(Feed::Pipe));
    bench.scan("GW000001");
    assert_eq!(bench.ended(), "passed");
    assert_eq!(stop(&bench), Some(Stop::Results));
    let names = bench.names(bench.last() - 4);
    assert_eq!(names, ["ended", "results", "stopped", "over"]);
}
