//! Boards survive in files.

use std::fs;

use eol_inject::sim::{Board, Fault, Model, PowerCut, Shelf, StateError};

use crate::rig::{Rest, attach, image, model, write};

#[test]
fn a_board_comes_back_from_its_file_with_everything_it_keeps() {
    let folder = tempfile::tempdir().unwrap();
    for model in Model::all() {
        let path = folder.path().join(model.name);
        let board = Board::new(model, "GW000001").share();
        let base = model.flash_range().start;
        let firmware = image(0x5003, 1);
        write(&mut attach(&board).unwrap(), base, &firmware, Rest::Lost).unwrap();
        board.lock().save(&path).unwrap();
        let again = Board::load(&path).unwrap();
        assert_eq!(again.name(), "GW000001");
        assert_eq!(again.model(), model);
        assert_eq!(again.uid(), board.lock().uid());
        let length = model.flash_range().len();
        assert!(again.peek(base, length).unwrap() == board.lock().peek(base, length).unwrap());
        assert!(again.is_booted());
        assert_eq!(again.statistics(), Default::default());
    }
}

#[test]
fn what_a_power_cut_left_survives_and_the_fault_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(folder.path());
    let chip = model("STM32L475VG");
    let firmware = image(0x2000, 1);
    let held = shelf.take(chip, "GW000001").unwrap();
    assert!(held.is_new());
    let mut session = attach(held.board()).unwrap();
    let cut = PowerCut::DuringProgram(50);
    held.board().lock().inject(Fault::PowerCut(cut));
    assert!(write(&mut session, 0x0800_0000, &firmware, Rest::Lost).is_err());
    drop(session);
    let cells = held.board().lock().peek(0x0800_0000, 0x2000).unwrap();
    drop(held);

    let held = shelf.take(chip, "GW000001").unwrap();
    assert!(!held.is_new());
    assert!(held.board().lock().is_powered());
    assert!(held.board().lock().peek(0x0800_0000, 0x2000).unwrap() == cells);
    let mut session = attach(held.board()).unwrap();
    write(&mut session, 0x0800_0000, &firmware, Rest::Lost).unwrap();
}

#[test]
fn the_end_of_a_session_is_enough_to_keep_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(folder.path());
    let held = shelf.take(model("STM32F072RB"), "GW000001").unwrap();
    let mut session = attach(held.board()).unwrap();
    write(&mut session, 0x0800_0000, &[0x42; 64], Rest::Lost).unwrap();
    drop(session);
    // As after a crash: nobody put the board back.
    let board = Board::load(&shelf.path("GW000001")).unwrap();
    assert_eq!(board.peek(0x0800_0000, 64).unwrap(), [0x42; 64]);
}

#[test]
fn faults_of_the_fixture_do_not_reach_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(folder.path());
    let chip = model("nRF52840_xxAA");
    for fault in [
        Fault::Locked,
        Fault::NoChip,
        Fault::WrongChip(model("STM32F072RB")),
    ] {
        let held = shelf.take(chip, "GW000001").unwrap();
        held.board().lock().preload(0x100, &[7]).unwrap();
        held.board().lock().inject(fault);
        held.save().unwrap();
        drop(held);
        let held = shelf.take(chip, "GW000001").unwrap();
        assert!(!held.board().lock().is_locked(), "{fault}");
        assert_eq!(held.board().lock().peek(0x100, 1).unwrap(), [7]);
        attach(held.board()).unwrap();
    }
}

#[test]
fn two_fixtures_cannot_hold_one_board() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(folder.path().join("made/on/the/way"));
    let chip = model("nRF52840_xxAA");
    let held = shelf.take(chip, "GW000001").unwrap();
    let error = shelf.take(chip, "GW000001").unwrap_err();
    assert!(matches!(error, StateError::Busy { .. }), "{error}");
    shelf.take(chip, "GW000002").unwrap();
    drop(held);
    shelf.take(chip, "GW000001").unwrap();
}

#[test]
fn a_board_with_another_chip_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(folder.path());
    drop(shelf.take(model("nRF52840_xxAA"), "GW000001").unwrap());
    let error = shelf.take(model("STM32F072RB"), "GW000001").unwrap_err();
    let path = shelf.path("GW000001");
    assert_eq!(
        error.to_string(),
        format!(
            "{} is a board with nRF52840_xxAA, wanted STM32F072RB",
            path.display()
        )
    );
}

