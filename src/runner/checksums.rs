//! Checks that a user's own jobs do the same work under every model.

use crate::record::Failure;
use crate::scenario::{Cell, CellId, Model, Point};

/// The checksums of the first trial at each point, which those of every other trial must equal.
#[derive(Debug, Default)]
pub(super) struct Checksums {
    first: Vec<Reference>,
}

#[derive(Debug)]
struct Reference {
    scenario: String,
    point: Point,
    model: Model,
    checksums: Vec<u64>,
}

impl Checksums {
    /// Compares the checksums of a trial with those of the first trial at its point, job by job. A model that runs fewer
    /// jobs is compared as far as it goes.
    pub(super) fn check(&mut self, cell: &Cell, found: Vec<u64>) -> Result<(), Failure> {
        let CellId { scenario, model, point, .. } = &cell.id;
        let first = self.first.iter_mut().find(|first| first.scenario == *scenario && first.point == *point);
        let Some(first) = first else {
            let (scenario, point) = (scenario.clone(), point.clone());
            self.first.push(Reference { scenario, point, model: *model, checksums: found });
            return Ok(());
        };
        let differs = first.checksums.iter().zip(&found).position(|(first, found)| first != found);
        let Some(job) = differs else {
            if found.len() > first.checksums.len() {
                first.checksums = found;
            }
            return Ok(());
        };
        let (expected, found, of) = (first.checksums[job], found[job], first.model);
        let what = format!("job {job} has checksum {found:x} under {model}, and had {expected:x} under {of}");
        Err(Failure::WrongWork { what })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::{Composition, SleepSpec, Work};

    fn cell(scenario: &str, model: &str) -> Cell {
        let (wait, compose) = (Duration::ZERO, Composition::Spawn);
        Cell {
            id: CellId {
                scenario: scenario.into(),
                model: model.parse().unwrap(),
                point: Point::default(),
                control: false,
            },
            work: Work::Sleep(SleepSpec { jobs: 3, wait, cpus: None, cpu_limit: None, compose }),
            jobs_wanted: None,
        }
    }

    #[test]
    fn unequal_checksums_name_the_job_and_both_models() {
        let mut checksums = Checksums::default();
        let mut check = |scenario, model, found: &[u64]| checksums.check(&cell(scenario, model), found.to_vec());
        assert_eq!(check("a", "threads", &[1, 2, 3]), Ok(()));
        assert_eq!(check("a", "async", &[1, 2, 3]), Ok(()));
        assert_eq!(check("b", "async", &[7, 8]), Ok(()), "each scenario has a reference of its own");
        assert_eq!(check("b", "threads", &[7, 8, 9]), Ok(()), "fewer jobs are compared as far as they go");
        let what = "job 2 has checksum a under pool/2, and had 9 under async".to_owned();
        assert_eq!(check("b", "pool/2", &[7, 8, 10]), Err(Failure::WrongWork { what }));
    }
}
