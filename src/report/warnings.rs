//! States which measurements are doubtful and why: the findings of the analysis, one sentence per kind.

use super::wording;
use crate::analysis::{Analysis, CellSummary, PointFinding, PointSummary, TrialFindings};
use crate::gate::Verdict;
use crate::record::{RunState, Skipped};
use crate::scenario::{CellId, Metric, Work};
use crate::schedule::Shard;
use crate::text;
use crate::units;

/// Returns the number of flagged rounds, `2 suspect of 6 rounds`; `None` if every gate passed.
pub(super) fn flagged_rounds(cell: &CellSummary) -> Option<String> {
    let counts = count_by_verdict(|verdict| cell.rounds_that_are(verdict));
    (!counts.is_empty()).then(|| format!("{} of {} rounds", counts.join(", "), cell.rounds()))
}

/// Returns the findings in the flagged rounds of a cell, each kind once: its name, and a sentence.
pub(super) fn cell_findings(cell: &CellSummary) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    for finding in cell.flagged.iter().flat_map(|(_, findings)| findings) {
        if found.iter().all(|(name, _)| *name != finding.name()) {
            found.push((finding.name(), text::one_line(&format!("{}: {finding}.", finding.name()))));
        }
    }
    found
}

/// Returns the counts by verdict: `3 suspect`, `1 invalid`.
fn count_by_verdict(count: impl Fn(Verdict) -> usize) -> Vec<String> {
    wording::counted(&[(count(Verdict::Suspect) as u64, "suspect"), (count(Verdict::Invalid) as u64, "invalid")])
}

/// Returns every finding at a point: the limits of its load, its trials' findings with one sentence per kind, then
/// those over its rounds.
pub(super) fn point_findings(point: &PointSummary) -> Vec<String> {
    let limits = point.limits.iter().map(|limit| text::one_line(&format!("{}: {limit}.", limit.limit.name())));
    let of_trials = point.trial_findings().into_iter().map(|kind| describe_kind(&kind));
    limits.chain(of_trials).chain(round_findings(point)).collect()
}

/// Returns the findings over the rounds of a point, one sentence per kind: `drift: SUSPECT for p50 under threads: ...`.
pub(super) fn round_findings(point: &PointSummary) -> Vec<String> {
    let mut kinds: Vec<(&PointFinding, Vec<String>)> = Vec::new();
    for finding in &point.findings {
        let subject = subject(finding, &point.work);
        let is_like = |other: &PointFinding| {
            (other.found.name(), other.found.verdict()) == (finding.found.name(), finding.found.verdict())
        };
        match kinds.iter_mut().find(|(other, _)| is_like(other)) {
            Some((worst, subjects)) => {
                subjects.push(subject);
                if finding.found.severity() > worst.found.severity() {
                    *worst = finding;
                }
            }
            None => kinds.push((finding, vec![subject])),
        }
    }
    let sentence = |(worst, subjects): (&PointFinding, Vec<String>)| {
        let finding = &worst.found;
        let most = if subjects.len() > 1 { "at worst, " } else { "" };
        let subjects = subjects.join(", ");
        text::one_line(&format!(
            "{}: {} for {subjects}: {most}{finding}; {}.",
            finding.name(),
            finding.verdict(),
            finding.advice()
        ))
    };
    kinds.into_iter().map(sentence).collect()
}

fn describe_kind(kind: &TrialFindings) -> String {
    let TrialFindings { worst, suspect, invalid, trials, models } = kind;
    let verdicts = [(Verdict::Suspect, *suspect), (Verdict::Invalid, *invalid)];
    let verdicts: Vec<String> = verdicts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("{verdict} in {}", units::count(count as u64)))
        .collect();
    let models: Vec<String> = models
        .iter()
        .map(|(model, is_control)| format!("{model}{}", if *is_control { " (control)" } else { "" }))
        .collect();
    let trials =
        format!("{} of {} trials ({})", verdicts.join(" and "), units::count(*trials as u64), models.join(", "));
    let most = if suspect + invalid == 1 { "" } else { "at worst, " };
    // A finding may contain the name of a process, which may be any text.
    text::one_line(&format!("{}: {trials}: {most}{worst}; {}.", worst.name(), worst.advice()))
}

