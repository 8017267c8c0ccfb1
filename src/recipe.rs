//! How an image is built for a probe: the submission as it is, changed, or as somebody's parent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where the RUN steps of a build may reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// What the engine gives builds: usually the outside world.
    #[default]
    Default,
    /// Nowhere: faster, and the same every time.
    None,
}

/// A build, in full. Texts may hold `${name}`; equal recipes are built once for a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BuildRecipe {
    /// The network of RUN steps.
    #[serde(skip_serializing_if = "is_default")]
    pub network: Network,
    /// Secrets by id, given from memory.
    #[serde(skip_serializing_if = "is_default")]
    pub secrets: BTreeMap<String, String>,
    /// Build arguments.
    #[serde(skip_serializing_if = "is_default")]
    pub args: BTreeMap<String, String>,
    /// The stage to build, the last one when `None`.
    #[serde(skip_serializing_if = "is_default")]
    pub target: Option<String>,
    /// Whether steps may come from the engine's cache; `None`: unless there are secrets, which
    /// are no part of a step's cache key.
    #[serde(skip_serializing_if = "is_default")]
    pub cache: Option<bool>,
    /// Files written over the context, or, with a parent, the whole context.
    #[serde(skip_serializing_if = "is_default")]
    pub files: BTreeMap<String, String>,
    /// Paths taken out of the context.
    #[serde(skip_serializing_if = "is_default")]
    pub remove: Vec<String>,
    /// The build whose image this one starts `FROM`: a downstream build.
    #[serde(skip_serializing_if = "is_default")]
    pub parent: Option<Box<BuildRecipe>>,
    /// A build that comes before this one.
    #[serde(skip_serializing_if = "is_default")]
    pub after: Option<Box<BuildRecipe>>,
    /// The Dockerfile of a downstream build; `${parent}` is the parent's image.
    #[serde(skip_serializing_if = "is_default")]
    pub dockerfile: Option<String>,
}

impl BuildRecipe {
    /// Whether steps may come from the engine's cache.
    pub fn may_use_cache(&self) -> bool {
        self.cache.unwrap_or(self.secrets.is_empty())
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
