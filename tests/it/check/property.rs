//! For any recipe, list, image and ledger: if `check` says ready, the next unit passes; if it does
//! not, the next command fails with the name of the first thing that it found.
//!
//! Cases follow from their number. `EOL_INJECT_READY_CASES=1000` tries that many.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use super::{RECIPE, check, errors};
use crate::bench::Bench;
use crate::support::times;

/// Numbers that follow from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        let at = usize::try_from(self.below(from.len() as u64)).unwrap();
        from[at]
    }

    /// The first one, as a rule.
    fn mostly<'t>(&mut self, first: &'t str, others: &[&'t str]) -> &'t str {
        if self.one_in(4) {
            self.pick(others)
        } else {
            first
        }
    }
}

/// One case: what was set up, and which unit is the next.
struct Case {
    bench: Bench,
    /// What was made of it, for a failure's words.
    told: String,
    source: &'static str,
    flash: bool,
    rows: u64,
    /// A serial that the next unit may have.
    serial: String,
    /// Whether the ledger holds simulated units.
    simulated: bool,
}

/// The shared image: text of `[image]`, slots and checksums.
fn image(dice: &mut Dice, bench: &Bench, column: bool) -> String {
    let mut text = match dice.below(4) {
        0 => "[image]\nfile = \"gw100.elf\"\n[[slot]]\nvalue = \"auth-token\"\nsection = \".auth_token\"\n\
              blank = { text = \"PLACEHOLDER\" }\n[[checksum]]\nkind = \"crc\"\n\
              algorithm = \"CRC-32/ISO-HDLC\"\nover = [\"__image_start..__image_end\"]\n\
              at = { symbol = \"image_crc\" }\n"
            .to_owned(),
        1 => "[image]\nfile = \"gw100.hex\"\nsymbols = \"gw100.elf\"\n[[slot]]\nvalue = \"auth-token\"\n\
              section = \".auth_token\"\nblank = { text = \"PLACEHOLDER\" }\n[[checksum]]\nkind = \"crc\"\n\
              algorithm = \"CRC-32/ISO-HDLC\"\nover = [\"__image_start..__image_end\"]\n\
              at = { symbol = \"image_crc\" }\n"
            .to_owned(),
        _ => {
            fs::write(bench.path("gw100/own.bin"), [0xFF; 1024]).unwrap();
            let size = 31 + dice.below(20);
            let nul = dice.pick(&["true", "false"]);
            let mut text = format!(
                "[image]\nfile = \"own.bin\"\nbase = 0x1000\n[[slot]]\nvalue = \"auth-token\"\n\
                 address = 0x1040\nsize = {size}\nnul = {nul}\n"
            );
            let size = dice.mostly("24", &["4", "8", "9", "12"]);
            if dice.one_in(2) {
                let slot = "[[slot]]\nvalue = \"serial\"\naddress = 0x1100\n";
                writeln!(text, "{slot}size = {size}").unwrap();
            }
            if dice.one_in(2) {
                text.push_str(
                    "[[checksum]]\nkind = \"crc\"\nalgorithm = \"CRC-32/MPEG-2\"\n\
                     over = [\"0x1000..0x13fc\"]\nat = { address = 0x13fc }\ninitial = \"unset\"\n",
                );
            }
            if column {
                let header = dice.mostly("Plant", &["Colour"]);
                let slot = format!("[[slot]]\nvalue = \"column:{header}\"\naddress = 0x1200\n");
                writeln!(text, "{slot}size = {size}").unwrap();
            }
            text
        }
    };
    if dice.one_in(12) {
        text = text.replace("blank = { text = \"PLACEHOLDER\" }", "blank = \"erased\"");
    }
    text
}

/// The list; returns how many rows it has, and the first serial that it fixes.
fn list(dice: &mut Dice, bench: &Bench, bind: bool) -> (u64, Option<String>) {
    let rows = dice.below(5);
    let codes = !dice.one_in(5);
    let mut csv = "Device Token".to_owned();
    csv.push_str(if codes { ",QR Token" } else { "" });
    csv.push_str(if bind { ",Serial" } else { "" });
    csv.push_str(",Plant\n");
    let mut first = None;
    for row in 0..rows {
        write!(csv, "fake-TOKEN_0123456789abcdefghij{row}").unwrap();
        if codes {
            write!(csv, ",sqr_gCCsLSydh3d0ArmZj50l9zr79JXVoo0{row}+17").unwrap();
        }
        if bind {
            let serial = format!("{}{:06}", dice.mostly("GW", &["AB"]), 700 + row);
            write!(csv, ",{serial}").unwrap();
            first.get_or_insert(serial);
        }
        let plant = dice.mostly("north", &["", "a plant far away", "x"]);
        writeln!(csv, ",{plant}").unwrap();
    }
    fs::write(bench.path("list.csv"), csv).unwrap();
    (rows, first)
}

