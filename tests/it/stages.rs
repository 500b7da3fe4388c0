//! The house: each stage imports from stages below it only, and no files import each other in a
//! circle.
//!
//! Read as text, so that the test needs no build of its own: every `use`, and every path in the code.
//! A name counts for the file that defines it, whatever re-exports it on the way. Tests inside `src`
//! do not count, and neither does a module that only declares and re-exports its children.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The stages, from the lowest to the highest; `docs/architecture.md` has the same list.
const STAGES: &[&str] = &[
    "unit",
    "regular",
    "atomic_file",
    "own_file",
    "process",
    "scan",
    "image",
    "recipe",
    "nvs",
    "slot",
    "checksum",
    "protected",
    "master",
    "seal",
    "receipt",
    "journal",
    "qr",
    "pool",
    "vault",
    "sim",
    "ledger",
    "label",
    "target",
    "line",
    "handoff",
    "mes",
    "witness",
    "verify",
    "propose",
    "station",
    "cli",
];

/// Imports against the order that are still there: from a stage, to a stage. The list only shrinks:
/// one that is gone must go from here, too.
const UPWARD: &[(&str, &str)] = &[];

/// Folders in which files still import each other in circles. The list only shrinks.
const CIRCULAR: &[&str] = &["cli/", "ledger/"];

/// A file of `src`, and what its text says.
struct File {
    /// Its path below `src`.
    file: String,
    /// Without comments, texts, tests and `use`.
    code: String,
    /// The modules that it declares in files of their own, by name.
    children: BTreeMap<String, Module>,
    /// What its `use` lines bring in, by the name that it has here.
    imports: BTreeMap<String, Import>,
    /// The module around it.
    parent: Option<Module>,
    /// The crate's root for `crate::`.
    root: Module,
}

/// A file, by its place in the list.
type Module = usize;

struct Import {
    path: Vec<String>,
    /// Whether it is handed on.
    public: bool,
}

/// All files of `src`.
struct House(Vec<File>);

impl House {
    /// Reads the library and the program.
    fn read() -> Self {
        let mut house = Self(Vec::new());
        house.add("lib.rs".to_owned(), None, 0);
        let main = house.0.len();
        house.add("main.rs".to_owned(), None, main);
        house
    }

    /// Reads a file and all modules that it declares.
    fn add(&mut self, file: String, parent: Option<Module>, root: Module) -> Module {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src")
            .join(&file);
        let mut code = without_tests(&bare(&fs::read_to_string(path).unwrap()));
        let imports = take_imports(&mut code);
        let names = declared(&code);
        for name in &names {
            code = code.replace(&format!("mod {name};"), "");
        }
        let own = self.0.len();
        self.0.push(File {
            file: file.clone(),
            code,
            children: BTreeMap::new(),
            imports,
            parent,
            root,
        });
        for name in names {
            let folder = match file.rsplit_once('/') {
                Some((folder, "mod.rs")) => format!("{folder}/"),
                None if own == root => String::new(),
                _ => format!("{}/", file.trim_end_matches(".rs")),
            };
            let path = format!("{folder}{name}");
            let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
            let file = match here.join(format!("{path}.rs")).exists() {
                true => format!("{path}.rs"),
                false => format!("{path}/mod.rs"),
            };
            let child = self.add(file, Some(own), root);
            self.0[own].children.insert(name, child);
        }
        own
    }

    /// Returns the file that defines what a `use` of `from` names; none for another crate's.
    fn imported(&self, from: Module, path: &[String], depth: usize) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let file = &self.0[from];
        match first.as_str() {
            "crate" => self.item(file.root, rest, depth),
            "eol_inject" if file.root != 0 => self.item(0, rest, depth),
            "self" => self.item(from, rest, depth),
            "super" if rest.first().is_some_and(|next| next == "super") => {
                self.imported(file.parent?, rest, depth)
            }
            "super" => self.item(file.parent?, rest, depth),
            name if file.children.contains_key(name) => self.item(from, path, depth),
            _ => None,
        }
    }

    /// Returns the file that defines what a path in the code of `from` names.
    fn named(&self, from: Module, path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        self.imported(from, path, 0).or_else(|| {
            let import = &self.0[from].imports.get(first)?.path;
            self.imported(from, &[import, rest].concat(), 0)
        })
    }

    /// Returns the file that defines the item at `path` of a module; none for the module itself.
    fn item(&self, module: Module, path: &[String], depth: usize) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let file = &self.0[module];
        if let Some(child) = file.children.get(first) {
            return self.item(*child, rest, depth);
        }
        match file.imports.get(first) {
            Some(import) if depth < 8 => {
                self.imported(module, &[&import.path, rest].concat(), depth + 1)
            }
            _ => Some(module),
        }
    }

    /// Lists which file imports which.
    fn arrows(&self) -> BTreeSet<(Module, Module)> {
        let mut arrows = BTreeSet::new();
        for (own, file) in self.0.iter().enumerate() {
            let words = words(&file.code);
            let used = file.imports.iter().filter(|(name, import)| {
                // What is only handed on is not used here.
                !import.public || words.contains(name.as_str())
            });
            let used = used.filter_map(|(_, import)| self.imported(own, &import.path, 0));
            let named = paths(&file.code);
            let named = named.iter().filter_map(|path| self.named(own, path));
            arrows.extend(used.chain(named).map(|other| (own, other)));
        }
        arrows.retain(|(from, to)| from != to);
        arrows
    }
}

