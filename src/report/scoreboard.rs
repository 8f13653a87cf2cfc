//! Renders the scoreboard, the number of reproduced claims, as a sentence and as rows of a table.

use super::wording;
use crate::analysis::Scoreboard;
use crate::analysis::claims::ClaimVerdict;
use crate::scenario::ClaimKind;
use crate::text;
use crate::units;

/// States the number of claims by verdict, those that could have failed apart from the checks of the harness:
/// `8 published claims and 6 predictions: 12 reproduced, 2 refuted. 9 checks of the harness: 9 reproduced.`
pub(super) fn sentence(board: &Scoreboard) -> String {
    let (checks, could_fail): (Vec<_>, Vec<_>) = board.kinds().partition(|kind| kind.is_check_of_harness());
    let names: Vec<String> = could_fail.iter().map(|kind| counted(board.all_of(*kind), *kind)).collect();
    let n_checks = checks.iter().map(|kind| board.all_of(*kind)).sum();
    // Arithmetic and definitions share one noun.
    let all = [(names.join(" and "), could_fail), (counted(n_checks, ClaimKind::Arithmetic), checks)];
    let shown = all.into_iter().filter(|(_, kinds)| !kinds.is_empty());
    let mut sentences: Vec<String> =
        shown.map(|(what, kinds)| format!("{what}: {}.", verdicts(board, &kinds))).collect();
    if board.refuted_again() > 0 {
        let one = "refuted claim was refuted before, as its scenario states.";
        let many = "refuted claims were refuted before, as their scenarios state.";
        sentences.push(units::counted(board.refuted_again(), one, many));
    }
    sentences.join(" ")
}

/// Formats a number of claims of a kind: `1 prediction`, `9 checks of the harness`.
fn counted(count: u64, kind: ClaimKind) -> String {
    let [one, many] = match kind {
        ClaimKind::Published => ["published claim", "published claims"],
        ClaimKind::Prediction => ["prediction", "predictions"],
        ClaimKind::Arithmetic | ClaimKind::Definition => ["check of the harness", "checks of the harness"],
    };
    units::counted(count, one, many)
}

/// Returns the number of claims by verdict: `12 reproduced, 2 refuted`.
fn verdicts(board: &Scoreboard, kinds: &[ClaimKind]) -> String {
    let count = |verdict| kinds.iter().map(|kind| board.count(*kind, verdict)).sum();
    wording::counted(&ClaimVerdict::ALL.map(|verdict| (count(verdict), verdict.word()))).join(", ")
}

/// Returns the headings of the table.
pub(super) fn headings() -> [&'static str; 4] {
    let [reproduced, inconclusive, refuted] = ClaimVerdict::ALL.map(ClaimVerdict::word);
    ["claims", reproduced, inconclusive, refuted]
}

/// Returns a row for each kind that has claims: its name and the number of claims by verdict.
pub(super) fn rows(board: &Scoreboard) -> Vec<[String; 4]> {
    let row = |kind: ClaimKind| {
        let [reproduced, inconclusive, refuted] =
            ClaimVerdict::ALL.map(|verdict| units::count(board.count(kind, verdict)));
        [kind.name().to_owned(), reproduced, inconclusive, refuted]
    };
    board.kinds().map(row).collect()
}

/// Renders the table as plain text, or one line per kind if it is too wide; empty if there are no claims.
pub(super) fn plain(board: &Scoreboard, width: usize) -> String {
    let rows = rows(board);
    if rows.is_empty() {
        return String::new();
    }
    let headings = headings().map(str::to_owned);
    let lines: Vec<&[String; 4]> = std::iter::once(&headings).chain(&rows).collect();
    let widths: [usize; 4] =
        std::array::from_fn(|column| lines.iter().map(|line| text::columns(&line[column])).max().unwrap_or(0));
    let line = |[name, counts @ ..]: &[String; 4]| {
        let counts: String =
            counts.iter().zip(&widths[1..]).map(|(count, width)| format!("  {count:>width$}")).collect();
        format!("{name:<0$}{counts}\n", widths[0])
    };
    let table: String = lines.into_iter().map(line).collect();
    if table.lines().all(|line| text::columns(line) <= width) {
        return table;
    }
    let lines = board.kinds().map(|kind| format!("{}: {}", kind.name(), verdicts(board, &[kind])));
    lines.flat_map(|line| text::wrapped(&line, width, "  ")).map(|line| line + "\n").collect()
}
