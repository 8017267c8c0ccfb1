//! `find`: what lies anywhere in an image's final file system, known by its path or its content.

use async_trait::async_trait;
use regex::Regex;

use super::params::{BUILD, OTHER, ParamDef, ParamShape, Reader};
use super::{Answer, BindError, Kind, Observe, Room};
use crate::ask::Params;
use crate::engine::{PathArchive, PathStat, Sifting};
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape, Value};
use crate::nonce::names;
use crate::recipe::BuildRecipe;
use crate::sift::{Found, Wanted};

/// What is shorter may occur in any file.
const SHORTEST: usize = 8;
/// The most paths that are compared with those of another image.
const COMPARED: usize = 500;
/// The most bytes of a file that are compared.
const READ: usize = 32 * 1024 * 1024;

pub(super) const KIND: Kind = Kind {
    name: "find",
    doc: "What lies anywhere in an image's final file system: whatever has a path like this, and \
          every file that holds one of these contents, whatever it is called. No container is \
          started for it, and links are not followed.",
    params: &[
        BUILD,
        ParamDef::optional(
            "path",
            ParamShape::Text,
            "by content only",
            "a regular expression for absolute paths, of files, folders and links alike",
        ),
        ParamDef::optional("texts", ParamShape::Texts, "none", "texts that a file holds one of"),
        ParamDef::optional(
            "given",
            ParamShape::Texts,
            "none",
            "files of assignments/<slug>/given whose whole content a file holds one of",
        ),
        ParamDef::optional(
            "archives",
            ParamShape::Word(&["closed", "opened"]),
            "closed",
            "whether archives (tar, gzip, zip and with it wheels, also in one another) are looked into \
             as if each were a folder: /src.tgz/app.py",
        ),
        OTHER,
    ],
    facts: &[
        FactDef::new("found", Shape::Bool, "whether there is anything of that kind"),
        FactDef::new("count", Shape::Int, "how much of it"),
        FactDef::new("paths", Shape::List, "where, sorted; at most 5,000"),
        FactDef::new(
            "complete",
            Shape::Bool,
            "whether all archives could be looked into within bounds",
        ),
        FactDef::new(
            "kept",
            Shape::List,
            "what lies at the same place of the other image, the very same: content, owner, mode \
             and time. What was made again, even alike, has another time. At most 500 are compared",
        ),
        FactDef::new("changed", Shape::List, "what does not"),
    ],
    bind,
};

struct Find {
    recipe: BuildRecipe,
    other: Option<BuildRecipe>,
    path: Option<String>,
    texts: Vec<String>,
    given: Vec<String>,
    archives: bool,
}

fn bind(params: &Params) -> Result<Box<dyn Observe>, BindError> {
    let reader = Reader(params);
    let find = Find {
        recipe: reader.build(),
        other: reader.other(),
        path: reader.text("path"),
        texts: reader.texts("texts").unwrap_or_default(),
        given: reader.texts("given").unwrap_or_default(),
        archives: reader.text("archives").as_deref() == Some("opened"),
    };
    let wrong = |param, message: &str| Err(BindError { param, message: message.to_owned() });
    if let Some(path) = &find.path {
        // Values of a run are plain words.
        let sample = names(path)
            .iter()
            .fold(path.clone(), |path, name| path.replace(&format!("${{{name}}}"), "value"));
        match Regex::new(&sample) {
            Err(error) => return wrong("path", &error.to_string()),
            Ok(pattern) if pattern.is_match("") => {
                return wrong("path", "this pattern finds everything");
            }
            Ok(_) => {}
        }
    } else if find.texts.is_empty() && find.given.is_empty() {
        return wrong("path", "nothing is looked for: say `path`, `texts` or `given`");
    }
    if find.texts.iter().any(|text| text.len() < SHORTEST && names(text).is_empty()) {
        return wrong("texts", "a text that short may be in any file");
    }
    Ok(Box::new(find))
}

