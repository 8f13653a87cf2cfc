//! `echo`: what the server does for a request before it answers, and how it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::http1::ServerCodec;
use crate::scenario::HeavySpec;
use crate::workload::{Checksum, Steps};

use super::route::Route;

/// The service behind every server model.
#[derive(Debug, Default)]
pub struct Echo {
    /// What is done for an ordinary request.
    pub steps: Steps,
    /// What is done for `/echo/heavy`, if that is another thing.
    pub heavy: Option<Steps>,
    /// What every answer shows in its `Avt-Nonce` header.
    pub stamp: Option<Arc<str>>,
    wrong: AtomicU64,
}

impl Echo {
    /// A service that does this for ordinary and for heavy requests.
    pub fn new(steps: Steps, heavy: Option<Steps>, stamp: Option<Arc<str>>) -> Self {
        Self { steps, heavy, stamp, wrong: AtomicU64::new(0) }
    }

    /// A codec for one connection.
    pub fn codec(&self) -> ServerCodec {
        ServerCodec::new(self.stamp.clone())
    }

    /// What comes before the answer on this route.
    pub fn steps(&self, route: &Route<'_>) -> &Steps {
        match (route, &self.heavy) {
            (Route::Echo { what }, Some(heavy)) if **what == *HeavySpec::WHAT.as_bytes() => heavy,
            _ => &self.steps,
        }
    }

    /// Counts steps that did not return what they must.
    #[inline]
    pub fn check(&self, steps: &Steps, checksum: Checksum) {
        if checksum != steps.checksum() {
            self.wrong.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many steps did not return what they must.
    pub fn wrong(&self) -> u64 {
        self.wrong.load(Ordering::Relaxed)
    }
}
