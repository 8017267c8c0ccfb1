//! What an image's archive says of itself, and whether it holds together: an engine must find no
//! other image in it than was found here.

use std::collections::BTreeSet;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use super::contents::{Contents, Member};
use super::flaw::Flaw;
use super::json;
use super::path::{clean, follow, show};

/// Where an archive says which images it holds.
pub(super) const MANIFEST: &[u8] = b"manifest.json";
/// The most images in one archive, layers of one, and names of one.
const MANY: usize = 128;
/// The most bytes of a path.
const PATH: usize = 4096;

/// An image in an archive, as `manifest.json` has it. A key more, a key twice or one in other
/// letters is refused: the engine takes the last of `Config` and `config`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Image {
    /// The path of its configuration.
    pub config: String,
    /// Its names.
    #[serde(default, deserialize_with = "or_null")]
    pub repo_tags: Vec<String>,
    /// The paths of its layers, from the base upwards.
    #[serde(default, deserialize_with = "or_null")]
    pub layers: Vec<String>,
    #[serde(default, rename = "LayerSources")]
    _layer_sources: IgnoredAnyField,
    #[serde(default, rename = "Parent")]
    _parent: IgnoredAnyField,
}

/// A key that newer and older engines write and that nothing here rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct IgnoredAnyField;

impl<'de> Deserialize<'de> for IgnoredAnyField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<IgnoredAnyField, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| IgnoredAnyField)
    }
}

fn or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The images that a `manifest.json` names; `None` when it is not one that `docker save` writes.
pub fn manifest(json: &[u8]) -> Option<Vec<Image>> {
    serde_json::from_slice(json).ok()
}

/// Whether the images are in the archive, whole, and nothing leads an engine elsewhere.
pub(super) fn check(images: &[Image], contents: &mut Contents) -> Result<(), Flaw> {
    if let Some(flaw) = contents.not_an_image.take() {
        return Err(flaw);
    }
    for (path, member) in &contents.members {
        if let Member::Link(target) = member {
            let found = follow(path, target).and_then(|path| contents.members.get(&path));
            if !matches!(found, Some(Member::Document(_) | Member::Layer(_) | Member::Other)) {
                let (path, target) = (show(path), show(target));
                let text = format!("holds the link {path} to {target}, which is no file in it");
                return Err(Flaw::danger(text));
            }
        }
    }
    if images.is_empty() || images.len() > MANY {
        return Err(Flaw::danger("names no image in its manifest.json, or too many"));
    }
    let mut configs = BTreeSet::new();
    for image in images {
        if image.layers.len() > MANY || image.repo_tags.len() > MANY {
            return Err(Flaw::danger("has an image of too many layers or names"));
        }
        configs.insert(check_image(image, contents)?);
    }
    check_index(images, &configs, contents)
}

/// The cleaned path of the image's configuration, when it fits its layers.
fn check_image(image: &Image, contents: &Contents) -> Result<Vec<u8>, Flaw> {
    let path = clean(image.config.as_bytes(), PATH)?;
    let no_config = || Flaw::danger(format!("has no readable configuration at {}", show(&path)));
    let Some(Member::Document(config)) = contents.members.get(&path) else {
        return Err(no_config());
    };
    let config = json::read(config, 2).ok_or_else(no_config)?;
    let ids: &[Json] = match config.pointer("/rootfs/diff_ids") {
        Some(Json::Array(ids)) => ids,
        Some(Json::Null) => &[],
        _ => return Err(no_config()),
    };
    if ids.len() != image.layers.len() {
        let text = "has a manifest.json and a configuration that differ in their layers";
        return Err(Flaw::danger(text));
    }
    for (layer, id) in image.layers.iter().zip(ids) {
        let path = clean(layer.as_bytes(), PATH)?;
        let mut found = contents.members.get(&path);
        if let Some(Member::Link(target)) = found {
            // docker save writes a link where two layers are the same.
            found = follow(&path, target).and_then(|path| contents.members.get(&path));
        }
        let found = match found {
            Some(Member::Layer(Ok(found))) => found,
            Some(Member::Layer(Err(flaw))) => {
                let text = format!("holds the layer {}, which {flaw}", show(&path));
                return Err(match flaw {
                    Flaw::Danger(_) => Flaw::danger(text),
                    Flaw::Broken(_) | Flaw::Source(_) => Flaw::broken(text),
                });
            }
            Some(_) => {
                let text = "is neither a plain tar nor one compressed with gzip";
                return Err(Flaw::danger(format!("names the layer {}, which {text}", show(&path))));
            }
            None => {
                return Err(Flaw::danger(format!("lacks the layer {}", show(&path))));
            }
        };
        if id.as_str() != Some(found) {
            let text = "which is not the one that the image was made of";
            return Err(Flaw::danger(format!("holds the layer {}, {text}", show(&path))));
        }
    }
    Ok(path)
}

/// OCI's own list of images: engines that have one store for all of them go by this, others by
/// `manifest.json`. Both have to name the same images.
fn check_index(
    images: &[Image],
    configs: &BTreeSet<Vec<u8>>,
    contents: &Contents,
) -> Result<(), Flaw> {
    let index = b"index.json".to_vec();
    if !contents.members.contains_key(&index) {
        return Ok(());
    }
    let differ = || Flaw::danger("names other images in index.json than in manifest.json");
    let tags: BTreeSet<String> =
        images.iter().flat_map(|image| &image.repo_tags).map(short).collect();
    // An index may name an index for several platforms, and that one images. Each is read once,
    // and one at a time: however often they name each other, that costs no memory.
    let mut seen = BTreeSet::from([index.clone()]);
    let mut waiting = vec![index];
    while let Some(path) = waiting.pop() {
        // Other platforms' images are named and not there.
        let Some(member) = contents.members.get(&path) else { continue };
        let Member::Document(text) = member else { return Err(differ()) };
        let document = json::read(text, usize::MAX).ok_or_else(differ)?;
        let Some(list) = document.get("manifests") else {
            let config = blob(&document["config"]["digest"]).ok_or_else(differ)?;
            if !configs.contains(&config) {
                return Err(differ());
            }
            continue;
        };
        if document.get("config").is_some() {
            return Err(differ());
        }
        for item in list.as_array().ok_or_else(differ)? {
            let name = &item["annotations"]["io.containerd.image.name"];
            if name.as_str().is_some_and(|name| !tags.contains(&short(name))) {
                return Err(differ());
            }
            let path = blob(&item["digest"]).ok_or_else(differ)?;
            // What is said about an image, such as how it was made, comes as an image of no
            // platform.
            let is_statement = item["platform"]["os"] == "unknown";
            if !is_statement && contents.members.contains_key(&path) && seen.insert(path.clone()) {
                waiting.push(path);
            }
        }
    }
    Ok(())
}

/// The path of the blob with that digest.
fn blob(digest: &Json) -> Option<Vec<u8>> {
    let (algorithm, hex) = digest.as_str()?.split_once(':')?;
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain(algorithm) && plain(hex)).then(|| format!("blobs/{algorithm}/{hex}").into_bytes())
}

/// A name without what goes without saying: `docker.io/library/myapp:1.0` is `myapp:1.0`.
fn short(name: impl AsRef<str>) -> String {
    let name = name.as_ref();
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name).to_owned()
}
