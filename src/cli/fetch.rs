//! `grade fetch`: the process that brings a submission here. Nobody types it.

use super::Exit;
use crate::submission::serve;

pub(super) fn run() -> Exit {
    match serve(std::io::stdin(), std::io::stdout()) {
        Ok(()) => Exit::Graded,
        Err(error) => {
            anstream::eprintln!("{error}");
            Exit::Unjudged
        }
    }
}
