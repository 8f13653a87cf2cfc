//! Parses the names of models on the command line, and offers them to completion scripts.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};

use crate::scenario::{Model, ModelError};

/// Parses any model. Completion scripts get one name of each kind, with two threads where a name has a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModelName;

impl TypedValueParser for ModelName {
    type Value = Model;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Model, Error> {
        let parse: fn(&str) -> Result<Model, ModelError> = |name| name.parse();
        parse.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Model::EXAMPLES.into_iter().map(PossibleValue::new)))
    }
}
