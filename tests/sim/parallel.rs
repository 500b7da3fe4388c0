//! Several boards at a time.

use eol_inject::sim::Board;

use crate::rig::{Rest, attach, image, model, write};

#[test]
fn four_boards_in_four_threads_do_not_disturb_each_other() {
    let names = ["nRF52840_xxAA", "STM32F072RB", "STM32F405RG", "STM32L475VG"];
    let threads: Vec<_> = (0u32..)
        .zip(names)
        .map(|(seed, name)| {
            std::thread::spawn(move || {
                let board = Board::new(model(name), &format!("NEST-{seed}")).share();
                let base = board.lock().model().flash_range().start;
                let firmware = image(0x10000, seed);
                let mut session = attach(&board).unwrap();
                write(&mut session, base, &firmware, Rest::Lost).unwrap();
                let cells = board.lock().peek(base, firmware.len()).unwrap();
                assert!(cells == firmware);
                board.lock().uid()
            })
        })
        .collect();
    let mut uids: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    uids.sort_by_key(|uid| uid.words());
    uids.dedup();
    assert_eq!(uids.len(), 4);
}
