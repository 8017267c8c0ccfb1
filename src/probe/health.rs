//! `health`: the image's own health check at work.
//!
//! The student's test, retries and timeout stay as they are. Interval and start period are
//! shortened, and where no timeout is set, one shorter than the engine's default of 30 s is: a hung
//! check would otherwise take one and a half minutes to say what it says here in seconds.

mod frozen;
mod watch;

use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use super::params::{BUILD, ParamDef, ParamShape, Reader};
use super::{Answer, BindError, Kind, Observe, Room};
use crate::ask::Params;
use crate::engine::{
    ContainerSpec, Created, EngineError, ExecRequest, HealthTest, HealthTiming, Put, Signalled,
    Started,
};
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape, Value};
use crate::recipe::BuildRecipe;
use crate::unit::millis;
use frozen::{Before, asked};
pub(super) use watch::Watch;

/// The timeout of a check that sets none; the engine's own default is 30 s.
const SHORT_TIMEOUT: Duration = Duration::from_secs(5);
/// An unhealthy container is watched for so many more checks: one may act on what it found, and only
/// after many failures. (What is frozen cannot end.)
const AFTERMATH: u32 = 14;
const AFTERMATH_LIMIT: Duration = Duration::from_secs(15);
const INTERVAL: Duration = Duration::from_millis(300);
/// Where an answer comes at once, checks follow each other at once: late acts come early.
const SHORT_INTERVAL: Duration = Duration::from_millis(1);
/// When checks that a frozen server does not bother have said so a few times, and the queue of the
/// connections that it does not accept is not full yet.
const FIRST_LOOK: Duration = Duration::from_secs(2);
/// What an engine takes where an image sets nothing.
const DEFAULT_TIME: Duration = Duration::from_secs(30);
const DEFAULT_RETRIES: u32 = 3;
const START_PERIOD: Duration = Duration::from_millis(1);

pub(super) const KIND: Kind = Kind {
    name: "health",
    doc: "Runs a container and waits for its own health check to say healthy; then, if asked, \
          breaks the service in a file that it watches or freezes its processes, and waits for \
          unhealthy.",
    params: &[
        BUILD,
        ParamDef::optional("healthy_within", ParamShape::Duration, "20s", "time to become healthy"),
        ParamDef::optional(
            "stay",
            ParamShape::Duration,
            "5s",
            "with break = \"none\": how long it has to stay healthy",
        ),
        ParamDef::optional(
            "break",
            ParamShape::Word(&["none", "file", "freeze"]),
            "none",
            "how it is broken once healthy",
        ),
        ParamDef::optional(
            "break_file",
            ParamShape::Text,
            "/tmp/broken",
            "the file made for break = \"file\"",
        ),
        ParamDef::optional(
            "port",
            ParamShape::Text,
            "all processes are frozen",
            "with break = \"freeze\": the TCP port of the server, whose processes alone are frozen",
        ),
        ParamDef::optional(
            "unhealthy_within",
            ParamShape::Duration,
            "40s",
            "time to become unhealthy",
        ),
    ],
    facts: &[
        FactDef::new(
            "has_check",
            Shape::Bool,
            "whether the image has a health check that is not NONE",
        ),
        FactDef::new("test", Shape::List, "the check, as the image has it"),
        FactDef::new("interval", Shape::Millis, "between two checks, as the image has it"),
        FactDef::new("timeout", Shape::Millis, "that a check has, as the image has it"),
        FactDef::new("retries", Shape::Int, "failures in a row that count, as the image has it"),
        FactDef::new("started", Shape::Bool, "whether the container could be started"),
        FactDef::new("start_error", Shape::Text, "why it could not"),
        FactDef::new("became_healthy", Shape::Bool, "whether it became healthy in time"),
        FactDef::new("healthy_after", Shape::Millis, "from start to healthy"),
        FactDef::new("stayed_healthy", Shape::Bool, "with break = \"none\": whether it stayed so"),
        FactDef::new("broken", Shape::Bool, "whether it was broken"),
        FactDef::new(
            "became_unhealthy",
            Shape::Bool,
            "whether it became unhealthy in time once broken",
        ),
        FactDef::new("unhealthy_after", Shape::Millis, "from being broken to unhealthy"),
        FactDef::new(
            "asked",
            Shape::Bool,
            "with port: whether anything was sent to the frozen server; absent when nothing in the \
             container can tell",
        ),
        FactDef::new(
            "blind",
            Shape::Bool,
            "with port: whether checks that connected to the frozen server said that all is well, \
             without an answer; absent when nothing in the container can tell",
        ),
        FactDef::new(
            "recovered",
            Shape::Bool,
            "whether it became healthy again once mended, which it may keep from happening; absent \
             when it never fell, or ended",
        ),
        FactDef::new("still_running", Shape::Bool, "whether the container runs at the end"),
        FactDef::new("exit_code", Shape::Int, "of the container, when it ended"),
        FactDef::new("checks", Shape::Int, "checks the engine remembers, five at most"),
        FactDef::new(
            "check_exit_code",
            Shape::Int,
            "of the last check; -1 when it hit its timeout",
        ),
        FactDef::new("check_output", Shape::Text, "what the last check printed"),
    ],
    bind,
};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Break {
    Never,
    File(String),
    /// Who listens at this port, or all.
    Freeze(Option<u16>),
}

