//! `run`: a container of the image, run to its end.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::params::{BUILD, ParamDef, ParamShape, Reader};
use super::{Answer, BindError, Kind, Observe, Room};
use crate::ask::Params;
use crate::engine::{Captured, ContainerSpec, RunReport};
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape, Value};
use crate::recipe::BuildRecipe;

/// The most bytes that are kept of each output stream.
pub(super) const OUTPUT: usize = 256 * 1024;

pub(super) const KIND: Kind = Kind {
    name: "run",
    doc: "Runs a container of the image to its end, or to the time limit. It reaches no network \
          but its own loopback. One that ends and has printed nothing is run a second time: output \
          was seen to be lost on busy machines.",
    params: &[
        BUILD,
        ParamDef::optional(
            "command",
            ParamShape::Texts,
            "the image's CMD",
            "what stands after the image's name",
        ),
        ParamDef::optional("entrypoint", ParamShape::Texts, "the image's own", "--entrypoint"),
        ParamDef::optional("env", ParamShape::TextMap, "none", "environment variables"),
        ParamDef::optional("user", ParamShape::Text, "the image's own", "--user"),
        ParamDef::optional("workdir", ParamShape::Text, "the image's own", "--workdir"),
        ParamDef::optional("stdin", ParamShape::Text, "empty", "standard input"),
        ParamDef::optional("time_limit", ParamShape::Duration, "30s", "after which it is killed"),
    ],
    facts: &[
        FactDef::new("started", Shape::Bool, "whether the container could be started"),
        FactDef::new("start_error", Shape::Text, "why it could not"),
        FactDef::new("exit_code", Shape::Int, "of its main process, when that ended by itself"),
        FactDef::new("timed_out", Shape::Bool, "whether it was killed at the time limit"),
        FactDef::new("oom_killed", Shape::Bool, "whether it was killed for want of memory"),
        FactDef::new("stdout", Shape::Text, "standard output"),
        FactDef::new("stderr", Shape::Text, "standard error"),
        FactDef::new("stdout_lines", Shape::List, "standard output by lines"),
        FactDef::new("output", Shape::Text, "standard output, then standard error"),
    ],
    bind,
};

struct RunProbe {
    recipe: BuildRecipe,
    command: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    env: BTreeMap<String, String>,
    user: Option<String>,
    workdir: Option<String>,
    stdin: Option<String>,
    time_limit: Duration,
}

fn bind(params: &Params) -> Result<Box<dyn Observe>, BindError> {
    let reader = Reader(params);
    Ok(Box::new(RunProbe {
        recipe: reader.build(),
        command: reader.texts("command"),
        entrypoint: reader.texts("entrypoint"),
        env: reader.text_map("env"),
        user: reader.text("user"),
        workdir: reader.text("workdir"),
        stdin: reader.text("stdin"),
        time_limit: reader.duration("time_limit", Duration::from_secs(30)),
    }))
}

#[async_trait]
impl Observe for RunProbe {
    async fn observe(&self, room: &Room) -> Result<Answer, Fault> {
        let image = match room.image(&self.recipe).await? {
            Ok(image) => image,
            Err(because) => return Ok(Answer::Unreached(because)),
        };
        let spec = |image: &str| ContainerSpec {
            image: image.to_owned(),
            name: room.name("run"),
            command: self.command.as_deref().map(|words| room.fill_all(words)),
            entrypoint: self.entrypoint.as_deref().map(|words| room.fill_all(words)),
            env: room.fill_map(&self.env),
            user: self.user.as_deref().map(|text| room.fill(text)),
            workdir: self.workdir.as_deref().map(|text| room.fill(text)),
            stdin: self.stdin.as_deref().map(|text| room.fill(text).into_bytes()),
            labels: room.labels("run"),
            ..ContainerSpec::default()
        };
        let mut report = room.engine.run(&spec(&image), self.time_limit, OUTPUT).await?;
        if is_silent(&report) {
            // On busy machines the whole output was seen to be lost, where is not known. What has none has none twice.
            report = room.engine.run(&spec(&image), self.time_limit, OUTPUT).await?;
        }
        let mut facts = output(&report.stdout, &report.stderr);
        facts.insert("started".into(), report.refused.is_none().into());
        facts.insert("timed_out".into(), report.timed_out.into());
        facts.insert("oom_killed".into(), report.oom_killed.into());
        if let Some(error) = report.refused {
            facts.insert("start_error".into(), error.into());
        }
        if let Some(code) = report.exit_code.filter(|_| !report.timed_out) {
            facts.insert("exit_code".into(), code.into());
        }
        Ok(Answer::Facts(facts))
    }
}

/// Whether a container ended by itself and printed nothing.
fn is_silent(report: &RunReport) -> bool {
    let has_ended = report.refused.is_none() && !report.timed_out && !report.oom_killed;
    has_ended && report.stdout.text().is_empty() && report.stderr.text().is_empty()
}

/// The facts that output gives, of a container and of a command in one alike.
pub(super) fn output(stdout: &Captured, stderr: &Captured) -> Facts {
    let (stdout, stderr) = (stdout.text(), stderr.text());
    let lines: Vec<String> = stdout.lines().map(str::to_owned).collect();
    let both: Value = format!("{stdout}{stderr}").into();
    Facts::from([
        ("stdout_lines".to_owned(), lines.into()),
        ("stdout".to_owned(), stdout.into()),
        ("stderr".to_owned(), stderr.into()),
        ("output".to_owned(), both),
    ])
}
