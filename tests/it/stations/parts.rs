//! A share goes to a station, is used there and comes back.

use super::*;
use crate::sweep::sweep;

const STATION: &str = "station/recipe.toml";

const SPLIT: [&str; 12] = [
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
    "s1.part",
];

/// A bench with a station that has its key, and a recipe for the part's ledger.
fn with_station() -> Bench {
    let bench = home();
    bench.ok(&["ledger", "key", "new", "--station", "-o", "s1.key"]);
    crate::bench::copy_all(&bench.path("gw100"), &bench.path("station"));
    for name in names(&bench.path("station")) {
        if name.contains(".ledger") {
            let path = bench.path("station").join(name);
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
    }
    let ledger = "[ledger]\nurl = \"sqlite:gw100.ledger\"";
    let home = identity(&bench, HOME);
    let part = format!(
        "[ledger]\nurl = \"sqlite:../s1.part\"\nkey = {{ file = \"../s1.key\" }}\nhome = \"{home}\""
    );
    change(&bench, STATION, ledger, &part);
    // The station has no list: its tokens come with the part.
    change(&bench, STATION, "file  = \"../pools/unpacked\"\n", "");
    bench
}

/// Returns the identity of a ledger, as its people are told.
fn identity(bench: &Bench, recipe: &str) -> String {
    let show = ["ledger", "key", "show-id", "--recipe", recipe];
    let told = object(bench, &show, "key");
    told["identity"].as_str().unwrap().to_owned()
}

#[test]
fn a_station_works_on_its_part_and_brings_it_back() {
    let bench = with_station();
    batch(&bench, HOME, "1");
    bench.ok(&SPLIT);
    let home = stock(&bench, HOME);
    assert_eq!(
        (&home["free"], &home["away"], &home["bound"]),
        (&3.into(), &2.into(), &1.into())
    );
    batch(&bench, STATION, "1");
    clean(&bench, STATION);
    batch(&bench, HOME, "1");
    let back = ["ledger", "return", "--recipe", STATION, "-o", "back.part"];
    // A file that is there is kept, and the part is not closed yet.
    fs::write(bench.path("back.part"), "something").unwrap();
    let output = bench.run(&back);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("back.part is there already"), "{told}");
    fs::remove_file(bench.path("back.part")).unwrap();
    bench.ok(&back);
    let merge = ["ledger", "merge", "--recipe", HOME, "back.part"];
    let told = object(&bench, &merge, "merge");
    assert_eq!(
        (&told["units"], &told["free"], &told["already"]),
        (&1.into(), &1.into(), &false.into())
    );
    assert_eq!(object(&bench, &merge, "merge")["already"], true);
    clean(&bench, HOME);
    let home = stock(&bench, HOME);
    assert_eq!(
        (&home["free"], &home["away"], &home["bound"]),
        (&3.into(), &0.into(), &3.into())
    );
    // The station counted its own numbers, and its unit is verified here.
    let list = bench.ok(&["ledger", "list", "--recipe", HOME]);
    for serial in ["GW000001", "GW000002", "GW000004"] {
        assert!(list.contains(serial), "{serial} is not in {list}");
    }
    let all = bench.path("all");
    for folder in ["out-gw100-recipe.toml", "out-station-recipe.toml"] {
        crate::bench::copy_all(&bench.path(folder), &all);
    }
    bench.ok(&["verify", "--recipe", HOME, "--ledger", "all"]);
    // Closed is closed.
    fails(
        &bench,
        &["batch", "--recipe", STATION, "--count", "1", "-o", "more"],
        50,
        "part 1 is closed",
    );
}

