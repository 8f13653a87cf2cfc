//! An external server: started by the scenario's command, observed, and ended with all its descendants.
//!
//! This process is a subreaper (prctl(2)): whatever the command starts stays its descendant, even if it leaves its
//! process group or session, or outlives its parent. So all of it can be found, counted and ended. When standard input
//! ends, because the trial or the runner did, everything is killed.
//!
//! Its own threads run on other CPUs than the server's, if there are any: the CPU time they use is not the server's.

mod listener;
mod output;

use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{self, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};

use crate::host;
use crate::proc;
use crate::protocol::{Served, ServerOrder, TrialReply, TrialSpec};
use crate::record::{Failure, Waits};
use crate::scenario::{ServerSpec, Work};
use crate::usage::Tree;

use super::server::{check_descriptors, each_order};
use super::{now_ns, write_reply};
use output::ServerStderr;

/// The time a server has to become ready.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause between two checks whether the server is ready.
const ASK: Duration = Duration::from_millis(20);
/// The time a server's processes have to end after they were killed.
const TO_END: Duration = Duration::from_millis(900);

/// Events of a server under observation.
#[derive(Debug)]
enum ServerEvent {
    /// The runner begins or ends the window.
    Order(ServerOrder),
    /// A child of this process, which belongs to the server, has ended.
    Ended(WaitStatus),
    /// The last process of the server has ended.
    AllEnded,
    /// No process of the server listens any more.
    Deaf,
}

pub(super) fn run(spec: &TrialSpec, nonce: &str, environment: &[(String, Vec<u8>)]) -> Result<(), Failure> {
    let (server, connections) = match &spec.work {
        Work::Echo(work) => (work.server(spec.model), work.load.connections),
        Work::Sleep(_) | Work::Offload(_) | Work::Own(_) => (None, 0),
    };
    let server = server.ok_or_else(|| Failure::WrongWork {
        what: format!("the scenario has no server for the model {}", spec.model),
    })?;
    check_descriptors(connections)?;
    // The end of standard input shows that the parent has ended; a kill signal would leave the server behind.
    let _ = prctl::set_pdeathsig(None);
    prctl::set_child_subreaper(true).map_err(|error| refused(format!("cannot become a subreaper: {error}")))?;
    // If the process that started avt ignores SIGCHLD, so would the server and this process, and exit statuses would be
    // lost. A handler is not inherited across exec, so the children begin with the default.
    signal_hook::flag::register(Signal::SIGCHLD as i32, Arc::default())
        .map_err(|error| refused(format!("cannot handle SIGCHLD: {error}")))?;

    let (event_tx, events) = mpsc::channel();
    let orders = event_tx.clone();
    spawn("orders", move || {
        each_order(|order| orders.send(ServerEvent::Order(order)).is_ok());
        end();
        process::exit(0);
    })?;
    let mut external = External { server, cpus: &spec.cpus, output: ServerStderr::default(), event_tx, events };
    let outcome = external.serve(nonce, environment);
    end();
    if let Err(mut failure) = outcome {
        external.output.add_last_words(&mut failure);
        let _ = write_reply(&TrialReply::Failed(failure));
    }
    Ok(())
}

/// Ends all processes of the server.
fn end() {
    let left = proc::end_descendants(&[], TO_END);
    for pid in left {
        let name = proc::name(pid).unwrap_or_default();
        eprintln!("could not end process {pid} ({name}) of the server");
    }
}

struct External<'a> {
    server: &'a ServerSpec,
    /// The CPUs of the server; empty for any.
    cpus: &'a [usize],
    output: ServerStderr,
    event_tx: Sender<ServerEvent>,
    events: Receiver<ServerEvent>,
}

