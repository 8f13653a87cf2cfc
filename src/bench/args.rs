//! The arguments of a bench program: those that criterion's users know, and those of `avt run`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use lexopt::{Arg, ValueExt as _};

use crate::analysis::Strictness;
use crate::runner::Effort;
use crate::session::exports::ExportPaths;
use crate::session::output::{Stop, print};
use crate::session::{self, ComparisonSpec, Named, Session, View};

const HELP: &str = "\
Measures the workloads of this bench under every model, and writes a report.

Usage: cargo bench --bench NAME -- [OPTIONS] [FILTER]

Arguments:
  [FILTER]  Measure only workloads whose names contain this text

Options:
      --exact                 Measure only the workload with exactly this name
      --list                  Print the names of the workloads
      --test                  Run each model once to see whether it works, and keep nothing
      --rounds <N>            Run exactly N rounds
      --seed <N>              Seed of the order of trials [default: a random one, printed]
      --save-baseline <NAME>  Keep this run under a name
      --baseline <NAME>       Compare with the run that was kept under this name
      --strict                Exit with 4 if the measurement is INVALID
  -o, --out <DIR>             Folder to create for the records and the report [default: target/avt/BENCH/TIME]
      --json                  Print a summary as JSON instead of tables
  -h, --help                  Print this help";

/// The action that the arguments ask for.
pub(super) enum Parsed {
    Run(Args),
    Help,
}

/// The arguments of a run.
#[derive(Debug, Default)]
pub(super) struct Args {
    filter: Option<String>,
    exact: bool,
    pub(super) list: bool,
    pub(super) test: bool,
    rounds: Option<u32>,
    seed: Option<u64>,
    save_baseline: Option<String>,
    baseline: Option<String>,
    strict: bool,
    out: Option<PathBuf>,
    json: bool,
}

pub(super) fn help() -> Result<(), Stop> {
    print(HELP)
}

/// Parses the arguments; the error is a sentence about the first that is invalid.
pub(super) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed, String> {
    let mut args = lexopt::Parser::from_args(args);
    let mut parsed = Args::default();
    let text = |error: lexopt::Error| format!("{error}; --help lists the arguments");
    while let Some(arg) = args.next().map_err(text)? {
        let value = |args: &mut lexopt::Parser| args.value().map_err(text);
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Parsed::Help),
            // Cargo adds it.
            Arg::Long("bench") => {}
            Arg::Long("exact") => parsed.exact = true,
            Arg::Long("list") => parsed.list = true,
            Arg::Long("test") => parsed.test = true,
            Arg::Long("strict") => parsed.strict = true,
            Arg::Long("json") => parsed.json = true,
            Arg::Long("rounds") => parsed.rounds = Some(rounds(&value(&mut args)?)?),
            Arg::Long("seed") => parsed.seed = Some(value(&mut args)?.parse().map_err(text)?),
            Arg::Long("save-baseline") => parsed.save_baseline = Some(name(&value(&mut args)?)?),
            Arg::Long("baseline") => parsed.baseline = Some(name(&value(&mut args)?)?),
            Arg::Short('o') | Arg::Long("out") => parsed.out = Some(value(&mut args)?.into()),
            Arg::Value(filter) if parsed.filter.is_none() => parsed.filter = Some(filter.string().map_err(text)?),
            other => return Err(text(other.unexpected())),
        }
    }
    Ok(Parsed::Run(parsed))
}

fn rounds(value: &OsString) -> Result<u32, String> {
    let number = value.to_str().and_then(|text| text.parse().ok()).filter(|rounds| (1..=1_000).contains(rounds));
    number.ok_or_else(|| format!("--rounds must be from 1 to 1000, found {}", value.display()))
}

/// Checks the name of a baseline, which becomes a file name.
fn name(value: &OsString) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name = value.to_str().filter(|name| !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain));
    name.map(str::to_owned).ok_or_else(|| format!("a baseline has a name of a-z 0-9 . _ -, found {}", value.display()))
}

impl Args {
    /// Returns whether a workload of this name is to be measured.
    pub(super) fn wants(&self, name: &str) -> bool {
        match &self.filter {
            None => true,
            Some(filter) if self.exact => name == filter,
            Some(filter) => name.contains(filter.as_str()),
        }
    }

    pub(super) fn session(&self, scenarios: Vec<Named>, runs: &Path) -> Session {
        Session {
            scenarios,
            models: Vec::new(),
            effort: match self.rounds {
                _ if self.test => Effort::Rounds(1),
                Some(rounds) => Effort::Rounds(rounds),
                None => Effort::Quick,
            },
            shard: None,
            seed: self.seed,
            calibration: None,
            out: self.out.clone(),
            runs: runs.to_owned(),
            json: self.json,
            view: View::Tables,
            strictness: if self.strict { Strictness::Invalid } else { Strictness::Lenient },
            exports: ExportPaths::default(),
        }
    }

    /// Runs the session, keeps it under its name if there is one, and compares it with the baseline if there is one.
    pub(super) fn with_baselines(&self, runs: &Path, session: &Session) -> Result<(), Stop> {
        let kept = |name: &str| runs.join(format!("{name}.baseline"));
        // Read before the run, so that it may replace the baseline that it is compared with.
        let before = self.baseline.as_deref().map(|name| read(name, &kept(name))).transpose()?;
        let mut out = None;
        let done = session.run_into(&mut out);
        let Some(out) = out else { return done };
        if let Some(name) = &self.save_baseline {
            let path = kept(name);
            // The next run may start in another folder.
            let whole = fs::canonicalize(&out).unwrap_or_else(|_| out.clone());
            let keep = || fs::create_dir_all(runs).and_then(|()| fs::write(&path, &*whole.to_string_lossy()));
            keep().map_err(|error| Stop::machine(format_args!("{}: {error}", path.display())))?;
        }
        let compared = before.map_or(Ok(()), |before| {
            let (before, after) = (vec![before], vec![out]);
            session::compare_runs(&ComparisonSpec { before, after, json: self.json, ..ComparisonSpec::default() })
        });
        done.and(compared)
    }
}

/// Returns the folder of the run that was kept under a name.
fn read(name: &str, path: &Path) -> Result<PathBuf, Stop> {
    let folder = fs::read_to_string(path).map_err(|_| {
        Stop::input(format_args!("there is no baseline `{name}`; keep a run as one with --save-baseline {name}"))
    })?;
    Ok(folder.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Args, String> {
        match parse(line.split_whitespace().map(OsString::from))? {
            Parsed::Run(args) => Ok(args),
            Parsed::Help => Err("help".into()),
        }
    }

    #[test]
    fn a_filter_selects_names() {
        for (line, wanted) in [
            ("--bench", [true, true]),
            ("small --bench", [true, true]),
            ("small-too", [false, true]),
            ("--exact small", [true, false]),
        ] {
            let args = parsed(line).unwrap();
            assert_eq!(["small", "small-too"].map(|name| args.wants(name)), wanted, "{line}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (line, message) in [
            ("--round 3", "invalid option '--round'"),
            ("--rounds 0", "--rounds must be from 1 to 1000, found 0"),
            ("--rounds", "missing argument for option '--rounds'"),
            ("--seed x", "cannot parse argument \"x\""),
            ("--baseline ../x", "a baseline has a name of a-z 0-9 . _ -, found ../x"),
            ("one two", "unexpected argument \"two\""),
            ("--help", "help"),
        ] {
            let error = parsed(line).map(|_| ()).unwrap_err();
            assert!(error.contains(message), "{line}: {error}");
        }
    }
}
