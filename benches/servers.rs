//! Echo servers side by side on one machine, in turns: ours, hyper's own, a bare loop of std threads with our codec,
//! and nginx and aiohttp where they are installed.
//!
//! `cargo bench --bench servers [-- ROUNDS SECONDS]`. Every server runs on CPU 0 and the generator (`avt load`, 50
//! connections, closed loop) on CPU 1. What is compared is requests per second of the server's *CPU time*: it does not
//! depend on whether the generator keeps up. Ratios are taken within a round, so that what the machine does to one
//! it does to the others; each is told as median, lowest and highest.

mod rivals;

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rivals::Rival;

/// A server that runs, and ends with this program.
struct Server {
    name: String,
    process: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One server's turn.
#[derive(Clone, Copy)]
struct Turn {
    per_cpu_second: f64,
    per_second: f64,
    p99_us: f64,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let Some(rival) = args.first().and_then(|arg| Rival::parse(arg)) {
        rival.serve();
    }
    let is_test = args.iter().any(|arg| arg == "--test");
    let number = |k: usize, usual: u32| args.get(k).and_then(|arg| arg.parse().ok()).unwrap_or(usual);
    let (rounds, length) = match is_test {
        true => (1, Duration::from_millis(100)),
        false => (number(0, 5), Duration::from_secs(number(1, 3).into())),
    };

    let servers: Vec<Server> = start_all();
    let mut turns = vec![Vec::new(); servers.len()];
    for round in 0..rounds as usize {
        // Another one is first in each round.
        for k in (0..servers.len()).map(|k| (k + round) % servers.len()) {
            eprintln!("round {} of {rounds}: {}", round + 1, servers[k].name);
            turns[k].push(turn(&servers[k], length));
        }
    }
    print(&servers, &turns);
}

fn start_all() -> Vec<Server> {
    let ours = |model: &str| {
        let mut command = on_cpu(0, env!("CARGO_BIN_EXE_avt"));
        command.args(["serve", "--addr", "127.0.0.1:0", "--model", model]);
        spawn_that_tells(&format!("avt {model}"), command)
    };
    let rival = |rival: Rival| {
        let own = std::env::current_exe().expect("this program knows where it is");
        let mut command = on_cpu(0, &own);
        command.arg(rival.name());
        spawn_that_tells(rival.name(), command)
    };
    let mut servers = vec![ours("async"), rival(Rival::Hyper), ours("threads"), rival(Rival::Bare)];
    let folder = std::env::temp_dir().join(format!("avt-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the configuration of nginx");
    servers.extend(nginx(&folder));
    servers.extend(aiohttp());
    servers
}

/// A command bound to one CPU, where there is more than one.
fn on_cpu(cpu: usize, program: impl AsRef<Path>) -> Command {
    let program = program.as_ref();
    if thread::available_parallelism().is_ok_and(|cpus| cpus.get() > cpu) {
        let mut command = Command::new("taskset");
        command.arg("-c").arg(cpu.to_string()).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// Starts a server that tells its address on its first line.
fn spawn_that_tells(name: &str, mut command: Command) -> Server {
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut line = String::new();
    let stdout = process.stdout.as_mut().expect("it was asked for");
    BufReader::new(stdout).read_line(&mut line).expect("a server says where it listens");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
    let url = format!("http://{}/echo/hello", address.unwrap_or_else(|| panic!("{name}: no address in {line:?}")));
    Server { name: name.to_owned(), process, url }
}

/// Starts a server that is told its port, if it is installed.
fn spawn_on_port(name: &str, mut command: Command, port: u16) -> Option<Server> {
    let process = match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
        Ok(process) => process,
        Err(error) => {
            eprintln!("without {name}: {error}");
            return None;
        }
    };
    let mut server = Server { name: name.to_owned(), process, url: format!("http://127.0.0.1:{port}/echo/hello") };
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = server.process.try_wait().is_ok_and(|ended| ended.is_some());
        if ended || begun.elapsed() > Duration::from_secs(10) {
            eprintln!("without {name}: it does not start; is it installed?");
            return None;
        }
        thread::sleep(Duration::from_millis(20));
    }
    Some(server)
}

fn nginx(folder: &Path) -> Option<Server> {
    let port = free_port();
    let configuration = format!(
        "worker_processes 1; daemon off; error_log stderr; pid {folder}/pid;\n\
         events {{ worker_connections 20000; }}\n\
         http {{ access_log off; keepalive_requests 4000000000; client_body_temp_path {folder}; proxy_temp_path {folder};\n\
         fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};\n\
         server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ default_type text/plain; return 200 hello; }} }} }}\n",
        folder = folder.display(),
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, configuration).expect("the configuration can be written");
    let mut command = on_cpu(0, "nginx");
    command.arg("-c").arg(&file);
    spawn_on_port("nginx, 1 worker, return 200", command, port)
}

fn aiohttp() -> Option<Server> {
    const PROGRAM: &str = "
import sys
from aiohttp import web
async def echo(request):
    return web.Response(text=request.match_info['what'])
app = web.Application()
app.router.add_get('/echo/{what}', echo)
web.run_app(app, host='127.0.0.1', port=int(sys.argv[1]), access_log=None, print=None)
";
    let port = free_port();
    let mut command = on_cpu(0, "python3");
    command.args(["-c", PROGRAM, &port.to_string()]);
    spawn_on_port("aiohttp", command, port)
}

/// A port that nobody listened on a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port of loopback");
    listener.local_addr().expect("it is bound").port()
}

fn turn(server: &Server, length: Duration) -> Turn {
    let before = cpu_seconds(server.process.id());
    let mut command = on_cpu(1, env!("CARGO_BIN_EXE_avt"));
    command.args(["load", &server.url, "--json", "-c", "50", "-d", &format!("{}ms", length.as_millis())]);
    let output = command.stderr(Stdio::null()).output().expect("avt can be started");
    let used = cpu_seconds(server.process.id()) - before;
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("avt load prints JSON");
    let completed = json["requests"]["completed"].as_f64().expect("how many were answered");
    assert_eq!(json["status"]["200"].as_f64(), Some(completed), "{}: {json}", server.name);
    Turn {
        // A tick is the least the kernel tells.
        per_cpu_second: completed / used.max(0.01),
        per_second: json["rate"]["achieved"].as_f64().expect("a rate"),
        p99_us: json["response_time_us"]["p99"].as_f64().unwrap_or(f64::NAN),
    }
}

/// The CPU time of a process, its threads and its children, in seconds.
fn cpu_seconds(pid: u32) -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let fields = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name, which stands in brackets and may hold anything: state, parent, ...
        let rest = stat.rsplit(')').next()?;
        Some(rest.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    };
    let used = |fields: &[String]| -> f64 { fields[11..13].iter().filter_map(|ticks| ticks.parse::<f64>().ok()).sum() };
    let all = std::fs::read_dir("/proc").expect("Linux tells of its processes");
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let own_or_child = |fields: &Vec<String>| fields[1] == pid.to_string();
    let children: f64 = pids.filter_map(fields).filter(own_or_child).map(|fields| used(&fields)).sum();
    (fields(pid).map_or(0.0, |fields| used(&fields)) + children) / TICKS_PER_SECOND
}

