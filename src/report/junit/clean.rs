//! Text that may stand in XML: the crate that writes it escapes attributes and nothing else.

use crate::judge::{line, plain};

/// The most characters of an attribute.
const ATTRIBUTE: usize = 400;

/// The text as one line for an attribute.
pub(super) fn attribute(text: &str) -> String {
    // Escape sequences first: without its first character the rest of one would stay.
    allowed(&line(text, ATTRIBUTE))
}

/// Texts for an element, one below the other. They are written raw between `<![CDATA[` and `]]>`:
/// that end is split over two sections, so that a reader joins it again and none sees an end.
pub(super) fn content<'a>(texts: impl Iterator<Item = &'a String>) -> String {
    // Each by itself, as an escape sequence that never ends would swallow the next text.
    let clean: Vec<String> = texts.map(|text| allowed(&plain(text))).collect();
    // Last of all, as taking out a character can join what stood around it.
    clean.join("\n").replace("]]>", "]]]]><![CDATA[>")
}

/// The text without the characters that XML 1.0 has no place for, not even as references.
fn allowed(text: &str) -> String {
    let allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    text.chars().filter(allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(text: &str) -> String {
        content([text.to_owned()].iter())
    }

    #[test]
    fn an_end_that_is_hidden_by_what_is_taken_out_is_split_too() {
        for text in ["]]>", "]\u{0}]>", "]]\u{1b}[1m>", "]]\u{FFFE}>", "]\u{202e}]\u{85}>"] {
            assert_eq!(alone(text), "]]]]><![CDATA[>", "{text:?}");
        }
    }

    #[test]
    fn a_sequence_without_an_end_swallows_no_other_text() {
        let texts = ["found: \u{1b}]0;".to_owned(), "]]".to_owned(), "> hint".to_owned()];
        assert_eq!(content(texts.iter()), "found: \n]]\n> hint");
    }

    #[test]
    fn what_xml_allows_is_left_alone() {
        assert_eq!(alone("a\tb\nü ✘ 漢 \u{1F600} &lt;"), "a\tb\nü ✘ 漢 \u{1F600} &lt;");
    }

    #[test]
    fn an_attribute_is_one_line() {
        assert_eq!(attribute("a\r\nb\u{1b}[31m\u{FFFF}c\u{c}"), "a bc");
    }
}
