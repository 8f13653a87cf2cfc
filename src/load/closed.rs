//! The closed loop: each connection asks, waits for its answer, thinks, and asks again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::units;

use super::books::{Books, Instants};
use super::client::{Answer, Client, Event};
use super::trouble::Trouble;
use super::{Gate, Opened, Plan, Share, Until, Window};

/// Connections that one thread opens at the same time: more could overflow a server's backlog, and a dropped SYN costs
/// a second.
const OPENING: usize = 100;

/// The pause after a request that failed, doubled up to the longest until one is answered again.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// How often the clock is looked at while nothing happens: the window's end can be moved from outside.
const LOOK_UP: Duration = Duration::from_millis(20);

/// Runs one generator thread, from the opening of its connections to the closing of its books.
pub(super) fn run<C: Client>(plan: &Plan, share: Share, gate: Gate) -> Books {
    let Gate { report, window } = gate;
    let mut client = match C::new(plan, share.connections) {
        Ok(client) => client,
        Err(error) => {
            tell(report, 0, Some(error.into()));
            return Books::default();
        }
    };
    let (opened, trouble) = open(&mut client, share.connections as usize, plan.timeout);
    tell(report, opened, trouble);
    match window.recv() {
        Ok(window) => Desk::new(plan, share, client, &window).run(),
        Err(_) => Books::default(),
    }
}

/// Reports, and gives the sender away: whoever listens has heard the last report when all senders are gone.
fn tell(report: Sender<Opened>, connections: usize, trouble: Option<Trouble>) {
    // Nobody listens when another thread could not be started; then the door is closed as well.
    let _ = report.send(Opened { connections: connections as u32, trouble });
}

/// Opens a thread's connections, until one of them meets trouble: how many are open, and the trouble.
fn open<C: Client>(client: &mut C, connections: usize, limit: Duration) -> (usize, Option<Trouble>) {
    // When each was begun; those that are open have ended.
    let mut begun = Vec::with_capacity(connections);
    let mut opened = 0;
    while opened < connections {
        while begun.len() < connections.min(opened + OPENING) {
            client.open(begun.len());
            begun.push(Some(Instant::now()));
        }
        match client.next(LOOK_UP.min(limit)) {
            Some((k, Event::Opened)) => {
                begun[k] = None;
                opened += 1;
            }
            Some((_, Event::Failed(trouble))) => return (opened, Some(trouble)),
            Some((_, Event::Answered(_))) => unreachable!("nothing was asked yet"),
            None if begun.iter().flatten().any(|begun| begun.elapsed() >= limit) => {
                return (opened, Some(C::NOT_OPENED));
            }
            None => {}
        }
    }
    (opened, None)
}

/// One generator thread at work. All instants are nanoseconds from the common start.
struct Desk<'a, C> {
    plan: &'a Plan,
    share: Share,
    window: &'a Window,
    client: C,
    connections: Vec<Connection>,
    books: Books,
    /// Connections that pause or think, and until when.
    resting: BinaryHeap<Reverse<(u64, usize)>>,
    /// Before this no request can have taken longer than the time-out.
    no_timeout_before: u64,
    /// When to look at the clock for another reason than an event.
    alarm: u64,
    /// Connections that still ask or rest.
    busy: usize,
    /// Requests still to be sent, where their number ends the window.
    budget: u64,
    /// Requests that were begun, and those of them that ended before the window began.
    begun: u64,
    early: u64,
}

/// What is known about a connection.
struct Connection {
    asking: Option<Request>,
    /// The pause after its last failure; none after an answer.
    pause: Duration,
    /// Requests that belong to the window, and answers that came within it.
    requests: u64,
    answers: u64,
    /// Decides which of its requests are heavy.
    rng: Rng,
}

/// A request that has no answer yet.
#[derive(Clone, Copy, Debug)]
struct Request {
    intended: u64,
    heavy: bool,
    /// Whether it was taken from the budget.
    budgeted: bool,
}

impl<'a, C: Client> Desk<'a, C> {
    fn new(plan: &'a Plan, share: Share, client: C, window: &'a Window) -> Self {
        let connection = |k: u32| Connection {
            asking: None,
            pause: Duration::ZERO,
            requests: 0,
            answers: 0,
            rng: Rng::with_seed(plan.seed ^ (u64::from(share.thread) << 32 | u64::from(k))),
        };
        Self {
            plan,
            share,
            window,
            client,
            connections: (0..share.connections).map(connection).collect(),
            books: Books::default(),
            resting: BinaryHeap::new(),
            no_timeout_before: 0,
            alarm: 0,
            busy: share.connections as usize,
            budget: share.requests,
            begun: 0,
            early: 0,
        }
    }

    /// Lets every connection ask until the window ends and the drain is over.
    fn run(mut self) -> Books {
        let mut now = self.window.now();
        (0..self.connections.len()).for_each(|k| self.begin(k, now));
        while self.busy > 0 {
            if now >= self.alarm && self.ring(now) {
                break;
            }
            let event = self.client.next(Duration::from_nanos(self.alarm.saturating_sub(now)));
            now = self.window.now();
            if let Some((k, event)) = event {
                self.happened(k, event, now);
            }
        }
        self.close(now)
    }

