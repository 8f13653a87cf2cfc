//! What an ordinary client costs: reqwest, one `Client` a connection.
//!
//! A shared `Client` would not do: its pool races an idle connection against a new one (hyperium/hyper#4134), so that
//! the number of connections would not be the scenario's.

use std::rc::Rc;
use std::sync::Arc;

use reqwest::redirect::Policy;
use reqwest::{Method, Request};

use super::Plan;
use super::client::{Answer, Client, Question, Trouble};

/// A reqwest client that keeps at most one connection.
#[derive(Debug)]
pub(super) struct ReqwestClient {
    client: reqwest::Client,
    shared: Rc<Shared>,
}

/// The questions in reqwest's form.
#[derive(Debug)]
pub(super) struct Shared {
    ordinary: Result<Request, Trouble>,
    heavy: Option<Result<Request, Trouble>>,
    stamp: Option<Arc<str>>,
}

impl Client for ReqwestClient {
    type Shared = Shared;

    fn share(plan: &Plan) -> Shared {
        let request = |question: &Question| build(plan, question);
        Shared {
            ordinary: request(&plan.question),
            heavy: plan.heavy.as_ref().map(|(_, question)| request(question)),
            stamp: plan.stamp.clone(),
        }
    }

    const NOT_OPENED: Trouble = Trouble::Other("no answer to the first request, with which reqwest connects");

    /// reqwest connects when it is first asked, so it is asked once, ahead of all that is counted.
    async fn connect(shared: &Rc<Shared>) -> Result<Self, Trouble> {
        let mut connection = Self::connect_again(shared).await?;
        connection.ask(false).await?;
        Ok(connection)
    }

    /// The next request, which is counted, connects.
    async fn connect_again(shared: &Rc<Shared>) -> Result<Self, Trouble> {
        let builder = reqwest::Client::builder().no_proxy().http1_only().tcp_nodelay(true).pool_max_idle_per_host(1);
        let client = builder.redirect(Policy::none()).build().map_err(trouble)?;
        Ok(Self { client, shared: Rc::clone(shared) })
    }

    async fn ask(&mut self, heavy: bool) -> Result<Answer, Trouble> {
        let prepared = match &self.shared.heavy {
            Some(prepared) if heavy => prepared,
            _ => &self.shared.ordinary,
        };
        let request = prepared.as_ref().map_err(|trouble| *trouble)?;
        let request = request.try_clone().expect("its body is no stream");
        let mut response = self.client.execute(request).await.map_err(trouble)?;
        if let Some(stamp) = &self.shared.stamp {
            let shown = response.headers().get("avt-nonce");
            if shown.is_none_or(|shown| shown.as_bytes() != stamp.as_bytes()) {
                return Err(Trouble::Reply("stranger"));
            }
        }
        let status = response.status().as_u16();
        let mut bytes = 0;
        while let Some(chunk) = response.chunk().await.map_err(trouble)? {
            bytes += chunk.len() as u64;
        }
        // Whether it keeps the connection is reqwest's own affair.
        Ok(Answer { status, bytes, keep_alive: true })
    }
}

fn build(plan: &Plan, question: &Question) -> Result<Request, Trouble> {
    let url = format!("http://{}{}", plan.server, question.target);
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

/// The system's own reason below reqwest's layers, where there is one.
fn trouble(error: reqwest::Error) -> Trouble {
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>().filter(|io| io.raw_os_error().is_some()) {
            return io
                .raw_os_error()
                .map(std::io::Error::from_raw_os_error)
                .map_or(Trouble::Other("io"), Trouble::from);
        }
        source = inner.source();
    }
    Trouble::Other(if error.is_connect() { "connect" } else { "client" })
}
