//! A typical client: reqwest, with one `Client` per connection.
//!
//! A shared `Client` would not work: its pool races an idle connection against a new one (hyperium/hyper#4134), so the
//! number of connections would differ from the scenario's.
//!
//! This client judges responses like the raw client, as far as reqwest allows. reqwest hides bare line feeds, empty
//! lines before the head, and how much of a head had arrived when the connection ended. It also hides when it replaces
//! a connection that the server closed before the request was sent, and whether a request that timed out had a
//! connection.

mod failure;
mod port;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Method, Request, Url, Version};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, yield_now};
use tokio::time::timeout;

use crate::http1::check_head;

use super::client::{Client, ClientEvent, ExpectedResponse, ReceivedResponse, RequestTemplate};
use super::request_error::RequestError;
use super::turns::Turns;
use super::{Endpoint, LoadPlan, clock};

use failure::{Phase, RequestFailure};
use port::KeptPort;

/// Twice the resolution of the runtime's timer, which counts whole milliseconds and rounds up.
const TICK: Duration = Duration::from_millis(2);

/// The connections of one generator thread. Each request is a task on a runtime that runs while the thread waits for
/// events.
#[derive(Debug)]
pub(super) struct ReqwestClient {
    runtime: LocalRuntime,
    factory: ClientFactory,
    shared: Rc<ReqwestShared>,
    turns: Turns,
    connections: Vec<ReqwestConnection>,
    has_waited: bool,
    /// The time-out for connecting, and then for the first response.
    timeout: Duration,
    kept_port: KeptPort,
}

/// One connection: a client that keeps at most one, created on first use, and the request in flight.
#[derive(Debug, Default)]
struct ReqwestConnection {
    client: Option<reqwest::Client>,
    pending: Option<AbortHandle>,
    /// Whether the server has answered on the connection and keeps it open.
    has_served: Rc<Cell<bool>>,
}

/// The settings from which clients are created.
#[derive(Debug)]
struct ClientFactory {
    server: Endpoint,
    /// The time-out for connecting.
    timeout: Duration,
    /// The server's name in HTTPS.
    name: Option<String>,
    #[cfg(feature = "tls")]
    tls: rustls::ClientConfig,
}

/// The state that all connections share.
#[derive(Debug)]
struct ReqwestShared {
    server: Endpoint,
    /// The plan's requests, ready to be sent.
    requests: Vec<Result<Request, RequestError>>,
    to_head: bool,
    stamp: Option<Arc<str>>,
    expected: Option<ExpectedResponse>,
    /// The events so far, and the notification that there is a new one.
    inbox: RefCell<VecDeque<(usize, ClientEvent)>>,
    bell: Notify,
}

impl Client for ReqwestClient {
    /// [`open`](Self::open) has its own time-out and always ends with an event.
    const GRACE: u64 = 1_000_000_000;

    fn new(plan: &LoadPlan, connections: u32) -> io::Result<Self> {
        let shared = ReqwestShared {
            server: plan.server.clone(),
            to_head: plan.request.method == "HEAD",
            requests: plan.requests().map(|(template, target)| build(plan, template, target)).collect(),
            stamp: plan.stamp.clone(),
            expected: plan.expected.clone(),
            inbox: RefCell::default(),
            bell: Notify::new(),
        };
        Ok(Self {
            runtime: Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?,
            factory: ClientFactory::new(plan).map_err(io::Error::other)?,
            shared: Rc::new(shared),
            turns: Turns::new(plan),
            connections: (0..connections).map(|_| ReqwestConnection::default()).collect(),
            has_waited: false,
            timeout: plan.timeout,
            kept_port: KeptPort::new(&plan.server),
        })
    }

