//! What of a context the builder asks for.

use super::links::follow;
use super::pattern::Matched;
use super::{BadPattern, Context, ContextError, Entry, EntryKind, Matcher};

/// What of a context is asked for: patterns and paths as a builder sends them with its request.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What is left out, the rules of the `.dockerignore`.
    pub exclude: Vec<String>,
    /// Nothing but what matches one of these, unless there are none.
    pub include: Vec<String>,
    /// Nothing but these, and what links on the way lead to, unless there are none.
    pub follow: Vec<String>,
}

/// A folder on the way.
struct Level {
    folder: Entry,
    /// Already handed out.
    is_told: bool,
    rest: std::vec::IntoIter<Entry>,
    excluded: Matched,
    included: Matched,
}

impl Filter {
    /// The most rules that are followed: each is tried on each path.
    pub const RULES: usize = 1_000;
}

impl Context {
    /// Hands out what a builder asks for, in the order of its protocol: a folder, what is in it, by the names' bytes. A folder that is not asked
    /// for comes before the first in it that is.
    ///
    /// # Errors
    /// A pattern that is none, too many of them, what cannot be read, and what `tell` says.
    pub fn walk(
        &self,
        filter: &Filter,
        tell: &mut dyn FnMut(Entry) -> Result<(), ContextError>,
    ) -> Result<(), ContextError> {
        let excludes = self.matcher(&filter.exclude)?;
        let followed = match filter.follow.is_empty() {
            true => None,
            false => follow(self, &filter.follow),
        };
        let include: Vec<String> =
            filter.include.iter().cloned().chain(followed.into_iter().flatten()).collect();
        let includes = if include.is_empty() { None } else { Some(self.matcher(&include)?) };
        let top = self.top();
        let mut way = vec![Level {
            rest: self.children(&top)?.into_iter(),
            folder: top,
            is_told: true,
            excluded: Matched::new(),
            included: Matched::new(),
        }];
        while let Some(level) = way.last_mut() {
            let Some(entry) = level.rest.next() else {
                way.pop();
                continue;
            };
            let (is_excluded, excluded) = excludes.matches(&entry.path, &level.excluded);
            let (is_included, included) = match &includes {
                None => (true, Matched::new()),
                Some(includes) => includes.matches(&entry.path, &level.included),
            };
            let is_wanted = is_included && !is_excluded;
            if is_wanted {
                for level in way.iter_mut().filter(|level| !level.is_told) {
                    tell(level.folder.clone())?;
                    level.is_told = true;
                }
                tell(entry.clone())?;
            }
            let goes_in = (is_included
                || includes.as_ref().is_none_or(|one| one.may_match_in(&entry.path)))
                && (!is_excluded || excludes.may_except_in(&entry.path));
            if entry.kind == EntryKind::Folder && goes_in {
                let rest = self.children(&entry)?.into_iter();
                way.push(Level { folder: entry, is_told: is_wanted, rest, excluded, included });
            }
        }
        Ok(())
    }

