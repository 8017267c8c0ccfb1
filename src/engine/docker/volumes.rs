//! The volumes of sandboxes: disks, and images that are prepared for all of them.

use std::collections::HashMap;

use bollard::query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptions};

use super::Engine;
use super::cause::{call, call_or_refusal};
use crate::engine::error::{Cause, EngineError};

/// A volume that a sandbox had. An engine that is killed forgets the disks of the sandboxes that
/// ended with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxDisk {
    /// The volume's name.
    pub name: String,
    /// Its labels.
    pub labels: HashMap<String, String>,
}

impl Engine {
    /// Whether there is a volume of this name.
    ///
    /// # Errors
    /// [`EngineError::Inspect`] when the engine failed.
    pub async fn has_volume(&self, name: &str) -> Result<bool, EngineError> {
        let cause = match call_or_refusal(self.docker.inspect_volume(name)).await {
            Ok(Ok(_)) => return Ok(true),
            Ok(Err((404, _))) => return Ok(false),
            Ok(Err((_, message))) => Cause::of_message(message),
            Err(cause) => cause,
        };
        Err(EngineError::Inspect { object: format!("the volume {name}"), cause })
    }

    /// The volumes with this label; with `unused` those alone that no container has.
    ///
    /// # Errors
    /// [`EngineError::List`] when the engine failed.
    pub async fn sandbox_disks(
        &self,
        label: &str,
        unused: bool,
    ) -> Result<Vec<SandboxDisk>, EngineError> {
        let mut filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        if unused {
            filters.insert("dangling".to_owned(), vec!["true".to_owned()]);
        }
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let listed = call(self.docker.list_volumes(Some(options))).await;
        let listed = listed.map_err(|cause| EngineError::List { cause })?;
        let disk = |volume: bollard::models::Volume| SandboxDisk {
            name: volume.name,
            labels: volume.labels,
        };
        Ok(listed.volumes.unwrap_or_default().into_iter().map(disk).collect())
    }

    /// Removes a sandbox's disk. One that is gone, or in use after all, is fine.
    ///
    /// # Errors
    /// [`EngineError::Remove`] when the engine failed.
    pub async fn remove_sandbox_disk(&self, name: &str) -> Result<(), EngineError> {
        let removed = call_or_refusal(self.docker.remove_volume(name, None::<RemoveVolumeOptions>));
        let cause = match removed.await {
            Ok(Ok(()) | Err((404 | 409, _))) => return Ok(()),
            Ok(Err((_, message))) => Cause::of_message(message),
            Err(cause) => cause,
        };
        Err(EngineError::Remove { object: format!("the volume {name}"), cause })
    }
}
