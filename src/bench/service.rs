//! A user's own handler behind the servers of every model.

use std::future::Future;

use crate::http1::{Date, Method, Request, Responder, Response, Status};
use crate::service::{Handler, date};
use crate::workload::Pool;

/// The handler of a service, for the blocking models and for the async models. The project's own servers parse the
/// requests and send the responses, so that the models differ only in how they run the handler. A load generator in
/// another process sends requests, as it does to the echo servers of the scenarios.
///
/// ```no_run
/// use std::time::Duration;
///
/// use async_vs_threads::bench::{self, Service, ServiceRequest, ServiceResponse};
/// use async_vs_threads::Pool;
///
/// /// Looks up a user in a slow database.
/// struct Users;
///
/// const QUERY: Duration = Duration::from_millis(2);
///
/// fn page(request: ServiceRequest<'_>) -> ServiceResponse {
///     match request.path.strip_prefix("/users/") {
///         Some(name) => ServiceResponse::ok("text/plain", format!("hello {name}")),
///         None => ServiceResponse::not_found(),
///     }
/// }
///
/// impl Service for Users {
///     fn respond_blocking(&self, request: ServiceRequest<'_>) -> ServiceResponse {
///         std::thread::sleep(QUERY);
///         page(request)
///     }
///
///     async fn respond_async<P: Pool>(&self, request: ServiceRequest<'_>, _pool: &P) -> ServiceResponse {
///         tokio::time::sleep(QUERY).await;
///         page(request)
///     }
/// }
///
/// fn main() -> std::process::ExitCode {
///     bench::main(|b| b.service("users", || Users).get("/users/ada").connections(100).rates([2_000.0]).slo("p99<20ms"))
/// }
/// ```
pub trait Service: Send + Sync + 'static {
    /// Responds on the calling thread, and blocks it until the end.
    fn respond_blocking(&self, request: ServiceRequest<'_>) -> ServiceResponse;

    /// Does the same as a future. Work that would block a thread goes to `pool`.
    fn respond_async<P: Pool>(
        &self,
        request: ServiceRequest<'_>,
        pool: &P,
    ) -> impl Future<Output = ServiceResponse> + Send;
}

/// A request to a service.
///
/// ```
/// use async_vs_threads::bench::ServiceRequest;
///
/// let request = ServiceRequest { method: "GET", path: "/orders/7", query: "limit=10", body: b"" };
/// assert_eq!(request.path.rsplit_once('/'), Some(("/orders", "7")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceRequest<'a> {
    /// The method: `GET`, `HEAD` or `POST`.
    pub method: &'a str,
    /// The path as sent, without the query: printable ASCII.
    pub path: &'a str,
    /// The query as sent, without its `?`; empty if there is none.
    pub query: &'a str,
    /// The body; empty if there is none.
    pub body: &'a [u8],
}

/// The response of a service.
///
/// ```
/// use async_vs_threads::bench::ServiceResponse;
///
/// let found = ServiceResponse::ok("application/json", r#"{"id":7}"#);
/// assert_ne!(found, ServiceResponse::not_found());
/// assert_ne!(found, ServiceResponse::error());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceResponse {
    status: Status,
    content_type: &'static str,
    body: Vec<u8>,
}

impl ServiceResponse {
    /// Returns a response with status 200.
    pub fn ok(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: Status::Ok, content_type, body: body.into() }
    }

    /// Returns a response with status 404, which the load counts as a failed request.
    pub fn not_found() -> Self {
        Self::plain(Status::NotFound)
    }

    /// Returns a response with status 500, which the load counts as a failed request.
    pub fn error() -> Self {
        Self::plain(Status::InternalServerError)
    }

    fn plain(status: Status) -> Self {
        let Response { status, body, .. } = Response::plain(status);
        Self { status, content_type: "text/plain; charset=utf-8", body: body.to_vec() }
    }

    fn send(&self, responder: Responder<'_>) {
        let Self { status, content_type, body } = self;
        responder.send(&Response { content_type, ..Response::text(*status, body) }, &date::now());
    }
}

impl<'a> ServiceRequest<'a> {
    /// Converts a request; `None` for a method that no handler gets.
    fn from_http(request: &Request<'a>) -> Option<Self> {
        let method = match request.method {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            _ => return None,
        };
        // The codec lets only printable ASCII through.
        let target = str::from_utf8(request.target).ok()?;
        let path = str::from_utf8(request.path()).ok()?;
        let query = target.split_once('?').map_or("", |(_, rest)| rest.split('#').next().unwrap_or(""));
        Some(Self { method, path, query, body: request.content.map_or(b"", |content| content.body) })
    }
}

/// A user's service as the servers of all models call it.
pub(super) struct ServiceHandler<S>(pub(super) S);

impl<S: Service> Handler for ServiceHandler<S> {
    fn respond_blocking(&self, request: &Request<'_>, responder: Responder<'_>, _received: &Date) {
        let response = ServiceRequest::from_http(request)
            .map_or_else(|| ServiceResponse::plain(Status::NotImplemented), |request| self.0.respond_blocking(request));
        response.send(responder);
    }

    async fn respond_async<P: Pool>(
        &self,
        request: &Request<'_>,
        responder: Responder<'_>,
        _received: &Date,
        pool: &P,
    ) {
        let response = match ServiceRequest::from_http(request) {
            Some(request) => self.0.respond_async(request, pool).await,
            None => ServiceResponse::plain(Status::NotImplemented),
        };
        response.send(responder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_gets_path_query_and_body() {
        for (method, target, expected) in [
            (Method::Get, "/orders/7?limit=10", Some(("GET", "/orders/7", "limit=10"))),
            (Method::Post, "/", Some(("POST", "/", ""))),
            (Method::Get, "http://localhost/a?b?c", Some(("GET", "/a", "b?c"))),
            (Method::Options, "*", None),
        ] {
            let request = Request { method, target: target.as_bytes(), content: None };
            let found = ServiceRequest::from_http(&request).map(|found| (found.method, found.path, found.query));
            assert_eq!(found, expected, "{target}");
        }
    }
}
