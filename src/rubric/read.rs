//! From a TOML document to a rubric, noting every problem on the way.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::ask::{Ask, Params};
use crate::document::{self, Entry, Fields, Item, Node, Review, Span};
use crate::expect;
use crate::nonce::{self, Declared};
use crate::recipe::{BuildRecipe, PlayRecipe};
use crate::unit;

use super::{
    Case, Draft, FORMAT, Facet, Facets, Limits, Probe, ProbeSpans, Rubric, Words, builds, plays,
    values,
};

/// Reads a rubric's text. The path is for messages, and its stem is the slug it must have.
pub fn read(path: &Path, source: String) -> Draft {
    let mut review = Review::default();
    let root = document::read(&source, &mut review);
    // What else seems wrong in a file that is no TOML mostly follows from that.
    let mut unread = Review::default();
    let is_toml = review.is_clean();
    let rubric = rubric(&root, path, &source, if is_toml { &mut review } else { &mut unread });
    let given_files = builds::given_files(&root);
    Draft { path: PathBuf::from(path), source, rubric, given_files, review }
}

fn rubric(root: &Node, path: &Path, source: &str, review: &mut Review) -> Rubric {
    let mut fields = Fields::of(root, review);
    if let Some(node) = fields.require("format", review)
        && node.text(review).is_some_and(|format| format != FORMAT)
    {
        review.advise(
            &node.span,
            "this version reads no such format",
            format!("write \"{FORMAT}\""),
        );
    }
    let text = |node: Option<&Node>, review: &mut Review| {
        node.and_then(|node| node.text(review)).unwrap_or_default()
    };
    let slug_node = fields.require("slug", review);
    let slug = text(slug_node, review);
    if let (Some(node), Some(stem)) = (slug_node, path.file_stem().and_then(|stem| stem.to_str()))
        && stem != slug
    {
        review.note(&node.span, format!("the slug is the file's name, `{stem}`"));
    }
    let title = text(fields.require("title", review), review);
    let lesson = fields.require("lesson", review).and_then(|node| node.text(review));
    let course = fields.get("course").and_then(|node| node.text(review));
    let limits = fields.get("limits").map(|node| limits(node, review)).unwrap_or_default();
    let declared = fields.get("values").map(|node| values::read(node, review)).unwrap_or_default();
    let (build_tables, play_tables) = (fields.get("builds"), fields.get("plays"));
    let declared = plays::with_registry(play_tables, declared, review);
    let declared = builds::with_ssh_key(build_tables, declared, review);
    let mut builds = builds::read(build_tables, &declared, review);
    let known = plays::Known { values: &declared, builds: &builds };
    let plays = plays::read(play_tables, &known, review);
    builds::read_played(build_tables, &mut builds, &plays, &declared, review);
    let known =
        Known { values: &declared, builds: &builds, plays: &plays, lesson: lesson.as_deref() };
    let probes = match fields.require("probe", review).map(|node| (&node.item, &node.span)) {
        Some((Item::List(nodes), _)) => probes(nodes, &known, review),
        Some((_, span)) => {
            review.advise(span, "expected a list of probes", "write each under [[probe]]");
            Vec::new()
        }
        None => Vec::new(),
    };
    if !probes.is_empty() && probes.iter().all(|probe| probe.points == 0) {
        review.note(&root.span, "no probe is worth any points");
    }
    fields.finish(review);
    Rubric {
        slug,
        title,
        course: course.unwrap_or_else(|| "docker".into()),
        limits,
        values: declared,
        builds,
        plays,
        probes,
        digest: nonce::hex(&Sha256::digest(source)),
    }
}

/// What a probe may refer to.
struct Known<'a> {
    values: &'a [Declared],
    builds: &'a [(String, BuildRecipe)],
    plays: &'a [(String, PlayRecipe)],
    lesson: Option<&'a str>,
}

/// What is wrong with a limit of zero or less.
const NOTHING: &str = "no submission could keep within this limit";

