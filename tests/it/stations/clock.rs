//! Clocks run wrong: order and audit do not care, and an old backup is told.

use std::process::Command;

use super::*;
use crate::bench::has;

/// Moves the clock of a program by `EOL_TEST_SECONDS`.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(id, now);
    const char *moved = getenv("EOL_TEST_SECONDS");
    if (id == CLOCK_REALTIME && moved) now->tv_sec += atol(moved);
    return code;
}
"#;

/// Two years.
const BACK: &str = "-63072000";
/// Two days.
const AHEAD: &str = "172800";

/// Makes the shim; `false`, told loudly, without a compiler.
fn shim(bench: &Bench) -> bool {
    if !has("cc", "a clock that is set back") {
        return false;
    }
    fs::write(bench.path("shim.c"), SHIM).unwrap();
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o", "shim.so", "shim.c", "-ldl"])
        .current_dir(bench.path("."))
        .status()
        .unwrap();
    assert!(made.success());
    true
}

/// Runs the program with a clock that is moved; returns all that it says.
fn at(bench: &Bench, seconds: &str, args: &[&str]) -> String {
    let output = bench
        .command(args)
        .env("LD_PRELOAD", bench.path("shim.so"))
        .env("EOL_TEST_SECONDS", seconds)
        .output()
        .unwrap();
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert!(output.status.success(), "{told}");
    told
}

#[test]
fn a_clock_that_is_set_back_harms_neither_order_nor_audit() {
    let bench = home();
    if !shim(&bench) {
        return;
    }
    let one = ["batch", "--recipe", HOME, "--count", "1", "-o", "out"];
    bench.ok(&one);
    at(&bench, BACK, &one);
    let void = [
        "ledger", "void", "--recipe", HOME, "--serial", "GW000001", "--by", "anna", "--reason",
        "test",
    ];
    at(&bench, BACK, &void);
    bench.ok(&one);
    clean(&bench, HOME);
    let history = bench.ok(&["ledger", "export", "--recipe", HOME, "--since", "0"]);
    let events = objects(&history);
    let seqs: Vec<i64> = events
        .iter()
        .map(|event| event["seq"].as_i64().unwrap())
        .collect();
    assert!(seqs.is_sorted());
    let times: Vec<&str> = events
        .iter()
        .map(|event| event["at"].as_str().unwrap())
        .collect();
    assert!(!times.is_sorted(), "the clock was not set back");
    let shown = object_of_unit(&bench, "GW000001");
    assert_eq!(shown["state"], "void");
    let list = bench.ok(&["ledger", "list", "--recipe", HOME]);
    let order: Vec<&str> = list
        .lines()
        .skip(1)
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(order, ["GW000001", "GW000002", "GW000003"]);
}

fn object_of_unit(bench: &Bench, serial: &str) -> Value {
    let told = bench.ok(&["ledger", "show", "--recipe", HOME, serial, "--json"]);
    objects(&told).remove(0)
}

#[test]
fn a_backup_that_is_too_old_is_told() {
    let bench = home();
    if !shim(&bench) {
        return;
    }
    bench.ok(&["ledger", "backup", "--recipe", HOME, "-o", "save.ledger"]);
    let check = ["check", "--recipe", HOME];
    assert!(!at(&bench, "0", &check).contains("backup"));
    assert!(at(&bench, AHEAD, &check).contains("no backup within 24 h"));
    // A backup from the future is one.
    assert!(!at(&bench, BACK, &check).contains("backup"));
}
