//! `leak`: whether an image gives a needle away.

use async_trait::async_trait;
use tokio_util::io::SyncIoBridge;

use super::layers::{EXPORTED, NO_BASE};
use super::params::{BUILD, ParamDef, ParamShape, Reader};
use super::room::too_large;
use super::{Answer, BindError, Kind, Observe, Room};
use crate::ask::Params;
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape, Value};
use crate::leak::{Haystack, LeakError, Needle, search};
use crate::recipe::BuildRecipe;

pub(super) const KIND: Kind = Kind {
    name: "leak",
    doc: "Looks for a needle in everything an image holds: every layer, also what later layers \
          delete, file names, history, environment, labels; plainly, in base64, hex, reversed \
          or compressed with gzip (also within other files), whole or in part.",
    params: &[
        BUILD,
        ParamDef::required(
            "needle",
            ParamShape::Text,
            "what must not be there, such as \"${secret}\"",
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
        FactDef::new("layers_read", Shape::Int, "how many layers were searched"),
        FactDef::new("bytes_read", Shape::Bytes, "how much was searched"),
    ],
    bind,
};

struct Leak {
    recipe: BuildRecipe,
    needle: String,
    own: bool,
}

fn bind(params: &Params) -> Result<Box<dyn Observe>, BindError> {
    let reader = Reader(params);
    let needle = reader.text("needle").unwrap_or_default();
    if crate::nonce::names(&needle).is_empty() && needle.len() < 8 {
        let message = "a needle that short may occur by chance; use a value of the run".into();
        return Err(BindError { param: "needle", message });
    }
    let (recipe, own) = (reader.build(), reader.text("layers").as_deref() == Some("own"));
    if own && recipe.play.is_some() {
        return Err(BindError { param: "layers", message: NO_BASE.into() });
    }
    Ok(Box::new(Leak { recipe, needle, own }))
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
        let needle = Needle::new(&room.fill(&self.needle)).map_err(fault)?;
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
            Ok(haystack) => Answer::Facts(facts(haystack)),
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
