//! Starts a process of a trial and waits for its replies.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{self, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::host::{CpuLimit, CpuLimitError};
use crate::protocol::{ServerOrder, TrialReply, TrialSpec};
use crate::record::Failure;
use crate::scenario::Work;

use super::Program;
use super::interrupt::{self, Interrupt};
use super::trial::Deadline;

/// The reason why a trial ended without a measurement.
#[derive(Debug)]
pub enum Halt {
    /// The trial failed, and the run goes on.
    Failed(Failure),
    /// This signal ended the whole run.
    Interrupted(i32),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Makes the control group for a trial with a CPU limit.
pub(super) fn cpu_limit(work: &Work) -> Result<Option<CpuLimit>, Failure> {
    work.cpu_limit().map(CpuLimit::new).transpose().map_err(refused_limit)
}

fn refused_limit(error: CpuLimitError) -> Failure {
    Failure::Refused { what: error.to_string() }
}

/// A running process of a trial; killed and reaped on drop.
#[derive(Debug)]
pub(super) struct Child {
    name: &'static str,
    process: process::Child,
    stdin: Option<ChildStdin>,
    stdout: Pipe<ChildStdout>,
    stderr: Pipe<ChildStderr>,
}

/// The reading end of a pipe, and the bytes read from it.
#[derive(Debug)]
struct Pipe<R> {
    end: R,
    bytes: Vec<u8>,
    open: bool,
}

/// The longest text kept from a process's standard error, bytes.
const LAST_WORDS: usize = 2_000;

/// The longest time between two checks for a signal. A signal that arrives during a wait ends the wait at once.
const LOOK_UP: Duration = Duration::from_millis(200);

impl Child {
    /// Starts a process in its own process group, with an environment that inherits nothing, puts it under the CPU limit
    /// if there is one, and writes its spec to it.
    pub(super) fn start(
        program: &Program,
        name: &'static str,
        spec: &TrialSpec,
        limit: Option<&CpuLimit>,
    ) -> Result<Self, Failure> {
        let refused = |what: &str, error: io::Error| Failure::Refused { what: format!("{what} {name}: {error}") };
        let mut command = Command::new(&program.0);
        command.arg0("avt").arg("trial").env_clear().env("LANG", "C.UTF-8").env("RUST_BACKTRACE", "0");
        // Ctrl-C at the terminal signals the foreground group, but only the runner decides when a child ends.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().map_err(|error| refused("cannot start a process for the", error))?;
        let stdin = process.stdin.take();
        let stdout = Pipe::new(process.stdout.take().expect("standard output is piped"));
        let stderr = Pipe::new(process.stderr.take().expect("standard error is piped"));
        let pipe = |error| refused("cannot open a pipe to the", error);
        // From here on `drop` ends the process if anything goes wrong.
        let mut child = Self { name, process, stdin, stdout, stderr };
        child.stdout.unblock().map_err(pipe)?;
        child.stderr.unblock().map_err(pipe)?;
        // The process does nothing before it has its spec.
        if let Some(limit) = limit {
            limit.add(child.id()).map_err(refused_limit)?;
        }
        child.write(&serde_json::to_vec(spec).expect("a spec is plain data"));
        Ok(child)
    }

    /// Returns the process id.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends a server the order that begins or ends its window.
    pub(super) fn order(&mut self, order: ServerOrder) {
        self.write(&serde_json::to_vec(&order).expect("an order is plain data"));
    }

