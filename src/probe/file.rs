//! `file`: a path in an image's final file system.

use std::io::Read;

use async_trait::async_trait;

use super::params::{BUILD, ParamDef, ParamShape, Reader};
use super::submission::content;
use super::{Answer, BindError, Kind, Observe, Room};
use crate::ask::Params;
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape, Value};
use crate::recipe::BuildRecipe;

/// The most bytes that are read of a file or a folder's tree.
const READ: usize = 32 * 1024 * 1024;
/// Links are followed this far.
const HOPS: usize = 8;

pub(super) const KIND: Kind = Kind {
    name: "file",
    doc: "A path in an image's final file system, links followed. No container is started for \
          it, so what a container would make when it runs is not there.",
    params: &[
        BUILD,
        ParamDef::required("path", ParamShape::Text, "the absolute path in the image"),
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
        FactDef::new("sha256", Shape::Text, "of a file's content, in hex"),
        FactDef::new("entries", Shape::List, "names of what is directly in a folder, sorted"),
        FactDef::new("tree", Shape::List, "paths of all files below a folder, sorted"),
    ],
    bind,
};

struct File {
    recipe: BuildRecipe,
    path: String,
}

fn bind(params: &Params) -> Result<Box<dyn Observe>, BindError> {
    let reader = Reader(params);
    let path = reader.text("path").unwrap_or_default();
    if !path.starts_with('/') {
        let message = format!("a path in an image is absolute: \"/{path}\"");
        return Err(BindError { param: "path", message });
    }
    Ok(Box::new(File { recipe: reader.build(), path }))
}

#[async_trait]
impl Observe for File {
    async fn observe(&self, room: &Room) -> Result<Answer, Fault> {
        let image = match room.image(&self.recipe).await? {
            Ok(image) => image,
            Err(because) => return Ok(Answer::Unreached(because)),
        };
        let shelf = room.shelf(&image).await?;
        let mut path = room.fill(&self.path);
        let mut link = false;
        for _ in 0..HOPS {
            let Some(archive) = room.engine.read_path(&shelf, &path, READ).await? else {
                // A link that leads nowhere is still something.
                return Ok(Answer::Facts(Facts::from([
                    ("exists".to_owned(), false.into()),
                    ("link".to_owned(), link.into()),
                ])));
            };
            let found = read(&archive.tar, archive.truncated).map_err(|error| Fault {
                message: format!("failed to read {path} of the image: {error}"),
                advice: None,
            })?;
            match found {
                Found::Link => {
                    link = true;
                    let target = room.engine.stat_path(&shelf, &path).await?;
                    match target.map(|stat| stat.link_target) {
                        Some(target) if !target.is_empty() && target != path => path = target,
                        _ => break,
                    }
                }
                Found::Facts(mut facts) => {
                    facts.insert("exists".into(), true.into());
                    facts.insert("link".into(), link.into());
                    return Ok(Answer::Facts(facts));
                }
            }
        }
        Ok(Answer::Facts(Facts::from([
            ("exists".to_owned(), false.into()),
            ("kind".to_owned(), "symlink".into()),
            ("link".to_owned(), true.into()),
        ])))
    }
}

enum Found {
    Link,
    Facts(Facts),
}

/// Reads the archive of one path. Its first entry is the path itself, the others lie below it.
fn read(tar: &[u8], truncated: bool) -> std::io::Result<Found> {
    let mut archive = tar::Archive::new(tar);
    let mut entries = archive.entries()?;
    let Some(first) = entries.next() else {
        return Err(std::io::Error::other("the engine sent an empty archive"));
    };
    let mut first = first?;
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
        let mut bytes = Vec::new();
        // A file above the limit is cut, and then its digest is not known.
        let whole = first.read_to_end(&mut bytes).is_ok() && !truncated;
        facts.extend(content(&bytes));
        if !whole {
            facts.remove("sha256");
        }
    } else if kind.is_dir() && !truncated {
        let root = first.path_bytes().into_owned();
        drop(first);
        facts.extend(folder(&root, entries)?);
    }
    Ok(Found::Facts(facts))
}

fn folder(root: &[u8], entries: tar::Entries<'_, &[u8]>) -> std::io::Result<Facts> {
    let (mut direct, mut tree) = (Vec::new(), Vec::new());
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
            direct.push(below.to_owned());
        }
        if !entry.header().entry_type().is_dir() {
            tree.push(below.to_owned());
        }
    }
    direct.sort();
    tree.sort();
    Ok(Facts::from([("entries".to_owned(), direct.into()), ("tree".to_owned(), tree.into())]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_lists_what_is_in_it() {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, content) in [("app/", ""), ("app/b.txt", "1"), ("app/d/", ""), ("app/d/x", "2")]
        {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o755);
            header.set_uid(0);
            header.set_gid(0);
            if name.ends_with('/') {
                header.set_entry_type(tar::EntryType::Directory);
            }
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, name, content.as_bytes()).unwrap();
        }
        let bytes = tar.into_inner().unwrap();
        let Found::Facts(facts) = read(&bytes, false).unwrap() else { panic!() };
        assert_eq!(facts["kind"], "directory".into());
        assert_eq!(facts["entries"], vec!["b.txt".to_owned(), "d".to_owned()].into());
        assert_eq!(facts["tree"], vec!["b.txt".to_owned(), "d/x".to_owned()].into());
    }
}