/// Returns text without comments, and without what stands in quotes.
fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let len = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw(rest, &bare) {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = rest.find('"').unwrap() + 1;
            start + rest[start..].find(&end).unwrap() + end.len()
        } else if next == '"' {
            quoted(rest, '"')
        } else if next == '\'' && is_char(rest) {
            quoted(rest, '\'')
        } else {
            bare.push(next);
            next.len_utf8()
        };
        rest = &rest[len..];
    }
    bare
}

/// Returns how many hashes a raw text has that starts here.
fn raw(rest: &str, before: &str) -> Option<usize> {
    let hashes = rest.strip_prefix('r').or(rest.strip_prefix("br"))?;
    let text = hashes.trim_start_matches('#');
    let word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    (text.starts_with('"') && !word).then_some(hashes.len() - text.len())
}

/// Tells a character from a lifetime.
fn is_char(rest: &str) -> bool {
    let mut next = rest.chars().skip(1);
    matches!(
        (next.next(), next.next()),
        (Some('\\'), _) | (_, Some('\''))
    )
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// Returns code without the items that only tests have.
fn without_tests(code: &str) -> String {
    let mut rest = code;
    let mut kept = String::new();
    while let Some(at) = rest.find("#[cfg(") {
        let (before, item) = rest.split_at(at);
        kept.push_str(before);
        let condition = &item[..item.find(']').unwrap()];
        let is_test = words(condition).contains("test") && !condition.contains("not(test");
        let len = if is_test {
            item_len(item)
        } else {
            condition.len()
        };
        rest = &item[len..];
    }
    kept + rest
}

/// Returns how long the item behind an attribute is.
fn item_len(item: &str) -> usize {
    let mut depth = 0;
    for (at, c) in item.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

/// Takes all `use` lines out of `code`.
fn take_imports(code: &mut String) -> BTreeMap<String, Import> {
    let mut imports = BTreeMap::new();
    let mut kept = String::new();
    for statement in code.split_inclusive(';') {
        let start = starts(statement).find(|at| {
            let bare = statement[..*at].trim_end();
            bare.is_empty() || bare.ends_with(['{', '}', ';', ']', ')']) || bare.ends_with("pub")
        });
        let Some(start) = start else {
            kept.push_str(statement);
            continue;
        };
        let (before, tree) = statement.split_at(start);
        let before = before.trim_end();
        let public = before.ends_with("pub")
            || before
                .rfind("pub(")
                .is_some_and(|at| !before[at..].contains(['{', '}', ';']));
        kept.push_str(before);
        let tree = tree.trim_start_matches("use").trim_end_matches(';');
        let mut leaves = Vec::new();
        leaves_of(tree.trim(), &[], &mut leaves);
        for (name, path) in leaves {
            imports.insert(name, Import { path, public });
        }
    }
    *code = kept;
    imports
}

/// Returns where the word `use` stands.
fn starts(statement: &str) -> impl Iterator<Item = usize> {
    let found = statement.match_indices("use");
    found.map(|(at, _)| at).filter(|at| {
        let before = statement[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let behind = statement[at + 3..].starts_with(char::is_whitespace);
        !before && behind
    })
}

/// Lists what a tree of `use` brings in: the name, and its path.
fn leaves_of(tree: &str, around: &[String], leaves: &mut Vec<(String, Vec<String>)>) {
    if let Some((front, inside)) = tree.split_once('{') {
        let around = [around, &segments(front)].concat();
        let inside = inside.trim_end().trim_end_matches('}');
        let mut depth = 0;
        let parts = inside.split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        });
        for part in parts.filter(|part| !part.trim().is_empty()) {
            leaves_of(part.trim(), &around, leaves);
        }
        return;
    }
    let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
    let mut path = [around, &segments(path)].concat();
    if path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let name = match name.trim() {
        "" => path.last().cloned().unwrap_or_default(),
        // Traits for their methods: each needs a name of its own here.
        "_" => format!("_ {}", path.join("::")),
        name => name.to_owned(),
    };
    leaves.push((name, path));
}

fn segments(path: &str) -> Vec<String> {
    let segments = path.split("::").map(|part| part.trim().to_owned());
    segments.filter(|part| !part.is_empty()).collect()
}

/// Lists the modules that are declared in files of their own.
fn declared(code: &str) -> Vec<String> {
    let statements = code.split(';').filter_map(|statement| {
        let mut words = statement.split_whitespace().rev();
        let name = words.next()?;
        (words.next() == Some("mod")).then(|| name.to_owned())
    });
    statements.collect()
}

fn words(code: &str) -> BTreeSet<&str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect()
}

