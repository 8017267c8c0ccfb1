//! What a sample must come to, as the file beside its folder says: `score`, `lost`, `skipped`, `why`,
//! and `engine` for one that only one builder takes: `"host"` where the sandbox's refuses it,
//! `"sandbox"` where an older one does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Mistake;
use crate::document::{self, Fields, Item, Node, Review, Span, line_column};
use crate::rubric::Probe;

/// The one engine that a sample can be tried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// The engine at hand, wherever the others are tried: the sandbox's builder refuses it.
    Host,
    /// A sandbox's. It is left out where the others are tried on the engine at hand, whose builder
    /// may be too old for it.
    Sandbox,
}

impl Only {
    const NAMES: [(&str, Self); 2] = [("host", Self::Host), ("sandbox", Self::Sandbox)];

    fn read(node: &Node, review: &mut Review) -> Option<Self> {
        let name = node.text(review)?;
        let only = Self::NAMES.iter().find(|(known, _)| name == *known);
        if only.is_none() {
            review.unknown(&node.span, "engine", &name, Self::NAMES.map(|(known, _)| known));
        }
        only.map(|(_, only)| *only)
    }
}

/// What a sample must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The points.
    pub score: u32,
    /// The probes that it must miss.
    pub lost: BTreeSet<String>,
    /// The probes that cannot be asked of it.
    pub skipped: BTreeSet<String>,
    /// Where it can be tried, if not everywhere.
    pub only: Option<Only>,
    /// The file that says so.
    pub file: PathBuf,
    /// The line of that file where the lost ones are named.
    pub line: usize,
}

/// Reads the file, which must make sense for these probes: all that does not is told.
///
/// # Errors
/// The file's mistakes, or that it cannot be read.
pub(super) fn read(file: &Path, is_right: bool, probes: &[Probe]) -> Result<Expected, Mistake> {
    let source = std::fs::read_to_string(file).map_err(|error| Mistake::unread(file, &error))?;
    let mut review = Review::default();
    let root = document::read(&source, &mut review);
    // What else seems wrong in a file that is no TOML mostly follows from that.
    let mut unread = Review::default();
    let is_toml = review.is_clean();
    let noted = if is_toml { &mut review } else { &mut unread };
    let (expected, span) = expected(&root, file, is_right, probes, noted);
    review.finish(file, &source)?;
    Ok(Expected { line: line_column(&source, span.start).0, ..expected })
}

/// A list of probes' names, and where each stands.
type Names<'a> = Vec<(&'a str, &'a Span)>;

fn expected(
    root: &Node,
    file: &Path,
    is_right: bool,
    probes: &[Probe],
    review: &mut Review,
) -> (Expected, Span) {
    let mut fields = Fields::of(root, review);
    let score_node = fields.require("score", review);
    let score = score_node.and_then(|node| node.int(review));
    let lost_node = fields.require("lost", review);
    let skipped_node = fields.get("skipped");
    let before = review.count();
    let lost = lost_node.map(|node| names(node, probes, review)).unwrap_or_default();
    let skipped = skipped_node.map(|node| names(node, probes, review)).unwrap_or_default();
    let all_known = review.count() == before;
    if let Some(node) = fields.require("why", review)
        && node.text(review).is_some_and(|why| why.trim().is_empty())
    {
        review.advise(&node.span, "nothing is said", "say in a sentence what the sample is like");
    }
    let only = fields.get("engine").and_then(|node| Only::read(node, review));
    fields.finish(review);
    let lists = Lists { lost, skipped, place: skipped_node.unwrap_or(root).span.clone() };
    lists.check_twice(review);
    let span = lost_node.unwrap_or(root).span.clone();
    lists.check_kind(is_right, &span, review);
    let gone = lists.check_needs(probes, review);
    if let (Some(node), Some(score)) = (score_node, score)
        && all_known
    {
        check_score(node, score, probes, &gone, review);
    }
    let owned = |names: &Names<'_>| names.iter().map(|(name, _)| (*name).to_owned()).collect();
    let (lost, skipped) = (owned(&lists.lost), owned(&lists.skipped));
    let score = score.and_then(|score| u32::try_from(score).ok()).unwrap_or_default();
    (Expected { score, lost, skipped, only, file: file.to_owned(), line: 1 }, span)
}

