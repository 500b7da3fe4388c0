//! Stable names of errors and findings: what scripts, records and JSON know them by.

/// Gives an enum `name()`, its variant's name as `strum` writes it.
macro_rules! stable_name {
    ($error:ty) => {
        impl $error {
            /// Returns the stable name.
            #[must_use]
            pub fn name(&self) -> &'static str {
                self.into()
            }
        }
    };
}

pub(crate) use stable_name;
