//! The kind of pass that a trial is.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// The kind of pass that a trial is: one of the measured rounds, or the extra one whose lanes are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pass {
    /// The measured trial of this round, from 1.
    Round(NonZeroU32),
    /// The trial whose lanes are recorded; it measures nothing else.
    Lanes,
}

impl Pass {
    /// Returns the number of the round, from 1; `None` for the trial whose lanes are recorded.
    pub fn round(self) -> Option<u32> {
        match self {
            Self::Round(round) => Some(round.get()),
            Self::Lanes => None,
        }
    }

    /// Returns the passes of this many rounds, in order.
    pub fn rounds(rounds: u32) -> impl Iterator<Item = Self> {
        (1..=rounds).filter_map(NonZeroU32::new).map(Self::Round)
    }
}

/// Writes `round 3` or `lanes`.
impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Round(round) => write!(f, "round {round}"),
            Self::Lanes => f.write_str("lanes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_count_from_one() {
        let json: Vec<String> =
            Pass::rounds(2).chain([Pass::Lanes]).map(|pass| serde_json::to_string(&pass).unwrap()).collect();
        assert_eq!(json, [r#"{"round":1}"#, r#"{"round":2}"#, r#""lanes""#]);
        assert!(serde_json::from_str::<Pass>(r#"{"round":0}"#).is_err());
        assert_eq!(Pass::rounds(2).map(Pass::round).collect::<Vec<_>>(), [Some(1), Some(2)]);
    }
}
