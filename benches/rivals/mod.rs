//! The servers that ours is measured beside: as little as can be written with hyper, and with std alone.

use std::convert::Infallible;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use async_vs_threads::http1::{Response, ServerCodec, Status};
use async_vs_threads::model;
use async_vs_threads::scenario::Model;
use async_vs_threads::service::date;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

/// A server that this program can be.
#[derive(Clone, Copy)]
pub(crate) enum Rival {
    /// hyper's own HTTP/1 server on a tokio `current_thread` runtime, answering the same bytes as ours.
    Hyper,
    /// A thread per connection around our codec: no time-out, no limit, no end.
    Bare,
}

impl Rival {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hyper => "hyper",
            Self::Bare => "bare-std-loop",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Hyper, Self::Bare].into_iter().find(|rival| rival.name() == name)
    }

    /// Tells where it listens, and serves for ever.
    pub(crate) fn serve(self) -> ! {
        let listener =
            model::listen(Model::ASYNC, (Ipv4Addr::LOCALHOST, 0).into()).expect("a port of loopback").remove(0);
        println!("http://{}/", listener.local_addr().expect("it is bound"));
        let Err(error) = match self {
            Self::Hyper => hyper(listener),
            Self::Bare => bare(&listener),
        };
        panic!("{}: {error}", self.name())
    }
}

fn hyper(listener: TcpListener) -> io::Result<Infallible> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let serving = hyper::server::conn::http1::Builder::new()
                .half_close(true)
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(serving);
        }
    })
}

async fn answer(request: hyper::Request<Incoming>) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let what = request.uri().path().strip_prefix("/echo/").unwrap_or_default();
    let mut response = hyper::Response::new(Full::new(Bytes::copy_from_slice(what.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}

fn bare(listener: &TcpListener) -> io::Result<Infallible> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || connection(stream));
    }
}

fn connection(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut http = ServerCodec::new(None);
    loop {
        let date = date::now();
        while let Some((request, responder)) = http.next(&date) {
            let what = request.target.strip_prefix(b"/echo/").unwrap_or_default();
            responder.send(&Response::text(Status::Ok, what), &date);
        }
        let output = http.output();
        if !output.is_empty() {
            stream.write_all(output)?;
            let n = output.len();
            http.sent(n);
            continue;
        }
        if http.is_closing() {
            return Ok(());
        }
        let n = stream.read(http.space())?;
        http.received(n);
    }
}
