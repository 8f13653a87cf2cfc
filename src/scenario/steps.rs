//! The steps of a job, with every length decided.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::{self, as_nanos};

/// The steps of a job: it takes a permit, waits, holds the lock, makes its blocking call, computes, and returns the
/// permit. A step of zero length is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepsSpec {
    /// A wait that an async model can await.
    #[serde(with = "as_nanos")]
    pub wait: Duration,
    /// A call that holds its thread without using a CPU.
    #[serde(with = "as_nanos")]
    pub block: Duration,
    /// CPU work: as many iterations as an idle machine does in this time.
    #[serde(with = "as_nanos")]
    pub compute: Duration,
    /// CPU work while the job holds a lock that all jobs share.
    #[serde(with = "as_nanos")]
    pub lock: Duration,
    /// The lock of an async model. The thread models always use the lock of std.
    pub lock_kind: LockKind,
    /// Whether the lock is held during the wait as well.
    pub lock_scope: LockScope,
    /// The number of permits that all jobs share, one of which a job holds during all its steps; `None` for no limit.
    pub permits: Option<u32>,
}

/// The kind of the lock that all jobs share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockKind {
    /// `std::sync::Mutex`: a job that waits for it holds its thread.
    #[default]
    Std,
    /// `tokio::sync::Mutex`: a job that waits for it yields its thread.
    Tokio,
}

impl LockKind {
    /// The words of the key `lock_kind`.
    pub(super) const NAMES: &[&str] = &["std", "tokio"];
}

/// The steps during which a job holds the lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockScope {
    /// Only its own step.
    #[default]
    Step,
    /// The wait before it as well, as a guard does that lives across an `await`.
    Wait,
}

impl LockScope {
    /// The words of the key `lock_scope`.
    pub(super) const NAMES: &[&str] = &["step", "wait"];
}

impl StepsSpec {
    /// Returns how long one job takes on a machine of its own.
    pub fn alone(&self) -> Duration {
        self.wait + self.lock + self.block + self.compute
    }

    /// Returns for how long one job excludes all others, because it holds the lock.
    pub fn exclusive(&self) -> Duration {
        match (self.lock.is_zero(), self.lock_scope) {
            (true, _) => Duration::ZERO,
            (false, LockScope::Step) => self.lock,
            (false, LockScope::Wait) => self.wait + self.lock,
        }
    }

    /// Returns the steps as text: `wait 100ms, compute 2ms`; `nothing` without a step.
    pub fn in_words(&self) -> String {
        let steps = [("wait", self.wait), ("lock", self.lock), ("block", self.block), ("compute", self.compute)];
        let mut words: Vec<String> = steps
            .iter()
            .filter(|(_, length)| !length.is_zero())
            .map(|(step, length)| format!("{step} {}", units::exact(*length)))
            .collect();
        if self.lock_scope == LockScope::Wait && !self.lock.is_zero() {
            words.push("the lock held during the wait".into());
        }
        words.extend(self.permits.map(|permits| units::counted(permits.into(), "permit", "permits")));
        if words.is_empty() { "nothing".into() } else { words.join(", ") }
    }
}
