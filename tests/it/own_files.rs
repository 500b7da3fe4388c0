//! What somebody laid where the program writes: it stays, and no secret goes through it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};

use super::bench::{Bench, PROGRAM, has, text};

const RECIPE: &str = "gw100/recipe.toml";

fn bench() -> Bench {
    Bench::with(&["gw100", "pools"])
}

fn refused(bench: &Bench, args: &[&str], name: &str) {
    let output = bench.run(args);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(!output.status.success(), "{args:?}");
    assert!(said.contains(name), "{args:?}: {said}");
}

fn mode(bench: &Bench, file: &str) -> u32 {
    fs::metadata(bench.path(file)).unwrap().permissions().mode() & 0o777
}

#[test]
fn no_list_is_written_over_a_file_of_others() {
    let bench = bench();
    bench.ok(&["pool", "import", "--recipe", RECIPE]);
    bench.ok(&[
        "inject", "--recipe", RECIPE, "--serial", "GW000001", "-o", "out/",
    ]);
    let by = ["--reveal", "--by", "QA", "--reason", "test"];
    let reveal = [
        &["ledger", "export", "--recipe", RECIPE][..],
        &by,
        &["-o", "file"],
    ]
    .concat();
    let writers: [&[&str]; 5] = [
        &[
            "pool", "generate", "--recipe", RECIPE, "--count", "2", "-o", "file",
        ],
        &["ledger", "export", "--recipe", RECIPE, "-o", "file"],
        &[
            "ledger", "export", "--recipe", RECIPE, "--since", "0", "-o", "file",
        ],
        &reveal,
        &[
            "ledger",
            "export",
            "--recipe",
            RECIPE,
            "--delete-list",
            "file",
        ],
    ];
    for args in writers {
        let file = bench.path("file");
        fs::write(&file, "somebody's").unwrap();
        refused(&bench, args, "is there already, and is not replaced");
        assert_eq!(fs::read_to_string(&file).unwrap(), "somebody's");
        bench.ok(&[args, &["--force"]].concat());
        assert_ne!(fs::read_to_string(&file).unwrap_or_default(), "somebody's");
        // Not through a link either, nor into what it leads to.
        fs::remove_file(&file).unwrap();
        fs::write(bench.path("other"), "somebody's").unwrap();
        symlink("other", &file).unwrap();
        refused(&bench, args, "is there already");
        bench.ok(&[args, &["--force"]].concat());
        assert!(!file.is_symlink());
        assert_eq!(
            fs::read_to_string(bench.path("other")).unwrap(),
            "somebody's"
        );
        fs::remove_file(&file).unwrap();
    }
    let left = fs::read_dir(bench.path(".")).unwrap();
    let names = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.ends_with(".part")).count(), 0);
    bench.ok(&reveal);
    assert_eq!(mode(&bench, "file"), 0o600);
}

#[test]
fn an_image_replaces_its_units_own_file_only() {
    let bench = bench();
    let inject = |serial: &'static str, file: &'static str| {
        ["inject", "--recipe", RECIPE, "--serial", serial, "-o", file]
    };
    bench.ok(&inject("GW000001", "a.elf"));
    // Again, as another form, wide open, cut off: it is the unit's own.
    bench.ok(&inject("GW000001", "a.elf"));
    let whole = fs::read(bench.path("a.elf")).unwrap();
    fs::set_permissions(bench.path("a.elf"), fs::Permissions::from_mode(0o644)).unwrap();
    bench.ok(&inject("GW000001", "a.elf"));
    assert_eq!(mode(&bench, "a.elf"), 0o600);
    fs::write(bench.path("a.elf"), &whole[..1000]).unwrap();
    bench.ok(&inject("GW000001", "a.elf"));
    bench.ok(&[&inject("GW000001", "a.elf")[..], &["--digest"]].concat());
    assert_eq!(fs::read(bench.path("a.elf")).unwrap(), whole);
    // Another unit's is not, and a photo is nobody's here: no unit is claimed for it.
    refused(
        &bench,
        &inject("GW000002", "a.elf"),
        "was not made for this unit",
    );
    fs::write(bench.path("b.elf"), "a photo").unwrap();
    refused(
        &bench,
        &inject("GW000003", "b.elf"),
        "was not made for this unit",
    );
    let list = bench.ok(&["ledger", "list", "--recipe", RECIPE, "--json"]);
    assert_eq!(
        list.lines().filter(|line| line.contains("GW00000")).count(),
        1,
        "{list}"
    );
    // A unit on record is not claimed anew either.
    refused(
        &bench,
        &inject("GW000001", "b.elf"),
        "was not made for this unit",
    );
    symlink(bench.path("a.elf"), bench.path("c.elf")).unwrap();
    refused(
        &bench,
        &inject("GW000001", "c.elf"),
        "was not made for this unit",
    );
    let shown = bench.ok(&["ledger", "show", "--recipe", RECIPE, "GW000001", "--json"]);
    assert!(shown.contains("\"prepared\""), "{shown}");
    assert_eq!(fs::read_to_string(bench.path("b.elf")).unwrap(), "a photo");
    bench.ok(&[&inject("GW000003", "b.elf")[..], &["--force"]].concat());
    fs::write(bench.path("serials.txt"), "GW000004\n").unwrap();
    fs::create_dir(bench.path("out")).unwrap();
    fs::write(bench.path("out/GW000004.elf"), "a photo").unwrap();
    let batch = [
        "batch",
        "--recipe",
        RECIPE,
        "--serials",
        "serials.txt",
        "-o",
        "out",
    ];
    refused(&bench, &batch, "was not made for this unit");
    bench.ok(&[&batch[..], &["--force"]].concat());
    bench.ok(&batch);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let bench = bench();
    bench.ok(&[
        "inject", "--recipe", RECIPE, "--serial", "GW000001", "-o", "out/",
    ]);
    let lookers: [&[&str]; 3] = [
        &["ledger", "export", "--recipe", RECIPE],
        &["ledger", "list", "--recipe", RECIPE, "--json"],
        &["verify", "--recipe", RECIPE, "out", "--json"],
    ];
    for args in lookers {
        let mut child = Command::new(env!("CARGO_BIN_EXE_eol-inject"))
            .args(args)
            .current_dir(bench.path("."))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(141), "{args:?}");
        let said = text(&output.stderr);
        assert!(!said.contains("error") && !said.contains("pipe"), "{said}");
    }
}

