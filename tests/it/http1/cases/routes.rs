//! The responses to each path and method.

use super::{Case, Row, post, request};

const HELP: &str = "=async-vs-threads:_GET_/echo/{what}_returns_what,_POST_/echo_returns_its_body\n";

pub(super) fn cases() -> Vec<Case> {
    [targets(), methods(), Row::Upgrade.cases(&upgrades())].concat()
}

fn targets() -> Vec<Case> {
    let table = [
        (Row::Echo, "/echo/hello", "=hello"),
        (Row::Echo, "/echo/a%20b%2Fc%25d%C3%A9", "=a_b/c%d\u{e9}"),
        (Row::Echo, "/echo/a%2fb", "=a/b"),
        (Row::Echo, "/echo/a%252Fb", "=a%2Fb"),
        (Row::Echo, "/echo/a+b%2B", "=a+b+"),
        (Row::Echo, "/echo/%FF", "=%FF"),
        (Row::Echo, "/echo/%C3%28", "=%C3("),
        (Row::Echo, "/echo/%zz", "=%zz"),
        (Row::Echo, "/echo/%4", "=%4"),
        (Row::Echo, "/echo/%00x", "=\0x"),
        (Row::Echo, "/echo/x?q=1#f", "=x"),
        (Row::Echo, "/echo/x#f?q", "=x"),
        (Row::Echo, "/echo/a;b=c", "=a;b=c"),
        (Row::Echo, "/echo/a%3Fb%23c", "=a?b#c"),
        (Row::Echo, "/echo/..", "=.."),
        (Row::Echo, "/echo/.", "=."),
        (Row::Echo, "/%65cho/x", "=x"),
        (Row::Absolute, "http://host/echo/x", "=x"),
        (Row::Absolute, "HTTP://host:80/echo/x?y", "=x"),
        (Row::Absolute, "https://[::1]:443/echo/x", "=x"),
        (Row::Absolute, "http://host/no", "404"),
        (Row::Absolute, "http://host", HELP),
        (Row::Absolute, "http://host?q", HELP),
        (Row::Root, "/", HELP),
        (Row::Root, "/?q", HELP),
        (Row::Unknown, "/echo/", "404"),
        (Row::Unknown, "/echo/?q", "404"),
        (Row::Unknown, "/echo/x/", "404"),
        (Row::Unknown, "/echo/x/y", "404"),
        (Row::Unknown, "//echo/x", "404"),
        (Row::Unknown, "//", "404"),
        (Row::Unknown, "/echo%2Fx", "404"),
        (Row::Unknown, "/echo%2F", "404"),
        (Row::Unknown, "/echo/{x}", "404"),
        (Row::Unknown, "/echo/%7Bx", "404"),
        (Row::Unknown, "/ECHO/x", "404"),
        (Row::Unknown, "/echoes", "404"),
        (Row::Unknown, "/nothing", "404"),
        (Row::Unknown, "/*", "404"),
    ];
    table.iter().map(|(row, target, expected)| row.case(request("GET", target), expected)).collect()
}

fn methods() -> Vec<Case> {
    let table = [
        (Row::Echo, "HEAD /echo/hello", "^=hello"),
        (Row::EchoMethods, "OPTIONS /echo/x", "204:GET,HEAD"),
        (Row::EchoMethods, "OPTIONS http://h/echo/x", "204:GET,HEAD"),
        (Row::EchoMethods, "POST /echo/x", "405:GET,HEAD"),
        (Row::EchoMethods, "PUT /echo/x", "405:GET,HEAD"),
        (Row::EchoMethods, "DELETE /echo/x", "405:GET,HEAD"),
        (Row::EchoMethods, "TRACE /echo/x", "405:GET,HEAD"),
        (Row::EchoMethods, "get /echo/x", "405:GET,HEAD"),
        (Row::EchoMethods, "M-SEARCH /echo/x", "405:GET,HEAD"),
        (Row::Post, "POST /echo", "|"),
        (Row::Post, "POST /%65cho?q", "|"),
        (Row::Post, "POST http://h/echo", "|"),
        (Row::PostMethods, "GET /echo", "405:POST"),
        (Row::PostMethods, "GET /echo?q", "405:POST"),
        (Row::PostMethods, "GET /ech%6F", "405:POST"),
        (Row::PostMethods, "HEAD /echo", "^405:POST"),
        (Row::PostMethods, "PUT /echo", "405:POST"),
        (Row::PostMethods, "post /echo", "405:POST"),
        (Row::PostMethods, "TRACE /echo", "405:POST"),
        (Row::PostMethods, "OPTIONS /echo", "204:POST"),
        (Row::Root, "HEAD /", "^=async-vs-threads:_GET_/echo/{what}_returns_what,_POST_/echo_returns_its_body\n"),
        (Row::Root, "POST /", "|"),
        (Row::Options, "OPTIONS /", "204:GET,HEAD,POST"),
        (Row::Options, "OPTIONS *", "204:GET,HEAD,POST"),
        (Row::Options, "GET *", "400!"),
        (Row::Options, "POST *", "400!"),
        (Row::Methods, "DELETE /", "405:GET,HEAD,POST"),
        (Row::Methods, "PUT /", "405:GET,HEAD,POST"),
        (Row::Methods, "PATCH /", "405:GET,HEAD,POST"),
        (Row::Methods, "TRACE /", "405:GET,HEAD,POST"),
        (Row::Methods, "get /", "405:GET,HEAD,POST"),
        (Row::Methods, "BREW /", "405:GET,HEAD,POST"),
        (Row::Methods, "CONNECT h:80", "501!"),
        (Row::Methods, "CONNECT /echo/x", "501!"),
        (Row::Unknown, "OPTIONS /no", "404"),
        (Row::Unknown, "POST /no", "404"),
        (Row::Unknown, "POST /echo/", "404"),
        (Row::Unknown, "PUT /no", "404"),
        (Row::Unknown, "HEAD /no", "^404"),
    ];
    let parse = |line: &str| line.split_once(' ').map(|(method, target)| request(method, target)).unwrap();
    table.iter().map(|(row, line, expected)| row.case(parse(line), expected)).collect()
}

fn upgrades() -> [(String, &'static str); 3] {
    let get = |lines: &str| format!("GET /echo/x HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
    [
        (get("Upgrade: h2c\r\nConnection: upgrade\r\n"), "=x"),
        (get("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"), "=x"),
        (post("Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 2\r\n", "hi"), "|hi"),
    ]
}
