//! Attaching under reset to a Cortex-M with probe-rs 0.30 to 0.32.
//!
//! These versions arm the reset vector catch before they set `C_DEBUGEN`, and the architecture
//! ignores the catch while that is 0 (ARM DDI 0403E, C1.6.5; probe-rs issue 3485). The wrapper sets
//! `C_DEBUGEN` first and hands everything else through. It knows nothing of the simulated board.

use std::sync::Arc;

use probe_rs::architecture::arm::component::TraceSink;
use probe_rs::architecture::arm::dp::DpAddress;
use probe_rs::architecture::arm::memory::{ArmMemoryInterface, CoresightComponent};
use probe_rs::architecture::arm::sequences::{ArmDebugSequence, DebugEraseSequence};
use probe_rs::architecture::arm::{
    ArmDebugInterface, ArmError, DapAccess, DapProbe, FullyQualifiedApAddress,
};
use probe_rs::config::{CoreType, DebugSequence, Target};
use probe_rs::{Permissions, Session};

const DHCSR: u64 = 0xe000_edf0;
const C_DEBUGEN: u32 = 1;
const DBGKEY: u32 = 0xa05f_0000;

#[derive(Debug)]
struct UnderReset(Arc<dyn ArmDebugSequence>);

/// Makes `target` fit for [`Probe::attach_under_reset`](probe_rs::probe::Probe::attach_under_reset).
pub fn prepare_under_reset(target: &mut Target) {
    if let DebugSequence::Arm(inner) = &target.debug_sequence {
        target.debug_sequence = DebugSequence::Arm(Arc::new(UnderReset(inner.clone())));
    }
}

/// Hands methods through to the chip's own sequence.
macro_rules! forward {
    ($(fn $name:ident(&self $(, $argument:ident: $of:ty)*) $(-> $gives:ty)?;)*) => {
        $(fn $name(&self $(, $argument: $of)*) $(-> $gives)? {
            self.0.$name($($argument),*)
        })*
    };
}

impl ArmDebugSequence for UnderReset {
    fn reset_catch_set(
        &self,
        core: &mut dyn ArmMemoryInterface,
        core_type: CoreType,
        debug_base: Option<u64>,
    ) -> Result<(), ArmError> {
        if core_type.is_cortex_m() && core.read_word_32(DHCSR)? & C_DEBUGEN == 0 {
            core.write_word_32(DHCSR, DBGKEY | C_DEBUGEN)?;
        }
        self.0.reset_catch_set(core, core_type, debug_base)
    }

    forward! {
        fn reset_hardware_assert(&self, interface: &mut dyn DapProbe) -> Result<(), ArmError>;
        fn reset_hardware_deassert(
            &self, probe: &mut dyn ArmDebugInterface, default_ap: &FullyQualifiedApAddress
        ) -> Result<(), ArmError>;
        fn debug_port_setup(
            &self, interface: &mut dyn DapProbe, dp: DpAddress
        ) -> Result<(), ArmError>;
        fn debug_port_start(
            &self, interface: &mut dyn DapAccess, dp: DpAddress
        ) -> Result<(), ArmError>;
        fn debug_core_start(
            &self, interface: &mut dyn ArmDebugInterface, core_ap: &FullyQualifiedApAddress,
            core_type: CoreType, debug_base: Option<u64>, cti_base: Option<u64>
        ) -> Result<(), ArmError>;
        fn reset_catch_clear(
            &self, core: &mut dyn ArmMemoryInterface, core_type: CoreType,
            debug_base: Option<u64>
        ) -> Result<(), ArmError>;
        fn trace_start(
            &self, interface: &mut dyn ArmDebugInterface, components: &[CoresightComponent],
            sink: &TraceSink
        ) -> Result<(), ArmError>;
        fn reset_system(
            &self, interface: &mut dyn ArmMemoryInterface, core_type: CoreType,
            debug_base: Option<u64>
        ) -> Result<(), ArmError>;
        fn debug_device_unlock(
            &self, interface: &mut dyn ArmDebugInterface, default_ap: &FullyQualifiedApAddress,
            permissions: &Permissions
        ) -> Result<(), ArmError>;
        fn recover_support_start(
            &self, interface: &mut dyn ArmMemoryInterface
        ) -> Result<(), ArmError>;
        fn debug_core_stop(
            &self, interface: &mut dyn ArmMemoryInterface, core_type: CoreType
        ) -> Result<(), ArmError>;
        fn debug_port_stop(
            &self, interface: &mut dyn DapProbe, dp: DpAddress
        ) -> Result<(), ArmError>;
        fn debug_port_connect(
            &self, interface: &mut dyn DapProbe, dp: DpAddress
        ) -> Result<(), ArmError>;
        fn prepare_running_on_ram(
            &self, session: &mut Session, vector_table: u64, core: usize
        ) -> Result<(), probe_rs::Error>;
        fn on_attach(
            &self, interface: &mut dyn ArmDebugInterface, core_ap: &FullyQualifiedApAddress,
            core_type: CoreType
        ) -> Result<(), ArmError>;
        fn debug_erase_sequence(&self) -> Option<Arc<dyn DebugEraseSequence>>;
        fn allowed_access_ports(&self) -> Vec<u8>;
    }
}
