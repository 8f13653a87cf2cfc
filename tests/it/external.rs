//! `avt run` of an external server: all of it, and nothing else, is measured and ended.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;

use async_vs_threads::record::{Failure, Folder, Measured, Outcome, Record};
use async_vs_threads::usage::process_cpu_ns;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Running, avt, children, run, runs, scenario, wait_for};

const AVT: &str = env!("CARGO_BIN_EXE_avt");

/// Returns a scenario with an external server and a window of this length.
fn external_for(duration: &str, server: &str) -> String {
    format!(
        "question = \"does it echo?\"\nanalysis = \"It should.\"\nworkload = \"echo\"\nmodels = [\"external\"]\n\
         rounds = {{ quick = 1, full = 1 }}\n\
         [load]\nloop = \"closed\"\nconnections = 2\nwarmup = \"0s\"\nduration = \"{duration}\"\ndrain = \"50ms\"\n\
         [server]\n{server}\n"
    )
}

fn external(server: &str) -> String {
    external_for("400ms", server)
}

/// Returns a `[server]` section that runs a shell script.
fn script(script: &str) -> String {
    format!("command = [\"sh\", \"-c\", {script:?}]")
}

/// Returns shell words that serve, and append their process id to a file.
fn serve(pids: &Path) -> String {
    let pids = pids.display();
    format!("sh -c 'echo $$ >> {pids}; exec {AVT} serve --model async --addr 127.0.0.1:'$PORT")
}

