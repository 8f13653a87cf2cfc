//! Exports the lanes of a scenario in the Trace Event Format, which Perfetto (ui.perfetto.dev) and chrome://tracing
//! open: one process per model, one thread per lane.

use serde_json::{Value, json};

use crate::lanes::What;
use crate::record::{Outcome, Record, Traced};
use crate::scenario::Scenario;
use crate::text;

/// Exports all recorded trials of a scenario; `None` if there are none. Times are microseconds, as the format requires.
pub(super) fn chrome(scenario: &Scenario, records: &[Record]) -> Option<String> {
    let mut events: Vec<Value> = Vec::new();
    for (i, cell) in scenario.cells().iter().enumerate() {
        let traced = records.iter().filter(|record| record.cell == cell.id).find_map(|record| match &record.outcome {
            Outcome::Traced(traced) => Some(traced),
            _ => None,
        });
        if let Some(traced) = traced {
            let (model, point) = (cell.id.model, text::one_line(&cell.id.point.to_string()));
            let name = if point.is_empty() { model.to_string() } else { format!("{model} ({point})") };
            of_trial(&mut events, i + 1, &name, traced);
        }
    }
    let trace = json!({ "displayTimeUnit": "ms", "traceEvents": events });
    (!events.is_empty()).then(|| trace.to_string())
}

fn of_trial(events: &mut Vec<Value>, process: usize, name: &str, traced: &Traced) {
    let about = |kind: &str, thread: usize, args: Value| json!({ "ph": "M", "name": kind, "pid": process, "tid": thread, "args": args });
    events.push(about("process_name", 0, json!({ "name": name })));
    events.push(about("process_sort_index", 0, json!({ "sort_index": process })));
    for (lane, name) in traced.lanes.names.iter().enumerate() {
        events.push(about("thread_name", lane + 1, json!({ "name": name })));
        events.push(about("thread_sort_index", lane + 1, json!({ "sort_index": lane + 1 })));
    }
    let micros = |nanos: u64| nanos as f64 / 1e3;
    for span in &traced.lanes.spans {
        let (thread, job) = (span.lane + 1, span.job);
        let name = match span.what {
            What::Run => format!("{} {job}", traced.lanes.jobs_are),
            What::Compute => "compute".into(),
            What::Block => "block".into(),
            What::Wait => "wait".into(),
            What::Ready => format!("{} {job} is ready", traced.lanes.jobs_are),
        };
        let (start, end) = (micros(span.start), micros(span.end));
        match span.what {
            // Ready jobs may overlap each other, which slices of a thread must not.
            What::Ready => {
                let id = format!("{process}/{job}");
                for (phase, at) in [("b", start), ("e", end)] {
                    let event = json!({ "ph": phase, "cat": "ready", "name": name, "id": id, "pid": process, "tid": thread, "ts": at });
                    events.push(event);
                }
            }
            _ => events.push(json!({
                "ph": "X", "name": name, "pid": process, "tid": thread, "ts": start, "dur": end - start, "args": { "job": job },
            })),
        }
    }
}
