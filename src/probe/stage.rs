//! `stage`: what is there after a step of a play.

use async_trait::async_trait;

use super::params::{ParamDef, ParamShape, Reader};
use super::{Answer, BindError, Kind, Observe, Room};
use crate::ask::Params;
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape};
use crate::play::{ContainerShot, Mount, Shot};
use crate::recipe::PlayRecipe;

pub(super) const KIND: Kind = Kind {
    name: "stage",
    doc: "What is there after a step of a play: what the commands said, the containers, volumes, \
          images and files that they left.",
    params: &[
        ParamDef::required("play", ParamShape::Play, "the play"),
        ParamDef::required("step", ParamShape::Text, "the step after which is looked"),
        ParamDef::optional(
            "container",
            ParamShape::Text,
            "the play's, the newest that runs, or the newest that the commands made",
            "a container's name, where there is one of that name",
        ),
    ],
    facts: &[
        FactDef::new("done", Shape::Bool, "whether the step came to its end with success"),
        FactDef::new("exit_code", Shape::Int, "of the command"),
        FactDef::new("timed_out", Shape::Bool, "whether the command was ended by its time limit"),
        FactDef::new("still_attached", Shape::Bool, "whether it goes on beside its container"),
        FactDef::new("stdout", Shape::Text, "of the command"),
        FactDef::new("stderr", Shape::Text, "of the command"),
        FactDef::new("complaint", Shape::Text, "the last line of that which complains"),
        FactDef::new("complaints", Shape::Text, "of the command, without the builder's progress"),
        FactDef::new("error", Shape::Text, "why nothing came of the step"),
        FactDef::new("way", Shape::Text, "the file that was run"),
        FactDef::new("refused", Shape::Bool, "whether the course's policy refused something"),
        FactDef::new("refusals", Shape::List, "what it refused, in sentences"),
        FactDef::new("limit", Shape::Text, "the limit that was hit: memory, processes or disk"),
        FactDef::new("created", Shape::Int, "containers that the step made"),
        FactDef::new("containers", Shape::List, "names of the containers there are"),
        FactDef::new("running", Shape::List, "names of those that run"),
        FactDef::new("volumes", Shape::List, "names of the volumes that have a chosen one"),
        FactDef::new("images", Shape::List, "names of images, without the base images"),
        FactDef::new(
            "named",
            Shape::List,
            "names that images got in the step, also those that were taken away again",
        ),
        FactDef::new("new_files", Shape::List, "files that were not handed in; folders end with /"),
        FactDef::new("same_id", Shape::Bool, "whether the image pulled is the one of before"),
        FactDef::new(
            "history",
            Shape::List,
            "how the image pulled was made, the oldest step first",
        ),
        FactDef::new("status", Shape::Text, "the container's: running, exited, removed, …"),
        FactDef::new("container_exit_code", Shape::Int, "the container's, when it has ended"),
        FactDef::new("image", Shape::Text, "the image it was made from, as the command named it"),
        FactDef::new("command", Shape::List, "its entrypoint and command"),
        FactDef::new("printed", Shape::Text, "what it printed since its latest start"),
        FactDef::new("lines", Shape::List, "the lines of that"),
        FactDef::new("first_line", Shape::Text, "the first of them"),
        FactDef::new("mounts", Shape::List, "its mounts: `volume data /data rw`"),
        FactDef::new("mount_types", Shape::List, "volume, anonymous, bind, tmpfs: each once"),
        FactDef::new("mount_flags", Shape::List, "how they were asked for: --mount, -v: each once"),
        FactDef::new("bind_propagation", Shape::List, "of its binds: each once"),
    ],
    bind,
};

struct Stage {
    play: PlayRecipe,
    step: String,
    container: Option<String>,
}

fn bind(params: &Params) -> Result<Box<dyn Observe>, BindError> {
    let reader = Reader(params);
    let play = reader.play().unwrap_or_default();
    let step = reader.text("step").unwrap_or_default();
    if !play.steps.iter().any(|known| known.name == step) {
        let names: Vec<&str> = play.steps.iter().map(|known| known.name.as_str()).collect();
        let message = format!("the play has no step `{step}`; it has {}", names.join(", "));
        return Err(BindError { param: "step", message });
    }
    Ok(Box::new(Stage { play, step, container: reader.text("container") }))
}

#[async_trait]
impl Observe for Stage {
    async fn observe(&self, room: &Room) -> Result<Answer, Fault> {
        let played = room.play(&self.play).await?;
        let Some((_, shot)) = played.shots.iter().find(|(name, _)| *name == self.step) else {
            let because = played.ended.clone().unwrap_or_else(|| "the play ended before".into());
            return Ok(Answer::Unreached(because));
        };
        let name = self.container.as_ref().or(self.play.container.as_ref());
        let name = name.map(|name| room.fill(name));
        let mut facts = of_step(shot);
        if let Some(container) = shot.container(name.as_deref()) {
            facts.extend(of_container(container));
        }
        Ok(Answer::Facts(facts))
    }
}