#[test]
fn what_is_no_regular_file_is_not_waited_for() {
    let bench = bench();
    let made = Command::new("mkfifo").arg(bench.path("pipe")).status();
    assert!(made.unwrap().success());
    for args in [
        &["check", "--recipe", "pipe"][..],
        &["pool", "import", "--recipe", RECIPE, "pipe"],
        &["pool", "import", "--recipe", RECIPE, "/dev/zero"],
        &["inspect", "/dev/zero"],
        &[
            "batch",
            "--recipe",
            RECIPE,
            "--serials",
            "pipe",
            "-o",
            "out",
        ],
    ] {
        refused(&bench, args, "it is no regular file");
    }
}

#[test]
fn what_is_no_ledger_is_neither_waited_for_nor_looked_at() {
    let pipe = |bench: &Bench, file: &str| {
        let made = Command::new("mkfifo").arg(bench.path(file)).status();
        assert!(made.unwrap().success());
    };
    let looks: [&[&str]; 4] = [
        &["ledger", "list", "--recipe", RECIPE],
        &["ledger", "export", "--recipe", RECIPE],
        &["ledger", "show", "--recipe", RECIPE, "GW000001"],
        &["pool", "import", "--recipe", RECIPE],
    ];
    for suffix in ["-wal", "-shm", "-journal"] {
        let bench = bench();
        bench.ok(&["pool", "import", "--recipe", RECIPE]);
        let file = format!("{}{suffix}", ledger(&bench));
        let _ = fs::remove_file(bench.path(&file));
        pipe(&bench, &file);
        for args in looks {
            refused(&bench, args, "it is no plain file");
        }
    }
    let bench = bench();
    bench.ok(&["pool", "import", "--recipe", RECIPE]);
    pipe(&bench, "pipe");
    let merge = ["ledger", "merge", "--recipe", RECIPE, "pipe"];
    refused(&bench, &merge, "it is no regular file");
    let own = ledger(&bench);
    fs::rename(bench.path(&own), bench.path("away")).unwrap();
    let restore = [
        "ledger", "restore", "--recipe", RECIPE, "pipe", "--by", "QA", "--reason", "test",
    ];
    refused(&bench, &restore, "it is no regular file");
    symlink(bench.path("away"), bench.path(&own)).unwrap();
    for args in looks {
        refused(&bench, args, "it is a link");
    }
}

#[test]
fn no_backup_goes_where_a_link_stands() {
    let bench = bench();
    bench.ok(&["pool", "import", "--recipe", RECIPE]);
    symlink("nowhere", bench.path("file")).unwrap();
    let backup = ["ledger", "backup", "--recipe", RECIPE, "-o", "file"];
    assert!(!bench.run(&backup).status.success());
    assert!(bench.path("file").is_symlink() && !bench.path("nowhere").exists());
}

/// The ledger's file.
fn ledger(bench: &Bench) -> String {
    let files = fs::read_dir(bench.path("gw100")).unwrap();
    let mut names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    format!(
        "gw100/{}",
        names.find(|name| name.ends_with(".ledger")).unwrap()
    )
}

