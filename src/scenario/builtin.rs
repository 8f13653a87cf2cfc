//! The built-in scenarios, so that an installed `avt` needs no checkout.

use super::{Scenario, parse};

/// The topic of a built-in scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// The first switch: which code waits, and for how much at once.
    Waiting,
    /// The second switch: which code computes.
    Computing,
    /// Work that holds a thread others need.
    Blocking,
    /// Places to run blocking and computing work.
    Offloading,
    /// Costs of waiters and timers.
    Costs,
    /// An HTTP server under load.
    Echo,
    /// Checks whether everything works.
    Checks,
}

impl Group {
    /// Returns the heading of the group.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Computing => "Computing",
            Self::Blocking => "Blocking",
            Self::Offloading => "Offloading",
            Self::Costs => "Costs",
            Self::Echo => "Echo",
            Self::Checks => "Checks",
        }
    }
}

/// A scenario file of `scenarios/`, embedded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// The name; the file is `scenarios/{name}.toml`.
    pub name: &'static str,
    /// The topic.
    pub group: Group,
    /// The text of the file, byte for byte.
    pub text: &'static str,
    /// Whether `avt run` without a name runs it.
    pub is_tour: bool,
}

/// Part of the tour.
const TOUR: bool = true;
/// Runs only when named, or with `--all`.
const NAMED: bool = false;

macro_rules! builtin {
    ($name:literal, $group:ident, $is_tour:ident) => {
        Builtin {
            name: $name,
            group: Group::$group,
            text: include_str!(concat!("../../scenarios/", $name, ".toml")),
            is_tour: $is_tour,
        }
    };
}

const ALL: &[Builtin] = &[
    builtin!("sleep", Waiting, TOUR),
    builtin!("pool-of-blockers", Waiting, NAMED),
    builtin!("wait-then-compute", Waiting, NAMED),
    builtin!("more-workers", Waiting, NAMED),
    builtin!("held-connections", Waiting, NAMED),
    builtin!("await-in-a-loop", Waiting, NAMED),
    builtin!("db-pool", Waiting, NAMED),
    builtin!("compute", Computing, TOUR),
    builtin!("more-threads", Computing, NAMED),
    builtin!("cpu-limit", Computing, NAMED),
    builtin!("blocking-in-async", Blocking, NAMED),
    builtin!("blocking-driver", Blocking, NAMED),
    builtin!("tokio-main", Blocking, NAMED),
    builtin!("two-calls", Blocking, NAMED),
    builtin!("poll-length", Blocking, NAMED),
    builtin!("preemption", Blocking, NAMED),
    builtin!("offload", Offloading, TOUR),
    builtin!("offload-compute", Offloading, NAMED),
    builtin!("offload-small", Offloading, NAMED),
    builtin!("cpu-in-the-blocking-pool", Offloading, NAMED),
    builtin!("short-behind-long", Offloading, NAMED),
    builtin!("blocking-pool-is-512", Offloading, NAMED),
    builtin!("bounded-blocking-pool", Offloading, NAMED),
    builtin!("where-cpu-work-goes", Offloading, NAMED),
    builtin!("free-cpu", Offloading, NAMED),
    builtin!("lock", Costs, NAMED),
    builtin!("lock-across-await", Costs, NAMED),
    builtin!("memory", Costs, NAMED),
    builtin!("ten-thousand-threads", Costs, NAMED),
    builtin!("timers", Costs, NAMED),
    builtin!("sleepers", Costs, NAMED),
    builtin!("echo", Echo, TOUR),
    builtin!("alone", Echo, NAMED),
    builtin!("echo-heavy", Echo, TOUR),
    builtin!("saturation", Echo, NAMED),
    builtin!("one-or-two-workers", Echo, NAMED),
    builtin!("thread-per-core", Echo, NAMED),
    builtin!("slow-handlers", Echo, NAMED),
    builtin!("starved", Echo, NAMED),
    builtin!("hidden-waits", Echo, NAMED),
    builtin!("smoke", Checks, NAMED),
];

impl Builtin {
    /// Returns the path of the scenario's file, as messages name it.
    pub fn file(&self) -> String {
        format!("scenarios/{}.toml", self.name)
    }

    /// Returns the parsed scenario.
    pub fn scenario(&self) -> Scenario {
        parse(&self.file(), self.text).expect("a test parses every built-in scenario")
    }
}

/// Returns every built-in scenario, in the order of the list.
pub fn all() -> &'static [Builtin] {
    ALL
}

/// Returns the names of the scenarios that `avt run` runs by default, in order.
pub fn tour() -> impl Iterator<Item = &'static str> {
    ALL.iter().filter(|builtin| builtin.is_tour).map(|builtin| builtin.name)
}

/// Returns the built-in scenario of this name, if any.
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
    fn every_claim_names_its_source_and_kind_and_every_scenario_makes_one() {
        let scenarios: Vec<Scenario> = ALL.iter().map(Builtin::scenario).collect();
        for scenario in &scenarios {
            assert!(scenario.name == "smoke" || !scenario.claims.is_empty(), "{} has no claim", scenario.name);
            for claim in &scenario.claims {
                assert!(claim.source.is_some(), "{}: {:?} has no source", scenario.name, claim.says);
            }
        }
        for builtin in ALL {
            // A claim without the key counts as a prediction, which must not happen by oversight.
            let (claims, kinds) = (builtin.text.matches("[[claim]]"), builtin.text.matches("\nkind = "));
            assert_eq!(claims.count(), kinds.count(), "{}", builtin.name);
        }
    }

    #[test]
    fn the_readme_lists_every_scenario_with_its_question() {
        const README: &str = include_str!("../../scenarios/README.md");
        for builtin in ALL {
            let (name, question) = (builtin.name, builtin.scenario().question);
            let row = format!("| [`{name}`]({name}.toml){} | {question} |", if builtin.is_tour { " *" } else { "" });
            assert!(README.contains(&row), "scenarios/README.md should have a row that begins with {row}");
        }
        let rows = README.lines().filter(|line| line.starts_with("| [`") && line.contains(".toml)"));
        assert_eq!(rows.count(), ALL.len(), "one row per scenario");
    }

    #[test]
    fn external_servers_have_scenarios_too() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/external");
        for file in ["aiohttp.toml", "nginx.toml"] {
            let text = std::fs::read_to_string(folder.join(file)).unwrap();
            assert!(
                parse(file, &text).is_ok_and(|scenario| scenario.models.iter().any(|model| model.is_external())),
                "{file}"
            );
        }
    }

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
    fn the_tour_is_short_and_has_enough_rounds_for_an_interval() {
        // The approximate time to start and end a trial's processes.
        let overhead = Duration::from_millis(60);
        let mut planned = Duration::ZERO;
        for builtin in tour().map(|name| find(name).unwrap()) {
            let scenario = builtin.scenario();
            assert!(scenario.rounds.quick >= 6, "{}", builtin.name);
            for cell in scenario.cells() {
                planned +=
                    (expect::wall(&cell.work, cell.id.model, &Parallel::ideal(2)) + overhead) * scenario.rounds.quick;
            }
        }
        assert!(planned <= Duration::from_secs(100), "the tour is planned to take {planned:?}");
    }
}
