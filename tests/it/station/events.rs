use eol_inject::station::{Command, Event, Feed, KEPT, Plan, Wanted};

use super::{Bench, NEXT, SCAN, Way, all, scan};

#[test]
fn a_scan_becomes_a_unit_and_every_event_comes_once_and_in_order() {
    let mut bench = Bench::new(SCAN, &[None], Way::BySerial);
    bench.start(Plan::Scans(Feed::Pipe));
    assert_eq!(bench.names(0), ["wanted"]);
    bench.scan("GW000001");
    let unit = ["wanted", "begun", "unit", "seen", "ended", "wanted"];
    assert_eq!(bench.names(0), unit);
    bench.command(Command::End);
    assert_eq!(bench.names(bench.last() - 1), ["over"]);
    let numbers = all(&bench.station.log(), 0);
    let numbers: Vec<u64> = numbers.iter().map(|numbered| numbered.number).collect();
    assert_eq!(numbers, (1..=bench.last()).collect::<Vec<_>>());
    assert_eq!((bench.ended().as_str(), bench.free()), ("passed", 9));
}

#[test]
fn a_late_view_gets_what_it_missed_and_goes_on_from_any_number() {
    let mut bench = Bench::new(SCAN, &[None], Way::BySerial);
    bench.start(Plan::Scans(Feed::Pipe));
    bench.scan("GW000001");
    let log = bench.station.log();
    let seen = all(&log, 0);
    bench.scan("GW000002");
    let rest = all(&log, seen.last().unwrap().number);
    let late = all(&log, 0);
    let joined = seen.iter().chain(&rest).map(|numbered| numbered.number);
    assert!(joined.eq(late.iter().map(|numbered| numbered.number)));
    assert!(all(&log, late.last().unwrap().number).is_empty());
    assert!(all(&log, u64::MAX).is_empty());
}

#[test]
fn a_view_that_comes_too_late_is_told_how_much_it_missed() {
    let mut bench = Bench::new(SCAN, &[None], Way::BySerial);
    for _ in 0..KEPT + 5 {
        // Nobody has asked for one.
        bench.station.command(scan("GW000001")).unwrap();
    }
    let since = bench.station.log().after(2);
    assert_eq!((since.missed, since.events.len()), (3, KEPT));
    assert_eq!(since.events[0].number, 6);
    assert_eq!(bench.station.log().after(5).missed, 0);
}

#[test]
fn a_serial_that_is_scanned_again_is_verified_and_costs_no_token() {
    let mut bench = Bench::new(SCAN, &[None], Way::BySerial);
    bench.start(Plan::Scans(Feed::Pipe));
    bench.scan("GW000001");
    bench.scan("GW000001");
    assert_eq!((bench.ended().as_str(), bench.free()), ("already", 9));
    let counters = bench.station.counters();
    assert_eq!((counters.passed, counters.already), (2, 1));
}

#[test]
fn a_board_that_is_left_on_is_waited_for_and_another_scan_takes_its_place() {
    let mut bench = Bench::new(SCAN, &[None], Way::ByHand);
    bench.start(Plan::Scans(Feed::Hand));
    bench.scan("GW000001");
    assert_eq!(bench.ended(), "passed");
    let before = bench.last();
    bench.scan("GW000002");
    let events = all(&bench.station.log(), before);
    let waits = |event: &Event| match event {
        Event::Waiting { there, due, .. } => Some((there.clone(), due.clone())),
        _ => None,
    };
    let waiting = events.iter().find_map(|numbered| waits(&numbered.event));
    let name = |text: &str| Some(text.parse().unwrap());
    assert_eq!(waiting, Some((name("GW000001"), name("GW000002"))));
    assert_eq!(bench.station.in_hand().count(), 0);
    let before = bench.last();
    bench.scan("GW000001");
    let names = bench.names(before);
    let wanted = ["broken-off", "begun", "unit", "seen", "ended", "wanted"];
    assert_eq!(names, wanted);
    assert_eq!((bench.ended().as_str(), bench.free()), ("already", 9));
}

#[test]
fn a_scan_that_nobody_asked_for_is_dropped_and_said() {
    let mut bench = Bench::new(NEXT, &[None], Way::BySerial);
    bench.station.start(Plan::Count(1)).unwrap();
    bench.station.command(scan("GW000007")).unwrap();
    bench.settle();
    let names = ["dropped", "begun", "unit", "seen", "ended", "over"];
    assert_eq!(bench.names(0), names);
}

#[test]
fn units_whose_serials_the_line_gives_begin_by_a_hand() {
    let mut bench = Bench::new(NEXT, &[None], Way::BySerial);
    bench.start(Plan::Scans(Feed::Hand));
    let first = all(&bench.station.log(), 0);
    assert!(matches!(&first[0].event, Event::Wanted(Wanted::Next)));
    bench.command(Command::Next);
    bench.command(Command::Next);
    assert_eq!((bench.station.counters().passed, bench.free()), (2, 8));
}
