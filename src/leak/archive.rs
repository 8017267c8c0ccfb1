//! Walks an image as `docker save` writes it, in docker's own layout or OCI's, and searches it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde_json::Value as Json;

use super::bounds::Bounds;
use super::needle::Needle;
use super::sieve::Sieve;
use crate::archive::{Compression, head, is_tar, manifest};

/// The most bytes of a JSON file that are read into memory.
const JSON: u64 = 8 * 1024 * 1024;
/// The most bytes that what is compressed in one file may unfold to.
const UNFOLDED: u64 = 1 << 30;
/// The same for all files of an image together.
const UNFOLDED_IN_ALL: u64 = 4 << 30;
/// The most places that are listed, of each layer and in all.
const PLACES: usize = 50;
const PIECE: usize = 64 * 1024;

/// What was searched, and where the needle was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Haystack {
    /// Where, in words for a student, sorted.
    pub places: Vec<String>,
    /// In which encodings.
    pub encodings: BTreeSet<String>,
    /// The step whose layer has the first of the places, by its index in `history`.
    pub step: Option<usize>,
    /// The image's steps, as its configuration tells them, oldest first.
    pub history: Vec<String>,
    /// Layers that were read.
    pub layers: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Whether everything could be looked into within bounds.
    pub complete: bool,
}

/// An image could not be searched through, so nothing is known about it.
#[derive(Debug, thiserror::Error)]
pub enum LeakError {
    /// The archive broke off, or is none.
    #[error("failed to read the image's archive: {0}")]
    Read(#[from] io::Error),
    /// A layer in a form that this version cannot read.
    #[error("failed to read the layer {0}: it is compressed with zstd")]
    Zstd(String),
}

/// Searches an image but for its lowest layers, those of `base`, which are told by their digests.
///
/// # Errors
/// When the archive breaks off or a layer cannot be read: silence would look like innocence.
pub fn search(archive: impl Read, needle: &Needle, base: &[String]) -> Result<Haystack, LeakError> {
    let mut walk = Walk {
        needle,
        base,
        found: BTreeMap::new(),
        counts: BTreeMap::new(),
        order: Vec::new(),
        layers: 0,
        bytes: 0,
        unfolded: UNFOLDED_IN_ALL,
        complete: true,
        bounds: Bounds::new(0),
        history: Vec::new(),
    };
    let mut outer = tar::Archive::new(BufReader::with_capacity(PIECE, archive));
    for entry in outer.entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path()?.to_string_lossy().into_owned();
        let size = entry.size();
        walk.bytes += size;
        walk.member(&name, size, &mut entry)?;
    }
    if walk.layers == 0 && walk.order.is_empty() {
        let message = "it holds neither layers nor a manifest";
        return Err(LeakError::Read(io::Error::new(io::ErrorKind::InvalidData, message)));
    }
    Ok(walk.finish())
}

/// Where a needle can be: in the image's configuration, or in a layer's file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Config(String),
    File { member: String, path: String },
}

struct Walk<'n> {
    needle: &'n Needle,
    base: &'n [String],
    found: BTreeMap<Place, BTreeSet<String>>,
    /// Places found in each layer: the order is known at the end only, so that those of the base
    /// must not use up what others may have.
    counts: BTreeMap<String, usize>,
    /// The archive's members that are layers, from the base upwards.
    order: Vec<String>,
    layers: u64,
    bytes: u64,
    /// Bytes that may still be unfolded.
    unfolded: u64,
    complete: bool,
    bounds: Bounds,
    history: Vec<Step>,
}

/// A step of an image's history.
struct Step {
    words: String,
    has_layer: bool,
    leaks: bool,
}

