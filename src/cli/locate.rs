//! Finding the course, the exercise and its rubric.

use std::path::{Path, PathBuf};

use crate::document::{self, Fields, Review, nearest};
use crate::judge::line;
use crate::submission::{Source, Submission};

/// The environment variable that names the course.
const COURSE: &str = "GRADE_COURSE";

/// Where a course keeps its exercises.
#[derive(Debug)]
pub(super) struct Course {
    root: PathBuf,
}

impl Course {
    /// The folder that was named, or the nearest one above the current folder or this program
    /// that holds `rubrics`.
    pub(super) fn find(named: Option<&Path>) -> Option<Course> {
        let holds = |root: &Path| root.join("rubrics").is_dir();
        let named =
            named.map(Path::to_owned).or_else(|| std::env::var_os(COURSE).map(PathBuf::from));
        if let Some(root) = named {
            return holds(&root).then_some(Course { root });
        }
        let starts = [std::env::current_dir().ok(), std::env::current_exe().ok()];
        let mut above = starts.iter().flatten().flat_map(|start| start.ancestors());
        above.find(|root| holds(root)).map(|root| Course { root: root.to_owned() })
    }

    /// Its folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The exercises' names, sorted.
    pub(super) fn slugs(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.root.join("rubrics")).into_iter().flatten().flatten();
        let mut slugs: Vec<String> = files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|end| end == "toml"))
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .collect();
        slugs.sort();
        slugs
    }

    /// The rubric's file of an exercise.
    pub(super) fn rubric(&self, slug: &str) -> PathBuf {
        self.root.join("rubrics").join(format!("{slug}.toml"))
    }
}

/// The rubric of an exercise that was named.
///
/// # Errors
/// A message that lists what could be meant.
pub(super) fn by_slug(course: Option<&Course>, slug: &str) -> Result<PathBuf, String> {
    known(course.ok_or_else(no_course)?, slug, "from --assignment")
}

/// The rubric of an exercise whose name is said somewhere, if it is.
///
/// # Errors
/// A message that lists what could be meant.
pub(super) fn named(
    course: Option<&Course>,
    slug: Option<&str>,
    whence: &str,
) -> Result<PathBuf, String> {
    let course = course.ok_or_else(no_course)?;
    match slug {
        Some(slug) => known(course, slug, whence),
        None => Err(format!(
            "which assignment is it?\n  help: say so with --assignment SLUG\n  known: {}",
            course.slugs().join(", ")
        )),
    }
}

/// Chooses the exercise: by the submission's `.grade.toml`, or by its name.
///
/// # Errors
/// A message that lists what could be meant.
pub(super) fn choose(
    course: Option<&Course>,
    source: &Source,
    submission: &Submission,
) -> Result<PathBuf, String> {
    let course = course.ok_or_else(no_course)?;
    let shown = source.to_string();
    if let Some(slug) = from_file(submission.root(), Path::new(&shown))? {
        return known(course, &slug, "from the submission's .grade.toml");
    }
    let slugs = course.slugs();
    match from_name(source, submission.inner_name(), &slugs) {
        Some(slug) => Ok(course.rubric(slug)),
        None => Err(format!(
            "cannot tell which assignment {} is\n  help: say so with --assignment SLUG\n  known: {}",
            line(&shown, 400),
            slugs.join(", ")
        )),
    }
}

fn no_course() -> String {
    "found no course here (a folder with rubrics/ in it)\n  help: name it with --course DIR, or \
     name a rubric with --rubric FILE"
        .into()
}

fn known(course: &Course, slug: &str, from: &str) -> Result<PathBuf, String> {
    let slugs = course.slugs();
    if slugs.iter().any(|one| one == slug) {
        return Ok(course.rubric(slug));
    }
    let near = nearest(slug, slugs.iter().map(String::as_str));
    let near = near.map(|near| format!("\n  help: did you mean `{near}`?")).unwrap_or_default();
    Err(format!("there is no assignment `{slug}` ({from}){near}\n  known: {}", slugs.join(", ")))
}

/// The largest `.grade.toml` that is read: it is the student's file.
const NOTE: u64 = 64 * 1024;

