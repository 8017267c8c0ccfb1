//! `archive`: what an archive that is handed in holds, and whether an engine may have it.

use std::io::{Cursor, Read};

use async_trait::async_trait;

use super::params::{ParamDef, ParamShape, Reader};
use super::{Answer, BindError, Kind, Observe, Room};
use crate::archive::{Bounds, Form, Summary, Survey, oversized, survey};
use crate::ask::Params;
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape, Value};
use crate::recipe::PlayRecipe;
use crate::submission::FileKind;

pub(super) const KIND: Kind = Kind {
    name: "archive",
    doc: "An archive that is handed in, as `docker save` or `docker export` writes it, gzip around \
          it or not: read within bounds, never extracted. What an engine might read in another \
          way than it was read here is not safe.",
    params: &[
        ParamDef::required("path", ParamShape::Text, "the archive, relative to the folder"),
        ParamDef::optional(
            "play",
            ParamShape::Play,
            "as it was handed in",
            "the play after which it is looked at",
        ),
    ],
    facts: &[
        FactDef::new("exists", Shape::Bool, "whether anything is there"),
        FactDef::new(
            "safe",
            Shape::Bool,
            "whether it was read to its end and an engine may have it",
        ),
        FactDef::new("danger", Shape::Text, "why not, a sentence for the student"),
        FactDef::new("error", Shape::Text, "the same, only when it cannot be read at all"),
        FactDef::new("compression", Shape::Text, "none, gzip, bzip2, xz or zstd"),
        FactDef::new("size", Shape::Bytes, "of the file"),
        FactDef::new("unpacked_size", Shape::Bytes, "of the tar in it"),
        FactDef::new("entries", Shape::Int, "files, folders and links in the tar"),
        FactDef::new("top", Shape::List, "names at the top, at most 100; folders end with /"),
        FactDef::new(
            "paths",
            Shape::List,
            "its files and links, sorted, at most 100, of too many the first; not of an archive of images",
        ),
        FactDef::new("form", Shape::Text, "image, root-file-system, empty or other"),
        FactDef::new("has_manifest", Shape::Bool, "whether there is a manifest.json at the top"),
        FactDef::new("images", Shape::Int, "how many images, of an archive of images"),
        FactDef::new("tags", Shape::List, "the names of all its images, as written there"),
        FactDef::new("layers", Shape::Int, "of its first image"),
    ],
    bind,
};

/// The most paths that are told.
const PATHS: usize = 100;

struct Archive {
    path: String,
    play: Option<PlayRecipe>,
}

fn bind(params: &Params) -> Result<Box<dyn Observe>, BindError> {
    let reader = Reader(params);
    let path = reader.text("path").unwrap_or_default();
    Ok(Box::new(Archive { path, play: reader.play() }))
}

#[async_trait]
impl Observe for Archive {
    async fn observe(&self, room: &Room) -> Result<Answer, Fault> {
        let fault = |message: String| Fault { message, advice: None };
        let path = room.fill(&self.path);
        if let Some(play) = &self.play {
            let played = room.play(play).await?;
            if let Some(because) = &played.ended {
                return Ok(Answer::Unreached(because.clone()));
            }
            let facts = match played.read_file(&path).await? {
                None => Facts::from([("exists".to_owned(), false.into())]),
                Some(file) => look(Cursor::new(file), None).await?,
            };
            return Ok(Answer::Facts(facts));
        }
        let opened = room.submission.open_file(&path);
        let facts = match opened.map_err(|error| fault(error.to_string()))? {
            None => Facts::from([("exists".to_owned(), false.into())]),
            Some(opened) => match opened.file {
                Some(file) => look(file, Some(opened.size)).await?,
                None => no_file(opened.kind),
            },
        };
        Ok(Answer::Facts(facts))
    }
}

/// The facts of an archive, wherever it comes from. A size, where one is known, spares reading
/// what is too large. An engine may then be given the same bytes, should they be `safe`.
async fn look(archive: impl Read + Send + 'static, size: Option<u64>) -> Result<Facts, Fault> {
    let bounds = Bounds::default();
    let fault = |message: String| Fault { message, advice: None };
    let found = match size {
        Some(size) if size > bounds.file => oversized(&bounds),
        _ => tokio::task::spawn_blocking(move || survey(archive, &bounds))
            .await
            .map_err(|error| fault(error.to_string()))?
            .map_err(|error| fault(format!("failed to read the archive: {error}")))?,
    };
    Ok(facts(found, size))
}

fn no_file(kind: FileKind) -> Facts {
    let what = match kind {
        FileKind::Directory => "a folder",
        FileKind::Symlink => "a link",
        FileKind::File | FileKind::Other => "no file",
    };
    let text = format!("The archive is {what}, where a file was expected.");
    Facts::from([
        ("exists".to_owned(), true.into()),
        ("safe".to_owned(), false.into()),
        ("danger".to_owned(), text.clone().into()),
        ("error".to_owned(), text.into()),
    ])
}

fn facts(survey: Survey, size: Option<u64>) -> Facts {
    let mut facts = Facts::from([
        ("exists".to_owned(), true.into()),
        ("safe".to_owned(), survey.danger.is_none().into()),
    ]);
    let mut tell = |name: &str, value: Value| drop(facts.insert(name.to_owned(), value));
    if let Some(size) = size.or(survey.size) {
        tell("size", Value::Bytes(size));
    }
    if let Some(compression) = survey.compression {
        tell("compression", compression.to_string().into());
    }
    if let Some(danger) = survey.danger {
        if survey.is_broken {
            tell("error", danger.clone().into());
        }
        tell("danger", danger.into());
    }
    if let Some(summary) = survey.summary {
        facts.extend(summarized(summary));
    }
    facts
}

fn summarized(summary: Summary) -> Facts {
    let count = |count: usize| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
    let mut facts = Facts::from([
        ("form".to_owned(), summary.form.to_string().into()),
        ("unpacked_size".to_owned(), Value::Bytes(summary.unpacked)),
        ("entries".to_owned(), count(usize::try_from(summary.entries).unwrap_or(usize::MAX))),
        ("top".to_owned(), summary.top.into()),
        ("has_manifest".to_owned(), summary.has_manifest.into()),
    ]);
    if summary.form != Form::Image {
        let paths: Vec<String> = summary.paths.into_iter().take(PATHS).collect();
        facts.insert("paths".into(), paths.into());
    } else {
        let images = summary.images;
        facts.insert("images".into(), count(images.len()));
        if let Some(first) = images.first() {
            facts.insert("layers".into(), count(first.layers.len()));
        }
        let tags: Vec<String> = images.into_iter().flat_map(|image| image.repo_tags).collect();
        facts.insert("tags".into(), tags.into());
    }
    facts
}
