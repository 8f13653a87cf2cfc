//! The limits of `--fail-over`: how much worse each figure of a comparison may get.

use std::str::FromStr;

use thiserror::Error;

use crate::scenario::closest;

/// The limits on the figures of a comparison. The most specific rule decides: one for a metric and a model before one
/// for a metric, and that before one for all figures; of two equal rules, the last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FailOver(pub Vec<FailOverRule>);

/// One limit: `10%`, `p99=10%` or `p99@async=10%`.
#[derive(Clone, Debug, PartialEq)]
pub struct FailOverRule {
    /// The name of the metric; `None` for all figures.
    metric: Option<String>,
    /// The name of the model; `None` for all models.
    model: Option<String>,
    /// The ratio that a figure may get worse by: 1.1 for 10 %.
    limit: f64,
}

/// The name of a figure in a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureName {
    /// The name of the metric.
    pub metric: String,
    /// The name of the model; `None` in a comparison of loads, which have none.
    pub model: Option<String>,
}

/// The reason why a text is not a limit.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FailOverSyntax {
    /// The part after the equals sign is not a percentage.
    #[error("expected a percentage of at least 0, such as 10% or p99@async=10%")]
    Percentage,
    /// The part before the equals sign lacks a metric, or a model after the `@`.
    #[error("expected METRIC=PERCENT or METRIC@MODEL=PERCENT, such as p99=10% or p99@async=10%")]
    Name,
}

/// The reason why a limit applies to no figure of a comparison.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum UnknownFigure {
    /// No figure has this metric.
    #[error("--fail-over: no figure is called `{name}`; {}", remedy(.nearest.as_deref(), .known))]
    Metric {
        /// The unknown name.
        name: String,
        /// The name that was probably meant.
        nearest: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// No figure has this model.
    #[error("--fail-over: no model is called `{name}`; {}", remedy(.nearest.as_deref(), .known))]
    Model {
        /// The unknown name.
        name: String,
        /// The name that was probably meant.
        nearest: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// The figures have no models.
    #[error("--fail-over: a load has no models; write `{metric}` instead of `{metric}@{model}`")]
    NoModels {
        /// The name of the metric.
        metric: String,
        /// The name of the model.
        model: String,
    },
    /// The metric and the model exist, but not together.
    #[error("--fail-over: {model} has no figure `{metric}` on both sides; it has {}", crate::text::listed(.known))]
    Pair {
        /// The name of the metric.
        metric: String,
        /// The name of the model.
        model: String,
        /// The metrics of the model.
        known: Vec<String>,
    },
}

fn remedy(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("this comparison has {}", crate::text::listed(known)),
    }
}

/// Parses a percentage of at least 0 as a factor: `10%` as 1.1.
pub fn percentage(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>().ok();
    let percent = number.filter(|percent| percent.is_finite() && *percent >= 0.0)?;
    Some(1.0 + percent / 100.0)
}

impl FromStr for FailOverRule {
    type Err = FailOverSyntax;

    fn from_str(text: &str) -> Result<Self, FailOverSyntax> {
        let (name, limit) = match text.rsplit_once('=') {
            Some((name, limit)) => (Some(name.trim()), limit),
            None => (None, text),
        };
        let limit = percentage(limit.trim()).ok_or(FailOverSyntax::Percentage)?;
        let (metric, model) = match name.map(|name| name.split_once('@').map_or((name, None), |(a, b)| (a, Some(b)))) {
            None => (None, None),
            Some(("", _) | (_, Some(""))) => return Err(FailOverSyntax::Name),
            Some((metric, model)) => (Some(metric.to_owned()), model.map(str::to_owned)),
        };
        Ok(Self { metric, model, limit })
    }
}

impl FailOverRule {
    fn applies_to(&self, figure: &FigureName) -> bool {
        let is_metric = self.metric.as_ref().is_none_or(|metric| *metric == figure.metric);
        is_metric && (self.model.is_none() || self.model == figure.model)
    }

    /// Returns the number of names that the rule gives.
    fn specificity(&self) -> u8 {
        u8::from(self.metric.is_some()) + u8::from(self.model.is_some())
    }

