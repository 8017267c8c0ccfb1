//! Builds: what is asked of the builder, and how it went.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::agent::{AgentUse, SshKey};
use super::label::Labels;
use crate::context::{Context, ContextError};

/// An image to be built.
#[derive(Debug, Clone, Default)]
pub struct BuildRequest {
    /// What it is built from, the Dockerfile among it.
    pub context: Context,
    /// What is changed of the builder's reading of the Dockerfile.
    pub edit: Edit,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// Build secrets by their id. They are served from memory.
    pub secrets: BTreeMap<String, Bytes>,
    /// SSH agents by their id, each with one key.
    pub ssh: BTreeMap<String, SshKey>,
    /// The stage to build; the last one unless named.
    pub target: Option<String>,
    /// Run every step anew.
    pub no_cache: bool,
    /// No other build goes on at the same time on this [`Engine`](super::Engine) and its clones: what is told of the cache is then of this
    /// build alone.
    pub alone: bool,
    /// What the RUN steps can reach.
    pub network: BuildNetwork,
    /// The engine has no way to any registry: it has the images that it has.
    pub offline: bool,
    /// Base images that are ours to provide. When one of them cannot be had, or no other of its
    /// registry can, that is our fault.
    pub provided: Vec<String>,
    /// Whose it is.
    pub labels: Labels,
    /// The image becomes `grade.local/<run>/<name>`, in lower case and with a hyphen for what an
    /// image's name may not have.
    pub name: String,
    /// When to end the build. What runs then is killed.
    pub time_limit: Duration,
}

/// What the RUN steps of a build can reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BuildNetwork {
    /// The engine's default network.
    #[default]
    Default,
    /// Their own loopback only.
    None,
}

/// A change of what the Dockerfile says, made of the builder's own reading: whatever the spelling, triggers of other images among it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// What each mount of a kind becomes; its target stays.
    pub mounts: BTreeMap<MountKind, NewMount>,
    /// Every RUN that mounts something of these kinds is left out.
    pub skip: Vec<MountKind>,
    /// Every RUN that mounts nothing of these kinds is left out, unless there are none.
    pub only: Vec<MountKind>,
}

/// What a RUN can mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MountKind {
    /// Files of the context, a stage or an image.
    Bind,
    /// A folder that outlives builds.
    Cache,
    /// A secret, also one that is a variable.
    Secret,
    /// An SSH agent's socket.
    Ssh,
    /// A folder in memory.
    Tmpfs,
}

/// A mount in place of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewMount {
    /// A folder in memory.
    Tmpfs {
        /// In bytes.
        size: u64,
    },
    /// A folder on the disk.
    Cache {
        /// Which; one that no other build uses is empty.
        id: String,
    },
}

/// What the builder calls a cache mount of a build, by its name in the Dockerfile.
pub fn cache_id(labels: &Labels, name: &str) -> String {
    format!("{}/{name}", cache_namespace(labels))
}

/// A cache mount is known by its id alone, so one submission could read another's.
pub(super) fn cache_namespace(labels: &Labels) -> String {
    format!("{}-{}", labels.run, labels.submission)
}

/// A RUN, as the builder reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStep {
    /// The builder's name of it: `[2/3] RUN make`.
    pub name: String,
    /// In the Dockerfile, from 1; of a trigger of a stage, where that stands, and none of an image's.
    pub line: Option<u32>,
    /// What it mounts.
    pub mounts: Vec<RunMount>,
}

/// A mount of a RUN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunMount {
    /// What is mounted.
    pub kind: MountKind,
    /// Where, an absolute path; none of a secret that is a variable.
    pub target: Option<String>,
    /// Which, of a cache, a secret or an agent.
    pub id: Option<String>,
    /// The most bytes, of a folder in memory.
    pub size: Option<u64>,
}

/// A source of an ADD, as the builder reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddStep {
    /// The builder's name of the step.
    pub name: String,
    /// In the Dockerfile, from 1.
    pub line: Option<u32>,
    /// The path or pattern, from the context's top; of a download, the file's name.
    pub path: String,
    /// Wildcards count.
    pub is_pattern: bool,
}

/// What a Dockerfile says to the builder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Each RUN that is needed for the image, triggers among them.
    pub runs: Vec<RunStep>,
    /// Each source of an ADD that is needed for it.
    pub adds: Vec<AddStep>,
    /// The image that the end result lies upon, through all stages; none where that is nothing.
    pub base: Option<String>,
}

