//! The engine's REST calls, by bollard. Nothing outside this folder names it.

mod cause;
mod container;
mod create;
mod events;
mod exec;
mod fault;
mod files;
mod freeze;
mod image;
mod owned;
mod play;
mod run;
mod sandbox;
mod sift;
mod sockets;
mod stream;
mod volumes;

use std::sync::Arc;
use std::time::Duration;

use bollard::{BollardRequest, ClientVersion, Docker};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty, Limited};
use serde::Deserialize;
use tokio::sync::RwLock;

pub use files::PathReader;
pub use image::ImageExport;
pub(super) use image::RegistryAnswer;
pub use owned::{OwnedFilter, OwnedKind, OwnedObject};
pub use play::is_anonymous;
pub use sandbox::{Machine, Pipe, SandboxContainer, SandboxLife, SandboxSpec, SharedVolume};
pub use sift::{SIFT, Sifting};
pub use volumes::SandboxDisk;

use super::dial::Dialer;
use super::endpoint::Endpoint;
use super::error::{Cause, EngineError};
use super::tunnel::Tunnel;
use cause::bounded;

/// How long an engine may take for an answer that asks little of it.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// How long an engine may take for a call that makes, changes or removes something.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(120);
/// The oldest version of the API that knows all that is asked: Engine 20.10's.
const OLDEST_API: (usize, usize) = (1, 41);
/// The newest one that bollard's types were made for.
const NEWEST_API: (usize, usize) = (1, 53);

/// A Docker Engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    docker: Docker,
    dialer: Dialer,
    endpoint: Arc<str>,
    info: Arc<EngineInfo>,
    /// Held by every build, and by one that has to be alone for itself.
    builds: Arc<RwLock<()>>,
}

/// What an engine says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineInfo {
    /// Its own version: `26.1.5`.
    pub version: String,
    /// The newest version of the API that it speaks: `1.45`.
    pub api_version: String,
    /// `linux`.
    pub os: String,
    /// `amd64`.
    pub arch: String,
    /// Its main part: `Engine`, or `Podman Engine`.
    pub server: String,
}

impl EngineInfo {
    /// Whether it is Podman, which speaks the API only in part.
    pub fn is_podman(&self) -> bool {
        self.server.to_ascii_lowercase().contains("podman")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Version {
    version: String,
    api_version: String,
    os: String,
    arch: String,
    components: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    name: String,
}

impl Engine {
    /// Connects, and agrees on a version of the API.
    ///
    /// # Errors
    /// [`EngineError::Connect`] when nobody answers there, or an engine older than 20.10.
    pub async fn connect(endpoint: &Endpoint) -> Result<Self, EngineError> {
        let address = endpoint.to_string();
        let dialer = Dialer::new(endpoint)
            .map_err(|cause| EngineError::Connect { endpoint: address.clone(), cause })?;
        Self::meet(dialer, address).await
    }

    /// Connects to an engine at the other end of a tunnel, which knows it by this name.
    ///
    /// # Errors
    /// [`EngineError::Connect`] as for [`Engine::connect`].
    pub async fn through(tunnel: Tunnel, name: &'static str) -> Result<Self, EngineError> {
        Self::meet(Dialer::through(tunnel, name), name.to_owned()).await
    }

    async fn meet(dialer: Dialer, endpoint: String) -> Result<Self, EngineError> {
        let failed = |cause| EngineError::Connect { endpoint: endpoint.clone(), cause };
        let version: Version =
            bounded(ANSWER_LIMIT, get(&dialer, "/version")).await.map_err(failed)?;
        let agreed = agree(&version.api_version).map_err(failed)?;
        let info = EngineInfo {
            version: version.version,
            api_version: version.api_version,
            os: version.os,
            arch: version.arch,
            server: version
                .components
                .into_iter()
                .next()
                .map(|component| component.name)
                .unwrap_or_default(),
        };
        let transport = {
            let dialer = dialer.clone();
            move |request: BollardRequest| {
                let dialer = dialer.clone();
                async move { dialer.request(request).await.map_err(bollard::errors::Error::from) }
            }
        };
        let docker = Docker::connect_with_custom_transport(
            transport,
            Some("http://docker"),
            CALL_LIMIT.as_secs(),
            &ClientVersion { major_version: agreed.0, minor_version: agreed.1 },
        )
        .map_err(|error| failed(Cause::from(error)))?;
        Ok(Self {
            docker,
            dialer,
            endpoint: endpoint.clone().into(),
            info: Arc::new(info),
            builds: Arc::default(),
        })
    }

    /// What the engine said about itself when it was connected to.
    pub fn info(&self) -> &EngineInfo {
        &self.info
    }

    /// Where the engine is.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// For [`BuildRequest::alone`](crate::engine::BuildRequest::alone).
    pub(super) fn builds(&self) -> &RwLock<()> {
        &self.builds
    }

    /// Raw connections to the same engine.
    pub(super) fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// Asks for a sign of life.
    pub(super) async fn ping(&self) -> Result<(), Cause> {
        let alive = async { self.docker.ping().await.map_err(Cause::from) };
        bounded(ANSWER_LIMIT, alive).await.map(drop)
    }
}

/// The newest version that both sides speak.
fn agree(theirs: &str) -> Result<(usize, usize), Cause> {
    let parsed = theirs
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    let version: (usize, usize) =
        parsed.ok_or_else(|| Cause::Other(format!("{theirs:?} is no version of Docker's API")))?;
    if version < OLDEST_API {
        return Err(Cause::Unsupported {
            detail: format!(
                "the engine speaks version {theirs} of Docker's API, and 1.41 is the least"
            ),
            advice: "install Docker Engine 20.10 or newer".to_owned(),
        });
    }
    Ok(version.min(NEWEST_API))
}

/// Before a version is agreed on, requests name none.
async fn get<T: serde::de::DeserializeOwned>(
    dialer: &Dialer,
    path: &'static str,
) -> Result<T, Cause> {
    /// An answer of a stranger who listens there is not read without end.
    const LARGEST: usize = 1 << 20;
    let request = Request::get(path)
        .body(Empty::<Bytes>::new())
        .map_err(|error| Cause::Other(error.to_string()))?;
    let response = dialer.request(request).await.map_err(|error| Cause::of_io(&error))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LARGEST).collect().await;
    let body = body.map_err(|error| Cause::lost(error.to_string()))?.to_bytes();
    if !status.is_success() {
        return Err(Cause::Other(format!(
            "{status} for {path}: {}",
            String::from_utf8_lossy(&body).trim()
        )));
    }
    serde_json::from_slice(&body).map_err(|error| {
        Cause::Other(format!("{path} is not answered as by a Docker Engine: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_is_agreed_on() {
        assert_eq!(agree("1.41"), Ok((1, 41)));
        assert_eq!(agree("1.99"), Ok(NEWEST_API));
    }

    #[test]
    fn an_engine_that_is_too_old_is_told_so() {
        let cause = agree("1.40").expect_err("too old");
        assert!(cause.advice().is_some_and(|advice| advice.contains("20.10")));
        assert!(agree("new").is_err());
    }
}
