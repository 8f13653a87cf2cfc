//! Formats the tables of a terminal: one per point of the sweep, one row per cell.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, ContentArrangement};

use super::advice;
use super::claims;
use super::pairs;
use super::scoreboard;
use super::table::{self, Column, Table};
use super::warnings;
use crate::analysis::{Advice, ScenarioAnalysis, Scoreboard};
use crate::scenario::{Family, Metric, Model, Work};
use crate::text::{self, wrapped};

/// Formats a scenario's question and its figures. Columns that do not fit the width are left out, the least important
/// first, and a line below the table names them; without a width, all columns are kept. Colour only marks the model
/// families, which their names show too.
pub fn table(analysis: &ScenarioAnalysis<'_>, width: Option<usize>, color: bool) -> String {
    let scenario = analysis.scenario;
    let paint = if color { TerminalColor::Ansi } else { TerminalColor::None };
    let width = width.unwrap_or(usize::MAX);
    let mut shown = String::new();
    let mut push = |line: &str| {
        shown.push_str(line);
        shown.push('\n');
    };
    for line in wrapped(&text::one_line(&scenario.question), width, "") {
        push(&paint.bold(&line));
    }
    for point in &analysis.points {
        push("");
        if !point.at.is_empty() {
            wrapped(&text::one_line(&point.at.to_string()), width, "  ").iter().for_each(|line| push(line));
        }
        let (table, left_out) = fit_columns(table::brief(point), &point.work, width);
        let lines = rendered(&table, &point.work);
        for (i, line) in lines.iter().enumerate() {
            // The first line is the heading; the rows follow.
            let family = i.checked_sub(1).and_then(|row| table.rows.get(row)).map(|row| (row.family, row.model.len()));
            push(&family.map_or_else(|| line.clone(), |(family, name)| paint.name(line, family, name)));
        }
        let missing = (!left_out.is_empty())
            .then(|| format!("Columns left out for lack of width: {}; the report has all.", left_out.join(", ")));
        for note in missing.into_iter().chain(remarks(&table)).chain(warnings::round_findings(point)) {
            wrapped(&note, width, "  ").iter().for_each(|line| push(line));
        }
    }
    let judged = &analysis.claims;
    if !judged.is_empty() {
        push("");
    }
    judged.iter().flat_map(|judged| wrapped(&claims::sentence(judged), width, "  ")).for_each(|line| push(&line));
    shown
}

/// Returns the table with as many columns as fit the width, and the headings of the others.
fn fit_columns(mut table: Table, work: &Work, width: usize) -> (Table, Vec<&'static str>) {
    use Metric as M;
    const LEAST_TELLING_FIRST: [Metric; 13] = [
        M::ContextSwitches,
        M::P50,
        M::PeakMemory,
        M::CpuTotal,
        M::Max,
        M::P99,
        M::Memory,
        M::InFlight,
        M::Executing,
        M::Threads,
        M::Wall,
        M::Starved,
        M::Rate,
    ];
    let mut left_out = Vec::new();
    for column in LEAST_TELLING_FIRST.map(Column::Figure) {
        let fits = rendered(&table, work).iter().all(|line| text::columns(line) <= width);
        if fits || table.columns.len() == 1 {
            break;
        }
        if let Some(at) = table.columns.iter().position(|other| *other == column) {
            left_out.push(table.columns.remove(at).heading(work));
            table.rows.iter_mut().filter(|row| !row.figures.is_empty()).for_each(|row| drop(row.figures.remove(at)));
        }
    }
    (table, left_out)
}

fn rendered(table: &Table, work: &Work) -> Vec<String> {
    let headings = table.columns.iter().map(|column| column.heading(work).to_owned());
    let rows = table.rows.iter().map(|row| {
        let figures = row.figures.iter().map(|figure| figure.text.clone());
        let missing = row.unmeasured.map(str::to_owned);
        std::iter::once(row.model.clone()).chain(figures).chain(missing).collect()
    });
    grid(std::iter::once("model".to_owned()).chain(headings).collect(), rows)
}

