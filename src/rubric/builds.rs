//! The `[builds.NAME]` tables: how the images that probes look at are built.

use std::collections::BTreeMap;

use crate::document::{Entry, Fields, Item, Node, Review, Span};
use crate::nonce::{Declared, Origin};
use crate::recipe::{BuildRecipe, Network, PlayRecipe};
use crate::unit;

use super::{DEFAULT_BUILD, plays, values};

/// The name that stands for the parent's image in a downstream build's Dockerfile.
pub const PARENT: &str = "parent";

/// The value that is the public half of the SSH agents' key.
pub const SSH_KEY: &str = "ssh_key";

/// What makes sense of a folder that was handed in, and of no other.
const OF_A_FOLDER: [&str; 8] =
    ["archives", "restore", "remove", "file", "target", "mounts", "skip", "only"];

/// What a RUN can mount.
pub const MOUNT_TYPES: [&str; 5] = ["bind", "cache", "secret", "ssh", "tmpfs"];

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

/// Whether some table among them has a key.
pub(super) fn some_have(tables: Option<&Node>, key: &str, review: &mut Review) -> bool {
    let entries = tables.and_then(|node| node.entries(review)).unwrap_or_default();
    let tables = entries.iter().filter_map(|entry| entry.node.entries(review));
    tables.flatten().any(|field| field.key == key)
}

/// What is declared, and what a build with an SSH agent adds to it.
pub(super) fn with_ssh_key(
    builds: Option<&Node>,
    mut declared: Vec<Declared>,
    review: &mut Review,
) -> Vec<Declared> {
    if some_have(builds, "ssh", review) && !declared.iter().any(|one| one.name == SSH_KEY) {
        let (name, says) = (SSH_KEY.to_owned(), "the agent's key".to_owned());
        declared.push(Declared { name, origin: Origin::SshKey, says });
    }
    declared
}

fn recipe(
    entry: &Entry,
    before: &[(String, BuildRecipe)],
    declared: &[Declared],
    review: &mut Review,
) -> BuildRecipe {
    let mut fields = Fields::of(&entry.node, review);
    let like = fields.get("like").and_then(|node| find(node, before, review));
    let mut recipe = like.unwrap_or_default();
    let texts = |node: &Node, review: &mut Review| text_map(node, declared, review);
    if let Some(node) = fields.get("network") {
        recipe.network = network(node, review).unwrap_or_default();
    }
    if let Some(node) = fields.get("secrets") {
        recipe.secrets = texts(node, review);
    }
    if let Some(node) = fields.get("ssh") {
        recipe.ssh = ids(node, declared, review).unwrap_or_default();
    }
    if let Some(node) = fields.get("args") {
        recipe.args = texts(node, review);
    }
    if let Some(node) = fields.get("files") {
        recipe.files = texts(node, review);
    }
    if let Some(node) = fields.get("zeros") {
        recipe.zeros = map(node, declared, review, unit::parse_bytes);
    }
    if let Some(node) = fields.get("modes") {
        recipe.modes = map(node, declared, review, mode);
        let missing = |path: &&String| !recipe.files.contains_key(*path);
        for path in recipe.modes.keys().filter(|path| missing(path)) {
            review.note(&node.span, format!("`{path}` is none of the build's `files`"));
        }
    }
    if let Some(node) = fields.get("mounts") {
        recipe.mounts = texts(node, review);
        mount_types(node, recipe.mounts.keys(), review);
        for new in recipe.mounts.values().filter(|new| !is_new_mount(new)) {
            let message = format!("`{new}` is no mount that can take another one's place");
            let example =
                "write { tmpfs = \"type=cache\" } or { tmpfs = \"type=tmpfs,size=65536\" }";
            review.advise(&node.span, message, example);
        }
    }
    for (key, kinds) in [("skip", &mut recipe.skip), ("only", &mut recipe.only)] {
        if let Some(node) = fields.get(key) {
            *kinds = node.texts(review).unwrap_or_default();
            mount_types(node, kinds.iter(), review);
        }
    }
    if let Some(node) = fields.get("cache") {
        recipe.cache = node.bool(review);
    }
    if let Some(node) = fields.get("given") {
        recipe.given = node.bool(review).unwrap_or_default();
    }
    if let Some(node) = fields.get("after") {
        recipe.after = find(node, before, review).map(Box::new);
    }
    if let Some(node) = fields.get("parent") {
        recipe.parent = find(node, before, review).map(Box::new);
    }
    if let Some(node) = fields.get("dockerfile") {
        recipe.dockerfile = node.text(review);
        let text = recipe.dockerfile.clone().unwrap_or_default();
        let own = if recipe.parent.is_some() { text.replace("${parent}", "") } else { text };
        values::known(&own, node, declared, review);
    }
    if let Some(node) = fields.get("archives") {
        recipe.archives = archives(node, declared, review);
    }
    if let Some(node) = fields.get("restore") {
        recipe.restore = node.texts(review).unwrap_or_default();
    }
    if let Some(node) = fields.get("remove") {
        recipe.remove = node.texts(review).unwrap_or_default();
    }
    if let Some(node) = fields.get("file") {
        recipe.file = node.text(review);
    }
    if let Some(node) = fields.get("target") {
        recipe.target = node.text(review);
    }
    if recipe.parent.is_some() {
        for node in OF_A_FOLDER.into_iter().filter_map(|key| fields.get(key)) {
            review.note(&node.span, "a downstream build's context is its `files` and nothing else");
        }
    }
    fields.finish(review);
    recipe
}

