//! The tables of a page: the columns that answer the question, and the others below them, each column in one unit.

use super::class;
use crate::analysis::PointSummary;
use crate::report::table::{Column, FigureText, Table, TableRow};
use crate::report::wording;
use crate::scenario::Metric;

pub(super) struct TableView {
    pub(super) caption: String,
    /// The columns that answer the question.
    pub(super) main: GridView,
    /// The other columns, if there are any.
    pub(super) more: Option<GridView>,
    pub(super) notes: Vec<String>,
}

/// Some columns of a table.
pub(super) struct GridView {
    pub(super) headings: Vec<String>,
    pub(super) rows: Vec<RowView>,
}

pub(super) struct RowView {
    pub(super) class: &'static str,
    pub(super) model: String,
    pub(super) fewer: Option<String>,
    pub(super) flagged: Option<String>,
    /// The findings of the gates, for the mark of a flagged row.
    pub(super) findings: String,
    pub(super) figures: Vec<FigureText>,
    pub(super) reasons: Vec<String>,
}

/// Returns a table of a point. Only an open one has the reasons of findings in full: repeated in the folded ones, they would
/// make up a large part of a page.
pub(super) fn table_view(point: &PointSummary, (caption, mut table): (String, Table), folded: bool) -> TableView {
    let mut headings: Vec<String> = table.columns.iter().map(|column| column.heading(&point.work).to_owned()).collect();
    for (k, heading) in headings.iter_mut().enumerate() {
        if let Some(unit) = use_one_unit(&mut table.rows, k) {
            *heading += &format!(", {unit}");
        }
    }
    let (main, more) = main_columns(&table.columns);
    let part = |columns: &[usize], is_main: bool| GridView {
        headings: columns.iter().map(|k| headings[*k].clone()).collect(),
        rows: table.rows.iter().map(|row| row_view(row, columns, is_main, folded)).collect(),
    };
    TableView {
        caption,
        main: part(&main, true),
        more: (!more.is_empty()).then(|| part(&more, false)),
        notes: table.notes(),
    }
}

/// Shows all figures of a column in one unit, and returns its name; `None` if they are no times or sizes.
fn use_one_unit(rows: &mut [TableRow], column: usize) -> Option<&'static str> {
    let scale = wording::common_scale(rows.iter().filter_map(|row| row.figures.get(column)?.estimate.as_ref()))?;
    for figure in rows.iter_mut().filter_map(|row| row.figures.get_mut(column)) {
        if let Some(estimate) = &figure.estimate {
            (figure.text, figure.range) = wording::in_unit(estimate, scale);
        }
    }
    Some(scale.0)
}

/// Returns these columns of a row; only the main ones come with reasons and doubts.
fn row_view(row: &TableRow, columns: &[usize], is_main: bool, folded: bool) -> RowView {
    let figures =
        if row.figures.is_empty() { Vec::new() } else { columns.iter().map(|k| row.figures[*k].clone()).collect() };
    let has_doubts = is_main || figures.is_empty();
    RowView {
        class: class(row.family),
        model: row.model.clone(),
        fewer: row.fewer.clone().filter(|_| is_main),
        flagged: row.flagged.clone().filter(|_| is_main),
        findings: if folded { named(&row.findings) } else { explained(&row.findings) },
        reasons: if has_doubts { row.reasons.clone() } else { Vec::new() },
        figures,
    }
}

/// Lists findings by their names.
fn named(findings: &[(&str, String)]) -> String {
    let names: Vec<&str> = findings.iter().map(|(name, _)| *name).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("{}; reasons at the first table of this point", names.join(", "))
    }
}

/// Lists findings by their sentences.
fn explained(findings: &[(&str, String)]) -> String {
    findings.iter().map(|(_, sentence)| sentence.as_str()).collect::<Vec<_>>().join(" ")
}

/// Splits the columns of a table, by their numbers, into those that answer the question and the others.
fn main_columns(columns: &[Column]) -> (Vec<usize>, Vec<usize>) {
    use Metric::{
        AnsweredShare, ContextSwitches, Cpu, CpuTotal, Executing, Gap, InFlight, Max, Memory, P50, P99, PeakMemory,
        Rate, Starved, Threads, Wall,
    };
    /// The most columns beside the model that fit a page.
    const MOST: usize = 8;
    /// The figures by how much they answer.
    const FIRST: [Metric; 16] = [
        Wall,
        Rate,
        Gap,
        P99,
        P50,
        AnsweredShare,
        Starved,
        Threads,
        CpuTotal,
        Executing,
        InFlight,
        Memory,
        PeakMemory,
        Max,
        Cpu,
        ContextSwitches,
    ];
    if columns.len() <= MOST + 1 {
        return ((0..columns.len()).collect(), Vec::new());
    }
    let rank = |column: Column| match column {
        Column::Figure(metric) => FIRST.iter().position(|first| *first == metric).unwrap_or(FIRST.len()),
        Column::Samples => 2,
        Column::Versus(_) => 0,
    };
    let mut by_rank: Vec<usize> = (0..columns.len()).collect();
    by_rank.sort_by_key(|k| rank(columns[*k]));
    let mut main = by_rank[..MOST].to_vec();
    main.sort_unstable();
    (main.clone(), (0..columns.len()).filter(|k| !main.contains(k)).collect())
}
