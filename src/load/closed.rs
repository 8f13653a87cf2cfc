//! The closed loop: each connection asks, waits for its answer, thinks, and asks again.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use fastrand::Rng;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::units;

use super::books::{Books, Instants};
use super::client::{Answer, Client, Trouble};
use super::patience::Patience;
use super::{Gate, Opened, Plan, Share, Until, Window};

/// Connections that one thread opens at the same time: more could overflow a server's backlog, and a dropped SYN costs
/// a second.
const OPENING: usize = 100;

/// The pause after a request that failed, doubled up to the longest until one is answered again.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// What the connections of one thread share.
struct Desk<C: Client> {
    plan: Plan,
    client: Rc<C::Shared>,
    books: RefCell<Books>,
    /// Requests still to be sent, where their number ends the window.
    budget: Cell<u64>,
    /// Requests that were begun, and those of them that ended before the window began.
    begun: Cell<u64>,
    early: Cell<u64>,
}

/// What is known about one connection from outside.
#[derive(Debug, Default)]
struct Gauge {
    under_way: Cell<Option<UnderWay>>,
    /// Requests that belong to the window, and answers that came within it.
    requests: Cell<u64>,
    answers: Cell<u64>,
}

impl Gauge {
    fn count(&self, answered: bool) {
        self.requests.set(self.requests.get() + 1);
        self.answers.set(self.answers.get() + u64::from(answered));
    }
}

/// A request that has no answer yet.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    intended: u64,
    heavy: bool,
    /// Whether it was taken from the budget.
    budgeted: bool,
}

/// Runs one generator thread, from the opening of its connections to the closing of its books.
pub(super) fn run<C: Client>(plan: &Plan, share: Share, gate: Gate) -> Books {
    let Gate { report, window } = gate;
    let runtime = match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(report, 0, Some(error.into()));
            return Books::default();
        }
    };
    let desk = Rc::new(Desk::<C> {
        plan: plan.clone(),
        client: Rc::new(C::share(plan)),
        books: RefCell::default(),
        budget: Cell::new(share.requests),
        begun: Cell::new(0),
        early: Cell::new(0),
    });
    runtime.block_on(async {
        let (clients, trouble) = open(&desk, share).await;
        tell(report, clients.len(), trouble);
        // Holds the thread, on which nothing else runs yet.
        if let Ok(window) = window.recv() {
            ask_all(&desk, share, clients, &window).await;
        }
    });
    desk.books.take()
}

/// Reports, and gives the sender away: whoever listens has heard the last report when all senders are gone.
fn tell(report: Sender<Opened>, connections: usize, trouble: Option<Trouble>) {
    // Nobody listens when another thread could not be started; then the door is closed as well.
    let _ = report.send(Opened { connections: connections as u32, trouble });
}

/// Opens this thread's connections, until one of them meets trouble.
async fn open<C: Client>(desk: &Rc<Desk<C>>, share: Share) -> (Vec<C>, Option<Trouble>) {
    let places = Rc::new(Semaphore::new(OPENING));
    let mut opening = JoinSet::new();
    for _ in 0..share.connections {
        let (desk, places) = (Rc::clone(desk), Rc::clone(&places));
        opening.spawn_local(async move {
            let _place = places.acquire().await.expect("the semaphore is never closed");
            let connecting = timeout(desk.plan.timeout, C::connect(&desk.client)).await;
            connecting.unwrap_or(Err(C::NOT_OPENED))
        });
    }
    let mut clients = Vec::with_capacity(share.connections as usize);
    while let Some(client) = opening.join_next().await {
        match client.expect("opening does not panic") {
            Ok(client) => clients.push(client),
            // What one connection met the others would meet too.
            Err(trouble) => return (clients, Some(trouble)),
        }
    }
    (clients, None)
}

