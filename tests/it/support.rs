//! Shared helpers: the binary, a server that ends with its test, and waiting for a condition instead of a time.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use async_vs_threads::scenario::Model;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Returns one model of every kind that serves connections.
pub(crate) fn models() -> Vec<&'static str> {
    let serves = |name: &&str| name.parse::<Model>().is_ok_and(Model::serves);
    Model::EXAMPLES.into_iter().filter(serves).collect()
}

/// A scenario whose trials are long enough to interrupt one.
pub(crate) const LONG: &str = r#"
question = "what happens in the middle of a trial?"
analysis = "It is ended."
workload = "sleep"
models = ["async"]
jobs = 2
wait = "40s"
rounds = { quick = 3, full = 3 }
"#;

/// The time after which a test gives up waiting.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Returns a command for `avt` with a neutral environment.
pub(crate) fn avt<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avt"));
    command.args(args).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    command
}

/// The output and the exit code of a command.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A process that is killed when its test ends.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `avt serve`, on a port of its own.
#[derive(Debug)]
pub(crate) struct Server {
    process: Running,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(model: &str) -> Self {
        Self::start_with(model, &[])
    }

    pub(crate) fn start_with(model: &str, more: &[&str]) -> Self {
        let mut command = avt(["serve", "--model", model, "--addr", "127.0.0.1:0"]);
        command.args(more).stderr(Stdio::piped());
        Self::spawn(command)
    }

    /// Starts a command that runs such a server.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut process = Running(command.stdout(Stdio::piped()).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(process.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()?.parse().ok());
        Self { process, address: address.unwrap_or_else(|| panic!("no address in {line:?}")) }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.0.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid() as i32), signal).unwrap();
    }

    /// Waits for the end of the process. Returns its exit code and its standard error.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let mut stderr = String::new();
        self.process.0.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.process.0.wait().unwrap().code(), stderr)
    }

    /// Sends bytes over a new connection, closes its sending side, and reads until the server closes.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }
}

/// Polls until `look` returns a value. Fails the test after [`PATIENCE`].
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "timed out waiting for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the child processes of this one.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let parent_of = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name is in parentheses and may contain any bytes.
        stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let all = std::fs::read_dir("/proc").unwrap();
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

/// Returns whether a process still runs; a zombie does not.
pub(crate) fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z")
}

/// Returns the command started by a shell that ignores a signal, as `nohup` and scripts with background jobs do.
pub(crate) fn ignoring(signal: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("trap '' {signal}; exec \"$0\" \"$@\"")])
        .arg(command.get_program())
        .args(command.get_args());
    shell.stdin(Stdio::null());
    shell
}

/// Returns the command started with the default action for SIGHUP, which the tests themselves may ignore.
pub(crate) fn hanging_up(command: &Command) -> Command {
    let mut env = Command::new("env");
    env.arg("--default-signal=HUP").arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    env
}

/// Sends a signal to a process of this test.
pub(crate) fn send(process: &Child, signal: Signal) {
    kill(Pid::from_raw(process.id() as i32), signal).unwrap();
}

/// Waits until a process has a handler for a signal.
pub(crate) fn wait_for_handler(process: &Child, signal: Signal) {
    wait_for("a handler", || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).ok()?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        let caught = u64::from_str_radix(caught.trim(), 16).ok()?;
        (caught >> (signal as i32 - 1) & 1 == 1).then_some(())
    });
}

/// Returns the exit code of a process that ends by itself.
pub(crate) fn exit_code(process: &mut Running) -> Option<i32> {
    wait_for("the end", || process.0.try_wait().unwrap()).code()
}

/// Writes a scenario file and returns its path.
pub(crate) fn scenario(folder: &Path, name: &str, toml: &str) -> PathBuf {
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(&path, toml).unwrap();
    path
}
