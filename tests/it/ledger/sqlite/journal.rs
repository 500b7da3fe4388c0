//! The journal of boards: sealed, one file a board, gone when it is forgotten.

use std::fs;

use eol_inject::ledger::SealedJournal;
use eol_inject::target::Journal;

use super::*;

const SECRET: &[u8] = b"a board's own calibration";

#[test]
fn what_is_kept_of_a_board_comes_back_and_goes() {
    let bench = InFile::new();
    drop(bench.try_open().unwrap());
    let mut journal = SealedJournal::beside(&bench.path);
    assert!(journal.kept("9f02").unwrap().is_none());
    journal.keep("9f02", b"older").unwrap();
    journal.keep("9f02", SECRET).unwrap();
    journal.keep("../9f03", b"other").unwrap();
    let again = SealedJournal::beside(&bench.path);
    assert_eq!(again.kept("9f02").unwrap().unwrap().as_slice(), SECRET);
    assert!(again.kept("9f04").unwrap().is_none());
    let folder = bench.beside(".journal");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    journal.forget("9f02").unwrap();
    journal.forget("9f02").unwrap();
    assert!(journal.kept("9f02").unwrap().is_none());
    assert_eq!(
        journal.kept("../9f03").unwrap().unwrap().as_slice(),
        b"other"
    );
}

#[test]
fn a_journal_opens_for_its_board_and_ledger_only() {
    let bench = InFile::new();
    drop(bench.try_open().unwrap());
    let mut journal = SealedJournal::beside(&bench.path);
    journal.keep("9f02", SECRET).unwrap();
    journal.keep("9f03", SECRET).unwrap();
    let folder = bench.beside(".journal");
    let files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    for file in &files {
        let bytes = fs::read(file).unwrap();
        assert!(!bytes.windows(9).any(|part| part == &SECRET[..9]));
    }
    // One board's bytes under the other's name.
    fs::copy(&files[0], &files[1]).unwrap();
    let opened = ["9f02", "9f03"].map(|board| journal.kept(board).is_ok());
    assert_eq!(opened.iter().filter(|opened| **opened).count(), 1);
    // Without the ledger's key nothing is kept, and nothing opens.
    fs::remove_file(bench.beside(".key")).unwrap();
    assert!(journal.keep("9f04", SECRET).is_err());
    assert!(journal.kept("9f02").is_err() && journal.kept("9f03").is_err());
    assert!(journal.kept("9f05").unwrap().is_none());
}