fn from_file(root: &Path, shown: &Path) -> Result<Option<String>, String> {
    let (path, shown) = (root.join(".grade.toml"), shown.join(".grade.toml"));
    match std::fs::symlink_metadata(&path) {
        Ok(data) if data.is_file() && data.len() <= NOTE => {}
        Ok(_) => return Err(format!("{} is not a small plain file", shown.display())),
        Err(_) => return Ok(None),
    }
    let source = std::fs::read_to_string(&path)
        .map_err(|error| format!("failed to read {}: {error}", shown.display()))?;
    let mut review = Review::default();
    let root = document::read(&source, &mut review);
    let mut fields = Fields::of(&root, &mut review);
    let slug = fields.require("assignment", &mut review).and_then(|node| node.text(&mut review));
    fields.finish(&mut review);
    review.finish(&shown, &source).map_err(|problems| problems.to_string())?;
    Ok(slug)
}

/// The exercise that a submission is named for: `onbuild`, `onbuild-ada`, `course-onbuild-ada`,
/// or one of any name in a folder that is; or the one folder in an archive.
fn from_name<'a>(source: &Source, inner: Option<&str>, slugs: &'a [String]) -> Option<&'a str> {
    let path = source.path().and_then(|path| std::fs::canonicalize(path).ok());
    // `.` is called as the folder that it is.
    let own = match (&path, source) {
        (Some(path), Source::Path(_)) => Source::Path(path.clone()).name(),
        _ => source.name(),
    };
    let exact = |name: &str| slugs.iter().find(|slug| *slug == name);
    let within = |name: &str| {
        let dashed = format!("-{name}-");
        let parts = slugs.iter().filter(|slug| dashed.contains(&format!("-{slug}-")));
        parts.max_by_key(|slug| slug.len())
    };
    let named = |name: &str| exact(name).or_else(|| within(name));
    let above = || {
        let names = path.iter().flat_map(|path| path.ancestors().skip(1));
        names.filter_map(|one| one.file_name()?.to_str()).find_map(exact)
    };
    named(&own).or_else(|| inner.and_then(named)).or_else(above).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::Revision;

    #[test]
    fn a_folder_is_named_for_its_exercise_in_the_ways_that_tools_name_it() {
        let slugs: Vec<String> = ["onbuild", "copy-vs-add", "add"].map(str::to_owned).into();
        let root = tempfile::tempdir().unwrap();
        let named = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            from_name(&Source::Path(path), None, &slugs)
        };
        assert_eq!(named("onbuild"), Some("onbuild"));
        assert_eq!(named("copy-vs-add-ada"), Some("copy-vs-add"));
        assert_eq!(named("docker-onbuild-ada"), Some("onbuild"));
        assert_eq!(named("onbuild-submissions/x"), None);
        assert_eq!(named("copy-vs-add/solution"), Some("copy-vs-add"));
        assert_eq!(named("onbuilder"), None);
    }

    #[test]
    fn repositories_and_archives_are_named_like_folders() {
        let slugs: Vec<String> = ["onbuild", "healthcheck"].map(str::to_owned).into();
        let root = tempfile::tempdir().unwrap();
        let named = |text: &str, inner| {
            from_name(&Source::parse(text, Revision::Head).unwrap(), inner, &slugs)
        };
        assert_eq!(named("https://example.org/org/docker-onbuild-ada.git", None), Some("onbuild"));
        assert_eq!(named("git@example.org:healthcheck.git", None), Some("healthcheck"));
        assert_eq!(named("https://example.org/onbuild/ada.git", None), None);
        let archive = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path.to_str().unwrap().to_owned()
        };
        assert_eq!(named(&archive("onbuild-ada.tar.gz"), None), Some("onbuild"));
        assert_eq!(named(&archive("ada.zip"), Some("onbuild-main")), Some("onbuild"));
        assert_eq!(named(&archive("healthcheck.zip"), Some("onbuild-main")), Some("healthcheck"));
        assert_eq!(named(&archive("healthcheck/ada.zip"), None), Some("healthcheck"));
        assert_eq!(named(&archive("ada.zip"), None), None);
    }
}
