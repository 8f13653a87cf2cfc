//! The pages in a real browser: headless Chromium, controlled through its DevTools pipe. If no Chromium is installed,
//! these tests print a notice and check nothing; `.ci/run` installs one.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use async_vs_threads::report;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::{self, Fixture};

/// A browser with one page.
struct Browser {
    process: Child,
    commands: ChildStdin,
    responses: BufReader<ChildStdout>,
    session: String,
    n_calls: u64,
    /// All events since the current page was opened.
    events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser. Prints a notice and returns `None` if no Chromium is installed.
    fn start() -> Option<Self> {
        let is_installed = |name: &&&str| Command::new(name).arg("--version").stdout(Stdio::null()).status().is_ok();
        let Some(name) = ["chromium", "chromium-browser", "google-chrome"].iter().find(is_installed) else {
            announce("no Chromium is installed: the pages are not tested in a browser");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        // DevTools uses the descriptors 3 and 4.
        let script = format!(
            "exec {name} --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
             --disable-background-networking --disable-component-update --disable-sync --remote-debugging-pipe \
             --user-data-dir={} 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null",
            profile.path().display()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let commands = process.stdin.take().unwrap();
        let responses = BufReader::new(process.stdout.take().unwrap());
        let mut browser = Self {
            process,
            commands,
            responses,
            session: String::new(),
            n_calls: 0,
            events: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached =
            browser.call("Target.attachToTarget", json!({ "targetId": target["targetId"], "flatten": true }));
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Calls a DevTools method and returns its result. Keeps the events that arrive before the result.
    fn call(&mut self, method: &str, params: Value) -> Value {
        self.n_calls += 1;
        let mut message = json!({ "id": self.n_calls, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        self.commands.write_all(&bytes).unwrap();
        loop {
            let received = self.receive();
            if received["id"] == json!(self.n_calls) {
                assert!(received["error"].is_null(), "{method}: {received}");
                return received["result"].clone();
            }
            self.events.push(received);
        }
    }

    fn receive(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.responses.read_until(0, &mut bytes).unwrap();
        bytes.pop();
        serde_json::from_slice(&bytes).expect("a message from a browser that runs")
    }

    /// Opens a file and waits until it is loaded.
    fn open(&mut self, path: &Path) {
        self.events.clear();
        self.call("Page.navigate", json!({ "url": format!("file://{}", path.display()) }));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let received = self.receive();
            self.events.push(received);
        }
    }

    /// Evaluates a JavaScript expression in the page.
    fn value(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let received = self.call("Runtime.evaluate", params);
        assert!(received["exceptionDetails"].is_null(), "{expression}: {received}");
        received["result"]["value"].clone()
    }

    fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "ArrowRight" => 39,
            "Escape" => 27,
            "+" => 187,
            other => panic!("no key code for {other}"),
        };
        let text = if key == "Enter" { "\r" } else { "" };
        let event = |kind: &str| json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code, "text": text });
        self.call("Input.dispatchKeyEvent", event("keyDown"));
        self.call("Input.dispatchKeyEvent", event("keyUp"));
    }

    /// Emulates a viewport width, a colour scheme (`light` or `dark`) and a medium (`screen` or `print`).
    fn emulate(&mut self, width: u32, scheme: &str, media: &str) {
        let screen = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", screen);
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "media": media, "features": features }));
    }

    /// Returns the errors and log messages of the page, and its requests for other resources.
    fn problems(&self) -> Vec<&Value> {
        let is_problem = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Log.entryAdded" | "Runtime.consoleAPICalled") => true,
            Some("Network.requestWillBeSent") => {
                let url = event["params"]["request"]["url"].as_str().unwrap_or_default();
                !url.starts_with("data:") && event["params"]["type"] != "Document"
            }
            _ => false,
        };
        self.events.iter().filter(is_problem).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Writes past the test harness, which captures the output of tests that pass.
