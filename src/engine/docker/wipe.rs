//! Emptying an engine that is all ours: a sandbox's, between two uses.

use std::collections::{BTreeMap, HashMap};

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptions,
    ListVolumesOptions, PruneBuildOptionsBuilder, RemoveContainerOptionsBuilder,
    RemoveImageOptionsBuilder, RemoveVolumeOptionsBuilder, TagImageOptionsBuilder,
};

use super::Engine;
use super::cause::{call, call_or_refusal};
use crate::engine::error::{Cause, EngineError};
use crate::engine::label::{Labels, TAG_PREFIX};

/// The networks that every engine has and that cannot be removed.
const BUILT_IN: [&str; 3] = ["bridge", "host", "none"];

/// What stays when an engine is emptied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keep {
    /// Images: names with their tags, and the ids that they stand for.
    pub images: BTreeMap<String, String>,
    /// What carries our labels, and the build cache.
    pub ours: bool,
}

impl Engine {
    /// Removes all containers, volumes, networks and images but those to be kept, and gives these
    /// their names back. **For an engine that nobody else uses.**
    ///
    /// # Errors
    /// [`EngineError::Remove`] when the engine failed, or something cannot be removed.
    pub async fn wipe(&self, keep: &Keep) -> Result<(), EngineError> {
        let object = "what is on the sandbox's engine".to_owned();
        self.wipe_inner(keep).await.map_err(|cause| EngineError::Remove { object, cause })
    }

    async fn wipe_inner(&self, keep: &Keep) -> Result<(), Cause> {
        self.wipe_containers(keep).await?;
        self.wipe_networks_and_volumes(keep).await?;
        if !keep.ours {
            let all = PruneBuildOptionsBuilder::default().all(true).build();
            call(self.docker.prune_build(Some(all))).await?;
        }
        self.wipe_images(keep).await
    }

    async fn wipe_containers(&self, keep: &Keep) -> Result<(), Cause> {
        let all = ListContainersOptionsBuilder::default().all(true).build();
        for container in call(self.docker.list_containers(Some(all))).await? {
            let labels = container.labels.unwrap_or_default();
            let Some(id) = container.id.filter(|_| !keep.has(Labels::read_container(&labels)))
            else {
                continue;
            };
            let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
            match call_or_refusal(self.docker.remove_container(&id, Some(options))).await? {
                // Somebody else's removal, such as that of `--rm`, is as good.
                Ok(()) | Err((404 | 409, _)) => {}
                Err((_, message)) => return Err(Cause::of_message(message)),
            }
        }
        Ok(())
    }

    async fn wipe_networks_and_volumes(&self, keep: &Keep) -> Result<(), Cause> {
        for network in call(self.docker.list_networks(None::<ListNetworksOptions>)).await? {
            let name = network.name.unwrap_or_default();
            let labels = network.labels.unwrap_or_default();
            if !BUILT_IN.contains(&name.as_str()) && !keep.has(Labels::read_container(&labels)) {
                call(self.docker.remove_network(&network.id.unwrap_or(name))).await?;
            }
        }
        let volumes = call(self.docker.list_volumes(None::<ListVolumesOptions>)).await?;
        for volume in volumes.volumes.unwrap_or_default() {
            if !keep.has(Labels::read_container(&volume.labels)) {
                let force = RemoveVolumeOptionsBuilder::default().force(true).build();
                call(self.docker.remove_volume(&volume.name, Some(force))).await?;
            }
        }
        Ok(())
    }

    async fn wipe_images(&self, keep: &Keep) -> Result<(), Cause> {
        for (name, id) in &keep.images {
            let (repo, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
            let options = TagImageOptionsBuilder::default().repo(repo).tag(tag).build();
            match call_or_refusal(self.docker.tag_image(id, Some(options))).await? {
                // An image that was removed is brought again when it is needed.
                Ok(()) | Err((404, _)) => {}
                Err((_, message)) => return Err(Cause::of_message(message)),
            }
        }
        // An image that others were made from goes after those, so there may be several rounds.
        let mut before = usize::MAX;
        loop {
            let doomed = self.doomed_images(keep).await?;
            if doomed.is_empty() {
                return Ok(());
            }
            if doomed.len() >= before {
                return Err(Cause::Other(format!("images cannot be removed: {doomed:?}")));
            }
            before = doomed.len();
            for name in doomed {
                let force = RemoveImageOptionsBuilder::default().force(true).build();
                match call_or_refusal(self.docker.remove_image(&name, Some(force), None)).await? {
                    Ok(_) | Err((404 | 409, _)) => {}
                    Err((_, message)) => return Err(Cause::of_message(message)),
                }
            }
        }
    }

    /// What is to be removed: images by id, and names that an image which stays should not have.
    async fn doomed_images(&self, keep: &Keep) -> Result<Vec<String>, Cause> {
        let options = ListImagesOptionsBuilder::default().build();
        let mut doomed = Vec::new();
        for image in call(self.docker.list_images(Some(options))).await? {
            let is_base = keep.images.values().any(|id| *id == image.id);
            let labels: HashMap<_, _> = image.labels;
            let tags = image.repo_tags.iter().filter(|tag| *tag != "<none>:<none>");
            // What a play left is kept under a name of ours.
            let has_our_name = tags.clone().any(|tag| keep.ours && tag.starts_with(TAG_PREFIX));
            let is_ours = has_our_name || keep.has(Labels::read_image(&labels));
            if is_base || is_ours {
                let belongs = |tag: &&String| {
                    keep.names(tag, &image.id) || (is_ours && tag.starts_with(TAG_PREFIX))
                };
                let stray = tags.filter(|tag| !belongs(tag));
                doomed.extend(stray.cloned());
            } else {
                doomed.push(image.id);
            }
        }
        Ok(doomed)
    }
}

impl Keep {
    fn has(&self, labels: Option<Labels>) -> bool {
        self.ours && labels.is_some()
    }

    fn names(&self, tag: &str, id: &str) -> bool {
        self.images.get(tag).is_some_and(|kept| kept == id)
    }
}
