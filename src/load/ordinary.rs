//! What an ordinary client costs: reqwest, one `Client` a connection.
//!
//! A shared `Client` would not do: its pool races an idle connection against a new one (hyperium/hyper#4134), so that
//! the number of connections would not be the scenario's.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Method, Request};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, yield_now};
use tokio::time::timeout;

use super::client::{Answer, Client, Event, Question};
use super::trouble::Trouble;
use super::turns::Turns;
use super::{Endpoint, Plan, clock};

/// The runtime's timer counts whole milliseconds and rounds up.
const TICK: Duration = Duration::from_millis(2);

/// All connections of a generator thread: a task for each question, on a runtime that runs while events are waited for.
#[derive(Debug)]
pub(super) struct ReqwestClient {
    runtime: LocalRuntime,
    maker: Maker,
    shared: Rc<Shared>,
    turns: Turns,
    connections: Vec<Connection>,
    has_waited: bool,
}

/// A client that keeps at most one connection, once it is asked for; and the question under way.
#[derive(Debug, Default)]
struct Connection {
    client: Option<reqwest::Client>,
    asking: Option<AbortHandle>,
}

/// How a client is made.
#[derive(Debug)]
struct Maker {
    server: Endpoint,
    /// The name under which HTTPS knows it.
    name: Option<String>,
    #[cfg(feature = "tls")]
    tls: rustls::ClientConfig,
}

/// What is the same for all connections.
#[derive(Debug)]
struct Shared {
    /// The plan's requests, ready to be sent.
    requests: Vec<Result<Request, Trouble>>,
    stamp: Option<Arc<str>>,
    /// What has happened, and the bell that is rung when it does.
    inbox: RefCell<VecDeque<(usize, Event)>>,
    bell: Notify,
}

impl Client for ReqwestClient {
    const NOT_OPENED: Trouble = Trouble::Other("no answer to the first request, with which reqwest connects");

    fn new(plan: &Plan, connections: u32) -> io::Result<Self> {
        let shared = Shared {
            requests: plan.requests().map(|(question, target)| build(plan, question, target)).collect(),
            stamp: plan.stamp.clone(),
            inbox: RefCell::default(),
            bell: Notify::new(),
        };
        Ok(Self {
            runtime: Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?,
            maker: Maker::new(plan).map_err(io::Error::other)?,
            shared: Rc::new(shared),
            turns: Turns::new(plan),
            connections: (0..connections).map(|_| Connection::default()).collect(),
            has_waited: false,
        })
    }

    /// reqwest connects when it is first asked, so it is asked once, ahead of all that is counted.
    fn open(&mut self, k: usize) {
        self.spawn(k, false, |_| Event::Opened);
    }

    fn ask(&mut self, k: usize, heavy: bool) {
        self.spawn(k, heavy, Event::Answered);
    }

    fn close(&mut self, k: usize) {
        let Connection { client: _, asking } = std::mem::take(&mut self.connections[k]);
        if let Some(asking) = asking {
            asking.abort();
        }
        self.shared.inbox.borrow_mut().retain(|(told, _)| *told != k);
    }

    fn next(&mut self, until: u64) -> Option<(usize, Event)> {
        self.has_waited = false;
        if self.shared.inbox.borrow().is_empty() {
            let left = until.saturating_sub(clock::now());
            match Duration::from_nanos(left).checked_sub(TICK) {
                // What it rings for is in the inbox; a time-out is as good.
                Some(early) => {
                    self.has_waited = true;
                    drop(self.runtime.block_on(async { timeout(early, self.shared.bell.notified()).await }));
                }
                // The loop that asks has the better clock: let every task have its turn, and it look.
                None => self.runtime.block_on(yield_now()),
            }
        }
        let found = self.shared.inbox.borrow_mut().pop_front();
        if let Some((k, Event::Failed(_))) = found {
            self.connections[k] = Connection::default();
        }
        found
    }

    fn has_waited(&self) -> bool {
        self.has_waited
    }
}

