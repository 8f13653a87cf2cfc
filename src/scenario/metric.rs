//! All figures in one table, each with its name, heading and unit, and the work it applies to.
//!
//! Claims, tables, charts, JSON and `scenarios/README.md` read this table; `analysis/metric.rs` computes a figure from
//! a record. A new figure is a variant and a row here, and an arm there.

mod table;

use super::Work;
use super::formula::Dimension;

use table::{MetricRow, TABLE};

/// A figure of a cell: what tables show, cells are compared by and claims are made about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Wall time.
    Wall,
    /// The longest gap between two beats of the heartbeat.
    Gap,
    /// Jobs or requests completed per second.
    Rate,
    /// The median response time.
    P50,
    /// The 95th percentile of the response time.
    P95,
    /// The 99th percentile of the response time.
    P99,
    /// CPU time per job or request.
    Cpu,
    /// The median service time.
    ServiceP50,
    /// The 99th percentile of the service time.
    ServiceP99,
    /// CPU time divided by wall time.
    CpusUsed,
    /// OS threads that ran any part of a job.
    Threads,
    /// The most jobs or requests begun and not done at one instant.
    InFlight,
    /// Context switches per job or request.
    ContextSwitchesPerJob,
    /// Connections without an answer in the whole window.
    Starved,
    /// Answers within the window, as a share of the requests due in it.
    AnsweredShare,
    /// The most jobs on a CPU at one instant, of the trial whose lanes are recorded.
    Executing,
    /// Memory per waiting job, of the trial whose lanes are recorded.
    Memory,
    /// The part of [`Memory`](Self::Memory) that is resident.
    ResidentMemory,
    /// The median of the times for which steps waited in the queue of the model's pool.
    QueueWaitP50,
    /// The 99th percentile of the same.
    QueueWaitP99,
    /// The median of the times for which jobs or requests waited for a permit.
    PermitWaitP50,
    /// The 99th percentile of the same.
    PermitWaitP99,
    /// The time for which the CPU limit stopped the model, summed over the CPUs that it was stopped on.
    Throttled,
    /// The 90th percentile of the response time.
    P90,
    /// The longest response time of all rounds.
    Max,
    /// CPU time of the process that ran the model.
    CpuTotal,
    /// The share of [`CpuTotal`](Self::CpuTotal) that the kernel used.
    KernelShare,
    /// Peak memory of the process that ran the model.
    PeakMemory,
    /// Context switches of the process that ran the model.
    ContextSwitches,
    /// Page faults of the process that ran the model.
    Faults,
    /// The share of time in which the tokio runtime's workers were busy.
    RuntimeBusy,
    /// Parks of the workers of the tokio runtime.
    RuntimeParks,
    /// Jobs or requests completed.
    Jobs,
    /// The time that threads were ready without a CPU, summed, of the trial whose lanes are recorded.
    RunQueue,
    /// The 99th percentile of the time requests waited for a free connection.
    WaitedP99,
    /// The 99th percentile of how late the load generator sent a request.
    LateP99,
    /// The share of time in which the generator's threads used a CPU.
    GeneratorShare,
    /// CPU time of the load generator.
    GeneratorCpu,
    /// The median response time of the warm-up.
    WarmupP50,
}

/// The unit of a figure, which also determines how it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Nanoseconds,
    /// Bytes.
    Bytes,
    /// Events per second.
    PerSecond,
    /// A whole number.
    Count,
    /// A number with a fraction.
    Number,
    /// A share of 1, shown in percent.
    Share,
}

impl Unit {
    /// Returns the name of the unit.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "nanoseconds",
            Self::Bytes => "bytes",
            Self::PerSecond => "per second",
            Self::Count => "a whole number",
            Self::Number => "a number",
            Self::Share => "a share, 1 = 100 %",
        }
    }
}

/// How the figures of several rounds are combined into the figure of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverRounds {
    /// The median of the rounds.
    Median,
    /// The largest figure of all rounds.
    Largest,
}

/// The trials that have a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Every measured trial as a whole.
    Trial,
    /// Every measured trial, for each series of times.
    Series,
    /// The one trial whose lanes are recorded.
    Lanes,
}

/// Figures renamed since earlier versions: the old word, for which a mistake suggests the new one.
const RENAMED: [(&str, Metric); 3] = [
    ("switches", Metric::ContextSwitchesPerJob),
    ("switches_total", Metric::ContextSwitches),
    ("memory", Metric::Memory),
];

impl Metric {
    /// All figures, in the order of the table.
    pub const ALL: [Self; TABLE.len()] = {
        let mut all = [Self::Wall; TABLE.len()];
        let mut i = 0;
        while i < TABLE.len() {
            all[i] = TABLE[i].metric;
            i += 1;
        }
        all
    };

    /// The names of the figures that a claim may be made about.
    pub(super) const CLAIMABLE: &[&str] = {
        const COUNT: usize = {
            let (mut i, mut count) = (0, 0);
            while i < TABLE.len() {
                count += TABLE[i].is_claimable as usize;
                i += 1;
            }
            count
        };
        const NAMES: [&str; COUNT] = {
            let mut names = [""; COUNT];
            let (mut i, mut count) = (0, 0);
            while i < TABLE.len() {
                if TABLE[i].is_claimable {
                    names[count] = TABLE[i].name;
                    count += 1;
                }
                i += 1;
            }
            names
        };
        &NAMES
    };

