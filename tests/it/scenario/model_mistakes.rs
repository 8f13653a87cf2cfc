//! Mistakes in models, and in keys that only some models have.

use super::mistakes::check;
use super::{ECHO, OFFLOAD, SLEEP};

#[test]
fn mistakes_in_models_locks_and_baselines_are_reported() {
    check(&[
        (ECHO, "\"async\"]", "\"rayon/2\"]", "4:22: models: rayon/2 runs jobs, and serves no connections; write"),
        (
            SLEEP,
            "jobs = 10",
            "baseline = \"pool/2\"\njobs = 10",
            "5:12: baseline: pool/2 is not listed in models; add it",
        ),
        (
            SLEEP,
            "wait = \"10ms\"",
            "baseline = \"async\"\nwait = \"10ms\"\n[max_jobs]\nasync = 5",
            "6:12: baseline: async gets fewer jobs than the others, so nothing can be compared with it; remove its line",
        ),
        (OFFLOAD, "jobs = 2", "jobs = 2\nlock_kind = \"tokio\"", "6:1: lock_kind: there is no lock; write lock = "),
        (OFFLOAD, "jobs = 2", "jobs = 2\nlock_scope = \"wait\"", "6:1: lock_scope: there is no lock; write lock = "),
        (
            OFFLOAD,
            "jobs = 2",
            "jobs = 2\nlock = \"1ms\"\nlock_scope = \"wait\"",
            "7:1: lock_scope: there is no wait during which to hold it; write wait = ",
        ),
        (
            OFFLOAD,
            "jobs = 2",
            "jobs = 2\nwait = \"1ms\"\nlock = \"1ms\"\nlock_scope = \"wait\"",
            "8:14: lock_scope: async cannot hold std's lock during the wait: its guard is not Send",
        ),
        (OFFLOAD, "jobs = 2", "jobs = 2\npermits = 0", "6:11: permits: must be"),
        (
            ECHO,
            "loop = \"closed\"",
            "loop = \"closed\"\nslo = \"p99\"",
            "12:7: load.slo: `p99`: expected <, <=, > or >=",
        ),
    ]);
}
