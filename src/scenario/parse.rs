//! Parses TOML into a [`Scenario`], and locates every mistake.
//!
//! Mistakes are reported in stages, all those of one stage together:
//!
//! 1. the file is not UTF-8, or too long;
//! 2. it is not TOML;
//! 3. it has invisible characters, even in a comment;
//! 4. a key is unknown, misplaced or missing, or its value is invalid ([`fields`], [`values`]);
//! 5. the values do not go together ([`together`]);
//! 6. the whole scenario would take too long.

mod claims;
mod fields;
mod mistakes;
mod models;
mod points;
mod servers;
mod syntax;
mod texts;
mod together;
mod values;

use std::path::Path;

use toml::de::DeTable;

pub use self::mistakes::{Mistake, Mistakes};

use self::fields::Fields;
use self::mistakes::SpannedMistake;
use self::values::Value;
use super::keys::{Section, WorkloadName};
use super::{Model, Rounds, Scenario, Slo};

/// The longest file, bytes: every run keeps a copy of its scenarios.
pub const MOST_BYTES: usize = 64 << 10;

/// Parses a scenario; `file` is its name in messages, and its stem the scenario's name if the text has none.
pub fn parse(file: &str, text: &str) -> Result<Scenario, Mistakes> {
    // A byte order mark is not part of any line.
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let refuse =
        |found: Vec<SpannedMistake>| if found.is_empty() { Ok(()) } else { Err(Mistakes::new(file, body, found)) };
    if text.len() > MOST_BYTES {
        let message = format!("must be at most {MOST_BYTES} bytes, found {}", text.len());
        return Err(Mistakes::new(file, "", vec![SpannedMistake::new(0..0, "", message, "is this a scenario file?")]));
    }
    let (table, errors) = DeTable::parse_recoverable(body);
    refuse(syntax::mistakes(&errors, table.get_ref(), body))?;
    refuse(syntax::hidden(body))?;
    let mut found = Vec::new();
    let fields = fields::read(table.get_ref(), &mut found);
    let name = name(file, &fields).map_err(|mistake| found.push(mistake));
    refuse(found)?;
    let (workload, _) = fields.workload.as_ref().expect("without a workload something was found");
    refuse(together::check(&fields, *workload))?;
    let name = name.expect("without a name something was found");
    let scenario = assemble(&fields, *workload, name, text);
    refuse(claims::check(&fields, &scenario))?;
    refuse(together::planned_time(&fields, &scenario))?;
    Ok(scenario)
}

/// Parses a scenario from the bytes of its file, which may not be UTF-8.
pub fn parse_bytes(file: &str, bytes: &[u8]) -> Result<Scenario, Mistakes> {
    match str::from_utf8(bytes) {
        Ok(text) => parse(file, text),
        Err(error) => {
            let at = error.valid_up_to();
            let message = format!("invalid UTF-8: byte 0x{:02x}", bytes[at]);
            let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
            let now = if utf16 { " (it looks like UTF-16)" } else { "" };
            let found = vec![SpannedMistake::new(at..at + 1, "", message, format!("save the file as UTF-8{now}"))];
            Err(Mistakes::new(file, &String::from_utf8_lossy(bytes), found))
        }
    }
}

/// Returns the name in the file, or else the name of the file.
fn name(file: &str, fields: &Fields) -> Result<String, SpannedMistake> {
    if let Some(field) = fields.get(Section::Top, "name") {
        return Ok(field.values.first().map(|(name, _)| name.to_string()).unwrap_or_default());
    }
    let stem = Path::new(file).file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    texts::slug(&stem).map_err(|wrong| {
        let message = format!("missing, and the file name is not a valid name: {}", wrong.message);
        let remedy = wrong.remedy.replacen("write ", "write name = ", 1);
        SpannedMistake::new(0..0, "name", message, remedy)
    })
}

/// Returns the objective, which has been checked.
fn slo(fields: &Fields) -> Option<Slo> {
    match &fields.get(Section::Load, "slo")?.values[0].0 {
        Value::Objective(slo) => Some(slo.clone()),
        other => unreachable!("the objective was checked: {other:?}"),
    }
}

fn assemble(fields: &Fields, workload: WorkloadName, name: String, source: &str) -> Scenario {
    let text = |name| fields.get(Section::Top, name).map(|field| field.values[0].0.to_string()).unwrap_or_default();
    let model = |value: &Value| match value {
        Value::Model(model) => *model,
        other => unreachable!("models were checked to be models: {other:?}"),
    };
    let models = |name| {
        let values = fields.get(Section::Top, name).map(|field| field.values.as_slice()).unwrap_or_default();
        values.iter().map(|(value, _)| model(value)).collect::<Vec<Model>>()
    };
    let [quick, full] = together::rounds(fields).map(|(count, _)| count);
    let points = points::points(fields, workload);
    Scenario {
        name,
        question: text("question"),
        analysis: text("analysis"),
        models: models("models"),
        rounds: Rounds { quick, full },
        max_jobs: together::max_jobs(fields).map(|(model, most, _)| (model, most)).collect::<Vec<(Model, u32)>>(),
        may_refuse: models("may_refuse"),
        baseline: models("baseline").first().copied(),
        slo: slo(fields),
        claims: claims::claims(fields, &points),
        points,
        source: source.to_owned(),
    }
}