/// Lets every connection ask until the window ends and the drain is over.
async fn ask_all<C: Client>(desk: &Rc<Desk<C>>, share: Share, clients: Vec<C>, window: &Arc<Window>) {
    let gauges: Vec<Rc<Gauge>> = clients.iter().map(|_| Rc::default()).collect();
    let mut asking = JoinSet::new();
    for (k, (client, gauge)) in (0..).zip(clients.into_iter().zip(&gauges)) {
        let rng = Rng::with_seed(desk.plan.seed ^ (u64::from(share.thread) << 32 | k));
        asking.spawn_local(connection(Rc::clone(desk), Arc::clone(window), client, Rc::clone(gauge), rng));
    }
    let all = async { while asking.join_next().await.is_some() {} };
    tokio::select! {
        () = all => {}
        () = over(window, desk.plan.drain) => {}
    }
    asking.shutdown().await;

    let now = window.now();
    let mut books = desk.books.borrow_mut();
    for gauge in gauges {
        match gauge.under_way.get() {
            Some(request) if desk.counts(request, now, window) => {
                books.unfinished(request.heavy, now - request.intended);
                gauge.count(false);
            }
            Some(_) => desk.early.set(desk.early.get() + 1),
            None => {}
        }
        books.connection(gauge.requests.get() > 0 && gauge.answers.get() == 0);
    }
    // What was planned is counted where requests begin, not where they end: so a lost one would show.
    match desk.plan.until {
        Until::Elapsed(_) => books.plan(desk.begun.get() - desk.early.get()),
        Until::Requests(_) => {
            books.plan(share.requests);
            books.unsent(desk.budget.get());
        }
    }
}

/// Ends when the window and the drain after it have ended, wherever the window's end may be moved to meanwhile.
async fn over(window: &Window, drain: Duration) {
    const LOOK_UP: Duration = Duration::from_millis(20);
    loop {
        let end = window.end().saturating_add(units::nanos(drain));
        let left = end.saturating_sub(window.now());
        if left == 0 {
            break;
        }
        sleep(Duration::from_nanos(left).min(LOOK_UP)).await;
    }
}

/// One connection: a request after the other until the window ends.
async fn connection<C: Client>(desk: Rc<Desk<C>>, window: Arc<Window>, client: C, gauge: Rc<Gauge>, mut rng: Rng) {
    let mut client = Some(client);
    let mut patience = Patience::new(desk.plan.timeout);
    let mut pause = Duration::ZERO;
    let mut now = window.now();
    while let Some(request) = desk.next(now, &window, &mut rng) {
        gauge.under_way.set(Some(request));
        let outcome = patience.wait(window.instant(request.intended), ask(&desk, &mut client, &window, request)).await;
        now = window.now();
        gauge.under_way.set(None);
        let counts = desk.counts(request, now, &window);
        desk.early.set(desk.early.get() + u64::from(!counts));
        match outcome {
            Some(Ok((answer, sent))) => {
                if counts {
                    let at = Instants { intended: request.intended, sent, done: now };
                    desk.books.borrow_mut().answered(request.heavy, at, answer, &window);
                    gauge.count(now <= window.end());
                }
                if !answer.keep_alive {
                    client = None;
                }
                pause = Duration::ZERO;
                if !desk.plan.think.is_zero() {
                    sleep(desk.plan.think).await;
                    now = window.now();
                }
            }
            failed => {
                if counts {
                    gauge.count(false);
                    let mut books = desk.books.borrow_mut();
                    match failed {
                        Some(Err(trouble)) => books.failed(trouble, now),
                        _ => books.timed_out(request.heavy, now - request.intended, now),
                    }
                }
                client = None;
                pause = (pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
                sleep(pause).await;
                now = window.now();
            }
        }
    }
}

/// Sends one request, on a new connection if there is none, and reads its answer; also when it was sent.
async fn ask<C: Client>(
    desk: &Desk<C>,
    client: &mut Option<C>,
    window: &Window,
    request: UnderWay,
) -> Result<(Answer, u64), Trouble> {
    // Where the connection is open, a request is sent at the very instant it is due: one clock read fewer.
    let mut sent = request.intended;
    let open = match client {
        Some(open) => open,
        None => {
            let open = client.insert(C::connect_again(&desk.client).await?);
            sent = window.now();
            open
        }
    };
    Ok((open.ask(request.heavy).await?, sent))
}

impl<C: Client> Desk<C> {
    /// The request that is due now, if one still is.
    fn next(&self, now: u64, window: &Window, rng: &mut Rng) -> Option<UnderWay> {
        if now >= window.end() {
            return None;
        }
        let mut budgeted = false;
        if let Until::Requests(_) = self.plan.until
            && now >= window.begin
        {
            self.budget.set(self.budget.get().checked_sub(1)?);
            budgeted = true;
        }
        self.begun.set(self.begun.get() + 1);
        let heavy = self.plan.heavy.as_ref().is_some_and(|(share, _)| rng.f64() < *share);
        Some(UnderWay { intended: now, heavy, budgeted })
    }

    /// Whether a request that ends now, or is still under way, belongs to the window.
    fn counts(&self, request: UnderWay, now: u64, window: &Window) -> bool {
        match self.plan.until {
            Until::Elapsed(_) => now >= window.begin,
            Until::Requests(_) => request.budgeted,
        }
    }
}
