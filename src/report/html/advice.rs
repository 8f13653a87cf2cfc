//! The table at the end of a server's page: which model suits the load.

use crate::analysis::ScenarioAnalysis;
use crate::report::{advice, html};
use crate::scenario::Model;

/// The table and the sentences of an advice.
pub(super) struct AdviceView {
    pub(super) headings: Vec<String>,
    /// The class of the model's family, the model, and its figures.
    pub(super) rows: Vec<(&'static str, String, Vec<String>)>,
    pub(super) sentences: Vec<String>,
}

/// Builds the view of a scenario's advice; `None` for jobs, whose page shows the same in its first chart.
pub(super) fn view(of: &ScenarioAnalysis<'_>) -> Option<AdviceView> {
    let advice = of.advice.as_ref().filter(|advice| advice.work.is_echo())?;
    let row = |(model, cells): (Model, Vec<String>)| (html::class(model.family()), model.to_string(), cells);
    Some(AdviceView {
        headings: advice::headings(advice),
        rows: advice::rows(advice).into_iter().map(row).collect(),
        sentences: advice::sentences(advice),
    })
}
