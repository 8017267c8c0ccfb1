//! Shows what is wrong with an instructor's file: every problem, its lines, what to do.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::document::{Problem, Problems};

/// Prints all problems of a file to standard error.
pub(super) fn problems(problems: &Problems) {
    let path = problems.path.display().to_string();
    let source = &masked(&problems.source_text);
    let renderer = Renderer::styled();
    for problem in &problems.problems {
        anstream::eprintln!("{}\n", renderer.render(&[group(problem, &path, source)]));
    }
    let count = problems.problems.len();
    let noun = if count == 1 { "problem" } else { "problems" };
    anstream::eprintln!("{path}: {count} {noun}");
}

/// The text with asterisks for what may be a password or token in an address: lines are shown, and
/// kept in logs. As long as before, so that places in it stay.
fn masked(text: &str) -> String {
    let address = [r#"://[^/\s"',;]*@"#, r#"://[^/\s"'@:]*:[^/\s"'@]*@"#].map(regex::Regex::new);
    address.iter().flatten().fold(text.to_owned(), |text, address| {
        let stars = |found: &regex::Captures<'_>| format!("://{}@", "*".repeat(found[0].len() - 4));
        address.replace_all(&text, stars).into_owned()
    })
}

fn group<'a>(problem: &'a Problem, path: &'a str, source: &'a str) -> Group<'a> {
    let title = Group::with_title(Level::ERROR.primary_title(&problem.message));
    let group = if source.is_empty() {
        // A folder, or a file that cannot be read.
        title.element(Origin::path(path))
    } else {
        title.element(snippet(problem, path, source))
    };
    match &problem.help {
        Some(help) => group.element(Level::HELP.message(help)),
        None => group,
    }
}

fn snippet<'a>(problem: &Problem, path: &'a str, source: &'a str) -> Snippet<'a, Annotation<'a>> {
    // The first line of a span says enough: a whole table would fill the screen.
    let start = problem.span.start.min(source.len());
    let end = problem.span.end.min(source.len()).max(start);
    let line = source.get(start..end).and_then(|text| text.find('\n')).unwrap_or(end - start);
    let end = (start + line).max(start);
    Snippet::source(source).path(path).annotation(AnnotationKind::Primary.span(start..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_token_is_masked_and_nothing_moves() {
        for (text, shown) in [
            ("ada,https://ghp_x1@host/a,a@b.c", "ada,https://******@host/a,a@b.c"),
            ("source = \"https://u:pä,s@host/x\"", "source = \"https://*******@host/x\""),
            ("https://x.org/a,ada@x.org", "https://x.org/a,ada@x.org"),
            ("https://x.org,ada@x.org", "https://x.org,ada@x.org"),
        ] {
            assert_eq!(masked(text), shown);
            assert_eq!(masked(text).len(), text.len());
        }
    }
}
