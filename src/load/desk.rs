//! What both loops share: the connections of one generator thread, the request that each of them carries, and what
//! becomes of it. All instants are nanoseconds of [`clock::now`].

use crate::units;
use crate::usage::Scheduled;

use super::books::{Began, Books, ThreadCost};
use super::client::{Client, Event};
use super::collect::HandIn;
use super::trouble::Trouble;
use super::{Plan, Window, clock};

/// How often the clock is looked at while nothing happens: the window's end can be moved from outside.
pub(super) const LOOK_UP: u64 = 20_000_000;

/// One generator thread at work.
pub(super) struct Desk<'a, C> {
    pub(super) plan: &'a Plan,
    pub(super) window: &'a Window,
    pub(super) client: C,
    pub(super) books: Box<Books>,
    hand_in: HandIn,
    connections: Vec<Connection>,
    timeout: u64,
    /// Before this no request can have taken longer than the time-out.
    no_timeout_before: u64,
    /// Requests under way, and since when there are as many.
    in_flight: u32,
    since: u64,
    cost: Cost,
}

/// What the window costs this thread.
#[derive(Debug, Default)]
enum Cost {
    #[default]
    NotBegun,
    Since {
        scheduled: Option<Scheduled>,
        spun_ns: u64,
    },
    Told,
}

/// What is known about a connection.
#[derive(Debug, Default)]
struct Connection {
    asking: Option<Request>,
    /// Requests that belong to the window, and answers that came within it.
    requests: u64,
    answers: u64,
}

/// A request that has no answer yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// When it was due.
    pub(super) intended: u64,
    /// When it could have been asked: when it was due, or when a connection was free for it, if that was later.
    pub(super) ready: u64,
    /// When it was asked.
    pub(super) asked: u64,
    pub(super) heavy: bool,
    /// It belongs to the window if it ends at this instant or later.
    pub(super) counts_from: u64,
}

/// A request that ended, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) connection: usize,
    pub(super) is_answered: bool,
    /// Whether it belonged to the window.
    pub(super) counts: bool,
}

