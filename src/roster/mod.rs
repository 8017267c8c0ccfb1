//! A class: its students, where each one's submission is to be had from, and when it is due.

use jiff::Timestamp;

use crate::judge::{Decision, LatePolicy, Student};
use crate::submission::Source;

/// A class, as its roster describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// What the class is called.
    pub title: Option<String>,
    /// When submissions are due.
    pub due: Option<Timestamp>,
    /// What being late costs.
    pub late: Option<LatePolicy>,
    /// The students, in the roster's order.
    pub members: Vec<Member>,
}

/// A student, and where their submission is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub student: Student,
    /// Where it is to be had from, or why there is none, in a sentence.
    pub source: Result<Source, String>,
    /// What the instructor has decided.
    pub decision: Option<Decision>,
}
