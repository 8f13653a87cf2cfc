//! Counts claims by kind and verdict; claims that could have failed are apart from checks of the harness.

use super::claims::{ClaimVerdict, JudgedClaim};
use crate::scenario::ClaimKind;

/// The number of claims of a run or a scenario by kind and verdict. A claim counts once for each model and point it is
/// about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scoreboard {
    /// The counts: a row per kind and a column per verdict, in the orders of [`ClaimKind::ALL`] and
    /// [`ClaimVerdict::ALL`].
    counts: [[u64; ClaimVerdict::ALL.len()]; ClaimKind::ALL.len()],
    /// The number of refuted claims that were refuted before, according to the scenario.
    refuted_again: u64,
}

impl Scoreboard {
    /// Counts judged claims.
    pub(super) fn from_claims<'a>(claims: impl IntoIterator<Item = &'a JudgedClaim<'a>>) -> Self {
        let mut board = Self::default();
        for judged in claims {
            board.counts[judged.claim.kind as usize][judged.verdict as usize] += 1;
            let is_known = judged.verdict == ClaimVerdict::Refuted && judged.claim.refuted_before.is_some();
            board.refuted_again += u64::from(is_known);
        }
        board
    }

    /// Returns the number of claims of this kind with this verdict.
    pub fn count(&self, kind: ClaimKind, verdict: ClaimVerdict) -> u64 {
        self.counts[kind as usize][verdict as usize]
    }

    /// Returns the number of claims of this kind.
    pub fn all_of(&self, kind: ClaimKind) -> u64 {
        self.counts[kind as usize].iter().sum()
    }

    /// Returns the number of claims of all kinds with this verdict.
    pub fn total(&self, verdict: ClaimVerdict) -> u64 {
        ClaimKind::ALL.into_iter().map(|kind| self.count(kind, verdict)).sum()
    }

    /// Returns the number of refuted claims that were refuted before, according to their scenarios.
    pub fn refuted_again(&self) -> u64 {
        self.refuted_again
    }

    /// Iterates over the kinds that have claims, those that could have failed first.
    pub fn kinds(&self) -> impl Iterator<Item = ClaimKind> {
        ClaimKind::ALL.into_iter().filter(|kind| self.all_of(*kind) > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_counted_by_kind_and_verdict() {
        use ClaimKind::{Arithmetic, Prediction, Published};
        use ClaimVerdict::{Inconclusive, Refuted, Reproduced};
        let board = Scoreboard { counts: [[3, 0, 1], [0, 2, 0], [0, 0, 0], [4, 0, 0]], refuted_again: 1 };
        assert_eq!(board.kinds().collect::<Vec<_>>(), [Published, Prediction, ClaimKind::Definition]);
        assert_eq!((board.count(Published, Refuted), board.count(Prediction, Inconclusive)), (1, 2));
        assert_eq!((board.all_of(Published), board.all_of(Arithmetic)), (4, 0));
        assert_eq!([Reproduced, Inconclusive, Refuted].map(|verdict| board.total(verdict)), [7, 2, 1]);
        assert_eq!(Scoreboard::from_claims([]), Scoreboard::default());
    }

    #[test]
    fn kinds_and_verdicts_are_listed_in_declaration_order() {
        for (place, kind) in ClaimKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
        }
        for (place, verdict) in ClaimVerdict::ALL.into_iter().enumerate() {
            assert_eq!(verdict as usize, place);
        }
    }
}