    /// Begins the next request of a connection; one that has none left is closed, as it may keep others waiting.
    #[inline]
    fn begin(&mut self, k: usize, now: u64) {
        let Some(request) = self.due(k, now) else {
            self.client.close(k);
            self.busy -= 1;
            return;
        };
        self.connections[k].asking = Some(request);
        self.client.ask(k, request.heavy);
    }

    /// The request that is due now, if one still is.
    #[inline]
    fn due(&mut self, k: usize, now: u64) -> Option<Request> {
        if now >= self.window.end() {
            return None;
        }
        let mut budgeted = false;
        if let Until::Requests(_) = self.plan.until
            && now >= self.window.begin
        {
            self.budget = self.budget.checked_sub(1)?;
            budgeted = true;
        }
        self.begun += 1;
        let heavy = self.plan.heavy.as_ref().is_some_and(|(share, _)| self.connections[k].rng.f64() < *share);
        Some(Request { intended: now, heavy, budgeted })
    }

    #[inline]
    fn happened(&mut self, k: usize, event: Event, now: u64) {
        let request = self.connections[k].asking.take().expect("an event ends what a connection was asked");
        match event {
            Event::Answered(answer) => self.answered(k, request, answer, now),
            Event::Failed(trouble) => {
                if self.counts(k, request, now) {
                    self.books.failed(trouble, now);
                }
                self.pause(k, now);
            }
            Event::Opened => unreachable!("connections are opened before the window, or by what is asked"),
        }
    }

    #[inline]
    fn answered(&mut self, k: usize, request: Request, answer: Answer, now: u64) {
        if self.counts(k, request, now) {
            // Where the connection is open, a request is sent the instant it is due: one clock read fewer.
            let sent = answer.sent.map_or(request.intended, |sent| self.window.at(sent));
            let at = Instants { intended: request.intended, sent, done: now };
            self.books.answered(request.heavy, at, answer, self.window);
            self.connections[k].answers += u64::from(now <= self.window.end());
        }
        self.connections[k].pause = Duration::ZERO;
        if self.plan.think.is_zero() {
            self.begin(k, now);
        } else {
            self.rest(k, now, self.plan.think);
        }
    }

    /// Whether a request that ends now, or is still under way, belongs to the window; it is counted for its connection.
    #[inline]
    fn counts(&mut self, k: usize, request: Request, now: u64) -> bool {
        let counts = match self.plan.until {
            Until::Elapsed(_) => now >= self.window.begin,
            Until::Requests(_) => request.budgeted,
        };
        self.early += u64::from(!counts);
        self.connections[k].requests += u64::from(counts);
        counts
    }

    /// Lets a connection be after a request that got no answer.
    fn pause(&mut self, k: usize, now: u64) {
        let pause = &mut self.connections[k].pause;
        *pause = (*pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        let pause = *pause;
        self.rest(k, now, pause);
    }

    fn rest(&mut self, k: usize, now: u64, pause: Duration) {
        let until = now + units::nanos(pause);
        self.resting.push(Reverse((until, k)));
        self.alarm = self.alarm.min(until);
    }

    /// Does what the clock alone brings about: whether the window and the drain after it have ended.
    fn ring(&mut self, now: u64) -> bool {
        while let Some(&Reverse((until, k))) = self.resting.peek()
            && until <= now
        {
            self.resting.pop();
            self.begin(k, now);
        }
        if now >= self.no_timeout_before {
            self.time_out(now);
        }
        let over = self.window.end().saturating_add(units::nanos(self.plan.drain));
        let rested = self.resting.peek().map_or(u64::MAX, |Reverse((until, _))| *until);
        self.alarm = (now + units::nanos(LOOK_UP)).min(over).min(self.no_timeout_before).min(rested);
        now >= over
    }

    /// Gives up what has been waited for too long, and finds out when that can be the case again: what is begun later
    /// runs out later than all that is under way.
    fn time_out(&mut self, now: u64) {
        let limit = units::nanos(self.plan.timeout);
        self.no_timeout_before = now.saturating_add(limit);
        for k in 0..self.connections.len() {
            let Some(request) = self.connections[k].asking else { continue };
            let deadline = request.intended.saturating_add(limit);
            if deadline > now {
                self.no_timeout_before = self.no_timeout_before.min(deadline);
                continue;
            }
            self.client.close(k);
            self.connections[k].asking = None;
            if self.counts(k, request, now) {
                self.books.timed_out(request.heavy, now - request.intended, now);
            }
            self.pause(k, now);
        }
    }

    /// Books what is still under way, and closes the books.
    fn close(mut self, now: u64) -> Books {
        for k in 0..self.connections.len() {
            if let Some(request) = self.connections[k].asking
                && self.counts(k, request, now)
            {
                self.books.unfinished(request.heavy, now - request.intended);
            }
            let Connection { requests, answers, .. } = self.connections[k];
            self.books.connection(requests > 0 && answers == 0);
        }
        // What was planned is counted where requests begin, not where they end: so a lost one would show.
        match self.plan.until {
            Until::Elapsed(_) => self.books.plan(self.begun - self.early),
            Until::Requests(_) => {
                self.books.unsent(self.budget);
                self.books.plan(self.share.requests);
            }
        }
        self.books
    }
}