#[test]
fn a_part_opens_with_its_stations_key_only_and_holds_no_secret() {
    let bench = with_station();
    bench.ok(&SPLIT);
    bench.ok(&["ledger", "key", "new", "--station", "-o", "other.key"]);
    change(&bench, STATION, "../s1.key", "../other.key");
    let audit = ["ledger", "audit", "--recipe", STATION];
    fails(&bench, &audit, 51, "was made for the station key");
    change(&bench, STATION, "../other.key", "../gw100/gw100.ledger.key");
    fails(&bench, &audit, 51, "holds the key");
    change(&bench, STATION, "../gw100/gw100.ledger.key", "../s1.key");
    bench.ok(&audit);
    let bytes = fs::read(bench.path("s1.part")).unwrap();
    batch(&bench, HOME, "4");
    batch(&bench, STATION, "2");
    for recipe in [HOME, STATION] {
        for (_, token) in bench.tokens(recipe) {
            let found = bytes.windows(32).any(|window| window == token.as_bytes());
            assert!(!found, "a token is in the part's file");
        }
    }
    let key = fs::read_to_string(bench.path("s1.key")).unwrap();
    let key = key.lines().nth(1).unwrap();
    assert!(
        !bytes
            .windows(key.len())
            .any(|window| window == key.as_bytes())
    );
}

#[test]
fn a_part_is_never_written_over_another_file() {
    let bench = with_station();
    bench.ok(&SPLIT);
    fails(&bench, &SPLIT, 40, "exists");
    assert_eq!(stock(&bench, HOME)["away"], 2);
    fails(
        &bench,
        &["ledger", "key", "new", "-o", "s1.key"],
        2,
        "is there already",
    );
}

#[test]
fn a_lost_part_is_voided() {
    let bench = with_station();
    bench.ok(&SPLIT);
    bench.ok(&[
        "ledger", "void", "--recipe", HOME, "--part", "1", "--by", "anna", "--reason", "stolen",
    ]);
    assert_eq!(stock(&bench, HOME)["void"], 2);
    clean(&bench, HOME);
    fails(
        &bench,
        &["ledger", "merge", "--recipe", HOME, "s1.part"],
        50,
        "part 1 is void",
    );
}

#[test]
fn a_changed_part_is_refused_and_what_was_changed_is_named() {
    let bench = with_station();
    bench.ok(&SPLIT);
    batch(&bench, STATION, "1");
    bench.ok(&["ledger", "return", "--recipe", STATION, "-o", "back.part"]);
    let conn = rusqlite::Connection::open(bench.path("back.part")).unwrap();
    conn.execute("UPDATE units SET image = zeroblob(32)", [])
        .unwrap();
    drop(conn);
    let output = bench.run(&["ledger", "merge", "--recipe", HOME, "back.part"]);
    assert_eq!(output.status.code(), Some(41));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("its image is 0000"), "{told}");
    assert_eq!(stock(&bench, HOME)["away"], 2);
}

#[test]
fn an_unclosed_part_is_merged_with_its_free_tokens_set_aside() {
    let bench = with_station();
    bench.ok(&SPLIT);
    batch(&bench, STATION, "1");
    // The file itself carries no signature.
    let raw = ["ledger", "merge", "--recipe", HOME, "s1.part"];
    fails(&bench, &raw, 41, "no signature of its station");
    let open = "ledger return --open -o back.part --recipe";
    let open: Vec<&str> = open.split(' ').chain([STATION]).collect();
    let told = bench.ok(&open);
    assert!(told.contains("part 1 is not closed"), "{told}");
    let output = bench.run(&["ledger", "merge", "--recipe", HOME, "back.part"]);
    assert!(output.status.success());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("was not closed"), "{told}");
    let home = stock(&bench, HOME);
    assert_eq!(
        (&home["quarantined"], &home["free"]),
        (&1.into(), &4.into())
    );
    clean(&bench, HOME);
    // What it was given has to be cleared before it is made here.
    let one = [
        "inject", "--recipe", HOME, "--serial", "GW000002", "-o", "out",
    ];
    let output = bench.run(&one);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(50), "{told}");
    assert!(told.contains("ledger clear --serial GW000002"), "{told}");
    let told = bench.ok(&["pool", "status", "--recipe", HOME]);
    assert!(
        told.contains("; not closed: its serials wait for"),
        "{told}"
    );
    let by = ["--by", "anna", "--reason", "the boards were counted"];
    let told = bench.ok(&[&["ledger", "clear", "--recipe", HOME, "--all"][..], &by].concat());
    for wanted in [
        "1 token that was set aside is used again",
        "all serials of 1 part that came back unclosed may be made here",
    ] {
        assert!(told.contains(wanted), "{told}");
    }
    bench.ok(&one);
    clean(&bench, HOME);
}