    fn matcher(&self, patterns: &[String]) -> Result<Matcher, ContextError> {
        let path = || self.rules().unwrap_or_else(|| ".dockerignore".to_owned());
        if patterns.len() > Filter::RULES {
            return Err(ContextError::TooManyRules { path: path() });
        }
        Matcher::new(patterns)
            .map_err(|BadPattern(line)| ContextError::NoPattern { path: path(), line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Content, Written};

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        folder
    }

    fn of(folder: &tempfile::TempDir) -> Context {
        Context::of_folder(folder.path().to_owned(), "Dockerfile".to_owned())
    }

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn paths(context: &Context, filter: &Filter) -> Vec<String> {
        let mut paths = Vec::new();
        let walked = context.walk(filter, &mut |entry| {
            paths.push(entry.path);
            Ok(())
        });
        walked.unwrap();
        paths
    }

    fn asked(context: &Context, exclude: &[&str], follow: &[&str]) -> Vec<String> {
        let (exclude, follow) = (list(exclude), list(follow));
        paths(context, &Filter { exclude, follow, ..Filter::default() })
    }

    #[test]
    fn what_is_excluded_stays_out_but_for_exceptions() {
        let folder = folder(&[
            ("Dockerfile", ""),
            ("b", ""),
            ("src/a", ""),
            ("src/d/x", ""),
            ("src/d/y", ""),
        ]);
        assert_eq!(asked(&of(&folder), &["*", "!src/d/x"], &[]), ["src", "src/d", "src/d/x"]);
        assert_eq!(asked(&of(&folder), &["src"], &[]), ["Dockerfile", "b"]);
        assert_eq!(asked(&of(&folder), &[], &[]).len(), 7);
    }

    #[test]
    fn only_what_a_build_copies_is_walked() {
        let folder = folder(&[
            ("a", ""),
            ("src/a.py", ""),
            ("src/b.txt", ""),
            ("src/d/c.py", ""),
            ("x/y/z", ""),
        ]);
        let context = of(&folder);
        assert_eq!(
            asked(&context, &[], &["/src/*.py", "/x/y"]),
            ["src", "src/a.py", "x", "x/y", "x/y/z"]
        );
        assert_eq!(asked(&context, &["**/z"], &["/x"]), ["x", "x/y"]);
        assert_eq!(asked(&context, &[], &["/nothing"]), Vec::<String>::new());
        assert_eq!(asked(&context, &[], &["/a", "/"]).len(), 9);
    }

    #[test]
    fn links_on_the_way_are_sent_with_what_they_lead_to() {
        let folder = folder(&[("real/file", ""), ("real/other", ""), ("deep/er/x", "")]);
        for (link, target) in [
            ("link", "real"),
            ("abs", "/deep/er"),
            ("real/back", "../link/file"),
            ("self", "self"),
            ("out", "../../etc"),
        ] {
            std::os::unix::fs::symlink(target, folder.path().join(link)).unwrap();
        }
        let context = of(&folder);
        assert_eq!(asked(&context, &[], &["/link/file"]), ["link", "real", "real/file"]);
        assert_eq!(asked(&context, &[], &["/abs/x"]), ["abs", "deep", "deep/er", "deep/er/x"]);
        assert_eq!(asked(&context, &[], &["/real/b*"]), ["link", "real", "real/back", "real/file"]);
        assert_eq!(asked(&context, &[], &["/self", "/out/passwd"]), ["out", "self"]);
    }

    #[test]
    fn files_laid_over_a_folder_take_the_place_of_what_is_there() {
        let folder = folder(&[("a", "1"), ("d/e/x", "1"), ("d/y", "1"), ("gone/z", "")]);
        std::os::unix::fs::symlink("/etc", folder.path().join("link")).unwrap();
        let mut context = of(&folder);
        for path in ["a/b", "d/e", "link/c", "gone/new"] {
            context.files.insert(path.to_owned(), "text".to_owned().into());
        }
        context.removed.push("gone".to_owned());
        let zeros = Written { content: Content::Zeros(1 << 40), mode: Some(0o755) };
        context.files.insert("zeros".to_owned(), zeros);
        assert_eq!(
            asked(&context, &[], &[]),
            ["a", "a/b", "d", "d/e", "d/y", "gone", "gone/new", "link", "link/c", "zeros"]
        );
        let top = context.children(&context.top()).unwrap();
        let zeros = top.last().unwrap();
        assert_eq!((&zeros.kind, zeros.mode), (&EntryKind::File(1 << 40), 0o755));
        let year_2020 = 1_577_836_800_000_000_000;
        assert!(zeros.modified > year_2020, "an archiver can hold it");
    }

    #[test]
    fn rules_are_named_by_their_file() {
        let folder = folder(&[(".dockerignore", ""), ("Dockerfile.dockerignore", "")]);
        let mut context = of(&folder);
        let bad = Filter { exclude: list(&["["]), ..Filter::default() };
        let refused =
            |context: &Context| context.walk(&bad, &mut |_| Ok(())).unwrap_err().to_string();
        assert_eq!(refused(&context), "Dockerfile.dockerignore has a line that is no pattern: [");
        context.removed.push("Dockerfile.dockerignore".to_owned());
        assert_eq!(refused(&context), ".dockerignore has a line that is no pattern: [");
        let many = Filter { exclude: vec!["a".to_owned(); Filter::RULES + 1], ..Filter::default() };
        let refused = context.walk(&many, &mut |_| Ok(())).unwrap_err().to_string();
        assert_eq!(refused, ".dockerignore is too long: more than 1000 rules");
    }
}
