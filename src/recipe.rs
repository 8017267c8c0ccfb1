//! How an image comes about for a probe: built of the submission, or made by its commands in a play.

use std::collections::BTreeMap;
use std::time::Duration;

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
    /// Ids for which an SSH agent is forwarded, with the run's key.
    #[serde(skip_serializing_if = "is_default")]
    pub ssh: Vec<String>,
    /// Build arguments.
    #[serde(skip_serializing_if = "is_default")]
    pub args: BTreeMap<String, String>,
    /// The stage to build, the last one when `None`.
    #[serde(skip_serializing_if = "is_default")]
    pub target: Option<String>,
    /// Whether steps may come from the engine's cache; `None`: unless there are secrets or agents,
    /// which are no part of a step's cache key.
    #[serde(skip_serializing_if = "is_default")]
    pub cache: Option<bool>,
    /// Files written into the folder before its rules are followed, or, with a parent, the whole
    /// context.
    #[serde(skip_serializing_if = "is_default")]
    pub files: BTreeMap<String, String>,
    /// Permission bits of these files.
    #[serde(skip_serializing_if = "is_default")]
    pub modes: BTreeMap<String, u32>,
    /// Files of that many zeros, written likewise.
    #[serde(skip_serializing_if = "is_default")]
    pub zeros: BTreeMap<String, u64>,
    /// Tars, compressed with gzip, written likewise: of each, the texts in it by their paths.
    #[serde(skip_serializing_if = "is_default")]
    pub archives: BTreeMap<String, BTreeMap<String, String>>,
    /// Files and folders that the exercise hands out, written likewise, as they were.
    #[serde(skip_serializing_if = "is_default")]
    pub restore: Vec<String>,
    /// Paths taken out of the context.
    #[serde(skip_serializing_if = "is_default")]
    pub remove: Vec<String>,
    /// The Dockerfile's path, where it has another name than the usual.
    #[serde(skip_serializing_if = "is_default")]
    pub file: Option<String>,
    /// The build whose image this one starts `FROM`: a downstream build.
    #[serde(skip_serializing_if = "is_default")]
    pub parent: Option<Box<BuildRecipe>>,
    /// A build that comes before this one.
    #[serde(skip_serializing_if = "is_default")]
    pub after: Option<Box<BuildRecipe>>,
    /// The Dockerfile, in place of the one handed in; in a downstream build, where `${parent}` is
    /// the parent's image, in place of the one line.
    #[serde(skip_serializing_if = "is_default")]
    pub dockerfile: Option<String>,
    /// What each `--mount` of a type becomes in every RUN; its target stays.
    #[serde(skip_serializing_if = "is_default")]
    pub mounts: BTreeMap<String, String>,
    /// Every RUN that mounts something of these types is left out.
    #[serde(skip_serializing_if = "is_default")]
    pub skip: Vec<String>,
    /// Every RUN that mounts nothing of these types is left out.
    #[serde(skip_serializing_if = "is_default")]
    pub only: Vec<String>,
    /// The context is what the exercise hands out, not what was handed in.
    #[serde(skip_serializing_if = "is_default")]
    pub given: bool,
    /// No build: the image is there after a play.
    #[serde(skip_serializing_if = "is_default")]
    pub play: Option<Box<PlayRecipe>>,
    /// The image's name there.
    #[serde(skip_serializing_if = "is_default")]
    pub image: Option<String>,
}

/// What the submission's commands and the grader do, one after another, on an engine without traces
/// of anything else. Equal plays are performed once for a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlayRecipe {
    /// An image that is there from the beginning.
    #[serde(skip_serializing_if = "is_default")]
    pub image: Option<PlayImage>,
    /// Whether there is a registry, at `${registry}`.
    #[serde(skip_serializing_if = "is_default")]
    pub registry: bool,
    /// Environment of the commands, besides that of every play.
    #[serde(skip_serializing_if = "is_default")]
    pub env: BTreeMap<String, String>,
    /// The container that is looked at and restarted, where there is one of that name.
    #[serde(skip_serializing_if = "is_default")]
    pub container: Option<String>,
    /// For each command.
    pub time: Seconds,
    /// What is done.
    pub steps: Vec<Step>,
}

/// An image under the name that an exercise gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayImage {
    /// How it is built.
    pub build: BuildRecipe,
    /// Its name.
    pub name: String,
}

/// A time, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub u64);

impl Default for Seconds {
    fn default() -> Self {
        Self(60)
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        Self::from_secs(seconds.0)
    }
}

/// One step of a play.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Unique in the play.
    pub name: String,
    /// What is done.
    #[serde(flatten)]
    pub action: Action,
    /// Whether the play goes on when the command failed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub go_on: bool,
}

/// What is done in a step: by the submission's commands, or by the grader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum Action {
    /// `run.sh`, or else the Compose file.
    Start,
    /// One script.
    Run {
        /// Its path.
        script: String,
    },
    /// The grader restarts the container that is looked at.
    Restart,
    /// The grader removes them.
    Remove {
        /// And all named volumes.
        #[serde(default, skip_serializing_if = "is_default")]
        volumes: bool,
    },
    /// The grader makes and starts a container like the one that is looked at.
    Repeat {
        /// In place of its entrypoint and command, as root.
        #[serde(default, skip_serializing_if = "is_default")]
        command: Vec<String>,
    },
    /// The grader writes a file in the folder.
    Write {
        /// Its path.
        path: String,
        /// Its content.
        text: String,
    },
    /// The grader deletes a file or folder.
    Delete {
        /// Its path.
        path: String,
    },
    /// The grader's `docker load`.
    Load {
        /// The archive's path.
        path: String,
    },
    /// The grader removes an image with all its names.
    Forget {
        /// A name of it.
        image: String,
    },
    /// The grader's `docker pull`.
    Pull {
        /// The image.
        image: String,
    },
}

impl BuildRecipe {
    /// Whether steps may come from the engine's cache.
    pub fn may_use_cache(&self) -> bool {
        self.cache.unwrap_or(self.secrets.is_empty() && self.ssh.is_empty())
    }

    /// The build of nothing but that image.
    pub fn of_image(&self, reference: &str) -> Self {
        Self {
            network: self.network,
            file: self.file.clone(),
            dockerfile: Some(format!("FROM {reference}\n")),
            ..Self::default()
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