/// Median, lowest and highest.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}

fn print(servers: &[Server], turns: &[Vec<Turn>]) {
    println!("{:28} {:>13} {:>13} {:>11}   avt async against it", "", "per CPU s", "requests/s", "p99");
    for (server, own) in servers.iter().zip(turns) {
        let (per_cpu_second, ..) = spread(own.iter().map(|turn| turn.per_cpu_second));
        let (per_second, ..) = spread(own.iter().map(|turn| turn.per_second));
        let (p99, ..) = spread(own.iter().map(|turn| turn.p99_us));
        let ratios = turns[0].iter().zip(own).map(|(first, turn)| first.per_cpu_second / turn.per_cpu_second);
        let (ratio, low, high) = spread(ratios);
        println!(
            "{:28} {per_cpu_second:>13.0} {per_second:>13.0} {p99:>8.0} us   {ratio:.2} ({low:.2} to {high:.2})",
            server.name
        );
    }
    let of = |name: &str| servers.iter().position(|server| server.name == name).map(|k| &turns[k]);
    if let (Some(threads), Some(bare)) = (of("avt threads"), of(Rival::Bare.name())) {
        let ratios = threads.iter().zip(bare).map(|(threads, bare)| threads.per_cpu_second / bare.per_cpu_second);
        let (ratio, low, high) = spread(ratios);
        println!("avt threads against the bare loop: {ratio:.2} ({low:.2} to {high:.2})");
    }
}
