//! The simulated debug probe: the only file of the model that knows probe-rs' probe traits.
//!
//! It works like a CMSIS-DAP probe: one call moves a block of debug or access port transfers.
//! Everything above, from SELECT to the flash loader, is probe-rs itself.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use probe_rs::architecture::arm::sequences::ArmDebugSequence;
use probe_rs::architecture::arm::{
    ArmCommunicationInterface, ArmDebugInterface, ArmError, DapError, DapProbe, RawDapAccess,
    RegisterAddress,
};
use probe_rs::probe::{DebugProbe, DebugProbeError, Probe, WireProtocol};
use probe_rs::{CoreStatus, Error};

use super::board::{Ack, Board, Request, SharedBoard};
use super::nor::Pace;

/// Opens a simulated probe on `board`; what follows is probe-rs as with any probe.
///
/// ```
/// use eol_inject::sim::{self, Board, Model};
/// let chip = Model::by_name("STM32F072RB").ok_or("not simulated")?;
/// let board = Board::new(chip, "GW000001").share();
/// let mut session = sim::open(&board).attach(chip.name, Default::default())?;
/// session.core(0)?.reset()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn open(board: &SharedBoard) -> Probe {
    Probe::new(SimProbe {
        board: board.clone(),
        khz: 4_000,
        debt: Duration::ZERO,
        paid_transfers: board.lock().transfers(),
    })
}

/// Time of one command on USB besides its SWD bits, under [`Pace::Real`].
const COMMAND_TIME: Duration = Duration::from_micros(200);
/// SWD clocks of one transfer: 8 request, 1 + 3 + 1 turnaround and acknowledge, 33 data.
const CLOCKS_PER_TRANSFER: u64 = 46;
/// Sleeping for less is not worth it.
const SLEEP_FROM: Duration = Duration::from_millis(2);
/// WAIT answers to one transfer before the probe gives up, as CMSIS-DAP probes are configured.
const WAIT_RETRIES: usize = 100;

const DP_ABORT: u8 = 0x0;
const DP_RDBUFF: u8 = 0xc;
const ABORT_DAPABORT: u32 = 1;
const ABORT_CLEAR: u32 = 0x1e;
/// nRESET in the pin masks of `swj_pins`.
const PIN_NRESET: u32 = 1 << 7;

struct SimProbe {
    board: SharedBoard,
    khz: u32,
    /// Wire time that was not slept yet.
    debt: Duration,
    paid_transfers: u64,
}

impl Drop for SimProbe {
    /// Keeps what the session did, should the program end without putting the board back.
    fn drop(&mut self) {
        let board = self.board.lock();
        if let Some(file) = board.file() {
            // The owner of the board saves it as well, and reports.
            let _ = board.save(file);
        }
    }
}

impl fmt::Debug for SimProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimProbe").finish_non_exhaustive()
    }
}

impl SimProbe {
    /// Sleeps for the time that the transfers since the last call take on a wire.
    fn pace(&mut self) {
        let (pace, transfers) = {
            let board = self.board.lock();
            (board.pace(), board.transfers())
        };
        let clocks = CLOCKS_PER_TRANSFER * transfers.saturating_sub(self.paid_transfers);
        self.paid_transfers = transfers;
        if pace != Pace::Real {
            return;
        }
        let nanos = clocks.saturating_mul(1_000_000) / u64::from(self.khz.max(1));
        self.debt += COMMAND_TIME + Duration::from_nanos(nanos);
        if self.debt > SLEEP_FROM {
            let start = Instant::now();
            std::thread::sleep(self.debt);
            self.debt = self.debt.saturating_sub(start.elapsed());
        }
    }

    /// Runs `command` on the board.
    fn command<T>(
        &mut self,
        command: impl FnOnce(&mut Board) -> Result<T, ArmError>,
    ) -> Result<T, ArmError> {
        self.pace();
        command(&mut self.board.lock())
    }
}

/// One transfer with the retries and the clean-up that a CMSIS-DAP driver does.
fn transfer(board: &mut Board, request: Request, data: u32) -> Result<u32, ArmError> {
    for _ in 0..WAIT_RETRIES {
        match board.transfer(request, data) {
            Ack::Ok(value) => return Ok(value),
            Ack::Wait => {}
            Ack::Fault => {
                abort(board, ABORT_CLEAR);
                return Err(DapError::FaultResponse.into());
            }
            Ack::None if board.is_unplugged() => {
                let gone = io::Error::new(io::ErrorKind::NotConnected, "probe was unplugged");
                return Err(DebugProbeError::Usb(gone).into());
            }
            Ack::None => return Err(DapError::NoAcknowledge.into()),
        }
    }
    abort(board, ABORT_DAPABORT);
    Err(DapError::WaitResponse.into())
}

/// Writes ABORT. It has no meaningful answer: whatever is wrong shows at the next transfer.
fn abort(board: &mut Board, bits: u32) {
    let request = Request {
        access_port: false,
        read: false,
        register: DP_ABORT,
    };
    let _ = board.transfer(request, bits);
}

