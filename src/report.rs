//! Records in, text out: the pages of a run and the tables of a terminal.
//!
//! Nothing here knows a clock, a file or a thread, and no figure is shown that the records do not hold. The same run
//! gives the same bytes.
//!
//! ```text
//! Record --summary--> median and interval of each cell +--words--> sentences --+
//!                     ratios between cells (versus)    |                       |
//!                     verdicts on claims (claims)      |                       |
//!                                                      +--table--> rows        +--html--> index.html, <scenario>.html
//!                                                      +--chart--> inline SVG -+
//!                                                      +--terminal--> text
//! ```
//!
//! One load on one server gets a page of its own, [`load()`].

pub mod claims;
pub mod compare;
pub mod summary;
pub mod terminal;
pub mod versus;

mod answer;
mod chart;
mod doubts;
mod figures;
mod html;
mod list;
mod load;
mod switches;
mod table;
mod trace;
mod words;

pub use list::list;
pub use load::{LoadReport, PERCENTILES, load, pacing, told};
pub use words::range;

use crate::record::{Record, Run};
use crate::scenario::Scenario;

/// One file of the report, complete in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its file name.
    pub name: String,
    /// Its text.
    pub html: String,
}

/// For each scenario whose lanes were recorded a file that Perfetto opens, named after it.
pub fn traces(scenarios: &[Scenario], records: &[Record]) -> Vec<(String, String)> {
    let trace = |scenario: &Scenario| Some((trace_name(scenario), trace::chrome(scenario, records)?));
    scenarios.iter().filter_map(trace).collect()
}

fn trace_name(scenario: &Scenario) -> String {
    format!("{}.trace.json", scenario.name)
}

/// `index.html`, then one page a scenario in the order of the scenarios, named after it.
pub fn pages(run: &Run, scenarios: &[Scenario], records: &[Record]) -> Vec<Page> {
    let summaries: Vec<_> =
        scenarios.iter().map(|scenario| (scenario, summary::with_bands(scenario, run, records))).collect();
    let mut pages = vec![Page { name: "index.html".into(), html: html::index(run, &summaries, records) }];
    for (i, (scenario, points)) in summaries.iter().enumerate() {
        let name = |i: usize| scenarios.get(i).map(|neighbour| neighbour.name.as_str());
        let neighbours = (i.checked_sub(1).and_then(name), name(i + 1));
        let html = html::scenario(run, (scenario, points), records, neighbours);
        pages.push(Page { name: format!("{}.html", scenario.name), html });
    }
    pages
}
