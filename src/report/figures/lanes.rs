//! Draws the lanes of every model on one time axis, by thread and by job.

use std::collections::BTreeMap;

use super::super::chart::lanes::{LanesPanel, Rows};
use super::super::table::{self, Column};
use super::super::wording;
use super::{Figure, Sign, caption_at, draw_both};
use crate::analysis::{CellSummary, PointSummary};
use crate::lanes::{Span, What};
use crate::scenario::{EchoSpec, Metric, OffloadSpec, Work};
use crate::units;

/// The maximum number of rows per model.
const MOST_ROWS: usize = 24;

/// Returns the lanes by thread, then those of the same trials by job; empty if no lanes were recorded.
pub(super) fn for_point(point: &PointSummary, id: &str) -> Vec<Figure> {
    let cells: Vec<&CellSummary> = point.cells.iter().filter(|cell| !cell.lanes.spans.is_empty()).collect();
    let Some(first) = cells.first() else { return Vec::new() };
    let jobs_are = &first.lanes.jobs_are;
    let heartbeat = matches!(point.work, Work::Offload(OffloadSpec { heartbeat: Some(_), .. })).then_some(0);
    let until = axis_end(point, &cells);
    let figure =
        |by: &str, id: String, row: &dyn Fn(&CellSummary, &Span) -> (u64, String), unit: &str, text: String| {
            let panels = cells.iter().map(|cell| panel(cell, until, row, unit)).collect();
            let busiest =
                cells.iter().filter_map(|cell| Some(cell.traced.as_ref()?.most_executing.at_most)).max().unwrap_or(0);
            let heading = format!("The first {} by {by}: at most {busiest} executing at once", units::duration(until));
            let rows = Rows { panels, until, heartbeat };
            let finding = finding(&cells);
            let svg = draw_both(&id, &heading, &finding, |size, caption| rows.draw(size, caption));
            let table = table::columns(
                point,
                &[Metric::InFlight, Metric::Executing, Metric::Threads, Metric::RunQueue].map(Column::Figure),
            );
            let caption = caption_at(&heading, point, "in flight and threads are medians of the rounds");
            Figure { heading, text: vec![text], svg, legend: legend(&cells, heartbeat), table: (caption, table) }
        };
    let by_thread = |cell: &CellSummary, span: &Span| {
        let name = cell.lanes.names.get(span.lane as usize).cloned().unwrap_or_default();
        (u64::from(span.lane), name)
    };
    let by_job = |_: &CellSummary, span: &Span| match heartbeat {
        Some(heart) if span.job == heart => (u64::from(span.job), "heartbeat".to_owned()),
        _ => (u64::from(span.job), format!("{jobs_are} {}", span.job)),
    };
    let threads = "Each row is an OS thread. A gap means that the thread is idle or asleep; a job that waits meanwhile \
                   holds no thread. The program records the lanes, not the kernel, so a thread that is ready but has \
                   no CPU looks busy; the run queue shows for how long.";
    let jobs =
        format!("The same trials, one row per {jobs_are}. A gap means that it waits without a thread, or has ended.");
    vec![
        figure("thread", format!("{id}-lt"), &by_thread, "thread", threads.to_owned()),
        figure(jobs_are, format!("{id}-lj"), &by_job, jobs_are, jobs),
    ]
}

/// Returns the end of the axis: the longest recording for jobs, and for a server a time short enough to distinguish
/// requests.
fn axis_end(point: &PointSummary, cells: &[&CellSummary]) -> u64 {
    let ends = cells.iter().filter_map(|cell| cell.lanes.spans.iter().map(|span| span.end).max());
    match &point.work {
        Work::Echo(EchoSpec { heavy, .. }) => {
            let enough = if heavy.is_some() { 100_000_000 } else { 5_000_000 };
            ends.min().unwrap_or(enough).min(enough)
        }
        Work::Sleep(_) | Work::Offload(_) | Work::Own(_) => ends.max().unwrap_or(1),
    }
}

/// Returns the panel of a model: its first rows, and the number of rows left out.
fn panel<'a>(
    cell: &'a CellSummary,
    until: u64,
    row: &dyn Fn(&CellSummary, &Span) -> (u64, String),
    unit: &str,
) -> LanesPanel<'a> {
    let mut rows: BTreeMap<u64, (String, Vec<&Span>)> = BTreeMap::new();
    for span in cell.lanes.spans.iter().filter(|span| span.start < until) {
        let (key, name) = row(cell, span);
        rows.entry(key).or_insert_with(|| (name, Vec::new())).1.push(span);
    }
    let mut rows: Vec<(String, Vec<&Span>)> = rows.into_values().collect();
    rows.sort_by_cached_key(|(name, _)| natural_sort_key(name));
    let all = rows.len();
    rows.truncate(MOST_ROWS);
    let left = all - rows.len();
    let more = match left {
        0 => String::new(),
        _ => units::counted(left as u64, &format!("more {unit} like these"), &format!("more {unit}s like these")),
    };
    LanesPanel { title: cell.cell.id.model.to_string(), about: at_once(cell).unwrap_or_default(), rows, more }
}

/// Returns a sort key that puts `job 9` before `job 10`, and `main` before both `worker 1` and `rayon 1`.
fn natural_sort_key(name: &str) -> (bool, String, u64) {
    let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name[kind.len()..].parse().unwrap_or(0);
    (kind.len() < name.len(), kind.to_owned(), number)
}

fn finding(cells: &[&CellSummary]) -> String {
    let texts = cells.iter().filter_map(|cell| Some(format!("{}: {}.", cell.cell.id.model, at_once(cell)?)));
    texts.collect::<Vec<_>>().join(" ")
}

/// Returns the counts at one instant: `in flight 1,000, executing 1, threads 1`.
fn at_once(cell: &CellSummary) -> Option<String> {
    let [flight, executing, threads] =
        [Metric::InFlight, Metric::Executing, Metric::Threads].map(|metric| cell.figure(metric).map(wording::estimate));
    Some(format!("in flight {}, executing {}, threads {}", flight?, executing?, threads?))
}

fn legend(cells: &[&CellSummary], heartbeat: Option<u32>) -> Vec<Sign> {
    let holds =
        |kinds: &[What]| cells.iter().any(|cell| cell.lanes.spans.iter().any(|span| kinds.contains(&span.what)));
    let signs = [
        (true, Sign::Executed),
        (holds(&[What::Wait, What::Block]), Sign::Held),
        (holds(&[What::Ready]), Sign::Ready),
        (heartbeat.is_some(), Sign::Beat),
    ];
    signs.into_iter().filter(|(shown, _)| *shown).map(|(_, sign)| sign).collect()
}

#[cfg(test)]
mod tests {
    use super::natural_sort_key;

    #[test]
    fn threads_are_sorted_by_number() {
        let mut names = ["worker 10", "rayon 2", "main", "worker 2", "rayon 1"];
        names.sort_by_cached_key(|name| natural_sort_key(name));
        assert_eq!(names, ["main", "rayon 1", "rayon 2", "worker 2", "worker 10"]);
    }
}
