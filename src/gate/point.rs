//! Finds what limits the load at a point of the sweep. A limit flags no trial, since the figures are right, but names
//! what they are figures of.

use std::fmt;

use super::{BUSY, KEPT_UP, OVERLOADED, load};
use crate::record::Measured;
use crate::scenario::Model;
use crate::units;

/// A limit of a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// The load generator: one of its threads was busy nearly all the time, and in an open loop fewer requests were
    /// sent or answered than were due.
    Generator {
        /// The largest part of the window for which a thread worked.
        busy: f64,
    },
    /// The server: the generator had time to spare, and fewer requests were answered than were due.
    Server {
        /// Requests answered in the window, per request due in it.
        answered: f64,
    },
    /// The server's threads: some connections got no response in the window.
    Threads {
        /// The number of these connections.
        starved: u32,
        /// The number of all connections.
        of: u32,
    },
}

/// A limit that some trials of a point met.
#[derive(Clone, Debug, PartialEq)]
pub struct PointLimit {
    /// The limit, as in the trial that met it the hardest.
    pub limit: Limit,
    /// The models of these trials, in the order of their first ones.
    pub models: Vec<Model>,
    /// The number of trials that met the limit.
    pub trials: usize,
    /// The number of all trials given, those that did not meet the limit included.
    pub of: usize,
}

/// Returns the limits that loads at one point met. Each trial is given with its model; a trial without a load meets no
/// limit.
pub fn find_limits<'a>(trials: impl IntoIterator<Item = (Model, &'a Measured)>) -> Vec<PointLimit> {
    let (mut limits, mut of) = (Vec::<PointLimit>::new(), 0);
    for (model, measured) in trials {
        of += 1;
        for limit in limit(measured).into_iter().chain(starved(measured)) {
            match limits.iter_mut().find(|known| known.limit.is_of_the_kind(limit)) {
                Some(known) => known.add(limit, model),
                None => limits.push(PointLimit { limit, models: vec![model], trials: 1, of: 0 }),
            }
        }
    }
    limits.iter_mut().for_each(|limit| limit.of = of);
    limits
}

fn limit(measured: &Measured) -> Option<Limit> {
    let load = measured.load.as_ref()?;
    let busy = load::busy_share(load, measured.wall_ns).filter(|busy| *busy > BUSY);
    let answered = load.answered_share(measured.jobs);
    match (busy, load::kept_up_share(load, measured.jobs)) {
        // An overworked generator leaves open which of the two did not keep up.
        (Some(busy), kept_up) if kept_up.is_none_or(|share| share < KEPT_UP) => Some(Limit::Generator { busy }),
        (None, Some(_)) if answered < OVERLOADED => Some(Limit::Server { answered }),
        _ => None,
    }
}

fn starved(measured: &Measured) -> Option<Limit> {
    let load = measured.load.as_ref().filter(|load| load.connections_starved > 0)?;
    Some(Limit::Threads { starved: load.connections_starved, of: load.connections_planned })
}

impl Limit {
    /// Returns the limit in one or two words, for a heading.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Generator { .. } => "generator busy",
            Self::Server { .. } => "server overloaded",
            Self::Threads { .. } => "connections starved",
        }
    }

    fn is_of_the_kind(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }

    fn worse(self, other: Self) -> Self {
        match (self, other) {
            (Self::Generator { busy }, Self::Generator { busy: other }) => Self::Generator { busy: busy.max(other) },
            (Self::Server { answered }, Self::Server { answered: other }) => {
                Self::Server { answered: answered.min(other) }
            }
            (Self::Threads { starved, of }, Self::Threads { starved: other, .. }) => {
                Self::Threads { starved: starved.max(other), of }
            }
            (limit, _) => limit,
        }
    }
}

impl PointLimit {
    fn add(&mut self, limit: Limit, model: Model) {
        self.limit = self.limit.worse(limit);
        self.trials += 1;
        if !self.models.contains(&model) {
            self.models.push(model);
        }
    }
}

