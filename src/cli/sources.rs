//! From what a person names to scenarios: a built-in name, or a file.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::scenario::builtin::{self, Builtin};
use crate::scenario::{MOST_BYTES, Mistakes, Scenario, closest, parse_bytes};

use super::output::{Stop, note_color, note_styled, note_width};

/// A scenario, and how it was named.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) given: String,
    pub(super) scenario: Scenario,
}

/// The scenarios of these names and files; of the tour when there are none. Every mistake in every file is told before
/// the first one stops the program.
pub(super) fn scenarios(names: &[OsString]) -> Result<Vec<Named>, Stop> {
    if names.is_empty() {
        return Ok(builtin::tour().filter_map(builtin::find).map(named).collect());
    }
    let (found, mistaken) = read(names)?;
    for mistakes in &mistaken {
        note_styled(mistakes.render(note_width(), note_color()));
    }
    settled(found, mistaken.len())
}

/// Every built-in scenario.
pub(super) fn every() -> Vec<Named> {
    builtin::all().iter().map(named).collect()
}

fn named(builtin: &Builtin) -> Named {
    Named { given: builtin.name.into(), scenario: builtin.scenario() }
}

/// The scenarios that were found, when none of those beside them has mistakes and no two have one name.
pub(super) fn settled(found: Vec<Named>, mistaken: usize) -> Result<Vec<Named>, Stop> {
    if mistaken > 0 {
        let all = found.len() + mistaken;
        return Err(Stop::input(format_args!("nothing was started: {mistaken} of {all} scenarios cannot run")));
    }
    for (i, Named { scenario, .. }) in found.iter().enumerate() {
        if found[..i].iter().any(|earlier| earlier.scenario.name == scenario.name) {
            return Err(Stop::input(format_args!(
                "two scenarios are called `{}`; give one another `name`",
                scenario.name
            )));
        }
    }
    Ok(found)
}

/// The scenarios of these names and files, and the mistakes of those that have some.
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

fn find(name: &OsStr) -> Result<Result<Scenario, Mistakes>, Stop> {
    if let Some(builtin) = name.to_str().and_then(builtin::find) {
        return Ok(Ok(builtin.scenario()));
    }
    let path = Path::new(name);
    let looks_like_a_file = path.components().count() > 1 || path.extension().is_some() || path.exists();
    if !looks_like_a_file {
        let names: Vec<&str> = builtin::all().iter().map(|builtin| builtin.name).collect();
        let name = name.to_string_lossy();
        let remedy = match closest(&name, names.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("the built-in ones are {}", names.join(", ")),
        };
        return Err(Stop::input(format_args!("no scenario is called `{}`; {remedy}", name.escape_debug())));
    }
    let mut text = Vec::new();
    // One byte more than the parser takes: a device may have no end.
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES as u64 + 1).read_to_end(&mut text));
    read.map_err(|error| Stop::input(format_args!("{}: {error}", path.display())))?;
    Ok(parse_bytes(&path.to_string_lossy(), &text))
}
