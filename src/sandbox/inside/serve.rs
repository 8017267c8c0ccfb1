//! One client's time with the sandbox: the tunnel's other end.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::Serialize;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

use super::groups::Groups;
use super::{daemon, disk, folder};
use crate::engine::{LARGEST, PIECE, SIFT, Sifting, WINDOWS};
use crate::sandbox::protocol::{
    DISK_HOME, ENGINE, ENGINE_SOCKET, IMAGES, Images, LEAVE, OUTSIDE, PREPARED, READ, STUDENT,
    STUDENT_SOCKET, USE, WRITE,
};

/// Connections at a time; the engine's own bound is far above it.
const STREAMS: u32 = 1024;

type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// What the client can ask for.
pub(super) struct Desk {
    /// None where images are prepared: nothing of a submission runs there.
    groups: Option<Groups>,
    student: io::Result<UnixListener>,
    images: Mutex<Option<Images>>,
    left: CancellationToken,
}

impl Desk {
    /// Where a submission is tried, with these images.
    pub(super) fn of_submission(groups: Groups, images: Images) -> Self {
        Self::new(Some(groups), listen(), Some(images))
    }

    /// Where images are prepared.
    pub(super) fn of_images() -> Self {
        Self::new(None, Err(io::Error::other("no commands are run here")), None)
    }

    fn new(
        groups: Option<Groups>,
        student: io::Result<UnixListener>,
        images: Option<Images>,
    ) -> Self {
        Self { groups, student, images: Mutex::new(images), left: CancellationToken::new() }
    }

    /// The images, once it was told which they are.
    pub(super) fn images(&self) -> Option<Images> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Serves until the client is gone, or says that it is done.
pub(super) async fn serve(stream: UnixStream, desk: &Arc<Desk>) {
    let service = {
        let desk = Arc::clone(desk);
        service_fn(move |request| answer(request, Arc::clone(&desk)))
    };
    let connection = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1)
        .max_frame_size(PIECE)
        .max_concurrent_streams(STREAMS)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // How the client goes makes no difference.
        _ended = connection => {}
        () = desk.left.cancelled() => {}
    }
}

/// A socket that the student's commands see as Docker's.
fn listen() -> io::Result<UnixListener> {
    let listener = UnixListener::bind(STUDENT_SOCKET)?;
    // The commands run as nobody in particular.
    disk::open_to_all(STUDENT_SOCKET)?;
    Ok(listener)
}

async fn answer(request: Request<Incoming>, desk: Arc<Desk>) -> Result<Answer, Infallible> {
    let answered = match *request.method() {
        Method::CONNECT => connect(request, &desk).await,
        _ => tell(request, &desk).await,
    };
    Ok(answered.unwrap_or_else(|error| {
        let mut response = Response::new(whole(error.to_string()));
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    }))
}

/// A connection to the engine, or the next one that the student's commands make.
async fn connect(request: Request<Incoming>, desk: &Desk) -> io::Result<Answer> {
    let target = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let mut near = match target.as_str() {
        ENGINE => UnixStream::connect(ENGINE_SOCKET).await?,
        STUDENT => match &desk.student {
            Ok(listener) => listener.accept().await?.0,
            Err(error) => return Err(io::Error::other(error.to_string())),
        },
        other => return Err(io::Error::other(format!("nothing here is called {other:?}"))),
    };
    tokio::spawn(async move {
        if let Ok(far) = hyper::upgrade::on(request).await {
            let (mut far, piece) = (TokioIo::new(far), PIECE as usize);
            // Either end may be cut off at any time.
            let _ended = copy_bidirectional_with_sizes(&mut near, &mut far, piece, piece).await;
        }
    });
    Ok(Response::new(whole("")))
}

async fn tell(request: Request<Incoming>, desk: &Desk) -> io::Result<Answer> {
    let path = request.uri().path().to_owned();
    let body = Limited::new(request.into_body(), LARGEST).collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    match path.as_str() {
        IMAGES => json(&desk.images()),
        PREPARED => {
            let images: Images = serde_json::from_slice(&body)?;
            let mut known = desk.images.lock().unwrap_or_else(PoisonError::into_inner);
            known.get_or_insert(images);
            Ok(Response::new(whole("")))
        }
        OUTSIDE => {
            disk::outside()?;
            Ok(Response::new(whole("")))
        }
        LEAVE => {
            desk.left.cancel();
            Ok(Response::new(whole("")))
        }
        SIFT => {
            let sifting: Sifting = serde_json::from_slice(&body)?;
            let engine = daemon::engine().await.map_err(io::Error::other)?;
            let found = engine.sift(&sifting).await.map_err(|error| {
                // It is the client that names the container.
                io::Error::other(error.cause().to_string())
            })?;
            json(&found)
        }
        USE => json(&desk.groups.as_ref().map(Groups::used).unwrap_or_default()),
        WRITE => {
            let wanted = serde_json::from_slice(&body)?;
            blocking(move || folder::write(Path::new(DISK_HOME), &wanted)).await?;
            Ok(Response::new(whole("")))
        }
        READ => {
            let wanted = serde_json::from_slice(&body)?;
            let file = blocking(move || folder::open(Path::new(DISK_HOME), &wanted)).await?;
            let Some(file) = file else {
                let mut none = Response::new(whole(""));
                *none.status_mut() = StatusCode::NO_CONTENT;
                return Ok(none);
            };
            let pieces =
                ReaderStream::with_capacity(tokio::fs::File::from_std(file), PIECE as usize);
            Ok(Response::new(BodyExt::boxed_unsync(StreamBody::new(pieces.map_ok(Frame::data)))))
        }
        other => Err(io::Error::other(format!("nothing here is called {other:?}"))),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn json(value: &impl Serialize) -> io::Result<Answer> {
    Ok(Response::new(whole(serde_json::to_vec(value)?)))
}

fn whole(bytes: impl Into<Bytes>) -> UnsyncBoxBody<Bytes, io::Error> {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}
