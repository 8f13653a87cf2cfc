//! The echo service: the work before each response, and the stamp of the responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::histogram::Histogram;
use crate::http1::ServerCodec;
use crate::scenario::HeavySpec;
use crate::workload::{Checksum, Steps};

use super::route::Route;

/// The service behind every server model.
#[derive(Debug, Default)]
pub struct Echo {
    /// The steps for an ordinary request.
    pub steps: Steps,
    /// The steps for `/echo/heavy`, if they differ.
    pub heavy: Option<Steps>,
    /// The value of the `Avt-Nonce` field of every response.
    pub stamp: Option<Arc<str>>,
    wrong: AtomicU64,
}

impl Echo {
    /// Creates a service with these steps for ordinary and for heavy requests.
    pub fn new(steps: Steps, heavy: Option<Steps>, stamp: Option<Arc<str>>) -> Self {
        Self { steps, heavy, stamp, wrong: AtomicU64::new(0) }
    }

    /// Returns a codec for one connection.
    pub fn codec(&self) -> ServerCodec {
        ServerCodec::new(self.stamp.clone())
    }

    /// Returns the steps before the response on this route.
    pub fn steps(&self, route: &Route<'_>) -> &Steps {
        match (route, &self.heavy) {
            (Route::Echo { what }, Some(heavy)) if **what == *HeavySpec::WHAT.as_bytes() => heavy,
            _ => &self.steps,
        }
    }

    /// Counts a checksum that differs from the expected one of the steps.
    #[inline]
    pub fn check(&self, steps: &Steps, checksum: Checksum) {
        if checksum != steps.checksum() {
            self.wrong.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Forgets the waits for a permit so far.
    pub fn clear_waits(&self) {
        self.steps.shared().clear_waits();
    }

    /// Returns the waits for a permit; `None` if their number is not limited.
    pub fn permit_waits(&self) -> Option<Histogram> {
        self.steps.shared().permit_waits()
    }

    /// Returns the number of wrong checksums.
    pub fn wrong(&self) -> u64 {
        self.wrong.load(Ordering::Relaxed)
    }
}
