//! `submission`: a file as it was handed in.

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::params::{ParamDef, ParamShape, Reader};
use super::{Answer, BindError, Kind, Observe, Room};
use crate::ask::Params;
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape, Value};
use crate::submission::FileKind;

pub(super) const KIND: Kind = Kind {
    name: "submission",
    doc: "A file as it was handed in, links not followed.",
    params: &[
        ParamDef::required("path", ParamShape::Text, "the file, relative to the submission"),
        ParamDef::optional(
            "given",
            ParamShape::Text,
            "not compared",
            "a file of assignments/<slug>/given to compare with, byte for byte",
        ),
    ],
    facts: &[
        FactDef::new("exists", Shape::Bool, "whether it is there"),
        FactDef::new("kind", Shape::Text, "file, directory, symlink or other"),
        FactDef::new("size", Shape::Bytes, "of a file"),
        FactDef::new("mode", Shape::Text, "permission bits, such as 0755"),
        FactDef::new("text", Shape::Text, "the content, as far as it is text"),
        FactDef::new("lines", Shape::List, "its lines, without their ends"),
        FactDef::new("sha256", Shape::Text, "of the content, in hex"),
        FactDef::new("same_as_given", Shape::Bool, "whether it equals the file handed out"),
    ],
    bind,
};

struct Submission {
    path: String,
    given: Option<String>,
}

fn bind(params: &Params) -> Result<Box<dyn Observe>, BindError> {
    let reader = Reader(params);
    let path = reader.text("path").unwrap_or_default();
    Ok(Box::new(Submission { path, given: reader.text("given") }))
}

#[async_trait]
impl Observe for Submission {
    async fn observe(&self, room: &Room) -> Result<Answer, Fault> {
        let fault = |message: String| Fault { message, advice: None };
        let file = room.submission.file(&room.fill(&self.path));
        let Some(file) = file.map_err(|error| fault(error.to_string()))? else {
            return Ok(Answer::Facts(Facts::from([("exists".to_owned(), false.into())])));
        };
        let kind = match file.kind {
            FileKind::File => "file",
            FileKind::Directory => "directory",
            FileKind::Symlink => "symlink",
            FileKind::Other => "other",
        };
        let mut facts = Facts::from([
            ("exists".to_owned(), true.into()),
            ("kind".to_owned(), kind.into()),
            ("size".to_owned(), Value::Bytes(file.size)),
            ("mode".to_owned(), format!("{:04o}", file.mode).into()),
        ]);
        if file.kind == FileKind::File {
            facts.extend(content(&file.content));
        }
        if let Some(given) = &self.given {
            let Some(folder) = &room.given else {
                return Err(fault(format!("the exercise's given file {given} is missing")));
            };
            let path = folder.join(given);
            let reference = std::fs::read(&path)
                .map_err(|error| fault(format!("failed to read {}: {error}", path.display())))?;
            facts.insert("same_as_given".into(), (file.content == reference).into());
        }
        Ok(Answer::Facts(facts))
    }
}

/// The facts that a content gives, for a file handed in and one in an image alike.
pub(super) fn content(bytes: &[u8]) -> Facts {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    Facts::from([
        ("lines".to_owned(), lines.into()),
        ("text".to_owned(), text.into_owned().into()),
        ("sha256".to_owned(), sha256(bytes).into()),
    ])
}

/// The SHA-256 of some bytes, in hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    crate::nonce::hex(&Sha256::digest(bytes))
}
