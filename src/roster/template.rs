//! A pattern for where submissions are: an address or a path with fields in braces, which are
//! filled with what the roster tells of each student.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::document::Span;
use crate::judge::Student;
use crate::submission::{GitSource, Revision, Source};

use super::file::Paper;
use super::place::{self, is_address};

/// The fields that differ from student to student come last.
const FIELDS: [(&str, Part); 5] = [
    ("assignment", Part::Assignment),
    ("section", Part::Section),
    ("group", Part::Group),
    ("username", Part::Username),
    ("id", Part::Id),
];

/// What stands for itself in an address.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Assignment,
    Section,
    Group,
    Username,
    Id,
}

/// A pattern for addresses or paths.
#[derive(Clone, Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
    is_address: bool,
    assignment: Option<String>,
}

impl Template {
    /// Reads a pattern. Problems are noted where it stands.
    pub(super) fn read(
        text: &str,
        span: &Span,
        assignment: Option<&str>,
        paper: &mut Paper,
    ) -> Option<Template> {
        let review = &mut paper.review;
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                review.note(span, "a `{` is not closed");
                return None;
            };
            parts.push(Part::Text(before.to_owned()));
            let Some((_, part)) = FIELDS.iter().find(|(known, _)| *known == name) else {
                review.unknown(span, "field", name, FIELDS.iter().map(|(known, _)| *known));
                return None;
            };
            parts.push(part.clone());
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        let template = Template {
            parts,
            is_address: is_address(&text.replace(['{', '}'], "")),
            assignment: assignment.map(Into::into),
        };
        template.check(text, span, paper).then_some(template)
    }

    fn check(&self, text: &str, span: &Span, paper: &mut Paper) -> bool {
        let review = &mut paper.review;
        let differs = [Part::Username, Part::Id, Part::Group];
        if !differs.iter().any(|part| self.parts.contains(part)) {
            let help = "write `{username}`, `{id}` or `{group}` where they differ";
            review.advise(span, "all students would have the same source", help);
            return false;
        }
        if self.parts.contains(&Part::Assignment) && self.assignment.is_none() {
            review.advise(span, "nothing says which assignment this is", "name the assignment");
            return false;
        }
        if !self.is_address {
            return true;
        }
        // Nobody's name may choose the host.
        let host = text.split_once("://").map_or_else(
            || text.split(':').next().unwrap_or_default(),
            |(_, rest)| rest.split('/').next().unwrap_or_default(),
        );
        if host.contains('{') {
            review.note(span, "fields stand behind the host's name only");
            return false;
        }
        match place::read(text, Path::new(""), &Revision::Head) {
            Ok(_) => true,
            Err(flaw) => {
                paper.flaw(span, flaw);
                false
            }
        }
    }

    /// Whether students of one group would get sources of their own.
    pub(super) fn is_of_one(&self) -> bool {
        self.parts.contains(&Part::Username) || self.parts.contains(&Part::Id)
    }

    /// Where a student's submission is, or why that cannot be told, in a sentence. A name never
    /// leads elsewhere: it stays one part of an address, and one step of a path.
    pub(super) fn fill(
        &self,
        student: &Student,
        base: &Path,
        revision: &Revision,
    ) -> Result<Source, String> {
        let mut filled = String::new();
        for part in &self.parts {
            let (what, value) = match part {
                Part::Text(text) => {
                    filled.push_str(text);
                    continue;
                }
                Part::Assignment => ("assignment", self.assignment.as_ref()),
                Part::Section => ("section", student.section.as_ref()),
                Part::Group => ("group", student.group.as_ref()),
                Part::Username => ("username", student.username.as_ref()),
                Part::Id => ("id", Some(&student.id)),
            };
            let value = value.ok_or_else(|| format!("the roster has no {what} for them"))?;
            if value == "." || value == ".." {
                return Err(format!("their {what}, `{value}`, cannot be a part of where it is"));
            }
            if self.is_address {
                filled.extend(utf8_percent_encode(value, ENCODED));
            } else if value.contains(['/', '\\', '\0']) {
                return Err(format!("their {what} has a `/` and cannot be a folder's name"));
            } else {
                filled.push_str(value);
            }
        }
        if self.is_address {
            return Ok(Source::Git(GitSource { url: filled, at: revision.clone() }));
        }
        place::look(&base.join(filled))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    fn template(text: &str) -> Result<Template, String> {
        let mut paper = Paper::new(Path::new("source"), text.into());
        let template = Template::read(text, &(0..text.len()), Some("hw 1"), &mut paper);
        let problems = paper.finish();
        template.ok_or_else(|| problems.map(|all| all.to_string()).unwrap_or_default())
    }

    fn student(id: &str) -> Student {
        let text = || Some(id.to_owned());
        Student { id: id.into(), username: text(), group: text(), ..Student::default() }
    }

    fn filled(text: &str, student: &Student) -> Result<String, String> {
        let source = template(text)?.fill(student, Path::new("/subs"), &Revision::Head)?;
        match source {
            Source::Git(git) => Ok(git.url),
            Source::Path(path) => Ok(path.display().to_string()),
        }
    }

    #[test]
    fn fields_are_filled_and_encoded() {
        let at = |text| filled(text, &student("Ada B"));
        let github = "https://github.com/org/{assignment}-{username}";
        assert_eq!(at(github).as_deref(), Ok("https://github.com/org/hw%201-Ada%20B"));
        assert_eq!(at("git@host:{group}.git").as_deref(), Ok("git@host:Ada%20B.git"));
        let nobody = Student { id: "1".into(), ..Student::default() };
        assert_eq!(filled(github, &nobody), Err("the roster has no username for them".into()));
    }

    #[test]
    fn a_pattern_that_cannot_work_is_told() {
        for (text, part) in [
            ("https://github.com/org/x", "all students would have the same source"),
            ("https://github.com/org/{usrname}", "did you mean `username`?"),
            ("https://github.com/org/{username", "a `{` is not closed"),
            ("https://{username}.example.org/x", "fields stand behind the host's name only"),
            ("git@{id}:x", "fields stand behind the host's name only"),
            ("http://github.com/{id}", "write https://github.com/{id}"),
        ] {
            let problem = template(text).err().unwrap_or_default();
            assert!(problem.contains(part), "{text}: {problem}");
        }
        let mut paper = Paper::new(Path::new("source"), String::new());
        assert!(Template::read("x/{assignment}-{id}", &(0..1), None, &mut paper).is_none());
    }

    #[test]
    fn a_path_is_filled_with_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("ada")).unwrap();
        let fill =
            |id: &str| template("{id}").unwrap().fill(&student(id), folder.path(), &Revision::Head);
        assert_eq!(fill("ada"), Ok(Source::Path(folder.path().join("ada"))));
        for id in ["bob", "..", ".", "../x", "a/b", "a\\b", "\0"] {
            assert!(fill(id).is_err(), "{id:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_stays_one_part_of_an_address(id in prop_oneof![".{1,9}", "[./%\\\\@:?#-]{1,9}"]) {
            let text = "https://github.com/org/hw-{id}";
            let own = "https://github.com/{id}";
            for (text, before) in [(text, 2), (own, 1)] {
                let Ok(url) = filled(text, &student(&id)) else { continue };
                let url = Url::parse(&url).unwrap();
                prop_assert_eq!(url.host_str(), Some("github.com"));
                prop_assert_eq!(url.path_segments().unwrap().count(), before);
                prop_assert!(url.query().is_none() && url.fragment().is_none());
            }
        }
    }
}
