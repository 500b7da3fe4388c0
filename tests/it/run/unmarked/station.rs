//! The station without network: it has a part of the ledger, and somebody wants it to work on another.

use std::fs;
use std::path::{Path, PathBuf};

use super::line::Line;
use super::said;
use crate::bench::Bench;
use crate::ledger::forgery::{Database as _, rehash};
use crate::ledger::sqlite::InFile;
use crate::ledger::sqlite::tamper::Forged;

/// What lies beside a ledger in a file.
const BESIDE: [&str; 4] = ["", "-wal", "-shm", ".runs"];

/// A part of the ledger, and what a forger made of the same list for the same station.
pub struct Part {
    recipe: PathBuf,
    place: PathBuf,
    forged: PathBuf,
}

impl Part {
    /// Hands a part to the station. The forger knows the token list and the station's public key: his part gives
    /// out the tokens that home gives out too.
    pub fn handed(bench: &Bench, home: &Path, station: &Line, count: usize) -> Self {
        let key = ["ledger", "key", "new", "--station", "-o", "s1.key"];
        bench.ok(&key);
        let text = fs::read_to_string(bench.path("line/recipe.toml")).unwrap();
        let (own, _) = text.split_once("[ledger]").unwrap();
        fs::create_dir(bench.path("forger")).unwrap();
        let forger = format!("{own}[ledger]\nurl = \"sqlite:../forger.ledger\"\n");
        fs::write(bench.path("forger/recipe.toml"), forger).unwrap();
        let forger = Path::new("forger/recipe.toml");
        bench.ok(&["pool", "import", "--recipe", "forger/recipe.toml"]);
        for (recipe, part) in [(home, "s1.part"), (forger, "forged.part")] {
            let recipe = recipe.to_str().unwrap();
            let count = count.to_string();
            let split = ["ledger", "split", "--recipe", recipe, "--station", "S1"];
            let to = ["--to", "s1.key.pub", "--count", &count, "-o", part];
            bench.ok(&[split.as_slice(), &to].concat());
        }
        let show = ["ledger", "key", "show-id", "--json", "--recipe"];
        let shown = bench.ok(&[show.as_slice(), &[home.to_str().unwrap()]].concat());
        let shown: serde_json::Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
        let identity = shown["identity"].as_str().unwrap();
        let own = own.replace("file  = \"../tokens.zip\"\n", "");
        let part = format!(
            "{own}[ledger]\nurl = \"sqlite:../s1.part\"\nkey = {{ file = \"../s1.key\" }}\nhome = \"{identity}\"\n"
        );
        let recipe = station.path("recipe.toml");
        fs::write(&recipe, part).unwrap();
        Self {
            recipe,
            place: bench.path("s1.part"),
            forged: bench.path("forged.part"),
        }
    }

    /// Now and then puts the forger's part in the place of the station's: nothing is made with it.
    pub fn maybe_forged(&self, bench: &Bench, station: &mut Line) {
        if station.tally.forged > 0 && station.chance.below(4) > 0 {
            return;
        }
        station.settle();
        let aside = bench.path("aside.part");
        move_all(&self.place, &aside);
        fs::copy(&self.forged, &self.place).unwrap();
        fs::write(station.path("seat"), "forged\n").unwrap();
        let out = station.call(bench, &["run", "--serial", "GW990000"]);
        assert_eq!(out.status.code(), Some(51), "{}", said(&out));
        let board = fs::read(station.path("boards/forged")).unwrap_or_default();
        assert!(board.iter().all(|byte| *byte == 0xFF));
        move_all(&self.place, &bench.path("seen.part"));
        move_all(&aside, &self.place);
        station.tally.forged += 1;
    }

    /// Brings the part back: what somebody took a unit out of is refused, and the true one is merged.
    pub fn bring_back(&self, bench: &Bench, home: &Path) {
        let recipe = self.recipe.to_str().unwrap();
        bench.ok(&["ledger", "return", "--recipe", recipe, "-o", "s1.back"]);
        let forged = Forged(InFile::at(&bench.path("cut.back")));
        fs::copy(bench.path("s1.back"), bench.path("cut.back")).unwrap();
        forged.run(
            "DELETE FROM events WHERE unit = 1; UPDATE tokens SET state = 0 \
             WHERE id = (SELECT token FROM units WHERE id = 1); DELETE FROM units WHERE id = 1",
        );
        rehash(&forged);
        let merge = ["ledger", "merge", "--recipe", home.to_str().unwrap()];
        let out = bench.run(&[merge.as_slice(), &["cut.back"]].concat());
        assert_eq!(out.status.code(), Some(41), "{}", said(&out));
        bench.ok(&[merge.as_slice(), &["s1.back"]].concat());
    }
}

/// Moves a ledger with all that lies beside it, in the place of another.
fn move_all(from: &Path, to: &Path) {
    for suffix in BESIDE {
        let [from, to] =
            [from, to].map(|path| PathBuf::from(format!("{}{suffix}", path.display())));
        let _ = fs::remove_file(&to).or_else(|_| fs::remove_dir_all(&to));
        let _ = fs::rename(from, to);
    }
}