impl MountKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Bind, Self::Cache, Self::Secret, Self::Ssh, Self::Tmpfs];

    /// As a Dockerfile has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Cache => "cache",
            Self::Secret => "secret",
            Self::Ssh => "ssh",
            Self::Tmpfs => "tmpfs",
        }
    }
}

/// How a build went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildReport {
    /// How it ended.
    pub outcome: BuildOutcome,
    /// What the builder did, in its order; at most 512 steps.
    pub steps: Vec<Step>,
    /// What was asked of the SSH agents.
    pub agents: AgentUse,
    /// What the Dockerfile says to the builder; none where it cannot read it.
    pub reading: Option<Reading>,
    /// What of the context was sent.
    pub sent: Sent,
    /// From the first request to the end.
    pub took: Duration,
}

/// What of a context was sent: not more than the build asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// Bytes of the files.
    pub bytes: u64,
    /// How many files.
    pub files: u64,
    /// The first of them, by their paths.
    pub paths: Vec<String>,
}

/// How a build ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildOutcome {
    /// There is an image.
    Built {
        /// `sha256:…`.
        image: String,
    },
    /// The Dockerfile or one of its steps is wrong.
    Failed(BuildFailure),
    /// What it is built from could not be sent.
    NotSent(ContextError),
    /// The time limit passed.
    TimedOut,
}

/// Why a build failed, as far as the builder tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildFailure {
    /// The builder's words, without its protocol's.
    pub message: String,
    /// The failing step, as an index into [`BuildReport::steps`].
    pub step: Option<usize>,
    /// Of the failing RUN.
    pub exit_code: Option<i64>,
    /// In the Dockerfile, from 1.
    pub line: Option<u32>,
}

/// One step of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// The builder's name of it: `[2/3] RUN make`, `[internal] load metadata for …`.
    pub name: String,
    /// Taken from an earlier build. Means something for RUN and COPY only: it changes at random on others.
    pub cached: bool,
    /// It began (a cached one, too); one that was not reached did not.
    pub ran: bool,
    /// The builder's words on how it failed.
    pub error: Option<String>,
    /// Of a RUN that failed.
    pub exit_code: Option<i64>,
    /// The end of what it printed, at most 16 KiB, as plain text.
    pub log: String,
    /// Zero when it was not reached or did not end.
    pub took: Duration,
}

impl Step {
    /// The Dockerfile's instruction (`RUN make`); none for what the builder does of its own.
    pub fn instruction(&self) -> Option<&str> {
        let Some(rest) = self.name.strip_prefix('[') else {
            // Of a stage with nothing but the triggers of another one, steps have no number.
            let name = self.name.split(' ').next()?;
            return matches!(name, "RUN" | "COPY" | "ADD" | "WORKDIR").then_some(&self.name);
        };
        let (place, instruction) = rest.split_once("] ")?;
        (!matches!(place, "internal" | "auth")).then_some(instruction)
    }
}

/// Progress of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildEvent {
    /// A step began.
    Started {
        /// The step's name.
        step: String,
    },
    /// A step was taken from an earlier build.
    Cached {
        /// The step's name.
        step: String,
    },
    /// A step ended.
    Done {
        /// The step's name.
        step: String,
        /// How it failed, if it did.
        error: Option<String>,
    },
    /// A step printed a line.
    Log {
        /// The step's name.
        step: String,
        /// Plain text.
        line: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instruction(name: &str) -> Option<String> {
        let step = Step { name: name.to_owned(), ..Step::default() };
        step.instruction().map(str::to_owned)
    }

    #[test]
    fn instructions_are_told_from_the_builder_s_own_steps() {
        assert_eq!(instruction("[2/3] RUN make [all] x").as_deref(), Some("RUN make [all] x"));
        assert_eq!(
            instruction("[app 1/2] FROM docker.io/library/x").as_deref(),
            Some("FROM docker.io/library/x")
        );
        assert_eq!(instruction("RUN make").as_deref(), Some("RUN make"));
        for own in [
            "[internal] load metadata for x",
            "[auth] library/x",
            "exporting to image",
            "copy /context /",
        ] {
            assert_eq!(instruction(own), None, "{own}");
        }
    }
}
