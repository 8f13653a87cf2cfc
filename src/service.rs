//! The service behind the servers of every model: routing, the work before a response, and its date.

pub mod date;
#[cfg(feature = "cli")]
pub mod echo;
pub mod route;

use std::future::Future;

use crate::http1::{Date, Request, Responder};
use crate::workload::Pool;

/// Responds to the requests of a server, once for blocking threads and once for async tasks.
pub trait Handler: Send + Sync + 'static {
    /// Responds on the calling thread. `received` is the date when the request was read, which serves as the response's
    /// date unless work came between.
    fn respond_blocking(&self, request: &Request<'_>, responder: Responder<'_>, received: &Date);

    /// Does the same as a future. Work that would block a thread goes to `pool`.
    fn respond_async<P: Pool>(
        &self,
        request: &Request<'_>,
        responder: Responder<'_>,
        received: &Date,
        pool: &P,
    ) -> impl Future<Output = ()> + Send;
}
