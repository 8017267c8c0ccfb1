//! `exec`: a command inside a running container of the image.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use super::health::{Watch, timing};
use super::params::{BUILD, ParamDef, ParamShape, Reader};
use super::run::{OUTPUT, output};
use super::{Answer, BindError, Kind, Observe, Room};
use crate::ask::Params;
use crate::engine::{ContainerSpec, Created, ExecRequest, Started};
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape};
use crate::recipe::BuildRecipe;

pub(super) const KIND: Kind = Kind {
    name: "exec",
    doc: "Starts a container of the image as it is, and runs a command inside it.",
    params: &[
        BUILD,
        ParamDef::required(
            "command",
            ParamShape::Texts,
            "the command and its arguments; no shell unless named",
        ),
        ParamDef::optional("user", ParamShape::Text, "the image's own", "--user of the command"),
        ParamDef::optional("env", ParamShape::TextMap, "none", "environment of the container"),
        ParamDef::optional(
            "wait_for",
            ParamShape::Word(&["started", "healthy"]),
            "started",
            "what the command waits for",
        ),
        ParamDef::optional("wait_limit", ParamShape::Duration, "20s", "how long it waits"),
        ParamDef::optional(
            "time_limit",
            ParamShape::Duration,
            "30s",
            "after which the container is killed",
        ),
    ],
    facts: &[
        FactDef::new("started", Shape::Bool, "whether the container could be started"),
        FactDef::new("start_error", Shape::Text, "why it, or the command in it, could not"),
        FactDef::new("ready", Shape::Bool, "whether what was waited for came"),
        FactDef::new("exit_code", Shape::Int, "of the command"),
        FactDef::new("timed_out", Shape::Bool, "whether the command hit the time limit"),
        FactDef::new("stdout", Shape::Text, "standard output of the command"),
        FactDef::new("stderr", Shape::Text, "standard error of the command"),
        FactDef::new("stdout_lines", Shape::List, "standard output by lines"),
        FactDef::new("output", Shape::Text, "standard output, then standard error"),
        FactDef::new("still_running", Shape::Bool, "whether the container runs afterwards"),
    ],
    bind,
};

struct Exec {
    recipe: BuildRecipe,
    command: Vec<String>,
    user: Option<String>,
    env: BTreeMap<String, String>,
    wait_for_healthy: bool,
    wait_limit: Duration,
    time_limit: Duration,
}

fn bind(params: &Params) -> Result<Box<dyn Observe>, BindError> {
    let reader = Reader(params);
    Ok(Box::new(Exec {
        recipe: reader.build(),
        command: reader.texts("command").unwrap_or_default(),
        user: reader.text("user"),
        env: reader.text_map("env"),
        wait_for_healthy: reader.text("wait_for").as_deref() == Some("healthy"),
        wait_limit: reader.duration("wait_limit", Duration::from_secs(20)),
        time_limit: reader.duration("time_limit", Duration::from_secs(30)),
    }))
}

#[async_trait]
impl Observe for Exec {
    async fn observe(&self, room: &Room) -> Result<Answer, Fault> {
        let image = match room.image(&self.recipe).await? {
            Ok(image) => image,
            Err(because) => return Ok(Answer::Unreached(because)),
        };
        let check = room.look(&image).await?.healthcheck;
        let spec = ContainerSpec {
            image,
            name: room.name("exec"),
            env: room.fill_map(&self.env),
            health: check.as_ref().map(timing),
            labels: room.labels("exec"),
            ..ContainerSpec::default()
        };
        let container = match room.engine.create(&spec).await? {
            Created::Container(id) => id,
            Created::Refused { message } => return Ok(refused(message)),
        };
        let mut watch = Watch::of(room, &container, SystemTime::now());
        let answer = match room.engine.start(&container).await? {
            Started::Started => Answer::Facts(self.inside(room, &container, &mut watch).await?),
            Started::Refused { message } => refused(message),
        };
        // What it did stands; what stays of it is found by its labels.
        let _removed = room.engine.remove(&container).await;
        Ok(answer)
    }
}

impl Exec {
    async fn inside(
        &self,
        room: &Room,
        container: &str,
        watch: &mut Watch,
    ) -> Result<Facts, Fault> {
        let mut facts = Facts::from([("started".to_owned(), true.into())]);
        let ready = !self.wait_for_healthy || watch.healthy(self.wait_limit).await?.is_some();
        facts.insert("ready".into(), ready.into());
        if ready {
            let request = ExecRequest {
                command: room.fill_all(&self.command),
                user: self.user.as_deref().map(|text| room.fill(text)),
                time_limit: self.time_limit,
                output_limit: OUTPUT,
                ..ExecRequest::default()
            };
            let report = room.engine.exec(container, &request).await?;
            facts.extend(output(&report.stdout, &report.stderr));
            facts.insert("timed_out".into(), report.timed_out.into());
            if let Some(error) = report.refused {
                facts.insert("start_error".into(), error.into());
            }
            if let Some(code) = report.exit_code {
                facts.insert("exit_code".into(), code.into());
            }
        }
        let state = room.engine.inspect(container).await?;
        facts.insert("still_running".into(), state.running.into());
        Ok(facts)
    }
}

fn refused(message: String) -> Answer {
    Answer::Facts(Facts::from([
        ("started".to_owned(), false.into()),
        ("start_error".to_owned(), message.into()),
    ]))
}
