//! Files that a load writes: an earlier file keeps its contents until the new one is complete.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::mpsc;

use super::*;
use crate::support::{PATIENCE, exit_code, send};

const EARLIER: &str = "earlier\n";
const OPTIONS: [&str; 3] = ["--html", "--hgrm", "--hlog"];

/// Creates a folder with three files. Returns it with the options that would replace them.
fn create_earlier_files() -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let option = |option: &&str| {
        let path = folder.path().join(&option[2..]);
        fs::write(&path, EARLIER).unwrap();
        [(*option).to_owned(), path.display().to_string()]
    };
    let options = OPTIONS.iter().flat_map(option).collect();
    (folder, options)
}

fn list_files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn is_untouched(folder: &Path) -> bool {
    OPTIONS.iter().all(|option| fs::read_to_string(folder.join(&option[2..])).unwrap() == EARLIER)
}

/// Starts a server that reports when it has answered ten requests on a connection.
fn reporting() -> (SocketAddr, mpsc::Receiver<()>) {
    let (sender, receiver) = mpsc::channel();
    let address = server(move |mut stream| {
        let mut answered = 0;
        while read_head(&mut stream) && stream.write_all(OK).is_ok() {
            answered += 1;
            if answered == 10 {
                let _ = sender.send(());
            }
        }
    });
    (address, receiver)
}

fn start(address: SocketAddr, args: &[String]) -> Running {
    let mut command = avt(["load", &format!("http://{address}/"), "-c", "1", "-d", "1h"]);
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    Running(command.spawn().unwrap())
}

#[test]
fn a_refused_load_does_not_touch_earlier_files() {
    let server = Server::start("async");
    let (folder, options) = create_earlier_files();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let (ended, _) = load(server.address, "/echo/hello", &[&options[..], &["-c", "1000000"]].concat());
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(is_untouched(folder.path()));
    assert_eq!(list_files(folder.path()), ["hgrm", "hlog", "html"]);
}

#[test]
fn a_killed_load_keeps_earlier_files_and_an_interrupted_one_replaces_them() {
    let (address, receiver) = reporting();
    let (folder, options) = create_earlier_files();
    let mut load = start(address, &options);
    receiver.recv_timeout(PATIENCE).unwrap();
    load.0.kill().unwrap();
    load.0.wait().unwrap();
    assert!(is_untouched(folder.path()));

    let (folder, options) = create_earlier_files();
    let mut load = start(address, &options);
    receiver.recv_timeout(PATIENCE).unwrap();
    send(&load.0, Signal::SIGINT);
    assert_eq!(exit_code(&mut load), Some(130));
    assert_eq!(list_files(folder.path()), ["hgrm", "hlog", "html"]);
    for (name, mark) in [("html", "<html"), ("hgrm", "#[partial: "), ("hlog", "partial: ended early")] {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(text.contains(mark), "{name}: {text}");
    }
}

#[test]
fn a_second_signal_leaves_no_temporary_file() {
    let silent = server(|mut stream| while read_head(&mut stream) {});
    let (folder, options) = create_earlier_files();
    let mut load = start(silent, &options);
    wait_for("temporary files", || (list_files(folder.path()).len() == 6).then_some(()));
    send(&load.0, Signal::SIGINT);
    send(&load.0, Signal::SIGTERM);
    assert!(exit_code(&mut load).is_some_and(|code| [130, 143].contains(&code)));
    assert_eq!(list_files(folder.path()), ["hgrm", "hlog", "html"]);
}

#[test]
fn a_vanished_folder_is_reported_and_the_figures_are_printed() {
    for option in OPTIONS {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let path = folder.path().to_owned();
        let address = server(move |mut stream| {
            // The first connection only probes for a listener.
            while read_head(&mut stream) {
                let vanished = || fs::remove_dir_all(&path).is_ok() || !path.exists();
                wait_for("the folder to vanish", || vanished().then_some(()));
                let _ = stream.write_all(OK);
            }
        });
        let (ended, json) = load(address, "/", &["-c", "1", "-n", "20", option, file.to_str().unwrap()]);
        assert_eq!(ended.code, Some(3), "{option}: {ended:?}");
        assert!(ended.stderr.contains(option) && ended.stderr.contains(file.to_str().unwrap()), "{ended:?}");
        assert_eq!(json["requests"]["completed"], 20, "{json}");
    }
}

