//! Renders results in GitHub-flavoured Markdown, for a job summary or a comment on a pull request.
//!
//! Everything that comes from files passes [`escaped`]: it shows as plain text, names nobody and links to nothing.

use super::load::{LoadReport, PERCENTILES, measured, rows_of};
use super::shards::{SHARD_HEADINGS, ShardRow, shard_clocks, shard_rows};
use super::{by_machine, claims, compare as wording, compare_loads, table, warnings};
use crate::analysis::by_machine::ByMachine;
use crate::analysis::claims::ClaimVerdict;
use crate::analysis::compare::{Change, Comparison, SideName};
use crate::analysis::compare_loads::LoadComparison;
use crate::analysis::fail_over::FailOver;
use crate::analysis::slo::JudgedCondition;
use crate::analysis::{Analysis, JudgedClaim, PointSummary, ScenarioAnalysis};
use crate::gate::Verdict;
use crate::record::RunState;
use crate::scenario::Metric;
use crate::text;
use crate::units;

/// The most findings that are shown; the report has all.
const MOST_FINDINGS: usize = 3;

/// Escapes a text, so that Markdown shows it as it is on one line.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text::one_line(text).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => shown.extend(['\\', c]),
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            // An empty comment keeps GitHub from making a mention or a reference of it.
            '@' | '#' => {
                shown.push(c);
                shown.push_str("<!-- -->");
            }
            _ => shown.push(c),
        }
    }
    shown
}

/// Renders a table, and escapes its cells. The first `names` columns and the verdicts are aligned to the left.
fn table(names: usize, headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    let mut text = line(&mut headings.iter().map(|heading| escaped(heading)));
    let align = |(column, heading): (usize, &&str)| {
        if column < names || *heading == "verdict" { "---" } else { "---:" }.to_owned()
    };
    text += &line(&mut headings.iter().enumerate().map(align));
    for row in rows {
        text += &line(&mut row.iter().map(|cell| escaped(cell)));
    }
    text
}

/// Renders a list of sentences, `most` at the most, and the number of the others.
fn list(sentences: &[String], most: usize) -> String {
    let mut text: String = sentences.iter().take(most).map(|sentence| format!("- {}\n", escaped(sentence))).collect();
    if let Some(more) = sentences.len().checked_sub(most).filter(|more| *more > 0) {
        text += &format!("- {} more in the report\n", units::count(more as u64));
    }
    text
}

/// Joins the parts that are not empty, each a block of its own.
fn blocks(parts: impl IntoIterator<Item = String>) -> String {
    let parts = parts.into_iter().map(|part| part.trim_end().to_owned()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("\n\n") + "\n"
}

/// Renders a run: its verdict, a table per point, the claims, the findings, and the path of the report.
pub fn run(analysis: &Analysis<'_>, report: Option<&str>) -> String {
    let mut parts = vec![format!("## avt run: {}", analysis.verdict()), summary(analysis)];
    let skipped = analysis.run.skipped.iter().map(warnings::skipped_sentence).collect::<Vec<_>>();
    parts.push(list(&skipped, skipped.len()));
    analysis.scenarios.iter().for_each(|scenario| parts.extend(of_scenario(scenario)));
    let points = analysis.scenarios.iter().flat_map(|scenario| &scenario.points);
    let mut findings: Vec<String> = Vec::new();
    for finding in points.flat_map(warnings::point_findings) {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    if !findings.is_empty() {
        parts.push("### Findings on the measurement".into());
        parts.push(list(&findings, MOST_FINDINGS));
    }
    parts.extend(report.map(|path| format!("Report: {}", escaped(path))));
    blocks(parts)
}

/// Describes the run in a sentence or two.
fn summary(analysis: &Analysis<'_>) -> String {
    let (run, judged) = (analysis.run, &analysis.judged);
    let done = units::counted(analysis.records.len() as u64, "trial", "trials");
    let host = &run.host;
    let cpu = host.cpu.as_deref().unwrap_or("an unknown processor");
    let counts = [
        (judged.failed, "failed"),
        (judged.suspect, "SUSPECT"),
        (judged.invalid, "INVALID"),
        (judged.refused, "refused as expected"),
    ];
    let counts: Vec<String> =
        counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", units::count(n))).collect();
    let counts = if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) };
    let cpus = units::counted(host.cpus.into(), "CPU", "CPUs");
    let mut text = format!("{done}{counts} on {cpus}, {}, with seed {}.", escaped(cpu), run.seed);
    let claims = ClaimVerdict::ALL.map(|verdict| (analysis.scoreboard.total(verdict), verdict.word()));
    let claims: Vec<String> =
        claims.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", units::count(n))).collect();
    if !claims.is_empty() {
        text += &format!(" Claims: {}.", claims.join(", "));
    }
    match &run.state {
        RunState::Complete if analysis.missing_records() > 0 => {
            text += &format!(" **Of this run, {}**", warnings::missing_records(analysis.missing_records()));
        }
        RunState::Complete => {}
        RunState::Running => text += " **The run has not ended.**",
        RunState::Partial(signal) => text += &format!(" **Partial: {} ended the run early.**", escaped(signal)),
    }
    if let Some(shard) = run.shard {
        text += &format!(" {}", warnings::shard_sentence(shard));
    }
    if host.debug_build {
        text += " **avt was built without optimisation, so the figures are meaningless.**";
    }
    text
}

