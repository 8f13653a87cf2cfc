//! `avt list`: lists the built-in scenarios.

use serde::Serialize;

use crate::scenario::builtin::{self, Group};
use crate::text;

use crate::session::output::{Stop, print, print_json, width};

/// List the built-in scenarios
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: avt list, then: avt run sleep")]
pub(super) struct ListArgs {
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct ListedScenario {
    name: String,
    question: String,
    workload: &'static str,
    models: Vec<String>,
    points: usize,
    claims: usize,
    group: Group,
    tour: bool,
}

pub(super) fn main(args: &ListArgs) -> Result<(), Stop> {
    let all = builtin::all().iter().map(|builtin| (builtin, builtin.scenario()));
    let listed = all.map(|(builtin, scenario)| ListedScenario {
        tour: builtin.is_tour,
        group: builtin.group,
        claims: scenario.claims.len(),
        workload: scenario.points.first().map_or("", |point| point.work.workload()),
        models: scenario.models.iter().map(ToString::to_string).collect(),
        points: scenario.points.len(),
        name: scenario.name,
        question: scenario.question,
    });
    let listed: Vec<ListedScenario> = listed.collect();
    if args.json {
        return print_json(&listed);
    }
    let widest = listed.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    // The questions stand beside the names, or below them if the terminal is narrow.
    let beside = widest + 4;
    let indent = if width() >= beside + 30 { beside } else { 4 };
    let mut group = None;
    for ListedScenario { name, question, tour, group: of, .. } in &listed {
        if group != Some(*of) {
            let gap = if group.is_some() { "\n" } else { "" };
            print(format_args!("{gap}{}", of.heading()))?;
            group = Some(*of);
        }
        let mark = if *tour { '*' } else { ' ' };
        let question = text::wrapped(question, width().saturating_sub(indent), "");
        let question = question.join(&format!("\n{:indent$}", ""));
        if indent == beside {
            print(format_args!("{mark} {name:widest$}  {question}"))?;
        } else {
            print(format_args!("{mark} {name}\n{:indent$}{question}", ""))?;
        }
    }
    let tour = "* part of the tour: `avt run` without a name runs these; `avt run --all` runs all scenarios";
    print(format_args!("\n{}", text::wrapped(tour, width(), "  ").join("\n")))
}
