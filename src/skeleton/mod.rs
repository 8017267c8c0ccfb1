//! The skeleton of a new exercise: a small example that works, to be replaced piece by piece.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What stands for the exercise's name in the templates and their paths.
const SLUG: &str = "{{slug}}";
/// The longest name of an exercise: it becomes part of folders' and images' names.
const LONGEST: usize = 40;
/// Folders of every exercise: a submission is found by the names of the folders it lies in.
const TAKEN: [&str; 3] = ["given", "solution", "starter"];

/// Every file, as it is called in a course, and what it holds.
const FILES: [(&str, &str); 13] = [
    ("assignments/{{slug}}/README.md", include_str!("template/README.md")),
    ("assignments/{{slug}}/starter/Dockerfile", include_str!("template/starter/Dockerfile")),
    ("assignments/{{slug}}/solution/Dockerfile", include_str!("template/solution/Dockerfile")),
    ("rubrics/{{slug}}.toml", include_str!("template/rubric.toml")),
    (
        "tests/submissions/{{slug}}/ok-script/Dockerfile",
        include_str!("template/samples/ok-script/Dockerfile"),
    ),
    (
        "tests/submissions/{{slug}}/ok-script/greet.sh",
        include_str!("template/samples/ok-script/greet.sh"),
    ),
    ("tests/submissions/{{slug}}/ok-script.toml", include_str!("template/samples/ok-script.toml")),
    (
        "tests/submissions/{{slug}}/argument-ignored/Dockerfile",
        include_str!("template/samples/argument-ignored/Dockerfile"),
    ),
    (
        "tests/submissions/{{slug}}/argument-ignored.toml",
        include_str!("template/samples/argument-ignored.toml"),
    ),
    (
        "tests/submissions/{{slug}}/runs-as-root/Dockerfile",
        include_str!("template/samples/runs-as-root/Dockerfile"),
    ),
    (
        "tests/submissions/{{slug}}/runs-as-root.toml",
        include_str!("template/samples/runs-as-root.toml"),
    ),
    (
        "tests/submissions/{{slug}}/does-not-build/Dockerfile",
        include_str!("template/samples/does-not-build/Dockerfile"),
    ),
    (
        "tests/submissions/{{slug}}/does-not-build.toml",
        include_str!("template/samples/does-not-build.toml"),
    ),
];

/// Why there is no skeleton.
#[derive(Debug, thiserror::Error)]
pub enum SkeletonError {
    /// No exercise can be called so.
    #[error("no exercise can be called `{slug}`: {why}")]
    Name {
        /// The name.
        slug: String,
        /// Why not.
        why: &'static str,
        /// One that could be meant.
        near: Option<String>,
    },
    /// Something is there already, and nothing is written over.
    #[error("there is something of that name already: {}", shown(.paths))]
    Taken {
        /// What is there.
        paths: Vec<PathBuf>,
    },
    /// A file could not be written. Those before it are.
    #[error("failed to write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Writes the skeleton of an exercise into a course, and tells which files.
///
/// # Errors
/// When no exercise can be called so, when anything of that name is there already, or when a file
/// cannot be written.
pub fn write(course: &Path, slug: &str) -> Result<Vec<PathBuf>, SkeletonError> {
    if let Some(why) = wrong(slug) {
        let near = Some(likely(slug)).filter(|near| wrong(near).is_none());
        return Err(SkeletonError::Name { slug: slug.to_owned(), why, near });
    }
    let places = ["assignments/{{slug}}", "rubrics/{{slug}}.toml", "tests/submissions/{{slug}}"];
    let places = places.map(|place| course.join(place.replace(SLUG, slug)));
    // A link that leads nowhere is something, too.
    let is_there = |path: &PathBuf| fs::symlink_metadata(path).is_ok();
    let paths: Vec<PathBuf> = places.into_iter().filter(is_there).collect();
    if !paths.is_empty() {
        return Err(SkeletonError::Taken { paths });
    }
    let mut written = Vec::with_capacity(FILES.len());
    for (path, text) in FILES {
        let path = course.join(path.replace(SLUG, slug));
        put(&path, &text.replace(SLUG, slug))
            .map_err(|source| SkeletonError::Write { path: path.clone(), source })?;
        written.push(path);
    }
    Ok(written)
}

/// Writes a file that is not there yet.
fn put(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

/// Why no exercise can be called so; nothing when one can.
fn wrong(slug: &str) -> Option<&'static str> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match () {
        () if slug.is_empty() => Some("it is empty"),
        () if !slug.chars().all(is_plain) => Some(
            "a name has lower-case letters, digits and `-`, as it becomes a part of images' names",
        ),
        () if !slug.starts_with(|c: char| c.is_ascii_lowercase()) => {
            Some("a name begins with a letter")
        }
        () if slug.ends_with('-') || slug.contains("--") => {
            Some("each `-` stands between two words")
        }
        () if slug.len() > LONGEST => Some("a name has 40 characters at most"),
        () if TAKEN.contains(&slug) => Some("every exercise has a folder of that name"),
        () => None,
    }
}

/// The name that is likely meant.
fn likely(slug: &str) -> String {
    let lower = slug.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_name_is_refused_with_a_reason_and_the_likely_one() {
        let course = tempfile::tempdir().unwrap();
        let why = |slug: &str| match write(course.path(), slug) {
            Err(SkeletonError::Name { why, near, .. }) => (why, near),
            other => panic!("{slug}: {other:?}"),
        };
        assert_eq!(why("").0, "it is empty");
        assert!(why("../x").0.contains("lower-case letters"));
        assert_eq!(why("Named Volumes").1.as_deref(), Some("named-volumes"));
        assert_eq!(why("7-days"), ("a name begins with a letter", None));
        assert_eq!(why("a--b").1.as_deref(), Some("a-b"));
        assert!(why("a-").0.contains("between two words"));
        assert!(why(&"a".repeat(41)).0.contains("40"));
        assert!(why("starter").0.contains("folder of that name"));
        assert_eq!(fs::read_dir(course.path()).unwrap().count(), 0);
    }

    #[test]
    fn nothing_is_written_over_and_nothing_beside_it() {
        let course = tempfile::tempdir().unwrap();
        let rubrics = course.path().join("rubrics");
        fs::create_dir(&rubrics).unwrap();
        fs::write(rubrics.join("x.toml"), "mine").unwrap();
        let error = write(course.path(), "x").unwrap_err();
        assert!(error.to_string().ends_with("/rubrics/x.toml"), "{error}");
        assert_eq!(fs::read_to_string(rubrics.join("x.toml")).unwrap(), "mine");
        assert!(!course.path().join("assignments").exists());
    }

    #[test]
    fn every_template_is_used_and_no_name_is_left_open() {
        let course = tempfile::tempdir().unwrap();
        let written = write(course.path(), "named-volumes").unwrap();
        for path in &written {
            let text = fs::read_to_string(path).unwrap();
            assert!(!text.contains(SLUG) && path.starts_with(course.path()), "{}", path.display());
        }
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/src/skeleton/template");
        let files = walkdir::WalkDir::new(template).into_iter().map(Result::unwrap);
        let files = files.filter(|entry| entry.file_type().is_file()).count();
        assert_eq!(files, written.len());
    }
}