fn limits(node: &Node, review: &mut Review) -> Limits {
    let mut limits = Limits::default();
    let mut fields = Fields::of(node, review);
    if let Some(node) = fields.get("build")
        && let Some(text) = node.text(review)
    {
        match unit::parse_duration(&text) {
            Ok(long) if long.is_zero() => review.note(&node.span, NOTHING),
            Ok(long) => limits.build = long,
            Err(message) => review.note(&node.span, message),
        }
    }
    if let Some(node) = fields.get("context_size")
        && let Some(text) = node.text(review)
    {
        match unit::parse_bytes(&text) {
            Ok(0) => review.note(&node.span, NOTHING),
            Ok(bytes) => limits.context_size = bytes,
            Err(message) => review.note(&node.span, message),
        }
    }
    if let Some(node) = fields.get("context_files")
        && let Some(count) = node.int(review)
    {
        match u64::try_from(count) {
            Ok(count @ 1..) => limits.context_files = count,
            _ => review.note(&node.span, NOTHING),
        }
    }
    fields.finish(review);
    limits
}

fn probes(nodes: &[Node], known: &Known<'_>, review: &mut Review) -> Vec<Probe> {
    let mut probes: Vec<Probe> = Vec::new();
    for node in nodes {
        let probe = probe(node, &probes, known, review);
        probes.push(probe);
    }
    probes
}

fn probe(node: &Node, before: &[Probe], known: &Known<'_>, review: &mut Review) -> Probe {
    let mut fields = Fields::of(node, review);
    let mut spans = ProbeSpans { probe: node.span.clone(), ..ProbeSpans::default() };

    let id_node = fields.require("id", review);
    let id = id_node.and_then(|node| node.text(review)).unwrap_or_default();
    if let Some(node) = id_node {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.is_empty() || !id.chars().all(plain) {
            review.note(&node.span, "an id has lower-case letters, digits and - only");
        }
        if before.iter().any(|probe| probe.id == id) {
            review.note(&node.span, format!("another probe is called `{id}` already"));
        }
    }
    let title = fields.require("title", review).and_then(|node| node.text(review));
    let points = fields.require("points", review).and_then(|node| points(node, review));
    let kind = fields.require("kind", review);
    spans.kind = kind.map_or_else(|| node.span.clone(), |node| node.span.clone());
    let kind = kind.and_then(|node| node.text(review)).unwrap_or_default();
    let with = fields.get("with").map(|node| with(node, known, &mut spans, review));
    let expect = fields.require("expect", review).map(|node| facets(node, known, review));
    let when = fields.get("when").map(|node| facets(node, known, review));
    let needs = fields.get("needs").map(|node| needs(node, before, &id, review));
    let hidden = fields.get("hidden").and_then(|node| node.bool(review)).unwrap_or(false);

    let mut word = |key: &'static str, review: &mut Review| {
        let node = fields.get(key)?;
        let text = node.text(review)?;
        spans.words.push((text.clone(), node.span.clone()));
        Some(text)
    };
    let words = Words {
        met: word("met", review),
        missed: word("missed", review),
        hint: word("hint", review),
        lesson: word("lesson", review).or_else(|| known.lesson.map(str::to_owned)),
        look_at: word("look_at", review).map(|name| name.to_uppercase()),
    };
    let cases = match fields.get("case").map(|node| (&node.item, &node.span)) {
        Some((Item::List(nodes), _)) => {
            nodes.iter().filter_map(|node| case(node, known, &mut spans, review)).collect()
        }
        Some((_, span)) => {
            review.advise(span, "expected a list of cases", "write each under [[probe.case]]");
            Vec::new()
        }
        None => Vec::new(),
    };
    fields.finish(review);
    Probe {
        id,
        title: title.unwrap_or_default(),
        points: points.unwrap_or_default(),
        needs: needs.unwrap_or_default(),
        ask: Ask { kind, with: with.unwrap_or_default() },
        expect: expect.unwrap_or_default(),
        when: when.unwrap_or_default(),
        words,
        cases,
        hidden,
        spans,
    }
}

fn points(node: &Node, review: &mut Review) -> Option<u32> {
    let points = node.int(review)?;
    match u32::try_from(points) {
        Ok(points @ 0..=1_000) => Some(points),
        _ => {
            review.note(&node.span, "points are whole numbers from 0 to 1000");
            None
        }
    }
}

fn needs(node: &Node, before: &[Probe], id: &str, review: &mut Review) -> Vec<String> {
    let Item::List(items) = &node.item else {
        node.texts(review);
        return Vec::new();
    };
    let mut needs = Vec::new();
    for item in items {
        let Some(name) = item.text(review) else { continue };
        if name == id {
            review.note(&item.span, "a probe cannot need itself");
        } else if before.iter().any(|probe| probe.id == name) {
            needs.push(name);
        } else {
            let known = before.iter().map(|probe| probe.id.as_str());
            review.unknown(&item.span, "probe (a need names one that stands before)", &name, known);
        }
    }
    needs
}