#[test]
fn a_part_with_fewer_numbers_than_asked_for_makes_those_it_has() {
    let bench = with_station();
    bench.ok(&SPLIT);
    let many = ["batch", "--recipe", STATION, "--count", "5", "-o", "far"];
    let output = bench.run(&many);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(10), "{told}");
    let wanted = "2 of 5 units are made: in part 1 the serial format GW{:06} has no number left";
    assert!(told.contains(wanted), "{told}");
    let listed = bench.ok(&["ledger", "list", "--recipe", STATION, "--json"]);
    assert_eq!(objects(&listed).len(), 2);
}

#[test]
fn a_short_pool_costs_one_number_and_one_failure() {
    let bench = home();
    for number in [7, 8] {
        let output = bench.run(&["batch", "--recipe", HOME, "--count", "500", "-o", "out"]);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(53), "{told}");
        assert_eq!(told.matches("FAIL").count(), 1, "{told}");
        let wanted = format!("no free token is left for GW00000{number}");
        assert!(told.contains(&wanted), "{told}");
    }
    // A list that is too long stops at the first that gets none.
    let serials: String = (1..=99).map(|n| format!("GW000{n:03}\n")).collect();
    fs::write(bench.path("serials.txt"), serials).unwrap();
    let output = bench.run(&[
        "batch",
        "--recipe",
        HOME,
        "--serials",
        "serials.txt",
        "-o",
        "out",
    ]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(53), "{told}");
    assert_eq!(told.matches("FAIL").count(), 1, "{told}");
}

#[test]
fn a_split_survives_a_cut_at_every_effect() {
    let world = with_station();
    sweep(
        || world.again(),
        &SPLIT,
        |bench, cut| {
            let part = bench.path("s1.part");
            // A file with its name has left: it stays as it is.
            let left = part.exists().then(|| fs::read(&part).unwrap());
            let output = bench.run(&SPLIT);
            match &left {
                Some(bytes) => assert_eq!(&fs::read(&part).unwrap(), bytes, "{cut:?}"),
                None => assert!(
                    output.status.success(),
                    "{cut:?}: {}",
                    String::from_utf8_lossy(&output.stderr)
                ),
            }
            let home = stock(bench, HOME);
            assert_eq!(
                (&home["away"], &home["free"]),
                (&2.into(), &4.into()),
                "{cut:?}"
            );
            let told = object(bench, &["pool", "status", "--recipe", HOME], "part");
            assert_eq!(
                (&told["part"], &told["state"]),
                (&1.into(), &"handed".into()),
                "{cut:?}"
            );
            let hidden = names(&bench.path("."));
            assert!(
                !hidden.iter().any(|name| name.starts_with('.')),
                "{cut:?}: {hidden:?}"
            );
            clean(bench, HOME);
            batch(bench, STATION, "2");
            clean(bench, STATION);
        },
    );
}

#[test]
fn a_merge_survives_a_cut_at_every_effect() {
    let bench = with_station();
    bench.ok(&SPLIT);
    batch(&bench, STATION, "1");
    bench.ok(&["ledger", "return", "--recipe", STATION, "-o", "back.part"]);
    let merge = ["ledger", "merge", "--recipe", HOME, "back.part"];
    sweep(
        || bench.again(),
        &merge,
        |bench, cut| {
            bench.ok(&merge);
            let home = stock(bench, HOME);
            let counts = (&home["away"], &home["free"], &home["bound"]);
            assert_eq!(counts, (&0.into(), &5.into(), &1.into()), "{cut:?}");
            clean(bench, HOME);
        },
    );
}

