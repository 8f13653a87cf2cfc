//! Handles the signals that end the program: INT, TERM and HUP.
//!
//! Initially a signal ends the process at once. After [`Interrupt::listen`] the first one is noted, so that
//! measurements are kept and shown; the process then has [`TIME_TO_END`] to end by itself. A second signal ends it at
//! once. Temporary files are removed first.
//!
//! INT and TERM are obeyed even if they were ignored or blocked when the program was started, as they are in a script's
//! background jobs. An ignored HUP stays ignored, as `nohup` intends.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use signal_hook::{flag, low_level};

use crate::{proc, replace};

/// The time a process has to end by itself after the first signal.
pub const TIME_TO_END: Duration = Duration::from_millis(1_600);

/// The number of the last signal, or 0.
static SIGNAL: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// The effect of the next signal.
static NEXT: Mutex<Next> = Mutex::new(Next::Ends);

/// Whether the next signal ends the process at once, even if no thread watches.
static ENDS: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// The effect of a signal.
enum Next {
    /// The process ends.
    Ends,
    /// The signal is noted, and the process has `grace` to end by itself.
    IsNoted { grace: Duration, notify: Option<Box<dyn FnOnce(i32) + Send>> },
}

/// Shows whether INT, TERM or HUP has arrived. Obtained from [`listen`](Self::listen).
#[derive(Clone, Copy, Debug)]
pub struct Interrupt(());

impl Interrupt {
    /// Notes the first signal from now on.
    pub fn listen() -> io::Result<Self> {
        Self::listen_with(TIME_TO_END, None)
    }

    /// Notes the first signal from now on, with a different time to end, and calls `notify` with that signal.
    pub fn listen_with(grace: Duration, notify: Option<Box<dyn FnOnce(i32) + Send>>) -> io::Result<Self> {
        obey_signals()?;
        *NEXT.lock().unwrap_or_else(PoisonError::into_inner) = Next::IsNoted { grace, notify };
        ENDS.store(false, Ordering::SeqCst);
        Ok(Self(()))
    }

    /// Returns the number of the signal that has arrived, if any.
    pub fn signal(&self) -> Option<i32> {
        signal()
    }
}

/// Returns the number of the signal that has arrived, if any.
pub fn signal() -> Option<i32> {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => None,
        number => Some(number as i32),
    }
}

/// Installs the signal handlers of this module. Further calls change nothing.
pub fn obey_signals() -> io::Result<()> {
    static OBEYED: OnceLock<()> = OnceLock::new();
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if OBEYED.get().is_some() {
        return Ok(());
    }
    let (mut arrivals, arrived) = UnixStream::pair()?;
    let numbers = numbers();
    let watch = move || watch(&mut arrivals);
    let is_watched = thread::Builder::new().name("signals".into()).spawn(watch).is_ok();
    for number in &numbers {
        let number = *number;
        if !is_watched {
            // The order matters: the first noted signal finds `ENDS` unset and sets it, and the second one finds it
            // set.
            flag::register_conditional_shutdown(number, 128 + number, Arc::clone(&ENDS))?;
            flag::register(number, Arc::clone(&ENDS))?;
        }
        flag::register_usize(number, Arc::clone(&SIGNAL), number as usize)?;
        if is_watched {
            low_level::pipe::register(number, arrived.try_clone()?)?;
        }
    }
    let mut unblocked = SigSet::empty();
    numbers.iter().filter_map(|number| Signal::try_from(*number).ok()).for_each(|signal| unblocked.add(signal));
    unblocked.thread_unblock()?;
    let _ = OBEYED.set(());
    Ok(())
}

/// Returns the numbers of the signals to obey.
fn numbers() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut numbers = vec![Signal::SIGINT as i32, Signal::SIGTERM as i32];
    if !proc::is_ignored(&status, Signal::SIGHUP) {
        numbers.push(Signal::SIGHUP as i32);
    }
    numbers
}

/// Waits for signals, each of which arrives as a byte, and ends the process when it is due.
fn watch(arrivals: &mut UnixStream) {
    let mut byte = [0];
    let mut arrives = |limit: Option<Duration>| {
        let _ = arrivals.set_read_timeout(limit);
        loop {
            match arrivals.read(&mut byte) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return matches!(read, Ok(1)),
            }
        }
    };
    if !arrives(None) {
        // The handlers are gone: none could be installed.
        return;
    }
    let first = signal().unwrap_or(Signal::SIGINT as i32);
    let next = std::mem::replace(&mut *NEXT.lock().unwrap_or_else(PoisonError::into_inner), Next::Ends);
    if let Next::IsNoted { grace, notify } = next {
        if let Some(notify) = notify {
            notify(first);
        }
        if !arrives(Some(grace)) {
            write_line(format!("avt: ended by {}: still busy after {grace:?}", name(first)));
        }
    }
    replace::remove_temporary_files();
    low_level::exit(128 + signal().unwrap_or(first));
}

/// Writes a line to standard error, but gives up after a while, in case the process is stuck on a blocked reader.
fn write_line(line: String) {
    let (done, is_done) = std::sync::mpsc::channel();
    let write = move || {
        let _ = writeln!(io::stderr(), "{line}");
        let _ = done.send(());
    };
    if thread::Builder::new().spawn(write).is_ok() {
        let _ = is_done.recv_timeout(Duration::from_millis(50));
    }
}

/// Returns the name of a signal with its prefix: `SIGKILL`.
pub fn name(number: i32) -> String {
    Signal::try_from(number).map_or_else(|_| format!("signal {number}"), |signal| signal.as_str().to_owned())
}
