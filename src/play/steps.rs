//! What each step of a play does.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value as Json, json};

use super::command::Ran;
use super::shot::{Shot, was_started};
use super::stage::{Stage, USER};
use crate::archive::{Bounds, survey};
use crate::engine::{EngineError, Started};
use crate::evidence::Fault;
use crate::recipe::{Action, Step};

/// How long a container may take until it prints its first line.
const FIRST_LINE: Duration = Duration::from_secs(10);
/// How long one that has printed is watched for ending at once.
const SETTLING: Duration = Duration::from_secs(1);
/// What of the output is looked at for a first line.
const LOOK: usize = 64 << 10;

/// Performs one step, and tells what is there after it.
pub(super) async fn perform(stage: &mut Stage<'_>, step: &Step) -> Result<Shot, Fault> {
    match &step.action {
        Action::Start => start(stage).await,
        Action::Run { script } => {
            let script = stage.fill(script);
            if !stage.has_file(&script) {
                return nothing(stage, format!("there is no {script}")).await;
            }
            let words = stage.script(&script);
            let ran = stage.command(words, false).await?;
            let mut shot = stage.shot(ran).await?;
            shot.way = Some(script);
            Ok(shot)
        }
        Action::Restart => restart(stage).await,
        Action::Remove { volumes } => remove(stage, *volumes).await,
        Action::Repeat { command } => repeat(stage, command).await,
        Action::Write { path, text } => {
            let (path, text) = (stage.fill(path), stage.fill(text));
            let full = format!("{}/{path}", stage.setting.folder());
            // The commands may change it, as any other file of their folder.
            let written = stage.setting.sandbox.write_file(&full, &text, USER).await?;
            stage.forget_file(&path, true);
            match written {
                Ok(()) => done(stage).await,
                Err(why) => nothing(stage, format!("{path} cannot be written: {why}")).await,
            }
        }
        Action::Delete { path } => {
            let path = stage.fill(path);
            tool(stage, &["rm", "-rf", "--", &path]).await?;
            stage.forget_file(&path, false);
            done(stage).await
        }
        Action::Load { path } => {
            let path = stage.fill(path);
            load(stage, &path).await
        }
        Action::Forget { image } => {
            let image = stage.fill(image);
            forget(stage, &image).await
        }
        Action::Pull { image } => {
            let image = stage.fill(image);
            pull(stage, &image).await
        }
    }
}

async fn start(stage: &mut Stage<'_>) -> Result<Shot, Fault> {
    let words = stage.start_command();
    let ran = stage.command(words, true).await?;
    settle(stage).await?;
    let seen = ran.clone();
    let mut shot = stage.shot(ran).await?;
    stage.way = stage.find_way(&seen, &shot.containers);
    shot.way = stage.way.clone();
    if shot.way.is_none() {
        shot.error = Some("there is neither a run.sh nor a Compose file (compose.yaml)".to_owned());
    }
    Ok(shot)
}

/// As `docker restart` of the one that the exercise names: not of helpers that came to their end.
async fn restart(stage: &mut Stage<'_>) -> Result<Shot, Fault> {
    let Some(container) = stage.chosen().await? else { return done(stage).await };
    // What was only created is none that stops and starts again.
    let now = stage.engine.describe(&container).await?;
    if now.is_some_and(|now| was_started(&now))
        && let Started::Refused { message } = stage.engine.restart(&container).await?
    {
        return nothing(stage, message).await;
    }
    settle(stage).await?;
    done(stage).await
}

async fn remove(stage: &mut Stage<'_>, volumes: bool) -> Result<Shot, Fault> {
    let mut ran = succeeded();
    if let Some(down) = stage.down_command() {
        ran = stage.command(down, false).await?;
    }
    // All of them, also those that are too many to be looked at.
    for container in stage.record.events().made.iter() {
        // Not its volumes: those that have no name stay behind, as with `docker rm -f`.
        stage.engine.remove_keeping_volumes(container).await?;
    }
    stage.attached = None;
    if volumes {
        for volume in stage.engine.named_volumes().await? {
            if let Err(why) = stage.engine.remove_volume(&volume).await? {
                return nothing(stage, why).await;
            }
        }
    }
    stage.shot(ran).await
}

/// One like the newest container of the commands, without their script.
async fn repeat(stage: &mut Stage<'_>, command: &[String]) -> Result<Shot, Fault> {
    let shot = stage.shot(succeeded()).await?;
    let Some(newest) = shot.container(stage.recipe.container.as_deref()) else {
        return nothing(stage, "the commands made no container".to_owned()).await;
    };
    let body = body_like(&newest.description, command);
    if stage.engine.describe(&newest.name).await?.is_some() {
        stage.engine.remove_keeping_volumes(&newest.name).await?;
    }
    match stage.engine.start_like(body).await? {
        Err(message) => nothing(stage, message).await,
        Ok(id) => {
            stage.settle_one(&id).await?;
            let mut shot = stage.shot(succeeded()).await?;
            if let Some(now) = stage.engine.describe(&id).await? {
                let printed = stage.engine.printed(&id, None, LOOK, None).await?.text();
                shot.containers.push(super::shot::container(&stage.folder, now, printed));
                shot.focus = Some(id.clone());
            }
            shot.created = 1;
            // It is the grader's, and must not be in the way of what comes.
            stage.engine.remove(&id).await?;
            Ok(shot)
        }
    }
}

