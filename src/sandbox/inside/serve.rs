//! One client's time with the sandbox: the tunnel's other end.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use super::groups::Groups;
use super::{State, daemon, disk};
use crate::engine::{LARGEST, PIECE, SIFT, Sifting, WINDOWS};
use crate::sandbox::protocol::{
    Bases, ENGINE, ENGINE_SOCKET, KEEP, LEAVE, STUDENT, STUDENT_SOCKET, USE,
};

/// Connections at a time; the engine's own bound is far above it.
const STREAMS: u32 = 1024;

struct Desk {
    groups: Groups,
    student: io::Result<UnixListener>,
    bases: Mutex<Bases>,
    state: Arc<watch::Sender<State>>,
}

/// Serves until the client is gone, and tells which images are to be kept.
pub(super) async fn serve(
    stream: UnixStream,
    groups: Groups,
    bases: Bases,
    state: Arc<watch::Sender<State>>,
) -> Bases {
    let desk = Arc::new(Desk { groups, student: listen(), bases: Mutex::new(bases), state });
    let service = {
        let desk = Arc::clone(&desk);
        service_fn(move |request| answer(request, Arc::clone(&desk)))
    };
    // How the client goes makes no difference.
    let _ended = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1)
        .max_frame_size(PIECE)
        .max_concurrent_streams(STREAMS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    desk.bases.lock().map(|bases| bases.clone()).unwrap_or_default()
}

/// A socket that the student's commands see as Docker's, new for each client.
fn listen() -> io::Result<UnixListener> {
    let _ = std::fs::remove_file(STUDENT_SOCKET);
    let listener = UnixListener::bind(STUDENT_SOCKET)?;
    // The commands run as nobody in particular.
    disk::open_to_all(STUDENT_SOCKET)?;
    Ok(listener)
}

async fn answer(
    request: Request<Incoming>,
    desk: Arc<Desk>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let answered = match *request.method() {
        Method::CONNECT => connect(request, &desk).await,
        _ => tell(request, &desk).await,
    };
    Ok(answered.unwrap_or_else(|error| {
        let mut response = Response::new(Full::from(error.to_string()));
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    }))
}

/// A connection to the engine, or the next one that the student's commands make.
async fn connect(request: Request<Incoming>, desk: &Desk) -> io::Result<Response<Full<Bytes>>> {
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
    Ok(Response::default())
}

async fn tell(request: Request<Incoming>, desk: &Desk) -> io::Result<Response<Full<Bytes>>> {
    let path = request.uri().path().to_owned();
    let body = Limited::new(request.into_body(), LARGEST).collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    match path.as_str() {
        KEEP => {
            let bases: Bases = serde_json::from_slice(&body)?;
            if let Ok(mut known) = desk.bases.lock() {
                known.extend(bases);
            }
            Ok(Response::default())
        }
        LEAVE => {
            // Whoever comes from now on waits for the emptying, instead of being sent away.
            desk.state.send_replace(State::Emptying);
            Ok(Response::default())
        }
        SIFT => {
            let sifting: Sifting = serde_json::from_slice(&body)?;
            let engine = daemon::engine().await.map_err(io::Error::other)?;
            let found = engine.sift(&sifting).await.map_err(|error| {
                // It is the client that names the container.
                io::Error::other(error.cause().to_string())
            })?;
            Ok(Response::new(Full::from(serde_json::to_vec(&found)?)))
        }
        USE => Ok(Response::new(Full::from(serde_json::to_vec(&desk.groups.used())?))),
        other => Err(io::Error::other(format!("nothing here is called {other:?}"))),
    }
}
