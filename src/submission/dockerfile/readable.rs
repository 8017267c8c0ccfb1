//! A Dockerfile's text without what the builder takes and the parser refuses.

use std::ops::Range;

use parse_dockerfile::{Instruction, ParserDirectives, parse, parse_iter};
use regex::Regex;

/// The most places that are blanked before a Dockerfile counts as unreadable.
const BLANKED: usize = 50;

/// A text of the same length and the same lines as the student's.
pub(super) struct Readable {
    /// The text, spaces where the parser stumbled.
    pub(super) text: String,
    /// The instructions that were blanked: their byte ranges, over escaped line ends.
    pub(super) blanked: Vec<Range<usize>>,
}

/// Blanks the instructions at which the parser gives up, and the bodies of here-documents that it
/// does not know for one; `None` when nothing helps.
pub(super) fn readable(text: &str) -> Option<Readable> {
    let escape = escape(text);
    let mut readable = Readable { text: text.to_owned(), blanked: Vec::new() };
    for _ in 0..=BLANKED {
        let Err(error) = instructions(&readable.text) else { return Some(readable) };
        let lines = lines(&readable.text);
        let at = error.line().checked_sub(1).filter(|at| *at < lines.len())?;
        let body = here_document(&readable.text, &lines, at);
        let range =
            body.clone().unwrap_or_else(|| logical_line(&readable.text, &lines, at, escape));
        if readable.text.get(range.clone())?.trim().is_empty() {
            return None;
        }
        let spaces = readable.text[range.clone()].bytes().map(|byte| match byte {
            b'\n' => '\n',
            _ => ' ',
        });
        let spaces: String = spaces.collect();
        readable.text.replace_range(range.clone(), &spaces);
        if body.is_none() {
            readable.blanked.push(range);
        }
    }
    None
}

/// The instructions, by the reading that does not mind two stages of one name: nor does the
/// builder.
pub(super) fn instructions(text: &str) -> Result<Vec<Instruction<'_>>, parse_dockerfile::Error> {
    parse_iter(text)?.collect()
}

/// What `take` finds in the directives, which stand in comments before anything else.
pub(super) fn directives<T>(
    text: &str,
    take: impl Fn(&ParserDirectives<'_>) -> Option<T>,
) -> Option<T> {
    let comments = text.lines().take_while(|line| line.trim_start().starts_with('#'));
    let head: String = comments.flat_map(|line| [line, "\n"]).collect();
    take(&parse(&format!("{head}FROM scratch\n")).ok()?.parser_directives)
}

fn escape(text: &str) -> char {
    let escape = directives(text, |directives| Some(directives.escape.as_ref()?.value.value));
    escape.unwrap_or('\\')
}

fn lines(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let ends = text.split_inclusive('\n').map(|line| {
        let range = start..start + line.len();
        start = range.end;
        range
    });
    ends.collect()
}

/// The instruction that line `at` belongs to. An instruction goes on after a line that ends with
/// the escape character, over comments and empty lines.
fn logical_line(text: &str, lines: &[Range<usize>], at: usize, escape: char) -> Range<usize> {
    let goes_on = |line: usize| text[lines[line].clone()].trim_end().ends_with(escape);
    let between = |line: usize| {
        let line = text[lines[line].clone()].trim_start();
        line.is_empty() || line.starts_with('#')
    };
    let mut first = at;
    while let Some(before) = (0..first).rev().find(|line| !between(*line))
        && goes_on(before)
    {
        first = before;
    }
    let mut last = at;
    while goes_on(last)
        && let Some(next) = (last + 1..lines.len()).find(|line| !between(*line))
    {
        last = next;
    }
    lines[first].start..lines[last].end
}

/// The here-document that line `at` lies in, if it lies in one: what of it the parser took for
/// instructions is none.
fn here_document(text: &str, lines: &[Range<usize>], at: usize) -> Option<Range<usize>> {
    let start = Regex::new(r#"<<-?["']?([A-Za-z_][A-Za-z0-9_]*)["']?"#).ok()?;
    let line = |line: usize| &text[lines[line].clone()];
    let opening = (0..at).rev().find(|before| start.is_match(line(*before)))?;
    let (mut first, mut end) = (opening + 1, opening);
    for word in start.captures_iter(line(opening)) {
        // The parser may know the one before.
        if end < at {
            first = end + 1;
        }
        end = (end + 1..lines.len()).find(|after| line(*after).trim() == &word[1])?;
    }
    (at <= end).then(|| lines[first].start..lines[end].end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blanked(text: &str) -> Option<String> {
        let readable = readable(text)?;
        assert_eq!(readable.text.len(), text.len());
        assert_eq!(readable.text.matches('\n').count(), text.matches('\n').count());
        Some(readable.text.lines().map(str::trim_end).collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn what_the_parser_reads_stays_as_it_is() {
        let text = "FROM a AS b\r\nCMD []\nFROM c AS b\n# é\nRUN <<EOF\nx\nEOF\n";
        assert_eq!(readable(text).unwrap().text, text);
    }

    #[test]
    fn only_the_instruction_that_is_refused_is_blanked() {
        let text = "FROM a\nENTRYPOINT []\nARG VERSION\nENTRYPOINT [ ]\nRUN é\n";
        assert_eq!(blanked(text).unwrap(), "FROM a||ARG VERSION||RUN é");
        assert_eq!(readable(text).unwrap().blanked, [7..21, 33..48]);
    }

    #[test]
    fn an_instruction_over_several_lines_is_blanked_whole_and_no_more() {
        for text in [
            "FROM a\nENTRYPOINT \\\n# why\n\n  []\nARG VERSION\n",
            "FROM a\nENTRYPOINT \\\n  [ \\\n\n]\nARG VERSION\n",
            "# escape=`\nFROM a\nENTRYPOINT `\n\n\n []\nARG VERSION\n",
        ] {
            let blanked = blanked(text).unwrap_or_else(|| panic!("{text:?}"));
            assert!(blanked.ends_with("FROM a|||||ARG VERSION"), "{blanked:?}");
        }
        let text = "FROM a\nRUN b `date`\nENTRYPOINT []\nARG VERSION\n";
        assert_eq!(blanked(text).unwrap(), "FROM a|RUN b `date`||ARG VERSION");
    }

    #[test]
    fn a_here_document_after_the_command_is_no_instruction() {
        let text = "FROM a\nRUN cat > x <<'EOF'\nbody\n\nARG NO\nEOF\nARG YES\n";
        assert_eq!(blanked(text).unwrap(), "FROM a|RUN cat > x <<'EOF'|||||ARG YES");
        let text = "FROM a\nRUN cat > x <<EOF\nFROM b\nCMD c\nEOF\nARG YES\n";
        assert_eq!(blanked(text).unwrap(), "FROM a|RUN cat > x <<EOF||||ARG YES");
        let text = "FROM a\nRUN a <<ONE b <<-TWO\nx\nONE\ny\n\tTWO\nARG YES\n";
        assert_eq!(blanked(text).unwrap(), "FROM a|RUN a <<ONE b <<-TWO|||||ARG YES");
    }

    #[test]
    fn what_no_builder_takes_is_unreadable() {
        for text in ["", "# nothing\n", "ARG A\n", "FROM a\nRUN <<EOF\nx\n"] {
            assert_eq!(blanked(text), None, "{text:?}");
        }
        let many = "FROM a\n".to_owned() + &"nonsense\n".repeat(BLANKED);
        assert!(blanked(&many).is_some());
        assert_eq!(blanked(&(many + "nonsense\n")), None);
    }
}