impl fmt::Display for PointLimit {
    /// Writes one sentence, without its full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, models, trials, of } = self;
        let (trials, of) = (units::count(*trials as u64), units::count(*of as u64));
        let models: Vec<String> = models.iter().map(ToString::to_string).collect();
        let trials = format!("in {trials} of {of} trials ({})", models.join(", "));
        match limit {
            Limit::Generator { busy } => write!(
                f,
                "{trials}, the load generator was busy for up to {:.1} % of the time; it may limit the rate, which is \
                 therefore a lower bound of the server's",
                busy * 100.0
            ),
            Limit::Server { answered } => write!(
                f,
                "{trials}, the server answered as little as {:.1} % of the requests due, so response \
                 times grow for as long as the load lasts",
                answered * 100.0
            ),
            Limit::Threads { starved, of } => write!(
                f,
                "{trials}, up to {} of {} connections got no answer in the window; the percentiles cover the other \
                 connections, and how long these had waited",
                units::count((*starved).into()),
                units::count((*of).into())
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{GeneratorThread, LoadRecord, Requests, Waits};
    use crate::usage::Usage;

    const WALL: u64 = 1_000_000_000;

    /// A second in which 1,000 requests were due, `answered` were answered, and the generator was busy for this share.
    fn trial(offered_per_s: Option<f64>, answered: u64, busy: f64) -> Measured {
        let cost = GeneratorThread { ran_ns: Some((busy * WALL as f64) as u64), ..GeneratorThread::default() };
        let load = LoadRecord {
            offered_per_s,
            requests: Requests { planned: 1_000, completed: answered, ..Requests::default() },
            sent_in_window: 1_000,
            thread_costs: vec![cost],
            ..LoadRecord::default()
        };
        Measured {
            wall_ns: WALL,
            jobs: answered,
            threads: 1,
            most_in_flight: 1,
            series: Vec::new(),
            heartbeat: None,
            usage: Usage::default(),
            others: None,
            runtime: None,
            cores: Vec::new(),
            waits: Waits::default(),
            throttled_ns: None,
            server_window_ns: None,
            load: Some(load),
        }
    }

    #[test]
    fn a_server_is_overloaded_only_if_the_generator_has_time_to_spare() {
        let open = Some(1_000.0);
        for (offered, answered, busy, expected) in [
            (open, 950, 0.5, None),
            (open, 949, 0.5, Some("server overloaded")),
            (open, 949, 0.9, Some("server overloaded")),
            (open, 949, 0.91, Some("generator busy")),
            (open, 1_000, 0.91, None),
            (open, 980, 0.91, Some("generator busy")),
            (None, 500, 0.9, None),
            (None, 500, 0.91, Some("generator busy")),
        ] {
            let found = limit(&trial(offered, answered, busy));
            assert_eq!(found.map(|limit| limit.name()), expected, "{offered:?} {answered} {busy}");
        }
    }

    #[test]
    fn a_limit_is_one_sentence_per_point() {
        let trials = [
            ("threads", 800, 0.5),
            ("async", 1_000, 0.5),
            ("threads", 700, 0.5),
            ("async/2", 900, 0.97),
            ("async/2", 1_000, 0.99),
        ];
        let trials = trials.map(|(model, answered, busy)| {
            let model: Model = model.parse().unwrap();
            (model, trial(Some(1_000.0), answered, busy))
        });
        let limits = find_limits(trials.iter().map(|(model, measured)| (*model, measured)));
        let text: Vec<String> = limits.iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            [
                "in 2 of 5 trials (threads), the server answered as little as 70.0 % of the requests due, so response \
                 times grow for as long as the load lasts",
                "in 1 of 5 trials (async/2), the load generator was busy for up to 97.0 % of the time; it may limit \
                 the rate, which is therefore a lower bound of the server's",
            ]
        );
        assert_eq!(find_limits([]), []);
    }
}
