//! The disk is full, cannot be written, or rots: it is said, nothing is lost, and work goes on.

use std::process::Command;

use super::*;

/// A small file system of its own; gone when dropped.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// Mounts one; `None`, told loudly, where this user may not.
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let option = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &option, "tmpfs"])
            .arg(folder.path())
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            use std::io::Write as _;
            let _ = writeln!(
                std::io::stderr(),
                "\n*** LEFT OUT: a full disk: this user may not mount one ***\n"
            );
            return None;
        }
        Some(Self { folder })
    }

    fn remount(&self, option: &str) {
        let done = Command::new("mount")
            .args(["-o", &format!("remount,{option}")])
            .arg(self.folder.path())
            .status()
            .unwrap();
        assert!(done.success());
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).status();
    }
}

/// A bench whose ledger lies on a small disk.
fn on(disk: &Disk) -> Bench {
    let bench = Bench::with(&["gw100", "pools/unpacked"]);
    change(
        &bench,
        HOME,
        "../pools/blynk-export.zip",
        "../pools/unpacked",
    );
    let ledger = format!("sqlite:{}", disk.path("gw100.ledger"));
    change(&bench, HOME, "sqlite:gw100.ledger", &ledger);
    bench.ok(&["pool", "import", "--recipe", HOME, "pools/unpacked"]);
    bench
}

