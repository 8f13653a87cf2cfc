//! Builds the points of a sweep from checked values: the cross product of all lists, in the order of the file.

use std::time::Duration;

use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};

use super::fields::{Field, Fields};
use super::values::{self, Value};
use crate::scenario::keys::{self, Many, Section, WorkloadName};
use crate::scenario::{
    ArrivalSpec, EchoSpec, ExpectSpec, HeartbeatSpec, HeavySpec, LoadSpec, OffloadSpec, OwnSpec, PointSpec,
    RequestSpec, ServerSpec, SleepSpec, StepsSpec, SweptValue, Work,
};

/// Returns the keys with a list of values to sweep, in the order of the file.
pub(super) fn swept(fields: &Fields) -> Vec<&Field> {
    fields.in_order(|field| field.is_list && field.key.many == Many::Sweep)
}

/// Returns every point; the last list of the file varies fastest.
pub(super) fn points(fields: &Fields, workload: WorkloadName) -> Vec<PointSpec> {
    let swept = swept(fields);
    let n_points = swept.iter().map(|field| field.values.len()).product();
    let point = |nth: usize| {
        let mut rest = nth;
        let mut picks: Vec<(&Field, &Value)> = Vec::with_capacity(swept.len());
        for field in swept.iter().rev() {
            picks.push((field, &field.values[rest % field.values.len()].0));
            rest /= field.values.len();
        }
        picks.reverse();
        let value = |value: &Value| -> SweptValue { value.swept().expect("only keys of plain values can be swept") };
        PointSpec {
            at: picks.iter().map(|(field, picked)| (field.path(), value(picked))).collect(),
            work: Chosen { fields, picks: &picks, workload }.work(),
        }
    };
    (0..n_points).map(point).collect()
}

/// The path that our servers answer, and that an external server answers if neither `ready` nor `[request]` names one.
const READY: &str = "/echo/ready";

/// Returns the path of a request by which a server can also be asked whether it is ready; `None` if the request is not
/// a plain GET that expects 200.
fn ready_path(request: &RequestSpec) -> Option<String> {
    (request.method == "GET" && request.expect.status == 200).then(|| request.path.clone())
}

/// Returns the entries of a table of texts, which may be left out.
fn entries(field: Option<&Field>) -> Vec<(String, String)> {
    match field.map(|field| &field.values[0].0) {
        Some(Value::Table(entries)) => entries.clone(),
        _ => Vec::new(),
    }
}

/// The fields of a file, with one value for every key at one point.
struct Chosen<'a> {
    fields: &'a Fields,
    picks: &'a [(&'a Field, &'a Value)],
    workload: WorkloadName,
}

