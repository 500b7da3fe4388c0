//! The factory's own system: asked before a unit, told after it, and never the reason that a
//! result is lost.
//!
//! Commands get one JSON object on standard input and nothing secret. Nothing here knows ledgers,
//! images or probes.

mod outbox;

pub use outbox::{Outbox, OutboxError, Sent};

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use thiserror::Error;

use crate::process::{self, Broken, Environment, Finished, Setting};
use crate::recipe::{CommandLine, HookSpec};
use crate::target::said;
use crate::unit::{Digest, Serial};

/// The hooks of a recipe, ready to be called.
#[derive(Debug, Clone)]
pub struct Hooks {
    spec: HookSpec,
    setting: Setting,
}

impl Hooks {
    /// Takes the hooks of a recipe; their commands work in `folder`.
    #[must_use]
    pub fn new(spec: &HookSpec, folder: &Path) -> Self {
        Self {
            spec: spec.clone(),
            setting: Setting {
                folder: folder.to_owned(),
                limit: Duration::from_secs(spec.timeout),
                environment: Environment::Listed(spec.env.clone()),
            },
        }
    }

    /// Makes sure that the hook that is asked before a unit can be started.
    ///
    /// # Errors
    /// [`HookError::Start`]
    pub fn can_ask(&self) -> Result<(), HookError> {
        self.find(self.spec.before_unit.as_ref())
    }

    /// Makes sure that the hook that is told of results can be started.
    ///
    /// # Errors
    /// [`HookError::Start`]
    pub fn can_tell(&self) -> Result<(), HookError> {
        self.find(self.spec.on_result.as_ref())
    }

    fn find(&self, hook: Option<&CommandLine>) -> Result<(), HookError> {
        let Some(hook) = hook else {
            return Ok(());
        };
        let program = hook.program();
        process::find(program, &self.setting.folder).map_err(|source| HookError::Start {
            program: program.to_owned(),
            source,
        })
    }

    /// Asks whether a unit may be made, before it is claimed.
    ///
    /// # Errors
    /// [`HookError::Refused`] with the hook's first line as reason; any other [`HookError`] when
    /// it could not be found out, which refuses the unit too.
    pub fn may_begin(&self, serial: &Serial, question: &Question<'_>) -> Result<(), HookError> {
        let Some(command) = &self.spec.before_unit else {
            return Ok(());
        };
        let unit = question.about(serial);
        let Some(finished) = self.failed(command, &unit)? else {
            return Ok(());
        };
        let said = said::first(&finished.stdout, &unit);
        let said = said.or_else(|| said::first(&finished.stderr, &unit));
        let reason =
            said.unwrap_or_else(|| format!("its hook {}", process::ended(finished.status)));
        Err(HookError::Refused { reason })
    }

    /// Returns whether anybody is asked before a unit.
    #[must_use]
    pub const fn asks(&self) -> bool {
        self.spec.before_unit.is_some()
    }

    /// Returns whether anybody is told of results.
    #[must_use]
    pub const fn tells(&self) -> bool {
        self.spec.on_result.is_some()
    }

    /// Tells how a unit ended.
    ///
    /// # Errors
    /// [`HookError`]: it has to be told again.
    pub fn tell(&self, result: &str) -> Result<(), HookError> {
        let Some(command) = &self.spec.on_result else {
            return Ok(());
        };
        let Some(finished) = self.failed(command, result)? else {
            return Ok(());
        };
        let said = said::first(&finished.stderr, result);
        let said = said.or_else(|| said::first(&finished.stdout, result));
        Err(HookError::Failed {
            program: command.program().to_owned(),
            ended: process::ended(finished.status),
            said: said.map_or_else(String::new, |line| format!(": {line}")),
        })
    }

    /// Calls a hook with an object; returns how it ended where it did not say yes.
    fn failed(&self, command: &CommandLine, object: &str) -> Result<Option<Finished>, HookError> {
        let program = command.program().to_owned();
        let line = format!("{object}\n");
        let filled = command.filled(&|_| String::new());
        match process::run(&filled, line.as_bytes(), &self.setting) {
            Ok(finished) => Ok(Some(finished).filter(|finished| !finished.status.success())),
            Err(Broken::Start(source)) => Err(HookError::Start { program, source }),
            Err(Broken::TimedOut { .. }) => Err(HookError::TimedOut {
                program,
                seconds: self.setting.limit.as_secs(),
            }),
        }
    }
}

/// What the factory's own system is told of the unit that it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The product.
    pub product: &'q str,
    /// The shared image.
    pub image: Digest,
    /// The station.
    pub station: &'q str,
    /// Who is at work.
    pub operator: Option<&'q str>,
    /// The order that the unit is made for.
    pub order: Option<&'q str>,
}

impl Question<'_> {
    fn about(&self, serial: &Serial) -> String {
        let asked = json!({
            "v": 1,
            "ask": "before-unit",
            "serial": serial.as_str(),
            "product": self.product,
            "station": self.station,
            "operator": self.operator,
            "order": self.order,
            "image_sha256": self.image.to_string(),
        });
        asked.to_string()
    }
}

/// Why a hook did not say yes.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "mes-")]
#[non_exhaustive]
pub enum HookError {
    /// The factory's system refuses the unit.
    #[error("the factory's system refuses the unit: {reason}")]
    Refused {
        /// The hook's own words.
        reason: String,
    },
    /// The hook failed.
    #[error("the hook {program} {ended}{said}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        ended: String,
        /// What it said last, behind a colon.
        said: String,
    },
    /// The hook could not be started.
    #[error("the hook {program} cannot be started")]
    Start {
        /// The program.
        program: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The hook was not done in time.
    #[error("the hook {program} was not done after {seconds} s and was ended")]
    TimedOut {
        /// The program.
        program: String,
        /// How long it was given.
        seconds: u64,
    },
}

crate::unit::stable_name!(HookError);
