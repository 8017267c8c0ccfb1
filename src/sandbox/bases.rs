//! The course's images, prepared once on an engine for all of its sandboxes: a volume that they share
//! read-only.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use futures_util::future::try_join_all;
use sha2::{Digest, Sha256};

use super::container::{Answer, Purpose, SandboxConfig, ask, broken, failed, start};
use super::protocol::{BASES, ENGINE, Images, PREPARED};
use crate::engine::{Engine, EngineError, SharedVolume, TAG_PREFIX, Tunnel};
use crate::nonce::hex;

/// The label of the volumes of prepared images, and of the containers that prepare them.
pub(super) const LABEL: &str = "grade.sandbox.bases";
/// Stands for an image without anything: the programs of the student's commands are the sandbox's own.
pub const TOOLS: &str = "grade.local/tools:1";
/// How images are prepared; counted up when that changes.
const VERSION: u32 = 2;
/// How long all of it may take, whoever does it.
const PREPARING: Duration = Duration::from_secs(5 * 60);
/// How often it is begun anew: somebody else may give up, or remove it.
const TRIES: u32 = 5;

/// The volume of the images that a sandbox of this configuration has from the beginning. Where it is
/// not there yet, it is made.
///
/// # Errors
/// [`EngineError::Sandbox`] when it cannot be made, or what the engine's calls say.
pub(super) async fn ensure(
    outer: &Engine,
    config: &SandboxConfig,
    image: &str,
) -> Result<String, EngineError> {
    let names = config.bases.iter().chain(&config.own);
    let ids = try_join_all(names.clone().map(|name| outer.image_id(name))).await?;
    let there: Vec<(&str, &str)> =
        names.zip(&ids).filter_map(|(base, id)| Some((base.as_str(), id.as_deref()?))).collect();
    let name = name_of(image, &there);
    for _ in 0..TRIES {
        // Who makes it has a container of its name. The volume is there before its images are.
        if outer.sandbox_ended(&name, PREPARING).await? {
            continue;
        }
        if outer.has_volume(&volume(&name)).await? {
            return Ok(volume(&name));
        }
        if make(outer, config, image, &name, &there).await? {
            remove_others(outer, &volume(&name)).await?;
            return Ok(volume(&name));
        }
    }
    Err(failed("the course's images cannot be prepared: others begin, and give up".to_owned()))
}

/// Removes prepared images of which not all are there, so that they are made anew.
pub(super) async fn discard(outer: &Engine, volume: &str) -> Result<(), EngineError> {
    outer.remove_sandbox_disk(volume).await
}

/// Prepared images are shared by reference, so what they are is in their name.
fn name_of(image: &str, bases: &[(&str, &str)]) -> String {
    let mut digest = hex(&Sha256::digest(format!("{VERSION} {image} {bases:?}")));
    digest.truncate(16);
    format!("bases-{digest}")
}

fn volume(name: &str) -> String {
    format!("{}{name}", crate::engine::NAME_PREFIX)
}

/// What a container mounts of them.
pub(super) fn mounted(volume: &str, writable: bool) -> SharedVolume {
    SharedVolume {
        name: volume.to_owned(),
        target: BASES.to_owned(),
        writable,
        labels: HashMap::from([(LABEL.to_owned(), String::new())]),
    }
}

/// Makes the volume; false when somebody else has begun to.
async fn make(
    outer: &Engine,
    config: &SandboxConfig,
    image: &str,
    name: &str,
    bases: &[(&str, &str)],
) -> Result<bool, EngineError> {
    let purpose = Purpose {
        name: name.to_owned(),
        words: vec!["prepare".to_owned()],
        label: (LABEL, String::new()),
        disk: None,
        bases: mounted(&volume(name), true),
    };
    let Some(id) = start(outer, config, image, purpose).await? else { return Ok(false) };
    let made = async {
        match ask(outer, &id).await? {
            Answer::Ready(tunnel) => fill(outer, tunnel, bases, &config.own).await?,
            Answer::Busy | Answer::Unprepared => {
                return Err(failed("the images' engine is somebody else's".to_owned()));
            }
        }
        // It ends when all is on the disk, and its end is the sign that it is.
        outer.sandbox_ended(name, PREPARING).await.map(drop)
    };
    let made = made.await;
    if made.is_err() {
        let _ = outer.remove(&id).await;
        let _ = outer.remove_sandbox_disk(&volume(name)).await;
    }
    made.map(|()| true)
}

/// Brings the images, and sees that they are the same.
async fn fill(
    outer: &Engine,
    tunnel: Tunnel,
    bases: &[(&str, &str)],
    own: &[String],
) -> Result<(), EngineError> {
    let inner = Engine::through(tunnel.clone(), ENGINE).await?;
    let mut images = Images::new();
    for (name, id) in bases {
        inner.copy_image(outer, name).await?;
        let (here, there) = (inner.image(name).await?, outer.image(id).await?);
        // Not the ids: engines of different kinds take them of different things.
        if (&here.layers, &here.env, &here.cmd) != (&there.layers, &there.env, &there.cmd) {
            return Err(failed(format!("{name} is another image on the images' engine")));
        }
        if own.iter().any(|one| one == name) {
            inner.tag(&here.id, &unknown_name()).await?;
            inner.remove_image(name).await?;
        }
        images.insert(whole_name(name), here.id);
    }
    let tools = unknown_name();
    inner.import(empty_root().map_err(broken)?, &tools).await?;
    images.extend(inner.image_id(&tools).await?.map(|id| (TOOLS.to_owned(), id)));
    let told = serde_json::to_vec(&images).map_err(|error| broken(error.into()))?;
    tunnel.post(PREPARED, told).await.map(drop).map_err(broken)
}

/// A name that no Dockerfile can say: what a build reads by FROM or `--mount=from` is not seen by the policy.
fn unknown_name() -> String {
    format!("{TAG_PREFIX}{:032x}:1", rand::random::<u128>())
}

/// A name with its tag.
pub(super) fn whole_name(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains(':') { name.to_owned() } else { format!("{name}:latest") }
}

/// Prepared images of other versions go, unless a sandbox has them.
async fn remove_others(outer: &Engine, ours: &str) -> Result<(), EngineError> {
    for other in outer.sandbox_disks(LABEL, true).await? {
        if other.name != ours {
            outer.remove_sandbox_disk(&other.name).await?;
        }
    }
    Ok(())
}

/// A file system with nothing but the places where something is put.
fn empty_root() -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for folder in ["tmp/", "var/", "home/"] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
        tar.append_data(&mut header, folder, io::empty())?;
    }
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    tar.append_link(&mut header, "var/run", "/run")?;
    tar.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_images_have_another_volume() {
        let one = name_of("sha256:1", &[("busybox", "sha256:2")]);
        assert_eq!(one, name_of("sha256:1", &[("busybox", "sha256:2")]));
        assert_ne!(one, name_of("sha256:1", &[("busybox", "sha256:3")]));
        assert_ne!(one, name_of("sha256:3", &[("busybox", "sha256:2")]));
        assert_ne!(one, name_of("sha256:1", &[("busybox", "sha256:2"), ("alpine", "sha256:2")]));
    }

    #[test]
    fn a_name_without_a_tag_is_the_latest() {
        assert_eq!(whole_name("busybox"), "busybox:latest");
        assert_eq!(whole_name("registry:2"), "registry:2");
        assert_eq!(whole_name("localhost:5000/team/app"), "localhost:5000/team/app:latest");
    }
}