#[async_trait]
impl Observe for Find {
    async fn observe(&self, room: &Room) -> Result<Answer, Fault> {
        let shelf = match room.image(&self.recipe).await? {
            Ok(image) => room.shelf(&image).await?,
            Err(because) => Err(because),
        };
        let shelf = match shelf {
            Ok(shelf) => shelf,
            Err(because) => return Ok(Answer::Unreached(because)),
        };
        let found = room
            .engine
            .sift(&Sifting { container: shelf.clone(), wanted: self.wanted(room)? })
            .await?;
        let mut facts = facts(&found);
        if let Some(other) = &self.other {
            let other = match room.image_to_compare(other).await? {
                Ok(image) => room.shelf(&image).await?,
                Err(because) => Err(because),
            };
            match other {
                Ok(other) => facts.extend(compared(room, &shelf, &other, &found.paths).await?),
                Err(because) => return Ok(Answer::Unreached(because)),
            }
        }
        Ok(Answer::Facts(facts))
    }
}

impl Find {
    fn wanted(&self, room: &Room) -> Result<Wanted, Fault> {
        let mut contents: Vec<Vec<u8>> =
            self.texts.iter().map(|text| room.fill(text).into_bytes()).collect();
        for name in &self.given {
            let Some(folder) = &room.given else {
                return Err(fault(format!("the exercise's given file {name} is missing")));
            };
            let file = folder.join(name);
            let content = std::fs::read(&file)
                .map_err(|error| fault(format!("failed to read {}: {error}", file.display())))?;
            if content.is_empty() {
                return Err(fault(format!("the exercise's given file {name} is empty")));
            }
            contents.push(content);
        }
        let path = self.path.as_deref().map(|path| room.fill(path));
        Ok(Wanted { path, contents, archives: self.archives })
    }
}

fn facts(found: &Found) -> Facts {
    Facts::from([
        ("found".to_owned(), (found.count > 0).into()),
        ("count".to_owned(), Value::Int(i64::try_from(found.count).unwrap_or(i64::MAX))),
        ("paths".to_owned(), found.paths.clone().into()),
        ("complete".to_owned(), (!found.cut).into()),
    ])
}

async fn compared(room: &Room, shelf: &str, other: &str, paths: &[String]) -> Result<Facts, Fault> {
    let (mut kept, mut changed) = (Vec::new(), Vec::new());
    for path in paths.iter().take(COMPARED) {
        match is_kept(room, shelf, other, path).await? {
            true => kept.push(path.clone()),
            false => changed.push(path.clone()),
        }
    }
    Ok(Facts::from([("kept".to_owned(), kept.into()), ("changed".to_owned(), changed.into())]))
}

async fn is_kept(room: &Room, shelf: &str, other: &str, path: &str) -> Result<bool, Fault> {
    let stat = room.engine.stat_path(shelf, path).await?;
    let before = room.engine.stat_path(other, path).await?;
    let (Some(stat), Some(before)) = (stat, before) else { return Ok(false) };
    if is_folder(&stat) {
        // Its size says how the disk keeps it.
        return Ok(PathStat { size: before.size, ..stat } == before);
    }
    if stat != before {
        return Ok(false);
    }
    let read = async |container: &str| room.engine.read_path(container, path, READ).await;
    let contents: (Option<PathArchive>, Option<PathArchive>) =
        (read(shelf).await?, read(other).await?);
    Ok(contents.0 == contents.1)
}

/// Go's `os.ModeDir`.
fn is_folder(stat: &PathStat) -> bool {
    stat.mode & (1 << 31) != 0
}

fn fault(error: impl ToString) -> Fault {
    Fault { message: error.to_string(), advice: None }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn refused(params: Json) -> Option<&'static str> {
        let Json::Object(params) = params else { panic!() };
        bind(&params.into_iter().collect()).err().map(|error| error.param)
    }

    #[test]
    fn what_finds_everything_or_nothing_is_refused() {
        assert_eq!(refused(json!({})), Some("path"));
        assert_eq!(refused(json!({ "path": "(" })), Some("path"));
        assert_eq!(refused(json!({ "path": "x*" })), Some("path"));
        assert_eq!(refused(json!({ "texts": ["short"] })), Some("texts"));
        assert_eq!(refused(json!({ "path": "/${word}\\.py$" })), None);
        assert_eq!(refused(json!({ "texts": ["${word}"] })), None);
        assert_eq!(refused(json!({ "given": ["app.src"] })), None);
    }
}