impl<'a, C: Client> Desk<'a, C> {
    pub(super) fn new(plan: &'a Plan, client: C, connections: u32, window: &'a Window, hand_in: HandIn) -> Self {
        let mut books = Box::<Books>::default();
        books.began = Began { warmup: window.start, window: window.begin };
        Self {
            plan,
            window,
            client,
            books,
            hand_in,
            connections: (0..connections).map(|_| Connection::default()).collect(),
            timeout: units::nanos(plan.timeout),
            no_timeout_before: 0,
            in_flight: 0,
            since: window.begin,
            cost: Cost::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.connections.len()
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Sends a request on a connection that carries none.
    #[inline]
    pub(super) fn ask(&mut self, k: usize, request: Request) {
        self.count_in_flight(request.asked, 1);
        // One that waited for a connection runs out earlier than one that is due now.
        self.no_timeout_before = self.no_timeout_before.min(request.intended.saturating_add(self.timeout));
        self.connections[k].asking = Some(request);
        self.client.ask(k, request.heavy);
    }

    /// Waits for the end of a request; not beyond this instant.
    #[inline]
    pub(super) fn next(&mut self, until: u64) -> (Option<Ended>, u64) {
        let event = self.client.next(until);
        let now = clock::now();
        (event.map(|(k, event)| self.happened(k, event, now)), now)
    }

    #[inline]
    fn happened(&mut self, k: usize, event: Event, now: u64) -> Ended {
        let request = self.take(k, now).expect("an event ends what a connection was asked");
        let counts = self.counts(k, request, now);
        match event {
            Event::Answered(answer) => {
                let in_window = now >= self.window.begin && now <= self.window.end();
                // The rate is that of all answers in the window: behind a line they are to requests from before it.
                self.books.in_window += u64::from(in_window);
                if counts {
                    self.books.answered(&request, answer, now);
                    self.connections[k].answers += u64::from(in_window);
                } else {
                    self.books.warmed_up(&request, now);
                }
                Ended { connection: k, is_answered: true, counts }
            }
            Event::Failed(trouble) => {
                if counts {
                    self.books.failed(trouble, now);
                }
                Ended { connection: k, is_answered: false, counts }
            }
            Event::Opened => unreachable!("connections are opened before the window, or by what is asked"),
        }
    }

    #[inline]
    fn take(&mut self, k: usize, now: u64) -> Option<Request> {
        let request = self.connections[k].asking.take()?;
        self.count_in_flight(now, -1);
        Some(request)
    }

    /// Whether a request that ends now, or is still under way, belongs to the window; it is counted for its connection.
    #[inline]
    fn counts(&mut self, k: usize, request: Request, now: u64) -> bool {
        let counts = now >= request.counts_from;
        self.connections[k].requests += u64::from(counts);
        let inside = now.min(self.window.end()).saturating_sub(request.asked.max(self.window.begin));
        let all = if counts { now - request.asked } else { 0 };
        self.books.at_the_edges_ns += all as i64 - inside as i64;
        counts
    }

    /// Requests under way, added up over the time of the window: nanoseconds times requests.
    #[inline]
    fn count_in_flight(&mut self, now: u64, change: i32) {
        if now > self.since {
            let until = now.min(self.window.end());
            self.books.in_flight_ns += u128::from(until.saturating_sub(self.since)) * u128::from(self.in_flight);
            self.since = now;
        }
        self.in_flight = self.in_flight.wrapping_add_signed(change);
        if now >= self.window.begin {
            self.books.most_in_flight = self.books.most_in_flight.max(self.in_flight.into());
        }
    }

    /// Does what the clock alone brings about for both loops, and says when to look at it again at the latest.
    pub(super) fn ring(&mut self, now: u64) -> u64 {
        let mut begin = u64::MAX;
        if let Cost::NotBegun = self.cost {
            begin = self.window.begin;
            if now >= begin {
                self.cost = Cost::Since { scheduled: Scheduled::of_this_thread(), spun_ns: 0 };
                begin = u64::MAX;
            }
        }
        if now >= self.window.end() {
            self.measure();
        }
        self.hand_in.ring(&mut self.books, now);
        let end = Some(self.window.end()).filter(|end| *end > now).unwrap_or(u64::MAX);
        (now + LOOK_UP).min(self.no_timeout_before).min(self.hand_in.next()).min(begin).min(end)
    }

    /// Gives up what has been waited for too long.
    pub(super) fn time_out(&mut self, now: u64) -> Vec<Ended> {
        let mut ended = Vec::new();
        if now < self.no_timeout_before {
            return ended;
        }
        self.no_timeout_before = now.saturating_add(self.timeout);
        for k in 0..self.connections.len() {
            let Some(request) = self.connections[k].asking else { continue };
            let deadline = request.intended.saturating_add(self.timeout);
            if deadline > now {
                self.no_timeout_before = self.no_timeout_before.min(deadline);
                continue;
            }
            let trouble = if self.client.is_connecting(k) { Trouble::ConnectTimeout } else { Trouble::Timeout };
            self.client.close(k);
            self.take(k, now);
            let counts = self.counts(k, request, now);
            if counts {
                self.books.timed_out(&request, trouble, now);
            }
            ended.push(Ended { connection: k, is_answered: false, counts });
        }
        ended
    }

    /// Time that was spent looking at the clock.
    pub(super) fn spun(&mut self, nanos: u64) {
        if let Cost::Since { spun_ns, .. } = &mut self.cost {
            *spun_ns += nanos;
        }
    }

    /// Reads what the window has cost this thread, when it has ended.
    fn measure(&mut self) {
        if let Cost::Since { scheduled, spun_ns } = std::mem::replace(&mut self.cost, Cost::Told) {
            let scheduled = Scheduled::of_this_thread().zip(scheduled).map(|(now, then)| now.since(then));
            self.books.threads.push(ThreadCost { scheduled, spun_ns });
        }
    }

    /// Books what is still under way: how many of these do not belong to the window.
    pub(super) fn give_up(&mut self, now: u64) -> u64 {
        let mut others = 0;
        for k in 0..self.connections.len() {
            let Some(request) = self.take(k, now) else { continue };
            if self.counts(k, request, now) {
                self.books.unfinished(&request, now);
            } else {
                others += 1;
            }
        }
        others
    }

    /// Hands in the last books.
    pub(super) fn close(mut self) {
        self.measure();
        for Connection { requests, answers, .. } in &self.connections {
            self.books.connection(*requests, *answers);
        }
        self.hand_in.last(self.books);
    }
}
