//! One student of a roster's file: what stands in their line or table, checked by itself.

use std::collections::BTreeMap;

use crate::document::{Review, Span};
use crate::judge::Student;
use crate::submission::Source;

use super::name;

/// The longest text that is told of a student, in bytes.
const LONGEST: usize = 2000;

/// What can be told of a student, whatever a format calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    /// The class's own identifier.
    Id,
    /// The name that people use, whole or in parts.
    Name,
    FirstName,
    LastName,
    /// The account, and its number.
    Username,
    GithubId,
    Email,
    Section,
    Group,
    /// Where the submission is, as the instructor has written.
    Source,
    /// The repository that a tool has made.
    Repository,
    /// The exercise that the line is about: its title, and its page.
    Assignment,
    AssignmentUrl,
    /// Student or teacher.
    Role,
    /// What a tool tells and nobody needs here.
    Unused,
}

/// A text and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// The text, tidied.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// Where a line says that the submission is.
#[derive(Clone, Debug, Default)]
pub(super) enum Given {
    /// It says nothing.
    #[default]
    Nothing,
    /// There, says the instructor.
    Own(Told),
    /// There, says a tool.
    Tool(Told),
    /// It was found, or something that is none.
    Found(Result<Source, String>),
}

/// A student, and where the roster tells what of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// Who.
    pub student: Student,
    /// Where the submission is.
    pub given: Given,
    /// Where the id stands, or what stands for it.
    pub id: Span,
    /// Where the username stands.
    pub username: Span,
    /// Where the group stands.
    pub group: Span,
}

/// What a line or a table tells of one student.
#[derive(Debug)]
pub(super) struct Record {
    span: Span,
    fields: BTreeMap<Field, Told>,
}

impl Record {
    /// The line or table that stands there.
    pub(super) fn new(span: Span) -> Record {
        Record { span, fields: BTreeMap::new() }
    }

    /// Adds what it tells.
    pub(super) fn put(&mut self, field: Field, text: &str, span: Span, review: &mut Review) {
        let flaw = match field {
            // What two students could share unseen is not tidied away.
            Field::Id | Field::Username | Field::Group => name::id_flaw(text.trim()),
            _ if text.len() > LONGEST => Some(format!("this is longer than {LONGEST} bytes")),
            _ => None,
        };
        if let Some(flaw) = flaw {
            review.note(&span, flaw);
        }
        self.fields.insert(field, Told { text: name::tidy(text), span });
    }

    /// What it tells, if it is not empty.
    pub(super) fn get(&self, field: Field) -> Option<&Told> {
        self.fields.get(&field).filter(|told| !told.text.is_empty())
    }

    fn text(&self, field: Field) -> Option<String> {
        self.get(field).map(|told| told.text.clone())
    }

    /// The student. Who has no id is known by the username, or else by the address.
    pub(super) fn line(&self, review: &mut Review) -> Option<Line> {
        let by = [Field::Id, Field::Username, Field::Email];
        let Some(id) = by.iter().find_map(|field| self.get(*field)) else {
            let empty = self.fields.get(&Field::Id).or(self.fields.get(&Field::Username));
            let span = empty.map_or(&self.span, |told| &told.span);
            // An empty cell has no width to point at.
            let span = if span.is_empty() { &self.span } else { span };
            review.note(span, "the id of this student is empty");
            return None;
        };
        if let Some(username) = self.get(Field::Username)
            && let Some((message, help)) = name::username_flaw(&username.text)
        {
            match help {
                Some(help) => review.advise(&username.span, message, help),
                None => review.note(&username.span, message),
            }
        }
        let parts = [Field::FirstName, Field::LastName].map(|part| self.text(part));
        let parts = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let given = match (self.get(Field::Source), self.get(Field::Repository)) {
            (Some(source), _) => Given::Own(source.clone()),
            (None, Some(repository)) => Given::Tool(repository.clone()),
            (None, None) => Given::Nothing,
        };
        let span = |field| self.get(field).map_or(self.span.clone(), |told| told.span.clone());
        Some(Line {
            student: Student {
                id: id.text.clone(),
                name: self.text(Field::Name).or(Some(parts).filter(|name| !name.is_empty())),
                username: self.text(Field::Username),
                github_id: self.text(Field::GithubId),
                email: self.text(Field::Email),
                section: self.text(Field::Section),
                group: self.text(Field::Group),
            },
            given,
            id: id.span.clone(),
            username: span(Field::Username),
            group: span(Field::Group),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn line(fields: &[(Field, &str)]) -> (Option<Line>, Vec<String>) {
        let mut review = Review::default();
        let mut record = Record::new(0..9);
        for (field, text) in fields {
            record.put(*field, text, 1..2, &mut review);
        }
        let line = record.line(&mut review);
        let problems = review.finish(Path::new("x"), "123456789").err();
        let told = problems.iter().flat_map(|all| &all.problems).map(|one| one.message.clone());
        (line, told.collect())
    }

    #[test]
    fn who_has_no_id_is_known_by_the_username_or_the_address() {
        let id = |fields: &[(Field, &str)]| line(fields).0.map(|line| line.student.id);
        assert_eq!(id(&[(Field::Id, "1"), (Field::Username, "ada")]).as_deref(), Some("1"));
        assert_eq!(id(&[(Field::Id, " "), (Field::Username, "ada")]).as_deref(), Some("ada"));
        assert_eq!(id(&[(Field::Email, "a@b.c")]).as_deref(), Some("a@b.c"));
        let (none, problems) = line(&[(Field::Id, ""), (Field::Name, "Ada")]);
        assert!(none.is_none());
        assert_eq!(problems, ["the id of this student is empty"]);
    }

    #[test]
    fn names_are_data_and_are_tidied() {
        let (ada, problems) = line(&[
            (Field::Id, "ada"),
            (Field::Name, "=cmd|'/c calc'!A0\r\n \u{1b}[31mLovelace, Ada 🦀"),
        ]);
        let name = ada.and_then(|line| line.student.name);
        assert_eq!(name.as_deref(), Some("=cmd|'/c calc'!A0 [31mLovelace, Ada 🦀"));
        assert_eq!(problems, [""; 0]);
        let (bob, _) = line(&[(Field::Id, "b"), (Field::FirstName, "Bob"), (Field::LastName, "B")]);
        assert_eq!(bob.and_then(|line| line.student.name).as_deref(), Some("Bob B"));
    }

    #[test]
    fn ids_have_nothing_that_cannot_be_seen() {
        for id in ["a\0b", "a\nb", "a\u{202e}b", "a\u{200b}"] {
            assert_eq!(line(&[(Field::Id, id)]).1.len(), 1, "{id:?}");
        }
        assert_eq!(line(&[(Field::Id, &"x".repeat(201))]).1.len(), 1);
        assert_eq!(line(&[(Field::Id, " Lovelace, Ada (i01) ")]).1, [""; 0]);
    }

    #[test]
    fn a_username_is_one() {
        let (_, problems) = line(&[(Field::Id, "1"), (Field::Username, "../x")]);
        assert_eq!(problems.len(), 1);
    }
}
