//! `avt schema`: prints the JSON Schema of a scenario file.

use crate::scenario;

use crate::session::output::{Stop, print_json};

/// Print the JSON Schema of scenario files, for editors
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: avt schema > scenario.schema.json, and in a scenario: #:schema ./scenario.schema.json"
)]
pub(super) struct SchemaArgs {}

pub(super) fn main(_: &SchemaArgs) -> Result<(), Stop> {
    print_json(&scenario::schema())
}