/// Aligns names to the left and figures to the right, without lines between them.
fn grid(headings: Vec<String>, rows: impl IntoIterator<Item = Vec<String>>) -> Vec<String> {
    let mut text = comfy_table::Table::new();
    text.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    text.set_header(headings);
    for row in rows {
        text.add_row(row.into_iter().map(Cell::new));
    }
    for column in text.column_iter_mut() {
        column.set_cell_alignment(if column.index == 0 { CellAlignment::Left } else { CellAlignment::Right });
        column.set_padding((0, 2));
    }
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Returns the remarks below the table: why cells have no figures, which ran fewer jobs, what the signs mean.
fn remarks(table: &Table) -> Vec<String> {
    let rows = table.rows.iter().flat_map(|row| {
        let fewer = row.fewer.iter().map(|fewer| format!("ran {fewer}"));
        let flagged = row.flagged.iter().map(|flagged| format!("gates: {flagged}"));
        fewer
            .chain(row.reasons.iter().cloned())
            .chain(flagged)
            .map(|what| text::one_line(&format!("{}: {what}", row.model)))
    });
    rows.chain(table.notes()).collect()
}

/// Formats the ratios between all models of each point; empty if there are fewer than three.
pub fn pairs(analysis: &ScenarioAnalysis<'_>, width: Option<usize>) -> String {
    let width = width.unwrap_or(usize::MAX);
    let mut shown = String::new();
    for point in &analysis.points {
        for matrix in pairs::matrices(point) {
            let place = text::one_line(&point.at.to_string());
            let place = if place.is_empty() { place } else { format!(" ({place})") };
            shown += &format!("{}{place}, each row divided by each column:\n", matrix.title);
            for (model, cells) in &matrix.rows {
                let others = matrix.models.iter().zip(cells).filter(|(_, cell)| !cell.is_empty());
                let ratios: Vec<String> = others.map(|(other, cell)| format!("{cell} x {other}")).collect();
                let line = format!("{model}: {}", ratios.join(", "));
                wrapped(&line, width, "  ").iter().for_each(|line| shown += &format!("{line}\n"));
            }
            shown.push('\n');
        }
    }
    shown
}

/// Formats the findings over the rounds of every point, and those of single trials; empty if there are none.
pub fn findings(analysis: &ScenarioAnalysis<'_>, width: Option<usize>) -> String {
    let width = width.unwrap_or(usize::MAX);
    let of_points = warnings::flagged_measurements(analysis.points.iter());
    let lines = of_points.iter().flat_map(|finding| wrapped(finding, width, "  "));
    lines.map(|line| line + "\n").collect()
}

/// Formats the advice of a scenario: its table, and the conclusion below it.
pub fn advice(advice: &Advice, width: Option<usize>, color: bool) -> String {
    let paint = if color { TerminalColor::Ansi } else { TerminalColor::None };
    let width = width.unwrap_or(usize::MAX);
    let (headings, rows) = (advice::headings(advice), advice::rows(advice));
    let cells = rows.iter().map(|(model, cells)| [&[model.to_string()], cells.as_slice()].concat());
    let lines = grid(headings.clone(), cells);
    let table: Vec<String> = if lines.iter().all(|line| text::columns(line) <= width) {
        let models = std::iter::once(None).chain(rows.iter().map(|(model, _)| Some(*model)));
        let painted = lines.iter().zip(models).map(|(line, model)| {
            model.map_or_else(|| line.clone(), |model| paint.name(line, model.family(), model.to_string().len()))
        });
        painted.collect()
    } else {
        let row = |(model, cells): &(Model, Vec<String>)| {
            let figures: Vec<String> =
                headings[1..].iter().zip(cells).map(|(heading, cell)| format!("{heading}: {cell}")).collect();
            wrapped(&format!("{model}: {}", figures.join("; ")), width, "  ")
        };
        rows.iter().flat_map(row).collect()
    };
    let sentences = advice::sentences(advice);
    let lines = sentences.iter().flat_map(|sentence| wrapped(sentence, width, ""));
    table.into_iter().chain([String::new()]).chain(lines).map(|line| line + "\n").collect()
}

/// Formats the number of claims by kind and verdict, with a line break at the end; empty if there are no claims.
pub fn scoreboard(board: &Scoreboard, width: Option<usize>) -> String {
    scoreboard::plain(board, width.unwrap_or(usize::MAX))
}

/// Whether to use colour in the terminal.
#[derive(Clone, Copy)]
enum TerminalColor {
    None,
    Ansi,
}

impl TerminalColor {
    fn bold(self, text: &str) -> String {
        match self {
            Self::None => text.to_owned(),
            Self::Ansi => format!("\x1b[1m{text}\x1b[0m"),
        }
    }

    /// Colours the model's name, with which a row begins.
    fn name(self, line: &str, family: Family, length: usize) -> String {
        let color = match family {
            Family::Async => 34,
            Family::Threads => 33,
            Family::Hybrid => 32,
            Family::External => 35,
        };
        match (self, line.split_at_checked(length)) {
            (Self::Ansi, Some((name, rest))) => format!("\x1b[{color}m{name}\x1b[0m{rest}"),
            _ => line.to_owned(),
        }
    }
}
