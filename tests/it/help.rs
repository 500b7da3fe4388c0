//! Help that comes with the program, and works as it stands there.

use std::fs;
use std::path::PathBuf;

use crate::bench::{Bench, has, text};

/// A folder as a product has it: recipe, image and token list side by side.
fn product() -> Bench {
    let bench = Bench::with(&["gw100", "pools"]);
    let recipe = fs::read_to_string(bench.path("gw100/recipe.toml")).unwrap();
    let recipe = recipe.replace("../pools/", "");
    fs::write(bench.path("recipe.toml"), recipe).unwrap();
    for file in [
        "gw100/gw100.elf",
        "gw100/gw100.bin",
        "pools/blynk-export.zip",
    ] {
        let name = PathBuf::from(file);
        fs::copy(
            bench.path(file),
            bench.path(name.file_name().unwrap().to_str().unwrap()),
        )
        .unwrap();
    }
    bench
}

/// Examples that need nothing but the product's folder, in an order that makes sense.
const STORY: &[&str] = &[
    "inspect gw100.elf",
    "inspect --recipe recipe.toml gw100.elf",
    "inspect --base 0x08000000 gw100.bin",
    "check",
    "check --json",
    "run --rehearse --count 3",
    "pool import blynk-export.zip",
    "pool status",
    "pool generate --count 20 -o trial.zip",
    "inject --serial GW000019 -o out/",
    "batch --count 10 -o out/",
    "verify --ledger out/",
    "ledger list",
    "ledger list --state prepared",
    "ledger show GW000019",
    "ledger export -o mapping.csv",
    "ledger export --format jsonl",
    "verify --mapping mapping.csv out/",
    "inject --serial GW000020 --format hex -o hex/",
    "ledger audit",
    "ledger key show-id",
    "ledger key new -o line.key",
    "ledger key new --station -o station.key",
    "label print",
    "label scan",
    "ledger backup --elsewhere",
    "man pages",
    "help recipe",
    "help ledger show",
    "probes",
];

#[test]
fn examples_of_the_help_texts_work_in_a_products_folder() {
    let bench = product();
    for line in STORY {
        let words: Vec<&str> = line.split(' ').collect();
        let depth = match words.as_slice() {
            ["ledger", "key", ..] => 3,
            ["ledger" | "pool" | "label", ..] => 2,
            _ => 1,
        };
        let help = bench.ok(&[&words[..depth], &["--help"]].concat());
        assert!(help.contains(&format!("  eol-inject {line}\n")), "{line}");
        bench.ok(&words);
    }
}

#[test]
fn a_recipe_in_a_folder_above_is_found_and_named_once() {
    let bench = product();
    fs::create_dir_all(bench.path("deep/er")).unwrap();
    let run = |args: &[&str]| {
        bench
            .command(args)
            .current_dir(bench.path("deep/er"))
            .output()
    };
    let found = run(&["inject", "--serial", "GW000019", "-o", "."]).unwrap();
    let told = text(&found.stderr);
    assert!(found.status.success(), "{told}");
    assert_eq!(
        told.matches("recipe ../../recipe.toml\n").count(),
        1,
        "{told}"
    );
    // Paths of the recipe are still its own; a path that is typed is the typist's.
    assert!(bench.path("gw100.ledger").exists());
    assert!(bench.path("deep/er/GW000019.elf").exists());
    assert!(!text(&found.stdout).contains("recipe ../"));
    // One that is named is taken literally.
    let named = run(&["check", "--recipe", "other.toml"]).unwrap();
    assert_eq!(named.status.code(), Some(10));
}

#[test]
fn without_a_recipe_the_first_lines_of_one_are_shown() {
    let bench = Bench::with(&[]);
    let output = bench.run(&["check"]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(10));
    assert!(
        told.contains("there is no recipe.toml in this folder"),
        "{told}"
    );
    let lines: Vec<&str> = told
        .lines()
        .filter_map(|line| line.strip_prefix("      "))
        .collect();
    let recipe = lines.join("\n");
    let read = eol_inject::recipe::Recipe::parse(&recipe, std::path::Path::new("."));
    assert!(read.is_ok(), "{recipe}: {:?}", read.err());
}

