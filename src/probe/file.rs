//! `file`: a path in an image's final file system.

mod listing;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io::Read;

use async_trait::async_trait;
use tokio_util::io::SyncIoBridge;

use super::params::{BUILD, ParamDef, ParamShape, Reader};
use super::submission::{content, sha256};
use super::{Answer, BindError, Kind, Observe, Room};
use crate::ask::Params;
use crate::engine::BuildOutcome;
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape, Value};
use crate::recipe::BuildRecipe;
use listing::strangers;

/// The most bytes that are kept of a file.
const READ: u64 = 32 * 1024 * 1024;
/// The most bytes of paths below a folder that are kept, each with [`ONE_MORE`]: some 200,000 paths.
const LISTED: usize = 32 * 1024 * 1024;
/// What a path takes in memory besides its letters.
const ONE_MORE: usize = 128;
/// Links are followed this far.
const HOPS: usize = 8;

pub(super) const KIND: Kind = Kind {
    name: "file",
    doc: "A path in an image's final file system, links followed. No container is started for \
          it, so what a container would make when it runs is not there.",
    params: &[
        BUILD,
        ParamDef::required("path", ParamShape::Text, "the absolute path in the image"),
        ParamDef::optional(
            "context",
            ParamShape::Text,
            "not compared",
            "a file of the build's context to compare with, byte for byte",
        ),
        ParamDef::optional(
            "lists",
            ParamShape::Text,
            "no folder",
            "the absolute path of a folder whose names are to be in the file",
        ),
        ParamDef::optional(
            "unbuilt",
            ParamShape::Word(&["unreached", "absent", "unknown"]),
            "unreached",
            "what an image that did not build means: that nothing can be asked of it, that nothing \
             is there, or that no fact is known (where it proves nothing)",
        ),
    ],
    facts: &[
        FactDef::new("exists", Shape::Bool, "whether something is there"),
        FactDef::new("kind", Shape::Text, "file, directory, symlink (to nothing) or other"),
        FactDef::new("link", Shape::Bool, "whether the path itself is a link"),
        FactDef::new("mode", Shape::Text, "permission bits, such as 0644"),
        FactDef::new("uid", Shape::Int, "the owner's number"),
        FactDef::new("gid", Shape::Int, "the group's number"),
        FactDef::new("size", Shape::Bytes, "of a file"),
        FactDef::new("text", Shape::Text, "a file's first 64 KiB, as text"),
        FactDef::new("lines", Shape::List, "a file's lines, without their ends"),
        FactDef::new(
            "strangers",
            Shape::List,
            "with lists: the file's lines that name nothing in that folder or below it",
        ),
        FactDef::new("sha256", Shape::Text, "of a file's content, in hex"),
        FactDef::new(
            "same_as_context",
            Shape::Bool,
            "whether a file equals the one of the context; absent when the context has no such file \
             (of at most 16 MiB)",
        ),
        FactDef::new(
            "ignore_file",
            Shape::Text,
            "the file of rules that the builder follows: `.dockerignore`, or the one that is named \
             after the Dockerfile and goes before it",
        ),
        FactDef::new("entries", Shape::List, "names of what is directly in a folder, sorted"),
        FactDef::new(
            "tree",
            Shape::List,
            "paths of all files below a folder: those with the fewest folders first, then by name, \
             so that of too many the deepest are left out",
        ),
        FactDef::new(
            "whole",
            Shape::Bool,
            "whether all of a file (up to 32 MiB) or folder (some 200,000 paths) was kept",
        ),
    ],
    bind,
};

/// What it means that there is no image.
#[derive(Clone, Copy)]
enum Unbuilt {
    Unreached,
    Absent,
    Unknown,
}

struct File {
    recipe: BuildRecipe,
    path: String,
    context: Option<String>,
    lists: Option<String>,
    unbuilt: Unbuilt,
}

