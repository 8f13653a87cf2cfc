//! What idle connections cost: the memory per connection under every model, and whether 10,000 of them slow down 50
//! busy ones.
//!
//! `cargo bench --bench connections [-- ROUNDS SECONDS]`. Memory is the growth of the server's resident set over the
//! second half of the connections, divided by their number; each has been answered once. The first half is left out,
//! because it includes costs of the process. The kernel's memory, for sockets and thread stacks, belongs to no process
//! and is not included. `sequential` is left out, since it holds a single connection.

#![expect(dead_code, reason = "not every bench of servers needs everything that they share")]

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use common::{Scale, Server, spread, turn};

const REQUEST: &[u8] = b"GET /echo/hello HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn main() {
    let scale = Scale::read();
    let many = if scale.is_test { 100 } else { 10_000 };
    println!("{:18} {:>12} {:>22}", "", "connections", "KiB each when idle");
    // As many as a model can serve: what is more waits in its queue, and costs a file.
    let models = [
        ("threads", many.min(1_000)),
        ("pool/64", 64),
        ("async", many),
        ("async/2", many),
        ("async+blocking", many),
        ("async+rayon/2", many),
    ];
    for (model, connections) in models {
        let server = Server::avt(model);
        let _first = hold(&server, connections / 2);
        let before = resident_kib(&server);
        let held = hold(&server, connections / 2);
        let each = (resident_kib(&server) - before) / held.len() as f64;
        println!("{model:18} {connections:>12} {each:>22.1}");
    }

    let alone = Server::avt("async");
    let crowded = Server::avt("async");
    let _held = hold(&crowded, many);
    let ratios: Vec<(f64, f64)> = (0..scale.rounds)
        .map(|_| {
            let (alone, crowded) = (turn(&alone, scale.length), turn(&crowded, scale.length));
            (crowded.per_cpu_second / alone.per_cpu_second, crowded.per_second / alone.per_second)
        })
        .collect();
    let (cpu, cpu_low, cpu_high) = spread(ratios.iter().map(|ratio| ratio.0));
    let (rate, rate_low, rate_high) = spread(ratios.iter().map(|ratio| ratio.1));
    println!(
        "async, 50 busy beside {many} idle, against 50 alone: {cpu:.2} ({cpu_low:.2} to {cpu_high:.2}) of the requests per \
         CPU second, {rate:.2} ({rate_low:.2} to {rate_high:.2}) of the rate"
    );
}

/// Opens connections that ask once and then rest.
fn hold(server: &Server, connections: usize) -> Vec<TcpStream> {
    async_vs_threads::host::raise_open_files().expect("a process may raise its own limit");
    let open = |_| {
        let mut stream = TcpStream::connect(&server.address).expect("the server accepts connections");
        stream.write_all(REQUEST).expect("a new connection has room for a request");
        let mut answer = [0; 512];
        let n = stream.read(&mut answer).expect("the server answers");
        assert!(answer[..n].starts_with(b"HTTP/1.1 200 OK"), "{}", server.name);
        stream
    };
    (0..connections).map(open).collect()
}

fn resident_kib(server: &Server) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process.id())).expect("the server runs");
    let parse = |line: &str| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok();
    status.lines().find_map(parse).expect("Linux reports the resident set")
}
