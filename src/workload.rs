//! What a job does.

pub mod route;
