//! A class: who is in it, and what came of each one's submission.

use super::{Entry, Standing};

/// A student as the class's roster has them. Only the id is always known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Student {
    /// The roster's identifier, unique in the class.
    pub id: String,
    /// The name that people use.
    pub name: Option<String>,
    /// The account on GitHub.
    pub username: Option<String>,
    /// Its number there.
    pub github_id: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// The part of the class.
    pub section: Option<String>,
    /// Those who hand in together.
    pub group: Option<String>,
}

/// One line of a class's gradebook. Students who hand in together each have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whose it is.
    pub student: Student,
    /// What came of it.
    pub outcome: Came,
}

/// What came of a student's submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// It was graded, if only in part.
    Graded {
        /// The grade, and what it was made from.
        entry: Box<Entry>,
        /// What it counts for.
        standing: Standing,
    },
    /// Nothing was handed in, or nothing that could be read as a submission: the student's doing.
    Missing {
        /// Why, in a sentence.
        because: String,
        /// What counts all the same: a decision of the instructor's.
        standing: Standing,
    },
    /// It could not be had, by a failure on our side or one that may be ours: nothing follows.
    Unreached {
        /// Why, in a sentence.
        because: String,
        /// What counts all the same: a decision of the instructor's.
        standing: Standing,
    },
}

impl Row {
    /// What counts for the student.
    pub fn standing(&self) -> &Standing {
        match &self.outcome {
            Came::Graded { standing, .. }
            | Came::Missing { standing, .. }
            | Came::Unreached { standing, .. } => standing,
        }
    }

    /// Whether our side still owes something.
    pub fn is_open(&self) -> bool {
        match &self.outcome {
            Came::Graded { entry, .. } => entry.grade.is_provisional(),
            Came::Missing { .. } => false,
            Came::Unreached { .. } => true,
        }
    }
}