fn of_scenario(scenario: &ScenarioAnalysis<'_>) -> Vec<String> {
    let name = escaped(&scenario.scenario.name);
    let mut parts = vec![format!("### {name}: {}", escaped(&scenario.scenario.question))];
    for point in &scenario.points {
        if !point.at.is_empty() {
            parts.push(format!("**{}**", escaped(&point.at.to_string())));
        }
        parts.push(of_point(point));
    }
    if !scenario.claims.is_empty() {
        parts.push("**Claims**".into());
        parts.push(scenario.claims.iter().map(|judged| format!("- {}\n", of_claim(judged))).collect());
    }
    parts
}

/// Renders a claim with its verdict, which is bold if it fails the run.
fn of_claim(judged: &JudgedClaim<'_>) -> String {
    let is_new = judged.verdict == ClaimVerdict::Refuted && judged.claim.refuted_before.is_none();
    let mark = if is_new { "**" } else { "" };
    format!("{mark}{}{mark} {}", judged.verdict.word(), escaped(&claims::sentence_after_verdict(judged)))
}

/// Renders the figures that the models of a point are compared by.
fn of_point(point: &PointSummary) -> String {
    let columns: Vec<table::Column> =
        Metric::compared(&point.work).iter().copied().map(table::Column::Figure).collect();
    let shown = table::headline_series(point, &columns);
    let headings: Vec<&str> = ["model"].into_iter().chain(columns.iter().map(|c| c.heading(&point.work))).collect();
    let rows = shown.rows.iter().map(|row| {
        let figures = row.figures.iter().map(|figure| match &figure.range {
            Some(range) => format!("{} ({range})", figure.text),
            None => figure.text.clone(),
        });
        let missing = row.unmeasured.map(|why| vec![why.to_owned(); columns.len()]);
        let fewer = row.fewer.as_ref().map_or_else(String::new, |fewer| format!(" ({fewer})"));
        let cells = figures.chain(missing.into_iter().flatten());
        [format!("{}{fewer}", row.model)].into_iter().chain(cells).collect()
    });
    let table = table(1, &headings, rows);
    let reasons: Vec<String> = shown
        .rows
        .iter()
        .flat_map(|row| row.reasons.iter().map(move |reason| format!("{}: {reason}", row.model)))
        .collect();
    format!("{table}\n{}", list(&reasons, reasons.len()))
}

/// Renders a load: its rates, times and requests, the conditions of its objective, and the verdict on it.
pub fn load(report: &LoadReport<'_>) -> String {
    let (analysis, load) = (report.analysis, report.figures.load);
    let mut parts = vec![
        format!("## avt load: {}", analysis.verdict),
        format!("{}, {}", escaped(&report.url()), report.arrival.in_words()),
    ];
    if report.partial {
        let why =
            if report.merged.is_some() { "not every shard ran to the end" } else { "a signal ended the load early" };
        parts.push(format!("**Partial: {why}.**"));
    }
    let headings: Vec<&str> =
        [""].into_iter().chain(PERCENTILES.iter().map(|(name, _)| *name)).chain(["max"]).collect();
    let rows = rows_of(report).into_iter().map(|(name, cells)| [vec![name.to_owned()], cells].concat());
    parts.push(table(1, &headings, rows));
    let requests = &load.requests;
    let rates = [
        ("offered", load.offered_per_s.map(units::rate)),
        ("answered", analysis.rate.map(units::rate)),
        ("requests", Some(units::count(requests.planned))),
        ("completed", Some(units::count(requests.completed))),
        ("server CPU per request", analysis.server_cpu_per_request_ns.map(|ns| units::duration(ns.round() as u64))),
    ];
    let rates = rates.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let (names, values): (Vec<&str>, Vec<String>) = rates.unzip();
    parts.push(table(0, &names, [values]));
    if let Some(merged) = report.merged {
        let headings: Vec<&str> = ["shard", "machine"].into_iter().chain(SHARD_HEADINGS).collect();
        parts.push(table(2, &headings, shard_rows(merged).into_iter().map(ShardRow::into_cells)));
        parts.push(escaped(&shard_clocks(merged)));
    }
    if let Some(conditions) = &analysis.objectives {
        let row = |one: &JudgedCondition| {
            let word = match one.is_kept {
                _ if analysis.verdict == Verdict::Invalid => "not judged",
                true => "met",
                false => "VIOLATED",
            };
            vec![one.condition.clone(), word.to_owned(), measured(one)]
        };
        parts.push(table(3, &["objective", "result", "measured"], conditions.iter().map(row)));
    }
    let findings: Vec<String> = analysis
        .findings
        .iter()
        .map(|finding| format!("{}: {finding}; {}.", finding.verdict(), finding.advice()))
        .collect();
    parts.push(list(&findings, MOST_FINDINGS));
    blocks(parts)
}

