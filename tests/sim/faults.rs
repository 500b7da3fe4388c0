//! Faults of link, fixture and cells.

use std::time::{Duration, Instant};

use eol_inject::sim::{Fault, Model};
use probe_rs::MemoryInterface;
use probe_rs::flashing::FlashError;

use crate::rig::{Rest, attach, attach_as, board, chain, image, model, write};

/// Breaks the link at every `stride`-th transfer of a flash run, heals it, and flashes again.
fn sweep(chip: &str, fault: fn(u64) -> Fault, stride: usize) {
    let firmware = image(0x1000, 1);
    let base = model(chip).flash_range().start;
    let whole = board(chip);
    write(&mut attach(&whole).unwrap(), base, &firmware, Rest::Lost).unwrap();
    let last = whole.lock().statistics().swd_transfers;
    // What has not answered from the start costs probe-rs its 5 s of retries.
    for at in (60..last).step_by(stride) {
        let board = board(chip);
        board.lock().inject(fault(at));
        if let Ok(mut session) = attach(&board) {
            let done = write(&mut session, base, &firmware, Rest::Lost);
            drop(session);
            if done.is_ok() {
                let cells = board.lock().peek(base, firmware.len()).unwrap();
                assert!(cells == firmware, "{chip} at {at} claims success");
            }
        }
        board.lock().heal();
        let mut session = attach(&board).unwrap();
        write(&mut session, base, &firmware, Rest::Lost).unwrap();
        let cells = board.lock().peek(base, firmware.len()).unwrap();
        assert!(cells == firmware, "{chip} at {at} did not recover");
    }
}

#[test]
fn unplugging_anywhere_never_hangs_and_never_passes_for_success() {
    for model in Model::all() {
        sweep(model.name, Fault::Unplug, 397);
    }
}

#[test]
fn losing_contact_anywhere_never_hangs_and_never_passes_for_success() {
    sweep("STM32L475VG", Fault::NoAck, 397);
    sweep("nRF52840_xxAA", Fault::NoAck, 397);
}

#[test]
#[ignore = "every transfer of a run on every chip takes minutes"]
fn unplugging_at_every_transfer_is_recovered() {
    for model in Model::all() {
        sweep(model.name, Fault::Unplug, 1);
    }
}

