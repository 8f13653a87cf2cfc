//! Which HTTP client suits a service that asks a slow upstream?
//!
//! 100 requests come in at once, and each asks an upstream that answers after 20 ms. `upstream` asks with `reqwest` under
//! async models and with `ureq` under thread models; `upstream-blocking` asks with `ureq` only, which an async model has
//! to hand to a pool.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use async_vs_threads::bench;
use async_vs_threads::{Checksum, JobId, Pool, Workload};

const ANSWERS_AFTER: Duration = Duration::from_millis(20);

/// The argument that turns this program into the upstream.
const UPSTREAM: &str = "serve-as-upstream";

/// An upstream in a process of its own, so that its CPU time is not that of the clients.
struct Upstream {
    process: Child,
    url: String,
}

impl Upstream {
    fn start() -> Self {
        let program = std::env::current_exe().expect("Linux knows the program");
        let mut command = Command::new(program);
        command.arg(UPSTREAM).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("a process can be started");
        let mut port = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut port).expect("the upstream prints its port");
        Self { process, url: format!("http://127.0.0.1:{}/", port.trim()) }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves until standard input ends, which it does with the process that started this one.
fn serve() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?.port());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    io::stdin().lock().read_to_end(&mut Vec::new()).map(drop)
}

/// Answers each request of a connection after a while.
fn answer(stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    loop {
        // A request without a body ends with an empty line.
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        if line.is_empty() {
            return Ok(());
        }
        thread::sleep(ANSWERS_AFTER);
        writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n42")?;
    }
}

fn number(text: &str) -> Checksum {
    Checksum(text.parse().expect("the upstream answers with a number"))
}

fn ask_blocking(agent: &ureq::Agent, url: &str) -> Checksum {
    let mut response = agent.get(url).call().expect("the upstream answers");
    number(&response.body_mut().read_to_string().expect("the body is text"))
}

struct Ask {
    upstream: Upstream,
    agent: ureq::Agent,
    client: reqwest::Client,
}

impl Workload for Ask {
    fn run_blocking(&self, _job: JobId) -> Checksum {
        ask_blocking(&self.agent, &self.upstream.url)
    }

    async fn run_async<P: Pool>(&self, _job: JobId, _pool: &P) -> Checksum {
        let response = self.client.get(&self.upstream.url).send().await.expect("the upstream answers");
        number(&response.text().await.expect("the body is text"))
    }
}

fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|argument| argument == UPSTREAM) {
        return serve().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    bench::main(|b| {
        b.workload("upstream", || Ask {
            upstream: Upstream::start(),
            agent: ureq::Agent::new_with_defaults(),
            client: reqwest::Client::new(),
        })
        .question("Which client suits a service that asks a slow upstream?")
        .jobs(100)
        .models(["threads", "pool/16", "async", "async/2"]);
        b.blocking_only("upstream-blocking", || {
            let (upstream, agent) = (Upstream::start(), ureq::Agent::new_with_defaults());
            move |_: JobId| ask_blocking(&agent, &upstream.url)
        })
        .question("What does a blocking client cost in an async service?")
        .jobs(100)
        .models(["threads", "pool/16", "async+blocking", "async+blocking/16"])
    })
}
