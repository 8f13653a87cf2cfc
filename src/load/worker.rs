//! One generator thread, from the opening of its connections to the closing of its books.

use std::sync::mpsc::Sender;

use crate::scenario::ArrivalSpec;
use crate::schedule::Schedule;
use crate::units;

use super::client::{Client, Event};
use super::clock::SystemClock;
use super::closed::Closed;
use super::collect::HandIn;
use super::desk::{Desk, LOOK_UP};
use super::open::Open;
use super::trouble::Trouble;
use super::{Gate, Opened, Plan, Share, clock};

/// Connections that one thread opens at the same time: more could overflow a server's backlog, and a dropped SYN costs
/// a second.
const OPENING: usize = 100;

pub(super) fn run<C: Client>(plan: &Plan, share: Share, gate: Gate, mut hand_in: HandIn) {
    let Gate { report, window } = gate;
    let mut client = match C::new(plan, share.connections) {
        Ok(client) => client,
        Err(error) => return tell(report, 0, Some(error.into())),
    };
    let limit = units::nanos(plan.timeout).saturating_add(C::GRACE);
    let (opened, trouble) = open(&mut client, share.connections as usize, limit);
    tell(report, opened, trouble);
    // A closed door means that there will be no window.
    let Ok(window) = window.recv() else { return };
    hand_in.open(&window);
    let desk = Desk::new(plan, client, SystemClock::of_this_thread(), share.connections, &window, hand_in);
    match plan.arrival {
        ArrivalSpec::Closed { think } => Closed::new(desk, share, think).run(),
        ArrivalSpec::Open { rate, arrivals, pacing } => {
            let schedule = Schedule { rate, arrivals, seed: plan.seed };
            Open::new(desk, share, schedule, pacing).run();
        }
    }
}

/// Reports, and gives the sender away: whoever listens has heard the last report when all senders are gone.
fn tell(report: Sender<Opened>, connections: usize, trouble: Option<Trouble>) {
    // Nobody listens when another thread could not be started; then the door is closed as well.
    let _ = report.send(Opened { connections: connections as u32, trouble });
}

/// Opens a thread's connections, until one of them meets trouble: how many are open, and the trouble.
fn open<C: Client>(client: &mut C, connections: usize, limit: u64) -> (usize, Option<Trouble>) {
    // When each was begun; those that are open have ended.
    let mut begun = Vec::with_capacity(connections);
    let mut opened = 0;
    while opened < connections {
        let now = clock::now();
        while begun.len() < connections.min(opened + OPENING) {
            client.open(begun.len());
            begun.push(Some(now));
        }
        match client.next(now + LOOK_UP.min(limit)) {
            Some((k, Event::Opened)) => {
                begun[k] = None;
                opened += 1;
            }
            Some((_, Event::Failed(trouble))) => return (opened, Some(trouble)),
            Some((_, Event::Answered(_))) => unreachable!("nothing was asked yet"),
            None if begun.iter().flatten().any(|begun| clock::now() - begun >= limit) => {
                return (opened, Some(Trouble::ConnectTimeout));
            }
            None => {}
        }
    }
    (opened, None)
}
