//! The loop as an operator has it: on a terminal, which `script` stands for.

use std::fs;
use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{FLASH, RECIPE, SCAN, bench, seat};
use crate::bench::{Bench, PROGRAM, has};

/// A run on a terminal; what it shows goes to the file `screen`.
struct Terminal<'b> {
    bench: &'b Bench,
    child: Child,
    keys: ChildStdin,
}

impl<'b> Terminal<'b> {
    fn start(bench: &'b Bench) -> Self {
        Self::of(bench, &format!("{PROGRAM} run --recipe {RECIPE}"))
    }

    /// Starts a shell's line; what it ends with is shown too, and then whether the terminal echoes.
    /// The trap keeps the shell until then: Ctrl-C reaches it too, and not every shell outlives it.
    fn of(bench: &'b Bench, line: &str) -> Self {
        let line = format!(
            "trap : INT; {line}; code=$?; stty -a | tr ' ' '\\n' | grep '^-*echo$'; exit $code"
        );
        let screen = fs::File::create(bench.path("screen")).unwrap();
        let mut child = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .current_dir(bench.path("."))
            .env("EOL_STATION", "test-station")
            .env("TMPDIR", bench.temporary())
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(screen)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let keys = child.stdin.take().unwrap();
        Self { bench, child, keys }
    }

    fn shows(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.bench.path("screen")).unwrap()).into_owned()
    }

    /// Waits until `text` was shown `times` times.
    fn wait(&self, text: &str, times: usize) {
        let until = Instant::now() + Duration::from_secs(20);
        while self.shows().matches(text).count() < times {
            assert!(Instant::now() < until, "no {text:?} in:\n{}", self.shows());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn types(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }
}

#[test]
fn early_scans_are_dropped_and_a_board_that_stays_is_not_flashed_again() {
    if !has("script", "the run on a terminal") {
        return;
    }
    let bench = bench(&format!("{FLASH}probe = \"one\"\n{SCAN}"));
    seat(&bench, "one", "b1");
    fs::write(bench.path("line/slow.one"), "0.3").unwrap();
    let mut terminal = Terminal::start(&bench);
    terminal.wait("serial> ", 1);
    terminal.types("GW000001\n");
    terminal.wait("identify", 1);
    // Typed too early: with Enter, and half of one.
    terminal.types("GW000002\nGW00");
    terminal.wait("GW000001  token", 1);
    terminal.wait("1 scan dropped", 1);
    terminal.wait("serial> ", 2);
    terminal.types("GW000003\n");
    terminal.wait("take GW000001 off the fixture", 1);
    assert!(!terminal.shows().contains("GW000003  token"));
    seat(&bench, "one", "b2");
    terminal.wait("GW000003  token", 1);
    // A failure rings.
    assert!(!terminal.shows().contains('\u{7}'));
    terminal.wait("serial> ", 3);
    terminal.types("nonsense\n");
    terminal.wait("\u{7}", 1);
    terminal.types("\u{4}");
    let status = terminal.child.wait().unwrap();
    assert_eq!(status.code(), Some(10), "{}", terminal.shows());
    let shown = terminal.shows();
    assert!(!shown.contains("GW000002  token"), "{shown}");
    assert!(
        shown.contains("3 units: 2 passed, 1 failed; 62 tokens left"),
        "{shown}"
    );
}

#[test]
fn scans_that_are_no_serial_do_not_stop_the_line() {
    if !has("script", "the run on a terminal") {
        return;
    }
    let bench = bench(&format!("{FLASH}probe = \"one\"\n{SCAN}"));
    seat(&bench, "one", "b1");
    let mut terminal = Terminal::start(&bench);
    for times in 1..=4 {
        terminal.wait("serial> ", times);
        terminal.types("GX1\n");
    }
    terminal.wait("serial> ", 5);
    terminal.types("GW000001\n");
    terminal.wait("GW000001  token", 1);
    terminal.types("\x04");
    assert!(terminal.child.wait().is_ok());
    assert!(!terminal.shows().contains("stopped"));
}

/// A line whose one board takes as long as a hand.
fn slow(seconds: &str) -> Bench {
    let bench = bench(&format!("{FLASH}probe = \"one\"\n{SCAN}"));
    seat(&bench, "one", "b1");
    fs::write(bench.path("line/slow.one"), seconds).unwrap();
    bench
}

const TOKEN: &str = "-fake-TOKEN_0123456789abcdefghij";

#[test]
fn a_token_that_is_scanned_shows_nowhere_and_a_serial_does() {
    if !has("script", "the run on a terminal") {
        return;
    }
    let bench = slow("0");
    let mut terminal = Terminal::start(&bench);
    terminal.wait("serial> ", 1);
    terminal.types(&format!("{TOKEN}\n"));
    terminal.wait("serial> ", 2);
    // A hand corrects itself; a tab, a token and a serial in one line are one scan.
    terminal.types("GX\x7fW0000\x7f001\n");
    terminal.wait("PASS", 1);
    terminal.wait("serial> ", 3);
    terminal.types(&format!("GW000002\tx{TOKEN}\n"));
    terminal.wait("serial> ", 4);
    terminal.types("\x04");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(10));
    let shown = terminal.shows();
    for part in TOKEN.as_bytes().windows(6) {
        let part = std::str::from_utf8(part).unwrap();
        assert!(!shown.contains(part), "{part} in {shown}");
    }
    assert!(shown.contains("GW000001\r\n"), "{shown}");
    assert!(shown.ends_with("\necho\r\n"), "{shown}");
}