impl Walk<'_> {
    fn member(&mut self, name: &str, size: u64, mut content: impl Read) -> Result<(), LeakError> {
        if self.is_of_base(name) {
            return Ok(());
        }
        let start = head(&mut content)?;
        let content = BufReader::with_capacity(PIECE, start.as_slice().chain(content));
        match Compression::of(&start) {
            Compression::Zstd => return Err(LeakError::Zstd(name.to_owned())),
            Compression::Gzip => {
                let mut unfolded = MultiGzDecoder::new(content);
                let start = head(&mut unfolded)?;
                if is_tar(&start) {
                    let unfolded = start.as_slice().chain(unfolded);
                    return self.layer(name, BufReader::with_capacity(PIECE, unfolded));
                }
                self.complete = false;
            }
            _ if is_tar(&start) => return self.layer(name, content),
            _ if size <= JSON => {
                let mut bytes = Vec::new();
                content.take(JSON).read_to_end(&mut bytes)?;
                self.document(name, &bytes);
            }
            _ => self.complete = false,
        }
        Ok(())
    }

    /// Whether a member's name says that it is one of the base's layers, as it does in OCI's layout:
    /// those need not be searched. In docker's own, only the manifest tells, which comes last.
    fn is_of_base(&self, name: &str) -> bool {
        let digest = name.strip_prefix("blobs/sha256/");
        digest.is_some() && self.base.iter().any(|layer| layer.strip_prefix("sha256:") == digest)
    }

    fn layer(&mut self, member: &str, content: impl Read) -> Result<(), LeakError> {
        self.layers += 1;
        let mut layer = tar::Archive::new(content);
        for entry in layer.entries()? {
            let mut entry = entry?;
            let path = entry.path_bytes().into_owned();
            let shown = format!("/{}", String::from_utf8_lossy(&path));
            let mut names = self.needle.in_bytes(&path);
            if let Some(link) = entry.link_name_bytes() {
                names.extend(self.needle.in_bytes(&link));
            }
            self.note(member, format!("the name of {}", hidden(&shown)), names);
            let mut attributes = BTreeSet::new();
            if let Some(extensions) = entry.pax_extensions()? {
                for extension in extensions.flatten() {
                    attributes.extend(self.needle.in_bytes(extension.value_bytes()));
                }
            }
            self.note(member, format!("the attributes of {shown}"), attributes);
            if entry.header().entry_type().is_file() {
                self.file(member, &shown, &mut entry)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, member: &str, path: &str, content: &mut impl Read) -> io::Result<()> {
        let allowed = self.unfolded.min(UNFOLDED);
        self.bounds.renew(allowed);
        let mut sieve = Sieve::new(self.needle, &self.bounds);
        let mut piece = vec![0; PIECE];
        loop {
            match content.read(&mut piece)? {
                0 => break,
                count => sieve.feed(&piece[..count]),
            }
        }
        let found = sieve.finish();
        drop(sieve);
        self.unfolded -= allowed - self.bounds.left();
        self.complete &= self.bounds.complete();
        let place = Place::File { member: member.to_owned(), path: path.to_owned() };
        self.insert(place, found);
        Ok(())
    }

    /// A JSON member: the manifest gives the layers' order, a configuration is searched by parts.
    fn document(&mut self, name: &str, bytes: &[u8]) {
        if name == "manifest.json" {
            let images = manifest(bytes).unwrap_or_default();
            self.order = images.into_iter().next().map(|image| image.layers).unwrap_or_default();
            return;
        }
        let Ok(json) = serde_json::from_slice::<Json>(bytes) else {
            self.complete = false;
            return;
        };
        if json.get("rootfs").is_none() && json.get("container_config").is_none() {
            return;
        }
        let steps = json.get("history").and_then(Json::as_array).into_iter().flatten();
        self.history.extend(steps.map(|step| {
            let words = step.get("created_by").and_then(Json::as_str).unwrap_or_default();
            Step {
                words: words.to_owned(),
                has_layer: step.get("empty_layer") != Some(&Json::Bool(true)),
                leaks: !self.needle.in_bytes(words.as_bytes()).is_empty(),
            }
        }));
        let mut texts = Vec::new();
        collect(&json, &mut Vec::new(), &mut texts);
        for (keys, text) in texts {
            self.bounds.renew(JSON);
            let mut sieve = Sieve::new(self.needle, &self.bounds);
            sieve.feed(text.as_bytes());
            let found = sieve.finish();
            drop(sieve);
            let place = Place::Config(config_place(&keys, &text));
            self.insert(place, found);
        }
    }

    fn note(&mut self, member: &str, path: String, found: BTreeSet<&'static str>) {
        self.insert(Place::File { member: member.to_owned(), path }, found);
    }

    fn insert(&mut self, place: Place, found: BTreeSet<impl Into<String>>) {
        if found.is_empty() {
            return;
        }
        if !self.found.contains_key(&place) {
            let member = match &place {
                Place::Config(_) => String::new(),
                Place::File { member, .. } => member.clone(),
            };
            let count = self.counts.entry(member).or_default();
            *count += 1;
            if *count > PLACES {
                return;
            }
        }
        self.found.entry(place).or_default().extend(found.into_iter().map(Into::into));
    }

    fn finish(self) -> Haystack {
        let number = |member: &str| self.order.iter().position(|one| one == member);
        let is_own = |place: &Place| match place {
            Place::Config(_) => true,
            Place::File { member, .. } => {
                number(member).is_none_or(|index| index >= self.base.len())
            }
        };
        let found: Vec<_> = self.found.iter().filter(|(place, _)| is_own(place)).collect();
        let mut places: Vec<(usize, String)> = Vec::new();
        for (place, encodings) in &found {
            let how = encodings.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            places.push(match *place {
                Place::Config(what) => (0, format!("{what} ({how})")),
                Place::File { member, path } => match number(member) {
                    Some(index) => (index + 1, format!("layer {}: {path} ({how})", index + 1)),
                    None => (usize::MAX, format!("a layer: {path} ({how})")),
                },
            });
        }
        places.sort();
        let layer = places.iter().find(|(index, _)| *index > 0).map(|(index, _)| index - 1);
        let mut steps = self.history.iter().enumerate();
        let step = match layer {
            Some(layer) => steps.filter(|(_, step)| step.has_layer).nth(layer),
            None => steps.find(|(_, step)| step.leaks),
        };
        Haystack {
            step: step.map(|(index, _)| index),
            history: self.history.iter().map(|step| step.words.clone()).collect(),
            places: places.into_iter().map(|(_, place)| place).take(PLACES).collect(),
            encodings: found.into_iter().flat_map(|(_, encodings)| encodings).cloned().collect(),
            layers: self.layers,
            bytes: self.bytes,
            complete: self.complete,
        }
    }
}

/// A name that is itself the leak is not repeated whole.
fn hidden(path: &str) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("a file in {}/", if folder.len() > 60 { "" } else { folder })
}

/// All texts of a document, keys included, with the keys that lead to them.
fn collect(json: &Json, keys: &mut Vec<String>, texts: &mut Vec<(Vec<String>, String)>) {
    match json {
        Json::String(text) => texts.push((keys.clone(), text.clone())),
        Json::Array(items) => items.iter().for_each(|item| collect(item, keys, texts)),
        Json::Object(map) => {
            for (key, value) in map {
                keys.push(key.clone());
                texts.push((keys.clone(), key.clone()));
                collect(value, keys, texts);
                keys.pop();
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

fn config_place(keys: &[String], text: &str) -> String {
    let key = |index: usize| keys.get(index).map_or("", String::as_str);
    match (key(0), key(1)) {
        ("history", _) => "the image's history".into(),
        (_, "Env") => match text.split_once('=') {
            Some((name, _)) if name.len() < 40 => format!("the environment variable {name}"),
            _ => "an environment variable".into(),
        },
        (_, "Labels") if key(2).len() < 60 => format!("the label {}", key(2)),
        (_, "Labels") => "a label".into(),
        (_, "") => "the image's configuration".into(),
        (_, part) => format!("the image's configuration, {part}"),
    }
}

#[cfg(test)]
mod tests;
