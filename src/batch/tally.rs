//! What came of a class, counted: for the last words of a batch, and its exit code.

use crate::judge::{Came, Row, Verdict};

/// A count of a class's rows, and who still has something to come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Students whose score is final.
    pub graded: usize,
    /// Students without a submission.
    pub missing: Vec<Owed>,
    /// Students something of whose submission stayed unjudged.
    pub unjudged: Vec<Owed>,
    /// Students whose submission could not be had.
    pub unreached: Vec<Owed>,
    /// Whether somebody lost a point.
    pub marks_lost: bool,
}

/// A student, and why there is no final score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The student's id.
    pub id: String,
    /// Why, in a sentence.
    pub because: String,
}

impl Tally {
    /// Counts one row.
    pub fn add(&mut self, row: &Row) {
        let owed = |because: &str| Owed { id: row.student.id.clone(), because: because.to_owned() };
        match &row.outcome {
            Came::Graded { entry, .. } => {
                let unjudged = entry.grade.marks.iter().find_map(|mark| match &mark.verdict {
                    Verdict::Unjudged(reason) => Some(reason),
                    _ => None,
                });
                match unjudged {
                    Some(reason) => self.unjudged.push(owed(reason)),
                    None => self.graded += 1,
                }
                let score = entry.grade.score();
                self.marks_lost |= score.earned < score.possible;
            }
            Came::Missing { because, .. } => {
                self.missing.push(owed(because));
                self.marks_lost = true;
            }
            Came::Unreached { because, .. } => self.unreached.push(owed(because)),
        }
    }

    /// Students in all.
    pub fn students(&self) -> usize {
        self.graded + self.missing.len() + self.unjudged.len() + self.unreached.len()
    }

    /// Whether our side still owes something.
    pub fn is_open(&self) -> bool {
        !self.unjudged.is_empty() || !self.unreached.is_empty()
    }
}
