//! The documents are true: the tree and the dependencies are those that they tell of.

use std::fs;
use std::path::Path;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Lists what stands in a folder: files by name, folders with a slash.
fn names(folder: &str) -> Vec<String> {
    fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            let slash = if entry.file_type().unwrap().is_dir() {
                "/"
            } else {
                ""
            };
            format!("{name}{slash}")
        })
        .collect()
}

#[test]
fn the_architecture_names_every_module() {
    let page = read("docs/architecture.md");
    let missing = |name: &String| !page.contains(name.as_str());
    let mut lost: Vec<String> = names("src").into_iter().filter(missing).collect();
    for folder in names("src").iter().filter(|name| name.ends_with('/')) {
        for name in names(&format!("src/{folder}")) {
            // A folder beside a file of its name belongs to that file.
            let told = ["mod.rs", "error.rs", "tests.rs"].contains(&name.as_str())
                || page.contains(&name)
                || page.contains(&format!("{}.rs", name.trim_end_matches('/')));
            if !told {
                lost.push(format!("src/{folder}{name}"));
            }
        }
    }
    assert_eq!(lost, Vec::<String>::new(), "not in docs/architecture.md");
}

#[test]
fn the_architecture_says_why_each_dependency_is_there() {
    let page = read("docs/architecture.md");
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    for part in ["dependencies", "dev-dependencies"] {
        for name in manifest[part].as_table().unwrap().keys() {
            assert!(page.contains(&format!("`{name}`")), "{part}: {name}");
        }
    }
}

#[test]
fn the_readme_lists_the_exit_codes_of_the_help_text() {
    let help = read("src/cli/mod.rs");
    let readme = read("README.md");
    let codes = help.split("Exit codes:").nth(1).unwrap();
    let codes = codes.split("\";").next().unwrap();
    let numbers = codes
        .split_whitespace()
        .filter(|word| word.parse::<u8>().is_ok());
    let mut count = 0;
    for code in numbers {
        count += 1;
        assert!(readme.contains(&format!("| {code} |")), "exit code {code}");
    }
    assert!(count >= 13);
}

/// Whoever installed the program has no `docs/`; the pages come with it.
#[test]
fn no_error_and_no_hint_names_a_page_that_is_not_installed() {
    fn look(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // Where the pages are taken in.
            if path.ends_with("cli/help") {
                continue;
            }
            if path.is_dir() {
                look(&path, found);
                continue;
            }
            for line in fs::read_to_string(&path).unwrap_or_default().lines() {
                let line = line.trim_start();
                if line.contains("docs/") && !line.starts_with("//") {
                    found.push(format!("{}: {line}", path.display()));
                }
            }
        }
    }
    let mut found = Vec::new();
    look(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    assert_eq!(found, Vec::<String>::new(), "write `eol-inject help TOPIC`");
}

/// Command lines of the program that texts for people name.
#[cfg(feature = "cli")]
fn named(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let words = joined.split_whitespace().collect::<Vec<_>>().join(" ");
    let ends = ['`', '"', ';', ',', '(', ')', '|', '\'', ':'];
    words
        .split("eol-inject ")
        .skip(1)
        .map(|rest| rest.split(ends).next().unwrap_or_default().to_owned())
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect()
}

#[cfg(feature = "cli")]
#[test]
fn every_command_that_a_hint_names_exists_with_its_options() {
    let commands = [
        "check", "pool", "ledger", "label", "verify", "run", "batch", "inject",
    ];
    let mut checked = 0;
    let texts = [
        "src/cli/error.rs",
        "src/cli/ledger/rework.rs",
        "docs/operator.md",
    ];
    for line in texts.into_iter().flat_map(|file| named(&read(file))) {
        let mut words = line.split(' ');
        let Some(first) = words.next().filter(|word| commands.contains(word)) else {
            continue;
        };
        let mut args = vec![first];
        if ["pool", "ledger", "label"].contains(&first) {
            args.extend(words.next());
        }
        args.push("--help");
        let output = std::process::Command::new(crate::bench::PROGRAM)
            .args(&args)
            .output()
            .unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "no such command: {line}");
        // A name of a subcommand that is wrong shows its parent's help.
        assert!(help.contains(&args[..args.len() - 1].join(" ")), "{line}");
        for option in line.split(' ').filter(|word| word.starts_with("--")) {
            let option = option.trim_end_matches(['.', ']']);
            assert!(help.contains(option), "{line}: no option {option}");
        }
        checked += 1;
    }
    assert!(checked > 10, "{checked}");
}

/// Collects all Rust sources below a folder.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn each_test_that_the_page_on_security_names_exists() {
    let mut text = String::new();
    for folder in ["src", "tests"] {
        sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut text,
        );
    }
    let page = read("docs/security.md");
    let named = page.split('`').skip(1).step_by(2);
    let tests: Vec<&str> = named
        .filter(|name| {
            name.contains('_')
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
        })
        .collect();
    assert!(tests.len() > 40, "{}", tests.len());
    let lost: Vec<_> = tests
        .into_iter()
        .filter(|name| !text.contains(&format!("fn {name}(")))
        .collect();
    assert_eq!(lost, [] as [&str; 0]);
}