impl ReqwestClient {
    fn spawn(&mut self, k: usize, heavy: bool, end: fn(Answer) -> Event) {
        let connection = &mut self.connections[k];
        let client = connection.client.get_or_insert_with(|| self.maker.make()).clone();
        let shared = Rc::clone(&self.shared);
        let request = self.turns.next(heavy);
        let asking = self.runtime.spawn_local(async move {
            let event = ask(&client, &shared, request).await.map_or_else(Event::Failed, end);
            shared.inbox.borrow_mut().push_back((k, event));
            shared.bell.notify_one();
        });
        connection.asking = Some(asking.abort_handle());
    }
}

impl Maker {
    fn new(plan: &Plan) -> Result<Self, String> {
        Ok(Self {
            server: plan.server.clone(),
            name: plan.secure.as_ref().map(|secure| secure.name.clone()),
            #[cfg(feature = "tls")]
            tls: super::tls::config(plan.secure.as_ref())?,
        })
    }

    /// A client that keeps one connection.
    fn make(&self) -> reqwest::Client {
        let builder = reqwest::Client::builder().no_proxy().http1_only().tcp_nodelay(true).pool_max_idle_per_host(1);
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
            .expect("a client whose TLS is ready and that has no proxy needs nothing")
    }
}

async fn ask(client: &reqwest::Client, shared: &Shared, request: usize) -> Result<Answer, Trouble> {
    let request = shared.requests[request].as_ref().map_err(|trouble| *trouble)?;
    let request = request.try_clone().expect("its body is no stream");
    let mut response = client.execute(request).await.map_err(|error| trouble(error, Trouble::ResetInHead))?;
    if let Some(stamp) = &shared.stamp {
        let shown = response.headers().get("avt-nonce");
        if shown.is_none_or(|shown| shown.as_bytes() != stamp.as_bytes()) {
            return Err(Trouble::Reply("stranger"));
        }
    }
    let status = response.status().as_u16();
    let mut bytes = 0;
    while let Some(chunk) = response.chunk().await.map_err(|error| trouble(error, Trouble::ResetInBody))? {
        bytes += chunk.len() as u64;
    }
    // Whether it keeps the connection is reqwest's own affair, and so is when it connects.
    Ok(Answer { status, bytes, sent: None })
}

fn build(plan: &Plan, question: &Question, target: &str) -> Result<Request, Trouble> {
    let url = match (&plan.server, &plan.secure) {
        (Endpoint::Tcp(address), None) => format!("http://{address}{target}"),
        (Endpoint::Tcp(address), Some(secure)) => {
            format!("https://{}:{}{target}", secure.name, address.port())
        }
        // Whoever is named in it, the socket is what is asked.
        (Endpoint::Unix(_), secure) => {
            let scheme = if secure.is_some() { "https" } else { "http" };
            format!("{scheme}://{}{target}", question.authority)
        }
    };
    let url = reqwest::Url::parse(&url).map_err(|_| Trouble::Other("invalid_url"))?;
    let method = Method::from_bytes(question.method.as_bytes()).map_err(|_| Trouble::Other("invalid_method"))?;
    let mut request = Request::new(method, url);
    let fields = question.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in fields.chain([("host", question.authority.as_str())]) {
        let name = name.parse::<reqwest::header::HeaderName>().map_err(|_| Trouble::Other("invalid_header"))?;
        let value = value.parse().map_err(|_| Trouble::Other("invalid_header"))?;
        request.headers_mut().append(name, value);
    }
    if !question.body.is_empty() {
        *request.body_mut() = Some(question.body.clone().into());
    }
    Ok(request)
}

/// The system's own reason below reqwest's layers, where there is one; a reset is called what it is at this point.
fn trouble(error: reqwest::Error, reset: Trouble) -> Trouble {
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>().filter(|io| io.raw_os_error().is_some()) {
            let system = io.raw_os_error().map(io::Error::from_raw_os_error);
            return match system.map_or(Trouble::Other("io"), Trouble::from) {
                Trouble::ResetInHead => reset,
                trouble => trouble,
            };
        }
        #[cfg(feature = "tls")]
        if let Some(error) = rustls_error(inner) {
            return super::tls::trouble(error);
        }
        source = inner.source();
    }
    Trouble::Other(if error.is_connect() { "connect" } else { "client" })
}

/// What TLS failed at: it comes inside of errors of the connection, which leave it out when asked for their source.
#[cfg(feature = "tls")]
fn rustls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref().or_else(|| rustls_error(error.downcast_ref::<io::Error>()?.get_ref()?))
}
