//! `avt ab`: measures whether one server differs from another.

use std::path::PathBuf;
use std::time::Duration;

use crate::analysis::Strictness;
use crate::analysis::fail_over::percentage;
use crate::runner::Effort;
use crate::scenario::{Scenario, parse};
use crate::session::output::Stop;
use crate::session::{Named, Session, View};
use crate::text;
use crate::units;

use super::advise::some_rate;
use super::exports::ExportArgs;
use super::report::RUNS;
use super::times::some_time;
use super::words::split_words;

/// Measure whether one server differs from another, in about a minute
///
/// Starts the two servers in turn, in shuffled rounds, and puts the same load on each; base runs a second time as the A/A
/// control. Ends with one sentence: the ratio of head to base in the same rounds with its 95 % confidence interval, or
/// the difference that would have been found. The sentence is about the p99 response time at an offered rate, and about
/// the throughput in a closed loop. The scenario is kept in the folder of the run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  avt ab --base 'git-main/server --port {port}' --head 'target/release/server --port {port}'
  avt ab --base './old {port}' --head './new {port}' --path /search?q=a --rate 2000 --fail-over 5%

The commands are split into words as in a shell, but no shell is started; write sh -c '...' for one. The server
must listen on 127.0.0.1 and answer GET PATH with status 200; any other response counts as a failed request.")]
pub(super) struct AbArgs {
    /// Command of the server to compare with; {port} stands for a free port, which avt chooses
    #[arg(long, value_name = "CMD")]
    base: String,
    /// Command of the server to judge, in the same form
    #[arg(long, value_name = "CMD")]
    head: String,
    /// Path and query to request
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: String,
    /// Offered rate, in requests per second [default: a closed loop]
    #[arg(long, value_name = "N", value_parser = some_rate)]
    rate: Option<f64>,
    /// Number of connections, each with one request at a time
    #[arg(long, short, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    connections: u32,
    /// Number of rounds; fewer than 6 have no confidence interval
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(6..=1000))]
    rounds: u32,
    /// Length of the measured window of each trial [default: 1.2s, or longer at a rate that needs it for a p99]
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    duration: Option<Duration>,
    /// Exit with 1 if head is worse by more than this (such as 5%), even at the better end of the interval
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_over: Option<f64>,
    /// Seed of the order of trials [default: a random one, printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Folder to create for the records and the report [default: reports/ and the current time]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    exports: ExportArgs,
    /// Print the analysis as JSON instead of the table; `ab` holds the answer
    #[arg(long)]
    json: bool,
}

fn percent(text: &str) -> Result<f64, String> {
    percentage(text).ok_or_else(|| "expected a percentage of at least 0, such as 10%".into())
}

pub(super) fn main(args: &AbArgs) -> Result<(), Stop> {
    let session = Session {
        scenarios: vec![Named { given: "ab".into(), scenario: scenario(args)? }],
        models: Vec::new(),
        effort: Effort::Rounds(args.rounds),
        shard: None,
        seed: args.seed,
        calibration: None,
        out: args.out.clone(),
        runs: RUNS.into(),
        json: args.json,
        view: View::HeadToBase { fail_over: args.fail_over },
        strictness: Strictness::Lenient,
        exports: args.exports.paths(),
    };
    session.run()
}

fn scenario(args: &AbArgs) -> Result<Scenario, Stop> {
    parse("ab.toml", &scenario_text(args)?).map_err(|mistakes| {
        Stop::input(format_args!("these values do not describe a comparison that can be measured: {mistakes}"))
    })
}

