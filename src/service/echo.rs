//! The echo service: the work before each response.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::histogram::Histogram;
use crate::http1::{Date, Request, Responder};
use crate::scenario::HeavySpec;
use crate::workload::{Checksum, Pool, Steps};

use super::route::{Route, route};
use super::{Handler, date};

/// The service behind every server model.
#[derive(Debug, Default)]
pub struct Echo {
    /// The steps for an ordinary request.
    pub steps: Steps,
    /// The steps for `/echo/heavy`, if they differ.
    pub heavy: Option<Steps>,
    wrong: AtomicU64,
}

impl Echo {
    /// Creates a service with these steps for ordinary and for heavy requests.
    pub fn new(steps: Steps, heavy: Option<Steps>) -> Self {
        Self { steps, heavy, wrong: AtomicU64::new(0) }
    }

    /// Returns the steps before the response on this route.
    fn steps(&self, route: &Route<'_>) -> &Steps {
        match (route, &self.heavy) {
            (Route::Echo { what }, Some(heavy)) if **what == *HeavySpec::WHAT.as_bytes() => heavy,
            _ => &self.steps,
        }
    }

    /// Counts a checksum that differs from the expected one of the steps.
    #[inline]
    fn check(&self, steps: &Steps, checksum: Checksum) {
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

impl Handler for Echo {
    #[inline]
    fn respond_blocking(&self, request: &Request<'_>, responder: Responder<'_>, received: &Date) {
        let route = route(request);
        let steps = self.steps(&route);
        self.check(steps, steps.run_blocking());
        route.respond(responder, &if steps.is_empty() { *received } else { date::now() });
    }

    #[inline]
    async fn respond_async<P: Pool>(&self, request: &Request<'_>, responder: Responder<'_>, received: &Date, pool: &P) {
        let route = route(request);
        let steps = self.steps(&route);
        self.check(steps, steps.run_async(pool).await);
        route.respond(responder, &if steps.is_empty() { *received } else { date::now() });
    }
}
