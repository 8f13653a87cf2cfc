//! Load generators on one server, taking turns: `avt load`, wrk and oha, if they are installed.
//!
//! `cargo bench --bench generators [-- ROUNDS SECONDS]`. A server that only answers runs on CPU 0, and each generator
//! runs with one thread on CPU 1. Each requests 64 paths: avt gets 64 URLs and requests them in turn, wrk a script that
//! prepares all requests beforehand and returns the next one each time, and oha a file of URLs from which it draws. The
//! script costs wrk time, so wrk also runs without it on a single path, which is its highest rate. Ratios are taken
//! within a round; each is printed as its median, lowest and highest value. If the server is the bottleneck, all
//! generators reach the same rate; requests per second of the generator's own CPU time then distinguish them.

#![expect(dead_code, reason = "not every bench of servers needs everything that they share")]

mod common;

use std::io::Write as _;
use std::process::{Command, Stdio};

use common::{Scale, Server, on_cpu, paths, spread};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde_json::Value;
use tempfile::NamedTempFile;

/// A way to put a load on a server.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Generator {
    Avt,
    Wrk,
    WrkOnePath,
    Oha,
}

/// What makes wrk ask for the paths that stand on its command line, in turn: all requests are ready before the clock
/// starts.
const WRK_SCRIPT: &str = r#"
local requests, n, last = {}, 0, 0

function init(paths)
  for k, path in ipairs(paths) do
    requests[k] = wrk.format("GET", path)
    n = k
  end
end

function request()
  last = last < n and last + 1 or 1
  return requests[last]
end
"#;

/// What is asked, and of whom.
struct Asked {
    urls: Vec<String>,
    /// The script that makes wrk ask for all of them.
    script: NamedTempFile,
    /// The URLs, one a line.
    list: NamedTempFile,
}

/// One goes.
#[derive(Clone, Copy)]
struct Go {
    per_second: f64,
    per_cpu_second: f64,
    user_us: f64,
}

fn main() {
    let scale = Scale::read();
    let server = Server::null();
    let asked = Asked::new(&server);
    let connections: &[u32] = if scale.is_test { &[10] } else { &[10, 50, 100, 1_000] };
    let installed: Vec<Generator> = [Generator::Avt, Generator::Wrk, Generator::WrkOnePath, Generator::Oha]
        .into_iter()
        .filter(|generator| generator.is_installed())
        .collect();
    println!(
        "{:>11} {:13} {:>12} {:>22} {:>24} {:>22}",
        "connections", "", "requests/s", "user us per request", "rate: avt / this", "per CPU s: avt / this"
    );
    for &connections in connections {
        let mut goes: Vec<Vec<Go>> = vec![Vec::new(); installed.len()];
        for round in 0..scale.rounds as usize {
            // Another one is first in each round.
            for k in (0..installed.len()).map(|k| (k + round) % installed.len()) {
                eprintln!("{connections} connections, round {} of {}: {:?}", round + 1, scale.rounds, installed[k]);
                goes[k].push(installed[k].go(&asked, connections, scale.length.as_millis()));
            }
        }
        for (generator, own) in installed.iter().zip(&goes) {
            let (rate, ..) = spread(own.iter().map(|go| go.per_second));
            let shown = |values: &mut dyn Iterator<Item = f64>| {
                let (median, low, high) = spread(values);
                format!("{median:.2} ({low:.2} to {high:.2})")
            };
            let ratio = |part: fn(&Go) -> f64| {
                // The first one is ours.
                shown(&mut goes[0].iter().zip(own).map(|(ours, theirs)| part(ours) / part(theirs)))
            };
            println!(
                "{connections:>11} {:13} {rate:>12.0} {:>22} {:>24} {:>22}",
                generator.name(),
                shown(&mut own.iter().map(|go| go.user_us)),
                ratio(|go| go.per_second),
                ratio(|go| go.per_cpu_second),
            );
        }
    }
    println!("ratios: median (lowest to highest) of {} rounds", scale.rounds);
}

impl Asked {
    fn new(server: &Server) -> Self {
        let file = |text: &str| {
            let mut file = NamedTempFile::new().expect("a temporary file");
            file.write_all(text.as_bytes()).expect("a temporary file takes some lines");
            file
        };
        let urls = server.urls();
        Self { script: file(WRK_SCRIPT), list: file(&urls.join("\n")), urls }
    }
}

impl Generator {
    fn name(self) -> &'static str {
        match self {
            Self::Avt => "avt",
            Self::Wrk => "wrk",
            Self::WrkOnePath => "wrk, one path",
            Self::Oha => "oha",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Avt => env!("CARGO_BIN_EXE_avt"),
            Self::Wrk | Self::WrkOnePath => "wrk",
            Self::Oha => "oha",
        }
    }

    fn is_installed(self) -> bool {
        let mut command = Command::new(self.program());
        let found = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
        if !found {
            eprintln!("skipping {}: it is not installed", self.name());
        }
        found
    }

    fn go(self, asked: &Asked, connections: u32, milliseconds: u128) -> Go {
        let (c, ms) = (connections.to_string(), format!("{milliseconds}ms"));
        let seconds = milliseconds.div_ceil(1_000);
        let whole = format!("{seconds}s");
        // wrk counts whole seconds, and on one CPU it has one thread.
        let wrk = ["-t1", "-c", &c, "-d", &whole];
        let mut command = on_cpu(1, self.program());
        match self {
            Self::Avt => command.arg("load").args(&asked.urls).args(["-c", &c, "-d", &ms, "--json"]),
            Self::Wrk => {
                command.args(wrk).arg("-s").arg(asked.script.path()).args([&asked.urls[0], "--"]).args(paths())
            }
            Self::WrkOnePath => command.args(wrk).arg(&asked.urls[0]),
            Self::Oha => command
                .args(["--no-tui", "--output-format", "json", "-c", &c, "-z", &ms, "--urls-from-file"])
                .arg(asked.list.path()),
        };
        let before = children();
        let output = command.stderr(Stdio::null()).output().expect("it is installed");
        let after = children();
        let text = String::from_utf8_lossy(&output.stdout);
        let (per_second, length) = match self {
            Self::Avt => (number(&text, "/rate/achieved"), number(&text, "/duration_s")),
            Self::Wrk | Self::WrkOnePath => (requests_per_second(&text), seconds as f64),
            Self::Oha => (number(&text, "/summary/requestsPerSec"), number(&text, "/summary/total")),
        };
        let requests = per_second * length;
        let (user, system) = (after.0 - before.0, after.1 - before.1);
        Go { per_second, per_cpu_second: requests / (user + system), user_us: user / requests * 1e6 }
    }
}

/// User and system time of the children that have ended, seconds.
fn children() -> (f64, f64) {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the kernel reports it");
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    (seconds(usage.user_time()), seconds(usage.system_time()))
}

fn number(json: &str, pointer: &str) -> f64 {
    let json: Value = serde_json::from_str(json).expect("it prints JSON");
    json.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {pointer} in {json}"))
}

fn requests_per_second(text: &str) -> f64 {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or_else(|| panic!("no rate in {text}"))
}
