//! The scenarios that come with the binary, so that an installed `avt` needs no checkout.

use super::{Scenario, parse};

/// A scenario file of `scenarios/`, embedded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// Its name; the file is `scenarios/{name}.toml`.
    pub name: &'static str,
    /// The file, byte for byte.
    pub text: &'static str,
    /// Whether `avt run` without a name runs it.
    pub is_tour: bool,
}

macro_rules! builtin {
    ($name:literal, $is_tour:literal) => {
        Builtin { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".toml")), is_tour: $is_tour }
    };
}

const ALL: &[Builtin] = &[
    builtin!("sleep", true),
    builtin!("compute", true),
    builtin!("offload", true),
    builtin!("offload-compute", false),
    builtin!("blocking-in-async", false),
    builtin!("echo", true),
    builtin!("echo-heavy", true),
    builtin!("sleepers", false),
    builtin!("smoke", false),
];

impl Builtin {
    /// Its file as messages name it.
    pub fn file(&self) -> String {
        format!("scenarios/{}.toml", self.name)
    }

    /// The scenario in it.
    pub fn scenario(&self) -> Scenario {
        parse(&self.file(), self.text).expect("a test parses every built-in scenario")
    }
}

/// Every built-in scenario, in the order of the list.
pub fn all() -> &'static [Builtin] {
    ALL
}

/// The names of those that `avt run` runs when it is given none, in their order.
pub fn tour() -> impl Iterator<Item = &'static str> {
    ALL.iter().filter(|builtin| builtin.is_tour).map(|builtin| builtin.name)
}

/// The one of this name.
pub fn find(name: &str) -> Option<&'static Builtin> {
    ALL.iter().find(|builtin| builtin.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::scenario::Parallel;
    use crate::scenario::expect;

    #[test]
    fn every_file_is_embedded_and_parses() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|file| file.strip_suffix(".toml").map(str::to_owned))
            .collect();
        let embedded: BTreeSet<String> = ALL.iter().map(|builtin| builtin.name.to_owned()).collect();
        assert_eq!(files, embedded);
        for builtin in ALL {
            match parse(&builtin.file(), builtin.text) {
                Ok(scenario) => assert_eq!(scenario.name, builtin.name),
                Err(mistakes) => panic!("{mistakes}"),
            }
        }
    }

    #[test]
    fn the_tour_is_short_and_has_rounds_enough_for_an_interval() {
        // What starting a trial's processes and ending them costs, about.
        let overhead = Duration::from_millis(60);
        let mut planned = Duration::ZERO;
        for builtin in tour().map(|name| find(name).unwrap()) {
            let scenario = builtin.scenario();
            assert!(scenario.rounds.quick >= 6, "{}", builtin.name);
            for cell in scenario.cells() {
                planned +=
                    (expect::wall(&cell.work, cell.model, &Parallel::ideal(2)) + overhead) * scenario.rounds.quick;
            }
        }
        assert!(planned <= Duration::from_secs(100), "the tour is planned to take {planned:?}");
    }
}
