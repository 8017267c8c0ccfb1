//! What runs of this program made and did not remove.

use std::collections::HashMap;

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder,
    ListVolumesOptionsBuilder, RemoveImageOptionsBuilder, RemoveVolumeOptions,
};
use futures_util::future::try_join4;

use super::Engine;
use super::cause::{call, call_or_refusal};
use crate::engine::error::{Cause, EngineError};
use crate::engine::label::{self, Labels, NAME_PREFIX, TAG_PREFIX};
use crate::engine::owner::{Owner, OwnerLife};

/// Which of our objects are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnedFilter {
    /// Only this run's.
    pub run: Option<String>,
    /// Only this submission's.
    pub submission: Option<String>,
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnedKind {
    /// A container.
    Container,
    /// An image.
    Image,
    /// A volume.
    Volume,
    /// A network.
    Network,
}

/// An object that carries our labels and a name of ours. An image is one for each of its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedObject {
    /// What it is.
    pub kind: OwnedKind,
    /// The engine's id of it; a volume's is its name.
    pub id: String,
    /// Its name; empty for an image that lost its own to a later one.
    pub name: String,
    /// Whose it is.
    pub labels: Labels,
    /// Whether it is a container that runs.
    pub running: bool,
}

impl OwnedObject {
    /// Whether the process that made it still runs, as far as that can be told from here.
    pub fn owner_life(&self) -> OwnerLife {
        self.labels.owner.parse::<Owner>().map_or(OwnerLife::Unknown, |owner| owner.is_alive())
    }
}

impl Engine {
    /// What is ours on this engine: containers first, so that they can be removed in this order.
    ///
    /// # Errors
    /// [`EngineError::List`] when the engine failed.
    pub async fn owned(&self, filter: &OwnedFilter) -> Result<Vec<OwnedObject>, EngineError> {
        self.list(filter).await.map_err(|cause| EngineError::List { cause })
    }

    async fn list(&self, filter: &OwnedFilter) -> Result<Vec<OwnedObject>, Cause> {
        let by = |image| {
            let labels = label::filter(image, filter.run.as_deref(), filter.submission.as_deref());
            HashMap::from([("label".to_owned(), labels)])
        };
        let all = ListContainersOptionsBuilder::default().all(true).filters(&by(false)).build();
        let images = ListImagesOptionsBuilder::default().filters(&by(true)).build();
        let volumes = ListVolumesOptionsBuilder::default().filters(&by(false)).build();
        let networks = ListNetworksOptionsBuilder::default().filters(&by(false)).build();
        let (containers, images, volumes, networks) = try_join4(
            call(self.docker.list_containers(Some(all))),
            call(self.docker.list_images(Some(images))),
            call(self.docker.list_volumes(Some(volumes))),
            call(self.docker.list_networks(Some(networks))),
        )
        .await?;
        let mut owned = Vec::new();
        for container in containers {
            let labels = Labels::read_container(&container.labels.unwrap_or_default());
            let names = container.names.unwrap_or_default();
            let name = names
                .iter()
                .filter_map(|name| name.strip_prefix('/'))
                .find(|name| name.starts_with(NAME_PREFIX));
            let running = container
                .state
                .is_some_and(|state| matches!(state.to_string().as_str(), "running" | "paused"));
            owned.extend(object(OwnedKind::Container, container.id, name, labels, running));
        }
        for image in images {
            let labels = Labels::read_image(&image.labels);
            for name in own_names(&image.repo_tags) {
                let (id, labels) = (Some(image.id.clone()), labels.clone());
                owned.extend(object(OwnedKind::Image, id, Some(name), labels, false));
            }
        }
        for volume in volumes.volumes.unwrap_or_default() {
            let name = Some(volume.name.as_str()).filter(|name| name.starts_with(NAME_PREFIX));
            owned.extend(object(
                OwnedKind::Volume,
                Some(volume.name.clone()),
                name,
                Labels::read_container(&volume.labels),
                false,
            ));
        }
        for network in networks {
            let name = network.name.as_deref().filter(|name| name.starts_with(NAME_PREFIX));
            let labels = Labels::read_container(&network.labels.unwrap_or_default());
            owned.extend(object(OwnedKind::Network, network.id, name, labels, false));
        }
        Ok(owned)
    }

    /// Removes one object of ours. One that is gone is fine; an image that a stranger's container
    /// uses stays.
    ///
    /// # Errors
    /// [`EngineError::Remove`] when the engine failed, or the object is in use.
    pub async fn remove_owned(&self, object: &OwnedObject) -> Result<(), EngineError> {
        let id = object.id.as_str();
        let removed = match object.kind {
            OwnedKind::Container => return self.remove(id).await,
            OwnedKind::Image => {
                // By its name where it has one: other names of the same image are a stranger's.
                let name = if object.name.is_empty() { id } else { &object.name };
                let options = RemoveImageOptionsBuilder::default().build();
                call_or_refusal(self.docker.remove_image(name, Some(options), None))
                    .await
                    .map(|removed| removed.map(drop))
            }
            OwnedKind::Volume => {
                call_or_refusal(self.docker.remove_volume(id, None::<RemoveVolumeOptions>)).await
            }
            OwnedKind::Network => call_or_refusal(self.docker.remove_network(id)).await,
        };
        let cause = match removed {
            Ok(Ok(()) | Err((404, _))) => return Ok(()),
            Ok(Err((_, message))) => Cause::of_message(message),
            Err(cause) => cause,
        };
        let kind = format!("{:?}", object.kind).to_lowercase();
        Err(EngineError::Remove { object: format!("the {kind} {}", object.name), cause })
    }
}

/// An image's names of ours, each of which holds it: builds that come to the same have one image.
/// An empty one where it has no name at all; none for what a stranger built on an image of ours,
/// which has our labels and a name of its own.
fn own_names(tags: &[String]) -> Vec<&str> {
    let tags = tags.iter().map(String::as_str).filter(|tag| *tag != "<none>:<none>");
    let tags: Vec<&str> = tags.collect();
    if tags.is_empty() {
        return vec![""];
    }
    tags.into_iter().filter(|tag| tag.starts_with(TAG_PREFIX)).collect()
}

/// Ours only with both, the labels and the name.
fn object(
    kind: OwnedKind,
    id: Option<String>,
    name: Option<&str>,
    labels: Option<Labels>,
    running: bool,
) -> Option<OwnedObject> {
    Some(OwnedObject { kind, id: id?, name: name?.to_owned(), labels: labels?, running })
}
