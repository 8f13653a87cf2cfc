//! Renders the page that lists runs: their settings, their machines, and how far their figures can be believed.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;

use askama::Template;

use super::html::{ICON, SCRIPT, SCRIPT_HASH, STYLE};
use super::{Page, wording};
use crate::record::{Run, RunState};
use crate::text;
use crate::units;

#[derive(Template)]
#[template(path = "list.html", config = "src/report/templates/askama.toml")]
struct List {
    runs: Vec<ListedRun>,
}

/// A run, or the reason why it cannot be read.
struct ListedRun {
    name: String,
    href: String,
    summary: Result<RunSummary, String>,
}

struct RunSummary {
    when: String,
    machine: String,
    scenarios: String,
    rounds: String,
    /// The number of trials: `321`, or `321, 24 refused as expected`.
    trials: String,
    verdict: String,
    /// The number of claims by verdict: `23 reproduced, 1 refuted`.
    claims: String,
    avt: String,
}

/// Renders `index.html` for the runs of a folder, the newest first. A run's name may contain any bytes.
pub fn list(runs: &[(OsString, Result<Run, String>)]) -> Page {
    let listed = |(name, run): &(OsString, Result<Run, String>)| ListedRun {
        name: text::of_path(name.as_ref()),
        href: format!("{}/index.html", encoded(name)),
        summary: run.as_ref().map(summarize).map_err(|why| text::one_line(why)),
    };
    let mut runs: Vec<ListedRun> = runs.iter().map(listed).collect();
    // Unreadable runs have no time and come last.
    runs.sort_by_key(|run| {
        std::cmp::Reverse(run.summary.as_ref().map_or_else(|_| String::new(), |summary| summary.when.clone()))
    });
    Page { name: "index.html".into(), html: List { runs }.render().expect("writing into a string") }
}

fn summarize(run: &Run) -> RunSummary {
    let cpu = run.host.cpu.as_deref().unwrap_or("unknown processor");
    let names: Vec<String> = run.scenarios.iter().map(|source| text::one_line(&source.name)).collect();
    let count = units::count;
    let judged = run.judged.unwrap_or_default();
    RunSummary {
        when: text::one_line(&run.started),
        machine: format!("{} × {}", count(run.host.cpus.into()), text::one_line(cpu)),
        scenarios: names.join(", "),
        rounds: text::one_line(&run.rounds),
        trials: match judged.refused {
            0 => count(run.trials_planned),
            refused => format!("{}, {} refused as expected", count(run.trials_planned), count(refused)),
        },
        verdict: match (&run.state, run.judged) {
            (RunState::Running, _) | (_, None) => "not ended".into(),
            (RunState::Partial(signal), _) => format!("partial: {} ended it early", text::one_line(signal)),
            (RunState::Complete, _) => {
                let counts = [
                    (judged.failed, "failed"),
                    (judged.invalid, "invalid"),
                    (judged.suspect, "suspect"),
                    (judged.rounds_invalid, "invalid over the rounds"),
                    (judged.rounds_suspect, "suspect over the rounds"),
                ];
                verdict(&counts, "valid")
            }
        },
        claims: verdict(
            &[
                (judged.claims_refuted, "refuted"),
                (judged.claims_inconclusive, "inconclusive"),
                (judged.claims_reproduced, "reproduced"),
            ],
            "–",
        ),
        avt: text::one_line(&run.host.avt),
    }
}

/// Returns the non-zero counts, `12 invalid, 104 suspect`, or `none` if all are 0.
fn verdict(numbers: &[(u64, &str)], none: &str) -> String {
    let counts = wording::counted(numbers);
    if counts.is_empty() { none.into() } else { counts.join(", ") }
}

/// Encodes a folder's name for use in a URL.
fn encoded(name: &OsStr) -> String {
    name.as_encoded_bytes().iter().fold(String::new(), |mut address, &byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => address.push(byte.into()),
            _ => write!(address, "%{byte:02X}").expect("writing into a string"),
        }
        address
    })
}
