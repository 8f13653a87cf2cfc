//! The pages in a real browser: Chromium, headless, over the pipe of its DevTools. Where there is none these tests say so
//! and check nothing; `.ci/run` installs one.

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
    orders: ChildStdin,
    replies: BufReader<ChildStdout>,
    session: String,
    asked: u64,
    /// Every event so far.
    events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    /// Nothing where no Chromium is installed, which is said.
    fn start() -> Option<Self> {
        let is_there = |name: &&&str| Command::new(name).arg("--version").stdout(Stdio::null()).status().is_ok();
        let Some(name) = ["chromium", "chromium-browser", "google-chrome"].iter().find(is_there) else {
            announce("no Chromium is installed: the pages are not looked at");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        // It speaks over the descriptors 3 and 4.
        let script = format!(
            "exec {name} --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
             --disable-background-networking --disable-component-update --disable-sync --remote-debugging-pipe \
             --user-data-dir={} 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null",
            profile.path().display()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let orders = process.stdin.take().unwrap();
        let replies = BufReader::new(process.stdout.take().unwrap());
        let mut browser =
            Self { process, orders, replies, session: String::new(), asked: 0, events: Vec::new(), _profile: profile };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = browser.ask("Target.attachToTarget", json!({ "targetId": target["targetId"], "flatten": true }));
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Asks, and passes over what happens until the answer.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let mut order = json!({ "id": self.asked, "method": method, "params": params });
        if !self.session.is_empty() {
            order["sessionId"] = json!(self.session);
        }
        let mut bytes = serde_json::to_vec(&order).unwrap();
        bytes.push(0);
        self.orders.write_all(&bytes).unwrap();
        loop {
            let said = self.next();
            if said["id"] == json!(self.asked) {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
            self.events.push(said);
        }
    }

    fn next(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.replies.read_until(0, &mut bytes).unwrap();
        bytes.pop();
        serde_json::from_slice(&bytes).expect("the browser has ended")
    }

    /// Opens a file and waits until it is loaded.
    fn open(&mut self, path: &Path) {
        self.events.clear();
        self.ask("Page.navigate", json!({ "url": format!("file://{}", path.display()) }));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let said = self.next();
            self.events.push(said);
        }
    }

    /// The value of an expression.
    fn value(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let said = self.ask("Runtime.evaluate", params);
        assert!(said["exceptionDetails"].is_null(), "{expression}: {said}");
        said["result"]["value"].clone()
    }

    fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "ArrowRight" => 39,
            other => panic!("{other} has no code here"),
        };
        let text = if key == "Enter" { "\r" } else { "" };
        let event = |kind: &str| json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code, "text": text });
        self.ask("Input.dispatchKeyEvent", event("keyDown"));
        self.ask("Input.dispatchKeyEvent", event("keyUp"));
    }

    /// As wide as this, in the light or the dark, on a screen or on paper.
    fn look(&mut self, width: u32, scheme: &str, media: &str) {
        let screen = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", screen);
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.ask("Emulation.setEmulatedMedia", json!({ "media": media, "features": features }));
    }

    /// What the page complained of, and what it asked for beside itself.
    fn complaints(&self) -> Vec<&Value> {
        let is_one = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Log.entryAdded" | "Runtime.consoleAPICalled") => true,
            Some("Network.requestWillBeSent") => {
                let url = event["params"]["request"]["url"].as_str().unwrap_or_default();
                !url.starts_with("data:") && event["params"]["type"] != "Document"
            }
            _ => false,
        };
        self.events.iter().filter(is_one).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Past the harness, which keeps what a test prints to itself when it passes.
fn announce(what: &str) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// The pages of a run in a folder, and their names.
fn written(fixture: &Fixture) -> (TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let pages = report::pages(&fixture.analysis());
    for page in &pages {
        fs::write(folder.path().join(&page.name), &page.html).unwrap();
    }
    (folder, pages.into_iter().map(|page| page.name).collect())
}