#[cfg(unix)]
#[test]
fn what_another_user_put_above_is_not_taken_unasked() {
    use std::os::unix::fs::{chown, lchown, symlink};
    type Spoil = fn(&Bench) -> std::io::Result<()>;
    const OWNER: Option<u32> = Some(12_345);
    let spoil: [Spoil; 3] = [
        |bench| chown(bench.path("recipe.toml"), OWNER, None),
        |bench| chown(bench.path("."), OWNER, None),
        |bench| {
            fs::rename(bench.path("recipe.toml"), bench.path("gw100/mine.toml"))?;
            symlink("gw100/mine.toml", bench.path("recipe.toml"))?;
            lchown(bench.path("recipe.toml"), OWNER, None)
        },
    ];
    for spoil in spoil {
        let bench = product();
        fs::create_dir(bench.path("deep")).unwrap();
        if spoil(&bench).is_err() {
            // Only the system's administrator may give files away.
            return;
        }
        let run = |args: &[&str]| bench.command(args).current_dir(bench.path("deep")).output();
        let refused = run(&["check"]).unwrap();
        assert_eq!(refused.status.code(), Some(10));
        assert!(text(&refused.stderr).contains("another user's"));
        let asked = run(&["check", "--recipe", "../recipe.toml"]).unwrap();
        assert!(asked.status.success(), "{}", text(&asked.stderr));
    }
}

#[test]
fn a_page_of_the_manual_comes_with_the_program() {
    let bench = Bench::with(&[]);
    bench.ok(&["man", "pages"]);
    let page = fs::read_to_string(bench.path("pages/eol-inject-recipe.5")).unwrap();
    for word in [".TH eol-inject-recipe 5", "nordic", "mes", ".SH"] {
        assert!(page.contains(word), "{word}");
    }
    let command = fs::read_to_string(bench.path("pages/eol-inject-ledger-list.1")).unwrap();
    assert!(command.contains(".SH EXAMPLES"));
    if has("groff", "the manual page") {
        let shown = std::process::Command::new("groff")
            .args(["-man", "-Tascii", "-ww", "pages/eol-inject-recipe.5"])
            .current_dir(bench.path("."))
            .output()
            .unwrap();
        assert_eq!(text(&shown.stderr), "");
        assert!(text(&shown.stdout).contains("nordic"));
    }
}

#[test]
fn pages_go_through_the_pager_on_a_terminal_only() {
    let bench = Bench::with(&[]);
    let plain = bench.ok(&["help", "recipe"]);
    assert!(plain.starts_with("THE RECIPE\n"));
    let mut paged = bench.command(&["help", "recipe"]);
    assert_eq!(
        text(&paged.env("PAGER", "wc -l").output().unwrap().stdout),
        plain
    );
    if has("script", "the pager") {
        let output = std::process::Command::new("script")
            .args([
                "-qec",
                &format!("{} help recipe", crate::bench::PROGRAM),
                "/dev/null",
            ])
            .env("PAGER", "wc -l")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let shown = text(&output.stdout);
        assert_eq!(shown.trim(), plain.lines().count().to_string(), "{shown}");
    }
}

#[test]
fn a_topic_that_is_none_lists_the_topics_and_repeats_no_token() {
    let bench = Bench::with(&[]);
    let output = bench.run(&["help", "n5x628GDTFMk0hNa-69lhHK94hPSYX_a"]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(!told.contains("n5x628"), "{told}");
    assert!(told.contains("\n    recipe  "), "{told}");
}

/// What may be wider than a terminal: a path or a digest on a line of its own.
fn stands_alone(line: &str) -> bool {
    !line.trim().contains(' ')
}

#[test]
fn tables_and_errors_keep_to_eighty_columns() {
    let bench = Bench::with(&["gw100", "images", "recipes", "pools", "reject"]);
    let list = |folder: &str| {
        let entries = fs::read_dir(bench.path(folder)).unwrap();
        let files = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        files
            .map(|name| format!("{folder}/{name}"))
            .collect::<Vec<_>>()
    };
    let gw100 = ["--recipe", "gw100/recipe.toml"];
    bench.ok(&[&["run", "--count", "2"][..], &gw100].concat());
    let mut lines: Vec<Vec<String>> = Vec::new();
    let mut put = |words: &[&str]| lines.push(words.iter().map(|&word| word.into()).collect());
    for image in list("images").iter().chain(&list("reject/image")) {
        put(&["inspect", image]);
    }
    for folder in ["recipes", "reject/recipe", "reject/checksum", "reject/slot"] {
        for recipe in list(folder).iter().filter(|name| name.ends_with(".toml")) {
            put(&["check", "--recipe", recipe]);
        }
    }
    for words in [
        "ledger list",
        "ledger show GW000001",
        "pool status",
        "check",
        "inject --serial GW000020 --format hex -o hex/",
        "ledger audit",
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        put(&[&words[..], &gw100].concat());
    }
    put(&["probes"]);
    put(&["nonsense"]);
    put(&["ledger", "handoff"]);
    put(&["check", "--recipe", "a/file/that/is/not/there/recipe.toml"]);
    for words in lines {
        let output = bench.command(&words).env("COLUMNS", "80").output().unwrap();
        for line in text(&output.stdout)
            .lines()
            .chain(text(&output.stderr).lines())
        {
            let held = line.chars().count() <= 80 || stands_alone(line);
            assert!(held, "{words:?}: {line}");
        }
    }
}
