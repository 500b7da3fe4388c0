//! What a command gets of this program's environment: a list, so that no secret goes along.

use std::ffi::{OsStr, OsString};

/// What commands get without being asked: where things are, and how people want them said.
const PASSED: &str = "\
    PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TERM TMPDIR TMP TEMP LD_LIBRARY_PATH \
    DISPLAY WAYLAND_DISPLAY XAUTHORITY XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME \
    XDG_CACHE_HOME";

/// Windows starts little without these.
const WINDOWS: &str = "\
    SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT USERNAME USERPROFILE APPDATA LOCALAPPDATA \
    PROGRAMDATA PROGRAMFILES PROGRAMFILES(X86) COMMONPROGRAMFILES NUMBER_OF_PROCESSORS \
    PROCESSOR_ARCHITECTURE";

/// What a command gets of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Environment {
    /// All of it: for what fetches secrets itself.
    #[cfg(any(feature = "seal", test))]
    Whole,
    /// The list above, and these.
    Listed(Vec<String>),
}

impl Environment {
    /// Returns what is passed on; `None` where all is.
    pub fn passed(&self) -> Option<Vec<(OsString, OsString)>> {
        let more = match self {
            #[cfg(any(feature = "seal", test))]
            Self::Whole => return None,
            Self::Listed(more) => more,
        };
        let named = |name: &str| {
            let upper = name.to_ascii_uppercase();
            let mut passed = PASSED.split(' ').chain(WINDOWS.split(' '));
            passed.any(|name| name == upper)
                || upper.starts_with("LC_")
                || more.iter().any(|more| same(more, name))
        };
        let passed = |name: &OsStr| name.to_str().is_some_and(named);
        Some(
            std::env::vars_os()
                .filter(|(name, _)| passed(name))
                .collect(),
        )
    }
}

/// Returns whether two names are of one variable here.
fn same(one: &str, other: &str) -> bool {
    if cfg!(windows) {
        one.eq_ignore_ascii_case(other)
    } else {
        one == other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_goes_along() {
        let names = |more: &[&str]| -> Vec<String> {
            let more = more.iter().map(|name| (*name).to_owned()).collect();
            let passed = Environment::Listed(more).passed().unwrap();
            let names = passed
                .into_iter()
                .filter_map(|(name, _)| name.into_string().ok());
            names.collect()
        };
        // Cargo sets it for its tests.
        let own = "CARGO_PKG_NAME";
        assert!(names(&[]).contains(&"PATH".to_owned()));
        assert!(!names(&[]).contains(&own.to_owned()));
        assert!(names(&[own]).contains(&own.to_owned()));
        assert_eq!(Environment::Whole.passed(), None);
    }
}
