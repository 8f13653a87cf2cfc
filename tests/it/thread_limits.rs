//! Threads that the kernel refuses, by a limit of the user and by one of the control group: a failed record under every
//! model, never a hang.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_vs_threads::record::{Failure, Folder, Outcome, Record};
use async_vs_threads::scenario::Model;

use crate::support::{Ended, models, run, scenario};

/// A limit on the number of processes and threads.
#[derive(Debug)]
enum Limit {
    /// `RLIMIT_NPROC`.
    User,
    /// `pids.max` of this control group, which is removed on drop.
    Group(PathBuf),
}

/// A number for each user and group, so that concurrent tests share none.
static NEXT: AtomicU32 = AtomicU32::new(0);

impl Limit {
    /// Returns the limits that this test may set: always the user's, and that of a control group if one can be made.
    fn all() -> Vec<Self> {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap();
        // Version 1 has a hierarchy for the controller, version 2 one for all.
        let own = |line: &str| match line.split(':').collect::<Vec<_>>()[..] {
            [_, "pids", path] => Some(format!("/sys/fs/cgroup/pids{path}")),
            ["0", "", path] => Some(format!("/sys/fs/cgroup{path}")),
            _ => None,
        };
        let group = groups.lines().filter_map(own).find_map(|parent| {
            let name = format!("avt-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let folder = Path::new(&parent).join(name);
            fs::create_dir(&folder).ok()?;
            let group = Self::Group(folder.clone());
            folder.join("pids.max").exists().then_some(group)
        });
        [Self::User].into_iter().chain(group).collect()
    }

    /// Returns the name of the limit in a record.
    fn name(&self) -> &'static str {
        match self {
            Self::User => "RLIMIT_NPROC",
            Self::Group(_) => "pids.max",
        }
    }