    fn check(&self, figures: &[FigureName]) -> Result<(), UnknownFigure> {
        let Some(metric) = &self.metric else { return Ok(()) };
        if figures.iter().any(|figure| self.applies_to(figure)) {
            return Ok(());
        }
        let metrics = distinct(figures.iter().map(|figure| &figure.metric));
        if !metrics.contains(metric) {
            let nearest = closest(metric, metrics.iter().map(String::as_str)).map(str::to_owned);
            return Err(UnknownFigure::Metric { name: metric.clone(), nearest, known: metrics });
        }
        let Some(model) = &self.model else { return Ok(()) };
        let models = distinct(figures.iter().filter_map(|figure| figure.model.as_ref()));
        let (metric, model) = (metric.clone(), model.clone());
        if models.is_empty() {
            return Err(UnknownFigure::NoModels { metric, model });
        }
        if !models.contains(&model) {
            let nearest = closest(&model, models.iter().map(String::as_str)).map(str::to_owned);
            return Err(UnknownFigure::Model { name: model, nearest, known: models });
        }
        let of_model = figures.iter().filter(|figure| figure.model.as_ref() == Some(&model));
        let known = distinct(of_model.map(|figure| &figure.metric));
        Err(UnknownFigure::Pair { metric, model, known })
    }
}

/// Returns each name once, in the order of the first occurrences.
fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if !found.contains(name) {
            found.push(name.clone());
        }
    }
    found
}

impl FailOver {
    /// Returns whether any limit was given.
    pub fn is_given(&self) -> bool {
        !self.0.is_empty()
    }

    /// Returns the ratio that a figure may get worse by; `None` if no rule applies to it.
    pub fn limit(&self, figure: &FigureName) -> Option<f64> {
        let rules = self.0.iter().filter(|rule| rule.applies_to(figure));
        rules.max_by_key(|rule| rule.specificity()).map(|rule| rule.limit)
    }

    /// Checks that every rule applies to one of these figures.
    pub fn check(&self, figures: &[FigureName]) -> Result<(), UnknownFigure> {
        self.0.iter().try_for_each(|rule| rule.check(figures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail_over(text: &str) -> FailOver {
        FailOver(text.split(',').map(|rule| rule.parse().unwrap()).collect())
    }

    fn figure(metric: &str, model: Option<&str>) -> FigureName {
        FigureName { metric: metric.into(), model: model.map(str::to_owned) }
    }

    #[test]
    fn a_limit_is_a_percentage_with_or_without_a_figure() {
        for text in ["", "much", "-3%", "inf%", "p99=", "p99=-1%", "p99@async"] {
            assert_eq!(text.parse::<FailOverRule>(), Err(FailOverSyntax::Percentage), "{text}");
        }
        for text in ["=5%", "@async=5%", "p99@=5%"] {
            assert_eq!(text.parse::<FailOverRule>(), Err(FailOverSyntax::Name), "{text}");
        }
        let limit = |text: &str| text.parse::<FailOverRule>().unwrap().limit;
        assert_eq!([limit("10%"), limit("10"), limit(" p99 = 0 %"), limit("cpu@async=100%")], [1.1, 1.1, 1.0, 2.0]);
    }

    #[test]
    fn the_most_specific_rule_decides() {
        let limits = fail_over("p99@async=50%,10%,p99=20%,p99=30%");
        for (metric, model, limit) in
            [("p99", "async", 1.5), ("p99", "threads", 1.3), ("cpu", "async", 1.1), ("cpu", "threads", 1.1)]
        {
            assert_eq!(limits.limit(&figure(metric, Some(model))), Some(limit), "{metric} {model}");
        }
        assert_eq!(limits.limit(&figure("p99", None)), Some(1.3));
        assert_eq!(fail_over("p99=5%").limit(&figure("cpu", None)), None);
        assert_eq!(FailOver::default().limit(&figure("cpu", None)), None);
    }

    #[test]
    fn a_rule_without_a_figure_is_refused_with_a_remedy() {
        let figures = [figure("wall", Some("async")), figure("cpu", Some("async")), figure("wall", Some("threads"))];
        let wrong = |text: &str| fail_over(text).check(&figures).unwrap_err().to_string();
        assert_eq!(fail_over("10%,wall=5%,cpu@async=1%").check(&figures), Ok(()));
        assert_eq!(wrong("wal=5%"), "--fail-over: no figure is called `wal`; did you mean `wall`?");
        assert_eq!(wrong("p99=5%"), "--fail-over: no figure is called `p99`; this comparison has wall and cpu");
        assert_eq!(wrong("cpu@asinc=5%"), "--fail-over: no model is called `asinc`; did you mean `async`?");
        assert_eq!(
            wrong("cpu@pool/2=5%"),
            "--fail-over: no model is called `pool/2`; this comparison has async and threads"
        );
        assert_eq!(wrong("cpu@threads=5%"), "--fail-over: threads has no figure `cpu` on both sides; it has wall");
        let of_loads = [figure("p99", None)];
        assert_eq!(
            fail_over("p99@async=5%").check(&of_loads).unwrap_err().to_string(),
            "--fail-over: a load has no models; write `p99` instead of `p99@async`"
        );
    }
}
