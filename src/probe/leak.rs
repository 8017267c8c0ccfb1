//! `leak`: whether an image gives a needle away.

use async_trait::async_trait;
use tokio_util::io::SyncIoBridge;

use super::layers::{EXPORTED, NO_BASE};
use super::params::{BUILD, ParamDef, ParamShape, Reader};
use super::room::too_large;
use super::step::line;
use super::{Answer, BindError, Kind, Observe, Room};
use crate::ask::Params;
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape, Value};
use crate::leak::{Haystack, LeakError, Needle, search};
use crate::recipe::BuildRecipe;

pub(super) const KIND: Kind = Kind {
    name: "leak",
    doc: "Looks for a needle in everything an image holds: every layer, also what later layers \
          delete, file names, history, environment, labels; plainly, reversed, in base64, base32 or \
          uuencode, as a dump or list of numbers, or compressed with gzip, zlib, deflate or zip \
          (also within other files), whole or in part.",
    params: &[
        BUILD,
        ParamDef::required(
            "needle",
            ParamShape::Text,
            "what must not be there, such as \"${secret}\"",
        ),
        ParamDef::optional(
            "others",
            ParamShape::Texts,
            "none",
            "what must not be there either, each looked for like `needle`",
        ),
        ParamDef::optional(
            "layers",
            ParamShape::Word(&["all", "own"]),
            "all",
            "which are searched: all, or those that lie upon the image that the last stage \
             starts from",
        ),
    ],
    facts: &[
        FactDef::new("leaked", Shape::Bool, "whether it is anywhere"),
        FactDef::new(
            "complete",
            Shape::Bool,
            "whether everything could be looked into within bounds",
        ),
        FactDef::new("places", Shape::List, "where, in words"),
        FactDef::new("encodings", Shape::List, "how it is written there"),
        FactDef::new(
            "line",
            Shape::Int,
            "the line of the Dockerfile whose step brought the first of the places that are in \
             layers, else in the history",
        ),
        FactDef::new("layers_read", Shape::Int, "how many layers were searched"),
        FactDef::new("bytes_read", Shape::Bytes, "how much was searched"),
    ],
    bind,
};

struct Leak {
    recipe: BuildRecipe,
    needles: Vec<String>,
    own: bool,
}

fn bind(params: &Params) -> Result<Box<dyn Observe>, BindError> {
    let reader = Reader(params);
    let is_short = |text: &String| crate::nonce::names(text).is_empty() && text.len() < 8;
    let mut needles = vec![reader.text("needle").unwrap_or_default()];
    let others = reader.texts("others").unwrap_or_default();
    for (param, texts) in [("needle", &needles), ("others", &others)] {
        if texts.iter().any(is_short) {
            let message = "a needle that short may occur by chance; use a value of the run".into();
            return Err(BindError { param, message });
        }
    }
    needles.extend(others);
    let (recipe, own) = (reader.build(), reader.text("layers").as_deref() == Some("own"));
    if own && recipe.play.is_some() {
        return Err(BindError { param: "layers", message: NO_BASE.into() });
    }
    Ok(Box::new(Leak { recipe, needles, own }))
}

#[async_trait]
impl Observe for Leak {
    async fn observe(&self, room: &Room) -> Result<Answer, Fault> {
        let image = match room.image(&self.recipe).await? {
            Ok(image) => image,
            Err(because) => return Ok(Answer::Unreached(because)),
        };
        let info = room.look(&image).await?;
        if let Some(because) = too_large(info.size, EXPORTED) {
            return Ok(Answer::Unreached(because));
        }
        let fault = |message: String| Fault { message, advice: None };
        let needles: Vec<String> = self.needles.iter().map(|text| room.fill(text)).collect();
        let needles: Vec<&str> = needles.iter().map(String::as_str).collect();
        let needle = Needle::any(&needles).map_err(fault)?;
        let base = match self.own {
            true => match room.base(&self.recipe, &info).await? {
                Ok(base) => base.layers,
                Err(because) => return Ok(Answer::Unreached(because)),
            },
            false => Vec::new(),
        };
        let archive = SyncIoBridge::new(room.engine.export_image(&image));
        let searched = tokio::task::spawn_blocking(move || search(archive, &needle, &base)).await;
        Ok(match searched.map_err(|error| fault(error.to_string()))? {
            Ok(haystack) => {
                let dockerfile = match self.recipe.play {
                    None => room.submission.dockerfile(),
                    Some(_) => None,
                };
                let step = haystack.step.filter(|_| !haystack.places.is_empty());
                let line = step.and_then(|step| line(dockerfile, &haystack.history, step));
                let mut facts = facts(haystack);
                facts.extend(line.map(|line| ("line".to_owned(), line)));
                Answer::Facts(facts)
            }
            Err(LeakError::Read(error)) => Answer::Unreached(room.unread(&error)?),
            Err(error) => return Err(fault(error.to_string())),
        })
    }
}

fn facts(haystack: Haystack) -> Facts {
    Facts::from([
        ("complete".to_owned(), haystack.complete.into()),
        ("leaked".to_owned(), (!haystack.places.is_empty()).into()),
        ("places".to_owned(), haystack.places.into()),
        ("encodings".to_owned(), haystack.encodings.into_iter().collect::<Vec<_>>().into()),
        ("layers_read".to_owned(), Value::Int(i64::try_from(haystack.layers).unwrap_or(i64::MAX))),
        ("bytes_read".to_owned(), Value::Bytes(haystack.bytes)),
    ])
}
