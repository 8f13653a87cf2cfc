//! Resolves names on the command line to scenarios: a built-in name, or a file.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::scenario::builtin::{self, Builtin};
use crate::scenario::{ArrivalSpec, LoadSpec, MOST_BYTES, Mistakes, Scenario, Work, closest, parse_bytes};
use crate::session::Named;
use crate::session::output::{Stop, note, note_color, note_styled, note_width};
use crate::units;

/// Returns the scenarios of these names and files; those of the tour if there are none. Prints every mistake in every
/// file before it fails.
pub(super) fn scenarios(names: &[OsString]) -> Result<Vec<Named>, Stop> {
    if names.is_empty() {
        return Ok(builtin::tour().filter_map(builtin::find).map(named).collect());
    }
    let (found, mistaken) = read(names)?;
    for mistakes in &mistaken {
        note_styled(mistakes.render(note_width(), note_color()));
    }
    reject_mistakes(found, mistaken.len())
}

/// Returns every built-in scenario.
pub(super) fn every() -> Vec<Named> {
    builtin::all().iter().map(named).collect()
}

fn named(builtin: &Builtin) -> Named {
    Named { given: builtin.name.into(), scenario: builtin.scenario() }
}

/// Returns the scenarios, unless any file has mistakes or two scenarios share a name.
pub(super) fn reject_mistakes(found: Vec<Named>, mistaken: usize) -> Result<Vec<Named>, Stop> {
    if mistaken > 0 {
        let all = found.len() + mistaken;
        return Err(Stop::input(format_args!("nothing was started; invalid scenarios: {mistaken} of {all}")));
    }
    for (i, Named { scenario, .. }) in found.iter().enumerate() {
        if found[..i].iter().any(|earlier| earlier.scenario.name == scenario.name) {
            return Err(Stop::input(format_args!(
                "two scenarios have the name `{}`; change the `name` of one",
                scenario.name
            )));
        }
    }
    for warning in found.iter().filter_map(|Named { scenario, .. }| warn_of_few_requests(scenario)) {
        note(format_args!("avt: {warning}"));
    }
    Ok(found)
}

/// Returns a warning if some rounds of a scenario may have no requests.
fn warn_of_few_requests(scenario: &Scenario) -> Option<String> {
    /// With a Poisson process of this mean, fewer than one window in 20,000 is empty.
    const ENOUGH: f64 = 10.0;
    let expected = |load: &LoadSpec| match load.arrival {
        ArrivalSpec::Open { rate, .. } => Some((rate, load.duration, rate * load.duration.as_secs_f64())),
        ArrivalSpec::Closed { .. } => None,
    };
    let loads = scenario.points.iter().filter_map(|point| match &point.work {
        Work::Echo(echo) => expected(&echo.load),
        Work::Sleep(_) | Work::Offload(_) | Work::Own(_) => None,
    });
    let (rate, length, requests) = loads.min_by(|(.., one), (.., other)| one.total_cmp(other))?;
    (requests < ENOUGH).then(|| {
        format!(
            "{}: at {} a window of {} has only {} requests on average, so a round may have none; raise load.rate or \
             load.duration",
            scenario.name,
            units::rate(rate),
            units::exact(length),
            units::three_digits(requests)
        )
    })
}

/// Returns the scenarios of these names and files, and the mistakes of invalid ones.
pub(super) fn read(names: &[OsString]) -> Result<(Vec<Named>, Vec<Mistakes>), Stop> {
    let (mut found, mut mistaken) = (Vec::new(), Vec::new());
    for name in names {
        match find(name)? {
            Ok(scenario) => found.push(Named { given: name.to_string_lossy().into_owned(), scenario }),
            Err(mistakes) => mistaken.push(mistakes),
        }
    }
    Ok((found, mistaken))
}

/// Returns the error for a name that no built-in scenario has.
pub(super) fn unknown(name: &OsStr) -> Stop {
    let names: Vec<&str> = builtin::all().iter().map(|builtin| builtin.name).collect();
    let name = name.to_string_lossy();
    let remedy = match closest(&name, names.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("the built-in ones are {}", names.join(", ")),
    };
    Stop::input(format_args!("no scenario is called `{}`; {remedy}", name.escape_debug()))
}

fn find(name: &OsStr) -> Result<Result<Scenario, Mistakes>, Stop> {
    if let Some(builtin) = name.to_str().and_then(builtin::find) {
        return Ok(Ok(builtin.scenario()));
    }
    let path = Path::new(name);
    let looks_like_a_file = path.components().count() > 1 || path.extension().is_some() || path.exists();
    if !looks_like_a_file {
        return Err(unknown(name));
    }
    let mut text = Vec::new();
    // One byte more than the parser accepts, because a device may have no end.
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES as u64 + 1).read_to_end(&mut text));
    read.map_err(|error| Stop::input(format_args!("{}: {error}", path.display())))?;
    Ok(parse_bytes(&path.to_string_lossy(), &text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;

    fn warning(load: &str) -> Option<String> {
        let head = "question = \"x\"\nanalysis = \"x. The caveat: y.\"\nworkload = \"echo\"\nmodels = [\"async\"]\n[load]\nconnections = 1\n";
        warn_of_few_requests(&parse("few.toml", &format!("{head}{load}")).unwrap())
    }

    #[test]
    fn a_rate_that_leaves_rounds_without_requests_causes_a_warning() {
        let found = warning("loop = \"open\"\nrate = [1000, 1]\nduration = \"400ms\"\n").unwrap();
        assert!(found.starts_with("few: at 1.00/s a window of 400ms has only 0.400 requests on average"), "{found}");
        assert_eq!(warning("loop = \"open\"\nrate = 25\nduration = \"400ms\"\n"), None);
        assert_eq!(warning("loop = \"closed\"\nduration = \"10ms\"\n"), None);
        assert_eq!(every().iter().find_map(|named| warn_of_few_requests(&named.scenario)), None);
    }
}