    /// Runs `avt` with at most this many processes and threads, itself included.
    fn run(&self, tasks: u32, args: &[&str]) -> Ended {
        let mut command = match self {
            // The limit does not bind the superuser, so root becomes an unused user first. Any other user already has
            // processes, so no further one may start.
            Self::User if nix::unistd::geteuid().is_root() => {
                let user = 700_000 + std::process::id() % 100_000 * 20 + NEXT.fetch_add(1, Ordering::Relaxed);
                let mut command = Command::new("setpriv");
                let nproc = format!("--nproc={tasks}");
                command.args([&format!("--reuid={user}"), "--clear-groups", "prlimit", &nproc]);
                command
            }
            Self::User => {
                let mut command = Command::new("prlimit");
                command.arg("--nproc=1");
                command
            }
            Self::Group(folder) => {
                fs::write(folder.join("pids.max"), tasks.to_string()).unwrap();
                let mut command = Command::new("sh");
                command.args(["-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$@\""]).arg(folder);
                command
            }
        };
        command.arg(env!("CARGO_BIN_EXE_avt")).args(args).stdin(Stdio::null());
        run(command)
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        if let Self::Group(folder) = self {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Returns each of these numbers under each limit.
fn each(tasks: impl IntoIterator<Item = u32> + Clone) -> impl Iterator<Item = (Rc<Limit>, u32)> {
    Limit::all()
        .into_iter()
        .map(Rc::new)
        .flat_map(move |limit| tasks.clone().into_iter().map(move |tasks| (Rc::clone(&limit), tasks)))
}

#[test]
fn a_run_with_too_few_threads_ends_with_failed_trials() {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let text = "question = \"Q?\"\nanalysis = \"A.\"\nworkload = \"offload\"\nmodels = [\"async+blocking\", \
                \"async\"]\njobs = 8\nblock = \"20ms\"\nrounds = { quick = 1, full = 1 }\n";
    let file = scenario(home.path(), "few", text);
    // The runner and its trial are two of the processes.
    for (limit, tasks) in each(1..=5) {
        let out = home.path().join(format!("out-{}-{tasks}", limit.name()));
        let ended = limit.run(tasks, &["run", "--json", "--out", out.to_str().unwrap(), file.to_str().unwrap()]);
        assert!(!ended.stderr.contains("panicked"), "{limit:?} {tasks}: {ended:?}");
        assert_eq!(ended.code, Some(1), "{limit:?} {tasks}: {ended:?}");
        let (_, records) = Folder::read(&out).unwrap();
        let blocking = records.iter().filter(|record| record.cell.model.to_string() == "async+blocking");
        for Record { outcome, .. } in blocking {
            assert!(matches!(outcome, Outcome::Failed(_)), "{limit:?} {tasks}: {outcome:?}");
        }
    }
}

#[test]
fn a_thread_that_the_kernel_refuses_leaves_a_record_under_every_model() {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let names = Model::EXAMPLES;
    let text = format!(
        "question = \"Q?\"\nanalysis = \"A.\"\nworkload = \"offload\"\nmodels = {names:?}\njobs = 6\nblock = \"20ms\"\n\
         rounds = {{ quick = 1, full = 1 }}\n"
    );
    let file = scenario(home.path(), "few", &text);
    // The runner and its trial are two of the threads.
    for (limit, tasks) in each([3, 5, 7]) {
        let out = home.path().join(format!("out-{}-{tasks}", limit.name()));
        let ended = limit.run(tasks, &["run", "--json", "--out", out.to_str().unwrap(), file.to_str().unwrap()]);
        assert!(!ended.stderr.contains("panicked"), "{limit:?} {tasks}: {ended:?}");
        assert_eq!(ended.code, Some(1), "{limit:?} {tasks}: {ended:?}");
        let (_, records) = Folder::read(&out).unwrap();
        let measured = records.iter().filter(|record| record.round().is_some());
        for Record { cell, outcome, .. } in measured {
            let needs_none = matches!(cell.model, Model::Sequential | Model::ASYNC);
            match outcome {
                Outcome::Failed(
                    Failure::ThreadLimit { limit: named, .. } | Failure::ThreadRefused { limit: named, .. },
                ) => {
                    assert!(
                        !needs_none && named.contains(limit.name()),
                        "{limit:?} {tasks}, {}: {outcome:?}",
                        cell.model
                    );
                }
                Outcome::Measured(measured) => {
                    let most = u64::from(tasks) + u64::from(needs_none);
                    assert!(
                        measured.threads <= most,
                        "{limit:?} {tasks}, {}: {} threads",
                        cell.model,
                        measured.threads
                    );
                }
                other => panic!("{limit:?} {tasks}, {}: {other:?}", cell.model),
            }
        }
    }
}

#[test]
fn a_server_whose_threads_are_refused_leaves_a_record_under_every_model() {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let text = format!(
        "question = \"Q?\"\nanalysis = \"A.\"\nworkload = \"echo\"\nmodels = {:?}\nblock = \"1ms\"\n\
         rounds = {{ quick = 1, full = 1 }}\n[load]\nloop = \"closed\"\nconnections = 3\nwarmup = \"0s\"\n\
         duration = \"50ms\"\n",
        models()
    );
    let file = scenario(home.path(), "few", &text);
    // The runner, the server's main thread and that of its listener, and the generator are four.
    for (limit, tasks) in each([3, 5]) {
        let out = home.path().join(format!("out-{}-{tasks}", limit.name()));
        let ended = limit.run(tasks, &["run", "--json", "--out", out.to_str().unwrap(), file.to_str().unwrap()]);
        assert!(!ended.stderr.contains("panicked"), "{limit:?} {tasks}: {ended:?}");
        let (_, records) = Folder::read(&out).unwrap();
        for Record { cell, outcome, .. } in records.iter().filter(|record| record.round().is_some()) {
            match outcome {
                Outcome::Measured(_) => assert_ne!(tasks, 3, "{}: the generator had no thread", cell.model),
                Outcome::Failed(failure) => {
                    assert!(
                        !matches!(failure, Failure::TimedOut { .. }),
                        "{limit:?} {tasks}, {}: {failure:?}",
                        cell.model
                    );
                }
                other => panic!("{limit:?} {tasks}, {}: {other:?}", cell.model),
            }
        }
    }
}
