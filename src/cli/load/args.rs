//! The options of `avt load`, and the request they describe.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use clap::builder::RangedU64ValueParser;
use reqwest::{Method, Url};

use crate::http1::encode_target;
use crate::load::{RequestTemplate, Secure, normalize_target};
use crate::scenario::{self, ArrivalSpec};
use crate::schedule::{Arrivals, Pacing};

use super::super::launcher::ShardArg;
use super::super::load_outputs::LoadOutputArgs;
use super::super::times::{any_time, some_time};
use crate::session::output::{Stop, note};

use super::typed::{header, read_body, split};

/// Load an HTTP/1.1 server: at a given rate (open loop), or as fast as N connections are answered (closed loop)
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: avt load http://127.0.0.1:8080/echo/hello -c 50 -d 10s --rate 1000")]
pub(in crate::cli) struct LoadArgs {
    /// The URL to request; several URLs of the same scheme, host and port are requested in turn
    ///
    /// Path and query are sent as typed, without the fragment; blanks, control characters, "<>\^`{|} and non-ASCII
    /// characters are percent-encoded. reqwest also resolves . and .. and encodes ' in a query. A target that differs
    /// from the URL as typed is printed.
    #[arg(value_name = "URL", required = true)]
    pub(super) urls: Vec<String>,
    /// Number of keep-alive connections, opened before the clock starts; at most one per request is opened
    #[arg(short, long, value_name = "N", default_value = "10",
          value_parser = RangedU64ValueParser::<u32>::new().range(1..=1_000_000))]
    pub(super) connections: u32,
    /// Number of generator threads
    #[arg(short, long, value_name = "N", default_value = "1",
          value_parser = RangedU64ValueParser::<u16>::new().range(1..=1024))]
    pub(super) threads: u16,
    /// Length of the measured window
    #[arg(short, long, value_name = "TIME", default_value = "10s", value_parser = some_time)]
    pub(super) duration: Duration,
    /// Send this many requests instead of measuring for a duration
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "duration",
          value_parser = RangedU64ValueParser::<u64>::new().range(1..=1_000_000_000_000))]
    pub(super) requests: Option<u64>,
    /// Length of the warm-up before the measured window
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = any_time)]
    pub(super) warmup: Duration,
    /// Offered rate in requests per second, by a schedule that does not wait for responses (open loop); without it,
    /// each connection sends its next request after a response (closed loop)
    #[arg(short, long, value_name = "PER_SECOND", value_parser = rate, allow_negative_numbers = true)]
    pub(super) rate: Option<f64>,
    /// Arrivals of the open loop: a Poisson process, as of many independent users, or equal intervals
    #[arg(long, value_enum, default_value = "poisson", requires = "rate")]
    pub(super) arrivals: ArrivalsArg,
    /// How the open loop keeps its schedule: `sleep` uses only a timer, about 50 us late; `hybrid` also polls the clock
    /// just before a request is due, unless other programs need the CPU; `spin` always polls and occupies a CPU
    #[arg(long, value_enum, default_value = "hybrid", requires = "rate")]
    pub(super) pacing: PacingArg,
    /// Think time of the closed loop: the pause of a connection between a response and its next request
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = any_time, conflicts_with = "rate")]
    pub(super) think: Duration,
    /// Time-out of a request, from when it was due
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = some_time)]
    pub(super) timeout: Duration,
    /// How long to wait for responses after the window [default: the time-out]
    #[arg(long, value_name = "TIME", value_parser = any_time)]
    pub(super) drain: Option<Duration>,
    /// HTTP client: `raw` needs the least CPU time, `reqwest` is what an ordinary program uses. reqwest opens a
    /// connection only for a request, so it first sends an uncounted one on each connection
    ///
    /// Both accept responses of any status from 200 to 999 with a head of at most 64 KiB and 100 fields; a larger head
    /// is the error `header_too_large`. raw also accepts up to 16 interim responses before each. Bodies are counted and
    /// not kept, so only the time-out limits them.
    ///
    /// [default: raw for http, reqwest for https]
    #[arg(long, value_enum)]
    client: Option<ClientArg>,
    /// Connect to this Unix socket instead of the URL's host
    #[arg(long, value_name = "PATH")]
    pub(super) unix: Option<PathBuf>,
    /// Also trust the certificate authorities in this PEM file
    #[cfg(feature = "tls")]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Seed of all random choices, such as the arrivals
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) seed: u64,
    /// Request method [default: GET, or POST with a body]
    #[arg(short = 'X', long, value_name = "METHOD")]
    method: Option<String>,
    /// Additional header field; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Request body, or @ and the name of a file that holds it
    #[arg(long, value_name = "TEXT|@FILE")]
    body: Option<String>,
    /// Send only part K of N of this load, counted from 1, and write its record to --out; all other figures are those of
    /// the whole load, except --threads. `auto` takes K and N from Open MPI, a Slurm step, PMI (MPICH), Flux or
    /// Kubernetes; `none` sends the whole load even if a launcher started several processes
    #[arg(long, value_name = "K/N|auto|none", value_parser = str::parse::<ShardArg>)]
    pub(super) shard: Option<ShardArg>,
    /// Number of shards, for `--shard auto` in a Kubernetes Indexed Job, whose pods know only their own number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) shards: Option<u32>,
    /// Start the load at this time (UTC, RFC 3339), with all connections open; fails if it has passed by then
    #[arg(long, value_name = "TIME", value_parser = start_at)]
    pub(super) start_at: Option<SystemTime>,
    /// Folder for the record of a shard, which is created if necessary; `-` writes it to standard output
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) outputs: LoadOutputArgs,
}

