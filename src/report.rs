//! Renders the analysis in words and pictures: the pages of a run and the tables of a terminal.
//!
//! This module reads no clock, opens no file, starts no thread and judges nothing: every figure and verdict comes from
//! the [`Analysis`]. The same run renders to the same bytes.
//!
//! ```text
//! Analysis --headline, ratios, warnings, claims--> sentences --+--html--> index.html, <scenario>.html
//!          --table--> rows ------------------------------------+--terminal--> text
//!          --chart--> inline SVG ------------------------------+--json, compare, bmf--> for programs
//!                                                              +--markdown, junit--> for continuous integration
//! ```
//!
//! A single load on one server gets a page of its own, [`load()`].

#[cfg(feature = "cli")]
pub mod bmf;
#[cfg(feature = "cli")]
pub mod by_machine;
pub mod compare;
#[cfg(feature = "cli")]
pub mod compare_loads;
pub mod json;
#[cfg(feature = "cli")]
pub mod junit;
#[cfg(feature = "cli")]
pub mod markdown;
pub mod terminal;

pub mod ab;
pub mod advice;
mod chart;
mod claims;
mod figures;
mod headline;
mod html;
mod list;
#[cfg(feature = "cli")]
mod load;
mod pairs;
mod quadrants;
mod ratios;
mod scoreboard;
#[cfg(feature = "cli")]
mod shards;
mod table;
mod trace;
mod warnings;
mod which;
mod wording;

pub use list::list;
#[cfg(feature = "cli")]
pub use load::{LoadReport, PERCENTILES, bounded_time, joined_urls, load, measured, pacing, supported_percentile};
#[cfg(feature = "cli")]
pub use shards::{SHARD_HEADINGS, shard_clocks, shard_rows};
pub use warnings::{shard_sentence, skipped_sentence, warn_of_strays};
pub use wording::range;

use crate::analysis::Analysis;
#[cfg(feature = "cli")]
use crate::analysis::compare::Comparison;
use crate::scenario::Scenario;

/// A page of the report, complete in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The name of the file.
    pub name: String,
    /// The HTML of the page.
    pub html: String,
}

/// Returns a trace file for Perfetto for each scenario with recorded lanes: its name, derived from the scenario's, and
/// its text.
pub fn traces(analysis: &Analysis<'_>) -> Vec<(String, String)> {
    let trace = |scenario: &Scenario| Some((trace_name(scenario), trace::chrome(scenario, analysis.records)?));
    analysis.scenarios.iter().filter_map(|analysis| trace(analysis.scenario)).collect()
}

fn trace_name(scenario: &Scenario) -> String {
    format!("{}.trace.json", scenario.name)
}

/// Renders the page that compares runs before a change with those after it.
#[cfg(feature = "cli")]
pub fn comparison(found: &Comparison, before: &[Analysis<'_>], after: &[Analysis<'_>]) -> String {
    html::comparison(found, before, after)
}

/// Renders `index.html`, then one page per scenario, named after it, in the order of the scenarios.
pub fn pages(analysis: &Analysis<'_>) -> Vec<Page> {
    let mut pages = vec![Page { name: "index.html".into(), html: html::index(analysis) }];
    pages.extend((0..analysis.scenarios.len()).map(|i| page(analysis, i)));
    pages
}

/// Renders the page of the scenario with this number.
pub fn page(analysis: &Analysis<'_>, i: usize) -> Page {
    let name = |i: usize| analysis.scenarios.get(i).map(|neighbour| neighbour.scenario.name.as_str());
    let neighbours = (i.checked_sub(1).and_then(name), name(i + 1));
    let scenario = &analysis.scenarios[i];
    let html = html::scenario(analysis, scenario, neighbours);
    Page { name: format!("{}.html", scenario.scenario.name), html }
}
