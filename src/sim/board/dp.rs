//! The SWD line and the debug port.
//!
//! One call of [`Board::transfer`] is one packet on the wire: posted reads, sticky errors and the
//! line state behave as ARM IHI 0031 (ADIv5.2), chapters B2 to B4, says. It must not know what an
//! access port does with its registers.

use super::Board;
use super::registers::{Core, Line};
use crate::sim::chip::flag;

/// Acknowledge of one packet; a write answers with a meaningless 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ack {
    Ok(u32),
    Wait,
    Fault,
    /// Nobody drives the line.
    None,
}

/// One packet's request: which port, which way, which register (0, 4, 8 or 12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub access_port: bool,
    pub read: bool,
    pub register: u8,
}

const DPIDR: u8 = 0x0;
const ABORT: u8 = 0x0;
const CTRL_STAT: u8 = 0x4;
const SELECT: u8 = 0x8;
const RESEND: u8 = 0x8;
const RDBUFF: u8 = 0xc;

const STICKYERR: u32 = 1 << 5;
/// CDBGPWRUPREQ and CSYSPWRUPREQ; the acknowledge bits lie one above each.
const POWER_UP_REQUESTS: u32 = 0x5000_0000;
const CTRL_WRITABLE: u32 = POWER_UP_REQUESTS | 0xf01;
/// ABORT: clear ORUNERR, WDATAERR, STICKYERR, STICKYCMP.
const ABORT_CLEAR: u32 = 0x1e;

/// JTAG-to-SWD and SWD-to-JTAG select sequences, as they are sent, lowest bit first.
const JTAG_TO_SWD: u64 = 0xe79e;
const SWD_TO_JTAG: u64 = 0xe73c;
/// A line reset is at least 50 cycles with the data line high.
const LINE_RESET_CYCLES: u32 = 50;

impl Board {
    /// Drives `length` bits on the data line outside a packet, lowest first.
    pub(crate) fn swj_sequence(&mut self, length: u8, bits: u64) {
        if !self.is_reachable() {
            return;
        }
        let bits = bits
            & u64::MAX
                .checked_shr(64_u32.saturating_sub(length.into()))
                .unwrap_or(0);
        match (length, bits) {
            (16, JTAG_TO_SWD) => self.dp.line = Line::Switching,
            (16, SWD_TO_JTAG) => self.dp.line = Line::Jtag,
            _ if bits.trailing_ones() >= LINE_RESET_CYCLES => self.line_reset(),
            _ => {}
        }
    }

    /// Takes a complete line reset.
    pub(crate) fn line_reset(&mut self) {
        self.statistics.line_resets += 1;
        if self.dp.line != Line::Jtag {
            self.dp.line = Line::Reset;
        }
    }

    /// Carries out one SWD packet.
    pub(crate) fn transfer(&mut self, request: Request, data: u32) -> Ack {
        self.transfers += 1;
        self.statistics.swd_transfers += 1;
        let now = self.transfers;
        let due = |at: Option<u64>| at.is_some_and(|at| now > at);
        self.unplugged |= due(self.link.unplug_at);
        if self.unplugged || due(self.link.no_ack_at) || !self.is_reachable() {
            return Ack::None;
        }
        match self.dp.line {
            Line::Active => {}
            Line::Reset
                if request
                    == Request {
                        access_port: false,
                        read: true,
                        register: DPIDR,
                    } =>
            {
                self.dp.line = Line::Active;
            }
            _ => return Ack::None,
        }
        let ack = if request.access_port {
            let every = self.link.wait_every;
            let turn = every.is_some_and(|n| now.is_multiple_of(n)) && !self.dp.waited;
            self.dp.waited = turn;
            if due(self.link.wait_at) || turn {
                return Ack::Wait;
            }
            self.access_port(request, data)
        } else {
            self.debug_port(request, data)
        };
        if self.core == Core::Running {
            self.run(64); // The core runs between packets.
        }
        ack
    }

    /// Whether anything in the fixture can answer.
    pub(crate) fn is_reachable(&self) -> bool {
        self.powered && !self.no_chip
    }

    fn debug_port(&mut self, request: Request, data: u32) -> Ack {
        let bank_0 = self.dp.select & 0xf == 0;
        match (request.read, request.register) {
            (true, DPIDR) => Ack::Ok(self.chip.model.dpidr),
            (false, ABORT) => {
                if data & ABORT_CLEAR != 0 {
                    self.dp.sticky_error = false;
                }
                Ack::Ok(0)
            }
            (true, CTRL_STAT) if bank_0 => {
                Ack::Ok(self.dp.ctrl_stat | flag(self.dp.sticky_error, STICKYERR))
            }
            (true, CTRL_STAT) => Ack::Ok(0),
            (false, CTRL_STAT) if bank_0 => {
                let written = data & CTRL_WRITABLE;
                self.dp.ctrl_stat = written | (written & POWER_UP_REQUESTS) << 1;
                Ack::Ok(0)
            }
            _ if self.dp.sticky_error => Ack::Fault,
            (false, SELECT) => {
                self.dp.select = data;
                Ack::Ok(0)
            }
            (true, RESEND | RDBUFF) => Ack::Ok(self.dp.rdbuff),
            _ => Ack::Ok(0),
        }
    }

    fn access_port(&mut self, request: Request, data: u32) -> Ack {
        let powered_up = self.dp.ctrl_stat >> 28 == 0xf;
        self.dp.sticky_error |= !powered_up;
        if self.dp.sticky_error {
            return Ack::Fault;
        }
        let posted = self.dp.rdbuff;
        match self.access_port_register(request, data) {
            Ok(value) if request.read => self.dp.rdbuff = value,
            Ok(_) => {}
            // The next packet shows it.
            Err(_) => self.dp.sticky_error = true,
        }
        self.check_power();
        Ack::Ok(posted)
    }
}