#[test]
fn names_never_become_paths() {
    let shelf = Shelf::new("boards");
    for name in [
        "../../etc/passwd",
        "a/b",
        "a\\b",
        "nul",
        "",
        ".",
        "x.",
        "\u{e9}",
    ] {
        let path = shelf.path(name);
        assert_eq!(
            path.parent().unwrap(),
            std::path::Path::new("boards"),
            "{name}"
        );
    }
    assert_ne!(shelf.path("a_2fb"), shelf.path("a/b"));
    let long = "x".repeat(5_000);
    assert!(shelf.path(&long).as_os_str().len() < 200);
    assert_ne!(shelf.path(&long), shelf.path(&format!("{long}y")));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_board() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(folder.path().join("boards"));
    drop(shelf.take(model("nRF52840_xxAA"), "GW000001").unwrap());
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.path().join("boards")), 0o700);
    assert_eq!(mode(shelf.path("GW000001")), 0o600);
}

#[test]
fn damage_anywhere_in_a_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board");
    let mut board = Board::new(model("STM32F103RB"), "GW000001");
    board.preload(0x0800_0400, &[0x42; 40]).unwrap();
    board.save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        fs::write(&path, changed).unwrap();
        let error = Board::load(&path).unwrap_err();
        match at {
            0..8 => assert!(matches!(error, StateError::Foreign { .. })),
            8..12 => assert!(matches!(error, StateError::Version { .. })),
            _ => assert!(matches!(error, StateError::Damaged { .. }), "{at}"),
        }
    }
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(Board::load(&path).is_err(), "{length}");
    }
}

#[test]
fn state_errors_say_what_is_wrong_with_which_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board");
    let shown = path.display().to_string();
    let message = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Board::load(&path).unwrap_err().to_string()
    };
    assert_eq!(
        message(b""),
        format!("{shown} is not the state of a simulated board")
    );
    assert_eq!(
        message(b"EOLBOARD\x09\0\0\0"),
        format!("{shown} has format 9, this program reads format 1")
    );
    assert_eq!(
        message(b"EOLBOARD\x01\0\0\0........"),
        format!("{shown} is damaged: its hash does not match, it is cut or changed")
    );
    fs::remove_file(&path).unwrap();
    let error = Board::load(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read {shown}"));
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_file_of_a_chip_without_a_model_names_the_chip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board");
    Board::new(model("STM32F103RB"), "GW000001")
        .save(&path)
        .unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(9).position(|w| w == b"STM32F103").unwrap();
    bytes[at + 7] = b'9';
    let body = bytes.len() - 8;
    let hash = bytes[..body]
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    bytes[body..].copy_from_slice(&hash.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let error = Board::load(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} is a board with \"STM32F193RB\", which is not simulated",
            path.display()
        )
    );
}

#[test]
fn preloading_outside_the_flash_is_refused_and_changes_nothing() {
    let mut board = Board::new(model("STM32F072RB"), "GW000001");
    let error = board.preload(0x0801_fff0, &[0; 17]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "17 bytes at 0x0801fff0 are not all in the flash of STM32F072RB"
    );
    assert_eq!(board.peek(0x0801_fff0, 16).unwrap(), [0xff; 16]);
    assert!(board.peek(0x2000_0000, 4).is_err());
}

#[test]
fn what_a_cut_left_of_a_saving_goes_and_a_board_in_hand_keeps_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(folder.path());
    let held = shelf.take(model("nRF52840_xxAA"), "GW000001").unwrap();
    let part = |name: &str| {
        let mut part = shelf.path(name).into_os_string();
        part.push(".part");
        std::path::PathBuf::from(part)
    };
    for name in ["GW000001", "GW000002"] {
        std::fs::write(part(name), "half").unwrap();
    }
    std::fs::write(folder.path().join("notes.part"), "mine").unwrap();
    shelf.sweep();
    assert!(part("GW000001").exists() && !part("GW000002").exists());
    assert!(folder.path().join("notes.part").exists());
    drop(held);
    shelf.sweep();
    assert!(!part("GW000001").exists());
}