/// Renders a comparison of runs: the differences in conditions, the changes, the figures over their limits, and the
/// conclusion.
pub fn compare(found: &Comparison, before: &[Analysis<'_>], after: &[Analysis<'_>], limits: &FailOver) -> String {
    let over = found.regressions(limits);
    let mut parts = vec![heading(found.changes.iter().any(Change::rests_on_invalid), limits, over.len())];
    let findings = [(SideName::Before, before), (SideName::After, after)];
    let findings = findings.into_iter().filter_map(|(side, runs)| wording::findings(side, runs));
    let warnings: Vec<String> = found.warnings.iter().map(wording::warning).chain(findings).collect();
    parts.push(list(&warnings, warnings.len()));
    for here in found.changes.chunk_by(|one, next| wording::place(one) == wording::place(next)) {
        parts.push(format!("### {}", escaped(&wording::place(&here[0]))));
        let headings: Vec<&str> = ["model", "figure"].into_iter().chain(wording::HEADINGS).collect();
        let row = |change: &Change| {
            let names = [change.model.to_string(), wording::heading(change).to_owned()];
            names.into_iter().chain(wording::columns(change)).collect()
        };
        parts.push(table(2, &headings, here.iter().map(row)));
    }
    let over: Vec<String> = over.iter().map(|change| wording::over_the_limit(change)).collect();
    parts.push(list(&over, over.len()));
    parts.push(escaped(&wording::conclusion(found)));
    blocks(parts)
}

/// Renders a comparison of two loads.
pub fn compare_of_loads(found: &LoadComparison<'_>, limits: &FailOver) -> String {
    let over = found.regressions(limits);
    let mut parts = vec![heading(found.is_invalid(), limits, over.len())];
    let warnings = compare_loads::warnings(found);
    parts.push(list(&warnings, warnings.len()));
    let headings: Vec<&str> = ["figure"].into_iter().chain(compare_loads::HEADINGS).collect();
    let rows = found
        .changes
        .iter()
        .map(|change| [change.name.clone()].into_iter().chain(compare_loads::columns(change)).collect());
    parts.push(table(1, &headings, rows));
    let over: Vec<String> = over.iter().map(|change| compare_loads::over_the_limit(change)).collect();
    parts.push(list(&over, over.len()));
    parts.push(compare_loads::CONCLUSION.into());
    blocks(parts)
}

/// Renders the runs of several machines.
pub fn by_machine(found: &ByMachine<'_>) -> String {
    let render = |names: usize, shown: &by_machine::TextTable| {
        let headings: Vec<&str> = shown.headings.iter().map(String::as_str).collect();
        table(names, &headings, shown.rows.iter().cloned())
    };
    let warnings = by_machine::warnings(found);
    let mut parts = vec!["## avt merge".into(), list(&warnings, warnings.len())];
    parts.push(render(2, &by_machine::machines(found)));
    for point in &found.points {
        parts.push(format!("### {}", escaped(&by_machine::title(point))));
        parts.push(render(1, &by_machine::table(found, point)));
    }
    parts.push(escaped(&by_machine::conclusion(found)));
    blocks(parts)
}

/// Returns the heading of a comparison, with its outcome.
fn heading(is_invalid: bool, limits: &FailOver, over: usize) -> String {
    let outcome = match over {
        0 if is_invalid => ": INVALID".into(),
        0 if limits.is_given() => ": no figure over its limit".into(),
        0 => String::new(),
        n => format!(": {} over the limit", units::counted(n as u64, "figure", "figures")),
    };
    format!("## avt compare{outcome}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_files_stays_text() {
        for (text, expected) in [
            ("plain – text, 待機", "plain – text, 待機"),
            ("a|b`c*d_e", "a\\|b\\`c\\*d\\_e"),
            ("<img src=x>&amp;", "&lt;img src=x&gt;&amp;amp;"),
            ("one\ntwo\r\n\n# three", "one two #<!-- --> three"),
            ("@user #1 ![x](http://y) [z][w]", "@<!-- -->user #<!-- -->1 !\\[x\\](http://y) \\[z\\]\\[w\\]"),
            ("a\u{1b}[2J\u{202e}", "a\\\\u{1b}\\[2J\\\\u{202e}"),
            ("$x$ ~~y~~ \\", "\\$x\\$ \\~\\~y\\~\\~ \\\\"),
        ] {
            assert_eq!(escaped(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_table_has_the_same_number_of_cells_in_each_row() {
        let table = table(1, &["a", "b"], [vec!["x|y".into(), "1\n2".into()]]);
        assert_eq!(table, "| a | b |\n| --- | ---: |\n| x\\|y | 1 2 |\n");
    }

    #[test]
    fn a_long_list_ends_with_the_number_of_the_others() {
        let sentences = ["a", "b", "c", "d"].map(str::to_owned);
        assert_eq!(list(&sentences, 3), "- a\n- b\n- c\n- 1 more in the report\n");
        assert_eq!(list(&sentences[..3], 3), "- a\n- b\n- c\n");
    }
}
