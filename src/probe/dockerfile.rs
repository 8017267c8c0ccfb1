//! `dockerfile`: what the student's Dockerfile says, for lessons whose subject is the form.

use async_trait::async_trait;

use super::{Answer, BindError, Kind, Observe, Room};
use crate::ask::Params;
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape, Value};
use crate::submission::Summary;

pub(super) const KIND: Kind = Kind {
    name: "dockerfile",
    doc: "What the student's Dockerfile says, read by a parser. Behaviour is better judged by \
          making it happen; this is for lessons whose subject is the form itself.",
    params: &[],
    facts: &[
        FactDef::new("exists", Shape::Bool, "whether there is a Dockerfile (or dockerfile)"),
        FactDef::new("parses", Shape::Bool, "whether the parser can read it"),
        FactDef::new("path", Shape::Text, "its path in the submission"),
        FactDef::new("lines", Shape::Int, "how many lines it has"),
        FactDef::new("instructions", Shape::List, "their names in upper case, in order"),
        FactDef::new("stages", Shape::Int, "how many FROM there are"),
        FactDef::new("stage_names", Shape::List, "names given with AS"),
        FactDef::new("bases", Shape::List, "what follows each FROM, as written"),
        FactDef::new("final_base", Shape::Text, "the image that the last stage starts from"),
        FactDef::new(
            "declared_args",
            Shape::List,
            "names declared by ARG, less those that only FROM lines use",
        ),
        FactDef::new("onbuild", Shape::List, "ONBUILD triggers, whole"),
        FactDef::new("run", Shape::List, "RUN instructions, whole"),
        FactDef::new("run_mounts", Shape::List, "the values of --mount flags of RUN"),
        FactDef::new(
            "run_mounted",
            Shape::List,
            "type and target of each, such as `tmpfs /tmp`: a relative target as seen from WORKDIR, \
             variables as written",
        ),
        FactDef::new("copy", Shape::List, "COPY instructions, whole"),
        FactDef::new("add", Shape::List, "ADD instructions, whole"),
        FactDef::new("healthcheck", Shape::List, "HEALTHCHECK instructions, whole"),
        FactDef::new("env_names", Shape::List, "names set by ENV"),
        FactDef::new("label_names", Shape::List, "names set by LABEL"),
        FactDef::new("syntax", Shape::Text, "the `# syntax=` directive"),
    ],
    bind,
};

struct Dockerfile;

fn bind(_params: &Params) -> Result<Box<dyn Observe>, BindError> {
    Ok(Box::new(Dockerfile))
}

#[async_trait]
impl Observe for Dockerfile {
    async fn observe(&self, room: &Room) -> Result<Answer, Fault> {
        let Some(dockerfile) = room.submission.dockerfile() else {
            return Ok(Answer::Facts(Facts::from([("exists".to_owned(), false.into())])));
        };
        let mut facts = Facts::from([
            ("exists".to_owned(), true.into()),
            ("parses".to_owned(), dockerfile.summary.is_some().into()),
            ("path".to_owned(), dockerfile.path.as_str().into()),
            ("lines".to_owned(), count(dockerfile.lines)),
        ]);
        if let Some(summary) = &dockerfile.summary {
            facts.extend(said(summary));
        }
        Ok(Answer::Facts(facts))
    }
}

fn said(summary: &Summary) -> Facts {
    let summary = summary.clone();
    let names = summary.instructions.iter().map(|(_, name)| name.clone());
    let mut facts = Facts::from([
        ("instructions".to_owned(), names.collect::<Vec<_>>().into()),
        ("stages".to_owned(), count(summary.stages.len())),
    ]);
    if let Some(base) = summary.final_base() {
        facts.insert("final_base".into(), base.into());
    }
    if let Some(syntax) = summary.syntax {
        facts.insert("syntax".into(), syntax.into());
    }
    let bases = summary.stages.iter().map(|stage| stage.base.clone());
    let bases = bases.collect::<Vec<_>>();
    let stage_names = summary.stages.into_iter().filter_map(|stage| stage.name).collect();
    let lists = [
        ("bases", bases),
        ("stage_names", stage_names),
        ("declared_args", summary.declared_args),
        ("onbuild", summary.onbuild),
        ("run", summary.run),
        ("run_mounts", summary.run_mounts),
        ("run_mounted", summary.run_mounted),
        ("copy", summary.copy),
        ("add", summary.add),
        ("healthcheck", summary.healthcheck),
        ("env_names", summary.env_names),
        ("label_names", summary.label_names),
    ];
    facts.extend(lists.into_iter().map(|(name, list)| (name.to_owned(), Value::List(list))));
    facts
}

fn count(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}
