//! Requests just within a limit, and just over it.

use async_vs_threads::http1::limits;

use super::{Case, Row, chunked, get, post, request};

pub(super) fn cases() -> Vec<Case> {
    let cases = [heads(), bodies(), framing()].concat();
    cases.into_iter().map(|(request, expected)| Row::Limits.case(request, expected)).collect()
}

fn heads() -> Vec<(String, String)> {
    let target = |n: usize| format!("/echo/{}", "a".repeat(n - "/echo/".len()));
    let get_target = |n: usize| (request("GET", &target(n)), format!("={}", &target(n)["/echo/".len()..]));
    let filled = |n: usize| get(&format!("A: {}\r\n", "b".repeat(n - get("A: \r\n").len())));
    let refused = |request: String, status: &str| (request, format!("{status}!"));
    vec![
        get_target(7_900),
        get_target(limits::TARGET),
        refused(request("GET", &target(limits::TARGET + 1)), "414"),
        refused(request("GET", &target(100_000)), "414"),
        refused(request("GET", &format!("http://h{}", target(limits::TARGET))), "414"),
        (request(&"A".repeat(limits::METHOD), "/"), "405:GET,HEAD,POST".into()),
        refused(request(&"A".repeat(limits::METHOD + 1), "/"), "501"),
        refused("A".repeat(100_000), "501"),
        (get(&"A: b\r\n".repeat(limits::N_FIELDS - 1)), "=x".into()),
        refused(get(&"A: b\r\n".repeat(limits::N_FIELDS)), "431"),
        refused(get(&"A: b\r\n".repeat(10_000)), "431"),
        (filled(limits::HEAD), "=x".into()),
        refused(filled(limits::HEAD + 1), "431"),
        refused(get(&format!("A: {}\r\n", "b".repeat(100_000))), "431"),
        refused(get(&format!("{}: b\r\n", "A".repeat(100_000))), "431"),
    ]
}

fn bodies() -> Vec<(String, String)> {
    let most = usize::try_from(limits::REQUEST_BODY).unwrap();
    let body = "a".repeat(most);
    let by_length = |n: usize, body: &str| post(&format!("Content-Length: {n}\r\n"), body);
    let half = most / 2;
    let (first, second) = body.split_at(half);
    vec![
        (by_length(most, &body), format!("|{body}")),
        (chunked(&format!("{most:x}\r\n{body}\r\n0\r\n\r\n")), format!("|{body}")),
        (chunked(&format!("{half:x}\r\n{first}\r\n{half:X}\r\n{second}\r\n0\r\n\r\n")), format!("|{body}")),
        (by_length(100_000, &body[..100_000]), format!("|{}", &body[..100_000])),
        (by_length(most, &body).replacen("POST /echo", "GET /echo/x", 1), "=x".into()),
        (by_length(most + 1, ""), "413!".into()),
        (by_length(most + 1, &format!("{body}a")), "413!".into()),
        (by_length(most + 1, "").replacen("POST /echo", "GET /echo/x", 1), "413!".into()),
        (post("Content-Length: 18446744073709551615\r\n", ""), "413!".into()),
        (chunked(&format!("{:x}\r\n", most + 1)), "413!".into()),
        (chunked(&format!("{most:x}\r\n{body}\r\n1\r\na\r\n0\r\n\r\n")), "413!".into()),
    ]
}

fn framing() -> Vec<(String, String)> {
    let extensions = |n: usize| chunked(&format!("2;{}\r\nhi\r\n0\r\n\r\n", "a".repeat(n - ";".len())));
    let many = |n: usize| chunked(&format!("{}0\r\n\r\n", "1;a=b\r\nx\r\n".repeat(n)));
    let trailers = |n: usize| chunked(&format!("2\r\nhi\r\n0\r\nA:{}\r\n\r\n", "b".repeat(n - "A:\r\n".len())));
    let (extension_bytes, trailer_bytes) = (limits::EXTENSIONS as usize, limits::TRAILERS as usize);
    vec![
        (extensions(extension_bytes), "|hi".into()),
        (extensions(extension_bytes + 1), "400!".into()),
        (extensions(65_536), "400!".into()),
        (many(extension_bytes / 4), format!("|{}", "x".repeat(extension_bytes / 4))),
        (many(extension_bytes / 4 + 1), "400!".into()),
        (trailers(trailer_bytes), "|hi".into()),
        (trailers(trailer_bytes + 1), "431!".into()),
        (trailers(65_536), "431!".into()),
    ]
}