fn scenario_text(args: &AbArgs) -> Result<String, Stop> {
    let (base, head) = (server("base", &args.base)?, server("head", &args.head)?);
    let mut lines = vec![
        "# Written by avt ab. Edit it and run it again: avt run FILE.".to_owned(),
        String::new(),
        "question = \"Does the server head differ from base?\"".into(),
        "analysis = \"avt ab wrote this scenario from its arguments.\"".into(),
        "workload = \"echo\"".into(),
        "models = [\"external/base\", \"external/head\"]".into(),
        "baseline = \"external/base\"".into(),
        String::new(),
        "[rounds]".into(),
        format!("quick = {0}\nfull = {0}", args.rounds),
        String::new(),
        "[load]".into(),
    ];
    lines.push(match args.rate {
        Some(rate) => format!("loop = \"open\"\nrate = {rate}"),
        None => "loop = \"closed\"".into(),
    });
    lines.push(format!("connections = {}", args.connections));
    lines.push("warmup = \"300ms\"".into());
    lines.push(format!("duration = \"{}\"", units::exact(args.duration.unwrap_or_else(|| duration(args.rate)))));
    lines.extend([String::new(), "[request]".into(), format!("path = {}", quoted("--path", &args.path)?)]);
    lines.extend([base, head]);
    Ok(lines.join("\n") + "\n")
}

/// Returns a window with enough requests for a p99, which takes more than a thousand of them.
fn duration(rate: Option<f64>) -> Duration {
    const SHORTEST: Duration = Duration::from_millis(1_200);
    const LONGEST: Duration = Duration::from_secs(20);
    let for_p99 = rate.and_then(|rate| Duration::try_from_secs_f64(1_300.0 / rate).ok());
    let millis = for_p99.unwrap_or(SHORTEST).clamp(SHORTEST, LONGEST).as_millis() as u64;
    Duration::from_millis(millis)
}

/// Returns the table of a server.
fn server(name: &str, command: &str) -> Result<String, Stop> {
    let shown = text::printable(command);
    let words =
        split_words(command).map_err(|why| Stop::input(format_args!("--{name}: invalid command `{shown}`: {why}")))?;
    if !words.iter().any(|word| word.contains("{port}")) {
        return Err(Stop::input(format_args!(
            "--{name}: no {{port}} in `{shown}`; write {{port}} where the command takes the port to listen on, as in \
             `server --port {{port}}`"
        )));
    }
    let words: Vec<String> = words.iter().map(|word| quoted(&format!("--{name}"), word)).collect::<Result<_, _>>()?;
    Ok(format!("\n[[server]]\nname = \"{name}\"\ncommand = [{}]", words.join(", ")))
}

/// Returns a text as a string of TOML.
fn quoted(option: &str, text: &str) -> Result<String, Stop> {
    if let Some(c) = text.chars().find(|c| text::is_hidden(*c)) {
        return Err(Stop::input(format_args!(
            "{option}: contains the invisible character U+{:04X}; remove it",
            u32::from(c)
        )));
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::scenario::Work;

    #[derive(Parser)]
    struct AbCommand {
        #[command(flatten)]
        args: AbArgs,
    }

    fn args(words: &[&str]) -> AbArgs {
        let words = ["avt"].into_iter().chain(words.iter().copied());
        AbCommand::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).args
    }

    #[test]
    fn the_scenario_holds_both_commands_as_given() {
        let scenario = scenario(&args(&[
            "--base",
            r#"sh -c 'exec a "$PORT" \ {port}'"#,
            "--head",
            "b ä '' {port}",
            "--path",
            "/x?y=1",
        ]))
        .unwrap();
        let Work::Echo(echo) = &scenario.points[0].work else { panic!("{:?}", scenario.points) };
        let commands: Vec<&[String]> = echo.servers.iter().map(|server| server.command.as_slice()).collect();
        assert_eq!(commands, [&["sh", "-c", r#"exec a "$PORT" \ {port}"#][..], &["b", "ä", "", "{port}"]]);
        assert!(echo.servers.iter().all(|server| server.ready == "/x?y=1"), "{:?}", echo.servers);
    }

    #[test]
    fn a_low_rate_gets_a_window_long_enough_for_a_p99() {
        for (rate, millis) in [(None, 1_200), (Some(5_000.0), 1_200), (Some(500.0), 2_600), (Some(1.0), 20_000)] {
            assert_eq!(duration(rate), Duration::from_millis(millis), "{rate:?}");
        }
    }
}
