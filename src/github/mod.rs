//! What a workflow on GitHub is told: on standard output, in the files its runner names, and in what
//! Classroom and Classroom 50 read.

mod command;
mod runner;

pub use command::{Fence, annotations, notices, unpublished};
pub use runner::{Choice, Destination, Runner, output};
