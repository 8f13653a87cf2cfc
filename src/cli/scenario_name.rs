//! Takes the names of scenarios on the command line, and offers the built-in ones to completion scripts.

use std::ffi::{OsStr, OsString};

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};

use crate::scenario::builtin;

/// Accepts any name or path; [`sources`](super::sources) resolves it. Completion scripts get the built-in names.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScenarioName;

impl TypedValueParser for ScenarioName {
    type Value = OsString;

    fn parse_ref(&self, _: &Command, _: Option<&Arg>, value: &OsStr) -> Result<OsString, Error> {
        Ok(value.to_owned())
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(builtin::all().iter().map(|builtin| PossibleValue::new(builtin.name))))
    }
}
