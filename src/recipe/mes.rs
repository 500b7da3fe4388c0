//! `[[nest]]` and `[hook]`: the positions of a fixture, and what the factory's own system is told.

use serde::Deserialize;

use super::command::CommandLine;

/// `[[nest]]`: one position in the fixture.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NestSpec {
    /// Its name, as it stands on the fixture.
    pub name: String,
    /// Its probe; the programmer's commands get it as `{probe}`.
    pub probe: String,
}

impl NestSpec {
    /// Tells what is wrong with its name.
    pub(super) fn check(&self) -> Result<(), String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.len() > 16 || !self.name.chars().all(fits) {
            return Err(
                "a nest's name has 1 to 16 letters, digits, `-`, `_` or `.`: name = \"A\""
                    .to_owned(),
            );
        }
        if self.probe.trim().is_empty() {
            return Err(format!("nest {} has no probe", self.name));
        }
        Ok(())
    }
}

/// What happens to units while the factory's system does not take results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum MesDown {
    /// The run stops after the unit in hand; its result waits in the outbox.
    Stop,
    /// Results wait in the outbox, and the line goes on.
    #[default]
    Queue,
}

/// `[hook]`: commands that tell the factory's system, and ask it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HookSpec {
    /// Asked before a unit is claimed; a non-zero exit refuses the unit.
    pub before_unit: Option<CommandLine>,
    /// Told how a unit ended.
    pub on_result: Option<CommandLine>,
    /// Variables of the environment that they get beside the usual ones.
    #[serde(default)]
    pub env: Vec<String>,
    /// What happens while `on-result` fails.
    #[serde(default)]
    pub mes_down: MesDown,
    /// Seconds that one hook may take.
    #[serde(default = "HookSpec::seconds")]
    pub timeout: u64,
}

impl HookSpec {
    const fn seconds() -> u64 {
        10
    }

    /// Tells what is wrong with the commands.
    pub(super) fn check(&self) -> Result<(), String> {
        let hooks = [&self.before_unit, &self.on_result];
        match hooks.into_iter().flatten().find(|hook| hook.has_places()) {
            Some(hook) => Err(format!(
                "{} gets the unit on its standard input, and no placeholder",
                hook.program()
            )),
            None => Ok(()),
        }
    }
}

impl Default for HookSpec {
    fn default() -> Self {
        Self {
            before_unit: None,
            on_result: None,
            env: Vec::new(),
            mes_down: MesDown::default(),
            timeout: Self::seconds(),
        }
    }
}
