//! Mistakes in the external servers of a scenario, and in its request.

use async_vs_threads::scenario::{Model, Work, parse};

use super::mistakes::check;

const TWO: &str = r#"question = "How long?"
analysis = "Long."
workload = "echo"
models = ["external/base", "external/head"]
baseline = "external/base"
[load]
connections = 5
loop = "closed"
[request]
path = "/search?q=a"
[[server]]
name = "base"
command = ["a", "{port}", ""]
[[server]]
name = "head"
command = ["b", "{port}"]
env = { LOG = "warn", ADDRESS = "127.0.0.1:{port}" }
cwd = "/tmp"
"#;

#[test]
fn each_model_finds_its_server_and_its_request() {
    let scenario = parse("f.toml", TWO).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let Work::Echo(echo) = &scenario.points[0].work else { panic!("{:?}", scenario.points) };
    let server = |model: &str| echo.server(model.parse::<Model>().unwrap());
    let (base, head) = (server("external/base").unwrap(), server("external/head").unwrap());
    assert_eq!((base.command.join(" "), head.command.join(" ")), ("a {port} ".into(), "b {port}".into()));
    assert_eq!((base.ready.as_str(), head.ready.as_str()), ("/search?q=a", "/search?q=a"));
    assert_eq!((base.env.len(), head.env.len(), head.cwd.as_deref()), (0, 2, Some("/tmp")));
    assert_eq!(server("external"), None);
    let request = echo.request.as_ref().unwrap();
    assert_eq!((request.method.as_str(), request.expect.status, &request.expect.contains), ("GET", 200, &None));
    // Without [request], a server is asked for what our servers answer.
    let echo = TWO.replacen("[request]\npath = \"/search?q=a\"\n", "", 1);
    let scenario = parse("f.toml", &echo).unwrap();
    let Work::Echo(echo) = &scenario.points[0].work else { panic!("{:?}", scenario.points) };
    assert!(echo.request.is_none() && echo.servers.iter().all(|server| server.ready == "/echo/ready"));
}

#[test]
fn mistakes_in_the_names_of_servers_are_reported() {
    check(&[
        (
            TWO,
            "\"external/head\"]",
            "\"external/hed\"]",
            "4:28: models: no server is the model external/hed; did you mean \"external/head\"?",
        ),
        (
            TWO,
            "\"external/head\"]",
            "\"external/Head\"]",
            "4:28: models: \"external/Head\" does not end in the name of a server; write 1 to 24 characters",
        ),
        (TWO, ", \"external/head\"]", "]", "15:8: server: not used by any model; add \"external/head\" to models"),
        (TWO, "name = \"head\"", "name = \"base\"", "15:8: server.name: two servers have the name base; write a name"),
        (
            TWO,
            "name = \"head\"",
            "name = \"He ad\"",
            "15:8: server.name: \"He ad\" is not the name of a server; write 1",
        ),
        (TWO, "name = \"base\"", "nam = \"base\"", "12:1: server.nam: unknown key; did you mean name?"),
        (TWO, "[[server]]\nname = \"base\"", "[server]\nname = \"base\"", "14:"),
    ]);
    let unnamed = TWO.replace("name = \"base\"\n", "").replace("name = \"head\"\n", "");
    let unnamed = unnamed.replace("\"external/base\", \"external/head\"", "\"external\"");
    let found = parse("f.toml", &unnamed.replace("baseline = \"external/base\"\n", "")).unwrap_err().to_string();
    let expected = "server.name: missing, but required because there are several servers; write a name of its own";
    assert!(found.contains(expected), "{found}");
}

#[test]
fn mistakes_in_the_settings_of_servers_are_reported() {
    check(&[
        (TWO, "LOG =", "PORT =", "17:7: server.env: \"PORT\" is set by avt, to the port of the server; write a table"),
        (TWO, "LOG =", "\"L-G\" =", "17:7: server.env: \"L-G\" is not the name of a variable: letters, digits and _"),
        (
            TWO,
            "LOG = \"warn\"",
            "LOG = 3",
            "17:7: server.env: \"LOG\": expected text, found a number: 3; write a table",
        ),
        (TWO, "cwd = \"/tmp\"", "cwd = 3", "18:7: server.cwd: expected text, found a number: 3"),
        (TWO, "[\"b\", ", "[\"\", ", "16:12: server.command: the program is empty; write the program to start"),
        (TWO, "[\"b\", ", "[\"b\\u0007\", ", "16:12: server.command: contains the invisible character U+0007"),
    ]);
}

#[test]
fn mistakes_in_a_request_are_reported() {
    check(&[
        (TWO, "path = \"/search?q=a\"\n", "", "9:2: request.path: missing; write a path of 1 to 200 characters"),
        (TWO, "/search?q=a", "search", "10:8: request.path: \"search\" does not start with /"),
        (TWO, "path =", "method = \"FETCH\"\npath =", "10:10: request.method: unknown value \"FETCH\""),
        (TWO, "path =", "expect_status = 99\npath =", "10:17: request.expect_status: must be at least 200, found 99"),
        (
            TWO,
            "path =",
            "headers = { \"Content-Length\" = \"3\" }\npath =",
            "10:11: request.headers: Content-Length cannot be set, because it controls how the connection is used",
        ),
        (
            TWO,
            "path =",
            "headers = { \"a b\" = \"3\" }\npath =",
            "10:11: request.headers: \"a b\" is not the name of a header field; write a table",
        ),
        (TWO, "path =", "headers = [\"a\"]\npath =", "10:11: request.headers: found a list"),
        (
            TWO,
            "path =",
            "method = \"POST\"\npath =",
            "13:8: server.ready: missing, but required because [request] is not a GET that expects 200; write ready",
        ),
        (
            TWO,
            "models = [",
            "models = [\"async\", ",
            "4:11: models: async answers only GET /echo/{what}, and not a [request]; remove async, or remove [request]",
        ),
        (TWO, "[load]", "what = \"x\"\n[load]", "6:1: what: not part of a [request]: such servers do their own work"),
    ]);
    let head = "expect_contains = \"x\"\nmethod = \"HEAD\"\npath =";
    let text = TWO.replacen("path =", head, 1).replace("command", "ready = \"/\"\ncommand");
    let found = parse("f.toml", &text).unwrap_err().to_string();
    assert!(found.contains("request.expect_contains: the response to HEAD has no body; remove it"), "{found}");
}
