//! `layers`: what a build put on top of the image that it starts from.

mod pieces;
mod weigh;

use async_trait::async_trait;
use regex::Regex;
use tokio_util::io::SyncIoBridge;

use self::pieces::Pieces;
use self::weigh::{Found, Search};
use super::params::{BUILD, ParamDef, ParamShape, Reader};
use super::room::too_large;
use super::step::line;
use super::{Answer, BindError, Kind, Observe, Room};
use crate::ask::Params;
use crate::engine::{HistoryEntry, ImageInfo};
use crate::evidence::Fault;
use crate::fact::{FactDef, Facts, Shape, Value};
use crate::recipe::BuildRecipe;
use crate::unit::show_bytes;

pub(super) const KIND: Kind = Kind {
    name: "layers",
    doc: "The image's own layers: those that lie upon the image that the last stage starts from, \
          whatever other stages there are. What a later layer deletes still counts.",
    params: &[
        BUILD,
        ParamDef::optional(
            "leave_out",
            ParamShape::Text,
            "everything counts",
            "a regular expression for absolute paths: files that do not count in `size`",
        ),
        ParamDef::optional(
            "other",
            ParamShape::Build,
            "not compared",
            "a build whose own layers do not count in `size`, nor its files in `pieces`: what both put \
             there",
        ),
        ParamDef::optional(
            "pieces",
            ParamShape::Build,
            "not looked for",
            "a build whose image has files in /pieces, which are looked for in the image's own \
             layers; an image that did not build has no facts then",
        ),
    ],
    facts: &[
        FactDef::new(
            "pieces",
            Shape::List,
            "files that hold a piece of one of those files; absent where there are none to look for",
        ),
        FactDef::new("layers", Shape::Int, "how many there are"),
        FactDef::new("size", Shape::Bytes, "of all of them, unpacked, but for what is left out"),
        FactDef::new(
            "steps",
            Shape::List,
            "the steps that added something, each after its size, oldest first",
        ),
        FactDef::new("largest", Shape::Text, "the step that added the most, if one added anything"),
        FactDef::new("largest_size", Shape::Bytes, "what it added"),
        FactDef::new("line", Shape::Int, "the line of the Dockerfile where that step stands"),
        FactDef::new("base_size", Shape::Bytes, "of the image that they lie upon"),
    ],
    bind,
};

/// The most bytes of an image whose layers are looked through: an engine writes them all to its disk
/// once more, and we read them all.
pub(super) const EXPORTED: u64 = 2_000_000_000;

/// Where a build puts the files whose pieces are looked for.
const PIECES: &str = "/pieces";

/// Why a played image is none of this kind's.
pub(super) const NO_BASE: &str = "what a play's image starts from is not known";

struct Layers {
    recipe: BuildRecipe,
    leave_out: Option<Regex>,
    other: Option<BuildRecipe>,
    pieces: Option<BuildRecipe>,
}

fn bind(params: &Params) -> Result<Box<dyn Observe>, BindError> {
    let reader = Reader(params);
    let recipe = reader.build();
    if recipe.play.is_some() {
        return Err(BindError { param: "build", message: NO_BASE.into() });
    }
    let leave_out = reader.text("leave_out").map(|pattern| Regex::new(&pattern)).transpose();
    match leave_out {
        Ok(leave_out) => {
            let (other, pieces) = (reader.recipe("other"), reader.recipe("pieces"));
            Ok(Box::new(Layers { recipe, leave_out, other, pieces }))
        }
        Err(error) => Err(BindError { param: "leave_out", message: error.to_string() }),
    }
}

#[async_trait]
impl Observe for Layers {
    async fn observe(&self, room: &Room) -> Result<Answer, Fault> {
        let pieces = match &self.pieces {
            None => None,
            Some(recipe) => match Box::pin(self.pieces_of(room, recipe)).await? {
                Some(pieces) => Some(pieces),
                None => return Ok(Answer::Facts(Facts::new())),
            },
        };
        let search = Search { paths: self.leave_out.clone(), pieces };
        let own = match Box::pin(own(room, &self.recipe, &search)).await? {
            Ok(own) => own,
            Err(_) if search.pieces.is_some() => return Ok(Answer::Facts(Facts::new())),
            Err(because) => return Ok(Answer::Unreached(because)),
        };
        let mut left_out = own.found.weight;
        let mut with_pieces = own.found.with_pieces.clone();
        if let Some(other) = &self.other
            && let Ok(other) = Box::pin(self::own(room, other, &search)).await?
        {
            left_out += other.size().saturating_sub(other.found.weight);
            // What is deleted later was there for nobody else.
            let is_kept = |path: &String| !own.found.deleted.contains(path);
            with_pieces.retain(|path| !(other.found.with_pieces.contains(path) && is_kept(path)));
        }
        let mut facts = facts(&own.image, &own.base, left_out);
        if let Some(step) = largest(&own.image, &own.base) {
            let history = own.image.history.iter().map(|step| step.created_by.as_str());
            let history: Vec<&str> = history.collect();
            let line = line(room.submission.dockerfile(), &history, step);
            facts.extend(line.map(|line| ("line".to_owned(), line)));
        }
        if search.pieces.is_some() {
            facts.insert("pieces".into(), with_pieces.into());
        }
        Ok(Answer::Facts(facts))
    }
}