#[test]
fn a_link_is_followed_and_permissions_are_kept() {
    let server = Server::start("async");
    let folder = tempfile::tempdir().unwrap();
    let [file, link, dangling, new] = ["file", "link", "dangling", "new"].map(|name| folder.path().join(name));
    fs::write(&file, EARLIER).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("file", &link).unwrap();
    symlink(&new, &dangling).unwrap();
    let paths = ["--hgrm", link.to_str().unwrap(), "--html", dangling.to_str().unwrap()];
    let (ended, _) = load(server.address, "/echo/hello", &[&["-n", "5"][..], &paths].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(link.is_symlink() && dangling.is_symlink());
    assert!(fs::read_to_string(&file).unwrap().contains("TotalCount"));
    assert!(fs::read_to_string(&new).unwrap().contains("<html"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o640);

    // A file with two names keeps both.
    let second = folder.path().join("second");
    fs::hard_link(&file, &second).unwrap();
    let (ended, _) = load(server.address, "/echo/hello", &["-n", "7", "--hgrm", file.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(fs::metadata(&file).unwrap().ino(), fs::metadata(&second).unwrap().ino());
    assert!(fs::read_to_string(&second).unwrap().contains("Total count    =            7]"));
    assert_eq!(list_files(folder.path()).len(), 5, "{:?}", list_files(folder.path()));
}

#[test]
fn devices_are_written_directly() {
    let server = Server::start("async");
    let with = |args: &[&str]| load(server.address, "/echo/hello", &[&["-n", "5"][..], args].concat()).0;
    let ended = with(&["--html", "/dev/stdout"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("</html>") && ended.stdout.contains("\"schema\": 1"), "{}", ended.stdout);
    let ended = with(&["--html", "/dev/null", "--hlog", "/dev/null"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = with(&["--html", "/dev/full"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("--html: /dev/full"), "{ended:?}");
}

#[test]
fn unwritable_or_repeated_paths_are_refused_before_any_load() {
    let server = Server::start("async");
    let (folder, _) = create_earlier_files();
    let html = folder.path().join("html").display().to_string();
    let (again, link) = (format!("{}/./html", folder.path().display()), folder.path().join("link"));
    symlink(&html, &link).unwrap();
    let (inside, below_a_file) = (format!("{}/", folder.path().display()), format!("{html}/x"));
    // Two outputs for one file are an invalid argument; the other paths are refused by the system.
    for (code, args) in [
        (2, &["--html", &html, "--hlog", &html][..]),
        (2, &["--html", &html, "--hgrm", &again]),
        (2, &["--hlog", &html, "--hgrm", link.to_str().unwrap()]),
        (2, &["--html", &html, "--markdown", &html]),
        (2, &["--html", &html, "--junit", "/dev/null", "--bmf", &again]),
        (3, &["--html", folder.path().to_str().unwrap()]),
        (3, &["--html", &inside]),
        (3, &["--html", &below_a_file]),
        (2, &["--html", ""]),
        (3, &["--html", "/nowhere/at/all"]),
        (3, &["--html", &html, "--markdown", "/nowhere/at/all"]),
        (3, &["--html", &html, "--junit", &inside]),
        (3, &["--html", &html, "--bmf", &below_a_file]),
    ] {
        let (ended, _) = load(server.address, "/echo/hello", &[&["-n", "1"][..], args].concat());
        assert_eq!(ended.code, Some(code), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains("--") && ended.stdout.is_empty(), "{args:?}: {ended:?}");
    }
    assert!(is_untouched(folder.path()));
    // The file that standard output goes to.
    let mut command = avt(["load", &format!("http://{}/echo/hello", server.address), "-n", "1", "--html", &html]);
    let figures = fs::OpenOptions::new().append(true).open(&html).unwrap();
    let output = command.stdout(figures).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(is_untouched(folder.path()));
}

#[test]
fn an_output_does_not_overwrite_the_body() {
    let server = Server::start("async");
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("body");
    fs::write(&body, EARLIER).unwrap();
    for option in OPTIONS {
        let mut command = avt(["load", &format!("http://{}/echo", server.address), "-n", "1", "--body"]);
        command.arg(format!("@{}", body.display())).arg(option).arg(&body);
        let ended = run(command);
        assert_eq!(ended.code, Some(2), "{option}: {ended:?}");
        assert!(ended.stderr.contains("same file as --body"), "{ended:?}");
        assert_eq!(fs::read_to_string(&body).unwrap(), EARLIER);
    }
}

#[test]
fn a_hard_linked_file_keeps_its_contents_if_the_new_ones_do_not_fit() {
    use std::os::unix::process::CommandExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, EARLIER).unwrap();
    fs::hard_link(&file, &link).unwrap();
    let server = Server::start("async");
    // Writes beyond this limit fail, as on a full disk. The page is larger, the earlier file smaller.
    let mut command = std::process::Command::new("prlimit");
    command.args(["--fsize=4096", env!("CARGO_BIN_EXE_avt"), "load"]);
    command.arg(format!("http://{}/echo/a", server.address)).args(["-n", "5", "--html"]).arg(&file);
    command.stdin(Stdio::null()).process_group(0);
    let ended = run(command);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(fs::read_to_string(&link).unwrap(), EARLIER);
}
