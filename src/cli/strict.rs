//! `--strict`: ends a complete verb with exit code 4 if its measurement is not good enough.

use crate::analysis::Strictness;

/// The option of every verb that measures or reads a measurement.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(super) struct Strict {
    /// Exit with 4 if the measurement is INVALID, in a trial or over the rounds (such as drift, or an A/A control that
    /// differs); with `=suspect`, also if it is SUSPECT
    #[arg(long = "strict", value_name = "VERDICT", num_args = 0..=1, require_equals = true, default_missing_value = "invalid")]
    strict: Option<StrictArg>,
}

/// The option `--strict` of a single load, whose measurement has to be VALID.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct StrictLoad {
    /// Exit with 4 unless the measurement is VALID; with `=invalid`, only if it is INVALID
    #[arg(long = "strict", value_name = "VERDICT", num_args = 0..=1, require_equals = true, default_missing_value = "suspect")]
    strict: Option<StrictArg>,
}

impl StrictLoad {
    pub(super) fn is_given(self) -> bool {
        self.strict.is_some()
    }

    pub(super) fn strictness(self) -> Strictness {
        Strict { strict: self.strict }.strictness()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum StrictArg {
    Invalid,
    Suspect,
}

impl Strict {
    pub(super) fn strictness(self) -> Strictness {
        match self.strict {
            None => Strictness::Lenient,
            Some(StrictArg::Invalid) => Strictness::Invalid,
            Some(StrictArg::Suspect) => Strictness::Suspect,
        }
    }
}
