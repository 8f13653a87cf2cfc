//! The files and the page that `avt load` writes, and the conditions that it judges.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

use super::*;

#[test]
fn both_histogram_files_match_the_figures() {
    let server = Server::start("async");
    let folder = tempfile::tempdir().unwrap();
    let (hgrm, hlog) = (folder.path().join("times.hgrm"), folder.path().join("times.hlog"));
    let files = ["--hgrm", hgrm.to_str().unwrap(), "--hlog", hlog.to_str().unwrap()];
    // Longer than a second, so that there is more than one interval.
    let args = [&["-c", "4", "-d", "1200ms", "--rate", "500", "-t", "2"][..], &files].concat();
    let (ended, json) = load(server.address, "/echo/hello", &args);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    check_sum(&json);

    let log = std::fs::read(&hlog).unwrap();
    let mut totals = std::collections::BTreeMap::new();
    let mut starts = Vec::new();
    for entry in IntervalLogIterator::new(&log) {
        if let LogEntry::Interval(interval) = entry.unwrap() {
            let bytes = base64(interval.encoded_histogram());
            let times: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
            let tag = interval.tag().unwrap().as_str().to_owned();
            totals.entry(tag).or_insert_with(|| Histogram::<u64>::new(3).unwrap()).add(&times).unwrap();
            starts.push(interval.start_timestamp());
        }
    }
    assert!(starts.len() >= 4 && starts.is_sorted(), "{starts:?}");
    for (tag, name) in [("response_time", "response_time_us"), ("service_time", "service_time_us")] {
        assert_eq!(totals[tag].len(), json[name]["count"].as_u64().unwrap(), "{tag}");
        let max = totals[tag].max() as f64 / 1e3;
        assert!((max - json[name]["max"].as_f64().unwrap()).abs() / max < 0.002, "{tag}: {max} {json}");
    }
    let text = std::fs::read_to_string(&hgrm).unwrap();
    let last = text.lines().rfind(|line| !line.starts_with('#')).unwrap();
    let numbers: Vec<f64> = last.split_whitespace().map(|number| number.parse().unwrap()).collect();
    assert_eq!(numbers[2], json["response_time_us"]["count"].as_f64().unwrap(), "{text}");
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

#[test]
fn slo_conditions_decide_the_exit_code() {
    let server = Server::start("async");
    let outcome = |slo: &str| {
        let (ended, json) = load(server.address, "/echo/hello", &["-c", "2", "-n", "200", "--slo", slo]);
        let kept: Vec<bool> =
            json["slo"].as_array().into_iter().flatten().map(|one| one["kept"].as_bool().unwrap()).collect();
        // The measurement may be INVALID, since tests run in parallel; conditions are then not decided.
        let is_invalid = json["verdict"] == "invalid";
        assert!(!is_invalid || ended.code == Some(4), "{ended:?}");
        (ended.code.filter(|_| !is_invalid), kept)
    };
    let check_or_invalid = |found: (Option<i32>, Vec<bool>), code: i32, kept: &[bool]| {
        assert!(found.0.is_none_or(|found| found == code) && found.1 == kept, "{found:?}");
    };
    check_or_invalid(outcome("p50<1h,errors<=0%,rate>0"), 0, &[true, true, true]);
    check_or_invalid(outcome("p50<1h,p50<1ns"), 1, &[true, false]);
    // 200 requests are too few for p99.9.
    check_or_invalid(outcome("p99.9<1h"), 1, &[false]);
    assert_eq!(outcome("p99<5"), (Some(2), vec![]));
    // A 404 is a response, but counts as an error.
    let (ended, json) = load(server.address, "/nowhere", &["-c", "1", "-n", "10", "--slo", "errors<50%"]);
    let code = if json["verdict"] == "invalid" { 4 } else { 1 };
    assert_eq!((ended.code, &json["slo"][0]["measured"]), (Some(code), &Value::from("100.000 %")), "{json}");
}

#[test]
fn an_unwritable_file_is_refused_before_any_load() {
    let server = Server::start("async");
    for option in ["--hgrm", "--hlog"] {
        let (ended, _) = load(server.address, "/echo/hello", &["-n", "1", option, "/nowhere/at/all"]);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.stderr.contains(option) && ended.stderr.contains("/nowhere/at/all"), "{ended:?}");
    }
}

#[test]
fn the_terminal_shows_a_histogram_a_verdict_and_both_parts_of_the_lag() {
    let server = Server::start("async");
    let url = format!("http://{}/echo/hello", server.address);
    let ended = run(avt(["load", &url, "-c", "2", "-n", "300", "--rate", "5000"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for word in ["response time", "no connection free", "generator late", "█", "verdict", "300 planned = 300 completed"]
    {
        assert!(ended.stdout.contains(word), "{word}: {}", ended.stdout);
    }
    assert!(ended.stdout.lines().all(|line| !line.contains('█') || line.chars().count() <= 80), "{}", ended.stdout);
}

#[test]
fn a_verdict_other_than_valid_fails_with_strict() {
    // Answers only the first connection that sends a request.
    let one_sided = || {
        server({
            let first = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
            move |mut stream| {
                let mut is_first = None;
                while read_head(&mut stream) {
                    if *is_first.get_or_insert_with(|| first.swap(false, std::sync::atomic::Ordering::SeqCst)) {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                    }
                }
            }
        })
    };
    let args = ["-c", "2", "-d", "100ms", "--drain", "10ms"];
    let (ended, json) = load(one_sided(), "/", &args);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_ne!(json["verdict"], "valid", "{json}");
    let reasons = json["reasons"].as_array().unwrap();
    assert!(reasons.iter().any(|one| one["reason"].as_str().unwrap().contains("1 of 2 connections")), "{json}");
    let (ended, _) = load(one_sided(), "/", &[&args[..], &["--strict"]].concat());
    assert_eq!(ended.code, Some(4), "{ended:?}");
}

#[test]
fn the_page_shows_one_server_and_loads_nothing() {
    let server = Server::start("async");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("load.html");
    let args = ["-c", "4", "-d", "300ms", "--rate", "2000", "-H", "X-Hostile: <script>", "--html"];
    let (ended, json) = load(server.address, "/echo/<script>", &[&args[..], &[file.to_str().unwrap()]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let html = std::fs::read_to_string(&file).unwrap();
    assert_eq!(html.matches("<svg").count(), 6, "three charts in two sizes: {html}");
    let planned = json["requests"]["planned"].as_u64().unwrap();
    assert!(html.contains(&format!("<dt>planned</dt><dd>{planned}</dd>")), "{planned}: {html}");
    for foreign in ["https://", "<script ", " src=", "url(", "@import"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    assert!(html.contains("X-Hostile: &"), "the command is shown as text: {html}");
}