struct Health {
    recipe: BuildRecipe,
    how: Break,
    healthy_within: Duration,
    stay: Duration,
    unhealthy_within: Duration,
}

fn bind(params: &Params) -> Result<Box<dyn Observe>, BindError> {
    let reader = Reader(params);
    let file = reader.text("break_file");
    let port = match reader.text("port").map(|port| port.parse()) {
        None => None,
        Some(Ok(port)) => Some(port),
        Some(Err(_)) => {
            let message = "a port is a number up to 65535, such as \"8000\"".into();
            return Err(BindError { param: "port", message });
        }
    };
    let how = match reader.text("break").as_deref() {
        Some("file") => Break::File(file.clone().unwrap_or_else(|| "/tmp/broken".into())),
        Some("freeze") => Break::Freeze(port),
        _ => Break::Never,
    };
    if reader.text("port").is_some() && !matches!(how, Break::Freeze(_)) {
        let message = "only break = \"freeze\" looks who listens at a port".into();
        return Err(BindError { param: "port", message });
    }
    if file.is_some() && !matches!(how, Break::File(_)) {
        let message = "only break = \"file\" makes a file".into();
        return Err(BindError { param: "break_file", message });
    }
    if params.contains_key("stay") && how != Break::Never {
        let message = "only break = \"none\" watches it stay healthy".into();
        return Err(BindError { param: "stay", message });
    }
    Ok(Box::new(Health {
        recipe: reader.build(),
        how,
        healthy_within: reader.duration("healthy_within", Duration::from_secs(20)),
        stay: reader.duration("stay", Duration::from_secs(5)),
        unhealthy_within: reader.duration("unhealthy_within", Duration::from_secs(40)),
    }))
}

#[async_trait]
impl Observe for Health {
    async fn observe(&self, room: &Room) -> Result<Answer, Fault> {
        let image = match room.image(&self.recipe).await? {
            Ok(image) => image,
            Err(because) => return Ok(Answer::Unreached(because)),
        };
        let check = room.look(&image).await?.healthcheck;
        let check = check.filter(|check| check.test.first().is_some_and(|word| word != "NONE"));
        let mut facts = Facts::from([("has_check".to_owned(), check.is_some().into())]);
        let Some(check) = check else { return Ok(Answer::Facts(facts)) };
        facts.extend(told(&check));
        let spec = ContainerSpec {
            image,
            name: room.name("health"),
            health: Some(HealthTiming { interval: self.interval(), ..timing(&check) }),
            labels: room.labels("health"),
            ..ContainerSpec::default()
        };
        let started = match room.engine.create(&spec).await? {
            Created::Refused { message } => Err(message),
            Created::Container(container) => {
                let mut watch = Watch::of(room, &container, SystemTime::now());
                let started = match room.engine.start(&container).await? {
                    Started::Refused { message } => Err(message),
                    Started::Started => {
                        facts.extend(self.live(room, &container, &mut watch).await?);
                        Ok(())
                    }
                };
                // What it did stands; what stays of it is found by its labels.
                let _removed = room.engine.remove(&container).await;
                started
            }
        };
        facts.insert("started".into(), started.is_ok().into());
        if let Err(message) = started {
            facts.insert("start_error".into(), message.into());
        }
        Ok(Answer::Facts(facts))
    }
}

impl Health {
    fn interval(&self) -> Duration {
        if matches!(self.how, Break::File(_)) { SHORT_INTERVAL } else { INTERVAL }
    }

    async fn live(&self, room: &Room, container: &str, watch: &mut Watch) -> Result<Facts, Fault> {
        let healthy = watch.healthy(self.healthy_within).await?;
        let mut facts = Facts::from([("became_healthy".to_owned(), healthy.is_some().into())]);
        if let Some(after) = healthy {
            facts.insert("healthy_after".into(), Value::Millis(millis(after)));
            if self.how == Break::Never {
                facts.insert("stayed_healthy".into(), watch.stays(self.stay).await?.into());
            } else {
                facts.extend(self.broken(room, container, watch).await?);
            }
        }
        let state = room.engine.inspect(container).await?;
        facts.insert("still_running".into(), state.running.into());
        if let Some(code) = state.exit_code.filter(|_| !state.running) {
            facts.insert("exit_code".into(), code.into());
        }
        if let Some(health) = state.health {
            let checks = i64::try_from(health.log.len()).unwrap_or(i64::MAX);
            facts.insert("checks".into(), checks.into());
            if let Some(last) = health.log.last() {
                facts.insert("check_exit_code".into(), last.exit_code.into());
                facts.insert("check_output".into(), last.output.as_str().into());
            }
        }
        let fell = facts.get("became_unhealthy") == Some(&true.into());
        if fell && state.running {
            // What keeps itself from being mended does not recover.
            let mended = self.mend(room, container).await?;
            let limit = if mended { self.healthy_within } else { Duration::ZERO };
            let again = watch.healthy(limit).await?;
            // A container that ended meanwhile has nothing to recover.
            if !watch.ended {
                facts.insert("recovered".into(), again.is_some().into());
            }
        }
        Ok(facts)
    }

