//! Finding the course, the exercise and its rubric.

use std::path::{Path, PathBuf};

use crate::document::{self, Fields, Review, nearest};

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

/// The rubric of an exercise whose name was said somewhere.
///
/// # Errors
/// A message that lists what could be meant.
pub(super) fn named(
    course: Option<&Course>,
    slug: Option<&str>,
    whence: &str,
) -> Result<PathBuf, String> {
    let course = course.ok_or_else(no_course)?;
    let slugs = course.slugs();
    let known = slugs.join(", ");
    let Some(slug) = slug else {
        return Err(format!(
            "which assignment is it?\n  help: say so with --assignment SLUG\n  known: {known}"
        ));
    };
    if slugs.iter().any(|one| one == slug) {
        return Ok(course.rubric(slug));
    }
    let near = nearest(slug, slugs.iter().map(String::as_str));
    let near = near.map(|near| format!("\n  help: did you mean `{near}`?")).unwrap_or_default();
    Err(format!("there is no assignment `{slug}` ({whence}){near}\n  known: {known}"))
}

fn no_course() -> String {
    "found no course here (a folder with rubrics/ in it)\n  help: name it with --course DIR, or \
     name a rubric with --rubric FILE"
        .into()
}

/// Chooses the exercise: by the flag, by the submission's `.grade.toml`, or by its folder's name.
///
/// # Errors
/// A message that lists what could be meant.
pub(super) fn choose(
    course: Option<&Course>,
    flag: Option<&str>,
    submission: &Path,
) -> Result<PathBuf, String> {
    if flag.is_some() || course.is_none() {
        return named(course, flag, "from --assignment");
    }
    if let Some(slug) = from_file(submission)? {
        return named(course, Some(&slug), "from the submission's .grade.toml");
    }
    let course = course.ok_or_else(no_course)?;
    let slugs = course.slugs();
    match from_name(submission, &slugs) {
        Some(slug) => Ok(course.rubric(slug)),
        None => Err(format!(
            "cannot tell which assignment {} is\n  help: say so with --assignment SLUG\n  known: {}",
            submission.display(),
            slugs.join(", ")
        )),
    }
}

/// The largest `.grade.toml` that is read: it is the student's file.
const NOTE: u64 = 64 * 1024;

fn from_file(submission: &Path) -> Result<Option<String>, String> {
    let path = submission.join(".grade.toml");
    match std::fs::symlink_metadata(&path) {
        Ok(data) if data.is_file() && data.len() <= NOTE => {}
        Ok(_) => return Err(format!("{} is not a small plain file", path.display())),
        Err(_) => return Ok(None),
    }
    let source = std::fs::read_to_string(&path)
        .map_err(|error| format!("failed to read {}: {error}", path.display()))?;
    let mut review = Review::default();
    let root = document::read(&source, &mut review);
    let mut fields = Fields::of(&root, &mut review);
    let slug = fields.require("assignment", &mut review).and_then(|node| node.text(&mut review));
    fields.finish(&mut review);
    review.finish(&path, &source).map_err(|problems| problems.to_string())?;
    Ok(slug)
}

/// The exercise that a folder is named for: `onbuild`, `onbuild-ada`, `course-onbuild-ada`, or a
/// folder of any name below one that is.
fn from_name<'a>(submission: &Path, slugs: &'a [String]) -> Option<&'a str> {
    let path = std::fs::canonicalize(submission).ok()?;
    let names: Vec<&str> = path.ancestors().filter_map(|one| one.file_name()?.to_str()).collect();
    let own = names.first().copied().unwrap_or_default();
    let exact = |name: &str| slugs.iter().find(|slug| *slug == name);
    let within = || {
        let dashed = format!("-{own}-");
        let parts = slugs.iter().filter(|slug| dashed.contains(&format!("-{slug}-")));
        parts.max_by_key(|slug| slug.len())
    };
    let above = || names.iter().skip(1).find_map(|name| exact(name));
    exact(own).or_else(within).or_else(above).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_for_its_exercise_in_the_ways_that_tools_name_it() {
        let slugs: Vec<String> = ["onbuild", "copy-vs-add", "add"].map(str::to_owned).into();
        let root = tempfile::tempdir().unwrap();
        let named = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            from_name(&path, &slugs)
        };
        assert_eq!(named("onbuild"), Some("onbuild"));
        assert_eq!(named("copy-vs-add-ada"), Some("copy-vs-add"));
        assert_eq!(named("docker-onbuild-ada"), Some("onbuild"));
        assert_eq!(named("onbuild-submissions/x"), None);
        assert_eq!(named("copy-vs-add/solution"), Some("copy-vs-add"));
        assert_eq!(named("onbuilder"), None);
    }
}