    /// Writes a line. Ignores errors: a child that no longer reads has ended or will end, and that is noticed
    /// elsewhere.
    fn write(&mut self, line: &[u8]) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(line).and_then(|()| stdin.write_all(b"\n")).and_then(|()| stdin.flush());
        }
    }

    /// Returns the next reply, if a whole line has been read.
    fn reply(&mut self) -> Option<Result<TrialReply, Failure>> {
        let end = self.stdout.bytes.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.stdout.bytes.drain(..=end).collect();
        Some(
            serde_json::from_slice(&line)
                .map_err(|error| Failure::WrongWork { what: format!("invalid reply from the {}: {error}", self.name) }),
        )
    }

    /// Reaps a process that has closed its standard output, and returns how it ended.
    fn exit_failure(&mut self) -> Failure {
        let how = match self.process.wait() {
            Ok(status) => describe_exit(status),
            Err(error) => format!("could not be waited for: {error}"),
        };
        self.stderr.read_last(LAST_WORDS);
        Failure::Died { process: self.name.into(), how, last_words: last_words(&self.stderr.bytes) }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The process leads a group, which may include an external server. These calls fail only if it was already
        // reaped.
        if let Ok(None) = self.process.try_wait() {
            let _ = killpg(Pid::from_raw(self.process.id() as i32), Signal::SIGKILL);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits for the next reply of any process, and returns the process's index and the reply. Returns an error if a
/// process ends without a reply, reports a failure or takes too long, or if a signal arrives.
pub(super) fn next_reply(
    children: &mut [&mut Child],
    deadline: Deadline,
    interrupt: &Interrupt,
) -> Result<(usize, TrialReply), Halt> {
    loop {
        for (i, child) in children.iter_mut().enumerate() {
            match child.reply() {
                Some(Ok(TrialReply::Failed(failure))) => return Err(failure.into()),
                Some(reply) => return Ok((i, reply?)),
                None if !child.stdout.open => return Err(child.exit_failure().into()),
                None => {}
            }
        }
        if let Some(signal) = interrupt.signal() {
            return Err(Halt::Interrupted(signal));
        }
        let left = deadline.left();
        if left.is_zero() {
            return Err(deadline.passed());
        }
        wait(children, left.min(LOOK_UP));
        for child in children.iter_mut() {
            child.stdout.read();
            child.stderr.read_last(LAST_WORDS);
        }
    }
}

/// Waits until there is something to read, at most this long. A signal ends the wait early.
fn wait(children: &[&mut Child], most: Duration) {
    let mut pipes: Vec<PollFd<'_>> = children
        .iter()
        .flat_map(|child| [child.stdout.to_poll(), child.stderr.to_poll()])
        .flatten()
        .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
        .collect();
    // Rounded up: a wait of zero would spin through the last millisecond.
    let most = PollTimeout::try_from(most.as_millis() + 1).unwrap_or(PollTimeout::MAX);
    // An error is either a signal, which the caller checks for, or a lack of memory, which the next call will hit too.
    let _ = poll(&mut pipes, most);
}

impl<R: Read + AsFd> Pipe<R> {
    fn new(end: R) -> Self {
        Self { end, bytes: Vec::new(), open: true }
    }

    fn unblock(&self) -> io::Result<()> {
        fcntl(&self.end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map(drop).map_err(io::Error::from)
    }

    fn to_poll(&self) -> Option<BorrowedFd<'_>> {
        self.open.then(|| self.end.as_fd())
    }

    /// Reads what is available, and keeps at most the last `most` bytes.
    fn read_last(&mut self, most: usize) {
        self.read();
        let surplus = self.bytes.len().saturating_sub(most);
        self.bytes.drain(..surplus);
    }

    /// Reads what is available.
    fn read(&mut self) {
        /// The most reads in one call, so that endless output cannot block it here.
        const PIECES: usize = 64;
        let mut buffer = [0; 8_192];
        for _ in 0..PIECES {
            if !self.open {
                break;
            }
            match self.end.read(&mut buffer) {
                Ok(0) => self.open = false,
                Ok(n) => self.bytes.extend_from_slice(&buffer[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.open = false,
            }
        }
    }
}

fn describe_exit(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code} and without a measurement"),
        (None, Some(signal)) => {
            let hint = if signal == 9 { ", probably out of memory" } else { "" };
            format!("was killed by signal {signal} ({}{hint})", interrupt::name(signal))
        }
        (None, None) => "ended for an unknown reason".into(),
    }
}

/// Returns the end of a process's output, on one line and without control characters.
fn last_words(bytes: &[u8]) -> String {
    let output = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(LAST_WORDS)..]);
    let mut joined = String::new();
    for line in output.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let separator = if joined.is_empty() { "" } else { " / " };
        let clean: String = line.chars().filter(|c| !c.is_control()).collect();
        let _ = write!(joined, "{separator}{clean}");
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_statuses_are_described_in_words() {
        assert_eq!(describe_exit(ExitStatus::from_raw(9)), "was killed by signal 9 (SIGKILL, probably out of memory)");
        assert_eq!(describe_exit(ExitStatus::from_raw(6)), "was killed by signal 6 (SIGABRT)");
        assert_eq!(describe_exit(ExitStatus::from_raw(101 << 8)), "ended with exit code 101 and without a measurement");
    }

    #[test]
    fn last_words_are_one_printable_line() {
        assert_eq!(last_words(b"one\n\n  \x1b[31mtwo\x07\n"), "one / [31mtwo");
        assert!(last_words(&[b'x'; 10_000]).len() <= LAST_WORDS);
    }
}
