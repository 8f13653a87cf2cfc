//! From what a person names to scenarios: a built-in name, or a file.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::scenario::{Scenario, builtin, closest, parse_bytes};

use super::output::{Stop, note, note_color};

/// The scenarios of these names and files; of the tour when there are none. Every mistake in every file is told before
/// the first one stops the program.
pub(super) fn scenarios(names: &[std::ffi::OsString]) -> Result<Vec<Scenario>, Stop> {
    let found: Vec<Scenario> = if names.is_empty() {
        builtin::tour().filter_map(builtin::find).map(builtin::Builtin::scenario).collect()
    } else {
        let mut found = Vec::new();
        let mut mistaken = 0;
        for name in names {
            match find(name)? {
                Some(scenario) => found.push(scenario),
                None => mistaken += 1,
            }
        }
        if mistaken > 0 {
            return Err(Stop::input(format_args!(
                "nothing was started: {mistaken} of {} scenarios cannot run",
                names.len()
            )));
        }
        found
    };
    for (i, scenario) in found.iter().enumerate() {
        if found[..i].iter().any(|earlier| earlier.name == scenario.name) {
            return Err(Stop::input(format_args!(
                "two scenarios are called `{}`; give one another `name`",
                scenario.name
            )));
        }
    }
    Ok(found)
}

/// One scenario; nothing when its file has mistakes, which have then been told.
fn find(name: &OsStr) -> Result<Option<Scenario>, Stop> {
    if let Some(builtin) = name.to_str().and_then(builtin::find) {
        return Ok(Some(builtin.scenario()));
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
        return Err(Stop::input(format_args!("no scenario is called `{name}`; {remedy}")));
    }
    let text = fs::read(path).map_err(|error| Stop::input(format_args!("{}: {error}", path.display())))?;
    match parse_bytes(&path.to_string_lossy(), &text) {
        Ok(scenario) => Ok(Some(scenario)),
        Err(mistakes) => {
            note(mistakes.render(note_color()));
            Ok(None)
        }
    }
}
