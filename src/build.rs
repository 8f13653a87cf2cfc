//! Tells the crate which compiler and which tokio it is built with.

use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=Cargo.lock");
    println!("cargo:rerun-if-changed=src/build.rs");
    println!("cargo:rustc-env=AVT_RUSTC_VERSION={}", rustc_version().unwrap_or_else(|| "unknown".into()));
    let lock = fs::read_to_string("Cargo.lock").unwrap_or_default();
    for name in ["tokio", "rayon"] {
        let version = locked_version(&lock, name).unwrap_or("unknown");
        println!("cargo:rustc-env=AVT_{}_VERSION={version}", name.to_uppercase());
    }
}

fn rustc_version() -> Option<String> {
    let output = Command::new(env::var_os("RUSTC")?).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().trim_start_matches("rustc ").to_owned())
}

/// The version that stands under `name = "…"` in a lock file.
fn locked_version<'lock>(lock: &'lock str, name: &str) -> Option<&'lock str> {
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{name}\""));
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}