/// Reads RDBUFF: the result of a posted read, or the fault of a posted write.
fn read_buffer(board: &mut Board) -> Result<u32, ArmError> {
    let request = Request {
        access_port: false,
        read: true,
        register: DP_RDBUFF,
    };
    transfer(board, request, 0)
}

fn request(address: RegisterAddress, read: bool) -> Request {
    Request {
        access_port: address.is_ap(),
        read,
        register: address.a2_and_3(),
    }
}

impl RawDapAccess for SimProbe {
    fn raw_read_register(&mut self, address: RegisterAddress) -> Result<u32, ArmError> {
        self.command(|board| {
            let value = transfer(board, request(address, true), 0)?;
            if address.is_ap() {
                return read_buffer(board);
            }
            Ok(value)
        })
    }

    fn raw_read_block(
        &mut self,
        address: RegisterAddress,
        values: &mut [u32],
    ) -> Result<(), ArmError> {
        let read = request(address, true);
        self.command(|board| {
            if !address.is_ap() {
                for value in values {
                    *value = transfer(board, read, 0)?;
                }
                return Ok(());
            }
            let Some((last, rest)) = values.split_last_mut() else {
                return Ok(());
            };
            // Reads are posted: each one delivers the value of the one before.
            transfer(board, read, 0)?;
            for value in rest {
                *value = transfer(board, read, 0)?;
            }
            *last = read_buffer(board)?;
            Ok(())
        })
    }

    fn raw_write_register(&mut self, address: RegisterAddress, value: u32) -> Result<(), ArmError> {
        self.raw_write_block(address, &[value])
    }

    fn raw_write_block(
        &mut self,
        address: RegisterAddress,
        values: &[u32],
    ) -> Result<(), ArmError> {
        self.command(|board| {
            for value in values {
                transfer(board, request(address, false), *value)?;
            }
            if address.is_ap() {
                read_buffer(board)?;
            }
            Ok(())
        })
    }

    fn jtag_sequence(&mut self, _: u8, _: bool, _: u64) -> Result<(), DebugProbeError> {
        Err(DebugProbeError::CommandNotSupportedByProbe {
            command_name: "jtag_sequence",
        })
    }

    fn swj_sequence(&mut self, length: u8, bits: u64) -> Result<(), DebugProbeError> {
        self.board.lock().swj_sequence(length, bits);
        Ok(())
    }

    fn swj_pins(&mut self, output: u32, select: u32, _: u32) -> Result<u32, DebugProbeError> {
        if select & PIN_NRESET != 0 {
            self.board.lock().set_nreset(output & PIN_NRESET == 0);
        }
        Ok(output & PIN_NRESET)
    }

    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }

    fn core_status_notification(&mut self, _: CoreStatus) -> Result<(), DebugProbeError> {
        Ok(())
    }
}

impl DapProbe for SimProbe {}

impl DebugProbe for SimProbe {
    fn get_name(&self) -> &str {
        "SIMULATED probe"
    }

    fn speed_khz(&self) -> u32 {
        self.khz
    }

    fn set_speed(&mut self, khz: u32) -> Result<u32, DebugProbeError> {
        self.khz = khz;
        Ok(khz)
    }

    fn attach(&mut self) -> Result<(), DebugProbeError> {
        Ok(())
    }

    fn detach(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn target_reset(&mut self) -> Result<(), DebugProbeError> {
        self.target_reset_assert()?;
        self.target_reset_deassert()
    }

    fn target_reset_assert(&mut self) -> Result<(), DebugProbeError> {
        self.board.lock().set_nreset(true);
        Ok(())
    }

    fn target_reset_deassert(&mut self) -> Result<(), DebugProbeError> {
        self.board.lock().set_nreset(false);
        Ok(())
    }

    fn select_protocol(&mut self, protocol: WireProtocol) -> Result<(), DebugProbeError> {
        match protocol {
            WireProtocol::Swd => Ok(()),
            other => Err(DebugProbeError::UnsupportedProtocol(other)),
        }
    }

    fn active_protocol(&self) -> Option<WireProtocol> {
        Some(WireProtocol::Swd)
    }

    fn has_arm_interface(&self) -> bool {
        true
    }

    fn try_get_arm_debug_interface<'probe>(
        self: Box<Self>,
        sequence: Arc<dyn ArmDebugSequence>,
    ) -> Result<Box<dyn ArmDebugInterface + 'probe>, (Box<dyn DebugProbe>, ArmError)> {
        Ok(ArmCommunicationInterface::create(self, sequence, false))
    }

    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }

    fn try_as_dap_probe(&mut self) -> Option<&mut dyn DapProbe> {
        Some(self)
    }

    fn get_target_voltage(&mut self) -> Result<Option<f32>, DebugProbeError> {
        let powered = self.board.lock().is_reachable();
        Ok(Some(if powered { 3.3 } else { 0.0 }))
    }
}
