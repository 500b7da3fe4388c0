//! Command lines that work, for every help text and manual page.
//!
//! They are written for a folder with the recipe, its image `gw100.elf` and its token list
//! `blynk-export.zip`.

use clap::Command;
use clap::builder::{StyledStr, Styles};

/// A command by its words, and lines that people begin with.
pub(super) const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "eol-inject check",
            "eol-inject run --rehearse --count 3",
            "eol-inject help recipe",
        ],
    ),
    (
        "inspect",
        &[
            "eol-inject inspect gw100.elf",
            "eol-inject inspect --recipe recipe.toml gw100.elf",
            "eol-inject inspect --base 0x08000000 gw100.bin",
        ],
    ),
    ("check", &["eol-inject check", "eol-inject check --json"]),
    (
        "pool",
        &[
            "eol-inject pool import blynk-export.zip",
            "eol-inject pool status",
        ],
    ),
    (
        "pool import",
        &[
            "eol-inject pool import blynk-export.zip",
            "eol-inject pool import --used shipped-last-year.csv",
        ],
    ),
    ("pool status", &["eol-inject pool status"]),
    (
        "pool reconcile",
        &["eol-inject pool reconcile export-of-today.zip --delete-list delete.csv"],
    ),
    (
        "pool request",
        &["eol-inject pool request --count 500 --header Serial -o request.csv"],
    ),
    (
        "pool generate",
        &["eol-inject pool generate --count 20 -o trial.zip"],
    ),
    (
        "inject",
        &[
            "eol-inject inject --serial GW000019 -o out/",
            "eol-inject inject --serial GW000020 --format hex -o hex/",
        ],
    ),
    (
        "batch",
        &[
            "eol-inject batch --count 10 -o out/",
            "eol-inject batch --serials shift-3.txt -o out/ --durable",
        ],
    ),
    (
        "run",
        &[
            "eol-inject run --rehearse --count 3",
            "eol-inject run",
            "eol-inject run --probe 0d28:0204 --serial GW000030",
        ],
    ),
    (
        "verify",
        &[
            "eol-inject verify --ledger out/",
            "eol-inject verify --mapping mapping.csv out/",
            "eol-inject verify --dump 0x08000000 --serial GW000019 dump.bin",
        ],
    ),
    (
        "ledger",
        &[
            "eol-inject ledger list",
            "eol-inject ledger show GW000019",
            "eol-inject ledger backup -o /mnt/other-disk/gw100.backup",
        ],
    ),
    (
        "ledger list",
        &[
            "eol-inject ledger list",
            "eol-inject ledger list --state prepared",
        ],
    ),
    ("ledger show", &["eol-inject ledger show GW000019"]),
    (
        "ledger resolve",
        &["eol-inject ledger resolve --serial GW000019 --by ann --reason \"power failed\""],
    ),
    (
        "ledger adopt",
        &[
            "eol-inject ledger adopt --mapping units.csv --by ann --reason \"made by the old script\"",
        ],
    ),
    (
        "ledger handoff",
        &[
            "eol-inject ledger handoff --format flasher --count 20 -o Patches.txt \\\n    \
           --block block.csv --by ann --reason \"line 2\"",
        ],
    ),
    (
        "ledger confirm",
        &[
            "eol-inject ledger confirm --list block.csv --by ann --reason \"line 2\"",
            "eol-inject ledger confirm --dump 0x08000000 dumps/ --by ann --reason \"line 2\"",
        ],
    ),
    (
        "ledger release",
        &["eol-inject ledger release --serial GW000021 --by ann --reason \"mis-scan\""],
    ),
    (
        "ledger void",
        &["eol-inject ledger void --serial GW000020 --by ann --reason \"board scrapped\""],
    ),
    (
        "ledger split",
        &[
            "eol-inject ledger split --station L2 --to station.key.pub --count 500 \\\n    \
           -o part-1.ledger",
        ],
    ),
    (
        "ledger return",
        &["eol-inject ledger return -o back-1.ledger"],
    ),
    ("ledger merge", &["eol-inject ledger merge back-1.ledger"]),
    (
        "ledger backup",
        &[
            "eol-inject ledger backup -o /mnt/other-disk/gw100.backup",
            "eol-inject ledger backup --elsewhere",
        ],
    ),
    (
        "ledger new",
        &["eol-inject ledger new --by ann --reason \"disk and backups are lost\""],
    ),
    (
        "ledger restore",
        &[
            "eol-inject ledger restore /mnt/other-disk/gw100.backup --by ann \\\n    \
           --reason \"disk broke\"",
        ],
    ),
    (
        "ledger clear",
        &["eol-inject ledger clear --all --by ann --reason \"all boards were looked at\""],
    ),
    (
        "ledger rebuild",
        &[
            "eol-inject ledger rebuild --mirror /mnt/other-disk/mirror \\\n    \
           --pool blynk-export.zip --by ann --reason \"disk broke\"",
        ],
    ),
    (
        "ledger key",
        &[
            "eol-inject ledger key show-id",
            "eol-inject ledger key new -o line.key",
        ],
    ),
    (
        "ledger key new",
        &[
            "eol-inject ledger key new -o line.key",
            "eol-inject ledger key new --station -o station.key",
        ],
    ),
    ("ledger key show-id", &["eol-inject ledger key show-id"]),
    (
        "ledger key rotate",
        &["eol-inject ledger key rotate --by ann --reason \"ann's notebook was lost\""],
    ),
    (
        "ledger rework",
        &[
            "eol-inject ledger rework --serial GW000019 --mode same-board --by ann \\\n    \
           --reason \"new firmware\"",
        ],
    ),
    (
        "ledger export",
        &[
            "eol-inject ledger export -o mapping.csv",
            "eol-inject ledger export --format jsonl",
        ],
    ),
    (
        "ledger audit",
        &[
            "eol-inject ledger audit",
            "eol-inject ledger audit --json > heads.jsonl",
        ],
    ),
    (
        "label",
        &["eol-inject label print", "eol-inject label scan"],
    ),
    ("label print", &["eol-inject label print"]),
    (
        "label reprint",
        &["eol-inject label reprint --serial GW000019 --by ann --reason \"label torn\""],
    ),
    (
        "label scan",
        &["eol-inject label scan", "eol-inject label scan < pairs.txt"],
    ),
    (
        "sim",
        &["eol-inject sim sim:nRF52840_xxAA --shelf boards --name GW000001"],
    ),
    ("probes", &["eol-inject probes"]),
    (
        "completions",
        &["eol-inject completions bash > ~/.local/share/bash-completion/completions/eol-inject"],
    ),
    (
        "man",
        &["eol-inject man pages", "man -l pages/eol-inject.1"],
    ),
    (
        "help",
        &[
            "eol-inject help recipe",
            "eol-inject help ledger show",
            "eol-inject help operator > operator.txt",
        ],
    ),
];

/// Returns the lines that a command's help shows.
fn of(words: &str) -> impl Iterator<Item = &'static str> {
    let found = EXAMPLES
        .iter()
        .filter(move |(command, _)| *command == words);
    found.flat_map(|(_, lines)| lines.iter().copied())
}

/// Puts its examples under a command and under all that it has.
pub(super) fn illustrated(command: Command, words: &str) -> Command {
    let command = command.mut_subcommands(|sub| {
        let words = format!("{words} {}", sub.get_name());
        illustrated(sub, words.trim_start())
    });
    let lines: Vec<&str> = of(words).collect();
    if lines.is_empty() {
        return command;
    }
    let header = *Styles::styled().get_header();
    let lines = lines.join("\n").replace('\n', "\n  ");
    let rest = command
        .get_after_help()
        .map(|rest| format!("\n\n{}", rest.ansi()));
    let rest = rest.unwrap_or_default();
    command.after_help(StyledStr::from(format!(
        "{header}Examples:{header:#}\n  {lines}{rest}"
    )))
}
