//! What a play asks of an engine: containers for the grader's own use, and what the student's commands left.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigLogConfig, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, ImportImageOptionsBuilder,
    InspectContainerOptions, ListContainersOptionsBuilder, ListImagesOptionsBuilder,
    ListVolumesOptions, LogsOptionsBuilder, RemoveVolumeOptionsBuilder, TagImageOptionsBuilder,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use serde_json::Value as Json;

use super::Engine;
use super::cause::{call, call_or_refusal, refusal};
use super::create::pairs;
use crate::engine::capture::Captured;
use crate::engine::container::HelperSpec;
use crate::engine::error::{Cause, EngineError};
use crate::engine::label::container_name;

/// The most bytes of a log that are read, wanted or not, and for how long: a container that floods its
/// log must not take more of us than one that does not.
const MOST_READ: usize = 16 << 20;
const READING: Duration = Duration::from_secs(20);

/// Whether what was printed so far is all that is wanted.
pub(super) type Enough<'a> = &'a (dyn Fn(&str) -> bool + Send + Sync);

impl Engine {
    /// Creates and starts a container for the grader's own use.
    ///
    /// # Errors
    /// [`EngineError::Create`] or [`EngineError::Start`].
    pub async fn start_helper(&self, spec: &HelperSpec) -> Result<String, EngineError> {
        let name = container_name(&spec.name);
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let created = call(self.docker.create_container(Some(options), body(spec))).await;
        let id = created.map_err(|cause| EngineError::Create { name, cause })?.id;
        match self.start(&id).await? {
            super::super::Started::Started => Ok(id),
            super::super::Started::Refused { message } => {
                Err(EngineError::Start { container: id, cause: Cause::Other(message) })
            }
        }
    }

    /// Creates a container as `docker inspect` would describe it (a body of `/containers/create`)
    /// and starts it; the id, or why the engine does not.
    ///
    /// # Errors
    /// [`EngineError::Create`] when the engine failed.
    pub async fn start_like(&self, body: Json) -> Result<Result<String, String>, EngineError> {
        let failed = |cause| EngineError::Create { name: "of a play".to_owned(), cause };
        let body: ContainerCreateBody = serde_json::from_value(body)
            .map_err(|error| failed(Cause::Other(error.to_string())))?;
        let none = CreateContainerOptionsBuilder::default().build();
        match call_or_refusal(self.docker.create_container(Some(none), body)).await {
            Ok(Ok(created)) => match self.start(&created.id).await? {
                super::super::Started::Started => Ok(Ok(created.id)),
                super::super::Started::Refused { message } => Ok(Err(message)),
            },
            Ok(Err((_, message))) => Ok(Err(message)),
            Err(cause) => Err(failed(cause)),
        }
    }

    /// A container as `docker inspect` describes it; none when it is gone.
    ///
    /// # Errors
    /// [`EngineError::Inspect`] when the engine failed.
    pub async fn describe(&self, container: &str) -> Result<Option<Json>, EngineError> {
        let failed =
            |cause| EngineError::Inspect { object: format!("the container {container}"), cause };
        let inspecting = self.docker.inspect_container(container, None::<InspectContainerOptions>);
        match call_or_refusal(inspecting).await.map_err(failed)? {
            Ok(raw) => serde_json::to_value(raw)
                .map(Some)
                .map_err(|error| failed(Cause::Other(error.to_string()))),
            Err((404, _)) => Ok(None),
            Err((_, message)) => Err(failed(Cause::of_message(message))),
        }
    }

    /// The ids of all containers that are there, in any state.
    ///
    /// # Errors
    /// [`EngineError::List`] when the engine failed.
    pub async fn container_ids(&self) -> Result<HashSet<String>, EngineError> {
        let options = ListContainersOptionsBuilder::default().all(true).build();
        let listed = call(self.docker.list_containers(Some(options))).await;
        let containers = listed.map_err(|cause| EngineError::List { cause })?;
        Ok(containers.into_iter().filter_map(|container| container.id).collect())
    }

