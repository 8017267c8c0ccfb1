//! A repository in a folder, as a student may have made it: raw objects, references, settings. Whatever it is, it is
//! the student's.
#![no_main]

use std::path::Path;

use arbitrary::Arbitrary;
use git2::{ObjectType, Oid, Repository, RepositoryInitOptions};
use grade::submission::{FetchError, FetchLimits, GitSource, Revision, fuzz};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Made {
    objects: Vec<Object>,
    /// References: of which name, to which object.
    references: Vec<(Name, u8)>,
    /// Files of the repository's own folder that are written over.
    files: Vec<(Own, Vec<u8>)>,
    /// An object that is taken away.
    hole: Option<u8>,
    at: At,
}

#[derive(Arbitrary, Debug)]
enum Object {
    Blob(Vec<u8>),
    Tree(Vec<(Mode, Vec<u8>, u8)>),
    Commit { tree: u8, parents: Vec<u8>, seconds: i64 },
    Tag(u8),
    Raw(Kind, Vec<u8>),
}

#[derive(Arbitrary, Debug)]
enum Mode {
    File,
    Program,
    Folder,
    Link,
    Submodule,
    Other(u16),
}

#[derive(Arbitrary, Debug)]
enum Kind {
    Blob,
    Tree,
    Commit,
    Tag,
}

#[derive(Arbitrary, Debug)]
enum Name {
    Main,
    Branch(u8),
    Tag(u8),
}

#[derive(Arbitrary, Debug)]
enum Own {
    Head,
    PackedRefs,
    Config,
    Index,
    Shallow,
    Main,
    Pack,
    PackIndex,
}

#[derive(Arbitrary, Debug)]
enum At {
    Head,
    Main,
    Before(i16),
    Digits(u8),
}

impl Made {
    fn make(&self, path: &Path) -> Result<Vec<Oid>, git2::Error> {
        let mut options = RepositoryInitOptions::new();
        options.bare(true).initial_head("main").external_template(false);
        let repository = Repository::init_opts(path, &options)?;
        let objects = repository.odb()?;
        let mut made: Vec<Oid> = Vec::new();
        for object in self.objects.iter().take(30) {
            // One that was made before, or one that is not there.
            let one = |index: u8| made.get(usize::from(index)).copied().unwrap_or(Oid::ZERO_SHA1);
            let (kind, raw) = object.raw(one);
            made.push(objects.write(kind, &raw)?);
        }
        let one = |index: u8| made.get(usize::from(index)).copied().unwrap_or(Oid::ZERO_SHA1);
        for (name, index) in self.references.iter().take(10) {
            let name = match name {
                Name::Main => "refs/heads/main".to_owned(),
                Name::Branch(number) => format!("refs/heads/b{number}"),
                Name::Tag(number) => format!("refs/tags/t{number}"),
            };
            let _ = std::fs::write(path.join(name), format!("{}\n", one(*index)));
        }
        for (own, content) in self.files.iter().take(4) {
            let _ = std::fs::write(path.join(own.path()), content);
        }
        if let Some(id) = self.hole.and_then(|index| made.get(usize::from(index))) {
            let digits = id.to_string();
            let _ = std::fs::remove_file(path.join("objects").join(&digits[..2]).join(&digits[2..]));
        }
        Ok(made)
    }
}

impl Object {
    fn raw(&self, one: impl Fn(u8) -> Oid) -> (ObjectType, Vec<u8>) {
        match self {
            Object::Blob(content) => (ObjectType::Blob, content.clone()),
            Object::Tree(entries) => {
                let mut raw = Vec::new();
                for (mode, name, index) in entries {
                    raw.extend(format!("{:o} ", mode.bits()).bytes());
                    raw.extend(name.iter().filter(|byte| **byte != 0));
                    raw.push(0);
                    raw.extend(one(*index).as_bytes());
                }
                (ObjectType::Tree, raw)
            }
            Object::Commit { tree, parents, seconds } => {
                let mut raw = format!("tree {}\n", one(*tree));
                for parent in parents.iter().take(4) {
                    raw += &format!("parent {}\n", one(*parent));
                }
                for role in ["author", "committer"] {
                    raw += &format!("{role} A <a@example.org> {seconds} +0000\n");
                }
                (ObjectType::Commit, (raw + "\nmessage\n").into_bytes())
            }
            Object::Tag(index) => {
                let raw = format!("object {}\ntype commit\ntag a\n\nmessage\n", one(*index));
                (ObjectType::Tag, raw.into_bytes())
            }
            Object::Raw(kind, raw) => {
                let kind = match kind {
                    Kind::Blob => ObjectType::Blob,
                    Kind::Tree => ObjectType::Tree,
                    Kind::Commit => ObjectType::Commit,
                    Kind::Tag => ObjectType::Tag,
                };
                (kind, raw.clone())
            }
        }
    }
}

impl Mode {
    fn bits(&self) -> u16 {
        match self {
            Mode::File => 0o100_644,
            Mode::Program => 0o100_755,
            Mode::Folder => 0o040_000,
            Mode::Link => 0o120_000,
            Mode::Submodule => 0o160_000,
            Mode::Other(bits) => *bits,
        }
    }
}

impl Own {
    fn path(&self) -> &'static str {
        match self {
            Own::Head => "HEAD",
            Own::PackedRefs => "packed-refs",
            Own::Config => "config",
            Own::Index => "index",
            Own::Shallow => "shallow",
            Own::Main => "refs/heads/main",
            Own::Pack => "objects/pack/pack-1234567890123456789012345678901234567890.pack",
            Own::PackIndex => "objects/pack/pack-1234567890123456789012345678901234567890.idx",
        }
    }
}

fuzz_target!(|made: Made| {
    let kept = tempfile::tempdir().expect("a folder");
    let path = kept.path().join("a.git");
    let Ok(objects) = made.make(&path) else { return };
    let at = match made.at {
        At::Head => Revision::Head,
        At::Main => Revision::Named("main".to_owned()),
        At::Before(seconds) => {
            let time = format!("1970-01-01T00:00:{:02}Z", seconds.rem_euclid(60));
            Revision::Before(time.parse().expect("a time"))
        }
        At::Digits(index) => {
            let id = objects.get(usize::from(index)).copied().unwrap_or(Oid::ZERO_SHA1);
            Revision::Named(id.to_string()[..7].to_owned())
        }
    };
    let limits = FetchLimits {
        entries: 200,
        bytes: 1 << 20,
        file: 1 << 20,
        depth: 16,
        objects: 1000,
        ..FetchLimits::default()
    };
    let source = GitSource { url: path.display().to_string(), at };
    match fuzz::repository(&source, &kept.path().join("submission"), &limits) {
        Ok(()) | Err(FetchError::Missing { .. }) => {}
        Err(error) => panic!("not ours: {error:?}"),
    }
});