/// Parses a rate in requests per second: greater than 0, and at most what a clock of nanoseconds can resolve.
fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "expected requests per second, such as 1000 or 0.5".to_owned())?;
    let is_rate = rate > 0.0 && rate <= 1e8;
    if is_rate { Ok(rate) } else { Err("must be greater than 0 and at most 100000000 requests per second".to_owned()) }
}

/// Parses the start of a load: a time in UTC, at most a day ahead. A relative time would be a different one for each
/// shard.
fn start_at(text: &str) -> Result<SystemTime, String> {
    const FARTHEST: Duration = Duration::from_secs(24 * 3_600);
    let at = humantime::parse_rfc3339(text).map_err(|_| {
        "expected a time in UTC, such as 2026-11-27T06:00:00Z (`date -ud '+20 sec' +%FT%TZ`)".to_owned()
    })?;
    match at.duration_since(SystemTime::now()) {
        Ok(ahead) if ahead > FARTHEST => Err("must be at most a day ahead".into()),
        _ => Ok(at),
    }
}

/// [`Arrivals`] as the command line writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ArrivalsArg {
    Poisson,
    Even,
}

/// [`Pacing`] as the command line writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PacingArg {
    Sleep,
    Hybrid,
    Spin,
}

/// [`scenario::ClientKind`] as the command line writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ClientArg {
    Raw,
    Reqwest,
}

impl From<ClientArg> for scenario::ClientKind {
    fn from(client: ClientArg) -> Self {
        match client {
            ClientArg::Raw => Self::Raw,
            ClientArg::Reqwest => Self::Reqwest,
        }
    }
}

/// The server that URLs point to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    authority: String,
    is_secure: bool,
}

impl LoadArgs {
    /// Returns the rule for when requests are due.
    pub(super) fn arrival(&self) -> ArrivalSpec {
        let arrivals = match self.arrivals {
            ArrivalsArg::Poisson => Arrivals::Poisson,
            ArrivalsArg::Even => Arrivals::Even,
        };
        let pacing = match self.pacing {
            PacingArg::Sleep => Pacing::Sleep,
            PacingArg::Hybrid => Pacing::Hybrid,
            PacingArg::Spin => Pacing::Spin,
        };
        match self.rate {
            Some(rate) => ArrivalSpec::Open { rate, arrivals, pacing },
            None => ArrivalSpec::Closed { think: self.think },
        }
    }

    /// Returns the place of the record of a shard; `None` for a whole load. Refuses options that belong to the other of
    /// the two.
    pub(super) fn record_place(&self, is_shard: bool) -> Result<Option<&Path>, Stop> {
        match (is_shard, self.outputs.first_given(), self.out.as_deref()) {
            (true, Some(option), _) => Err(Stop::input(format_args!(
                "{option}: not for one shard; give it to `avt merge`, which has all shards"
            ))),
            (true, None, None) => Err(Stop::input("--shard: add --out DIR for the record of the shard")),
            (false, _, Some(_)) => {
                Err(Stop::input("--out: only for the record of a shard; add --shard, or use --json or --html"))
            }
            (_, _, out) => Ok(out),
        }
    }

    /// Returns the server of all URLs, and the path and query of each. Prints a note for each that differs from what
    /// was typed.
    pub(super) fn targets(&self) -> Result<(Target, Vec<String>), Stop> {
        let (target, mut paths) = self.typed_targets()?;
        for (url, path) in self.urls.iter().zip(&mut paths) {
            let encoded = encode_target(path);
            let asked = match self.client(&target) {
                scenario::ClientKind::Raw => encoded.clone(),
                scenario::ClientKind::Reqwest => normalize_target(&encoded),
            };
            if asked != *path {
                let remedy = if asked == encoded {
                    ""
                } else if target.is_secure {
                    " by reqwest"
                } else {
                    " by reqwest; --client raw sends it as typed"
                };
                note(format_args!("avt: {} is requested as {asked}{remedy}", url.escape_debug()));
            }
            *path = asked;
        }
        Ok((target, paths))
    }

