//! What the codec costs, on both sides, in memory. `cargo bench --bench codec`.
//!
//! Requests and responses differ from one to the next, as in real traffic.

#[path = "common/with_criterion.rs"]
mod with_criterion;

use std::hint::black_box;
use std::time::Duration;

use async_vs_threads::http1::{ClientCodec, Date, ServerCodec, encode_request, percent};
use async_vs_threads::service::route::route;
use criterion::{Criterion, PlottingBackend, Throughput};

const DATE: Date = Date(*b"Sun, 06 Nov 1994 08:49:37 GMT");

/// The response up to the seconds of its date.
const RESPONSE_BEFORE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\
    Date: Sun, 06 Nov 1994 08:49:";
/// The response after the seconds of its date.
const RESPONSE_AFTER: &str = " GMT\r\n\r\nhello";

/// Paths of one length.
fn paths() -> impl Iterator<Item = String> {
    (0..64).map(|k| format!("/echo/hello-{k:04}"))
}

fn serve(codec: &mut ServerCodec, bytes: &[u8]) -> usize {
    codec.space()[..bytes.len()].copy_from_slice(bytes);
    codec.received(bytes.len());
    while let Some((request, responder)) = codec.next(&DATE) {
        route(&request).respond(responder, &DATE);
    }
    let n = codec.output().len();
    codec.sent(n);
    n
}

fn read(codec: &mut ClientCodec, bytes: &[u8]) -> u64 {
    codec.space()[..bytes.len()].copy_from_slice(bytes);
    codec.received(bytes.len());
    codec.next(false).map_or(0, |response| response.map_or(0, |response| response.bytes))
}

fn codec(criterion: &mut Criterion) {
    let headers =
        [("User-Agent", "avt"), ("Accept", "*/*"), ("Accept-Encoding", "gzip, br"), ("Connection", "keep-alive")];
    let get =
        |path: &str, n_fields: usize| encode_request("GET", path, "127.0.0.1:8080", &headers[..n_fields - 1], b"");
    let mut group = criterion.benchmark_group("codec");
    for n_fields in [2, 5] {
        let mut server = ServerCodec::new(None);
        let requests: Vec<Vec<u8>> = paths().map(|path| get(&path, n_fields)).collect();
        group.throughput(Throughput::Bytes(requests[0].len() as u64));
        let mut requests = requests.iter().cycle();
        group.bench_function(format!("answer a GET with {n_fields} fields"), |b| {
            b.iter(|| serve(&mut server, black_box(requests.next().map_or(&[], Vec::as_slice))));
        });
    }
    let mut client = ClientCodec::new(None);
    let response = |second: u32| format!("{RESPONSE_BEFORE}{second:02}{RESPONSE_AFTER}").into_bytes();
    let responses: Vec<Vec<u8>> = (0..60).map(response).collect();
    group.throughput(Throughput::Bytes(responses[0].len() as u64));
    let mut responses = responses.iter().cycle();
    group.bench_function("read a response", |b| {
        b.iter(|| read(&mut client, black_box(responses.next().map_or(&[], Vec::as_slice))));
    });
    group.throughput(Throughput::Bytes(b"/echo/hello".len() as u64));
    group.bench_function("decode a path without escapes", |b| {
        b.iter(|| percent::decode_path(black_box(b"/echo/hello")))
    });
    group.throughput(Throughput::Bytes(b"/echo/hello%20w%C3%B6rld".len() as u64));
    group.bench_function("decode a path with two escapes", |b| {
        b.iter(|| percent::decode_path(black_box(b"/echo/hello%20w%C3%B6rld")));
    });
    let (mut server, requests) =
        (ServerCodec::new(None), paths().take(16).flat_map(|path| get(&path, 2)).collect::<Vec<u8>>());
    group.throughput(Throughput::Elements(16));
    group.bench_function("answer 16 pipelined GETs", |b| b.iter(|| serve(&mut server, black_box(&requests))));
    group.finish();
}

fn main() {
    with_criterion::run(Some(PlottingBackend::Plotters), Duration::from_secs(1), &[codec]);
}
