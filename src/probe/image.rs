//! `image`: what an image's configuration says.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::params::{BUILD, OTHER, Reader};
use super::{Answer, BindError, Kind, Observe, Room};
use crate::ask::Params;
use crate::engine::{HealthTest, ImageInfo};
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape, Value};
use crate::recipe::BuildRecipe;
use crate::unit::millis;

pub(super) const KIND: Kind = Kind {
    name: "image",
    doc: "What an image's configuration says, as `docker image inspect` and `docker history` \
          show it.",
    params: &[BUILD, OTHER],
    facts: &[
        FactDef::new("labels", Shape::Map, "labels by name"),
        FactDef::new("env", Shape::Map, "environment variables by name"),
        FactDef::new("user", Shape::Text, "the user; absent when none is set"),
        FactDef::new("workdir", Shape::Text, "the working folder; absent when none is set"),
        FactDef::new("cmd", Shape::List, "CMD; absent when there is none"),
        FactDef::new("entrypoint", Shape::List, "ENTRYPOINT; absent when there is none"),
        FactDef::new("exposed_ports", Shape::List, "such as 8000/tcp"),
        FactDef::new("volumes", Shape::List, "paths declared by VOLUME"),
        FactDef::new("onbuild", Shape::List, "ONBUILD triggers, in order"),
        FactDef::new("stop_signal", Shape::Text, "STOPSIGNAL; absent when none is set"),
        FactDef::new("shell", Shape::List, "SHELL; absent when none is set"),
        FactDef::new(
            "healthcheck",
            Shape::List,
            "the test of HEALTHCHECK; absent when there is none",
        ),
        FactDef::new("healthcheck_interval", Shape::Millis, "absent when not set"),
        FactDef::new("healthcheck_timeout", Shape::Millis, "absent when not set"),
        FactDef::new("healthcheck_start_period", Shape::Millis, "absent when not set"),
        FactDef::new("healthcheck_retries", Shape::Int, "absent when not set"),
        FactDef::new("size", Shape::Bytes, "of all layers, as the engine adds them up"),
        FactDef::new("layers", Shape::Int, "how many layers there are"),
        FactDef::new("other_size", Shape::Bytes, "of the other build's image"),
        FactDef::new(
            "smaller_by",
            Shape::Bytes,
            "how much smaller it is than that; 0 when it is not",
        ),
        FactDef::new("history", Shape::List, "what made each entry, oldest first"),
        FactDef::new("os", Shape::Text, "the operating system"),
        FactDef::new("architecture", Shape::Text, "the processor architecture"),
    ],
    bind,
};

struct Image {
    recipe: BuildRecipe,
    other: Option<BuildRecipe>,
}

fn bind(params: &Params) -> Result<Box<dyn Observe>, BindError> {
    let reader = Reader(params);
    Ok(Box::new(Image { recipe: reader.build(), other: reader.other() }))
}

#[async_trait]
impl Observe for Image {
    async fn observe(&self, room: &Room) -> Result<Answer, Fault> {
        let image = match room.image(&self.recipe).await? {
            Ok(image) => image,
            Err(because) => return Ok(Answer::Unreached(because)),
        };
        let info = room.look(&image).await?;
        let compared = match &self.other {
            None => Facts::new(),
            Some(other) => match room.image_to_compare(other).await? {
                Ok(other) => compared(&info, &room.look(&other).await?),
                Err(because) => return Ok(Answer::Unreached(because)),
            },
        };
        let mut facts = facts(info);
        facts.extend(compared);
        Ok(Answer::Facts(facts))
    }
}

fn facts(info: ImageInfo) -> Facts {
    let mut facts = Facts::new();
    let mut set = |name: &str, value: Value| facts.insert(name.to_owned(), value);
    set("labels", info.labels.into());
    set("env", env(&info.env).into());
    set("exposed_ports", info.exposed_ports.into());
    set("volumes", info.volumes.into());
    set("onbuild", info.onbuild.into());
    set("size", Value::Bytes(info.size));
    set("layers", Value::Int(i64::try_from(info.layers.len()).unwrap_or(i64::MAX)));
    let history = info.history.into_iter().map(|entry| entry.created_by);
    set("history", history.collect::<Vec<_>>().into());
    set("os", info.os.into());
    set("architecture", info.architecture.into());
    let texts = [("user", info.user), ("workdir", info.workdir), ("stop_signal", info.stop_signal)];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        set(name, text.into());
    }
    let lists = [("cmd", info.cmd), ("entrypoint", info.entrypoint), ("shell", info.shell)];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        set(name, list.into());
    }
    if let Some(check) = info.healthcheck {
        facts.extend(health(check));
    }
    facts
}

fn compared(image: &ImageInfo, other: &ImageInfo) -> Facts {
    Facts::from([
        ("other_size".to_owned(), Value::Bytes(other.size)),
        ("smaller_by".to_owned(), Value::Bytes(other.size.saturating_sub(image.size))),
    ])
}

fn health(check: HealthTest) -> Facts {
    let mut facts = Facts::from([("healthcheck".to_owned(), check.test.into())]);
    let times = [
        ("healthcheck_interval", check.interval),
        ("healthcheck_timeout", check.timeout),
        ("healthcheck_start_period", check.start_period),
    ];
    for (name, long) in times.into_iter().filter(|(_, long)| *long > Duration::ZERO) {
        facts.insert(name.to_owned(), Value::Millis(millis(long)));
    }
    if check.retries > 0 {
        facts.insert("healthcheck_retries".into(), Value::Int(i64::from(check.retries)));
    }
    facts
}

fn env(entries: &[String]) -> BTreeMap<String, String> {
    let pairs = entries.iter().map(|entry| entry.split_once('=').unwrap_or((entry, "")));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
