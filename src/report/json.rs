//! Our own JSON: `grade/result/v1` for one submission, `grade/gradebook/v1` for a class.

mod gradebook;
mod result;

use serde::Serialize;

use crate::judge::{Entry, Gradebook};

use super::{Format, Report, ReportError, names};

pub use gradebook::{
    ClassV1, ColumnV1, DecisionV1, EntryStatus, EntryV1, GradebookFormat, GradebookV1,
    LatePolicyV1, LateV1, PointsV1, StudentV1,
};
pub use result::{
    Engine, Grader, Probe, Provenance, ResultFormat, ResultV1, RubricStamp, Score, State, Status,
};

/// How this format is registered.
pub(super) const FORMAT: Format = Format {
    name: "json",
    file: "result.json",
    doc: "The result as JSON, for programs (grade/result/v1, or grade/gradebook/v1 for several)",
    on_request: false,
    alone: false,
    report: |view| Box::new(Json { show_hidden: view.show_hidden }),
};

/// The result of one submission, or a gradebook of any other number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json {
    /// Whether hidden probes are shown in full: for teachers only.
    pub show_hidden: bool,
}

impl Report for Json {
    fn render(&self, gradebook: &Gradebook) -> Result<Vec<u8>, ReportError> {
        match gradebook.entries.as_slice() {
            [entry] => bytes(&self.result(entry)),
            _ => bytes(&self.gradebook(gradebook)),
        }
    }
}

impl Json {
    /// One submission's result, as a value.
    pub fn result(&self, entry: &Entry) -> ResultV1 {
        ResultV1::of(entry, self.show_hidden)
    }

    /// Several submissions without a class, as a value: also one, where a list was asked for.
    pub fn gradebook(&self, gradebook: &Gradebook) -> GradebookV1 {
        let named = names(gradebook).into_iter().zip(&gradebook.entries);
        GradebookV1 {
            format: GradebookFormat::V1,
            class: None,
            entries: named
                .map(|(name, entry)| EntryV1::alone(name, entry, self.show_hidden))
                .collect(),
        }
    }
}

/// The JSON Schema of `grade/result/v1`.
pub fn schema() -> schemars::Schema {
    generator().into_root_schema_for::<ResultV1>()
}

/// The JSON Schema of `grade/gradebook/v1`.
pub fn gradebook_schema() -> schemars::Schema {
    generator().into_root_schema_for::<GradebookV1>()
}

/// What is written has every key, so that is what the schema demands.
fn generator() -> schemars::SchemaGenerator {
    schemars::generate::SchemaSettings::draft2020_12().for_serialize().into_generator()
}

fn bytes(value: &impl Serialize) -> Result<Vec<u8>, ReportError> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| ReportError { format: FORMAT.name, source: error.into() })?;
    bytes.push(b'\n');
    Ok(bytes)
}
