//! A trial of `sleep` or `offload`: one process.

use crate::message::{Reply, Role, TrialSpec};
use crate::record::{Failure, Measured};

use super::child::{Child, Halt, next_reply};
use super::{Deadline, Interrupt, Program};

pub(super) fn run(
    program: &Program,
    spec: &dyn Fn(Role, Vec<usize>) -> TrialSpec,
    deadline: Deadline,
    interrupt: &Interrupt,
) -> Result<Measured, Halt> {
    let mut trial = Child::start(program, "trial", &spec(Role::Jobs, Vec::new()))?;
    match next_reply(&mut [&mut trial], deadline, interrupt)? {
        (_, Reply::Done(measured)) => Ok(*measured),
        (_, other) => {
            Err(Failure::WrongWork { what: format!("the trial said {other:?} instead of being done") }.into())
        }
    }
}