/// Returns the process ids in such a file.
fn read_pids(pids: &Path) -> Vec<u32> {
    fs::read_to_string(pids).unwrap_or_default().split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// Runs a scenario and returns its records.
fn records(home: &Path, name: &str, text: &str, code: i32) -> Vec<Record> {
    let out = home.join(format!("{name}-out"));
    let mut command = avt(["run", "--out"]);
    command.arg(&out).arg(scenario(home, name, text));
    let ended = run(command);
    assert_eq!(ended.code, Some(code), "{name}: {ended:?}");
    Folder::read(&out).unwrap().1
}

/// A run with a window of a minute, once both processes of its first trial have started.
struct Long {
    run: Running,
    out: PathBuf,
    pids: PathBuf,
    /// The trial's process that watches the server.
    watcher: u32,
}

impl Long {
    fn start(home: &Path, serve_with: impl Fn(&Path) -> String) -> Self {
        let (out, pids) = (home.join("out"), home.join("pids"));
        let text = external_for("60s", &script(&serve_with(&pids)));
        let mut command = avt(["run", "--rounds", "1", "--out"]);
        command.arg(&out).arg(scenario(home, "long", &text)).stdout(Stdio::null()).stderr(Stdio::null());
        let run = Running(command.spawn().unwrap());
        let pid = run.0.id();
        // The ceiling is measured first, by other pairs; the server starts after them.
        wait_for("the server", || (!read_pids(&pids).is_empty()).then_some(()));
        let pair = wait_for("the generator", || Some(children(pid)).filter(|pair| pair.len() == 2));
        let server = read_pids(&pids)[0];
        wait_for("the window", || (process_cpu_ns(server)? > 100_000_000).then_some(()));
        Self { run, out, pids, watcher: pair.into_iter().min().unwrap() }
    }

    fn wait_for_the_end(&self) {
        wait_for("the end of every process", || read_pids(&self.pids).iter().all(|pid| !runs(*pid)).then_some(()));
    }

    /// Ends the run, and returns the failure of its first trial.
    fn first_failure(mut self) -> Failure {
        let record = wait_for("the first record", || Folder::read(&self.out).ok()?.1.into_iter().next());
        kill(Pid::from_raw(self.run.0.id() as i32), Signal::SIGTERM).unwrap();
        self.run.0.wait().unwrap();
        self.wait_for_the_end();
        match record.outcome {
            Outcome::Failed(failure) => failure,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_external_server_is_measured_and_ends_with_its_trial() {
    let home = tempfile::tempdir().unwrap();
    let (out, pids) = (home.path().join("out"), home.path().join("pids"));
    // A shell with a child: a process tree to measure and to end.
    let serve = format!(
        "{} serve --model async --addr 127.0.0.1:$PORT & echo $$ $! >> {}; wait",
        env!("CARGO_BIN_EXE_avt"),
        pids.display()
    );
    let server = format!("command = [\"sh\", \"-c\", {serve:?}]");
    let mut command = avt(["run", "--out"]);
    command.arg(&out).arg(scenario(home.path(), "theirs", &external(&server)));
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (_, records) = Folder::read(&out).unwrap();
    assert_eq!(records.len(), 2, "a trial and its control, and no recorded trial");
    let Outcome::Measured(measured) = &records[0].outcome else { panic!("{:?}", records[0].outcome) };
    assert!(measured.jobs > 0 && measured.threads >= 2, "a shell and a server: {measured:?}");
    assert!(measured.usage.cpu_ns() > 0 && measured.usage.memory_peak_bytes.is_some(), "{measured:?}");
    let pids = fs::read_to_string(pids).unwrap();
    let pids: Vec<u32> = pids.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 4);
    wait_for("the end of the server", || pids.iter().all(|pid| !runs(*pid)).then_some(()));
}

#[test]
fn a_server_that_does_not_start_is_recorded_with_the_reason() {
    let home = tempfile::tempdir().unwrap();
    let refused = |name: &str, server: &str, why: &str| {
        let out = home.path().join(name);
        let mut command = avt(["run", "--out"]);
        command.arg(&out).arg(scenario(home.path(), name, &external(server)));
        let ended = run(command);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let (_, records) = Folder::read(&out).unwrap();
        let Outcome::Failed(failure) = &records[0].outcome else { panic!("{:?}", records[0].outcome) };
        assert!(failure.to_string().contains(why), "{failure}");
    };
    refused(
        "nowhere",
        "command = [\"no-such-program\"]",
        "the server's command \"no-such-program\" ended before it was ready",
    );
    refused(
        "quits",
        "command = [\"sh\", \"-c\", \"echo no wood >&2; exit 3\"]",
        "exit status: 3; its last output: no wood",
    );
}

#[test]
fn a_server_that_leaves_its_parent_and_its_session_is_measured_and_ends_with_its_trial() {
    let home = tempfile::tempdir().unwrap();
    for (name, command) in [
        ("session", "setsid SERVE & wait"),
        ("forks-twice", "(SERVE &)"),
        ("forks-twice-into-a-session", "(setsid SERVE &)"),
        ("parent-ends", "SERVE & sleep 0.05"),
    ] {
        let pids = home.path().join(format!("{name}-pids"));
        let text = external(&script(&command.replace("SERVE", &serve(&pids))));
        let records = records(home.path(), name, &text, 0);
        let pids = read_pids(&pids);
        assert_eq!(pids.len(), 2, "{name}: {pids:?}");
        assert!(pids.iter().all(|pid| !runs(*pid)), "{name}: still runs");
        for record in &records {
            let Outcome::Measured(measured) = &record.outcome else { panic!("{name}: {:?}", record.outcome) };
            let per_request = measured.usage.known_cpu_ns().map(|cpu_ns| cpu_ns / measured.jobs.max(1));
            assert!(per_request.is_some_and(|nanos| nanos > 500), "{name}: {per_request:?} {measured:?}");
        }
    }
}

#[test]
fn the_server_ends_whichever_process_of_its_trial_is_killed() {
    for (killed, signal) in [
        ("the watcher", Signal::SIGKILL),
        ("the watcher", Signal::SIGTERM),
        ("the runner", Signal::SIGKILL),
        ("both", Signal::SIGKILL),
    ] {
        let home = tempfile::tempdir().unwrap();
        // If both are killed at once, only the command's own process can be ended.
        let long = Long::start(home.path(), |pids| match killed {
            "both" => format!("exec {}", serve(pids)),
            _ => format!("{} & (setsid sleep 300 &) ; wait", serve(pids)),
        });
        let runner = long.run.0.id();
        let all: &[u32] = match killed {
            "the runner" => &[runner],
            "both" => &[runner, long.watcher],
            _ => &[long.watcher],
        };
        all.iter().for_each(|pid| kill(Pid::from_raw(*pid as i32), signal).unwrap());
        long.wait_for_the_end();
        if killed == "the watcher" {
            let failure = long.first_failure();
            assert!(matches!(failure, Failure::Died { .. }), "{killed}: {failure}");
        }
    }
}

#[test]
fn a_server_that_ends_in_the_window_is_a_failed_trial() {
    let home = tempfile::tempdir().unwrap();
    // The command itself keeps running.
    let long = Long::start(home.path(), |pids| format!("{} & sleep 300", serve(pids)));
    kill(Pid::from_raw(read_pids(&long.pids)[0] as i32), Signal::SIGKILL).unwrap();
    let failure = long.first_failure();
    let Failure::Died { process, how, .. } = &failure else { panic!("{failure:?}") };
    assert_eq!(process, "server");
    assert!(how.contains("none of its processes listens any longer"), "{how}");
}

#[test]
fn a_port_already_in_use_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let text = external(&format!("command = [\"sleep\", \"300\"]\nport = {port}"));
    for record in records(home.path(), "stale", &text, 1) {
        let Outcome::Failed(failure) = record.outcome else { panic!("{:?}", record.outcome) };
        let expected = format!("127.0.0.1:{port} is already in use by process {} (", std::process::id());
        assert!(failure.to_string().contains(&expected), "{failure}");
    }
}

#[test]
fn a_listener_that_the_command_did_not_start_is_not_measured() {
    let home = tempfile::tempdir().unwrap();
    let started = home.path().join("started");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = script(&format!("echo >> {}; sleep 300", started.display()));
    let text = external(&format!("{server}\nport = {port}"));
    // Listens from when the command starts until both trials have connected.
    let other = thread::spawn(move || {
        wait_for("the command", || started.exists().then_some(()));
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let _ = peer.read(&mut [0; 1_024]);
        peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        // Keeps listening until the trial has looked for the owner of the listener.
        let _ = listener.accept();
    });
    let records = records(home.path(), "foreign", &text, 1);
    let Outcome::Failed(failure) = &records[0].outcome else { panic!("{:?}", records[0].outcome) };
    let expected = format!("process {} (", std::process::id());
    assert!(failure.to_string().contains(&expected), "{failure}");
    assert!(failure.to_string().contains("which the server's command did not start"), "{failure}");
    // The second trial found the port served by connecting to it.
    other.join().unwrap();
}

#[test]
fn a_server_that_closes_its_listener_and_keeps_running_is_a_failed_trial() {
    // Answers fifty connections, one request each, and then closes its listener.
    const SERVER: &str = r#"
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
answered = 0
while answered < 50:
    peer = listener.accept()[0]
    peer.recv(9999)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    peer.close()
    answered += 1
listener.close()
time.sleep(300)
"#;
    let home = tempfile::tempdir().unwrap();
    let program = home.path().join("server.py");
    fs::write(&program, SERVER).unwrap();
    let server = format!("command = [\"python3\", {program:?}, \"{{port}}\"]");
    for record in records(home.path(), "closes", &external_for("60s", &server), 1) {
        let Outcome::Failed(Failure::Died { how, .. }) = &record.outcome else { panic!("{:?}", record.outcome) };
        assert!(how.contains("none of its processes listens any longer"), "{how}");
    }
}

/// Returns a scenario with these servers, and this request.
fn with_request(models: &str, request: &str, servers: &str) -> String {
    external(servers).replace("[\"external\"]", models).replace("[server]\n", &format!("[request]\n{request}\n"))
}

/// Returns a table of a server that serves under this model.
fn named_server(name: &str, model: &str) -> String {
    format!(
        "[[server]]\nname = \"{name}\"\ncommand = [{AVT:?}, \"serve\", \"--model\", {model:?}, \"--addr\", \
         \"127.0.0.1:{{port}}\"]\n"
    )
}

/// Returns the measurements of these records by model.
fn by_model(records: &[Record]) -> Vec<(String, &Measured)> {
    let measured = |record: &'_ Record| matches!(record.outcome, Outcome::Measured(_));
    assert!(records.iter().all(measured), "{records:?}");
    let each = records.iter().filter_map(|record| match &record.outcome {
        Outcome::Measured(measured) => Some((record.cell.model.to_string(), measured.as_ref())),
        _ => None,
    });
    each.collect()
}

#[test]
fn each_of_two_servers_is_started_for_its_own_trials() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("log");
    let server = |name: &str| {
        // Records the name, the environment and the working folder.
        let serve = format!(
            "echo {name} $AT $(basename $(pwd)) >> {}; exec {AVT} serve --model async --addr $AT",
            log.display()
        );
        let folder = home.path().join(name);
        fs::create_dir(&folder).unwrap();
        format!(
            "[[server]]\nname = \"{name}\"\n{}\nenv = {{ AT = \"127.0.0.1:{{port}}\" }}\ncwd = {folder:?}\n",
            script(&serve)
        )
    };
    let servers = server("base") + &server("head");
    let text = with_request("[\"external/base\", \"external/head\"]", "path = \"/echo/hi\"", &servers);
    let records = records(home.path(), "two", &text, 0);
    let mut models: Vec<String> = by_model(&records).into_iter().map(|(model, _)| model).collect();
    models.sort();
    assert_eq!(models, ["external/base", "external/base", "external/head"], "base runs a second time as the control");
    let log = fs::read_to_string(log).unwrap();
    let started: Vec<Vec<&str>> = log.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(started.len(), 3, "{log}");
    assert!(started.iter().all(|line| line[0] == line[2] && line[1].starts_with("127.0.0.1:")), "{log}");
    assert_eq!(started.iter().filter(|line| line[0] == "base").count(), 2, "{log}");
}

#[test]
fn a_response_other_than_the_expected_one_is_a_failed_request() {
    let home = tempfile::tempdir().unwrap();
    let post = "method = \"POST\"\npath = \"/echo\"\nbody = \"three little words\"";
    let cases = [
        ("as-expected", "path = \"/echo/hi\"\nexpect_contains = \"hi\"".to_owned(), None),
        ("body", format!("{post}\nexpect_contains = \"little w\""), None),
        ("headers", "path = \"/echo/hi\"\nheaders = { Host = \"example.org\", Accept = \"*/*\" }".into(), None),
        ("missing", "path = \"/nowhere\"".into(), Some("unexpected_status_4xx")),
        ("other-status", "path = \"/echo/hi\"\nexpect_status = 201".into(), Some("unexpected_status_2xx")),
        ("not-found", "path = \"/nowhere\"\nexpect_status = 404".into(), None),
        ("other-body", format!("{post}\nexpect_contains = \"big\""), Some("unexpected_body")),
    ];
    // One run, which measures the limits of each client once.
    let out = home.path().join("out");
    let mut command = avt(["run", "--out"]);
    command.arg(&out);
    for (name, request, _) in &cases {
        for client in ["raw", "reqwest"] {
            let server = named_server("own", "async") + "ready = \"/echo/ready\"\n";
            let text = with_request("[\"external/own\"]", request, &server);
            let text = text.replace("[load]\n", &format!("[load]\nclient = \"{client}\"\n")).replace("400ms", "100ms");
            command.arg(scenario(home.path(), &format!("{name}.{client}"), &text));
        }
    }
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (_, records) = Folder::read(&out).unwrap();
    for (name, _, error) in &cases {
        for client in ["raw", "reqwest"] {
            let of_case = records.iter().filter(|record| record.cell.scenario == format!("{name}.{client}"));
            let of_case: Vec<Record> = of_case.cloned().collect();
            assert_eq!(of_case.len(), 2, "a trial and its control: {name}, {client}");
            for (_, measured) in by_model(&of_case) {
                let load = measured.load.as_ref().unwrap();
                assert!(load.requests.planned > 0 && load.requests.add_up(), "{name}, {client}: {:?}", load.requests);
                let errors: Vec<(&str, bool)> = load.errors.iter().map(|(class, n)| (class.as_str(), *n > 0)).collect();
                match error {
                    None => assert!(errors.is_empty() && measured.jobs > 0, "{name}, {client}: {errors:?}"),
                    Some(class) => {
                        assert_eq!(errors, [(*class, true)], "{name}, {client}");
                        assert_eq!((measured.jobs, load.requests.completed), (0, 0), "{name}, {client}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_working_folder_that_does_not_exist_is_recorded() {
    let home = tempfile::tempdir().unwrap();
    let text = external("command = [\"true\"]\ncwd = \"/nowhere/at/all\"");
    let records = records(home.path(), "folder", &text, 1);
    let Outcome::Failed(failure) = &records[0].outcome else { panic!("{:?}", records[0].outcome) };
    let expected = "the working folder \"/nowhere/at/all\" of the server does not exist; correct cwd";
    assert!(failure.to_string().contains(expected), "{failure}");
}