fn bind(params: &Params) -> Result<Box<dyn Observe>, BindError> {
    let reader = Reader(params);
    let path = reader.text("path").unwrap_or_default();
    let lists = reader.text("lists");
    for (param, path) in [("path", Some(&path)), ("lists", lists.as_ref())] {
        if let Some(path) = path.filter(|path| !path.starts_with('/')) {
            let message = format!("a path in an image is absolute: \"/{path}\"");
            return Err(BindError { param, message });
        }
    }
    let unbuilt = match reader.text("unbuilt").as_deref() {
        Some("absent") => Unbuilt::Absent,
        Some("unknown") => Unbuilt::Unknown,
        _ => Unbuilt::Unreached,
    };
    let context = reader.text("context");
    Ok(Box::new(File { recipe: reader.build(), path, context, lists, unbuilt }))
}

impl File {
    /// A build that failed in a step has no file. One that the builder could not even read says
    /// nothing of the submission, which builds: an older builder does not know every mount's options.
    async fn unbuilt(&self, room: &Room, because: &str) -> Result<Answer, Fault> {
        let built = room.build(&self.recipe).await?;
        if let Some(BuildOutcome::Failed(failure)) =
            built.report.as_ref().map(|report| &report.outcome)
            && failure.step.is_none()
            // A sandbox's own builder is a new one.
            && room.sandbox.is_none()
        {
            let message = format!("the builder cannot make the build that tells: {because}");
            let advice = "grade in a sandbox, or on a newer engine".to_owned();
            return Err(Fault { message, advice: Some(advice) });
        }
        Ok(Answer::Facts(match self.unbuilt {
            Unbuilt::Unknown => Facts::new(),
            _ => Facts::from([("exists".to_owned(), false.into())]),
        }))
    }
}

#[async_trait]
impl Observe for File {
    async fn observe(&self, room: &Room) -> Result<Answer, Fault> {
        let image = match room.image(&self.recipe).await? {
            Ok(image) => image,
            Err(because) => {
                return match self.unbuilt {
                    Unbuilt::Unreached => Ok(Answer::Unreached(because)),
                    Unbuilt::Absent | Unbuilt::Unknown => self.unbuilt(room, &because).await,
                };
            }
        };
        let shelf = match room.shelf(&image).await? {
            Ok(shelf) => shelf,
            Err(because) => return Ok(Answer::Unreached(because)),
        };
        let mut facts = at(room, &shelf, room.fill(&self.path)).await?;
        if facts.get("exists") == Some(&true.into())
            && let Some(rules) = room.ignore_file(&self.recipe)?
        {
            facts.insert("ignore_file".into(), rules.into());
        }
        if let (Some(path), Some(digest)) = (&self.context, facts.get("sha256"))
            && let Some(content) = room.context_file(&self.recipe, &room.fill(path))?
        {
            let same = *digest == sha256(&content).into();
            facts.insert("same_as_context".into(), same.into());
        }
        if let (Some(folder), Some(Value::List(lines))) = (&self.lists, facts.get("lines")) {
            let folder = room.fill(folder);
            let there = at(room, &shelf, folder.clone()).await?;
            if let (Some(Value::List(tree)), Some(Value::List(entries))) =
                (there.get("tree"), there.get("entries"))
            {
                let paths = tree.iter().chain(entries).map(String::as_str);
                let strangers = strangers(lines, &folder, paths);
                facts.insert("strangers".into(), strangers.into());
            }
        }
        Ok(Answer::Facts(facts))
    }
}

/// What is at a path, links followed.
async fn at(room: &Room, shelf: &str, mut path: String) -> Result<Facts, Fault> {
    let mut link = false;
    for _ in 0..HOPS {
        let Some(archive) = room.engine.open_path(shelf, &path).await? else {
            // A link that leads nowhere is still something.
            return Ok(Facts::from([
                ("exists".to_owned(), false.into()),
                ("link".to_owned(), link.into()),
            ]));
        };
        let archive = SyncIoBridge::new(archive);
        let reading = tokio::task::spawn_blocking(move || read(archive)).await;
        let found = reading.map_err(std::io::Error::other).flatten().map_err(|error| Fault {
            message: format!("failed to read {path} of the image: {error}"),
            advice: None,
        })?;
        match found {
            Found::Link => {
                link = true;
                let target = room.engine.stat_path(shelf, &path).await?;
                match target.map(|stat| stat.link_target) {
                    Some(target) if !target.is_empty() && target != path => path = target,
                    _ => break,
                }
            }
            Found::Facts(mut facts) => {
                facts.insert("exists".into(), true.into());
                facts.insert("link".into(), link.into());
                return Ok(facts);
            }
        }
    }
    Ok(Facts::from([
        ("exists".to_owned(), false.into()),
        ("kind".to_owned(), "symlink".into()),
        ("link".to_owned(), true.into()),
    ]))
}