impl Layers {
    /// What is looked for in the image's layers; none where there is nothing.
    async fn pieces_of(&self, room: &Room, recipe: &BuildRecipe) -> Result<Option<Pieces>, Fault> {
        // Files of a build may be what another one left.
        let _built = room.build(&self.recipe).await?;
        let Ok(image) = room.image(recipe).await? else { return Ok(None) };
        let Ok(shelf) = room.shelf(&image).await? else { return Ok(None) };
        let Some(archive) = room.engine.open_path(&shelf, PIECES).await? else { return Ok(None) };
        let archive = SyncIoBridge::new(archive);
        let reading = tokio::task::spawn_blocking(move || Pieces::of(archive)).await;
        reading.map_err(std::io::Error::other).flatten().map_err(|error| Fault {
            message: format!("failed to read {PIECES} of an image: {error}"),
            advice: None,
        })
    }
}

/// An image's own layers.
struct Own {
    image: ImageInfo,
    base: ImageInfo,
    found: Found,
}

impl Own {
    fn size(&self) -> u64 {
        self.image.history.iter().skip(self.base.history.len()).map(|step| step.size).sum()
    }
}

/// Looks through the layers of a build, or tells why they cannot be told.
async fn own(
    room: &Room,
    recipe: &BuildRecipe,
    search: &Search,
) -> Result<Result<Own, String>, Fault> {
    let id = match room.image(recipe).await? {
        Ok(id) => id,
        Err(because) => return Ok(Err(because)),
    };
    let image = room.look(&id).await?;
    let base = match room.base(recipe, &image).await? {
        Ok(base) => base,
        Err(because) => return Ok(Err(because)),
    };
    if search.paths.is_none() && search.pieces.is_none() {
        return Ok(Ok(Own { image, base, found: Found::default() }));
    }
    if let Some(because) = too_large(image.size, EXPORTED) {
        return Ok(Err(because));
    }
    let archive = SyncIoBridge::new(room.engine.export_image(&id));
    let (search, lowest) = (search.clone(), base.layers.len());
    let looking =
        tokio::task::spawn_blocking(move || weigh::search(archive, lowest, &search)).await;
    match looking.map_err(std::io::Error::other).flatten() {
        Ok(found) => Ok(Ok(Own { image, base, found })),
        Err(error) => room.unread(&error).map(Err),
    }
}

fn facts(image: &ImageInfo, base: &ImageInfo, left_out: u64) -> Facts {
    let own = image.layers.len() - base.layers.len();
    let steps = image.history.iter().skip(base.history.len()).filter(|step| step.size > 0);
    let steps: Vec<&HistoryEntry> = steps.collect();
    let size = steps.iter().map(|step| step.size).sum::<u64>().saturating_sub(left_out);
    let told = steps.iter().map(|step| format!("{}: {}", show_bytes(step.size), name(step)));
    let mut facts = Facts::from([
        ("layers".to_owned(), Value::Int(i64::try_from(own).unwrap_or(i64::MAX))),
        ("size".to_owned(), Value::Bytes(size)),
        ("steps".to_owned(), told.collect::<Vec<_>>().into()),
        ("base_size".to_owned(), Value::Bytes(base.size)),
    ]);
    if let Some(largest) = largest(image, base).map(|step| &image.history[step]) {
        facts.insert("largest".into(), name(largest).into());
        facts.insert("largest_size".into(), Value::Bytes(largest.size));
    }
    facts
}

/// The step that added the most; of two that added the same, the one that came first.
fn largest(info: &ImageInfo, base: &ImageInfo) -> Option<usize> {
    let own = base.history.len()..info.history.len();
    let size = |step: &usize| info.history[*step].size;
    own.rev().filter(|step| size(step) > 0).max_by_key(size)
}

/// A step without what the builder adds to a student's words.
fn name(step: &HistoryEntry) -> String {
    let words = step.created_by.trim_end_matches(" # buildkit");
    words.replacen("RUN /bin/sh -c ", "RUN ", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(layers: &[&str], history: &[(&str, u64)]) -> ImageInfo {
        let entry = |(words, size): &(&str, u64)| HistoryEntry {
            created_by: (*words).to_owned(),
            size: *size,
        };
        ImageInfo {
            layers: layers.iter().map(|layer| (*layer).to_owned()).collect(),
            history: history.iter().map(entry).collect(),
            size: history.iter().map(|(_, size)| size).sum(),
            ..ImageInfo::default()
        }
    }

    const BASE: [(&str, u64); 2] = [("ADD x", 70), ("CMD y", 0)];

    #[test]
    fn only_what_lies_upon_the_base_counts() {
        let own = [
            ("RUN /bin/sh -c make # buildkit", 20_000_000),
            ("RUN /bin/sh -c rm x # buildkit", 0),
            ("COPY a b # buildkit", 1_000),
        ];
        let whole = image(&["b", "1", "2", "3"], &[&BASE[..], &own].concat());
        let facts = facts(&whole, &image(&["b"], &BASE), 1_000);
        assert_eq!(facts["layers"], Value::Int(3));
        assert_eq!(facts["size"], Value::Bytes(20_000_000));
        assert_eq!(
            facts["steps"],
            vec!["20.0 MB: RUN make".to_owned(), "1.0 kB: COPY a b".into()].into()
        );
        assert_eq!(facts["largest"], "RUN make".into());
        assert_eq!(facts["largest_size"], Value::Bytes(20_000_000));
        assert_eq!(facts["base_size"], Value::Bytes(70));
    }

    #[test]
    fn an_image_of_nothing_of_its_own_has_no_largest_step() {
        let base = image(&["b"], &BASE);
        let facts = facts(&base, &base, 0);
        assert_eq!((&facts["layers"], &facts["size"]), (&Value::Int(0), &Value::Bytes(0)));
        assert!(!facts.contains_key("largest"));
    }
}