/// Lists all paths of more than one segment in `code`.
fn paths(code: &str) -> BTreeSet<Vec<String>> {
    let in_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let paths = code
        .split(|c| !in_path(c))
        .filter(|path| path.contains("::"));
    paths.map(segments).filter(|path| path.len() > 1).collect()
}

/// Returns the stage that a file belongs to; none for the roots of library and program.
fn stage(file: &str) -> Option<&str> {
    let (stage, _) = file.split_once(['/', '.'])?;
    (!matches!(file, "lib.rs" | "main.rs")).then_some(stage)
}

/// Returns the circles among files: those that reach one another.
fn circles(house: &House, arrows: &BTreeSet<(Module, Module)>) -> BTreeSet<Vec<Module>> {
    let reached = |from: Module| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(next) = open.pop() {
            let next = arrows.range((next, 0)..(next + 1, 0)).map(|arrow| arrow.1);
            open.extend(next.filter(|next| seen.insert(*next)));
        }
        seen
    };
    let reached: Vec<BTreeSet<Module>> = (0..house.0.len()).map(reached).collect();
    let circle = |own: usize| {
        let others = reached[own].iter().copied();
        others
            .filter(|other| reached[*other].contains(&own))
            .collect()
    };
    let circles = (0..reached.len()).map(circle);
    circles
        .filter(|circle: &Vec<Module>| !circle.is_empty())
        .collect()
}

#[test]
fn every_stage_imports_from_stages_below_it_only() {
    let house = House::read();
    let rank = |stage| {
        let rank = STAGES.iter().position(|name| *name == stage);
        rank.unwrap_or_else(|| panic!("{stage} is no stage: give it a place in STAGES"))
    };
    let mut needed = BTreeSet::new();
    let mut wrong = Vec::new();
    for (from, to) in house.arrows() {
        let [from, to] = [from, to].map(|module| house.0[module].file.as_str());
        let (Some(own), Some(other)) = (stage(from), stage(to)) else {
            continue;
        };
        if rank(own) < rank(other) {
            needed.insert((own, other));
            if !UPWARD.contains(&(own, other)) {
                wrong.push(format!("{from} -> {to}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "these imports go up");
    let stale: Vec<_> = UPWARD.iter().filter(|one| !needed.contains(*one)).collect();
    assert!(stale.is_empty(), "no longer needed in UPWARD: {stale:?}");
}

#[test]
fn no_files_import_each_other() {
    let house = House::read();
    let circles = circles(&house, &house.arrows());
    let circles = circles.iter().map(|circle| {
        let files = circle.iter().map(|module| house.0[*module].file.as_str());
        files.collect::<Vec<_>>()
    });
    let circles: Vec<Vec<&str>> = circles.collect();
    let lies_in =
        |circle: &[&str], folder: &str| circle.iter().all(|file| file.starts_with(folder));
    let new = circles
        .iter()
        .filter(|circle| !CIRCULAR.iter().any(|folder| lies_in(circle, folder)));
    let new: Vec<_> = new.collect();
    assert!(
        new.is_empty(),
        "these files import each other in a circle: {new:#?}"
    );
    let stale = CIRCULAR
        .iter()
        .filter(|folder| !circles.iter().any(|circle| lies_in(circle, folder)));
    let stale: Vec<_> = stale.collect();
    assert!(stale.is_empty(), "no longer needed in CIRCULAR: {stale:?}");
}

#[test]
fn the_architecture_has_the_same_order_of_stages() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let page = fs::read_to_string(page).unwrap();
    let list = page
        .split("from the lowest to the highest:")
        .nth(1)
        .unwrap();
    let list = list.split('.').next().unwrap();
    let named: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    assert_eq!(named, STAGES);
}
