//! A container's whole file system, sifted on the engine's side of a tunnel: what it holds is much, what is found in it is little.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::io::SyncIoBridge;

use super::Engine;
use super::cause::bounded;
use crate::engine::error::{Cause, EngineError};
use crate::engine::tunnel::{LARGEST, Tunnel};
use crate::sift::{Found, Sieve, Wanted};

/// Where the other side of a tunnel is told of a [`Sifting`].
pub const SIFT: &str = "/sift";
/// How long the other side may take for it.
const SIFT_LIMIT: Duration = Duration::from_secs(15 * 60);

/// What is to be sifted.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sifting {
    /// The container, running or never started.
    pub container: String,
    /// What for.
    pub wanted: Wanted,
}

impl Engine {
    /// Looks through all files of a container.
    ///
    /// # Errors
    /// [`EngineError::Copy`] when the engine failed, there is no such container, or what is wanted
    /// makes no sense.
    pub async fn sift(&self, sifting: &Sifting) -> Result<Found, EngineError> {
        let failed = |cause| EngineError::Copy {
            container: sifting.container.clone(),
            path: "/".to_owned(),
            cause,
        };
        if let Some(tunnel) = self.dialer.tunnel() {
            return bounded(SIFT_LIMIT, far(tunnel, sifting)).await.map_err(failed);
        }
        let other = |message: String| failed(Cause::of_message(message));
        let sieve = Sieve::new(&sifting.wanted).map_err(|error| other(error.to_string()))?;
        let Some(archive) = self.open_path(&sifting.container, "/").await? else {
            return Err(other("the engine shows no file system of it".to_owned()));
        };
        let archive = SyncIoBridge::new(archive);
        let sifted = tokio::task::spawn_blocking(move || sieve.sift(archive)).await;
        sifted.map_err(std::io::Error::other).flatten().map_err(|error| other(error.to_string()))
    }
}

async fn far(tunnel: &Tunnel, sifting: &Sifting) -> Result<Found, Cause> {
    let asked = serde_json::to_vec(sifting).map_err(|error| Cause::Other(error.to_string()))?;
    let answer = tunnel.ask(SIFT, asked, LARGEST).await.map_err(|error| Cause::of_io(&error))?;
    let found = answer.map_err(Cause::of_message)?;
    serde_json::from_slice(&found.unwrap_or_default())
        .map_err(|error| Cause::Other(error.to_string()))
}
