//! What the codec costs: both sides, in memory. `cargo bench --bench codec`.

use std::hint::black_box;

use async_vs_threads::http1::{ClientCodec, Date, ServerCodec, encode_request, percent};
use async_vs_threads::workload::route::route;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const DATE: Date = Date(*b"Sun, 06 Nov 1994 08:49:37 GMT");
const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\
    Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nhello";

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
    codec.next(false).map_or(0, |reply| reply.map_or(0, |reply| reply.bytes))
}

fn codec(criterion: &mut Criterion) {
    let headers =
        [("User-Agent", "avt"), ("Accept", "*/*"), ("Accept-Encoding", "gzip, br"), ("Connection", "keep-alive")];
    let get = |n_fields: usize| encode_request("GET", "/echo/hello", "127.0.0.1:8080", &headers[..n_fields - 1], b"");
    let mut group = criterion.benchmark_group("codec");
    for n_fields in [2, 5] {
        let (mut server, request) = (ServerCodec::new(None), get(n_fields));
        group.bench_function(format!("answer a GET with {n_fields} fields, the same again"), |b| {
            b.iter(|| serve(&mut server, black_box(&request)));
        });
        let other = String::from_utf8_lossy(&request).replace("hello", "there").into_bytes();
        let mut requests = [&request[..], &other].into_iter().cycle();
        group.bench_function(format!("answer a GET with {n_fields} fields, another each time"), |b| {
            b.iter(|| serve(&mut server, black_box(requests.next().unwrap_or_default())));
        });
    }
    let mut client = ClientCodec::new(None);
    group.bench_function("read a reply, the same again", |b| b.iter(|| read(&mut client, black_box(REPLY))));
    let other = String::from_utf8_lossy(REPLY).replace("OK", "No").into_bytes();
    let mut replies = [REPLY, &other].into_iter().cycle();
    group.bench_function("read a reply, another each time", |b| {
        b.iter(|| read(&mut client, black_box(replies.next().unwrap_or_default())));
    });
    group.bench_function("decode a path without escapes", |b| {
        b.iter(|| percent::decode_path(black_box(b"/echo/hello")))
    });
    group.bench_function("decode a path with two escapes", |b| {
        b.iter(|| percent::decode_path(black_box(b"/echo/hello%20w%C3%B6rld")));
    });
    let (mut server, requests) = (ServerCodec::new(None), get(2).repeat(16));
    group.throughput(Throughput::Elements(16));
    group.bench_function("answer 16 pipelined GETs", |b| b.iter(|| serve(&mut server, black_box(&requests))));
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