/// What `/containers/create` takes, from what `docker inspect` tells.
fn body_like(description: &Json, command: &[String]) -> Json {
    let mut body = description["Config"].clone();
    body["HostConfig"] = description["HostConfig"].clone();
    body["HostConfig"]["AutoRemove"] = json!(false);
    body["HostConfig"]["RestartPolicy"] = json!({ "Name": "no" });
    body["HostConfig"]["PortBindings"] = json!({});
    body["HostConfig"]["NetworkMode"] = json!("none");
    for stream in ["AttachStdin", "OpenStdin", "StdinOnce", "Tty"] {
        body[stream] = json!(false);
    }
    if !command.is_empty() {
        body["Entrypoint"] = json!(command);
        body["Cmd"] = json!([]);
        body["User"] = json!("0");
    }
    body
}

async fn load(stage: &mut Stage<'_>, path: &str) -> Result<Shot, Fault> {
    let full = format!("{}/{path}", stage.setting.folder());
    let sandbox = stage.setting.sandbox;
    let Some(archive) = sandbox.read_file(&full, super::LARGEST_FILE).await? else {
        return nothing(stage, format!("there is no file {path} that could be loaded")).await;
    };
    let archive = Bytes::from(archive);
    let read = archive.clone();
    let looking = move || survey(&read[..], &Bounds::default());
    let danger = match tokio::task::spawn_blocking(looking).await {
        Ok(Ok(survey)) => survey.danger,
        Ok(Err(error)) => Some(error.to_string()),
        Err(error) => return Err(Fault { message: error.to_string(), advice: None }),
    };
    if let Some(danger) = danger {
        return nothing(stage, danger).await;
    }
    let archive = futures_util::stream::iter([Ok(archive)]);
    match stage.engine.load(archive).await? {
        None => done(stage).await,
        Some(message) => nothing(stage, message).await,
    }
}

async fn forget(stage: &mut Stage<'_>, image: &str) -> Result<Shot, Fault> {
    if let Some(id) = stage.engine.image_id(image).await? {
        stage.forgotten.insert(image.to_owned(), id.clone());
        // A base image under another name loses that name only.
        let is_base = stage.setting.sandbox.images().values().any(|base| *base == id);
        stage.engine.remove_image(if is_base { image } else { &id }).await?;
    }
    done(stage).await
}

async fn pull(stage: &mut Stage<'_>, image: &str) -> Result<Shot, Fault> {
    if let Some(message) = stage.engine.pull(image).await? {
        return nothing(stage, message).await;
    }
    let id = stage.engine.image_id(image).await?;
    let before = stage.forgotten.get(image).cloned();
    let history = match &id {
        Some(id) => stage.engine.image(id).await?.history,
        None => Vec::new(),
    };
    let mut shot = done(stage).await?;
    shot.same_id = before.map(|before| Some(before) == id);
    shot.history = history.into_iter().map(|entry| entry.created_by).collect();
    Ok(shot)
}

/// Waits until the container that is looked at has something to say, or has ended.
async fn settle(stage: &mut Stage<'_>) -> Result<(), Fault> {
    match stage.chosen().await? {
        Some(chosen) => Ok(stage.settle_one(&chosen).await?),
        None => Ok(()),
    }
}

impl Stage<'_> {
    async fn settle_one(&self, container: &str) -> Result<(), EngineError> {
        let whole_line = |text: &str| text.contains('\n');
        let Some(now) = self.engine.describe(container).await? else { return Ok(()) };
        let since = super::shot::last_end(&now);
        self.engine.printed(container, since, LOOK, Some((FIRST_LINE, &whole_line))).await?;
        // One that ends right after its line must not pass for running by luck.
        self.engine.ends_within(container, SETTLING).await?;
        Ok(())
    }

    /// The containers that the commands made and that are there, the oldest first. (A label would not
    /// tell them: an image of theirs may carry ours.)
    pub(super) async fn made(&self) -> Result<Vec<String>, EngineError> {
        let there = self.engine.container_ids().await?;
        let made = self.record.events().containers.into_iter().map(|seen| seen.id);
        Ok(made.filter(|id| there.contains(id)).collect())
    }

    pub(super) async fn newest_running(&self) -> Result<Option<String>, EngineError> {
        let Some(chosen) = self.chosen().await? else { return Ok(None) };
        Ok(self.engine.inspect(&chosen).await?.running.then_some(chosen))
    }

    /// The container that is looked at, as [`Shot::container`] chooses it, of those that are there.
    async fn chosen(&self) -> Result<Option<String>, EngineError> {
        let made = self.made().await?;
        let mut running = None;
        for id in made.iter().rev() {
            let Some(now) = self.engine.describe(id).await? else { continue };
            let name = now["Name"].as_str().unwrap_or_default().trim_start_matches('/');
            if self.recipe.container.as_deref() == Some(name) {
                return Ok(Some(id.clone()));
            }
            if running.is_none() && now["State"]["Running"] == true {
                running = Some(id.clone());
            }
        }
        Ok(running.or_else(|| made.last().cloned()))
    }
}

/// A command of the grader's in the commands' container, which cannot fail by the student's doing
/// in a way that matters here.
async fn tool(stage: &Stage<'_>, words: &[&str]) -> Result<(), Fault> {
    let request = crate::engine::ExecRequest {
        command: words.iter().map(|&word| word.to_owned()).collect(),
        user: None,
        env: stage.env.clone(),
        time_limit: Duration::from_secs(60),
        output_limit: 1024,
    };
    stage.engine.exec(&stage.tools, &request).await?;
    Ok(())
}

async fn done(stage: &mut Stage<'_>) -> Result<Shot, Fault> {
    stage.shot(succeeded()).await
}

/// Nothing came of it, and why.
async fn nothing(stage: &mut Stage<'_>, why: String) -> Result<Shot, Fault> {
    let mut shot = stage.shot(Ran::default()).await?;
    shot.error = Some(why);
    Ok(shot)
}

/// What the grader does itself has no exit code.
fn succeeded() -> Ran {
    Ran { is_well: true, ..Ran::default() }
}