    /// Breaks the service and waits for its check to notice.
    async fn broken(
        &self,
        room: &Room,
        container: &str,
        watch: &mut Watch,
    ) -> Result<Facts, Fault> {
        let broken = self.strike(room, container).await?;
        let mut facts = Facts::from([("broken".to_owned(), broken.into())]);
        let limit = if broken { self.unhealthy_within } else { Duration::ZERO };
        let mut fell = None;
        let mut left = limit;
        if let Break::Freeze(Some(port)) = self.how {
            let before = Before::of(room, container).await?;
            let first = limit.min(FIRST_LOOK);
            left = limit.saturating_sub(first);
            fell = watch.unhealthy(first).await?;
            if fell.is_none() && !watch.ended {
                facts.extend(before.is_blind(room, container, port).await?);
            }
        }
        if fell.is_none() && !watch.ended {
            fell = watch.unhealthy(left).await?.map(|after| after + (limit - left));
        }
        facts.insert("became_unhealthy".into(), fell.is_some().into());
        if let Some(after) = fell {
            facts.insert("unhealthy_after".into(), Value::Millis(millis(after)));
            if let Break::Freeze(port) = self.how {
                facts.extend(asked(room, container, port).await?);
            } else {
                watch.checks(AFTERMATH, AFTERMATH_LIMIT).await?;
            }
        }
        Ok(facts)
    }

    /// Breaks the service; tells whether it was still there to be broken.
    async fn strike(&self, room: &Room, container: &str) -> Result<bool, Fault> {
        match &self.how {
            Break::Never => Ok(false),
            Break::Freeze(port) => {
                let frozen = match port {
                    Some(port) => room.engine.freeze_server(container, *port).await?,
                    None => room.engine.freeze(container).await?,
                };
                Ok(frozen == Signalled::Sent)
            }
            Break::File(path) => {
                let path = room.fill(path);
                // From inside, where mounts are as the service sees them.
                if run(room, container, &["touch", &path]).await? {
                    return Ok(true);
                }
                let put = room.engine.put_file(container, &path, b"", 0o644).await?;
                Ok(put == Put::Written)
            }
        }
    }

    /// Undoes what [`Health::strike`] did: a check that looks at the service becomes healthy again,
    /// one that only counts or waits does not.
    /// Tells whether that could be done.
    async fn mend(&self, room: &Room, container: &str) -> Result<bool, Fault> {
        match &self.how {
            Break::Never => Ok(true),
            Break::Freeze(_) => Ok(room.engine.thaw(container).await.map(|_| true)?),
            Break::File(path) => {
                let path = room.fill(path);
                let unlink = format!("import os; os.remove({path:?})");
                // An image has one of these, or what broke it could only be put there from outside.
                let programs: [&[&str]; 4] = [
                    &["rm", "-f", &path],
                    &["busybox", "rm", "-f", &path],
                    &["python3", "-c", &unlink],
                    &["python", "-c", &unlink],
                ];
                for program in programs {
                    if run(room, container, program).await? {
                        return Ok(true);
                    }
                }
                // One that has ended has nothing to be mended.
                Ok(!room.engine.inspect(container).await?.running)
            }
        }
    }
}

/// Runs a command in the container as root; whether it succeeded.
async fn run(room: &Room, container: &str, command: &[&str]) -> Result<bool, EngineError> {
    let request = ExecRequest {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        user: Some("0".into()),
        time_limit: Duration::from_secs(10),
        output_limit: 1_000,
        ..ExecRequest::default()
    };
    Ok(room.engine.exec(container, &request).await?.exit_code == Some(0))
}

/// The check as the image has it.
fn told(check: &HealthTest) -> Facts {
    let time =
        |time: Duration| Value::Millis(millis(if time.is_zero() { DEFAULT_TIME } else { time }));
    let retries = if check.retries == 0 { DEFAULT_RETRIES } else { check.retries };
    Facts::from([
        ("test".to_owned(), check.test.clone().into()),
        ("interval".to_owned(), time(check.interval)),
        ("timeout".to_owned(), time(check.timeout)),
        ("retries".to_owned(), i64::from(retries).into()),
    ])
}

/// The timing that a container of ours gets for the student's check.
pub(super) fn timing(check: &HealthTest) -> HealthTiming {
    HealthTiming {
        interval: INTERVAL,
        timeout: check.timeout.is_zero().then_some(SHORT_TIMEOUT),
        start_period: START_PERIOD,
    }
}
