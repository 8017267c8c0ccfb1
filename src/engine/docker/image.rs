//! Images: what they say, what is in them, and their removal.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use bollard::models::{HealthConfig, ImageInspect};
use bollard::query_parameters::RemoveImageOptionsBuilder;
use bytes::Bytes;
use futures_util::future::try_join;
use futures_util::{Stream, StreamExt};
use tokio_util::io::StreamReader;

use super::cause::{call, call_or_refusal, into_io};
use super::{CALL_LIMIT, Engine};
use crate::engine::error::{Cause, EngineError};
use crate::engine::image::{HealthTest, HistoryEntry, ImageInfo};
use crate::engine::label::without_ours;

/// An image as `docker save` writes it: one tar, to be read as it comes. An engine's failure is an
/// [`io::Error`] with the [`EngineError`] inside.
pub type ImageExport = StreamReader<Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>, Bytes>;

/// What a registry says of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) enum RegistryAnswer {
    /// It has the image.
    Has,
    /// It has none of that name, or none for us.
    HasNot,
    /// It does not answer, or not to the point; in the engine's words.
    Silent(String),
}

impl Engine {
    /// Asks the registry of an image for it. Nothing is fetched.
    pub(in crate::engine) async fn registry_has(
        &self,
        image: &str,
    ) -> Result<RegistryAnswer, Cause> {
        let asking = self.docker.inspect_registry_image(image, None);
        Ok(match call_or_refusal(asking).await? {
            Ok(_) => RegistryAnswer::Has,
            Err((401 | 403 | 404, _)) => RegistryAnswer::HasNot,
            Err((_, message)) => RegistryAnswer::Silent(message),
        })
    }

    /// Looks at an image and its history.
    ///
    /// # Errors
    /// [`EngineError::Inspect`] when the engine failed or there is no such image.
    pub async fn image(&self, image: &str) -> Result<ImageInfo, EngineError> {
        let failed = |cause| EngineError::Inspect { object: format!("the image {image}"), cause };
        let inspecting = call(self.docker.inspect_image(image));
        let (inspected, history) =
            try_join(inspecting, call(self.docker.image_history(image))).await.map_err(failed)?;
        let mut info = read(inspected);
        info.history = history
            .into_iter()
            .rev()
            .map(|entry| HistoryEntry {
                created_by: entry.created_by,
                size: u64::try_from(entry.size).unwrap_or_default(),
            })
            .collect();
        Ok(info)
    }

    /// Whether the engine has an image of that name or id.
    ///
    /// # Errors
    /// [`EngineError::Inspect`] when the engine failed.
    pub async fn image_exists(&self, image: &str) -> Result<bool, EngineError> {
        let failed = |cause| EngineError::Inspect { object: format!("the image {image}"), cause };
        self.has_image(image).await.map_err(failed)
    }

    pub(in crate::engine) async fn has_image(&self, image: &str) -> Result<bool, Cause> {
        match call_or_refusal(self.docker.inspect_image(image)).await? {
            Ok(_) => Ok(true),
            Err((404, _)) => Ok(false),
            Err((_, message)) => Err(Cause::of_message(message)),
        }
    }

    /// Opens an image's tar. Nothing is written to disk here; each piece has to come within two
    /// minutes.
    pub fn export_image(&self, image: &str) -> ImageExport {
        let name = image.to_owned();
        let pieces = tokio_stream::StreamExt::timeout(self.docker.export_image(image), CALL_LIMIT);
        let pieces: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>> =
            Box::pin(pieces.map(move |piece| {
                let cause = match piece {
                    Ok(Ok(bytes)) => return Ok(bytes),
                    Ok(Err(error)) => Cause::from(error),
                    Err(_) => Cause::Timeout { seconds: CALL_LIMIT.as_secs() },
                };
                Err(into_io(EngineError::Export { image: name.clone(), cause }))
            }));
        StreamReader::new(pieces)
    }

    /// Removes an image with all its names. One that is gone is fine.
    ///
    /// # Errors
    /// [`EngineError::Remove`] when the engine failed, or a running container still uses it.
    pub async fn remove_image(&self, image: &str) -> Result<(), EngineError> {
        let options = RemoveImageOptionsBuilder::default().force(true).build();
        let failed = |cause| EngineError::Remove { object: format!("the image {image}"), cause };
        match call_or_refusal(self.docker.remove_image(image, Some(options), None))
            .await
            .map_err(failed)?
        {
            Ok(_) | Err((404, _)) => Ok(()),
            Err((_, message)) => Err(failed(Cause::of_message(message))),
        }
    }
}

fn read(raw: ImageInspect) -> ImageInfo {
    let config = raw.config.unwrap_or_default();
    let sorted = |list: Option<Vec<String>>| {
        let mut list = list.unwrap_or_default();
        list.sort();
        list
    };
    ImageInfo {
        id: raw.id.unwrap_or_default(),
        labels: without_ours(config.labels.unwrap_or_default()),
        env: config.env.unwrap_or_default(),
        user: config.user.unwrap_or_default(),
        workdir: config.working_dir.unwrap_or_default(),
        cmd: config.cmd.unwrap_or_default(),
        entrypoint: config.entrypoint.unwrap_or_default(),
        exposed_ports: sorted(config.exposed_ports),
        volumes: sorted(config.volumes),
        onbuild: config.on_build.unwrap_or_default(),
        stop_signal: config.stop_signal.unwrap_or_default(),
        shell: config.shell.unwrap_or_default(),
        healthcheck: config.healthcheck.and_then(health_test),
        size: u64::try_from(raw.size.unwrap_or_default()).unwrap_or_default(),
        layers: raw.root_fs.and_then(|fs| fs.layers).unwrap_or_default(),
        history: Vec::new(),
        os: raw.os.unwrap_or_default(),
        architecture: raw.architecture.unwrap_or_default(),
        tags: raw.repo_tags.unwrap_or_default(),
    }
}

/// A configuration without a test is none: the engine writes an empty one for some images.
fn health_test(raw: HealthConfig) -> Option<HealthTest> {
    let duration = |nanos: Option<i64>| {
        Duration::from_nanos(u64::try_from(nanos.unwrap_or_default()).unwrap_or_default())
    };
    Some(HealthTest {
        test: raw.test.filter(|test| !test.is_empty())?,
        interval: duration(raw.interval),
        timeout: duration(raw.timeout),
        start_period: duration(raw.start_period),
        retries: u32::try_from(raw.retries.unwrap_or_default()).unwrap_or_default(),
    })
}
