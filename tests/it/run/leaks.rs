//! Foreign programs: what they say is not believed, and what they get is a list.

use std::fs;
use std::process::{Command, Stdio};

use super::{FLASH, RECIPE, SCAN, bench, run, said, seat};
use crate::bench::Bench;

/// How a careless tool may show 40 bytes of flash.
const SHOWN: [&str; 14] = [
    "strings",
    "strings | cut -c1-11",
    "strings | fold -w 8",
    "strings | fold -w 4 | tr '\\n' ' '",
    "strings | fold -w 3 | tr '\\n' ' '",
    "strings | fold -w 2 | tr '\\n' ' '",
    "strings | rev",
    "strings | fold -w 7 | tr '\\n' ' '",
    "od -An -v -tx1 -w64",
    "od -An -v -tx4 -w64",
    "od -An -v -tu1 -w64",
    "od -An -v -to1 -w64",
    "base64 -w0",
    "tail -c +2 | base64 -w0 | tr '+/' '-_'",
];

/// What `how` makes of a board's slot.
fn shown(bench: &Bench, how: &str) -> String {
    let slot = "dd if=line/boards/b1.flash bs=1 skip=4096 count=40 2>/dev/null";
    let output = Command::new("sh")
        .args(["-c", &format!("{slot} | {how}")])
        .current_dir(bench.path("."))
        .stderr(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Asserts that no 9 letters and digits in a row of `secret` are in `place`.
fn assert_none(secret: &str, place: &str) {
    let plain = |text: &str| -> Vec<u8> {
        let bytes = text.bytes();
        bytes.filter(u8::is_ascii_alphanumeric).collect()
    };
    let (secret, place) = (plain(secret), plain(place));
    // What the slot holds beside the token says nothing.
    let telling = |part: &&[u8]| part.iter().collect::<std::collections::BTreeSet<_>>().len() > 3;
    for part in secret.windows(9).filter(telling) {
        let found = place.windows(part.len()).any(|window| window == part);
        assert!(!found, "{}", String::from_utf8_lossy(&place));
    }
}

#[test]
fn what_a_read_back_prints_before_the_claim_is_not_repeated() {
    let hook = "[hook]\non-result = [\"tee\", \"-a\", \"told.txt\"]\n";
    let bench = bench(&format!("{FLASH}probe = \"one\"\n{SCAN}{hook}"));
    seat(&bench, "one", "b1");
    let passed = run(&bench, &[], "GW000001\n");
    assert!(passed.status.success(), "{}", said(&passed));
    for how in SHOWN {
        fs::write(bench.path("line/leak"), how).unwrap();
        let secret = shown(&bench, how);
        assert!(secret.len() > 10, "{how}: {secret}");
        let who = ["--serial", "GW000001", "--by", "ann", "--reason", "look"];
        let resolve = ["ledger", "resolve", "--json", "--recipe", RECIPE];
        let verify = ["verify", "--json", "--recipe", RECIPE, "--probe", "one"];
        let serial = ["--serial", "GW000001"];
        for output in [
            run(&bench, &["--json"], "GW000001\n"),
            run(&bench, &[], "GW000002\n"),
            bench.run(&[resolve.as_slice(), who.as_slice()].concat()),
            bench.run(&[verify.as_slice(), serial.as_slice()].concat()),
        ] {
            assert!(!output.status.success());
            assert_none(&secret, &said(&output));
        }
        let told = fs::read_to_string(bench.path("line/told.txt")).unwrap();
        assert_none(&secret, &told);
    }
}

#[test]
fn commands_get_what_is_listed_of_the_environment_and_no_secret() {
    let hook = "[hook]\nenv = [\"MES_URL\"]\non-result = [\"sh\", \"-c\", \"env > hook.txt\"]\n";
    let flash = format!("{FLASH}env = [\"IDF_PATH\"]\nprobe = \"one\"\n{SCAN}{hook}");
    let bench = bench(&flash);
    seat(&bench, "one", "b1");
    let output = bench
        .command(&["run", "--recipe", RECIPE, "--serial", "GW000001"])
        .env("EOL_LEDGER_KEY", "a key")
        .env("PGPASSWORD", "a password")
        .env("VAULT_TOKEN", "a token")
        .env("IDF_PATH", "/opt/idf")
        .env("MES_URL", "https://mes.example")
        .env("LC_MESSAGES", "C")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    for (file, own, other) in [
        ("environment.txt", "IDF_PATH=", "MES_URL="),
        ("hook.txt", "MES_URL=", "IDF_PATH="),
    ] {
        let text = fs::read_to_string(bench.path("line").join(file)).unwrap();
        assert!(text.contains(own) && text.contains("PATH=") && text.contains("LC_MESSAGES="));
        for secret in ["EOL_LEDGER_KEY", "PGPASSWORD", "VAULT_TOKEN", other] {
            assert!(!text.contains(secret), "{file}: {secret}");
        }
    }
}

#[test]
fn a_recipe_hands_the_ledgers_own_secrets_to_nobody() {
    let key = "[ledger]\nurl = \"sqlite:l.ledger\"\nkey = { env = \"LINE_KEY\" }\n";
    for (name, place) in [
        ("PGPASSWORD", "hook"),
        ("LINE_KEY", "hook"),
        ("LINE_KEY", "flash"),
    ] {
        let env = format!("env = [\"{name}\"]\n");
        let tail = match place {
            "hook" => format!("{FLASH}probe = \"one\"\n{SCAN}{key}[hook]\n{env}"),
            _ => format!("{FLASH}{env}probe = \"one\"\n{SCAN}{key}"),
        };
        let bench = bench(&tail);
        let output = bench.run(&["check", "--recipe", RECIPE]);
        assert_eq!(output.status.code(), Some(10), "{}", said(&output));
        assert!(said(&output).contains(name), "{}", said(&output));
    }
}

/// How often the ledger says that secrets left it.
fn revealed(bench: &Bench) -> usize {
    let mirror = fs::read_dir(bench.path("line/mirror")).unwrap();
    mirror
        .filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok())
        .map(|text| text.matches("another image of GW000001").count())
        .sum()
}

#[test]
fn another_image_of_a_delivered_unit_is_on_record_before_it_is_made() {
    let bench = bench(&format!(
        "{FLASH}probe = \"one\"\n{SCAN}[ledger]\nurl = \"sqlite:l.ledger\"\nmirror = \"mirror\"\n"
    ));
    seat(&bench, "one", "b1");
    let passed = run(&bench, &[], "GW000001\n");
    assert!(passed.status.success(), "{}", said(&passed));
    assert_eq!(revealed(&bench), 0);
    let inject = [
        "inject", "--recipe", RECIPE, "--serial", "GW000001", "-o", "copy.bin",
    ];
    bench.ok(&inject);
    assert_eq!(revealed(&bench), 1);
    // What is there already is no further copy.
    bench.ok(&inject);
    assert_eq!(revealed(&bench), 1);
    fs::write(bench.path("list.txt"), "GW000001\n").unwrap();
    let batch = [
        "batch",
        "--recipe",
        RECIPE,
        "--serials",
        "list.txt",
        "-o",
        "out",
    ];
    bench.ok(&batch);
    bench.ok(&batch);
    assert_eq!(revealed(&bench), 2);
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}
