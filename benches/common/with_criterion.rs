//! The main function of the benches that criterion measures.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{Criterion, PlottingBackend};

/// Measures these functions, each for this long, which is short, since all benches together take ten minutes. Charts take
/// seconds for each function. Ends by naming the charts of criterion and the newest report of each bench that avt
/// measures.
pub(crate) fn run(charts: Option<PlottingBackend>, measurement: Duration, targets: &[fn(&mut Criterion)]) {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(measurement)
        // A tenth of the usual number, which takes as long as the measurement.
        .nresamples(10_000)
        .configure_from_args();
    criterion = match charts {
        Some(backend) => criterion.plotting_backend(backend),
        None => criterion.without_plots(),
    };
    targets.iter().for_each(|target| target(&mut criterion));
    criterion.final_summary();
    // Cargo passes --bench; with --test nothing is measured.
    if env::args().any(|arg| arg == "--bench") && !env::args().any(|arg| arg == "--test" || arg == "--list") {
        let pages = pages();
        if !pages.is_empty() {
            println!("Charts and reports:");
            pages.iter().for_each(|page| println!("  {}", page.display()));
        }
    }
}

/// Returns the pages that exist: the index of criterion, and the newest report of each bench under `avt`.
fn pages() -> Vec<PathBuf> {
    // target/release/deps/sleep-0f3a5c7e9b1d2c4a
    let program = env::current_exe().unwrap_or_default();
    let Some(target) = program.ancestors().nth(3) else { return Vec::new() };
    let criterion = env::var_os("CRITERION_HOME").map_or_else(|| target.join("criterion"), PathBuf::from);
    let mut pages = vec![criterion.join("report/index.html")];
    pages.extend(
        folders(&target.join("avt")).iter().filter_map(|bench| folders(bench).pop()?.join("index.html").into()),
    );
    pages.retain(|page| page.is_file());
    pages
}

/// Returns the folders in a folder in the order of their names, which for runs is the order of their times.
fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}
