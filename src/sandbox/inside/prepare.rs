//! The first process of the container in which the course's images are prepared: an engine whose data stay.

use std::io;
use std::sync::Arc;

use tokio::net::UnixListener;

use super::daemon::{self, Daemon};
use super::serve::{self, Desk};
use super::{bases, disk, first, tell};
use crate::sandbox::protocol::CONTROL;

/// Serves the client that brings the images, and keeps them when it says so.
///
/// # Errors
/// What could not be set up or kept, for the container's log.
pub async fn prepare() -> Result<(), String> {
    let failed = |error: io::Error| format!("the images' engine: {error}");
    disk::scratch().map_err(failed)?;
    let control = UnixListener::bind(CONTROL).map_err(failed)?;
    let mut daemon = match begin().await {
        Ok(daemon) => daemon,
        Err(error) => return tell(&control, &failed(error)).await,
    };
    let Some(stream) = first(&control).await? else { return Ok(()) };
    let desk = Arc::new(Desk::of_images());
    serve::serve(stream, &desk).await;
    // A client that is gone before its end has not brought all.
    let Some(images) = desk.images() else { return Ok(()) };
    daemon.stop().await.map_err(failed)?;
    bases::note(&images).map_err(failed)
}

async fn begin() -> io::Result<Daemon> {
    daemon::see_off()?;
    let data = bases::data();
    std::fs::create_dir_all(&data)?;
    Daemon::start(&data, None).await
}