#[test]
fn an_unplugged_probe_is_a_usb_error() {
    let board = board("nRF52840_xxAA");
    let mut session = attach(&board).unwrap();
    board.lock().inject(Fault::Unplug(2_000));
    let error = write(&mut session, 0, &image(0x4000, 1), Rest::Lost).unwrap_err();
    assert!(chain(&error).contains("probe was unplugged"), "{error:?}");
    let start = Instant::now();
    drop(session);
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_target_that_stops_answering_is_a_missing_acknowledge() {
    let board = board("STM32F405RG");
    let mut session = attach(&board).unwrap();
    board.lock().inject(Fault::NoAck(2_000));
    let firmware = image(0x4000, 1);
    let error = write(&mut session, 0x0800_0000, &firmware, Rest::Lost).unwrap_err();
    let text = chain(&error);
    assert!(text.contains("did not respond to request"), "{text}");
}

#[test]
fn an_occasional_wait_is_retried() {
    let board = board("STM32F103RB");
    board.lock().inject(Fault::WaitEvery(7));
    let mut session = attach(&board).unwrap();
    write(&mut session, 0x0800_0000, &image(0x2000, 1), Rest::Lost).unwrap();
}

#[test]
fn an_endless_wait_is_an_error() {
    let board = board("nRF52840_xxAA");
    let mut session = attach(&board).unwrap();
    board.lock().inject(Fault::Wait(3_000));
    let error = write(&mut session, 0, &image(0x4000, 1), Rest::Lost).unwrap_err();
    assert!(chain(&error).to_uppercase().contains("WAIT"), "{error:?}");
}

#[test]
fn a_stuck_bit_is_a_verify_error() {
    for model in Model::all() {
        let board = board(model.name);
        let base = model.flash_range().start;
        let firmware = image(0x1000, 1);
        let at = firmware.iter().rposition(|byte| byte & 0x10 == 0).unwrap();
        board.lock().inject(Fault::StuckBits {
            address: base + at as u32,
            mask: 0x10,
        });
        let mut session = attach(&board).unwrap();
        let done = write(&mut session, base, &firmware, Rest::Lost);
        assert!(matches!(done, Err(FlashError::Verify)), "{}", model.name);
        let cells = board.lock().peek(base + at as u32, 1).unwrap();
        assert_eq!(cells[0], firmware[at] | 0x10);
    }
}

#[test]
fn a_hanging_erase_times_out_and_a_power_cycle_clears_it() {
    // The L4's algorithm waits 400 ms for an erase, the others seconds.
    let board = board("STM32L475VG");
    let firmware = image(0x1000, 1);
    board.lock().inject(Fault::HangingErase(2));
    let mut session = attach(&board).unwrap();
    let error = write(&mut session, 0x0800_0000, &firmware, Rest::Lost).unwrap_err();
    assert!(chain(&error).to_lowercase().contains("time"), "{error:?}");
    drop(session);
    board.lock().power_cycle();
    let mut session = attach(&board).unwrap();
    write(&mut session, 0x0800_0000, &firmware, Rest::Lost).unwrap();
}

#[test]
fn an_empty_fixture_does_not_answer() {
    let board = board("nRF52840_xxAA");
    board.lock().inject(Fault::NoChip);
    let error = attach(&board).unwrap_err();
    let text = chain(&error).to_lowercase();
    assert!(
        text.contains("target") || text.contains("acknowledge"),
        "{text}"
    );
    board.lock().heal();
    attach(&board).unwrap();
}

#[test]
fn a_wrong_chip_shows_in_its_identification() {
    let board = board("nRF52840_xxAA");
    board.lock().preload(0x100, &[0x42]).unwrap();
    let uid = board.lock().uid();
    board.lock().inject(Fault::WrongChip(model("STM32F072RB")));
    // Without the CTRL-AP the lock reads as closed; nothing may be erased on that account.
    let error = attach_as(&board, "nRF52840_xxAA").unwrap_err();
    assert!(
        matches!(
            error,
            probe_rs::Error::Arm(probe_rs::architecture::arm::ArmError::MissingPermissions(_))
        ),
        "{error:?}"
    );
    assert_ne!(board.lock().uid(), uid);
    board.lock().heal();
    assert_eq!(board.lock().uid(), uid);
    assert_eq!(board.lock().peek(0x100, 1).unwrap(), [0x42]);
}

#[test]
fn an_nrf52_taken_for_an_stm32_attaches_but_its_id_register_differs() {
    let board = board("nRF52840_xxAA");
    let mut session = attach_as(&board, "STM32F072RB").unwrap();
    let mut core = session.core(0).unwrap();
    let id = core.read_word_32(0x4001_5800).unwrap_or_default();
    assert_ne!(id & 0xfff, 0x448);
}

#[test]
fn a_locked_nrf52_is_not_erased_without_permission() {
    let board = board("nRF52840_xxAA");
    board.lock().preload(7, &[7]).unwrap();
    board.lock().inject(Fault::Locked);
    let error = attach(&board).unwrap_err();
    assert!(
        matches!(
            error,
            probe_rs::Error::Arm(probe_rs::architecture::arm::ArmError::MissingPermissions(_))
        ),
        "{error:?}"
    );
    assert_eq!(board.lock().peek(7, 1).unwrap(), [7]);
    let permissions = probe_rs::Permissions::new().allow_erase_all();
    eol_inject::sim::open(&board)
        .attach_with_registry("nRF52840_xxAA", permissions, &crate::rig::REGISTRY)
        .unwrap();
    assert_eq!(board.lock().peek(7, 1).unwrap(), [0xff]);
    assert!(!board.lock().is_locked());
}

#[test]
fn a_locked_chip_gives_and_takes_nothing() {
    for name in [
        "nRF51822_xxAC",
        "STM32F072RB",
        "STM32F103RB",
        "STM32F405RG",
        "STM32L475VG",
    ] {
        let board = board(name);
        let base = board.lock().model().flash_range().start;
        board.lock().preload(base, &[0x42; 64]).unwrap();
        board.lock().inject(Fault::Locked);
        let mut session = attach(&board).unwrap();
        let mut word = [0; 4];
        let mut core = session.core(0).unwrap();
        assert!(core.read_32(base.into(), &mut word).is_err(), "{name}");
        drop(core);
        assert!(
            write(&mut session, base, &[0; 64], Rest::Lost).is_err(),
            "{name}"
        );
        drop(session);
        if name != "nRF51822_xxAC" {
            assert_eq!(board.lock().peek(base, 64).unwrap(), [0x42; 64], "{name}");
        }
        board.lock().heal();
        write(&mut attach(&board).unwrap(), base, &[0; 64], Rest::Lost).unwrap();
    }
}