#[test]
fn pages_load_nothing_complain_of_nothing_and_fit() {
    let Some(mut browser) = Browser::start() else { return };
    let (folder, names) = written(&fixture::tour());
    for name in &names {
        browser.look(1_000, "light", "screen");
        browser.open(&folder.path().join(name));
        let ground = "getComputedStyle(document.body).backgroundColor";
        let light = browser.value(ground);
        for (width, scheme, media) in [(360, "light", "screen"), (360, "dark", "screen"), (700, "dark", "print")] {
            browser.look(width, scheme, media);
            let wide = browser.value("document.scrollingElement.scrollWidth").as_u64().unwrap();
            assert!(wide <= width.into(), "{name} is {wide} px wide where there are {width} ({media})");
            let is_dark = browser.value(ground) != light;
            assert_eq!(is_dark, scheme == "dark" && media == "screen", "{name}, {scheme}, {media}");
        }
        assert!(browser.complaints().is_empty(), "{name}: {:?}", browser.complaints());
    }
}

/// With the file of axe-core that `AXE` names, as `.ci/run` gets it; without it this says so.
#[test]
fn axe_finds_nothing_to_complain_of() {
    let Some(axe) = std::env::var_os("AXE") else {
        announce("AXE names no file of axe-core: it is not asked");
        return;
    };
    let Some(mut browser) = Browser::start() else { return };
    let axe = fs::read_to_string(axe).expect("the file that AXE names");
    let (folder, names) = written(&fixture::tour());
    for name in &names {
        for scheme in ["light", "dark"] {
            browser.look(1_000, scheme, "screen");
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
fn what_can_be_done_by_pointer_can_be_done_by_keyboard() {
    let Some(mut browser) = Browser::start() else { return };
    let (folder, _) = written(&fixture::tour());
    browser.look(1_000, "light", "screen");
    browser.open(&folder.path().join("echo.html"));
    let focused = "document.activeElement.className.baseVal ?? document.activeElement.className";
    let reach = |browser: &mut Browser, wanted: &str| {
        for _ in 0..200 {
            browser.press("Tab");
            if browser.value(focused).as_str().is_some_and(|class| class.contains(wanted)) {
                return;
            }
        }
        panic!("no way to {wanted} by keyboard");
    };
    reach(&mut browser, "b-threads");
    let pressed = "document.activeElement.getAttribute('aria-pressed')";
    let faint = "getComputedStyle(document.querySelector('main .chart .k-threads')).opacity";
    assert_eq!((browser.value(pressed), browser.value(faint)), (json!("true"), json!("1")));
    browser.press("Enter");
    assert_eq!((browser.value(pressed), browser.value(faint)), (json!("false"), json!("0.12")));
    browser.press("Enter");
    assert_eq!((browser.value(pressed), browser.value(faint)), (json!("true"), json!("1")));

    reach(&mut browser, "chart");
    let told = "document.activeElement.nextElementSibling.textContent";
    let first = browser.value(told);
    assert!(first.as_str().is_some_and(|text| text.starts_with("0 % within: ")), "{first}");
    for _ in 0..10 {
        browser.press("ArrowRight");
    }
    let ninety = browser.value(told);
    assert!(
        ninety.as_str().is_some_and(|text| text.starts_with("90 % within: ") && text.contains("async ")),
        "{ninety}"
    );
    // One crosshair for all curves of the page that are seen.
    let crosses = "[...document.querySelectorAll('.cross')].filter(c => c.getAttribute('d')).length";
    let charts = "document.querySelectorAll('svg[data-curves]').length";
    assert_eq!(browser.value(crosses), browser.value(charts));
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
}

#[test]
fn what_others_wrote_runs_nowhere() {
    let Some(mut browser) = Browser::start() else { return };
    let hostile = "</title></svg><script>document.body.id='bad'</script><img src=x onerror=\"document.body.id='bad'\">";
    let mut fixture = fixture::tour();
    let scenario = &mut fixture.scenarios[0];
    (scenario.question, scenario.analysis, scenario.source) = (hostile.into(), hostile.into(), hostile.into());
    fixture.run.host.cpu = Some(hostile.into());
    fixture.run.started = hostile.into();
    let (folder, names) = written(&fixture);
    for name in &names[..2] {
        browser.open(&folder.path().join(name));
        assert_eq!(browser.value("document.body.id + document.querySelectorAll('img').length"), json!("0"), "{name}");
        assert!(browser.value("document.body.textContent").as_str().unwrap().contains("<script>document"), "{name}");
        assert!(browser.complaints().is_empty(), "{name}: {:?}", browser.complaints());
    }
}
