//! A table of text without lines.

use comfy_table::{CellAlignment, Table, presets};

/// Names to the left, figures to the right.
#[derive(Debug)]
pub(super) struct Grid {
    table: Table,
    names: usize,
}

impl Grid {
    /// So many columns of names, and then those of figures.
    pub(super) fn new(names: &[&str], figures: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(names.iter().chain(figures));
        Self { table, names: names.len() }
    }

    /// A row, the names first.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.table.add_row(cells);
    }

    /// Its lines, no blank at their ends.
    pub(super) fn lines(mut self) -> Vec<String> {
        for column in self.table.column_iter_mut().skip(self.names) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        self.table.lines().map(|line| line.trim_end().to_owned()).collect()
    }
}
