//! The `[values]` table: what is made anew for each run.

use crate::document::{Entry, Fields, Node, Review};
use crate::nonce::{self, Declared, Origin};

/// Reads the table, in the order written; a derived value may use the ones before it.
pub(super) fn read(node: &Node, review: &mut Review) -> Vec<Declared> {
    let mut declared: Vec<Declared> = Vec::new();
    for entry in node.entries(review).unwrap_or_default() {
        if let Some(one) = value(entry, &declared, review) {
            declared.push(one);
        }
    }
    declared
}

fn value(entry: &Entry, before: &[Declared], review: &mut Review) -> Option<Declared> {
    let name = entry.key.clone();
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        review.note(&entry.key_span, "a value's name has lower-case letters, digits and _ only");
    }
    if name == super::PARENT {
        review.note(&entry.key_span, "`parent` is the parent's image in a downstream build");
    }
    if name == super::SSH_KEY {
        review.note(&entry.key_span, "`ssh_key` is the public half of the SSH agents' key");
    }
    let mut fields = Fields::of(&entry.node, review);
    let random = fields.get("random");
    let sha256 = fields.get("sha256");
    let (digits, lines) = (fields.get("digits"), fields.get("lines"));
    let says = fields.get("says").and_then(|node| node.text(review));
    fields.finish(review);
    let origin = match (random, sha256, digits, lines) {
        (Some(node), None, None, None) => Origin::Random(length(node, 8, review)?),
        (None, None, Some(node), None) => Origin::Digits(length(node, 6, review)?),
        (None, None, None, Some(node)) => Origin::Lines(least(node, review)?),
        (None, Some(node), None, None) => {
            let text = node.text(review)?;
            known(&text, node, before, review);
            Origin::Sha256(text)
        }
        _ => {
            review.advise(
                &entry.node.span,
                "a value is made in exactly one way",
                "write { random = 24 }, { lines = 12 } or { sha256 = \"${other}\" }",
            );
            return None;
        }
    };
    let says = says.unwrap_or_else(|| format!("‹{}›", name.replace('_', " ")));
    Some(Declared { name, origin, says })
}

fn length(node: &Node, least: usize, review: &mut Review) -> Option<usize> {
    let length = node.int(review)?;
    match usize::try_from(length) {
        Ok(length) if (least..=200).contains(&length) => Some(length),
        _ => {
            let message =
                format!("between {least} (so that it can't be guessed) and 200 characters");
            review.note(&node.span, message);
            None
        }
    }
}

fn least(node: &Node, review: &mut Review) -> Option<usize> {
    match usize::try_from(node.int(review)?) {
        Ok(least @ 2..=100) => Some(least),
        _ => {
            review.note(&node.span, "between 2 and 100 lines at least");
            None
        }
    }
}

/// Notes every `${name}` in a text that was not declared.
pub(super) fn known(text: &str, node: &Node, declared: &[Declared], review: &mut Review) {
    for name in nonce::names(text) {
        if !declared.iter().any(|one| one.name == name) {
            let names = declared.iter().map(|one| one.name.as_str());
            review.unknown(&node.span, "value", name, names);
        }
    }
}
