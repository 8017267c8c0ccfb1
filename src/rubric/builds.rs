//! The `[builds.NAME]` tables: how the images that probes look at are built.

use std::collections::BTreeMap;

use crate::document::{Entry, Fields, Item, Node, Review, Span};
use crate::nonce::Declared;
use crate::recipe::{BuildRecipe, Network, PlayRecipe};

use super::{DEFAULT_BUILD, plays, values};

/// The name that stands for the parent's image in a downstream build's Dockerfile.
pub const PARENT: &str = "parent";

/// Reads the tables of real builds, in the order written; a build may name the ones before it.
pub(super) fn read(
    node: Option<&Node>,
    declared: &[Declared],
    review: &mut Review,
) -> Vec<(String, BuildRecipe)> {
    let entries = node.and_then(|node| node.entries(review)).unwrap_or_default();
    let mut builds = Vec::new();
    if !entries.iter().any(|entry| entry.key == DEFAULT_BUILD) {
        builds.push((DEFAULT_BUILD.to_owned(), BuildRecipe::default()));
    }
    for entry in entries.iter().filter(|entry| !is_of_a_play(entry)) {
        let recipe = recipe(entry, &builds, declared, review);
        builds.push((entry.key.clone(), recipe));
    }
    builds
}

/// Files that builds take from what the exercise hands out, and where that is said.
pub(super) fn given_files(root: &Node) -> Vec<(String, Span)> {
    let mut files = Vec::new();
    let Some(Item::Table(builds)) = field(root, "builds").map(|node| &node.item) else {
        return files;
    };
    for build in builds.iter().map(|entry| &entry.node) {
        let restored = field(build, "restore").map(|node| &node.item);
        let restored = if let Some(Item::List(items)) = restored { items.as_slice() } else { &[] };
        let is_given = field(build, "given").is_some();
        let dockerfile = field(build, "file").filter(|_| is_given);
        for node in restored.iter().chain(dockerfile) {
            if let Item::Text(path) = &node.item {
                files.push((path.clone(), node.span.clone()));
            }
        }
    }
    files
}

fn field<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Item::Table(entries) = &node.item else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
}

/// Reads the tables of images that a play leaves, and adds them.
pub(super) fn read_played(
    node: Option<&Node>,
    builds: &mut Vec<(String, BuildRecipe)>,
    plays: &[(String, PlayRecipe)],
    declared: &[Declared],
    review: &mut Review,
) {
    let entries = node.and_then(|node| node.entries(review)).unwrap_or_default();
    for entry in entries.iter().filter(|entry| is_of_a_play(entry)) {
        let mut fields = Fields::of(&entry.node, review);
        let play = fields.require("play", review);
        let play = play.and_then(|node| plays::find(node, plays, review));
        let image = fields.require("image", review).and_then(|node| {
            let image = node.text(review)?;
            values::known(&image, node, declared, review);
            Some(image)
        });
        fields.finish(review);
        let recipe = BuildRecipe {
            play: play.map(Box::new),
            image,
            network: Network::None,
            ..BuildRecipe::default()
        };
        builds.push((entry.key.clone(), recipe));
    }
}

fn is_of_a_play(entry: &Entry) -> bool {
    field(&entry.node, "play").is_some()
}

fn recipe(
    entry: &Entry,
    before: &[(String, BuildRecipe)],
    declared: &[Declared],
    review: &mut Review,
) -> BuildRecipe {
    let mut fields = Fields::of(&entry.node, review);
    let network = fields.get("network");
    let secrets = fields.get("secrets");
    let args = fields.get("args");
    let target = fields.get("target");
    let cache = fields.get("cache");
    let files = fields.get("files");
    let archives = fields.get("archives");
    let restore = fields.get("restore");
    let remove = fields.get("remove");
    let file = fields.get("file");
    let parent = fields.get("parent");
    let after = fields.get("after");
    let dockerfile = fields.get("dockerfile");
    let given = fields.get("given");
    fields.finish(review);

    let texts = |node: Option<&Node>, review: &mut Review| {
        node.map(|node| text_map(node, declared, review)).unwrap_or_default()
    };
    let recipe = BuildRecipe {
        secrets: texts(secrets, review),
        args: texts(args, review),
        files: texts(files, review),
        archives: archives.map(|node| self::archives(node, declared, review)).unwrap_or_default(),
        restore: restore.and_then(|node| node.texts(review)).unwrap_or_default(),
        file: file.and_then(|node| node.text(review)),
        network: network.and_then(|node| self::network(node, review)).unwrap_or_default(),
        target: target.and_then(|node| node.text(review)),
        given: given.and_then(|node| node.bool(review)).unwrap_or_default(),
        cache: cache.and_then(|node| node.bool(review)),
        remove: remove.and_then(|node| node.texts(review)).unwrap_or_default(),
        parent: parent.and_then(|node| named(node, before, review)),
        after: after.and_then(|node| named(node, before, review)),
        dockerfile: dockerfile.and_then(|node| {
            let text = node.text(review)?;
            values::known(&text.replace("${parent}", ""), node, declared, review);
            Some(text)
        }),
        play: None,
        image: None,
    };
    if recipe.parent.is_none() {
        if let Some(node) = dockerfile {
            review.note(&node.span, "only a downstream build, with a `parent`, has a Dockerfile");
        }
    } else {
        for node in [archives, restore, remove, file, target].into_iter().flatten() {
            review.note(&node.span, "a downstream build's context is its `files` and nothing else");
        }
    }
    recipe
}

fn network(node: &Node, review: &mut Review) -> Option<Network> {
    match node.text(review)?.as_str() {
        "none" => Some(Network::None),
        "default" => Some(Network::Default),
        other => {
            review.unknown(&node.span, "network", other, ["none", "default"]);
            None
        }
    }
}

fn named(
    node: &Node,
    before: &[(String, BuildRecipe)],
    review: &mut Review,
) -> Option<Box<BuildRecipe>> {
    find(node, before, review).map(Box::new)
}

/// The recipe of the build that a node names.
pub(super) fn find(
    node: &Node,
    builds: &[(String, BuildRecipe)],
    review: &mut Review,
) -> Option<BuildRecipe> {
    let name = node.text(review)?;
    if let Some((_, recipe)) = builds.iter().find(|(known, _)| *known == name) {
        return Some(recipe.clone());
    }
    review.unknown(
        &node.span,
        "build (declared before)",
        &name,
        builds.iter().map(|(known, _)| known.as_str()),
    );
    None
}

/// The texts that are packed into each archive.
fn archives(
    node: &Node,
    declared: &[Declared],
    review: &mut Review,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let entries = node.entries(review).unwrap_or_default();
    let archive = |entry: &Entry| {
        values::known(&entry.key, &entry.node, declared, review);
        (entry.key.clone(), text_map(&entry.node, declared, review))
    };
    entries.iter().map(archive).collect()
}

pub(super) fn text_map(
    node: &Node,
    declared: &[Declared],
    review: &mut Review,
) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for entry in node.entries(review).unwrap_or_default() {
        if let Some(text) = entry.node.text(review) {
            values::known(&entry.key, &entry.node, declared, review);
            values::known(&text, &entry.node, declared, review);
            map.insert(entry.key.clone(), text);
        }
    }
    map
}
