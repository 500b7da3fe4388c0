//! No output, log, error, label, report or file name shows a token; only the ways out that are
//! on record do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::bench::Bench;

/// Every AuthToken of the shipped lists, by the way they are named there.
fn tokens(bench: &Bench) -> Vec<String> {
    let mut tokens = Vec::new();
    for list in ["pools/tokens-only.csv", "golden/pool.csv"] {
        collect(&fs::read(bench.path(list)).unwrap(), &mut tokens);
    }
    let zip = fs::File::open(bench.path("pools/blynk-export.zip")).unwrap();
    let mut zip = zip::ZipArchive::new(zip).unwrap();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).unwrap();
        let mut bytes = Vec::new();
        std::io::copy(&mut entry, &mut bytes).unwrap();
        if bytes.starts_with(b"\xef\xbb\xbf") {
            collect(&bytes, &mut tokens);
        }
    }
    assert!(tokens.len() > 60, "{}", tokens.len());
    tokens
}

fn collect(csv: &[u8], tokens: &mut Vec<String>) {
    for line in String::from_utf8_lossy(csv).lines().skip(1) {
        let cell = line.split(',').next().unwrap().trim_matches('"');
        if cell.len() == 32 {
            tokens.push(cell.to_owned());
        }
    }
}

/// A token as text, as hex digits of either case, and as base64.
fn forms(token: &str) -> Vec<Vec<u8>> {
    let hex: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![
        token.as_bytes().to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        base64(token.as_bytes()).into_bytes(),
    ]
}