enum Found {
    Link,
    Facts(Facts),
}

/// Reads the archive of one path. Its first entry is the path itself, the others lie below it.
fn read(tar: impl Read) -> std::io::Result<Found> {
    let mut archive = tar::Archive::new(tar);
    let mut entries = archive.entries()?;
    let Some(first) = entries.next() else {
        return Err(std::io::Error::other("the engine sent an empty archive"));
    };
    let first = first?;
    let kind = first.header().entry_type();
    if kind.is_symlink() {
        return Ok(Found::Link);
    }
    let header = first.header();
    let id = |id: u64| Value::Int(i64::try_from(id).unwrap_or(-1));
    let mut facts = Facts::from([
        ("mode".to_owned(), format!("{:04o}", header.mode()? & 0o7777).into()),
        ("uid".to_owned(), id(header.uid()?)),
        ("gid".to_owned(), id(header.gid()?)),
    ]);
    let name = match kind {
        kind if kind.is_dir() => "directory",
        kind if kind.is_file() || kind.is_hard_link() => "file",
        _ => "other",
    };
    facts.insert("kind".into(), name.into());
    if kind.is_file() {
        facts.insert("size".into(), Value::Bytes(first.size()));
        let size = first.size();
        let mut bytes = Vec::new();
        let kept = first.take(READ).read_to_end(&mut bytes)?;
        if u64::try_from(kept).is_ok_and(|kept| kept < size.min(READ)) {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        facts.extend(content(&bytes));
        facts.insert("whole".into(), (size <= READ).into());
        // The digest of a file that is cut is not known.
        if size > READ {
            facts.remove("sha256");
        }
    } else if kind.is_dir() {
        let root = first.path_bytes().into_owned();
        drop(first);
        facts.extend(folder(&root, entries, LISTED)?);
    }
    Ok(Found::Facts(facts))
}

/// What is below a folder. Contents are passed over.
fn folder(
    root: &[u8],
    entries: tar::Entries<'_, impl Read>,
    limit: usize,
) -> std::io::Result<Facts> {
    let (mut direct, mut tree) = (Paths::new(limit), Paths::new(limit));
    for entry in entries {
        let entry = entry?;
        let path = entry.path_bytes();
        let below = path.strip_prefix(root).unwrap_or(&path);
        let below = String::from_utf8_lossy(below);
        let below = below.trim_matches('/');
        if below.is_empty() {
            continue;
        }
        if !below.contains('/') {
            direct.insert(below);
        }
        if !entry.header().entry_type().is_dir() {
            tree.insert(below);
        }
    }
    Ok(Facts::from([
        ("whole".to_owned(), (direct.whole && tree.whole).into()),
        ("entries".to_owned(), direct.sorted().into()),
        ("tree".to_owned(), tree.sorted().into()),
    ]))
}

/// Paths by their depth and name; of too many, the first in this order.
struct Paths {
    paths: BTreeSet<(usize, String)>,
    kept: usize,
    limit: usize,
    whole: bool,
}

impl Paths {
    fn new(limit: usize) -> Paths {
        Paths { paths: BTreeSet::new(), kept: 0, limit, whole: true }
    }

    fn insert(&mut self, path: &str) {
        let size = path.len() + ONE_MORE;
        if !self.paths.insert((path.matches('/').count(), path.to_owned())) {
            return;
        }
        self.kept += size;
        while self.kept > self.limit {
            self.whole = false;
            let Some((_, last)) = self.paths.pop_last() else { return };
            self.kept -= last.len() + ONE_MORE;
        }
    }

    fn sorted(self) -> Vec<String> {
        self.paths.into_iter().map(|(_, path)| path).collect()
    }
}
