//! A claim about a workload, which its bench reproduces or refutes.

use std::fmt::Write as _;

use super::subject::quoted;

/// A statement about a figure, with bounds. The names of the figures and the formulas are those of scenario files.
///
/// ```
/// use async_vs_threads::bench::BenchClaim;
///
/// // Threads take at most twice as long as async tasks.
/// let ratio = BenchClaim::ratio("wall", "threads", "async", [0.0, 2.0]);
/// // One worker does one job after the other: 64 jobs of 5 ms.
/// let value = BenchClaim::value("wall", "pool/1", "jobs * 5ms", [0.95, 1.3]).says("A pool of one waits in turn");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BenchClaim {
    says: String,
    metric: String,
    model: String,
    /// The key and the value that the figure is compared with.
    against: (&'static str, String),
    bounds: [f64; 2],
    refuted_before: Option<String>,
}

impl BenchClaim {
    /// Claims that a model's figure is within these bounds as a multiple of another model's figure.
    pub fn ratio(metric: &str, model: &str, baseline: &str, bounds: [f64; 2]) -> Self {
        let [low, high] = bounds;
        let says = format!("{metric} of {model} is {low} to {high} times that of {baseline}");
        Self::new(metric, model, ("baseline", baseline.to_owned()), bounds, says)
    }

    /// Claims that a model's figure is within these bounds as a multiple of a formula, such as `jobs * 5ms`.
    pub fn value(metric: &str, model: &str, formula: &str, bounds: [f64; 2]) -> Self {
        let [low, high] = bounds;
        let says = format!("{metric} of {model} is {low} to {high} times {formula}");
        Self::new(metric, model, ("expect", formula.to_owned()), bounds, says)
    }

    fn new(metric: &str, model: &str, against: (&'static str, String), bounds: [f64; 2], says: String) -> Self {
        let (metric, model) = (metric.to_owned(), model.to_owned());
        Self { says, metric, model, against, bounds, refuted_before: None }
    }

    /// Sets the statement in words.
    #[must_use]
    pub fn says(self, says: impl Into<String>) -> Self {
        Self { says: says.into(), ..self }
    }

    /// Keeps a claim that a run has refuted. `reason` explains what happened; the report shows it, and a further
    /// refutation does not make the bench fail. A claim without its failures would show only what turned out right.
    #[must_use]
    pub fn refuted_before(self, reason: impl Into<String>) -> Self {
        Self { refuted_before: Some(reason.into()), ..self }
    }

    /// Writes the claim as a table of a scenario file.
    pub(super) fn write(&self, text: &mut String) {
        let Self { says, metric, model, against: (key, value), bounds: [low, high], refuted_before } = self;
        let _ = write!(
            text,
            "\n[[claim]]\nsays = {}\nmetric = {}\nmodel = {}\n{key} = {}\nratio = [{low:?}, {high:?}]\n\
             kind = \"prediction\"\nsource = \"the bench itself\"\n",
            quoted(says),
            quoted(metric),
            quoted(model),
            quoted(value),
        );
        if let Some(reason) = refuted_before {
            let _ = writeln!(text, "refuted_before = {}", quoted(reason));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;

    #[test]
    fn a_claim_is_written_as_a_scenario_file_has_it() {
        let mut text = "question = \"Q\"\nanalysis = \"A\"\nworkload = \"sleep\"\nmodels = [\"threads\", \"async\"]\n\
            jobs = 4\nwait = \"2ms\"\n"
            .to_owned();
        BenchClaim::ratio("wall", "threads", "async", [0.5, 2.0]).says("They take as \"long\"").write(&mut text);
        let hasty = BenchClaim::value("wall", "threads", "jobs * 1us", [0.0, f64::INFINITY]);
        hasty.refuted_before("2026-11: each job waits for 2 ms").write(&mut text);
        let scenario = parse("claims.toml", &text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
        let [first, second] = scenario.claims.as_slice() else { panic!("{:?}", scenario.claims) };
        assert_eq!((first.says.as_str(), first.bounds), ("They take as \"long\"", (0.5, 2.0)));
        assert_eq!(first.refuted_before, None);
        assert!(second.refuted_before.as_deref().is_some_and(|why| why.starts_with("2026-11: each job")), "{second:?}");
    }
}