impl Chosen<'_> {
    fn work(&self) -> Work {
        use Section::{Heartbeat, Heavy, Load, Top};
        match self.workload {
            WorkloadName::Sleep => Work::Sleep(SleepSpec {
                jobs: self.count(Top, "jobs"),
                wait: self.length(Top, "wait"),
                compose: self.choice(Top, "compose"),
                cpus: self.optional_count(Top, "cpus"),
                cpu_limit: self.cpu_limit(),
            }),
            WorkloadName::Offload => Work::Offload(OffloadSpec {
                jobs: self.count(Top, "jobs"),
                steps: self.steps(Top),
                heartbeat: self.fields.has(Heartbeat).then(|| HeartbeatSpec {
                    every: self.length(Heartbeat, "every"),
                    beats: self.count(Heartbeat, "beats"),
                }),
                compose: self.choice(Top, "compose"),
                cpus: self.optional_count(Top, "cpus"),
                cpu_limit: self.cpu_limit(),
            }),
            WorkloadName::Own => Work::Own(OwnSpec {
                bench: self.text(Top, "bench"),
                jobs: self.count(Top, "jobs"),
                size: self.optional_count(Top, "size"),
                timeout: self.length(Top, "timeout"),
                compose: self.choice(Top, "compose"),
                cpus: self.optional_count(Top, "cpus"),
                cpu_limit: self.cpu_limit(),
            }),
            WorkloadName::Echo => Work::Echo(EchoSpec {
                what: self.text(Top, "what"),
                steps: self.steps(Top),
                heavy: self
                    .fields
                    .has(Heavy)
                    .then(|| HeavySpec { share: self.share(Heavy, "share"), steps: self.steps(Heavy) }),
                request: self.request(),
                bench: self.value(Top, "bench").map(|_| self.text(Top, "bench")),
                servers: self.servers(),
                load: LoadSpec {
                    client: self.choice(Load, "client"),
                    connections: self.count(Load, "connections"),
                    threads: u16::try_from(self.count(Load, "threads")).expect("at most 64"),
                    warmup: self.length(Load, "warmup"),
                    duration: self.length(Load, "duration"),
                    arrival: self.arrival(),
                    timeout: self.length(Load, "timeout"),
                    drain: self.length(Load, "drain"),
                    pin: self.choice(Load, "pin"),
                    server_cpus: self.optional_count(Top, "server_cpus"),
                    cpu_limit: self.cpu_limit(),
                },
            }),
        }
    }

    fn request(&self) -> Option<RequestSpec> {
        use Section::Request;
        let path = self.fields.get(Request, "path")?.values[0].0.to_string();
        let text = |name| self.value(Request, name).map(|value| value.to_string());
        Some(RequestSpec {
            method: self.text(Request, "method"),
            path,
            headers: entries(self.fields.get(Request, "headers")),
            body: text("body").unwrap_or_default(),
            expect: ExpectSpec {
                status: u16::try_from(self.count(Request, "expect_status")).expect("at most 599"),
                contains: text("expect_contains"),
            },
        })
    }

    /// Returns every external server, in the order of the file.
    fn servers(&self) -> Vec<ServerSpec> {
        let ready = self.request().and_then(|request| ready_path(&request)).unwrap_or_else(|| READY.to_owned());
        let server = |nth: usize| {
            let field = |name| self.fields.get_of(Section::Server, nth, name);
            let text = |name| field(name).map(|field| field.values[0].0.to_string());
            let port = field("port").map(|field| match field.values[0].0 {
                Value::Count(port) => u16::try_from(port).expect("at most 65535"),
                ref other => unreachable!("the port was checked to be a count: {other:?}"),
            });
            ServerSpec {
                name: text("name").map(|name| name.parse().expect("the name was checked to be one")),
                command: field("command")
                    .into_iter()
                    .flat_map(|field| &field.values)
                    .map(|(word, _)| word.to_string())
                    .collect(),
                port,
                ready: text("ready").unwrap_or_else(|| ready.clone()),
                env: entries(field("env")),
                cwd: text("cwd"),
            }
        };
        (0..self.fields.n_tables(Section::Server)).map(server).collect()
    }

    fn arrival(&self) -> ArrivalSpec {
        use Section::Load;
        match self.value(Load, "rate") {
            Some(Value::Rate(Some(rate))) => {
                ArrivalSpec::Open { rate, arrivals: self.choice(Load, "arrivals"), pacing: self.choice(Load, "pacing") }
            }
            _ => ArrivalSpec::Closed { think: self.length(Load, "think") },
        }
    }

    /// Returns the steps; one that is left out has zero length.
    fn steps(&self, section: Section) -> StepsSpec {
        let steps = StepsSpec {
            wait: self.length(section, "wait"),
            block: self.length(section, "block"),
            compute: self.length(section, "compute"),
            permits: self.optional_count(Section::Top, "permits"),
            ..StepsSpec::default()
        };
        match section {
            Section::Top => StepsSpec {
                lock: self.length(section, "lock"),
                lock_kind: self.choice(section, "lock_kind"),
                lock_scope: self.choice(section, "lock_scope"),
                ..steps
            },
            _ => steps,
        }
    }

    fn value(&self, section: Section, name: &str) -> Option<Value> {
        let picked = self.picks.iter().find(|(field, _)| field.key.section == section && field.name == name);
        let written = || self.fields.get(section, name).map(|field| field.values[0].0.clone());
        let default = || keys::row(section, name, self.workload).and_then(values::default);
        picked.map(|(_, value)| (*value).clone()).or_else(written).or_else(default)
    }

    fn count(&self, section: Section, name: &str) -> u32 {
        match self.value(section, name) {
            Some(Value::Count(count)) => count,
            other => unreachable!("{name} was checked to be a count: {other:?}"),
        }
    }

    /// Returns a count; `None` if it is left out and has no default.
    fn optional_count(&self, section: Section, name: &str) -> Option<u32> {
        self.value(section, name).map(|_| self.count(section, name))
    }

    fn length(&self, section: Section, name: &str) -> Duration {
        match self.value(section, name) {
            Some(Value::Length(length)) => length,
            None => Duration::ZERO,
            other => unreachable!("{name} was checked to be a duration: {other:?}"),
        }
    }

    fn share(&self, section: Section, name: &str) -> f64 {
        match self.value(section, name) {
            Some(Value::Share(share)) => share,
            other => unreachable!("{name} was checked to be a share: {other:?}"),
        }
    }

    fn cpu_limit(&self) -> Option<f64> {
        match self.value(Section::Top, "cpu_limit")? {
            Value::Cpus(cpus) => Some(cpus),
            other => unreachable!("cpu_limit was checked to be a number of CPUs: {other:?}"),
        }
    }

    fn text(&self, section: Section, name: &str) -> String {
        match self.value(section, name) {
            Some(Value::Text(text)) => text,
            other => unreachable!("{name} was checked to be text: {other:?}"),
        }
    }

    /// Returns an enum by the word that its serde form and the table of keys share.
    fn choice<T: for<'de> Deserialize<'de>>(&self, section: Section, name: &str) -> T {
        let word = self.text(section, name);
        T::deserialize(StrDeserializer::<Error>::new(&word)).expect("a test reads every word of the table of keys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::keys::ValueKind;
    use crate::scenario::{ClientKind, Pin, parse};
    use crate::schedule::{Arrivals, Pacing};

    #[test]
    fn every_word_of_a_choice_parses_to_its_variant() {
        let echo = |lines: &str| {
            let text = format!(
                "question = \"Q?\"\nanalysis = \"A.\"\nworkload = \"echo\"\nmodels = [\"async\"]\n\
                 [load]\nconnections = 1\n{lines}\n"
            );
            let scenario = parse("test.toml", &text).unwrap();
            let Work::Echo(echo) = &scenario.points[0].work else { panic!("{:?}", scenario.points) };
            echo.load
        };
        let words = |name: &str| {
            let key = keys::row(Section::Load, name, WorkloadName::Echo).unwrap();
            let ValueKind::Choice(words) = key.kind else { panic!("{name} is not a choice") };
            words.iter().map(move |word| echo_line(name, word)).collect::<Vec<_>>()
        };
        let read = |name: &str| words(name).iter().map(|line| echo(line)).collect::<Vec<_>>();
        let clients: Vec<ClientKind> = read("client").iter().map(|load| load.client).collect();
        assert_eq!(clients, [ClientKind::Raw, ClientKind::Reqwest]);
        let pins: Vec<Pin> = read("pin").iter().map(|load| load.pin).collect();
        assert_eq!(pins, [Pin::Split, Pin::None]);
        let open = |arrivals, pacing| ArrivalSpec::Open { rate: 5.0, arrivals, pacing };
        let arrivals: Vec<ArrivalSpec> = read("arrivals").iter().map(|load| load.arrival).collect();
        assert_eq!(arrivals, [open(Arrivals::Poisson, Pacing::Hybrid), open(Arrivals::Even, Pacing::Hybrid)]);
        let pacings: Vec<ArrivalSpec> = read("pacing").iter().map(|load| load.arrival).collect();
        assert_eq!(
            pacings,
            [Pacing::Hybrid, Pacing::Sleep, Pacing::Spin].map(|pacing| open(Arrivals::Poisson, pacing))
        );
        assert_eq!(echo("loop = \"closed\"").arrival, ArrivalSpec::Closed { think: Duration::ZERO });
        assert_eq!(echo("loop = \"open\"\nrate = \"max\"").arrival, ArrivalSpec::Closed { think: Duration::ZERO });
    }

    fn echo_line(name: &str, word: &str) -> String {
        format!("loop = \"open\"\nrate = 5\n{name} = \"{word}\"")
    }
}