#[test]
fn the_unit_that_is_there_is_named_and_another_serial_ends_the_wait() {
    if !has("script", "the run on a terminal") {
        return;
    }
    for flash in [FLASH.to_owned(), super::nameless()] {
        let bench = bench(&format!("{flash}probe = \"one\"\n{SCAN}"));
        seat(&bench, "one", "b1");
        let mut terminal = Terminal::start(&bench);
        terminal.wait("serial> ", 1);
        terminal.types("GW000001\n");
        terminal.wait("PASS", 1);
        // A new board under the old serial: nothing is begun, and its own serial goes on at once.
        seat(&bench, "one", "b2");
        terminal.wait("serial> ", 2);
        terminal.types("GW000001\n");
        terminal.wait("seat the board of GW000001", 1);
        terminal.wait("serial> ", 3);
        terminal.types("GW000002\n");
        terminal.wait("PASS", 2);
        assert!(!terminal.shows().contains("off the fixture"));
        // The old board under a new serial; then the serial of what is there.
        terminal.wait("serial> ", 4);
        terminal.types("GW000003\n");
        terminal.wait(
            "take GW000002 off the fixture and seat the board of GW000003",
            1,
        );
        terminal.types("GW000003\nGW000002\n");
        terminal.wait("done already", 1);
        terminal.wait("serial> ", 5);
        terminal.types("GW000003\n");
        terminal.wait("take GW000002 off the fixture", 2);
        seat(&bench, "one", "b3");
        terminal.wait("GW000003  token", 1);
        terminal.wait("serial> ", 6);
        terminal.types("\x04");
        assert_eq!(terminal.child.wait().unwrap().code(), Some(52));
    }
}

#[test]
fn ctrl_c_at_an_idle_prompt_speaks_of_no_unit() {
    if !has("script", "the run on a terminal") {
        return;
    }
    let bench = slow("0");
    let mut terminal = Terminal::start(&bench);
    terminal.wait("serial> ", 1);
    terminal.types("\x03");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(130));
    let shown = terminal.shows();
    assert!(
        shown.contains("interrupted: nothing was in hand"),
        "{shown}"
    );
    assert!(!shown.contains("finish"), "{shown}");
    assert!(shown.ends_with("\necho\r\n"), "{shown}");
}

#[test]
fn ctrl_c_is_acknowledged_and_the_unit_is_finished() {
    if !has("script", "the run on a terminal") {
        return;
    }
    let bench = slow("0.5");
    let mut terminal = Terminal::start(&bench);
    terminal.wait("serial> ", 1);
    terminal.types("GW000001\n");
    terminal.wait("identify", 1);
    terminal.types("\x03");
    terminal.wait(
        "finishing what is in hand (GW000001); Ctrl-C again leaves at once",
        1,
    );
    assert!(!terminal.shows().contains("PASS"));
    assert_eq!(terminal.child.wait().unwrap().code(), Some(130));
    let shown = terminal.shows();
    assert!(shown.contains("GW000001  token"), "{shown}");
    assert!(
        shown.contains("interrupted: what was in hand is finished"),
        "{shown}"
    );
    assert!(shown.ends_with("\necho\r\n"), "{shown}");
}

#[test]
fn a_second_ctrl_c_names_the_unit_that_is_left_open() {
    if !has("script", "the run on a terminal") {
        return;
    }
    let bench = slow("3");
    let mut terminal = Terminal::start(&bench);
    terminal.wait("serial> ", 1);
    terminal.types("GW000001\n");
    terminal.wait("identify", 1);
    terminal.types("\x03");
    terminal.wait("Ctrl-C again leaves at once", 1);
    terminal.types("\x03");
    terminal.wait("GW000001: left open", 1);
    assert_eq!(terminal.child.wait().unwrap().code(), Some(130));
    let shown = terminal.shows();
    assert!(shown.ends_with("\necho\r\n"), "{shown}");
}

#[test]
fn labels_are_asked_for_and_a_wrong_scan_rings() {
    if !has("script", "labels on a terminal") {
        return;
    }
    let bench = slow("0");
    let made = super::run(&bench, &[], "GW000001\n");
    assert!(made.status.success(), "{}", super::said(&made));
    let mut terminal = Terminal::of(&bench, &format!("{PROGRAM} label scan --recipe {RECIPE}"));
    terminal.wait("serial or label> ", 1);
    terminal.types("GW000001\n");
    terminal.wait("label of GW000001> ", 1);
    terminal.types("GW000001\n");
    terminal.wait("read twice", 1);
    terminal.wait("label of GW000001> ", 2);
    assert!(!terminal.shows().contains('\u{7}'));
    terminal.types(&format!("{TOKEN}\n"));
    terminal.wait("\u{7}", 1);
    terminal.wait("take the label off and destroy it", 1);
    terminal.wait("serial or label> ", 2);
    terminal.types("\x04");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(61));
    let shown = terminal.shows();
    assert!(!shown.contains(&TOKEN[..8]), "{shown}");
    assert!(shown.ends_with("\necho\r\n"), "{shown}");
}