fn announce(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes the pages of a run to a folder, and returns it with their names.
fn write_pages(fixture: &Fixture) -> (TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let pages = report::pages(&fixture.analysis());
    for page in &pages {
        fs::write(folder.path().join(&page.name), &page.html).unwrap();
    }
    (folder, pages.into_iter().map(|page| page.name).collect())
}

#[test]
fn pages_load_nothing_log_nothing_and_fit_the_screen() {
    let Some(mut browser) = Browser::start() else { return };
    let (folder, names) = write_pages(&fixture::tour());
    for name in &names {
        browser.emulate(1_000, "light", "screen");
        browser.open(&folder.path().join(name));
        let background = "getComputedStyle(document.body).backgroundColor";
        let light = browser.value(background);
        for (width, scheme, media) in [(360, "light", "screen"), (360, "dark", "screen"), (700, "dark", "print")] {
            browser.emulate(width, scheme, media);
            let page_width = browser.value("document.scrollingElement.scrollWidth").as_u64().unwrap();
            assert!(page_width <= width.into(), "{name} is {page_width} px wide, the viewport {width} px ({media})");
            let is_dark = browser.value(background) != light;
            assert_eq!(is_dark, scheme == "dark" && media == "screen", "{name}, {scheme}, {media}");
        }
        assert!(browser.problems().is_empty(), "{name}: {:?}", browser.problems());
    }
}

/// Needs `AXE`, the path of axe-core's script, which `.ci/run` sets. Prints a notice and checks nothing without it.
#[test]
fn axe_finds_no_violations() {
    let Some(axe) = std::env::var_os("AXE") else {
        announce("AXE is not set: axe-core does not check the pages");
        return;
    };
    let Some(mut browser) = Browser::start() else { return };
    let axe = fs::read_to_string(axe).expect("AXE is the path of a readable file");
    let (folder, names) = write_pages(&fixture::tour());
    for name in &names {
        for scheme in ["light", "dark"] {
            browser.emulate(1_000, scheme, "screen");
            browser.open(&folder.path().join(name));
            browser.value(&format!("{axe}; 0"));
            let found = browser.value(
                "axe.run().then(r => r.violations.map(v => `${v.id}: ${v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))}`))",
            );
            assert_eq!(found, json!([]), "{name}, {scheme}");
        }
    }
}

#[test]
fn everything_works_by_keyboard_alone() {
    let Some(mut browser) = Browser::start() else { return };
    let (folder, _) = write_pages(&fixture::tour());
    browser.emulate(1_000, "light", "screen");
    browser.open(&folder.path().join("echo.html"));
    let focused = "document.activeElement.className.baseVal ?? document.activeElement.className";
    let reach = |browser: &mut Browser, wanted: &str| {
        for _ in 0..200 {
            browser.press("Tab");
            if browser.value(focused).as_str().is_some_and(|class| class.contains(wanted)) {
                return;
            }
        }
        panic!("{wanted} cannot be reached by keyboard");
    };
    let name = "document.activeElement.parentElement?.dataset.model ?? ''";
    while browser.value(name) != json!("threads") {
        browser.press("Tab");
    }
    let pressed = "document.activeElement.getAttribute('aria-pressed')";
    let opacity = "getComputedStyle(document.querySelector('main .chart g[data-m=threads]')).opacity";
    let address = "location.hash";
    assert_eq!((browser.value(pressed), browser.value(opacity)), (json!("true"), json!("1")));
    browser.press("Enter");
    assert_eq!((browser.value(pressed), browser.value(opacity)), (json!("false"), json!("0.1")));
    assert_eq!(browser.value(address), json!("#;hide=threads"));
    browser.press("Enter");
    assert_eq!((browser.value(pressed), browser.value(opacity)), (json!("true"), json!("1")));
    assert_eq!(browser.value(address), json!(""));

    while browser.value("document.activeElement.dataset.curves ?? ''") == json!("") {
        reach(&mut browser, "chart");
    }
    let live_region = "document.activeElement.nextElementSibling.textContent";
    let first = browser.value(live_region);
    assert!(first.as_str().is_some_and(|text| text.starts_with("p0: ")), "{first}");
    for _ in 0..10 {
        browser.press("ArrowRight");
    }
    let ninety = browser.value(live_region);
    assert!(ninety.as_str().is_some_and(|text| text.starts_with("p90: ") && text.contains("async ")), "{ninety}");
    // One crosshair for all curves of the page that are seen.
    let crosses = "[...document.querySelectorAll('.cross')].filter(c => c.getAttribute('d')).length";
    let charts = "document.querySelectorAll('svg[data-curves]').length";
    assert_eq!(browser.value(crosses), browser.value(charts));
    assert!(browser.problems().is_empty(), "{:?}", browser.problems());
}

#[test]
fn every_chart_answers_the_pointer() {
    let Some(mut browser) = Browser::start() else { return };
    let (folder, _) = write_pages(&fixture::tour());
    browser.emulate(1_280, "light", "screen");
    browser.open(&folder.path().join("echo.html"));
    let answers = "[...document.querySelectorAll('svg.chart')].filter(svg => svg.getBoundingClientRect().width > 0)\
        .filter(svg => !svg.querySelector('.hit') && !svg.dataset.curves && !svg.dataset.lanes)\
        .map(svg => svg.querySelector('title').textContent)";
    assert_eq!(browser.value(answers), json!([]), "charts that do not answer");
    let hover = "(() => { const hit = document.querySelector('svg.wide .hit'); const box = hit.getBoundingClientRect(); \
        hit.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, clientX: box.x + 5, clientY: box.y + 5 })); \
        const tip = document.querySelector('.tip'); return [tip.hidden, tip.textContent]; })()";
    let shown = browser.value(hover);
    assert_eq!(shown[0], json!(false));
    assert!(shown[1].as_str().is_some_and(|text| text.contains(": ") && text.contains("round")), "{shown}");
    // A click leaves one model, and a table is sorted by its heading.
    let isolate = "(() => { const hit = document.querySelector('svg.wide .hit'); \
        hit.dispatchEvent(new MouseEvent('click', { bubbles: true })); \
        const off = [...document.querySelectorAll('.models [aria-pressed=false]')].length; \
        hit.dispatchEvent(new MouseEvent('click', { bubbles: true })); \
        return [off, document.querySelectorAll('.models [aria-pressed=false]').length]; })()";
    let all = browser.value("document.querySelectorAll('.models button').length").as_u64().unwrap();
    assert_eq!(browser.value(isolate), json!([all - 1, 0]));
    let sort = "(() => { const table = document.querySelector('table.figures'); \
        const first = () => table.tBodies[0].rows[0].cells[0].textContent; const before = first(); \
        table.querySelectorAll('thead button')[0].click(); \
        const names = [...table.tBodies[0].rows].map(row => row.cells[0].firstChild.textContent); \
        return [names.join() === [...names].sort((a, b) => a.localeCompare(b)).join(), \
        table.querySelector('th').getAttribute('aria-sort')]; })()";
    assert_eq!(browser.value(sort), json!([true, "ascending"]));
    assert!(browser.problems().is_empty(), "{:?}", browser.problems());
}

#[test]
fn a_malformed_address_switches_no_model_off_and_breaks_nothing() {
    let Some(mut browser) = Browser::start() else { return };
    let (folder, _) = write_pages(&fixture::tour());
    let page = folder.path().join("echo.html");
    let off = "[...document.querySelectorAll('.models [aria-pressed=false]')].map(button => button.textContent)";
    for (k, (fragment, expected)) in [
        ("#;hide=threads", json!(["threads"])),
        ("#;hide=", json!([])),
        ("#;hide=%", json!([])),
        ("#;hide=%E0%A4%A,unknown", json!([])),
        ("#;;hide==,,;=", json!([])),
        ("#%;hide=threads;hide=async", json!(["threads"])),
        ("#nowhere;hide=<script>", json!([])),
    ]
    .into_iter()
    .enumerate()
    {
        browser.emulate(1_280, "light", "screen");
        // With another query, the browser loads the page anew.
        browser.open(Path::new(&format!("{}?{k}{fragment}", page.display())));
        assert_eq!(browser.value(off), expected, "{fragment}");
        assert!(browser.problems().is_empty(), "{fragment}: {:?}", browser.problems());
    }
}

#[test]
fn lanes_zoom_by_keyboard_and_reset() {
    let Some(mut browser) = Browser::start() else { return };
    let (folder, _) = write_pages(&fixture::tour());
    browser.emulate(1_280, "light", "screen");
    browser.open(&folder.path().join("waiting.html"));
    let state = "(() => { const svg = document.querySelector('svg[data-lanes]'); const still = svg.querySelector('.still'); \
        return [getComputedStyle(still).display, still.nextElementSibling.childElementCount > 0]; })()";
    browser.value("document.querySelector('svg[data-lanes]').focus(); 0");
    assert_eq!(browser.value(state), json!(["inline", false]));
    for _ in 0..3 {
        browser.press("+");
    }
    assert_eq!(browser.value(state), json!(["none", true]));
    browser.press("Escape");
    assert_eq!(browser.value(state), json!(["inline", false]));
    assert!(browser.problems().is_empty(), "{:?}", browser.problems());
}

#[test]
fn foreign_text_never_runs_as_script() {
    let Some(mut browser) = Browser::start() else { return };
    let hostile = "</title></svg><script>document.body.id='bad'</script><img src=x onerror=\"document.body.id='bad'\">";
    let mut fixture = fixture::tour();
    let scenario = &mut fixture.scenarios[0];
    (scenario.question, scenario.analysis, scenario.source) = (hostile.into(), hostile.into(), hostile.into());
    fixture.run.host.cpu = Some(hostile.into());
    fixture.run.started = hostile.into();
    let (folder, names) = write_pages(&fixture);
    for name in &names[..2] {
        browser.open(&folder.path().join(name));
        assert_eq!(browser.value("document.body.id + document.querySelectorAll('img').length"), json!("0"), "{name}");
        assert!(browser.value("document.body.textContent").as_str().unwrap().contains("<script>document"), "{name}");
        assert!(browser.problems().is_empty(), "{name}: {:?}", browser.problems());
    }
}