/// `[flash]`, if there is one.
fn flash(dice: &mut Dice) -> &'static str {
    match dice.below(12) {
        0..=2 => "",
        3 => "[flash]\nchip = \"nRF52840_xxAA\"\nprobe = \"nonsense\"\n",
        4 => "[flash]\nchip = \"nRF52840_xxAA\"\nprobe = \"sim:STM32F405RG\"\n",
        5 => "[flash]\nchip = \"nRF9999\"\nprobe = \"sim\"\n",
        6 => {
            "[flash]\nchip = \"demo\"\nprogram = [\"no-such-tool\", \"{image}\"]\n\
              readback = [\"no-such-tool\", \"{dump}\"]\n"
        }
        7 => "[flash]\nchip = \"nRF52840_xxAA\"\nprobe = \"1366:1015:none\"\n",
        8 => "[flash]\nchip = \"nRF52840_xxAA\"\nprobe = \"sim\"\nmode = \"slot\"\n",
        _ => "[flash]\nchip = \"nRF52840_xxAA\"\nprobe = \"sim\"\n",
    }
}

impl Case {
    fn new(number: u64) -> Self {
        let mut dice = Dice(number);
        let dice = &mut dice;
        let bench = Bench::with(&["gw100"]);
        let bind = dice.one_in(3);
        let source: &'static str = match (bind, dice.below(3)) {
            (true, 0) => "pool",
            (_, 1) => "scan",
            _ => "next",
        };
        let column = dice.one_in(2);
        let mut text = "product = \"P-1\"\n".to_owned();
        text.push_str(&image(dice, &bench, column));
        let (rows, bound) = list(dice, &bench, bind);
        if !dice.one_in(10) {
            text.push_str("[pool]\nfile = \"../list.csv\"\n");
            text.push_str(if bind { "bind = \"Serial\"\n" } else { "" });
        }
        writeln!(text, "[serial]\nsource = \"{source}\"").unwrap();
        let format = dice.mostly("GW{:06}", &["GW{:02}", "GW{}", "A{}", "GATEWAY{:08}"]);
        if source == "next" || dice.one_in(16) {
            writeln!(text, "format = \"{format}\"").unwrap();
        }
        if dice.one_in(3) {
            let pattern = dice.mostly("^GW", &["^GW[0-9]{6}$", "^A"]);
            let pattern = if source == "scan" { "^GW" } else { pattern };
            writeln!(text, "pattern = \"{pattern}\"").unwrap();
        }
        if dice.one_in(10) {
            let case = if source == "scan" {
                "upper"
            } else {
                dice.pick(&["upper", "lower"])
            };
            writeln!(text, "case = \"{case}\"").unwrap();
        }
        let flash = flash(dice);
        text.push_str(flash);
        match dice.below(9) {
            0 => text.push_str("[label]\nwhen = \"none\"\n"),
            1 if dice.one_in(2) => text.push_str("[label]\nwhen = \"preprinted\"\n"),
            2 if dice.one_in(2) => text.push_str("[label]\ndir = \"own.toml/labels\"\n"),
            _ => {}
        }
        fs::write(bench.path("gw100/own.toml"), "").unwrap();
        fs::write(bench.path(RECIPE), &text).unwrap();
        let mut case = Self {
            bench,
            told: format!("case {number}\n{text}"),
            source,
            flash: !flash.is_empty(),
            rows,
            serial: String::new(),
            simulated: false,
        };
        let used = case.ledger(dice, flash);
        case.serial = match (source, bound) {
            ("next", _) => {
                let number = used + 1;
                let width = |text: &str| format.replace("{}", text);
                width(&number.to_string())
                    .replace("{:06}", &format!("{number:06}"))
                    .replace("{:02}", &format!("{number:02}"))
                    .replace("{:08}", &format!("{number:08}"))
            }
            // The units of a list are made in its order.
            (_, Some(_)) => {
                let csv = fs::read_to_string(case.bench.path("list.csv")).unwrap();
                let row = csv
                    .lines()
                    .nth(usize::try_from(used + 1).unwrap())
                    .unwrap_or("");
                let serial = row
                    .split(',')
                    .find(|cell| cell.len() == 8 && cell.ends_with(char::is_numeric));
                serial.unwrap_or("GW1").to_owned()
            }
            _ => format!("GW{}", used + 1),
        };
        case
    }

    /// Brings the ledger into some state; returns how many units were made.
    fn ledger(&mut self, dice: &mut Dice, flash: &str) -> u64 {
        let run = |bench: &Bench, args: &[&str]| {
            let all = [args, &["--recipe", RECIPE]].concat();
            bench.run(&all).status.success()
        };
        let count = dice.below(4).min(self.rows);
        let counted = self.source != "scan";
        match dice.below(6) {
            0 => {
                run(&self.bench, &["pool", "import", "list.csv"]);
                0
            }
            1 if counted && count > 0 => {
                let count = count.to_string();
                match run(&self.bench, &["batch", "--count", &count, "-o", "out"]) {
                    true => count.parse().unwrap(),
                    false => 0,
                }
            }
            2 if counted && flash.contains("\"sim\"") => {
                self.simulated = run(&self.bench, &["run", "--count", "1"]);
                u64::from(self.simulated)
            }
            3 if run(&self.bench, &["pool", "import", "list.csv"]) => {
                let key = self.bench.path("gw100/eol-inject.ledger.key");
                if dice.one_in(3) {
                    let _ = fs::remove_file(key);
                }
                0
            }
            _ => 0,
        }
    }

    /// Holds the next command against the findings that concern it.
    fn hold(&self, what: &str, found: &[&Value], next: &[&str]) {
        // Nothing of what one command does is there for the other.
        let bench = self.bench.again();
        let (code, names) = errors(&bench, next);
        let told = format!(
            "{what}: {found:?}\n{next:?} gave {code} {names:?}\n{}",
            self.told
        );
        let Some(first) = found.first() else {
            assert!(code == 0 && names.is_empty(), "{told}");
            return;
        };
        let name = first["name"].as_str().unwrap();
        if is_row(first) {
            // It is met when its turn comes.
            assert!(code != 0 && names.iter().any(|one| one == name), "{told}");
        } else {
            assert_eq!(names.first().map(String::as_str), Some(name), "{told}");
            assert_eq!(Some(i64::from(code)), first["code"].as_i64(), "{told}");
        }
    }

    fn prove(&self) {
        let (code, object) = check(&self.bench, &[]);
        let mut all: Vec<&Value> = object["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        if object["ready"].is_null() {
            // It is no recipe at all.
            all.push(&object["error"]);
        }
        assert_eq!(
            object["ready"].as_bool().unwrap_or_default(),
            all.is_empty(),
            "{object}\n{}",
            self.told
        );
        assert_eq!(code == 0, all.is_empty(), "{object}\n{}", self.told);
        let rows = self.rows.max(1).to_string();
        let count = |found: &[&Value]| match found.first() {
            Some(first) if is_row(first) => rows.clone(),
            _ => "1".to_owned(),
        };
        // A scanned unit meets the fault of its own row and of no other one.
        let other = |found: &[&Value]| {
            self.source == "scan" && found.first().is_some_and(|first| is_row(first))
        };
        if self.flash && !other(&all) {
            let count = count(&all);
            let run: Vec<&str> = match self.source {
                "scan" => vec!["run", "--serial", &self.serial],
                _ => vec!["run", "--count", &count, "--stop-after", "9"],
            };
            self.hold("run", &all, &run);
        }
        // Files need no board, and are real units.
        let files = |one: &&&Value| {
            one["stage"] != "fixture"
                && one["stage"] != "board"
                && one["stage"] != "hook"
                && one["name"] != "ledger-simulated-mixed"
        };
        let mine: Vec<&Value> = all.iter().filter(files).copied().collect();
        if self.simulated {
            return;
        }
        if other(&mine) {
            let csv = fs::read_to_string(self.bench.path("list.csv")).unwrap();
            let rows = csv.lines().skip(1).enumerate();
            let serial = |(row, line): (usize, &str)| {
                let mut cells = line.split(',');
                let bound = cells.find(|cell| cell.len() == 8 && cell.ends_with(char::is_numeric));
                bound.map_or_else(|| format!("GW{}", row + 1), str::to_owned)
            };
            let serials: Vec<String> = rows.map(serial).collect();
            fs::write(self.bench.path("serials.txt"), serials.join("\n")).unwrap();
            let all = ["batch", "--serials", "serials.txt", "-o", "out-all"];
            self.hold(
                "batch",
                &mine,
                &[&all[..], &["--stop-after", "99"]].concat(),
            );
        } else if count(&mine) == "1" || self.source == "scan" {
            let inject = ["inject", "--serial", &self.serial, "-o", "unit.img"];
            self.hold("inject", &mine, &inject);
        } else {
            let batch = [
                "batch",
                "--count",
                &rows,
                "-o",
                "out-all",
                "--stop-after",
                "99",
            ];
            self.hold("batch", &mine, &batch);
        }
    }
}

/// Whether a finding is about one of the ledger's tokens.
fn is_row(finding: &Value) -> bool {
    let serial = finding["name"]
        .as_str()
        .is_some_and(|name| name.starts_with("serial-"));
    finding["stage"] == "tokens" && (finding["code"] == 30 || serial)
}

#[test]
fn what_check_says_is_what_the_next_command_does() {
    let asked = std::env::var("EOL_INJECT_READY_CASES").ok();
    let cases = asked.map_or_else(|| times(40, 8) as u64, |text| text.parse().unwrap());
    let first = std::env::var("EOL_INJECT_READY_FIRST").map_or(0, |text| text.parse().unwrap());
    for number in first..first + cases {
        Case::new(number).prove();
    }
}
