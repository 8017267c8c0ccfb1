//! The `[plays.NAME]` tables: what the submission's commands and the grader do, in which order.

use crate::document::{Entry, Fields, Item, Node, Review};
use crate::nonce::{Declared, Origin};
use crate::recipe::{Action, BuildRecipe, PlayImage, PlayRecipe, Seconds, Step};
use crate::unit;

use super::{DEFAULT_BUILD, builds, values};

/// The value that names a play's registry.
pub const REGISTRY: &str = "registry";
/// What a step may do.
pub const ACTIONS: [&str; 10] =
    ["start", "run", "restart", "remove", "repeat", "write", "delete", "load", "forget", "pull"];

/// What a play's texts may refer to.
pub(super) struct Known<'a> {
    pub(super) values: &'a [Declared],
    pub(super) builds: &'a [(String, BuildRecipe)],
}

/// Reads the tables, in the order written.
pub(super) fn read(
    node: Option<&Node>,
    known: &Known<'_>,
    review: &mut Review,
) -> Vec<(String, PlayRecipe)> {
    let entries = node.and_then(|node| node.entries(review)).unwrap_or_default();
    entries.iter().map(|entry| (entry.key.clone(), play(entry, known, review))).collect()
}

/// The play that a node names.
pub(super) fn find(
    node: &Node,
    plays: &[(String, PlayRecipe)],
    review: &mut Review,
) -> Option<PlayRecipe> {
    let name = node.text(review)?;
    if let Some((_, recipe)) = plays.iter().find(|(known, _)| *known == name) {
        return Some(recipe.clone());
    }
    review.unknown(&node.span, "play", &name, plays.iter().map(|(known, _)| known.as_str()));
    None
}

fn play(entry: &Entry, known: &Known<'_>, review: &mut Review) -> PlayRecipe {
    let mut fields = Fields::of(&entry.node, review);
    let image = fields.get("image").and_then(|node| image(node, known, review));
    let registry = fields.get("registry").and_then(|node| node.bool(review));
    let env = fields.get("env").map(|node| builds::text_map(node, known.values, review));
    let container = fields.get("container").and_then(|node| text(node, known, review));
    let time = fields.get("time").and_then(|node| time(node, review));
    let steps = fields.require("steps", review).map(|node| steps(node, known, review));
    fields.finish(review);
    PlayRecipe {
        image,
        registry: registry.unwrap_or_default(),
        env: env.unwrap_or_default(),
        container,
        time: time.unwrap_or_default(),
        steps: steps.unwrap_or_default(),
    }
}

fn time(node: &Node, review: &mut Review) -> Option<Seconds> {
    match unit::parse_duration(&node.text(review)?) {
        Ok(time) if time.as_secs() > 0 => Some(Seconds(time.as_secs())),
        Ok(_) => {
            review.note(&node.span, "a command needs a second at least");
            None
        }
        Err(message) => {
            review.note(&node.span, message);
            None
        }
    }
}

/// A name for the submission's image, or a table with a build and a name.
fn image(node: &Node, known: &Known<'_>, review: &mut Review) -> Option<PlayImage> {
    if let Item::Table(_) = node.item {
        let mut fields = Fields::of(node, review);
        let build = fields.require("build", review);
        let build = build.and_then(|node| builds::find(node, known.builds, review));
        let name = fields.require("name", review).and_then(|node| text(node, known, review));
        fields.finish(review);
        return Some(PlayImage { build: build?, name: name? });
    }
    let name = text(node, known, review)?;
    let build = known.builds.iter().find(|(name, _)| name == DEFAULT_BUILD);
    Some(PlayImage { build: build.map(|(_, recipe)| recipe.clone()).unwrap_or_default(), name })
}

fn text(node: &Node, known: &Known<'_>, review: &mut Review) -> Option<String> {
    let text = node.text(review)?;
    values::known(&text, node, known.values, review);
    Some(text)
}

fn steps(node: &Node, known: &Known<'_>, review: &mut Review) -> Vec<Step> {
    let Item::List(nodes) = &node.item else {
        review.advise(&node.span, "expected a list of steps", r#"[{ name = "…", do = "start" }]"#);
        return Vec::new();
    };
    if nodes.is_empty() {
        review.note(&node.span, "a play has a step at least");
    }
    let mut steps: Vec<Step> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        if let Some(step) = step(node, index, known, review) {
            if steps.iter().any(|known| known.name == step.name) {
                review.note(&node.span, format!("another step is called `{}` already", step.name));
            }
            steps.push(step);
        }
    }
    steps
}

/// A step that nobody asks about needs no name.
fn step(node: &Node, index: usize, known: &Known<'_>, review: &mut Review) -> Option<Step> {
    let mut fields = Fields::of(node, review);
    let name = match fields.get("name") {
        Some(node) => node.text(review),
        None => Some(format!("step {}", index + 1)),
    };
    let go_on = fields.get("go_on").and_then(|node| node.bool(review)).unwrap_or_default();
    let kind = fields.require("do", review);
    let action = kind.and_then(|kind| {
        let word = kind.text(review)?;
        let mut required = |key: &'static str, review: &mut Review| {
            fields.require(key, review).and_then(|node| text(node, known, review))
        };
        Some(match word.as_str() {
            "start" => Action::Start,
            "restart" => Action::Restart,
            "run" => Action::Run { script: required("script", review)? },
            "write" => {
                let (path, text) = (required("path", review), required("text", review));
                Action::Write { path: path?, text: text? }
            }
            "delete" => Action::Delete { path: required("path", review)? },
            "load" => Action::Load { path: required("path", review)? },
            "forget" => Action::Forget { image: required("image", review)? },
            "pull" => Action::Pull { image: required("image", review)? },
            "remove" => {
                let volumes = fields.get("volumes").and_then(|node| node.bool(review));
                Action::Remove { volumes: volumes.unwrap_or_default() }
            }
            "repeat" => {
                let command = fields.get("command").and_then(|node| node.texts(review));
                Action::Repeat { command: command.unwrap_or_default() }
            }
            other => {
                review.unknown(&kind.span, "step", other, ACTIONS);
                return None;
            }
        })
    });
    fields.finish(review);
    Some(Step { name: name?, action: action?, go_on })
}

/// What is declared, and what a registry adds to it.
pub(super) fn with_registry(
    plays: Option<&Node>,
    mut declared: Vec<Declared>,
    review: &mut Review,
) -> Vec<Declared> {
    let wants = builds::some_have(plays, REGISTRY, review);
    if wants && !declared.iter().any(|one| one.name == REGISTRY) {
        declared.push(Declared {
            name: REGISTRY.to_owned(),
            origin: Origin::Port("localhost"),
            says: "$REGISTRY".to_owned(),
        });
    }
    declared
}