fn names<'a>(node: &'a Node, probes: &[Probe], review: &mut Review) -> Names<'a> {
    let Item::List(items) = &node.item else {
        node.texts(review);
        return Names::new();
    };
    let mut names = Names::new();
    for item in items {
        match &item.item {
            Item::Text(name) if probes.iter().any(|probe| probe.id == *name) => {
                names.push((name, &item.span));
            }
            Item::Text(name) => {
                let known = probes.iter().map(|probe| probe.id.as_str());
                review.unknown(&item.span, "probe", name, known);
            }
            _ => drop(item.text(review)),
        }
    }
    names
}

/// What is named, and where something that is missing would be written.
struct Lists<'a> {
    lost: Names<'a>,
    skipped: Names<'a>,
    place: Span,
}

impl Lists<'_> {
    fn check_twice(&self, review: &mut Review) {
        let mut seen = BTreeSet::new();
        for (name, span) in self.lost.iter().chain(&self.skipped) {
            if !seen.insert(name) {
                review.note(span, format!("`{name}` is named twice"));
            }
        }
    }

    /// Whether the sample's name, which says right or flawed, fits.
    fn check_kind(&self, is_right: bool, span: &Span, review: &mut Review) {
        match (is_right, self.lost.first().or(self.skipped.first())) {
            (true, Some((name, span))) => review.advise(
                span,
                format!("a sample that is called ok-… loses nothing, not even `{name}`"),
                "empty the list, or call the sample something else",
            ),
            (false, None) => review.advise(
                span,
                "a flawed sample loses something",
                "name the probe that it loses, or call the sample `ok-…`",
            ),
            _ => {}
        }
    }

    /// Whether all that needs a lost probe is skipped. Gives all that is not met.
    fn check_needs<'p>(&self, probes: &'p [Probe], review: &mut Review) -> BTreeSet<&'p str> {
        let has = |names: &Names<'_>, id: &str| names.iter().any(|(name, _)| *name == id);
        let mut gone: BTreeSet<&str> = BTreeSet::new();
        for probe in probes {
            let id = probe.id.as_str();
            let need = probe.needs.iter().find(|need| gone.contains(need.as_str()));
            if let Some(need) = need {
                if let Some((_, span)) = self.lost.iter().find(|(name, _)| *name == id) {
                    review.advise(
                        span,
                        format!("`{id}` cannot be lost: it needs `{need}`, which is not met here"),
                        "name it in `skipped` instead",
                    );
                } else if !has(&self.skipped, id) {
                    review.advise(
                        &self.place,
                        format!("`{id}` is skipped, too: it needs `{need}`, which is not met here"),
                        format!("add \"{id}\" to `skipped`"),
                    );
                }
            }
            if need.is_some() || has(&self.lost, id) || has(&self.skipped, id) {
                gone.insert(id);
            }
        }
        gone
    }
}

fn check_score(
    node: &Node,
    score: i64,
    probes: &[Probe],
    gone: &BTreeSet<&str>,
    review: &mut Review,
) {
    let all: u32 = probes.iter().map(|probe| probe.points).sum();
    let lost = probes.iter().filter(|probe| gone.contains(probe.id.as_str()));
    let left = all - lost.map(|probe| probe.points).sum::<u32>();
    if score != i64::from(left) {
        review.advise(
            &node.span,
            format!(
                "the points do not add up: {all} less those of what is lost and skipped are {left}"
            ),
            format!("write score = {left}, if the lists are right"),
        );
    }
}
