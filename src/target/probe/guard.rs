//! Cancelling a flash run: probe-rs has no way of its own to stop one.
//!
//! [`guard`] wraps a probe that works on debug port transfers (CMSIS-DAP, J-Link, Glasgow, the
//! simulated one; not ST-Link, FTDI or Black Magic) and fails the next transfer once told to stop.
//! It knows nothing of the simulated board and serves real probes just as well.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use probe_rs::architecture::arm::sequences::ArmDebugSequence;
use probe_rs::architecture::arm::{
    ArmCommunicationInterface, ArmDebugInterface, ArmError, DapProbe, RawDapAccess, RegisterAddress,
};
use probe_rs::probe::{DebugProbe, DebugProbeError, Probe, ProbeError, WireProtocol};
use probe_rs::{CoreStatus, Error};

/// The error by which a stopped run ends; it is in the source chain of what probe-rs returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped on request")]
pub struct Stopped;

impl ProbeError for Stopped {}

/// Tells a guarded probe to stop; clones share one state.
#[derive(Debug, Clone, Default)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// Makes the next transfer fail.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Lets transfers through again.
    pub fn rearm(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether [`StopSignal::stop`] was called.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Makes `probe` fail at the next transfer once `signal` says so.
///
/// # Errors
/// Hands the probe back if it does not work on debug port transfers.
pub fn guard(mut probe: Probe, signal: StopSignal) -> Result<Probe, Probe> {
    if probe.try_as_dap_probe().is_none() {
        return Err(probe);
    }
    Ok(Probe::new(Guard {
        name: "guarded probe".to_owned(),
        inner: probe,
        signal,
    }))
}

struct Guard {
    name: String,
    inner: Probe,
    signal: StopSignal,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl Guard {
    fn dap(&mut self) -> Result<&mut dyn DapProbe, DebugProbeError> {
        if self.signal.is_stopped() {
            return Err(Stopped.into());
        }
        // `guard` took only probes that are one.
        self.inner
            .try_as_dap_probe()
            .ok_or(DebugProbeError::InterfaceNotAvailable {
                interface_name: "debug access port",
            })
    }
}

/// Hands methods through: transfers unless it was told to stop, all else in any case.
macro_rules! forward {
    (dap: $(fn $name:ident(&mut self $(, $argument:ident: $of:ty)*) -> $gives:ty;)*) => {
        $(fn $name(&mut self $(, $argument: $of)*) -> $gives {
            self.dap()?.$name($($argument),*)
        })*
    };
    (inner: $(fn $name:ident(&mut self $(, $argument:ident: $of:ty)*) -> $gives:ty;)*) => {
        $(fn $name(&mut self $(, $argument: $of)*) -> $gives {
            self.inner.$name($($argument),*)
        })*
    };
}

impl RawDapAccess for Guard {
    forward! { dap:
        fn raw_read_register(&mut self, address: RegisterAddress) -> Result<u32, ArmError>;
        fn raw_read_block(
            &mut self, address: RegisterAddress, values: &mut [u32]
        ) -> Result<(), ArmError>;
        fn raw_write_register(
            &mut self, address: RegisterAddress, value: u32
        ) -> Result<(), ArmError>;
        fn raw_write_block(
            &mut self, address: RegisterAddress, values: &[u32]
        ) -> Result<(), ArmError>;
        fn raw_flush(&mut self) -> Result<(), ArmError>;
        fn configure_jtag(&mut self, skip_scan: bool) -> Result<(), DebugProbeError>;
        fn jtag_sequence(&mut self, cycles: u8, tms: bool, tdi: u64) -> Result<(), DebugProbeError>;
        fn swj_sequence(&mut self, length: u8, bits: u64) -> Result<(), DebugProbeError>;
        fn swj_pins(&mut self, output: u32, select: u32, wait: u32) -> Result<u32, DebugProbeError>;
        fn core_status_notification(&mut self, status: CoreStatus) -> Result<(), DebugProbeError>;
    }

    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }
}

impl DapProbe for Guard {}

impl DebugProbe for Guard {
    forward! { inner:
        fn set_speed(&mut self, khz: u32) -> Result<u32, DebugProbeError>;
        fn detach(&mut self) -> Result<(), Error>;
        fn target_reset(&mut self) -> Result<(), DebugProbeError>;
        fn target_reset_assert(&mut self) -> Result<(), DebugProbeError>;
        fn target_reset_deassert(&mut self) -> Result<(), DebugProbeError>;
        fn select_protocol(&mut self, protocol: WireProtocol) -> Result<(), DebugProbeError>;
        fn get_target_voltage(&mut self) -> Result<Option<f32>, DebugProbeError>;
    }

    fn get_name(&self) -> &str {
        &self.name
    }

    fn speed_khz(&self) -> u32 {
        self.inner.speed_khz()
    }

    fn attach(&mut self) -> Result<(), DebugProbeError> {
        self.inner.attach_to_unspecified().map_err(|e| match e {
            Error::Probe(error) => error,
            other => DebugProbeError::Other(other.to_string()),
        })
    }

    fn active_protocol(&self) -> Option<WireProtocol> {
        self.inner.protocol()
    }

    fn has_arm_interface(&self) -> bool {
        self.inner.has_arm_debug_interface()
    }

    fn try_get_arm_debug_interface<'probe>(
        self: Box<Self>,
        sequence: Arc<dyn ArmDebugSequence>,
    ) -> Result<Box<dyn ArmDebugInterface + 'probe>, (Box<dyn DebugProbe>, ArmError)> {
        // Overrun detection is an optimisation that CMSIS-DAP uses; it is off for all here.
        Ok(ArmCommunicationInterface::create(self, sequence, false))
    }

    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }

    fn try_as_dap_probe(&mut self) -> Option<&mut dyn DapProbe> {
        Some(self)
    }
}
