//! Autolab's result: one line of JSON, to be the last that its autograder prints.
//!
//! The whole score is that of one problem, called like the exercise. Autolab makes a zero of a
//! line that it cannot read and of a problem that it does not know; of a line without any problem
//! it makes nothing, so that is what a provisional result says.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Format, Report, ReportError, only};
use crate::judge::{Gradebook, line};

/// How this format is registered.
pub(super) const FORMAT: Format = Format {
    name: "autolab",
    file: "autolab.json",
    doc: "The result for Autolab: the line that its autograder has to print last",
    on_request: true,
    alone: false,
    report: |_| Box::new(Autolab),
};

struct Autolab;

impl Report for Autolab {
    fn render(&self, gradebook: &Gradebook) -> Result<Vec<u8>, ReportError> {
        let grade = &only(gradebook, FORMAT.name)?.grade;
        let mut scores = BTreeMap::new();
        if !grade.is_provisional() {
            // Autolab puts quotes around what stands before a colon, also inside of a string.
            let problem = line(&grade.slug, 200).replace(':', "-");
            scores.insert(problem, grade.score().earned);
        }
        Ok(format!("{}\n", json!({ "scores": scores })).into_bytes())
    }
}