/// RFC 4648, without the padded end, which other bytes could follow.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks_exact(3) {
        let word = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for shift in [18, 12, 6, 0] {
            text.push(char::from(ALPHABET[(word >> shift & 63) as usize]));
        }
    }
    text
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn no_output_and_no_file_but_the_images_holds_a_token() {
    let bench = Bench::new();
    let tokens = tokens(&bench);
    let recipe = "gw100/recipe.toml";
    // Units that exist already: with their tokens, as a file; and one that contradicts.
    let last = tokens.len() - 1;
    let mapping = format!("serial,token\nGW000901,{}\n", tokens[last]);
    fs::write(bench.path("old.csv"), &mapping).unwrap();
    let wrong = format!("{mapping}GW000901,{}\n", tokens[last - 1]);
    fs::write(bench.path("wrong.csv"), wrong).unwrap();
    fs::write(bench.path("token.log"), &tokens[0]).unwrap();
    let passed = "serial,result\nGW000001,pass\n";
    fs::write(bench.path("passed.csv"), passed).unwrap();
    let mut before = Vec::new();
    files(&bench.path("."), &mut before);
    let before: BTreeSet<PathBuf> = before.into_iter().collect();
    fs::write(bench.path("token-as-serial.txt"), &tokens[0]).unwrap();
    let by = ["--by", "ann", "--reason", "test"];
    let with = |args: &[&'static str]| [args, &["--recipe", recipe], &by].concat();
    let calls: Vec<Vec<&str>> = vec![
        vec!["check", "--recipe", recipe],
        vec!["check", "--recipe", recipe, "--json"],
        vec![
            "pool",
            "import",
            "--recipe",
            recipe,
            "pools/blynk-export.zip",
        ],
        vec!["pool", "import", "--recipe", recipe, "pools/api-page.json"],
        vec!["pool", "status", "--recipe", recipe, "--json"],
        vec!["batch", "--recipe", recipe, "--count", "3", "-o", "out"],
        vec![
            "batch",
            "--recipe",
            recipe,
            "--count",
            "3",
            "-o",
            "out",
            "--json",
            "--durable",
        ],
        vec![
            "inject", "--recipe", recipe, "--serial", "GW000001", "-o", "out", "--json",
        ],
        vec![
            "batch",
            "--recipe",
            recipe,
            "--serials",
            "token-as-serial.txt",
            "-o",
            "out",
        ],
        vec!["inspect", "out/GW000001.elf", "--recipe", recipe],
        vec!["inspect", "out/GW000001.elf", "--json"],
        vec!["verify", "--recipe", recipe, "--ledger", "out", "--json"],
        vec!["verify", "--recipe", recipe, "images/stm.elf"],
        vec!["ledger", "list", "--recipe", recipe, "--json"],
        vec!["ledger", "show", "--recipe", recipe, "GW000001"],
        vec!["ledger", "show", "--recipe", recipe, "GW000001", "--json"],
        vec!["ledger", "export", "--recipe", recipe],
        vec![
            "ledger",
            "export",
            "--recipe",
            recipe,
            "--format",
            "jsonl",
            "-o",
            "units.jsonl",
        ],
        vec!["ledger", "audit", "--recipe", recipe, "--json"],
        with(&["label", "reprint", "--serial", "GW000001"]),
        with(&["ledger", "void", "--serial", "GW000002"]),
        with(&["ledger", "adopt", "--mapping", "old.csv", "--json"]),
        with(&["ledger", "adopt", "--mapping", "wrong.csv"]),
        with(&[
            "ledger",
            "handoff",
            "--format",
            "flasher",
            "--count",
            "2",
            "-o",
            "out/Patches.txt",
            "--block",
            "block.csv",
            "--json",
        ]),
        with(&[
            "ledger",
            "handoff",
            "--format",
            "pg4uw",
            "--count",
            "1",
            "-o",
            "out/no.txt",
            "--block",
            "no.csv",
        ]),
        with(&[
            "ledger",
            "confirm",
            "--log",
            "token.log",
            "--pattern",
            "(?<line>.*)",
            "--block",
            "block.csv",
        ]),
        with(&[
            "ledger",
            "confirm",
            "--log",
            "token.log",
            "--pattern",
            "(?<serial>.*)",
        ]),
        with(&["ledger", "confirm", "--list", "passed.csv", "--json"]),
        with(&[
            "ledger", "rework", "--serial", "GW000001", "--mode", "returned",
        ]),
        with(&[
            "ledger",
            "rework",
            "--serial",
            "GW000003",
            "--mode",
            "board-swapped",
            "--json",
        ]),
        vec![
            "pool",
            "import",
            "--recipe",
            recipe,
            "--used",
            "pools/tokens-only.csv",
        ],
        vec![
            "pool",
            "reconcile",
            "--recipe",
            recipe,
            "pools/blynk-export.zip",
            "--delete-list",
            "delete.csv",
            "--disclaim-list",
            "disclaim.csv",
        ],
        vec![
            "ledger",
            "export",
            "--recipe",
            recipe,
            "--delete-list",
            "burnt.csv",
        ],
    ];
    for args in calls {
        let output = bench
            .command(&args)
            .env("EOL_LOG", "trace")
            .env("RUST_LOG", "trace")
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        for token in &tokens {
            for form in forms(token) {
                assert!(
                    !said.windows(form.len()).any(|part| part == form),
                    "{args:?} shows a token:\n{}",
                    String::from_utf8_lossy(&said)
                );
            }
        }
    }
    // What was meant to come about did.
    assert!(bench.path("out/Patches.txt").exists() && bench.path("delete.csv").exists());
    let listed = bench.ok(&["ledger", "list", "--recipe", recipe]);
    for unit in ["GW000901", "superseded", "void", "delivered"] {
        assert!(listed.contains(unit), "{unit}: {listed}");
    }
    let mut after = Vec::new();
    files(&bench.path("."), &mut after);
    for path in after {
        let name = path.to_string_lossy().into_owned();
        if before.contains(&path) || name.ends_with("token-as-serial.txt") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let is_image = path.parent().unwrap().ends_with("out");
        for token in &tokens {
            assert!(!name.contains(token.as_str()), "a file name holds a token");
            if is_image {
                continue;
            }
            for form in forms(token) {
                assert!(
                    !bytes.windows(form.len()).any(|part| part == form),
                    "{name} holds a token"
                );
            }
        }
    }
}

/// A token that is nobody's, with letters of both cases, digits and a dash at its start.
const STRAY: &str = "-WhFnTYbLhDG8_nNBl-yEkk9UJNPlq0Z";

#[test]
fn a_token_where_none_belongs_is_not_repeated_whatever_it_is_glued_to() {
    let bench = Bench::new();
    let recipe = "gw100/recipe.toml";
    let text = fs::read_to_string(bench.path(recipe)).unwrap();
    let recipes = [
        ("key.toml", format!("{text}\n[{STRAY}]\n")),
        (
            "value.toml",
            text.replacen("GW-100", &format!("GW{STRAY}"), 1),
        ),
        ("broken.toml", format!("{text}\nx = {STRAY}\n")),
        ("url.toml", text.replacen("sqlite:gw100.ledger", STRAY, 1)),
    ];
    for (name, text) in &recipes {
        fs::write(bench.path("gw100").join(name), text).unwrap();
    }
    let glued = [format!("--{STRAY}"), format!("x{STRAY}"), STRAY.to_owned()];
    let mut calls: Vec<Vec<String>> = Vec::new();
    let mut call =
        |words: &[&str]| calls.push(words.iter().map(|word| (*word).to_owned()).collect());
    for token in &glued {
        call(&["check", token]);
        call(&[token]);
        call(&["run", "--recipe", recipe, "--probe", token, "--count", "1"]);
        call(&[
            "run",
            "--recipe",
            recipe,
            &format!("--order={token}"),
            "--probe",
            "sim",
            "--count",
            "1",
        ]);
        call(&["inject", "--recipe", recipe, &format!("--serial={token}")]);
        call(&[
            "inject",
            "--recipe",
            recipe,
            "--serial",
            "GW000001",
            &format!("--output=out/{token}.elf"),
        ]);
        call(&["inspect", &format!("out/{token}.elf")]);
        call(&[
            "pool",
            "import",
            "--recipe",
            recipe,
            &format!("out/{token}.csv"),
        ]);
        call(&["check", "--recipe", &format!("out/{token}.toml")]);
        call(&[
            "ledger",
            "void",
            "--recipe",
            recipe,
            "--serial",
            "GW000001",
            &format!("--by={token}"),
            "--reason=x",
        ]);
        call(&[
            "inject",
            "--recipe",
            recipe,
            "--serial",
            "GW000002",
            &format!("--station={token}"),
        ]);
        call(&["ledger", "show", "--recipe", recipe, "--json", token]);
    }
    for (name, _) in &recipes {
        call(&["check", "--recipe", &format!("gw100/{name}")]);
        call(&["check", "--json", "--recipe", &format!("gw100/{name}")]);
    }
    for call in calls {
        let mut command = bench.command(&call);
        let out = command.env("EOL_LOG", "trace").output().unwrap();
        let said = [out.stdout, out.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!said.contains(&STRAY[1..]), "{call:?}: {said}");
        assert_ne!(out.status.code(), Some(0), "{call:?}: {said}");
    }
    let mut all = Vec::new();
    files(&bench.path("."), &mut all);
    for file in all {
        let name = file.to_string_lossy().into_owned();
        assert!(!name.contains(&STRAY[1..]), "{name}");
        let bytes = fs::read(&file).unwrap();
        let holds = bytes
            .windows(31)
            .any(|window| window == &STRAY.as_bytes()[1..]);
        assert!(!holds || name.ends_with(".toml"), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_killed_program_leaves_no_core_file() {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};
    let bench = Bench::new();
    let call = bench.command(&[
        "batch",
        "--recipe",
        "gw100/recipe.toml",
        "--serials",
        "-",
        "-o",
        "out",
    ]);
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -c unlimited 2>/dev/null; exec \"$@\"", "sh"])
        .arg(call.get_program())
        .args(call.get_args())
        .current_dir(bench.path("."))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    let limits = format!("/proc/{}/limits", child.id());
    if let Ok(limits) = fs::read_to_string(limits) {
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        assert_eq!(core.unwrap().split_whitespace().nth(4), Some("0"));
    }
    let killed = Command::new("kill")
        .args(["-ABRT", &child.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(6));
    assert!(!status.core_dumped());
}