/// `true` for the default agent, or ids.
fn ids(node: &Node, declared: &[Declared], review: &mut Review) -> Option<Vec<String>> {
    if let Item::Bool(wanted) = node.item {
        return Some(if wanted { vec!["default".to_owned()] } else { Vec::new() });
    }
    if !matches!(node.item, Item::List(_)) {
        review.note(&node.span, format!("expected true or a list of ids, found {}", node.what()));
        return None;
    }
    let ids = node.texts(review)?;
    ids.iter().for_each(|id| values::known(id, node, declared, review));
    Some(ids)
}

/// A folder on the disk, or one in memory of that many bytes.
fn is_new_mount(text: &str) -> bool {
    let size = text.strip_prefix("type=tmpfs,size=").map(str::parse::<u64>);
    let name = text.strip_prefix("type=cache,id=");
    text == "type=cache"
        || name.is_some_and(|name| !name.is_empty() && !name.contains(','))
        || size.is_some_and(|size| size.is_ok())
}

fn mount_types<'a>(node: &Node, types: impl Iterator<Item = &'a String>, review: &mut Review) {
    for unknown in types.filter(|one| !MOUNT_TYPES.contains(&one.as_str())) {
        review.unknown(&node.span, "type of mount", unknown, MOUNT_TYPES);
    }
}

fn mode(text: &str) -> Result<u32, String> {
    let bits = u32::from_str_radix(text, 8).ok().filter(|bits| *bits <= 0o7777);
    bits.ok_or_else(|| format!("`{text}` are no permission bits such as \"0755\""))
}

/// A table of texts that mean something else.
fn map<T>(
    node: &Node,
    declared: &[Declared],
    review: &mut Review,
    read: impl Fn(&str) -> Result<T, String>,
) -> BTreeMap<String, T> {
    let mut map = BTreeMap::new();
    for entry in node.entries(review).unwrap_or_default() {
        values::known(&entry.key, &entry.node, declared, review);
        match entry.node.text(review).map(|text| read(&text)) {
            Some(Ok(value)) => drop(map.insert(entry.key.clone(), value)),
            Some(Err(message)) => review.note(&entry.node.span, message),
            None => {}
        }
    }
    map
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
