//! What killed runs left is cleared away by the next one: own names only, never through a link, and
//! only what nobody can be writing any more.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::Duration;

use eol_inject::recipe::Recipe;
use eol_inject::regular;

/// Begins the name of every rehearsal's folder; the number of its process follows.
pub(crate) const REHEARSAL: &str = "eol-inject-rehearsal-";

/// A part file is written in moments, and one that is this old is nobody's any more: not another
/// station's on the same share either.
const OLD: Duration = Duration::from_secs(60 * 60);

/// The part of a label is locked by its writer from its first moments on: one that is older, and
/// not locked, is nobody's.
const BEGUN: Duration = Duration::from_secs(2);

/// Clears away parts of labels, and parts of images in the folder that takes images.
pub(crate) fn parts(recipe: &Recipe, images: Option<&Path>) {
    // The name that `tempfile` makes between `.` and `.part`.
    let is_label = |stem: &str, _: &Metadata| {
        stem.len() == 6 && stem.chars().all(|c| c.is_ascii_alphanumeric())
    };
    old_parts(&recipe.path(&recipe.label.dir), &is_label, &is_unlocked);
    if let Some(folder) = images {
        let is_image =
            |stem: &str, found: &Metadata| is_owner_only(found) && recipe.serial.read(stem).is_ok();
        old_parts(folder, &is_image, &|_| false);
    }
}

/// Clears away parts of simulated boards.
#[cfg(feature = "sim")]
pub(crate) fn boards(recipe: &Recipe) {
    let mut boards = recipe.ledger_base().into_os_string();
    boards.push(".boards");
    eol_inject::sim::Shelf::new(boards).sweep();
}

#[cfg(not(feature = "sim"))]
pub(crate) const fn boards(_: &Recipe) {}

/// Returns whether nobody writes a file. Where that cannot be found out, somebody does.
fn is_unlocked(file: &Path) -> bool {
    regular::open(file).is_ok_and(|file| file.try_lock().is_ok())
}

/// Removes part files that are `is_own`, by stem and kind: old ones, and those that `is_left` says
/// nobody writes.
fn old_parts(
    folder: &Path,
    is_own: &dyn Fn(&str, &Metadata) -> bool,
    is_left: &dyn Fn(&Path) -> bool,
) {
    for Entry { path, name, found } in own_entries(folder) {
        let stem = name
            .strip_prefix('.')
            .and_then(|name| name.strip_suffix(".part"));
        let is_own = found.is_file() && stem.is_some_and(|stem| is_own(stem, &found));
        let is_done = || is_old(&found, BEGUN) && is_left(&path);
        if is_own && (is_old(&found, OLD) || is_done()) {
            // One that cannot be removed harms nobody more than before.
            let _ = fs::remove_file(path);
        }
    }
}

/// Something in a folder.
struct Entry {
    path: PathBuf,
    name: String,
    /// Of the entry itself: a link is no file and no folder.
    found: Metadata,
}

/// Returns what this user has in a folder.
fn own_entries(folder: &Path) -> impl Iterator<Item = Entry> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let known = entries.filter_map(|entry| {
        Some(Entry {
            path: entry.path(),
            name: entry.file_name().into_string().ok()?,
            found: entry.metadata().ok()?,
        })
    });
    known.filter(|entry| is_ours(&entry.found))
}

/// Removes the folders of rehearsals whose process is dead.
pub(crate) fn rehearsals(temporary: &Path) {
    for Entry { path, name, found } in own_entries(temporary) {
        let rest = name.strip_prefix(REHEARSAL);
        let process = rest.and_then(|rest| rest.split('-').next()?.parse().ok());
        if found.is_dir() && process.is_some_and(is_dead) {
            let _ = fs::remove_dir_all(path);
        }
    }
}

fn is_old(found: &Metadata, limit: Duration) -> bool {
    let age = found.modified().ok().and_then(|at| at.elapsed().ok());
    age.is_some_and(|age| age > limit)
}

#[cfg(unix)]
fn is_ours(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(found) == rustix::process::geteuid().as_raw()
}

/// Returns whether nobody else may read it, as with every file that holds a token.
#[cfg(unix)]
fn is_owner_only(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(found) & 0o077 == 0
}

#[cfg(not(unix))]
const fn is_owner_only(_: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
const fn is_ours(_: &Metadata) -> bool {
    true
}

/// Returns whether no process has this number. What cannot be found out counts as alive.
fn is_dead(process: i32) -> bool {
    #[cfg(unix)]
    if let Some(process) = rustix::process::Pid::from_raw(process) {
        let gone = rustix::io::Errno::SRCH;
        return rustix::process::test_kill_process(process) == Err(gone);
    }
    let _ = process;
    false
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};
    use std::os::unix::fs::symlink;
    use std::time::SystemTime;

    use super::*;

    fn put(folder: &Path, name: &str, age: u64) {
        let path = folder.join(name);
        fs::write(&path, b"half").unwrap();
        let at = SystemTime::now() - Duration::from_secs(age);
        let file = File::options().write(true).open(path).unwrap();
        file.set_times(FileTimes::new().set_modified(at)).unwrap();
    }

    #[test]
    fn old_parts_of_our_own_names_go_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for name in [
            ".abC123.part",
            ".abC123.part.txt",
            "abC123.part",
            ".toolong.part",
            "x.png",
        ] {
            put(folder, name, 4000);
        }
        put(folder, ".fresh1.part", 10);
        symlink(folder.join("x.png"), folder.join(".linked.part")).unwrap();
        let six = |stem: &str, _: &Metadata| stem.len() == 6;
        old_parts(folder, &six, &|_| false);
        let mut left: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let wanted = [
            ".abC123.part.txt",
            ".fresh1.part",
            ".linked.part",
            ".toolong.part",
            "abC123.part",
            "x.png",
        ];
        assert_eq!(left, wanted);
    }

    #[test]
    fn a_part_whose_writer_is_dead_goes_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for (name, age) in [
            (".dead01.part", 10),
            (".alive1.part", 10),
            (".begun1.part", 0),
        ] {
            put(folder, name, age);
        }
        let alive = File::open(folder.join(".alive1.part")).unwrap();
        alive.try_lock().unwrap();
        old_parts(folder, &|_, _| true, &is_unlocked);
        let there = |name: &str| folder.join(name).exists();
        assert!(!there(".dead01.part") && there(".alive1.part") && there(".begun1.part"));
    }

    #[test]
    fn rehearsals_of_dead_processes_go_and_links_stay() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let dead = folder.join(format!("{REHEARSAL}{}-abc", child.id()));
        let alive = folder.join(format!("{REHEARSAL}{}-abc", std::process::id()));
        let kept = folder.join("kept");
        for made in [&dead, &alive, &kept] {
            fs::create_dir(made).unwrap();
            fs::write(made.join("trial.zip"), b"").unwrap();
        }
        let link = folder.join(format!("{REHEARSAL}{}-link", child.id()));
        symlink(&kept, &link).unwrap();
        rehearsals(folder);
        assert!(!dead.exists() && alive.exists() && link.exists());
        assert!(kept.join("trial.zip").exists());
    }
}