    /// Opens a connection by one request before all counted ones, since reqwest connects on its first request. The
    /// connection counts as open whatever the response is: a faulty response recurs in the counted requests.
    fn open(&mut self, k: usize) {
        let pending = self.send_next(k, false, None);
        let answered_until = self.timeout + 2 * TICK;
        self.spawn(k, async move {
            match timeout(answered_until, pending).await {
                Ok(Err(RequestFailure { error, is_connect: true })) => ClientEvent::Failed(error),
                // If connecting had exceeded the time-out, it would have failed before this.
                Ok(_) | Err(_) => ClientEvent::Opened,
            }
        });
    }

    fn send(&mut self, k: usize, heavy: bool, number: Option<u64>) {
        let pending = self.send_next(k, heavy, number);
        self.spawn(k, async move {
            pending.await.map_or_else(|failure| ClientEvent::Failed(failure.error), ClientEvent::Answered)
        });
    }

    fn close(&mut self, k: usize) {
        let ReqwestConnection { pending, .. } = std::mem::take(&mut self.connections[k]);
        if let Some(pending) = pending {
            pending.abort();
        }
        self.shared.inbox.borrow_mut().retain(|(other, _)| *other != k);
    }

    fn next(&mut self, until: u64) -> Option<(usize, ClientEvent)> {
        self.has_waited = false;
        if self.shared.inbox.borrow().is_empty() {
            let left = until.saturating_sub(clock::now());
            match Duration::from_nanos(left).checked_sub(TICK) {
                // The events are in the inbox, so a notification and a time-out lead to the same check.
                Some(early) => {
                    self.has_waited = true;
                    drop(self.runtime.block_on(async { timeout(early, self.shared.bell.notified()).await }));
                }
                // The calling loop has the more precise clock: run every ready task once and return to the loop.
                None => self.runtime.block_on(yield_now()),
            }
        }
        let found = self.shared.inbox.borrow_mut().pop_front();
        match found {
            Some((k, ClientEvent::Failed(_))) => {
                self.connections[k] = ReqwestConnection::default();
                self.kept_port.keep();
            }
            // reqwest may still consider such a connection reusable.
            Some((k, ClientEvent::Opened)) if !self.connections[k].has_served.get() => {
                self.connections[k] = ReqwestConnection::default();
            }
            _ => {}
        }
        found
    }

    fn has_waited(&self) -> bool {
        self.has_waited
    }
}

impl ReqwestClient {
    /// Sends the next request on a connection.
    fn send_next(
        &mut self,
        k: usize,
        heavy: bool,
        number: Option<u64>,
    ) -> impl Future<Output = Result<ReceivedResponse, RequestFailure>> + use<> {
        let connection = &mut self.connections[k];
        let client = connection.client.get_or_insert_with(|| self.factory.make()).clone();
        let (shared, has_served) = (Rc::clone(&self.shared), Rc::clone(&connection.has_served));
        let request = self.turns.next(heavy, number);
        async move { send(&client, &shared, request, &has_served).await }
    }

    /// Runs a future for a connection. The future's output is the connection's next event.
    fn spawn(&mut self, k: usize, doing: impl Future<Output = ClientEvent> + 'static) {
        let shared = Rc::clone(&self.shared);
        let pending = self.runtime.spawn_local(async move {
            let event = doing.await;
            shared.inbox.borrow_mut().push_back((k, event));
            shared.bell.notify_one();
        });
        self.connections[k].pending = Some(pending.abort_handle());
    }
}

impl ClientFactory {
    fn new(plan: &LoadPlan) -> Result<Self, String> {
        Ok(Self {
            server: plan.server.clone(),
            timeout: plan.timeout,
            name: plan.secure.as_ref().map(|secure| secure.name.clone()),
            #[cfg(feature = "tls")]
            tls: super::tls::config(plan.secure.as_ref())?,
        })
    }

