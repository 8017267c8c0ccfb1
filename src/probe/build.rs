//! `build`: builds, and tells how that went.

mod reading;

use async_trait::async_trait;

use super::params::{BUILD, Reader};
use super::{Answer, BindError, Built, Kind, Observe, Room};
use crate::ask::Params;
use crate::engine::{AgentUse, BuildFailure, BuildOutcome, BuildReport, Step};
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape, Value};
use crate::recipe::BuildRecipe;
use crate::unit::millis;

pub(super) const KIND: Kind = Kind {
    name: "build",
    doc: "Builds, and tells how that went. A build that must fail is asked for with \
          `expect.succeeded = false`; arguments, secrets, an SSH agent, a target, a changed \
          context or Dockerfile belong to the build's own table.",
    params: &[BUILD],
    facts: &[
        FactDef::new("succeeded", Shape::Bool, "whether there is an image"),
        FactDef::new("exit_code", Shape::Int, "of the RUN that failed"),
        FactDef::new("failed_step", Shape::Text, "the instruction that failed"),
        FactDef::new("failed_line", Shape::Int, "its line in the student's Dockerfile"),
        FactDef::new("error", Shape::Text, "the builder's message"),
        FactDef::new("timed_out", Shape::Bool, "whether it hit the time limit"),
        FactDef::new("too_large", Shape::Bool, "whether the context was above its limits"),
        FactDef::new("limit", Shape::Text, "the limit that was hit: memory, processes or disk"),
        FactDef::new("log", Shape::Text, "the end of the failing step's output"),
        FactDef::new("steps", Shape::List, "the instructions, in the order they ended"),
        FactDef::new(
            "cached_steps",
            Shape::List,
            "those that came from the cache; FROM is never among them, as an image is not made",
        ),
        FactDef::new("ran_steps", Shape::List, "those that did not, without FROM"),
        FactDef::new(
            "run_mounts",
            Shape::List,
            "what the RUNs mount that the image needs, as the builder reads it: `tmpfs /tmpdata \
             size=65536`, `cache /root/.cache id=pip`, `secret /run/secrets/key id=key`, `secret env \
             id=key`, `ssh /run/buildkit/ssh_agent.0 id=default`, `bind /src`",
        ),
        FactDef::new(
            "added",
            Shape::List,
            "files of the context that an ADD takes, of those that the image needs; of a download, \
             its name",
        ),
        FactDef::new(
            "added_elsewhere",
            Shape::List,
            "other ADDs, as written: of stages that the image does not need",
        ),
        FactDef::new(
            "ran_logs",
            Shape::List,
            "what the RUNs printed that were not taken from the cache, each its end",
        ),
        FactDef::new(
            "agent_env",
            Shape::List,
            "ENVs of the image that say where an SSH agent is: SSH_AUTH_SOCK, or the target of a \
             RUN's mount",
        ),
        FactDef::new("duration", Shape::Millis, "how long the build took"),
        FactDef::new("context_size", Shape::Bytes, "of the files that the build asked for"),
        FactDef::new("context_files", Shape::Int, "how many files it asked for"),
        FactDef::new(
            "agent_mounted",
            Shape::Int,
            "how often a RUN was given the socket of an SSH agent; absent when none is forwarded, \
             as are the next three",
        ),
        FactDef::new("agent_connections", Shape::Int, "connections to the agent"),
        FactDef::new("agent_listed", Shape::Int, "how often the agent was asked for its keys"),
        FactDef::new("agent_signed", Shape::Int, "signatures that the agent made"),
    ],
    bind,
};

struct Build {
    recipe: BuildRecipe,
}

fn bind(params: &Params) -> Result<Box<dyn Observe>, BindError> {
    Ok(Box::new(Build { recipe: Reader(params).build() }))
}

