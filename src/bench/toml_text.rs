//! The scenario file of a workload. Its text is kept with the records, so that the report can be written again.

use std::fmt::Write as _;

use crate::scenario::{Model, Scenario, parse};
use crate::session::output::{Stop, note_color, note_styled, note_width};
use crate::units;

use super::WorkloadBench;

/// Writes a text in the quotes of TOML, which knows every escape of JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns the scenario of a workload under these models. The error lists what is wrong with its values.
pub(super) fn scenario(bench: &WorkloadBench, models: &[Model]) -> Result<Scenario, Stop> {
    let text = toml(bench, models);
    parse(&format!("{}.toml", bench.name), &text).map_err(|mistakes| {
        note_styled(mistakes.render(note_width(), note_color()));
        Stop::input(format_args!("{}: these values cannot be measured", bench.name))
    })
}

fn toml(bench: &WorkloadBench, models: &[Model]) -> String {
    let WorkloadBench { name, jobs, sizes, rounds, timeout, .. } = bench;
    let question = bench.question.clone().unwrap_or_else(|| format!("Which model suits {name}?"));
    let analysis = bench.analysis.clone().unwrap_or_else(|| {
        format!("{jobs} jobs of the bench {name} start at once, and the wall time is that of all of them.")
    });
    let models: Vec<String> = models.iter().map(|model| quoted(&model.to_string())).collect();
    let mut text = format!(
        "# Written by the bench {name}.\nquestion = {}\nanalysis = {}\nname = {}\nworkload = \"own\"\nbench = {}\n\
         models = [{}]\njobs = {jobs}\ntimeout = {}\n",
        quoted(&question),
        quoted(&analysis),
        quoted(name),
        quoted(name),
        models.join(", "),
        quoted(&units::exact(*timeout)),
    );
    if let Some(baseline) = &bench.baseline {
        let _ = writeln!(text, "baseline = {}", quoted(baseline));
    }
    if !sizes.is_empty() {
        let _ = writeln!(text, "size = {sizes:?}");
    }
    let _ = write!(text, "\n[rounds]\nquick = {rounds}\nfull = {rounds}\n");
    bench.claims.iter().for_each(|claim| claim.write(&mut text));
    text
}