    fn typed_targets(&self) -> Result<(Target, Vec<String>), Stop> {
        let (target, first) = self.target(&self.urls[0])?;
        let mut paths = vec![first];
        for url in &self.urls[1..] {
            let (other, path) = self.target(url)?;
            if other != target {
                let first = &self.urls[0];
                return Err(Stop::input(format_args!(
                    "{url}: expected the same scheme, host and port as {first}; a load has one server"
                )));
            }
            paths.push(path);
        }
        Ok((target, paths))
    }

    /// Returns the server of a URL, and its path and query as typed.
    fn target(&self, url: &str) -> Result<(Target, String), Stop> {
        let wrong = |what: &str| Stop::input(format_args!("{url}: {what}"));
        let example = "write a URL such as http://127.0.0.1:8080/echo/hello";
        let (server, path) = split(url).ok_or_else(|| wrong(&format!("missing scheme and host; {example}")))?;
        let url = Url::parse(server).map_err(|error| wrong(&format!("{error}; {example}")))?;
        match url.scheme() {
            "https" if !cfg!(feature = "tls") => {
                return Err(wrong("avt was built without TLS; build it with `--features tls`, or use http"));
            }
            "https" if self.client == Some(ClientArg::Raw) => {
                return Err(wrong("the raw client does not support TLS; omit --client, or use --client reqwest"));
            }
            "http" | "https" => {}
            _ => return Err(wrong(&format!("unsupported scheme, expected http or https; {example}"))),
        }
        let host =
            url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong(&format!("missing host; {example}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("user name and password are not sent; use -H 'Authorization: ...'"));
        }
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let target = Target {
            // An IPv6 address has brackets in a URL and none elsewhere.
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port_or_known_default().unwrap_or(80),
            authority,
            is_secure: url.scheme() == "https",
        };
        Ok((target, path))
    }

    /// Returns the client for this server.
    pub(super) fn client(&self, target: &Target) -> scenario::ClientKind {
        match self.client {
            Some(client) => client.into(),
            None if target.is_secure => scenario::ClientKind::Reqwest,
            None => scenario::ClientKind::Raw,
        }
    }

    /// Returns the TLS settings for this server; `None` over HTTP.
    pub(super) fn secure(&self, target: &Target) -> Result<Option<Secure>, Stop> {
        if !target.is_secure {
            return Ok(None);
        }
        let name = if target.host.contains(':') { format!("[{}]", target.host) } else { target.host.clone() };
        Ok(Some(Secure { name, authorities: self.authorities()? }))
    }

    #[cfg(feature = "tls")]
    fn authorities(&self) -> Result<Vec<u8>, Stop> {
        let Some(file) = &self.ca else { return Ok(Vec::new()) };
        let pem =
            std::fs::read(file).map_err(|error| Stop::input(format_args!("--ca: {}: {error}", file.display())))?;
        if pem.is_empty() {
            return Err(Stop::input(format_args!("--ca: {}: empty file", file.display())));
        }
        Ok(pem)
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_self, reason = "there is no --ca in such a build")]
    fn authorities(&self) -> Result<Vec<u8>, Stop> {
        Ok(Vec::new())
    }

    /// Returns the file that the body is read from.
    pub(super) fn body_file(&self) -> Option<&Path> {
        self.body.as_deref()?.strip_prefix('@').map(Path::new)
    }

    /// Returns the request that the load sends.
    pub(super) fn request_template(&self, target: &Target, paths: Vec<String>) -> Result<RequestTemplate, Stop> {
        let body = match self.body.as_deref().map(|body| (body, body.strip_prefix('@'))) {
            None => Vec::new(),
            Some((_, Some(file))) => read_body(file)?,
            Some((text, None)) => text.as_bytes().to_vec(),
        };
        let method = self.method.clone().unwrap_or_else(|| if self.body.is_some() { "POST" } else { "GET" }.to_owned());
        if Method::from_bytes(method.as_bytes()).is_err() {
            return Err(Stop::input(format_args!("-X: invalid method `{method}`; use a method such as GET or POST")));
        }
        if method == "CONNECT" {
            return Err(Stop::input(
                "-X: CONNECT opens a tunnel and has no response to measure; use a method such as GET or POST",
            ));
        }
        let (hosts, headers): (Vec<_>, Vec<_>) = self
            .headers
            .iter()
            .map(|field| header(field))
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .partition(|(name, _)| name.eq_ignore_ascii_case("host"));
        let authority = hosts.into_iter().next().map_or_else(|| target.authority.clone(), |(_, value)| value);
        Ok(RequestTemplate { method, authority, targets: paths, headers, body })
    }
}
