//! Chooses the target of the next request, in a fixed cycle.

use super::LoadPlan;

/// The positions in [`LoadPlan::requests`] of the next ordinary and the next heavy request.
#[derive(Debug)]
pub(super) struct Turns {
    ordinary: TargetCycle,
    heavy: TargetCycle,
}

/// A section of the list of requests, and the position of its next request.
#[derive(Clone, Copy, Debug)]
struct TargetCycle {
    first: usize,
    end: usize,
    next: usize,
}

impl Turns {
    pub(super) fn new(plan: &LoadPlan) -> Self {
        let n_ordinary = plan.request.targets.len();
        let ordinary = TargetCycle { first: 0, end: n_ordinary, next: 0 };
        let heavy = plan.heavy.as_ref().map_or(ordinary, |(_, template)| TargetCycle {
            first: n_ordinary,
            end: n_ordinary + template.targets.len(),
            next: n_ordinary,
        });
        Self { ordinary, heavy }
    }

    /// Returns the index of the request to send now: by its position in the schedule (`number`), so that the requests
    /// are the same for any number of threads and shards; in a closed loop, in turn.
    #[inline]
    pub(super) fn next(&mut self, heavy: bool, number: Option<u64>) -> usize {
        let turn = if heavy { &mut self.heavy } else { &mut self.ordinary };
        if let Some(number) = number {
            return turn.first + (number % (turn.end - turn.first) as u64) as usize;
        }
        let now = turn.next;
        turn.next = if now + 1 < turn.end { now + 1 } else { turn.first };
        now
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{RequestTemplate, Until};
    use super::*;
    use crate::scenario::{ArrivalSpec, ClientKind};
    use crate::schedule::Shard;

    fn plan(ordinary: &[&str], heavy: Option<&[&str]>) -> LoadPlan {
        let template = |targets: &[&str]| RequestTemplate {
            method: "GET".into(),
            authority: "localhost".into(),
            targets: targets.iter().copied().map(Into::into).collect(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        LoadPlan {
            server: std::net::SocketAddr::from(([127, 0, 0, 1], 1)).into(),
            secure: None,
            request: template(ordinary),
            heavy: heavy.map(|heavy| (0.5, template(heavy))),
            client: ClientKind::Raw,
            shard: Shard::WHOLE,
            connections: 1,
            threads: 1,
            warmup: Duration::ZERO,
            until: Until::Requests(1),
            arrival: ArrivalSpec::Closed { think: Duration::ZERO },
            start_at: None,
            timeout: Duration::ZERO,
            drain: Duration::ZERO,
            stamp: None,
            expected: None,
            server_cpus: Vec::new(),
            seed: 1,
        }
    }

    /// Checks the targets that thread `k` of `n` requests, if every third request is heavy.
    fn check(plan: &LoadPlan, (k, n): (u32, u32), expected: &[&str]) {
        let plan = plan.of_thread(k, n);
        let requests: Vec<&str> = plan.requests().map(|(_, target)| target).collect();
        let mut turns = Turns::new(&plan);
        let asked: Vec<&str> = (1..=expected.len()).map(|k| requests[turns.next(k % 3 == 0, None)]).collect();
        assert_eq!(asked, expected, "thread {k} of {n}");
    }

    #[test]
    fn targets_take_turns_and_each_thread_starts_at_a_different_one() {
        let mixed = plan(&["a", "b", "c", "d"], Some(&["x", "y"]));
        check(&mixed, (0, 1), &["a", "b", "x", "c", "d", "y", "a", "b", "x"]);
        check(&mixed, (0, 2), &["a", "b", "x", "c", "d", "y", "a", "b", "x"]);
        check(&mixed, (1, 2), &["c", "d", "y", "a", "b", "x", "c", "d", "y"]);
        check(&plan(&["a"], Some(&["x"])), (3, 4), &["a", "a", "x", "a", "a", "x"]);
        check(&plan(&["a", "b"], None), (1, 2), &["b", "a"]);
    }
}