#[async_trait]
impl Observe for Build {
    async fn observe(&self, room: &Room) -> Result<Answer, Fault> {
        let built = room.build(&self.recipe).await?;
        if let Some(parent) = &self.recipe.parent
            && let Err(because) = room.image(parent).await?
        {
            return Ok(Answer::Unreached(format!(
                "the image to start from did not build: {because}"
            )));
        }
        let mut facts = facts(&built);
        if let (Some(report), false) = (&built.report, self.recipe.ssh.is_empty()) {
            facts.extend(asked(report.agents));
        }
        let dockerfile = room.submission.dockerfile().and_then(|one| one.summary.as_ref());
        if let Some(report) = &built.report {
            facts.extend(reading::facts(report, dockerfile));
        }
        if let (Ok(image), Some(report)) = (&built.image, &built.report) {
            let info = room.look(image).await?;
            facts.insert("agent_env".into(), reading::agent_env(report, &info).into());
        }
        let own = self.recipe.parent.is_none();
        if let Some(line) = failed_line(&built, room).filter(|_| own) {
            facts.insert("failed_line".into(), Value::Int(line));
        }
        Ok(Answer::Facts(facts))
    }
}

fn facts(built: &Built) -> Facts {
    let mut facts = Facts::new();
    let mut set = |name: &str, value: Value| facts.insert(name.to_owned(), value);
    set("succeeded", built.image.is_ok().into());
    set("too_large", built.too_large.into());
    if let Some(sent) = built.report.as_ref().map(|report| &report.sent) {
        set("context_size", Value::Bytes(sent.bytes));
        set("context_files", Value::Int(i64::try_from(sent.files).unwrap_or(i64::MAX)));
    }
    if let Err(because) = &built.image {
        let told = built.limit.map(|limit| format!("{}: {because}", limit.sentence()));
        set("error", told.as_ref().unwrap_or(because).as_str().into());
    }
    if let Some(limit) = built.limit {
        set("limit", limit.name().into());
    }
    let report = built.report.as_ref();
    let timed_out = report.is_some_and(|report| report.outcome == BuildOutcome::TimedOut);
    set("timed_out", timed_out.into());
    let Some(report) = report else { return facts };
    set("duration", Value::Millis(millis(report.took)));
    let named = |keep: &dyn Fn(&Step) -> bool| -> Value {
        let steps = report.steps.iter().filter(|step| keep(step));
        Value::List(steps.filter_map(Step::instruction).map(str::to_owned).collect())
    };
    set("steps", named(&|_| true));
    let is_made = |step: &Step| step.instruction().is_some_and(|name| !name.starts_with("FROM "));
    set("cached_steps", named(&|step| step.cached && is_made(step)));
    set("ran_steps", named(&|step| step.ran && !step.cached && is_made(step)));
    if let Some((failure, step)) = failed_step(report) {
        if let Some(code) = failure.exit_code {
            set("exit_code", code.into());
        }
        if let Some(step) = step {
            set("failed_step", step.instruction().unwrap_or(&step.name).into());
            // Whatever sentence the rubric has for this failure, the log stands below it.
            let told = built.limit.map(|limit| format!("{}\n[{}]", step.log, limit.sentence()));
            set("log", told.as_ref().unwrap_or(&step.log).as_str().into());
        }
    }
    facts
}

fn asked(agents: AgentUse) -> [(String, Value); 4] {
    let AgentUse { mounted, connections, listed, signed } = agents;
    [
        ("agent_mounted", mounted),
        ("agent_connections", connections),
        ("agent_listed", listed),
        ("agent_signed", signed),
    ]
    .map(|(name, count)| (name.to_owned(), Value::Int(count.into())))
}

fn failed_step(report: &BuildReport) -> Option<(&BuildFailure, Option<&Step>)> {
    let BuildOutcome::Failed(failure) = &report.outcome else { return None };
    Some((failure, failure.step.and_then(|index| report.steps.get(index))))
}

/// The builder's own word for the line where it has one, else the line of the step it names.
fn failed_line(built: &Built, room: &Room) -> Option<i64> {
    let (failure, step) = failed_step(built.report.as_ref()?)?;
    let told = failure.line;
    let counted = || {
        let summary = room.submission.dockerfile()?.summary.as_ref()?;
        summary.line_of_step(&step?.name)
    };
    told.or_else(counted).map(i64::from)
}