fn facets(node: &Node, known: &Known<'_>, review: &mut Review) -> Facets {
    let entries = node.entries(review).unwrap_or_default();
    if entries.is_empty() {
        review.note(&node.span, "nothing is expected, so nothing could be missed");
    }
    let mut facets = Facets::new();
    for entry in entries {
        names_in(&entry.node, known, review);
        for (fact, span, node) in facts_of(entry) {
            if let Some(expect) = expect::parse(node, review) {
                facets.push(Facet { fact, expect, span });
            }
        }
    }
    facets
}

/// The facts that an entry names: itself, or, as TOML reads `labels."a.b" = …` as a table within
/// a table, the keys of a map. What has a matcher's name is a matcher.
fn facts_of(entry: &Entry) -> Vec<(String, Span, &Node)> {
    let is_matcher = |key: &str| expect::MATCHERS.contains(&key);
    match &entry.node.item {
        Item::Table(keys) if !keys.is_empty() && !keys.iter().any(|one| is_matcher(&one.key)) => {
            keys.iter()
                .map(|one| (format!("{}.{}", entry.key, one.key), one.key_span.clone(), &one.node))
                .collect()
        }
        _ => vec![(entry.key.clone(), entry.key_span.clone(), &entry.node)],
    }
}

/// Notes unknown `${names}` anywhere below a node.
fn names_in(node: &Node, known: &Known<'_>, review: &mut Review) {
    match &node.item {
        Item::Text(text) => values::known(text, node, known.values, review),
        Item::List(items) => items.iter().for_each(|item| names_in(item, known, review)),
        Item::Table(entries) => {
            entries.iter().for_each(|entry| names_in(&entry.node, known, review));
        }
        Item::Int(_) | Item::Bool(_) | Item::Fraction(_) | Item::Time(_) | Item::Other => {}
    }
}

fn with(node: &Node, known: &Known<'_>, spans: &mut ProbeSpans, review: &mut Review) -> Params {
    let mut params = Params::new();
    for entry in node.entries(review).unwrap_or_default() {
        names_in(&entry.node, known, review);
        spans.with.push((entry.key.clone(), entry.key_span.clone(), entry.node.span.clone()));
        let value = match entry.key.as_str() {
            "build" | "other" | "pieces" => builds::find(&entry.node, known.builds, review)
                .and_then(|recipe| serde_json::to_value(recipe).ok()),
            "play" => plays::find(&entry.node, known.plays, review)
                .and_then(|recipe| serde_json::to_value(recipe).ok()),
            _ => json(&entry.node, review),
        };
        if let Some(value) = value {
            params.insert(entry.key.clone(), value);
        }
    }
    params
}

fn json(node: &Node, review: &mut Review) -> Option<Json> {
    match &node.item {
        Item::Text(text) => Some(Json::from(text.as_str())),
        Item::Int(number) => Some(Json::from(*number)),
        Item::Bool(value) => Some(Json::from(*value)),
        Item::List(items) => items.iter().map(|item| json(item, review)).collect(),
        Item::Table(entries) => entries
            .iter()
            .map(|entry| Some((entry.key.clone(), json(&entry.node, review)?)))
            .collect(),
        Item::Fraction(_) | Item::Time(_) | Item::Other => {
            review.note(&node.span, format!("a parameter cannot be {}", node.what()));
            None
        }
    }
}

fn case(
    node: &Node,
    known: &Known<'_>,
    spans: &mut ProbeSpans,
    review: &mut Review,
) -> Option<Case> {
    let mut fields = Fields::of(node, review);
    let when = fields.require("when", review).map(|node| facets(node, known, review));
    let missed = fields.require("missed", review);
    let hint_node = fields.get("hint");
    fields.finish(review);
    let missed_text = missed.and_then(|node| node.text(review))?;
    let hint = hint_node.and_then(|node| node.text(review));
    let span = missed.map(|node| node.span.clone()).unwrap_or_default();
    spans.words.push((missed_text.clone(), span.clone()));
    if let (Some(node), Some(text)) = (hint_node, &hint) {
        spans.words.push((text.clone(), node.span.clone()));
    }
    Some(Case { when: when?, missed: missed_text, hint, span })
}
