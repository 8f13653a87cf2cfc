//! A trial of `sleep` or `offload`: one process.

use crate::message::{Reply, Role, TrialSpec};
use crate::record::{Failure, Outcome};

use super::child::{Child, Halt, next_reply};
use super::{Deadline, Interrupt, Program};

pub(super) fn run(
    program: &Program,
    traced: bool,
    spec: &dyn Fn(Role, Vec<usize>) -> TrialSpec,
    deadline: Deadline,
    interrupt: &Interrupt,
) -> Result<Outcome, Halt> {
    let mut trial = Child::start(program, "trial", &spec(Role::Jobs { traced }, Vec::new()))?;
    match next_reply(&mut [&mut trial], deadline, interrupt)? {
        (_, Reply::Done(measured)) => Ok(Outcome::Measured(measured)),
        (_, Reply::Traced(traced)) => Ok(Outcome::Traced(traced)),
        (_, other) => {
            Err(Failure::WrongWork { what: format!("the trial said {other:?} instead of being done") }.into())
        }
    }
}
