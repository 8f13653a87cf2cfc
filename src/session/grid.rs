//! A table of text without ruling lines.

use crate::text::{columns, wrapped};

/// A table with names on the left and figures on the right.
#[derive(Debug)]
pub(crate) struct Grid {
    /// Rows of cells, the headings first.
    rows: Vec<Vec<String>>,
    names: usize,
}

/// The width above which a column's cells are broken between words if the table is too wide.
const TEXT: usize = 24;

/// Blanks left and right of a cell, in total.
const PADDING: usize = 2;

impl Grid {
    /// Creates a table with these headings: the columns of names, then those of figures.
    pub(crate) fn new(names: &[&str], figures: &[&str]) -> Self {
        let headings = names.iter().chain(figures).map(|heading| (*heading).to_owned());
        Self { rows: vec![headings.collect()], names: names.len() }
    }

    /// Adds a row, the names first.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Returns the lines of the table, each at most `most` columns wide and without trailing blanks. A table that is
    /// too wide is split into several, one below the other, each with the names and as many figures as fit.
    pub(crate) fn lines(&self, most: usize) -> Vec<String> {
        let content = |column: usize| self.rows.iter().map(|row| columns(&row[column])).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.rows[0].len()).map(content).collect();
        let (names, figures) = widths.split_at(self.names);
        // Long names must leave room for figures.
        let longest_name = match names.iter().map(|width| width + PADDING).sum::<usize>() + TEXT / 2 {
            needed if needed <= most => usize::MAX,
            _ => (most.saturating_sub(TEXT) / self.names.max(1)).max(4),
        };
        let names: Vec<usize> = names.iter().map(|width| (*width).min(longest_name)).collect();
        let available = most.saturating_sub(names.iter().map(|width| width + PADDING).sum());
        let mut lines = Vec::new();
        let mut next = 0;
        while next < figures.len() {
            let block = block(&figures[next..], available);
            if next > 0 {
                lines.push(String::new());
            }
            for row in &self.rows {
                let (of_names, of_figures) = row.split_at(self.names);
                let cells = of_names.iter().zip(&names).map(|(cell, width)| (cell, *width, Side::Left));
                let shown = of_figures[next..].iter().zip(&block);
                lines.extend(row_lines(cells.chain(shown.map(|(cell, width)| (cell, *width, Side::Right)))));
            }
            next += block.len();
        }
        lines
    }
}

/// Returns the widths of the leading columns that fit into `available`, at least one.
fn block(figures: &[usize], available: usize) -> Vec<usize> {
    let least = |width: usize| width.min(TEXT) + PADDING;
    let mut taken = 0;
    let fits = |width: &&usize| {
        taken += least(**width);
        taken <= available
    };
    let count = figures.iter().take_while(fits).count().max(1);
    let mut left = available.saturating_sub(figures[..count].iter().map(|width| least(*width)).sum());
    let widened = |width: &usize| {
        let more = (width - width.min(&TEXT)).min(left);
        left -= more;
        (width.min(&TEXT) + more).min(available.saturating_sub(PADDING).max(4))
    };
    figures[..count].iter().map(widened).collect()
}

#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// Formats one row; a cell that is wider than its column takes several lines.
fn row_lines<'a>(cells: impl Iterator<Item = (&'a String, usize, Side)>) -> Vec<String> {
    let cells: Vec<(Vec<String>, usize, Side)> =
        cells.map(|(cell, width, side)| (in_column(cell, width), width, side)).collect();
    let height = cells.iter().map(|(lines, ..)| lines.len()).max().unwrap_or(0);
    let line = |nth: usize| {
        let mut line = String::new();
        for (lines, width, side) in &cells {
            let text = lines.get(nth).map_or("", String::as_str);
            let blanks = " ".repeat(width.saturating_sub(columns(text)));
            match side {
                // Cells of several lines are aligned left.
                Side::Right if lines.len() < 2 => line.extend([" ", &blanks, text, " "]),
                _ => line.extend([" ", text, &blanks, " "]),
            }
        }
        line.trim_end().to_owned()
    };
    (0..height).map(line).collect()
}

/// Returns the lines of a cell. A cell that fits in one line keeps its indent.
fn in_column(cell: &str, width: usize) -> Vec<String> {
    if columns(cell) <= width { vec![cell.to_owned()] } else { wrapped(cell, width, "") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new(&["model", "figure"], &["before", "after", "verdict"]);
        let row = ["async", "p99", "1.00 ms", "1.20 ms", "no verdict: two runs of the same thing differ by up to 22 %"];
        grid.row(row.map(str::to_owned));
        grid.row(["待機", "wall", "10", "9", "better"].map(str::to_owned));
        grid
    }

    #[test]
    fn a_grid_that_fits_is_printed_as_a_table() {
        assert_eq!(
            grid().lines(200)[..2],
            [
                " model  figure   before    after                                                      verdict",
                " async  p99     1.00 ms  1.20 ms  no verdict: two runs of the same thing differ by up to 22 %",
            ]
        );
    }

    #[test]
    fn a_grid_that_does_not_fit_loses_no_text() {
        for most in [20, 30, 44, 60, 80, 200] {
            let lines = grid().lines(most);
            assert!(lines.iter().all(|line| columns(line) <= most), "{most}: {lines:#?}");
            if most == 20 {
                // Cells with several words are broken between words.
                continue;
            }
            let text = lines.join(" ");
            let words = ["1.00", "1.20", "before", "after", "verdict:", "differ", "22", "better", "待機", "wall"];
            assert!(words.iter().all(|word| text.contains(word)), "{most}: {lines:#?}");
        }
    }
}