/// Fills a disk to the last byte.
fn fill(disk: &Disk) {
    use std::io::Write as _;
    let mut file = fs::File::create(disk.path("ballast")).unwrap();
    for size in [4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

#[test]
fn a_full_disk_is_said_and_nothing_is_lost() {
    let Some(disk) = Disk::mount("4m") else {
        return;
    };
    let bench = on(&disk);
    batch(&bench, HOME, "1");
    fill(&disk);
    let more = ["batch", "--recipe", HOME, "--count", "2", "-o", "out"];
    let output = bench.run(&more);
    assert_eq!(output.status.code(), Some(51));
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(
        told.contains("no space is left") || told.contains("No space left"),
        "{told}"
    );
    fs::remove_file(disk.path("ballast")).unwrap();
    clean(&bench, HOME);
    assert_eq!(stock(&bench, HOME)["bound"], 1);
    bench.ok(&more);
    assert_eq!(stock(&bench, HOME)["bound"], 3);
    clean(&bench, HOME);
}

#[test]
fn no_unit_is_claimed_for_a_full_disk() {
    let Some(disk) = Disk::mount("256k") else {
        return;
    };
    let bench = home();
    fill(&disk);
    let out = disk.path("out");
    let batch = ["batch", "--recipe", HOME, "--count", "2", "-o", &out];
    fails(&bench, &batch, 40, "cannot be used");
    assert_eq!(stock(&bench, HOME)["bound"], 0);
}

#[test]
fn check_finds_a_ledger_without_room() {
    let Some(disk) = Disk::mount("4m") else {
        return;
    };
    let bench = on(&disk);
    fill(&disk);
    fails(&bench, &["check", "--recipe", HOME], 51, "no space is left");
}

#[test]
fn a_backup_and_a_part_that_find_no_room_leave_nothing() {
    let Some(disk) = Disk::mount("256k") else {
        return;
    };
    let bench = home();
    bench.ok(&["ledger", "key", "new", "--station", "-o", "s1.key"]);
    fill(&disk);
    let (save, part) = (disk.path("save"), disk.path("part"));
    let backup = ["ledger", "backup", "--recipe", HOME, "-o", &save];
    fails(&bench, &backup, 51, "space");
    let split = [
        "ledger",
        "split",
        "--recipe",
        HOME,
        "--station",
        "S1",
        "--to",
        "s1.key.pub",
        "--count",
        "2",
        "-o",
        &part,
    ];
    fails(&bench, &split, 51, "the same command goes on with it");
    assert_eq!(names(disk.folder.path()), ["ballast"]);
    let told = stock(&bench, HOME);
    assert_eq!((&told["away"], &told["free"]), (&2.into(), &4.into()));
    fs::remove_file(disk.path("ballast")).unwrap();
    drop(disk);
    let disk = Disk::mount("8m").unwrap();
    let part = disk.path("part");
    let again: Vec<&str> = split[..11].iter().copied().chain([part.as_str()]).collect();
    bench.ok(&again);
    assert_eq!(stock(&bench, HOME)["away"], 2);
    clean(&bench, HOME);
}

#[test]
fn a_mirror_without_room_stops_the_line_and_is_told_later() {
    let Some(disk) = Disk::mount("256k") else {
        return;
    };
    let bench = Bench::with(&["gw100", "pools/unpacked"]);
    change(
        &bench,
        HOME,
        "../pools/blynk-export.zip",
        "../pools/unpacked",
    );
    let url = "url = \"sqlite:gw100.ledger\"";
    let mirror = format!("{url}\nmirror = \"{}\"", disk.path("mirror"));
    change(&bench, HOME, url, &mirror);
    bench.ok(&["pool", "import", "--recipe", HOME, "pools/unpacked"]);
    fill(&disk);
    let more = ["batch", "--recipe", HOME, "--count", "5", "-o", "out"];
    fails(&bench, &more, 51, "what was recorded is in the ledger");
    fs::remove_file(disk.path("ballast")).unwrap();
    bench.ok(&more);
    let file = format!(
        "{}/{}",
        disk.path("mirror"),
        names(Path::new(&disk.path("mirror")))[0]
    );
    bench.ok(&["ledger", "audit", "--recipe", HOME, "--witness", &file]);
    let events = fs::read_to_string(&file).unwrap().lines().count() - 1;
    let told = object(&bench, &["ledger", "audit", "--recipe", HOME], "audit");
    assert_eq!(told["events"], events);
}

#[test]
fn a_read_only_disk_is_said_and_can_still_be_looked_at() {
    let Some(disk) = Disk::mount("4m") else {
        return;
    };
    let bench = on(&disk);
    batch(&bench, HOME, "1");
    disk.remount("ro");
    let more = ["batch", "--recipe", HOME, "--count", "1", "-o", "out"];
    fails(&bench, &more, 51, "");
    clean(&bench, HOME);
    assert_eq!(stock(&bench, HOME)["bound"], 1);
    disk.remount("rw");
    bench.ok(&more);
    clean(&bench, HOME);
}

#[test]
fn a_rotten_page_is_said_and_the_backup_brings_the_ledger_back() {
    let bench = home();
    batch(&bench, HOME, "2");
    bench.ok(&["ledger", "backup", "--recipe", HOME, "-o", "save.ledger"]);
    let path = bench.path("gw100/gw100.ledger");
    let whole = fs::read(&path).unwrap();
    let mut rotten = whole.clone();
    for page in rotten.chunks_mut(4096).skip(8) {
        page[..64].fill(0xa5);
    }
    fs::write(&path, rotten).unwrap();
    let more = ["batch", "--recipe", HOME, "--count", "1", "-o", "out"];
    fails(&bench, &more, 51, "damaged");
    let output = bench.run(&["ledger", "audit", "--recipe", HOME]);
    assert!([Some(41), Some(51)].contains(&output.status.code()));
    // A rotten ledger makes no backup that looks whole.
    let backup = ["ledger", "backup", "--recipe", HOME, "-o", "rotten.ledger"];
    let output = bench.run(&backup);
    assert!(!output.status.success());
    fs::remove_file(&path).unwrap();
    bench.ok(&[
        "ledger",
        "restore",
        "--recipe",
        HOME,
        "save.ledger",
        "--next",
        "100",
        "--by",
        "anna",
        "--reason",
        "rot",
    ]);
    clean(&bench, HOME);
}
