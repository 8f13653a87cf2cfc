//! What benches of servers share: processes on a CPU of their own, and a turn of load on one of them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use async_vs_threads::host;
use async_vs_threads::protocol::{Calibration, Role, TrialReply, TrialSpec};
use async_vs_threads::scenario::{ArrivalSpec, ClientKind, EchoSpec, LoadSpec, Model, Pin, StepsSpec, Work};
use async_vs_threads::usage::Tree;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long what is measured is measured, or once over it for `--test`.
pub(crate) struct Scale {
    pub(crate) rounds: u32,
    pub(crate) length: Duration,
    pub(crate) is_test: bool,
}

impl Scale {
    /// From the command line: `[ROUNDS] [SECONDS]`. By default as short as all benches together need it to take ten
    /// minutes; `5 3` gives figures worth keeping.
    pub(crate) fn read() -> Self {
        let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
        if args.iter().any(|arg| arg == "--test") {
            return Self { rounds: 1, length: Duration::from_millis(100), is_test: true };
        }
        let number = |k: usize, usual: u32| args.get(k).and_then(|arg| arg.parse().ok()).unwrap_or(usual);
        Self { rounds: number(0, 3).max(1), length: Duration::from_secs(number(1, 1).into()), is_test: false }
    }
}

/// A server that runs, and ends with this program: by a signal that lets it take its own children along.
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) process: Child,
    /// Host and port, such as `127.0.0.1:8080`.
    pub(crate) address: String,
}

/// The paths that every generator asks for in turn: of one length, and enough of them that nobody profits from being
/// asked the same again.
pub(crate) fn paths() -> Vec<String> {
    (0..64).map(|k| format!("/echo/hello-{k:04}")).collect()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.process.id() as i32), Signal::SIGTERM);
        let begun = Instant::now();
        while self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            if begun.elapsed() > Duration::from_secs(2) {
                let _ = self.process.kill();
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// One server's turn.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) per_cpu_second: f64,
    pub(crate) per_second: f64,
    pub(crate) p99_us: f64,
}

/// A command bound to one CPU, where there is more than one.
pub(crate) fn on_cpu(cpu: usize, program: impl AsRef<Path>) -> Command {
    let program = program.as_ref();
    if thread::available_parallelism().is_ok_and(|cpus| cpus.get() > cpu) {
        let mut command = Command::new("taskset");
        command.arg("-c").arg(cpu.to_string()).arg(program);
        command
    } else {
        Command::new(program)
    }
}

impl Server {
    /// `avt serve` on CPU 0, on a port of its own.
    pub(crate) fn avt(model: &str) -> Self {
        let mut command = on_cpu(0, env!("CARGO_BIN_EXE_avt"));
        command.args(["serve", "--addr", "127.0.0.1:0", "--model", model]);
        Self::spawn(&format!("avt {model}"), command)
    }

    /// The server of `avt doctor` on CPU 0: it does nothing but answer, so that what asks is what is compared.
    pub(crate) fn null() -> Self {
        let load = LoadSpec {
            client: ClientKind::Raw,
            connections: 2_000,
            threads: 1,
            warmup: Duration::ZERO,
            duration: Duration::ZERO,
            arrival: ArrivalSpec::Closed { think: Duration::ZERO },
            timeout: Duration::ZERO,
            drain: Duration::ZERO,
            pin: Pin::Split,
            server_cpus: None,
            cpu_limit: None,
        };
        let echo = EchoSpec {
            what: "hello".into(),
            steps: StepsSpec::default(),
            heavy: None,
            request: None,
            bench: None,
            servers: Vec::new(),
            load,
        };
        let spec = TrialSpec {
            model: Model::ASYNC,
            work: Work::Echo(echo),
            calibration: Calibration::default(),
            role: Role::NullServer { nonce: "bench".into() },
            cpus: host::cpus().into_iter().take(1).collect(),
            seed: 0,
            parent: std::process::id(),
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_avt"));
        let mut process =
            command.arg("trial").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("avt starts");
        // Kept open: the server ends with it.
        let stdin = process.stdin.as_mut().expect("standard input is piped");
        writeln!(stdin, "{}", serde_json::to_string(&spec).expect("a spec is plain data")).expect("avt reads its spec");
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().expect("standard output is piped"))
            .read_line(&mut line)
            .expect("avt writes a line");
        match serde_json::from_str(&line) {
            Ok(TrialReply::Ready { port, .. }) => {
                Self { name: "null".into(), process, address: format!("127.0.0.1:{port}") }
            }
            _ => panic!("unexpected line from the null server: {line:?}"),
        }
    }

    /// Starts a server that tells its address on its first line.
    pub(crate) fn spawn(name: &str, mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut line = String::new();
        let stdout = process.stdout.as_mut().expect("standard output is piped");
        BufReader::new(stdout).read_line(&mut line).expect("a server prints its address");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("{name}: no address in {line:?}")).to_owned();
        Self { name: name.to_owned(), process, address }
    }

    /// All [`paths`] at this server.
    pub(crate) fn urls(&self) -> Vec<String> {
        paths().iter().map(|path| format!("http://{}{path}", self.address)).collect()
    }
}

/// Lets 50 connections ask a server for so long, for all [`paths`] in turn.
pub(crate) fn turn(server: &Server, length: Duration) -> Turn {
    let before = Tree::read(&[server.process.id()], &[]);
    let mut command = on_cpu(1, env!("CARGO_BIN_EXE_avt"));
    command.arg("load").args(server.urls());
    command.args(["--json", "-c", "50", "-d", &format!("{}ms", length.as_millis())]);
    let output = command.stderr(Stdio::null()).output().expect("avt can be started");
    let used = Tree::read(&[server.process.id()], &[]).since(&before).cpu_ns() as f64 / 1e9;
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("avt load prints JSON");
    let completed = json["requests"]["completed"].as_f64().expect("the number of completed requests");
    assert_eq!(json["status"]["200"].as_f64(), Some(completed), "{}: {json}", server.name);
    Turn {
        per_cpu_second: completed / used.max(f64::MIN_POSITIVE),
        per_second: json["rate"]["achieved"].as_f64().expect("a rate"),
        p99_us: json["response_time_us"]["p99"].as_f64().unwrap_or(f64::NAN),
    }
}

/// Median, lowest and highest.
pub(crate) fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}
