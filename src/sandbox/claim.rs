//! A sandbox from outside: whose it is has it for itself, once.

use std::io;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;

use super::bases::{TOOLS, whole_name};
use super::container::broken;
use super::protocol::{
    ENGINE, FileRead, FileWrite, IMAGES, Images, LEAVE, OUTSIDE, READ, STUDENT, USE, Use, WRITE,
};
use super::sandboxes::Sandboxes;
use crate::engine::{Engine, EngineError, LARGEST, Tunnel};

/// A sandbox that is ours. It ends, with all that is in it, when the last part of it is dropped.
pub struct Sandbox {
    /// The engine inside.
    pub engine: Engine,
    tunnel: Tunnel,
    images: Images,
    origin: Sandboxes,
    outside: bool,
}

impl Sandbox {
    /// Makes a sandbox ours whose answer was that it is.
    pub(super) async fn enter(
        outer: &Engine,
        id: String,
        tunnel: Tunnel,
        (origin, outside): (Sandboxes, bool),
    ) -> Result<Self, EngineError> {
        if outside {
            tunnel.post(OUTSIDE, Vec::new()).await.map_err(broken)?;
            outer.connect_sandbox(&id).await?;
        }
        let told = tunnel.post(IMAGES, Vec::new()).await.map_err(broken)?;
        let images: Option<Images> =
            serde_json::from_slice(&told).map_err(|error| broken(error.into()))?;
        let engine = Engine::through(tunnel.clone(), ENGINE).await?;
        let images = images.unwrap_or_default();
        Ok(Self { engine, tunnel, images, origin, outside })
    }

    /// A fresh one like this, which has nothing of it.
    ///
    /// # Errors
    /// As for [`Sandboxes::claim`].
    pub async fn another(&self) -> Result<Self, EngineError> {
        // Boxed, as it is made where this one was.
        Box::pin(self.origin.claim(self.outside)).await
    }

    /// How far the limits were used.
    ///
    /// # Errors
    /// [`EngineError::Sandbox`] when the sandbox is gone.
    pub async fn used(&self) -> Result<Use, EngineError> {
        let told = self.tunnel.post(USE, Vec::new()).await.map_err(broken)?;
        serde_json::from_slice(&told).map_err(|error| broken(error.into()))
    }

    /// Ends the sandbox. It need not be said: a connection that ends says as much, a little later.
    pub async fn leave(&self) {
        let _ = self.tunnel.post(LEAVE, Vec::new()).await;
    }

    /// The next connection that the student's commands make to what they take for Docker.
    ///
    /// # Errors
    /// When the sandbox is gone.
    pub async fn student(&self) -> io::Result<TokioIo<Upgraded>> {
        self.tunnel.connect(STUDENT).await
    }

    /// A connection to the engine inside.
    ///
    /// # Errors
    /// When the sandbox is gone.
    pub async fn dial(&self) -> io::Result<TokioIo<Upgraded>> {
        self.tunnel.connect(ENGINE).await
    }

    /// The images that were there from the beginning: names, tags included, and ids. The grader's own
    /// is among them.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// The id of an image that was there from the beginning, whatever its name stands for now.
    pub fn image(&self, name: &str) -> Option<&str> {
        self.images.get(&whole_name(name)).map(String::as_str)
    }

    /// The image of the container that the student's commands run in.
    pub(crate) fn tools(&self) -> Option<&str> {
        self.image(TOOLS)
    }

    /// Writes a file of the student's folder, a path below [`HOME`](super::HOME), and makes its
    /// folders; or tells what is in the way. No step of the path is a link.
    ///
    /// # Errors
    /// [`EngineError::Sandbox`] when the sandbox is gone.
    pub async fn write_file(
        &self,
        path: &str,
        text: &str,
        owner: u32,
    ) -> Result<Result<(), String>, EngineError> {
        let wanted = FileWrite { path: path.to_owned(), text: text.to_owned(), owner };
        let wanted = serde_json::to_vec(&wanted).map_err(|error| broken(error.into()))?;
        let written = self.tunnel.ask(WRITE, wanted, LARGEST).await.map_err(broken)?;
        Ok(written.map(drop))
    }

    /// Reads a regular file of the student's folder, a path below [`HOME`](super::HOME); none when there
    /// is none, it is larger than `limit` bytes, or a step of the path is a link.
    ///
    /// # Errors
    /// [`EngineError::Sandbox`] when the sandbox is gone.
    pub async fn read_file(
        &self,
        path: &str,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, EngineError> {
        let wanted = FileRead { path: path.to_owned(), limit: limit as u64 };
        let wanted = serde_json::to_vec(&wanted).map_err(|error| broken(error.into()))?;
        let read = self.tunnel.ask(READ, wanted, limit).await.map_err(broken)?;
        // What cannot be opened is no file to read.
        Ok(read.ok().flatten().map(Into::into))
    }
}
