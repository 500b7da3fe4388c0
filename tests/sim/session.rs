//! Attach under reset, stop, boot, lock.

use std::time::{Duration, Instant};

use eol_inject::sim::{self, Model, Pace, StopSignal, Stopped};
use probe_rs::{MemoryInterface, Permissions};

use crate::rig::{REGISTRY, Rest, attach, board, image, read, write};

#[test]
fn attaching_under_reset_catches_the_reset_vector_with_the_wrapper() {
    for name in ["nRF52840_xxAA", "STM32F072RB", "STM32F405RG", "STM32L475VG"] {
        let board = board(name);
        let base = board.lock().model().flash_range().start;
        board.lock().preload(base, &image(64, 1)).unwrap();
        board.lock().power_cycle();
        let mut target = REGISTRY.get_target_by_name(name).unwrap();
        sim::prepare_under_reset(&mut target);
        let mut session = sim::open(&board)
            .attach_under_reset(target, Permissions::default())
            .unwrap();
        assert!(board.lock().is_halted(), "{name}");
        write(&mut session, base, &image(0x1000, 1), Rest::Lost).unwrap();
    }
}

#[test]
fn a_stop_signal_ends_a_running_flash_with_its_own_error() {
    let board = board("nRF52840_xxAA");
    board.lock().set_pace(Pace::Real);
    let signal = StopSignal::default();
    let probe = sim::guard(sim::open(&board), signal.clone()).unwrap();
    let mut session = probe
        .attach_with_registry("nRF52840_xxAA", Permissions::default(), &REGISTRY)
        .unwrap();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        signal.stop();
    });
    let start = Instant::now();
    let error = write(&mut session, 0, &image(0x10000, 1), Rest::Lost).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(2));
    stopper.join().unwrap();
    assert!(
        crate::rig::chain(&error).contains(&Stopped.to_string()),
        "{error:?}"
    );
}

#[test]
fn paced_operations_take_their_time() {
    let board = board("nRF52840_xxAA");
    let mut session = attach(&board).unwrap();
    board.lock().set_pace(Pace::Real);
    let start = Instant::now();
    write(&mut session, 0, &image(0x1000, 1), Rest::Lost).unwrap();
    // One erase of 85 ms and 1024 words of 41 us.
    let silicon = board.lock().statistics().flash_time;
    assert_eq!(silicon, Duration::from_micros(85_000 + 1024 * 41));
    assert!(start.elapsed() >= silicon);
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[test]
fn the_stand_in_application_boots_after_a_reset_and_can_speak_rtt() {
    let board = board("nRF52840_xxAA");
    board.lock().on_boot(|boot| {
        let text = if boot.read(0x8000, 1).unwrap()[0] == 0xff {
            b"no token\n"
        } else {
            b"a token!\n"
        };
        assert!(boot.write_ram(0x2000_2000, text));
        assert!(boot.write_ram(0x2000_2100, b"Terminal\0"));
        let mut control = b"SEGGER RTT\0\0\0\0\0\0".to_vec();
        for word in [1, 0, 0x2000_2100, 0x2000_2000, 256, text.len() as u32, 0, 0] {
            control.extend_from_slice(&u32::to_le_bytes(word));
        }
        assert!(boot.write_ram(0x2000_1000, &control));
        assert!(!boot.write_ram(0x3000_0000, b"nothing"));
    });
    let mut session = attach(&board).unwrap();
    write(&mut session, 0, &image(0x9000, 1), Rest::Lost).unwrap();
    session.core(0).unwrap().reset().unwrap();
    let mut core = session.core(0).unwrap();
    let mut rtt = probe_rs::rtt::Rtt::attach(&mut core).unwrap();
    let mut text = [0; 64];
    let length = rtt.up_channels()[0].read(&mut core, &mut text).unwrap();
    assert_eq!(&text[..length], b"a token!\n");
}

#[test]
fn approtect_in_uicr_locks_the_nrf52_at_the_next_reset() {
    let board = board("nRF52840_xxAA");
    board
        .lock()
        .preload(0x1000_1208, &[0, 0xff, 0xff, 0xff])
        .unwrap();
    assert!(!board.lock().is_locked());
    board.lock().power_cycle();
    assert!(board.lock().is_locked());
    assert!(attach(&board).is_err());
}

#[test]
fn a_halted_core_shows_the_registers_that_were_written() {
    let board = board("STM32F405RG");
    let mut session = attach(&board).unwrap();
    let mut core = session.core(0).unwrap();
    core.halt(Duration::from_millis(100)).unwrap();
    for register in 0..13u16 {
        let id = probe_rs::RegisterId(register);
        core.write_core_reg(id, 0x1000_0000 + u32::from(register))
            .unwrap();
    }
    for register in 0..13u16 {
        let id = probe_rs::RegisterId(register);
        let value: u32 = core.read_core_reg(id).unwrap();
        assert_eq!(value, 0x1000_0000 + u32::from(register));
    }
}

#[test]
fn code_in_ram_runs_to_a_breakpoint_instruction() {
    let board = board("STM32F103RB");
    let mut session = attach(&board).unwrap();
    let mut core = session.core(0).unwrap();
    core.halt(Duration::from_millis(100)).unwrap();
    // movs r0, #42; bkpt 0
    core.write_8(0x2000_0100, &[0x2a, 0x20, 0x00, 0xbe])
        .unwrap();
    core.write_core_reg(core.program_counter(), 0x2000_0100u32)
        .unwrap();
    core.write_core_reg(probe_rs::RegisterId(16), 0x0100_0000u32)
        .unwrap();
    core.run().unwrap();
    core.wait_for_core_halted(Duration::from_millis(100))
        .unwrap();
    let result: u32 = core.read_core_reg(probe_rs::RegisterId(0)).unwrap();
    assert_eq!(result, 42);
}

#[test]
fn a_board_that_was_erased_whole_can_be_flashed_by_the_next_session() {
    for model in Model::all() {
        let board = board(model.name);
        let base = model.flash_range().start;
        let firmware = image(0x2000, 1);
        let mut session = attach(&board).unwrap();
        write(&mut session, base, &firmware, Rest::Lost).unwrap();
        probe_rs::flashing::erase_all(
            &mut session,
            &mut probe_rs::flashing::FlashProgress::empty(),
            false,
        )
        .unwrap();
        drop(session);
        let mut session = attach(&board).unwrap();
        let written = write(&mut session, base, &firmware, Rest::Lost);
        assert!(
            written.is_ok(),
            "{}: {:?}: {:?}",
            model.name,
            written,
            board.lock()
        );
        assert!(read(&mut session, base, firmware.len()) == firmware);
    }
}