#[test]
fn a_return_survives_a_cut_at_every_effect() {
    let bench = with_station();
    bench.ok(&SPLIT);
    batch(&bench, STATION, "1");
    let back = ["ledger", "return", "--recipe", STATION, "-o", "back.part"];
    sweep(
        || bench.again(),
        &back,
        |bench, cut| {
            if !bench.path("back.part").exists() {
                bench.ok(&back);
            }
            let told = object(
                bench,
                &["ledger", "merge", "--recipe", HOME, "back.part"],
                "merge",
            );
            assert_eq!(
                (&told["units"], &told["free"]),
                (&1.into(), &1.into()),
                "{cut:?}"
            );
            clean(bench, HOME);
        },
    );
}

/// Makes another ledger with the same list, which knows the station's public key and nothing else.
fn forger(bench: &Bench) -> &'static str {
    const FORGER: &str = "forger/recipe.toml";
    crate::bench::copy_all(&bench.path("gw100"), &bench.path("forger"));
    for name in names(&bench.path("forger")) {
        if name.contains(".ledger") {
            let path = bench.path("forger").join(name);
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
    }
    batch(bench, FORGER, "1");
    FORGER
}

#[test]
fn a_part_that_home_did_not_sign_is_refused_by_name() {
    let bench = with_station();
    let forger = forger(&bench);
    let split = SPLIT.map(|word| if word == HOME { forger } else { word });
    bench.ok(&split);
    let make = ["batch", "--recipe", STATION, "--count", "1", "-o", "out"];
    let stranger = format!("signed by the ledger {}", identity(&bench, forger));
    fails(&bench, &make, 51, &stranger);
    fails(&bench, &["check", "--recipe", STATION], 51, &stranger);
    // Home's own manifest does not make it home's part.
    fs::rename(bench.path("s1.part"), bench.path("forged.part")).unwrap();
    bench.ok(&SPLIT);
    let forged = rusqlite::Connection::open(bench.path("forged.part")).unwrap();
    forged
        .execute(
            "ATTACH ?1 AS real",
            [bench.path("s1.part").to_str().unwrap()],
        )
        .unwrap();
    forged
        .execute_batch(
            "DROP TRIGGER facts_same; \
             UPDATE facts SET value = (SELECT value FROM real.facts o WHERE o.name = facts.name) \
             WHERE name IN ('manifest', 'manifest signature')",
        )
        .unwrap();
    drop(forged);
    fs::rename(bench.path("forged.part"), bench.path("s1.part")).unwrap();
    fails(&bench, &make, 51, "its sealed key is another one");
}

#[test]
fn a_part_is_opened_only_where_the_recipe_names_its_home() {
    let bench = with_station();
    bench.ok(&SPLIT);
    let home = identity(&bench, HOME);
    change(&bench, STATION, &format!("home = \"{home}\""), "");
    let make = ["batch", "--recipe", STATION, "--count", "1", "-o", "out"];
    fails(&bench, &make, 51, &format!("signed by the ledger {home}"));
    fails(&bench, &make, 51, "the recipe names no home");
}

#[test]
fn a_return_that_is_cut_short_or_of_another_part_is_refused() {
    let bench = with_station();
    bench.ok(&SPLIT);
    batch(&bench, STATION, "1");
    bench.ok(&["ledger", "return", "--recipe", STATION, "-o", "back.part"]);
    let whole = fs::read(bench.path("back.part")).unwrap();
    fs::write(bench.path("back.part"), &whole[..whole.len() / 2]).unwrap();
    let merge = ["ledger", "merge", "--recipe", HOME, "back.part"];
    let output = bench.run(&merge);
    assert!(!output.status.success());
    assert_eq!(stock(&bench, HOME)["away"], 2);
    // A forger's ledger has a part 1 as well.
    let forger = forger(&bench);
    fs::write(bench.path("back.part"), whole).unwrap();
    let merge = merge.map(|word| if word == HOME { forger } else { word });
    fails(&bench, &merge, 50, "the part belongs to the ledger");
}