impl External<'_> {
    fn serve(&mut self, nonce: &str, environment: &[(String, Vec<u8>)]) -> Result<(), Failure> {
        let port = match self.server.port {
            Some(port) => port,
            None => free_port().map_err(|error| refused(format!("no port on 127.0.0.1: {error}")))?,
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        listener::check_free(address).map_err(refused)?;
        let leader = self.start(port, environment)?;
        let event_tx = self.event_tx.clone();
        spawn("reaper", move || wait_for_all(&event_tx))?;
        self.wait_until_ready(address, leader).map_err(refused)?;
        listener::check_own(address).map_err(refused)?;
        let event_tx = self.event_tx.clone();
        spawn("watch", move || {
            listener::wait_until_deaf(address);
            let _ = event_tx.send(ServerEvent::Deaf);
        })?;
        write_reply(&TrialReply::Ready { port, nonce: nonce.to_owned() })?;
        self.obey()
    }

    /// Starts the command on its CPUs, and moves this process to other CPUs if there are any.
    fn start(&mut self, port: u16, environment: &[(String, Vec<u8>)]) -> Result<u32, Failure> {
        let with_port = |text: &String| text.replace("{port}", &port.to_string());
        let words: Vec<String> = self.server.command.iter().map(with_port).collect();
        let (program, arguments) = words.split_first().ok_or_else(|| refused("the command is empty".into()))?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("avt")
            .args(["launch", &process::id().to_string(), "--", program])
            .args(arguments)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, OsStr::from_bytes(value))))
            .env("PORT", port.to_string())
            .envs(self.server.env.iter().map(|(name, value)| (name, with_port(value))));
        if let Some(folder) = &self.server.cwd {
            if !Path::new(folder).is_dir() {
                return Err(refused(format!(
                    "the working folder {folder:?} of the server does not exist; correct cwd"
                )));
            }
            command.current_dir(folder);
        }
        // A server that signals its process group means only its own processes.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let all = host::cpus();
        let pin = |cpus: &[usize]| {
            host::pin(cpus).map_err(|error| Failure::Refused { what: format!("cannot pin to CPUs {cpus:?}: {error}") })
        };
        if !self.cpus.is_empty() {
            pin(self.cpus)?;
        }
        let started = command.spawn();
        let others: Vec<usize> = all.iter().copied().filter(|cpu| !self.cpus.contains(cpu)).collect();
        pin(if others.is_empty() { &all } else { &others })?;
        let mut process =
            started.map_err(|error| refused(format!("cannot start the server's command {program:?}: {error}")))?;
        self.output = ServerStderr::read(process.stderr.take().expect("standard error is piped"))?;
        // Reaped together with all other processes.
        Ok(process.id())
    }

    /// Waits until the server is ready; the error states why it is not.
    fn wait_until_ready(&self, address: SocketAddr, leader: u32) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        let mut end_of_leader = None;
        loop {
            let why = match listener::ask(&self.server.ready, address) {
                Ok(true) => return Ok(()),
                Ok(false) => "no response with status 200".to_owned(),
                Err(error) => error.to_string(),
            };
            if Instant::now() >= until {
                return Err(format!(
                    "the server was not ready within {} s: GET http://{address}{}: {why}",
                    PATIENCE.as_secs(),
                    self.server.ready
                ));
            }
            match self.events.recv_timeout(ASK) {
                // A command may start the server and exit, and the server goes on.
                Ok(ServerEvent::Ended(status)) if status.pid().is_some_and(|pid| pid.as_raw() as u32 == leader) => {
                    end_of_leader = Some(status);
                }
                Ok(ServerEvent::Ended(_)) | Err(RecvTimeoutError::Timeout) => {}
                Ok(ServerEvent::AllEnded) => {
                    let how = end_of_leader.map_or_else(String::new, |status| format!(": {}", in_words(status)));
                    return Err(format!(
                        "the server's command {:?} ended before it was ready{how}",
                        self.server.command[0]
                    ));
                }
                Ok(ServerEvent::Order(_) | ServerEvent::Deaf) | Err(RecvTimeoutError::Disconnected) => {
                    return Err("the window began before the server was ready".into());
                }
            }
        }
    }

    /// Measures between the two orders. Fails if the server ends before the window does.
    fn obey(&self) -> Result<(), Failure> {
        let mut begun = None;
        loop {
            match self.events.recv() {
                Ok(ServerEvent::Order(ServerOrder::Begin)) => begun = Some((now_ns(), Tree::below_this_process())),
                Ok(ServerEvent::Order(ServerOrder::End)) => {
                    let end_ns = now_ns();
                    let (begin_ns, before) =
                        begun.ok_or_else(|| Failure::WrongWork { what: "unexpected order from the runner".into() })?;
                    let after = Tree::below_this_process();
                    return write_reply(&TrialReply::Served(Box::new(Served {
                        // Threads of closed connections have ended, and the generator may have closed its connections
                        // by now.
                        threads: after.threads().max(before.threads()),
                        usage: after.since(&before),
                        runtime: None,
                        cores: Vec::new(),
                        waits: Waits::default(),
                        lanes: None,
                        window_ns: (begin_ns, end_ns),
                    })))
                    .and_then(|()| self.idle());
                }
                Ok(ServerEvent::Ended(_)) => {}
                Ok(ServerEvent::AllEnded) => return Err(died("all of its processes ended")),
                Ok(ServerEvent::Deaf) => return Err(died("none of its processes listens any longer")),
                Err(_) => return Ok(()),
            }
        }
    }

    /// Ignores the server's events after the window; the end of standard input ends this process.
    fn idle(&self) -> Result<(), Failure> {
        while let Ok(event) = self.events.recv() {
            if let ServerEvent::Order(_) = event {
                return Err(Failure::WrongWork { what: "unexpected order from the runner".into() });
            }
        }
        Ok(())
    }
}

fn refused(what: String) -> Failure {
    Failure::Refused { what }
}

fn died(how: &str) -> Failure {
    Failure::Died {
        process: "server".into(),
        how: format!("ended before the window did: {how}"),
        last_words: String::new(),
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let started = thread::Builder::new().name(name.into()).spawn(work);
    started.map(drop).map_err(|error| refused(format!("cannot start a thread for the server's {name}: {error}")))
}

/// Reaps every child of this process until none is left.
fn wait_for_all(event_tx: &Sender<ServerEvent>) {
    loop {
        let event = match waitpid(None, None) {
            Ok(status) => ServerEvent::Ended(status),
            Err(Errno::EINTR) => continue,
            Err(_) => ServerEvent::AllEnded,
        };
        let is_last = matches!(event, ServerEvent::AllEnded);
        if event_tx.send(event).is_err() || is_last {
            return;
        }
    }
}

fn in_words(status: WaitStatus) -> String {
    match status {
        WaitStatus::Exited(_, code) => format!("exit status: {code}"),
        WaitStatus::Signaled(_, signal, _) => format!("signal: {signal}"),
        other => format!("{other:?}"),
    }
}

/// Returns a port that was free a moment ago. If another process takes it, that is noticed before the measurement.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Turns this process into the server's command, which the kernel kills when the process that started it ends: that one
/// may be killed together with the runner, and then nothing else could do it. Returns only if the command cannot be
/// run.
pub fn launch(parent: u32, command: &[OsString]) -> ExitCode {
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    // The parent may have ended before its death could send a signal.
    if nix::unistd::getppid().as_raw() == parent as i32
        && let Some((program, arguments)) = command.split_first()
    {
        let error = Command::new(program).args(arguments).exec();
        eprintln!("avt: {}: {error}", program.display());
    }
    // The exit code of a shell in this case.
    ExitCode::from(127)
}