fn of_step(shot: &Shot) -> Facts {
    let names = |only_running: bool| -> Vec<String> {
        let there = shot.containers.iter().filter(|one| one.status != "removed");
        let wanted = there.filter(|one| !only_running || one.status == "running");
        wanted.map(|one| one.name.clone()).collect()
    };
    let mut facts = Facts::from(
        [
            ("done", shot.done.into()),
            ("timed_out", shot.timed_out.into()),
            ("still_attached", shot.still_attached.into()),
            ("stdout", shot.stdout.clone().into()),
            ("stderr", shot.stderr.clone().into()),
            ("refused", (!shot.refusals.is_empty()).into()),
            ("refusals", shot.refusals.clone().into()),
            ("created", i64::try_from(shot.created).unwrap_or(i64::MAX).into()),
            ("containers", names(false).into()),
            ("running", names(true).into()),
            ("volumes", shot.volumes.clone().into()),
            ("images", shot.images.clone().into()),
            ("named", shot.named.clone().into()),
            ("new_files", shot.new_files.clone().into()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    facts.extend(shot.limit.map(|limit| ("limit".to_owned(), limit.name().into())));
    for (name, text) in [("error", &shot.error), ("way", &shot.way)] {
        facts.extend(text.clone().map(|text| (name.to_owned(), text.into())));
    }
    let complaints = complaints(&shot.stderr);
    if let Some(last) = complaints.last() {
        facts.insert("complaint".to_owned(), (*last).into());
        facts.insert("complaints".to_owned(), complaints.join("\n").into());
    }
    if !shot.history.is_empty() {
        facts.insert("history".to_owned(), shot.history.clone().into());
    }
    facts.extend(shot.exit_code.map(|code| ("exit_code".to_owned(), code.into())));
    facts.extend(shot.same_id.map(|same| ("same_id".to_owned(), same.into())));
    facts
}

fn of_container(one: &ContainerShot) -> Facts {
    let lines: Vec<String> = one.printed.lines().map(str::to_owned).collect();
    let mut facts = Facts::from([("status".to_owned(), one.status.clone().into())]);
    facts.extend(lines.first().map(|line| ("first_line".to_owned(), line.clone().into())));
    facts.extend(one.exit_code.map(|code| ("container_exit_code".to_owned(), code.into())));
    let told = [
        ("image", one.image.clone().into()),
        ("command", one.command.clone().into()),
        ("printed", one.printed.clone().into()),
        ("lines", lines.into()),
        ("mounts", one.mounts.iter().map(told).collect::<Vec<_>>().into()),
        ("mount_types", each_once(&one.mounts, |mount| &mount.kind).into()),
        ("mount_flags", each_once(&one.mounts, |mount| mount.flag).into()),
        ("bind_propagation", each_once(&one.mounts, |mount| &mount.propagation).into()),
    ];
    facts.extend(told.map(|(name, value)| (name.to_owned(), value)));
    facts
}

/// The lines that are neither empty, nor the builder's progress, nor a pointer to the manual.
fn complaints(stderr: &str) -> Vec<&str> {
    let is_progress = |line: &str| {
        let after_hash = line.strip_prefix('#').unwrap_or_default();
        after_hash.starts_with(|c: char| c.is_ascii_digit())
            || line.starts_with("------")
            || line.starts_with("> [")
            || line.starts_with("See 'docker ")
            || line.starts_with("Run 'docker ")
    };
    let lines = stderr.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !is_progress(line)).collect()
}

fn told(mount: &Mount) -> String {
    let source = if mount.kind == "anonymous" { "<anonymous>" } else { &mount.source };
    let kind = if mount.kind == "anonymous" { "volume" } else { &mount.kind };
    let mode = if mount.writable { "rw" } else { "ro" };
    format!("{kind} {source} {} {mode}", mount.target)
}

fn each_once<'a>(mounts: &'a [Mount], of: impl Fn(&'a Mount) -> &'a str) -> Vec<String> {
    let mut all: Vec<String> =
        mounts.iter().map(of).filter(|text| !text.is_empty()).map(str::to_owned).collect();
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_complaint_is_what_a_reader_would_look_for() {
        let said = "#7 [1/2] RUN x\n#7 0.1 y\n------\n > [1/2] RUN x:\n------\n\
                    docker: invalid reference format.\nSee 'docker run --help'.\n\n";
        assert_eq!(complaints(said), ["docker: invalid reference format."]);
        assert!(complaints("#1 done\n").is_empty());
    }
}
