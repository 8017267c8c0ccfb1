//! Parameters of probe kinds: how they are declared, checked and read.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value as Json;

use crate::ask::Params;
use crate::recipe::{BuildRecipe, PlayRecipe};
use crate::unit::parse_duration;

/// A parameter of a kind, as `grade explain` shows it.
#[derive(Clone, Copy, Debug)]
pub struct ParamDef {
    /// Its name in `with`.
    pub name: &'static str,
    /// What it takes.
    pub shape: ParamShape,
    /// What happens without it; `None` when it is required.
    pub default: Option<&'static str>,
    /// One sentence for the author of a rubric.
    pub doc: &'static str,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamShape {
    /// The name of a build.
    Build,
    /// The name of a play.
    Play,
    /// A text; may hold `${name}`.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A duration such as `20s`.
    Duration,
    /// A list of texts.
    Texts,
    /// Texts by name.
    TextMap,
}

impl ParamDef {
    /// A parameter that has to be there.
    pub const fn required(name: &'static str, shape: ParamShape, doc: &'static str) -> ParamDef {
        ParamDef { name, shape, default: None, doc }
    }

    /// A parameter that may be left out.
    pub const fn optional(
        name: &'static str,
        shape: ParamShape,
        default: &'static str,
        doc: &'static str,
    ) -> ParamDef {
        ParamDef { name, shape, default: Some(default), doc }
    }
}

/// The image that a probe looks at.
pub(super) const BUILD: ParamDef =
    ParamDef::optional("build", ParamShape::Build, "submission", "the build whose image is meant");

/// An image to compare that one with.
pub(super) const OTHER: ParamDef = ParamDef::optional(
    "other",
    ParamShape::Build,
    "not compared",
    "a build whose image it is compared with",
);

impl ParamShape {
    /// Whether a value has this shape.
    ///
    /// # Errors
    /// A sentence for the author of a rubric.
    pub fn fits(self, value: &Json) -> Result<(), String> {
        let fits = match self {
            // A build's name was replaced by its recipe, or it was found to be unknown.
            ParamShape::Build | ParamShape::Play => value.is_object(),
            ParamShape::Text => value.is_string(),
            ParamShape::Duration => {
                if let Some(text) = value.as_str() {
                    return parse_duration(text).map(drop);
                }
                false
            }
            ParamShape::Word(words) => {
                let Some(word) = value.as_str() else { return Err(format!("expected {self}")) };
                if words.contains(&word) {
                    return Ok(());
                }
                let near = crate::document::nearest(word, words.iter().copied());
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(format!("expected {self}{near}"));
            }
            ParamShape::Texts => value
                .as_array()
                .is_some_and(|items| !items.is_empty() && items.iter().all(Json::is_string)),
            ParamShape::TextMap => {
                value.as_object().is_some_and(|map| map.values().all(Json::is_string))
            }
        };
        if fits { Ok(()) } else { Err(format!("expected {self}")) }
    }
}

impl fmt::Display for ParamShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParamShape::Build => f.write_str("the name of a build"),
            ParamShape::Play => f.write_str("the name of a play"),
            ParamShape::Text => f.write_str("a text"),
            ParamShape::Word(words) => write!(f, "one of {}", words.join(", ")),
            ParamShape::Duration => f.write_str("a duration such as \"20s\""),
            ParamShape::Texts => f.write_str("a list of texts that is not empty"),
            ParamShape::TextMap => f.write_str("a table of texts"),
        }
    }
}

/// Reads parameters that were found to fit; what is not there is `None` or empty.
pub(super) struct Reader<'a>(pub(super) &'a Params);

impl Reader<'_> {
    pub(super) fn build(&self) -> BuildRecipe {
        let recipe = self.0.get("build").cloned().map(serde_json::from_value);
        recipe.and_then(Result::ok).unwrap_or_default()
    }

    pub(super) fn other(&self) -> Option<BuildRecipe> {
        self.recipe("other")
    }

    pub(super) fn recipe(&self, name: &str) -> Option<BuildRecipe> {
        serde_json::from_value(self.0.get(name)?.clone()).ok()
    }

    pub(super) fn play(&self) -> Option<PlayRecipe> {
        serde_json::from_value(self.0.get("play")?.clone()).ok()
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name)?.as_str().map(str::to_owned)
    }

    pub(super) fn duration(&self, name: &str, default: Duration) -> Duration {
        self.text(name).and_then(|text| parse_duration(&text).ok()).unwrap_or(default)
    }

    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let items = self.0.get(name)?.as_array()?;
        items.iter().map(|item| item.as_str().map(str::to_owned)).collect()
    }

    pub(super) fn text_map(&self, name: &str) -> BTreeMap<String, String> {
        let map = self.0.get(name).and_then(Json::as_object);
        let entries = map.into_iter().flatten();
        entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    }
}