    /// Creates a client that keeps one connection.
    fn make(&self) -> reqwest::Client {
        let builder = reqwest::Client::builder().no_proxy().http1_only().tcp_nodelay(true).pool_max_idle_per_host(1);
        let builder = builder.connect_timeout(self.timeout);
        let builder = match (&self.server, &self.name) {
            (Endpoint::Tcp(address), Some(name)) => builder.resolve(name, *address),
            (Endpoint::Tcp(_), None) => builder,
            (Endpoint::Unix(path), _) => builder.unix_socket(path.as_path()),
        };
        #[cfg(feature = "tls")]
        let builder = builder.tls_backend_preconfigured(self.tls.clone());
        builder
            .redirect(Policy::none())
            .build()
            .expect("a client with ready TLS and without a proxy can always be built")
    }
}

async fn send(
    client: &reqwest::Client,
    shared: &ReqwestShared,
    request: usize,
    has_served: &Cell<bool>,
) -> Result<ReceivedResponse, RequestFailure> {
    let request =
        shared.requests[request].as_ref().map_err(|error| RequestFailure { error: *error, is_connect: true })?;
    let request = request.try_clone().expect("a request whose body is not a stream can be cloned");
    let phase = if has_served.replace(false) { Phase::NextHead } else { Phase::FirstHead };
    let failed = |error: reqwest::Error, phase| RequestFailure::from_reqwest(&error, &shared.server, phase);
    let mut response = client.execute(request).await.map_err(|error| failed(error, phase))?;
    let status = response.status().as_u16();
    let fields = response.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let is_http11 = response.version() == Version::HTTP_11;
    let is_kept_alive = check_head(status, is_http11, fields, shared.stamp.as_deref(), shared.to_head);
    let is_kept_alive = is_kept_alive.map_err(|error| RequestFailure::from(RequestError::from(error)))?;
    let mut search = shared.expected.as_ref().and_then(ExpectedResponse::search);
    let mut bytes = 0;
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(error, Phase::Body))? {
        bytes += chunk.len() as u64;
        if let Some(search) = &mut search {
            search.read(&chunk);
        }
    }
    has_served.set(is_kept_alive);
    // reqwest reports neither when it connects nor bytes that follow a response.
    let has_text = search.is_none_or(|search| search.has_found());
    Ok(ReceivedResponse { status, has_text, bytes, sent: None, has_surplus: false })
}

fn build(plan: &LoadPlan, template: &RequestTemplate, target: &str) -> Result<Request, RequestError> {
    let url = match (&plan.server, &plan.secure) {
        (Endpoint::Tcp(address), None) => format!("http://{address}{target}"),
        (Endpoint::Tcp(address), Some(secure)) => {
            format!("https://{}:{}{target}", secure.name, address.port())
        }
        // Requests go to the socket whatever host the URL names; the Host field is set separately.
        (Endpoint::Unix(_), None) => format!("http://localhost{target}"),
        (Endpoint::Unix(_), Some(secure)) => format!("https://{}{target}", secure.name),
    };
    let url = Url::parse(&url).map_err(|_| RequestError::Other("invalid_url"))?;
    let method = Method::from_bytes(template.method.as_bytes()).map_err(|_| RequestError::Other("invalid_method"))?;
    let mut request = Request::new(method, url);
    let fields = template.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in fields.chain([("host", template.authority.as_str())]) {
        let name = name.parse::<HeaderName>().map_err(|_| RequestError::Other("invalid_header"))?;
        let value = value.parse().map_err(|_| RequestError::Other("invalid_header"))?;
        request.headers_mut().append(name, value);
    }
    if !template.body.is_empty() {
        *request.body_mut() = Some(template.body.clone().into());
    } else if matches!(template.method.as_str(), "POST" | "PUT" | "PATCH") {
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok(request)
}

/// Returns the target as reqwest sends it: reqwest removes dot segments and escapes `'` in queries.
pub fn normalize_target(target: &str) -> String {
    let Ok(url) = Url::parse(&format!("http://host{target}")) else { return target.to_owned() };
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{query}", url.path())
}
