//! Echo servers on one machine, taking turns: those of avt, hyper's own, a bare loop of std threads with avt's codec,
//! and nginx and aiohttp if they are installed.
//!
//! `cargo bench --bench servers [-- ROUNDS SECONDS]`. Every server runs on CPU 0 and the generator (`avt load`, 50
//! connections, closed loop, 64 paths in turn) on CPU 1. Servers are compared by requests per second of their *CPU
//! time*, which does not depend on whether the generator keeps up. Ratios are taken within a round, so that
//! disturbances affect both servers alike; each is printed as its median, lowest and highest value.

#![expect(dead_code, reason = "not every bench of servers needs everything that they share")]

mod common;
mod rivals;

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{Scale, Server, Turn, on_cpu, spread, turn};
use rivals::Rival;

fn main() {
    if let Some(rival) = std::env::args().nth(1).and_then(|arg| Rival::parse(&arg)) {
        rival.serve();
    }
    let Scale { rounds, length, .. } = Scale::read();
    let folder = tempfile::tempdir().expect("a folder for the configuration of nginx");
    let servers = start_all(folder.path());
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

fn start_all(folder: &Path) -> Vec<Server> {
    let rival = |rival: Rival| {
        let own = std::env::current_exe().expect("this program knows where it is");
        let mut command = on_cpu(0, &own);
        command.arg(rival.name());
        Server::spawn(rival.name(), command)
    };
    let mut servers = vec![Server::avt("async"), rival(Rival::Hyper), Server::avt("threads"), rival(Rival::Bare)];
    servers.extend(nginx(folder));
    servers.extend(aiohttp());
    servers
}

/// Starts a server that is told its port, if it is installed.
fn spawn_on_port(name: &str, mut command: Command, port: u16) -> Option<Server> {
    let process = match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
        Ok(process) => process,
        Err(error) => {
            eprintln!("skipping {name}: {error}");
            return None;
        }
    };
    let mut server = Server { name: name.to_owned(), process, address: format!("127.0.0.1:{port}") };
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = server.process.try_wait().is_ok_and(|ended| ended.is_some());
        if ended || begun.elapsed() > Duration::from_secs(10) {
            eprintln!("skipping {name}: it does not start; is it installed?");
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

fn print(servers: &[Server], turns: &[Vec<Turn>]) {
    println!("{:28} {:>13} {:>13} {:>11}   avt async / this", "", "per CPU s", "requests/s", "p99");
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
    let turns_of = |name: &str| servers.iter().position(|server| server.name == name).map(|k| &turns[k]);
    if let (Some(threads), Some(bare)) = (turns_of("avt threads"), turns_of(Rival::Bare.name())) {
        let ratios = threads.iter().zip(bare).map(|(threads, bare)| threads.per_cpu_second / bare.per_cpu_second);
        let (ratio, low, high) = spread(ratios);
        println!("avt threads / bare loop: {ratio:.2} ({low:.2} to {high:.2})");
    }
}
