//! The parts that a workload and a service share: their name, their models and their claims.

use std::fmt::Write as _;

use crate::host;
use crate::scenario::{Model, Scenario, parse};
use crate::session::Named;
use crate::session::output::{Stop, note, note_color, note_styled, note_width};
use crate::text;

use super::claim::BenchClaim;

/// The name, models, rounds and claims of what is measured.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) models: Vec<String>,
    pub(super) rounds: u32,
    pub(super) baseline: Option<String>,
    pub(super) question: Option<String>,
    pub(super) analysis: Option<String>,
    pub(super) claims: Vec<BenchClaim>,
}

/// Defines the methods that set the parts of a [`Subject`].
macro_rules! subject_methods {
    () => {
        /// Sets the models, by their names. By default these are `threads`, `async`, and, with a thread or worker per
        /// CPU, `pool/N`, `async/N`, `async/N+blocking` and `async+rayon/N`.
        pub fn models<S: Into<String>>(&mut self, models: impl IntoIterator<Item = S>) -> &mut Self {
            self.subject.models = models.into_iter().map(Into::into).collect();
            self
        }

        /// Sets the number of rounds. The default is 10.
        pub fn rounds(&mut self, rounds: u32) -> &mut Self {
            self.subject.rounds = rounds;
            self
        }

        /// Sets the model that the others are compared with. The default is `async`, or the first model.
        pub fn baseline(&mut self, model: impl Into<String>) -> &mut Self {
            self.subject.baseline = Some(model.into());
            self
        }

        /// Sets the question at the head of the report.
        pub fn question(&mut self, question: impl Into<String>) -> &mut Self {
            self.subject.question = Some(question.into());
            self
        }

        /// Sets the text below the question: what to expect, and why.
        pub fn analysis(&mut self, analysis: impl Into<String>) -> &mut Self {
            self.subject.analysis = Some(analysis.into());
            self
        }

        /// Adds a claim, which the run reproduces or refutes. A refuted claim makes the bench fail with exit code 1.
        pub fn claim(&mut self, claim: BenchClaim) -> &mut Self {
            self.subject.claims.push(claim);
            self
        }
    };
}
pub(super) use subject_methods;

impl Subject {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            models: Vec::new(),
            rounds: 10,
            baseline: None,
            question: None,
            analysis: None,
            claims: Vec::new(),
        }
    }

    /// Returns the models under which this can be measured, and notes those that `allow` leaves out for this reason.
    pub(super) fn models(&self, allow: impl Fn(Model) -> bool, reason: &str) -> Result<Vec<Model>, Stop> {
        let names = if self.models.is_empty() { usual_models() } else { self.models.clone() };
        let parse =
            |name: &String| name.parse::<Model>().map_err(|error| Stop::input(format_args!("{}: {error}", self.name)));
        let models = names.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let (models, left_out): (Vec<Model>, Vec<Model>) = models.into_iter().partition(|model| allow(*model));
        if !left_out.is_empty() {
            let left_out: Vec<String> = left_out.iter().map(ToString::to_string).collect();
            note(format_args!("{}: left out {}: {reason}", self.name, text::listed(&left_out)));
        }
        if models.is_empty() {
            return Err(Stop::input(format_args!("{}: no model is left: {reason}", self.name)));
        }
        Ok(models)
    }

    /// Returns the scenario with these models. `keys` are those above the first table, `tables` the tables of the
    /// workload. The text is kept with the records, so that the report can be written again. The error lists what is
    /// wrong with the values.
    pub(super) fn scenario(&self, models: &[Model], analysis: &str, keys: &str, tables: &str) -> Result<Named, Stop> {
        let text = self.toml(models, analysis, keys, tables);
        let named = |scenario: Scenario| Named { given: self.name.clone(), scenario };
        parse(&format!("{}.toml", self.name), &text).map(named).map_err(|mistakes| {
            note_styled(mistakes.render(note_width(), note_color()));
            Stop::input(format_args!("{}: these values cannot be measured", self.name))
        })
    }

    fn toml(&self, models: &[Model], analysis: &str, keys: &str, tables: &str) -> String {
        let Self { name, rounds, .. } = self;
        let question = self.question.clone().unwrap_or_else(|| format!("Which model suits {name}?"));
        let models: Vec<String> = models.iter().map(|model| quoted(&model.to_string())).collect();
        let mut text = format!(
            "# Written by the bench {name}.\nquestion = {}\nanalysis = {}\nname = {}\nbench = {}\nmodels = [{}]\n{keys}",
            quoted(&question),
            quoted(self.analysis.as_deref().unwrap_or(analysis)),
            quoted(name),
            quoted(name),
            models.join(", "),
        );
        if let Some(baseline) = &self.baseline {
            let _ = writeln!(text, "baseline = {}", quoted(baseline));
        }
        let _ = write!(text, "\n[rounds]\nquick = {rounds}\nfull = {rounds}\n{tables}");
        self.claims.iter().for_each(|claim| claim.write(&mut text));
        text
    }
}

/// Returns the models that are measured if none are named.
fn usual_models() -> Vec<String> {
    let cpus = host::cpus().len().clamp(2, usize::from(Model::MOST_WORKERS)).to_string();
    let names = ["threads", "async", "pool/N", "async/N", "async/N+blocking", "async+rayon/N"];
    names.into_iter().map(|name| name.replace('N', &cpus)).collect()
}

/// Writes a text in the quotes of TOML, which knows every escape of JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
