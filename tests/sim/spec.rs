//! The text form of a simulated target and its errors.

use eol_inject::sim::{Fault, Pace, PowerCut, Spec, Uid};

use crate::rig::model;

#[test]
fn a_spec_comes_back_as_it_was_written() {
    for text in [
        "sim",
        "sim:nRF52840_xxAA",
        "sim:STM32L475VG,uid=0011223344556677deadbeef,pace=real",
        "sim:STM32F072RB,fault=unplug:5000,fault=wait-every:7,fault=stuck:0x08000010:0x04",
        "sim:fault=no-ack:0,fault=wait:12,fault=cut-during-erase:1,fault=cut-after-erase:2",
        "sim:fault=cut-during-program:100,fault=protected:0x08004000,fault=hang:3",
        "sim:fault=locked,fault=chip:STM32F103RB,fault=no-chip",
    ] {
        let spec: Spec = text.parse().unwrap();
        assert_eq!(spec.to_string(), text);
    }
}

#[test]
fn a_spec_equips_a_board() {
    let spec: Spec = "sim:uid=0011223344556677deadbeef,pace=real,fault=locked"
        .parse()
        .unwrap();
    let board = spec.board(model("STM32F103RB"), "UNIT-1");
    assert_eq!(
        board.uid(),
        Uid::new([0x0011_2233, 0x4455_6677, 0xdead_beef])
    );
    assert!(!board.uid().is_simulated());
    assert_eq!((board.pace(), board.is_locked()), (Pace::Real, true));
    assert_eq!(board.model().name, "STM32F103RB");
}

#[test]
fn numbers_may_be_hexadecimal_and_grouped() {
    let fault: Fault = "cut-during-program:0x1_0".parse().unwrap();
    assert_eq!(fault, Fault::PowerCut(PowerCut::DuringProgram(16)));
    let fault: Fault = "unplug:10_000".parse().unwrap();
    assert_eq!(fault, Fault::Unplug(10_000));
}

#[test]
fn every_mistake_has_its_own_message() {
    let cases = [
        (
            "",
            "\"\" is not a simulated target: it must be sim, sim:CHIP or sim:CHIP,OPTION,...",
        ),
        (
            "1366:1015",
            "\"1366:1015\" is not a simulated target: it must be sim, sim:CHIP or sim:CHIP,OPTION,...",
        ),
        (
            "sim:",
            "\"sim:\" is not a simulated target: it must be sim, sim:CHIP or sim:CHIP,OPTION,...",
        ),
        (
            "sim:nRF9160",
            "chip \"nRF9160\" is not simulated; these are: nRF52840_xxAA, nRF51822_xxAC, STM32F072RB, STM32F103RB, STM32F405RG, STM32L475VG",
        ),
        (
            "sim:STM32F072RB,",
            "option \"\" is unknown: there are uid=HEX, pace=instant, pace=real and fault=...",
        ),
        (
            "sim:STM32F072RB,speed=4",
            "option \"speed=4\" is unknown: there are uid=HEX, pace=instant, pace=real and fault=...",
        ),
        ("sim:pace=fast", "pace \"fast\" is neither instant nor real"),
        ("sim:pace=real,pace=real", "option pace is given twice"),
        (
            "sim:uid=0011223344556677,uid=0011223344556677",
            "option uid is given twice",
        ),
        (
            "sim:uid=12",
            "unique id \"12\" is not 16 or 24 hexadecimal digits",
        ),
        (
            "sim:uid=00112233445566é7",
            "unique id \"00112233445566é7\" is not 16 or 24 hexadecimal digits",
        ),
        (
            "sim:fault=unplug",
            "fault unplug needs a number of transfers, found \"\"",
        ),
        (
            "sim:fault=unplug:-1",
            "fault unplug needs a number of transfers, found \"-1\"",
        ),
        (
            "sim:fault=hang:0",
            "fault hang needs the number of an event, from 1, found \"0\"",
        ),
        (
            "sim:fault=hang:4294967296",
            "fault hang needs the number of an event, from 1, found \"4294967296\"",
        ),
        (
            "sim:fault=protected:0x100000000",
            "fault protected needs a 32-bit address, found \"0x100000000\"",
        ),
        (
            "sim:fault=stuck:0x10:256",
            "fault stuck needs ADDRESS:MASK with a mask of 0x01 to 0xff, found \"0x10:256\"",
        ),
        (
            "sim:fault=stuck:0x10",
            "fault stuck needs ADDRESS:MASK with a mask of 0x01 to 0xff, found \"0x10\"",
        ),
        (
            "sim:fault=chip:Z80",
            "fault chip: \"Z80\" is not a simulated chip",
        ),
        (
            "sim:fault=locked:1",
            "no fault \"locked:1\"; known are unplug:N, no-ack:N, wait:N, wait-every:N, cut-during-erase:N, cut-after-erase:N, cut-during-program:N, stuck:ADDRESS:MASK, protected:ADDRESS, hang:N, locked, chip:NAME and no-chip",
        ),
    ];
    for (text, message) in cases {
        let error = text.parse::<Spec>().unwrap_err();
        assert_eq!(error.to_string(), message, "for {text:?}");
    }
}

#[test]
fn a_derived_unique_id_is_marked_and_repeatable() {
    assert_eq!(Uid::derived("GW000001"), Uid::derived("GW000001"));
    assert!(Uid::derived("GW000001").is_simulated());
    assert!(Uid::derived("").is_simulated());
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..10_000 {
        let uid = Uid::derived(&format!("GW{number:06}"));
        assert!(seen.insert(uid.words()[..2].to_vec()), "{number}");
    }
}
