//! Many units at once: killed again and again, and held to its memory.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::bench::{PROGRAM, text};

const SLOT: usize = 40;

/// A folder with an image of `len` bytes under a CRC-32, `units` tokens and as many serials.
struct Line {
    folder: tempfile::TempDir,
    units: usize,
}

impl Line {
    fn new(len: usize, units: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut image: Vec<u8> = (0..len).map(|at| (at * 167 + at / 251) as u8).collect();
        let (slot, end) = (len / 2, len - 4);
        image[slot..slot + SLOT].fill(0xFF);
        let crc = crc::Crc::<u32, crc::Table<16>>::new(&crc::CRC_32_ISO_HDLC);
        let crc = crc.checksum(&image[..end]).to_le_bytes();
        image[end..].copy_from_slice(&crc);
        let recipe = format!(
            "product = \"MANY\"\n[image]\nfile = \"fw.bin\"\nbase = 0\n[[slot]]\n\
             value = \"auth-token\"\naddress = {slot}\nsize = {SLOT}\nblank = \"erased\"\n\
             [[checksum]]\nkind = \"crc\"\nalgorithm = \"CRC-32/ISO-HDLC\"\n\
             over = [\"start..end-4\"]\nat = {{ address = \"end-4\" }}\n\
             [pool]\nfile = \"tokens.csv\"\n[ledger]\nurl = \"sqlite:many.ledger\"\n"
        );
        let mut tokens = "Device Token\n".to_owned();
        let mut serials = String::new();
        for unit in 0..units {
            let digest = Sha256::digest(unit.to_be_bytes());
            tokens.extend(digest[..16].iter().map(|byte| format!("{byte:02x}")));
            tokens.push('\n');
            serials.push_str(&format!("MANY{unit:06}\n"));
        }
        fs::write(folder.path().join("fw.bin"), image).unwrap();
        for (name, text) in [
            ("recipe.toml", recipe),
            ("tokens.csv", tokens),
            ("serials.txt", serials),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder, units }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn program(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).current_dir(self.folder.path());
        command.env("EOL_STATION", "test-station");
        command.stdin(Stdio::null());
        command
    }

    fn batch(&self, more: &[&str]) -> Command {
        let args = ["batch", "--serials", "serials.txt", "-o", "out"];
        let mut command = self.program(&[&args, more].concat());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.program(args).output().unwrap();
        assert!(
            output.status.success(),
            "{args:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }
}

/// Counts whole images.
fn made(out: &Path) -> usize {
    let Ok(entries) = fs::read_dir(out) else {
        return 0;
    };
    let names = entries.map(|entry| entry.unwrap().file_name());
    names
        .filter(|name| !name.to_string_lossy().starts_with('.'))
        .count()
}

/// Waits until `wanted` images are there; false when the program ended before.
fn reaches(child: &mut Child, out: &Path, wanted: usize) -> bool {
    loop {
        if made(out) >= wanted {
            return child.try_wait().unwrap().is_none();
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        sleep(Duration::from_millis(1));
    }
}

/// Kills a durable batch ten times somewhere in its work, finishes it, and looks at everything.
fn killed_ten_times(len: usize, units: usize) {
    let line = Line::new(len, units);
    let mut state = u64::from(std::process::id()) | 1;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut kills = 0;
    let mut promised = BTreeSet::new();
    for _ in 0..10 {
        let wanted = made(&line.out()) + random(units / 12);
        let mut child = line.batch(&["--durable"]).spawn().unwrap();
        if reaches(&mut child, &line.out(), wanted) {
            sleep(Duration::from_micros(random(20_000) as u64));
            child.kill().unwrap();
            kills += 1;
        }
        child.wait().unwrap();
        // What the ledger promised before stands.
        let now = prints(&line);
        assert!(promised.is_subset(&now), "a unit has another token");
        promised = now;
    }
    assert!(kills >= 3, "only {kills} kills");
    // Without QR Tokens in the list there are no labels.
    assert_eq!(
        line.batch(&["--durable"]).status().unwrap().code(),
        Some(60)
    );
    line.ok(&["ledger", "audit"]);
    let listed = prints(&line);
    assert!(promised.is_subset(&listed));
    assert_eq!(listed.len(), units);
    let tokens: BTreeSet<&String> = listed.iter().map(|(_, print)| print).collect();
    assert_eq!(tokens.len(), units, "a token is in two units");
    let judged = line.ok(&["verify", "--ledger", "out"]);
    let all = format!("{units} images   {units} right, 0 wrong");
    assert!(judged.contains(&all), "{judged}");
    assert_eq!(made(&line.out()), units);
    assert_eq!(fs::read_dir(line.out()).unwrap().count(), line.units);
    println!("killed {kills} times, {units} units right");
}

/// Serial and fingerprint of every unit that the ledger knows.
fn prints(line: &Line) -> BTreeSet<(String, String)> {
    let listed = line
        .program(&["ledger", "list", "--json"])
        .output()
        .unwrap();
    text(&listed.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|unit| {
            let serial = unit.get("serial")?.as_str()?.to_owned();
            Some((serial, unit.get("fingerprint")?.as_str()?.to_owned()))
        })
        .collect()
}

#[test]
fn a_durable_batch_that_is_killed_ten_times_ends_right() {
    killed_ten_times(4096, 600);
}

#[test]
#[ignore = "takes a minute and 700 MB of disk"]
fn ten_thousand_units_that_are_killed_ten_times_end_right() {
    killed_ten_times(64 * 1024, 10_000);
}

/// Returns the most memory that a process had so far, in KiB (proc_pid_status(5), "VmHWM").
#[cfg(target_os = "linux")]
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(target_os = "linux")]
#[test]
fn a_batch_takes_no_image_more_than_its_workers() {
    const MIB: u64 = 1024;
    let line = Line::new(16 << 20, 12);
    for (more, workers) in [(["--jobs", "2"].as_slice(), 2), (&["--durable"], 16)] {
        let _ = fs::remove_dir_all(line.out());
        let mut child = line.batch(more).spawn().unwrap();
        let mut most = 0;
        while child.try_wait().unwrap().is_none() {
            most = most.max(peak(child.id()).unwrap_or(0));
            sleep(Duration::from_millis(1));
        }
        assert_eq!(child.wait().unwrap().code(), Some(60));
        println!("12 images of 16 MiB, {workers} workers: {most} KiB at most");
        assert!(most > 16 * MIB, "{most} KiB: it was not seen at work");
        let figure = 16 * (1 + workers) + 32;
        assert!(most <= figure * MIB, "{most} KiB, at most {figure} MiB");
    }
}