/// Returns the subject of a finding: `p50 under threads`.
fn subject(finding: &PointFinding, work: &Work) -> String {
    match (finding.metric, finding.model) {
        (Some(metric), Some(model)) => format!("{} under {model}", metric.heading(work)),
        (_, Some(model)) => model.to_string(),
        _ => "all models".into(),
    }
}

/// States the headline figure over the undisturbed rounds only, for each cell that has disturbed rounds.
pub(super) fn without_disturbed(point: &PointSummary) -> Vec<String> {
    let Some(metric) = Metric::compared(&point.work).first().copied() else { return Vec::new() };
    let changed = |cell: &CellSummary| {
        let (all, calm) = (cell.figure(metric)?, cell.undisturbed(metric)?);
        let [with, without] = [all, &calm].map(wording::estimate);
        let (left_out, rounds) = (all.spread.rounds - calm.spread.rounds, all.spread.rounds);
        let changed =
            format!("{} {without} instead of {with} (without {left_out} of {rounds} rounds)", cell.cell.id.model);
        Some((with != without).then_some(changed))
    };
    let cells: Vec<Option<String>> = point.cells.iter().filter_map(changed).collect();
    let (heading, disturbed) = (metric.heading(&point.work), cells.len());
    let changed: Vec<String> = cells.into_iter().flatten().collect();
    match (disturbed, changed.is_empty()) {
        (0, _) => Vec::new(),
        (_, true) => vec![format!("Without the disturbed rounds, every median {heading} stays the same.")],
        (_, false) => vec![format!("Without the disturbed rounds, median {heading}: {}.", changed.join("; "))],
    }
}

/// Returns the warnings at the top of a page: an incomplete run, a build without optimisation, and the doubtful trials
/// and rounds of these points.
pub(super) fn banner<'a>(
    analysis: &Analysis<'_>,
    points: impl Iterator<Item = &'a PointSummary> + Clone,
) -> Vec<String> {
    let run = analysis.run;
    let mut warnings: Vec<String> = run.shard.map(shard_sentence).into_iter().collect();
    let (done, planned) = (analysis.records.len() as u64, run.trials_planned);
    let so_far = format!("{} of {} trials left a record", units::count(done), units::count(planned));
    match &run.state {
        RunState::Complete => match analysis.missing_records() {
            0 => {}
            missing => warnings.push(format!("Of this run, {}", missing_records(missing))),
        },
        RunState::Running => warnings.push(format!("This run has not ended: {so_far}.")),
        RunState::Partial(signal) => {
            warnings.push(format!("This run is partial: {} ended it early; {so_far}.", text::one_line(signal)));
        }
    }
    warnings.extend(run.skipped.iter().map(skipped_sentence));
    if run.host.debug_build {
        warnings.push("avt was built without optimisation, so its figures are meaningless.".into());
    }
    warnings.extend(invalid_sentence(points));
    warnings
}

/// Describes the part of a run that a shard is:
/// `Shard 2 of 4: this run holds one round in 4, from round 2 on; avt merge puts all shards together.`
pub fn shard_sentence(shard: Shard) -> String {
    let (number, of) = (shard.number(), shard.of());
    if shard.is_whole() {
        return "Shard 1 of 1: this run holds all rounds.".into();
    }
    format!(
        "Shard {number} of {of}: this run holds one round in {of}, from round {number} on; avt merge puts all shards \
         together."
    )
}

/// Names the models whose figures rest on INVALID trials; `None` if there are none. Other doubts are marked where they
/// belong.
fn invalid_sentence<'a>(points: impl Iterator<Item = &'a PointSummary>) -> Option<String> {
    /// The most models to name.
    const NAMED: usize = 6;
    let invalid = points.flat_map(|point| {
        let models = point.cells.iter().map(|cell| (cell.cell.id.model, &cell.cell.id.scenario));
        let invalid = models.filter(|(model, _)| point.invalidity(*model).is_some());
        invalid.map(|(model, scenario)| format!("{model} ({})", wording::place(scenario, &point.at)))
    });
    let mut named: Vec<String> = invalid.collect();
    if named.len() > NAMED {
        let others = named.len() - NAMED;
        named.truncate(NAMED);
        named.push(format!("{others} others"));
    }
    (!named.is_empty()).then(|| {
        format!(
            "These figures rest on INVALID trials, so they show nothing about the models: {}. The marks beside the \
             figures give the reasons.",
            text::listed(&named)
        )
    })
}