    const fn row(self) -> &'static MetricRow {
        &TABLE[self as usize]
    }

    /// Returns the figure of this name, if any.
    pub fn find(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.metric)
    }

    /// Returns the figure that had this name in an earlier version, if any.
    pub(super) fn renamed(name: &str) -> Option<Self> {
        RENAMED.iter().find(|(old, _)| *old == name).map(|(_, metric)| *metric)
    }

    /// Returns the word of claims and JSON.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns the JSON key, which includes the unit: `wall_ns`, `throughput_per_s`, `peak_memory_bytes`.
    pub fn json_key(self) -> String {
        let unit = match self.unit() {
            Unit::Nanoseconds => "_ns",
            Unit::Bytes => "_bytes",
            Unit::PerSecond => "_per_s",
            Unit::Count | Unit::Number | Unit::Share => "",
        };
        format!("{}{unit}", self.name())
    }

    /// Returns whether a claim may be made about the figure.
    pub fn is_claimable(self) -> bool {
        self.row().is_claimable
    }

    /// Returns the headings of the figure's column for jobs and for requests.
    pub(super) fn headings(self) -> [&'static str; 2] {
        self.row().heading
    }

    /// Returns the heading of the figure's column for this work.
    pub fn heading(self, work: &Work) -> &'static str {
        self.row().heading[usize::from(work.is_echo())]
    }

    /// Returns the unit that the figure is recorded in.
    pub fn unit(self) -> Unit {
        self.row().unit
    }

    /// Returns which trials have the figure.
    pub fn origin(self) -> Origin {
        self.row().origin
    }

    /// Returns how the figures of several rounds are combined.
    pub fn over_rounds(self) -> OverRounds {
        if self == Self::Max { OverRounds::Largest } else { OverRounds::Median }
    }

    /// Returns the dimension of formulas that the figure can be compared with.
    pub fn dimension(self) -> Dimension {
        match self.unit() {
            Unit::Nanoseconds => Dimension::TIME,
            Unit::Bytes => Dimension::BYTES,
            Unit::PerSecond => Dimension::RATE,
            Unit::Count | Unit::Number | Unit::Share => Dimension::COUNT,
        }
    }

    /// Returns the size of the figure's unit in the units of formulas: seconds, bytes and plain numbers.
    pub fn scale(self) -> f64 {
        if self.unit() == Unit::Nanoseconds { 1e-9 } else { 1.0 }
    }

    /// Returns whether a smaller value is better.
    pub fn less_is_better(self) -> bool {
        !matches!(self, Self::Rate | Self::AnsweredShare)
    }

    /// Returns whether only the trial whose lanes are recorded has the figure, so that no round repeats it.
    pub fn is_of_one_trial(self) -> bool {
        self.origin() == Origin::Lanes
    }

    /// Returns whether trials with this work have the figure.
    pub fn applies_to(self, work: &Work) -> bool {
        match self {
            Self::Gap => matches!(work, Work::Offload(offload) if offload.heartbeat.is_some()),
            Self::Starved | Self::AnsweredShare | Self::WaitedP99 | Self::LateP99 => work.is_echo(),
            Self::GeneratorShare | Self::GeneratorCpu | Self::WarmupP50 => work.is_echo(),
            Self::Memory | Self::ResidentMemory => matches!(work, Work::Sleep(_)),
            Self::PermitWaitP50 | Self::PermitWaitP99 => work.steps().permits.is_some(),
            Self::Throttled => work.cpu_limit().is_some(),
            _ => true,
        }
    }

    /// Returns the figures by which cells with this work are compared; the one that answers the question comes first.
    pub fn compared(work: &Work) -> &'static [Self] {
        match work {
            // Most of the CPU time is the heartbeat's and not the jobs'.
            Work::Offload(offload) if offload.heartbeat.is_some() => &[Self::Gap, Self::Wall],
            Work::Sleep(_) | Work::Offload(_) | Work::Own(_) => &[Self::Wall, Self::Cpu],
            // If the schedule is kept, all models have the same rate.
            Work::Echo(echo) if echo.load.arrival.offered().is_some() => &[Self::P50, Self::P99, Self::Cpu, Self::Rate],
            Work::Echo(_) => &[Self::Rate, Self::P50, Self::P99, Self::Cpu],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_follows_the_order_of_the_metrics_with_unique_names() {
        for (i, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric as usize, i);
            assert_eq!(Metric::find(metric.name()), Some(metric), "{}", metric.name());
        }
        assert_eq!(Metric::find("walls"), None);
    }

    #[test]
    fn an_old_name_is_found_only_as_renamed() {
        for (old, metric) in RENAMED {
            assert_eq!((Metric::find(old), Metric::renamed(old)), (None, Some(metric)), "{old}");
        }
        assert_eq!(Metric::renamed("wall"), None);
    }

    #[test]
    fn twenty_two_metrics_are_claimable() {
        assert_eq!((Metric::CLAIMABLE.len(), Metric::CLAIMABLE[0], Metric::CLAIMABLE[21]), (22, "wall", "throttled"));
    }
}