#[test]
fn a_label_without_organisation_is_no_pass_unless_it_is_wanted() {
    let bench = bench();
    let csv = "Device Token,QR Token\n-fake-TOKEN_0123456789abcdefghij,sqr_fake-TOKEN_0123456789abcdefghijk\n";
    fs::write(bench.path("bare.csv"), csv).unwrap();
    let recipe = fs::read_to_string(bench.path(RECIPE)).unwrap();
    let without: String = recipe
        .lines()
        .filter(|line| !line.starts_with("file =") || line.contains("elf"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(bench.path(RECIPE), &without).unwrap();
    bench.ok(&["pool", "import", "--recipe", RECIPE, "bare.csv"]);
    let inject = [
        "inject", "--recipe", RECIPE, "--serial", "GW000001", "-o", "out/",
    ];
    let output = bench.run(&inject);
    let said = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(60),
        "{said}{}",
        text(&output.stderr)
    );
    assert!(
        said.contains("names no organisation") && said.contains("pool import"),
        "{said}"
    );
    let wanted = without.replace("[label]\n", "[label]\norganisation = \"optional\"\n");
    let wanted = match wanted.contains("optional") {
        true => wanted,
        false => format!("{without}\n[label]\norganisation = \"optional\"\n"),
    };
    fs::write(bench.path(RECIPE), wanted).unwrap();
    bench.ok(&inject);
}

/// Who opens files by other means than the program's own, and why that may be.
const OPENERS: [(&str, &str); 8] = [
    ("src/atomic_file.rs", "a folder, to sync it"),
    ("src/cli/file.rs", "a folder, to sync it; a part of its own"),
    (
        "src/cli/shell.rs",
        "manual pages, which packagers have made",
    ),
    (
        "src/ledger/storage/postgres/lease.rs",
        "the system's name of this boot",
    ),
    (
        "src/ledger/storage/sqlite/part.rs",
        "what it has just made, to sync it",
    ),
    ("src/sim/state/mod.rs", "a folder, to sync it"),
    (
        "src/target/file.rs",
        "what it has just compared, to sync it",
    ),
    ("src/vault/files.rs", "a folder, to sync it"),
];

#[test]
fn files_are_opened_in_few_places() {
    let calls = [
        " File::open(",
        "(File::open(",
        "fs::File::open(",
        "fs::read(",
        "fs::read_to_string(",
        "fs::write(",
        " File::create(",
        "fs::copy(",
    ];
    let mut folders = vec![std::path::PathBuf::from("src")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            // What tests do comes last in a file, or has one of its own.
            let text = text.split("#[cfg(test)]\n").next().unwrap();
            let text = text.split("#[cfg(all(test").next().unwrap();
            if !path.ends_with("tests.rs") && calls.iter().any(|call| text.contains(call)) {
                found.push(path.display().to_string());
            }
        }
    }
    found.sort();
    assert_eq!(found, OPENERS.map(|(file, _)| file));
}

/// Closing any descriptor of a database lets go of all locks that the program has on it (fcntl(2)): another program
/// then takes its log for left behind, and cuts it off under the one that works with it.
#[test]
fn a_ledger_is_opened_by_its_database_alone() {
    if !has("strace", "who opens a ledger") {
        return;
    }
    let bench = bench();
    let commands: [&[&str]; 6] = [
        &["batch", "--recipe", RECIPE, "--count", "2", "-o", "out"],
        &["batch", "--recipe", RECIPE, "--count", "1", "-o", "gw100"],
        &[
            "inject", "--recipe", RECIPE, "--serial", "GW000050", "-o", "out",
        ],
        &["check", "--recipe", RECIPE],
        &["verify", "--recipe", RECIPE, "out", "gw100"],
        &["label", "print", "--recipe", RECIPE],
    ];
    for args in commands {
        Command::new("strace")
            .args(["-f", "-qq", "-o", "opened.txt", "-e", "trace=open,openat"])
            .arg(PROGRAM)
            .args(args)
            .current_dir(bench.path("."))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let opened = fs::read_to_string(bench.path("opened.txt")).unwrap();
        let own = |line: &&str| {
            let mut ends = ["", "-wal", "-shm", "-journal"].iter();
            ends.any(|end| line.contains(&format!("gw100.ledger{end}\"")))
        };
        assert!(opened.lines().any(|line| own(&line)), "{args:?}: {opened}");
        // The database waits for nothing; whoever else opens a file does not wait for a pipe.
        let mut others = opened.lines().filter(own);
        let other = others.find(|line| line.contains("O_NONBLOCK"));
        assert_eq!(other, None, "{args:?}");
    }
}