/// States that a scenario was skipped, and why.
pub fn skipped_sentence(skipped: &Skipped) -> String {
    text::one_line(&format!("{} was skipped: {}.", skipped.scenario, skipped.why))
}

/// Writes the end of a sentence about records that were lost after the end of a run.
pub(super) fn missing_records(missing: u64) -> String {
    let (records, are) = if missing == 1 { ("record", "is") } else { ("records", "are") };
    format!(
        "{} {records} {are} missing from trials.jsonl, although every trial was done; the figures rest on the others.",
        units::count(missing)
    )
}

/// Warns of records that are not shown because no scenario of the run has their cell; `None` if there are none.
pub fn warn_of_strays(analysis: &Analysis<'_>) -> Option<String> {
    /// The largest number of cells to name.
    const NAMED: usize = 5;
    let strays = &analysis.strays;
    let name_cell = |(cell, trials): (&&CellId, &u64)| {
        let place = wording::place(&text::one_line(&cell.scenario), &cell.point);
        let control = if cell.control { " (control)" } else { "" };
        let times = if *trials == 1 { String::new() } else { format!(", {} times", units::count(*trials)) };
        format!("{place} under {}{control}{times}", cell.model)
    };
    let mut named: Vec<String> = strays.iter().take(NAMED).map(name_cell).collect();
    if strays.len() > NAMED {
        named.push(format!("{} other cells", units::count((strays.len() - NAMED) as u64)));
    }
    let all: u64 = strays.values().sum();
    let (records, are, belong) = if all == 1 { ("record", "is", "belongs") } else { ("records", "are", "belong") };
    (all > 0).then(|| {
        let all = units::count(all);
        format!("{all} {records} {belong} to no scenario of run.json and {are} not shown: {}.", named.join("; "))
    })
}

/// Returns the doubtful trials and rounds of these points, one sentence each.
pub(super) fn flagged_measurements<'a>(points: impl Iterator<Item = &'a PointSummary> + Clone) -> Vec<String> {
    flagged_trials_sentence(points.clone()).into_iter().chain(flagged_rounds_sentence(points)).collect()
}

fn flagged_trials_sentence<'a>(points: impl Iterator<Item = &'a PointSummary> + Clone) -> Option<String> {
    let trials: usize = points.clone().flat_map(PointSummary::all_cells).map(CellSummary::rounds).sum();
    let parts = count_by_verdict(|verdict| points.clone().map(|point| point.trials_that_are(verdict)).sum());
    (!parts.is_empty()).then(|| {
        format!(
            "Of {} trials, the gates on the measurement itself found {}.",
            units::count(trials as u64),
            parts.join(" and ")
        )
    })
}

/// States the findings over the rounds in one sentence:
/// `Over all rounds, the gates found drift (SUSPECT): p50 under threads.`
fn flagged_rounds_sentence<'a>(points: impl Iterator<Item = &'a PointSummary>) -> Option<String> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for point in points {
        for finding in &point.findings {
            let kind = format!("{} ({})", finding.found.name(), finding.found.verdict());
            let scenario = point.cells.first().map_or("", |cell| cell.cell.id.scenario.as_str());
            let subject = format!("{} ({})", subject(finding, &point.work), wording::place(scenario, &point.at));
            match found.iter_mut().find(|(other, _)| *other == kind) {
                Some((_, subjects)) if subjects.contains(&subject) => {}
                Some((_, subjects)) => subjects.push(subject),
                None => found.push((kind, vec![subject])),
            }
        }
    }
    let kinds: Vec<String> =
        found.into_iter().map(|(kind, subjects)| format!("{kind}: {}", subjects.join(", "))).collect();
    (!kinds.is_empty()).then(|| format!("Over all rounds, the gates found {}.", kinds.join("; ")))
}