    /// What a container printed after a moment, up to a limit in bytes. With `follow`, until its
    /// end, or until `enough` of it is there, or the time is up.
    ///
    /// # Errors
    /// [`EngineError::Watch`] when the engine failed. One that is gone, or keeps no log, printed
    /// nothing.
    pub async fn printed(
        &self,
        container: &str,
        after: Option<jiff::Timestamp>,
        limit: usize,
        follow: Option<(Duration, Enough<'_>)>,
    ) -> Result<Captured, EngineError> {
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            // The engine takes whole seconds; each line tells its own time, and is held to it here.
            .since(after.and_then(|after| i32::try_from(after.as_second()).ok()).unwrap_or(0))
            .timestamps(true)
            .follow(follow.is_some())
            .build();
        let mut pieces = std::pin::pin!(self.docker.logs(container, Some(options)));
        let mut printed = Captured::default();
        let mut read = 0;
        let reading = async {
            while let Some(piece) = pieces.next().await {
                match piece {
                    Ok(piece) => {
                        let line = piece.into_bytes();
                        read += line.len();
                        if let Some(words) = words_after(&line, after) {
                            printed.push(words, limit);
                        }
                    }
                    Err(error) if refusal(&error).is_some() => return Ok(()),
                    Err(error) => return Err(Cause::from(error)),
                }
                let is_full = printed.truncated || read > MOST_READ;
                if is_full || follow.is_some_and(|(_, enough)| enough(&printed.text())) {
                    return Ok(());
                }
            }
            Ok(())
        };
        let limit = follow.map_or(READING, |(time, _)| time);
        match tokio::time::timeout(limit, reading).await {
            Ok(Err(cause)) => Err(EngineError::Watch { container: container.to_owned(), cause }),
            Ok(Ok(())) | Err(_) => Ok(printed),
        }
    }

    /// The volumes that carry a name of somebody's choice.
    ///
    /// # Errors
    /// [`EngineError::List`] when the engine failed.
    pub async fn named_volumes(&self) -> Result<Vec<String>, EngineError> {
        let listed = call(self.docker.list_volumes(None::<ListVolumesOptions>)).await;
        let volumes = listed.map_err(|cause| EngineError::List { cause })?.volumes;
        let names = volumes.unwrap_or_default().into_iter().map(|volume| volume.name);
        let mut names: Vec<String> = names.filter(|name| !is_anonymous(name)).collect();
        names.sort();
        Ok(names)
    }

    /// Removes a volume, or tells why the engine does not: a container uses it. One that is gone is
    /// fine.
    ///
    /// # Errors
    /// [`EngineError::Remove`] when the engine failed.
    pub async fn remove_volume(&self, volume: &str) -> Result<Result<(), String>, EngineError> {
        let force = RemoveVolumeOptionsBuilder::default().force(true).build();
        let removing = call_or_refusal(self.docker.remove_volume(volume, Some(force)));
        let failed = |cause| EngineError::Remove { object: format!("the volume {volume}"), cause };
        Ok(match removing.await.map_err(failed)? {
            Ok(()) | Err((404, _)) => Ok(()),
            Err((_, message)) => Err(message),
        })
    }

    /// All names of images, with the ids that they stand for, sorted.
    ///
    /// # Errors
    /// [`EngineError::List`] when the engine failed.
    pub async fn image_names(&self) -> Result<Vec<(String, String)>, EngineError> {
        let options = ListImagesOptionsBuilder::default().build();
        let listed = call(self.docker.list_images(Some(options))).await;
        let images = listed.map_err(|cause| EngineError::List { cause })?;
        let mut names: Vec<(String, String)> = images
            .into_iter()
            .flat_map(|image| {
                let id = image.id;
                image.repo_tags.into_iter().map(move |tag| (tag, id.clone()))
            })
            .filter(|(tag, _)| tag != "<none>:<none>")
            .collect();
        names.sort();
        Ok(names)
    }

    /// Gives an image a further name; false when there is no such image.
    ///
    /// # Errors
    /// [`EngineError::Inspect`] when the engine failed, or the name is none.
    pub async fn tag(&self, image: &str, name: &str) -> Result<bool, EngineError> {
        let (repo, tag) = split(name);
        let options = TagImageOptionsBuilder::default().repo(repo).tag(tag).build();
        let failed = |cause| EngineError::Inspect { object: format!("the image {image}"), cause };
        let tagged = call_or_refusal(self.docker.tag_image(image, Some(options)));
        match tagged.await.map_err(failed)? {
            Ok(()) => Ok(true),
            Err((404, _)) => Ok(false),
            Err((_, message)) => Err(failed(Cause::of_message(message))),
        }
    }

    /// `docker load`: none, or the engine's words on why not.
    ///
    /// # Errors
    /// [`EngineError::Export`] when the engine is gone.
    pub async fn load<S>(&self, archive: S) -> Result<Option<String>, EngineError>
    where
        S: Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    {
        let options = ImportImageOptionsBuilder::default().quiet(true).build();
        let told = self.docker.import_image_stream(options, archive, None);
        let told = told.map_ok(|line| line.error_detail.and_then(|detail| detail.message));
        said(told).await.map_err(|cause| EngineError::Export { image: "an archive".into(), cause })
    }

    /// `docker import`: an image of a root file system.
    ///
    /// # Errors
    /// [`EngineError::Export`] when the engine failed.
    pub async fn import(&self, tar: Vec<u8>, name: &str) -> Result<(), EngineError> {
        let (repo, tag) = split(name);
        let options =
            CreateImageOptionsBuilder::default().from_src("-").repo(repo).tag(tag).build();
        let told =
            self.docker.create_image(Some(options), Some(bollard::body_full(tar.into())), None);
        let told = told.map_ok(|line| line.error_detail.and_then(|detail| detail.message));
        let failed = |cause| EngineError::Export { image: name.to_owned(), cause };
        match said(told).await.map_err(failed)? {
            Some(message) => Err(failed(Cause::of_message(message))),
            None => Ok(()),
        }
    }

    /// `docker pull`: none, or the engine's words on why not.
    ///
    /// # Errors
    /// [`EngineError::Export`] when the engine is gone.
    pub async fn pull(&self, name: &str) -> Result<Option<String>, EngineError> {
        let (repo, tag) = split(name);
        let options = CreateImageOptionsBuilder::default().from_image(repo).tag(tag).build();
        let told = self.docker.create_image(Some(options), None, None);
        let told = told.map_ok(|line| line.error_detail.and_then(|detail| detail.message));
        said(told).await.map_err(|cause| EngineError::Export { image: name.to_owned(), cause })
    }
}

/// Reads what the engine tells while it works, to the end; its refusal, if it refuses.
async fn said(
    told: impl Stream<Item = Result<Option<String>, bollard::errors::Error>>,
) -> Result<Option<String>, Cause> {
    let mut told = std::pin::pin!(told);
    while let Some(line) = told.next().await {
        match line {
            Ok(None) => {}
            Ok(Some(message)) => return Ok(Some(message)),
            Err(bollard::errors::Error::DockerStreamError { error }) => return Ok(Some(error)),
            Err(error) => {
                let refused = refusal(&error).map(|(_, message)| message.to_owned());
                return refused.map(Some).ok_or_else(|| Cause::from(error));
            }
        }
    }
    Ok(None)
}

/// A line of a log without the time before it; none when it is not after `after`.
fn words_after(line: &[u8], after: Option<jiff::Timestamp>) -> Option<&[u8]> {
    let place = line.iter().position(|byte| *byte == b' ')?;
    let (time, words) = line.split_at(place);
    let time: jiff::Timestamp = std::str::from_utf8(time).ok()?.parse().ok()?;
    after.is_none_or(|after| time > after).then(|| words.get(1..).unwrap_or_default())
}

/// A name and its tag; a colon before a slash belongs to a port.
fn split(name: &str) -> (&str, &str) {
    match name.rsplit_once(':') {
        Some((repo, tag)) if !tag.contains('/') => (repo, tag),
        _ => (name, "latest"),
    }
}

/// Whether nobody named a volume: the engine takes 64 hexadecimal digits then.
pub fn is_anonymous(volume: &str) -> bool {
    volume.len() == 64 && volume.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn body(spec: &HelperSpec) -> ContainerCreateBody {
    let host = HostConfig {
        binds: Some(spec.binds.clone()),
        cap_drop: spec.unprivileged.then(|| vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        network_mode: Some(if spec.host_network { "host" } else { "none" }.to_owned()),
        tmpfs: Some(HashMap::from([("/tmp".to_owned(), "mode=1777".to_owned())])),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(HashMap::from([("max-size".to_owned(), "1m".to_owned())])),
        }),
        ..HostConfig::default()
    };
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        hostname: (!spec.host_network).then(|| "student".to_owned()),
        cmd: spec.command.clone(),
        env: Some(pairs(spec.env.iter())),
        user: spec.user.clone(),
        working_dir: spec.workdir.clone(),
        labels: Some(spec.labels.of_container()),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_run_before_is_left_out() {
        let line = b"2026-01-02T03:04:05.123456789Z count=1\n";
        let at = |text: &str| Some(text.parse::<jiff::Timestamp>().expect("a time"));
        assert_eq!(words_after(line, None), Some(&b"count=1\n"[..]));
        assert_eq!(words_after(line, at("2026-01-02T03:04:05.1Z")), Some(&b"count=1\n"[..]));
        assert_eq!(words_after(line, at("2026-01-02T03:04:05.2Z")), None);
    }

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(split("busybox"), ("busybox", "latest"));
        assert_eq!(split("localhost:5000/team/app"), ("localhost:5000/team/app", "latest"));
        assert_eq!(split("localhost:5000/team/app:1.0"), ("localhost:5000/team/app", "1.0"));
    }

    #[test]
    fn a_volume_s_name_tells_whether_somebody_chose_it() {
        assert!(is_anonymous(&"0a".repeat(32)));
        assert!(!is_anonymous("data"));
    }
}
