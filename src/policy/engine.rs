//! Requests to the engine, each on a connection of its own.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

use super::route::Route;
use super::world::{Ours, World};

/// How long the engine may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may take to say what there is.
const LOOK: Duration = Duration::from_secs(30);
/// The largest answer that is read as a whole.
const LARGEST: usize = 8 << 20;

/// How often an engine is asked whether it is there before it is given up.
const PINGS: u32 = 3;

/// Why there is no answer of the engine's to go by.
#[derive(Debug)]
pub(super) enum Lost {
    /// The connection was not made, or broke. That need not be the engine's end: it hangs up on who
    /// breaks its protocol.
    Broken(String),
    /// The engine says that it cannot, in its own words. A student can make it so: by what is removed
    /// while it looks, for one.
    Says(StatusCode, Bytes),
    /// The answer is larger than any that an ordinary submission gives rise to.
    TooLarge,
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// A connection, whatever it is made of.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A way to the engine.
pub trait Dial: Send + Sync + 'static {
    /// Opens a fresh connection.
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Stream>>>;
}

/// What is sent, and what comes back.
pub(super) type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

pub(super) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Headers that mean something to the engine and are safe to pass on.
fn is_passed(name: &HeaderName) -> bool {
    let name = name.as_str();
    let known = ["accept", "user-agent", "x-registry-auth", "x-registry-config", "traceparent"];
    known.contains(&name) || name.starts_with("x-docker-expose-session-")
}

/// The request that goes to the engine.
pub(super) fn request(
    method: Method,
    target: &str,
    headers: &HeaderMap,
    body: Body,
    kind: Option<&'static str>,
    upgrade: Option<HeaderValue>,
) -> Result<Request<Body>, http::Error> {
    let mut request = Request::builder().method(method).uri(target).header(HOST, "docker");
    for (name, value) in headers.iter().filter(|(name, _)| is_passed(name)) {
        request = request.header(name, value);
    }
    // Never the student's: Go takes a form in the body for a query.
    if let Some(kind) = kind {
        request = request.header(CONTENT_TYPE, kind);
    }
    if let Some(protocol) = upgrade {
        request = request.header(CONNECTION, "Upgrade").header(UPGRADE, protocol);
    }
    request.body(body)
}

/// Sends a request on a connection of its own and gives the answer's head.
pub(super) async fn send(
    engine: &dyn Dial,
    request: Request<Body>,
) -> io::Result<Response<Incoming>> {
    let stream = tokio::time::timeout(CONNECT, engine.dial())
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no connection within 10 s"))??;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // The connection lives as long as its answer is read, and ends by itself after that.
    tokio::spawn(connection.with_upgrades());
    sender.send_request(request).await.map_err(broken)
}

/// Asks the engine for something of our own; `None` if it is not there.
pub(super) async fn fetch(engine: &dyn Dial, target: &str) -> Result<Option<Bytes>, Lost> {
    let ask = async {
        let request = request(Method::GET, target, &HeaderMap::new(), whole(""), None, None)
            .map_err(io::Error::other)?;
        let answer = send(engine, request).await?;
        let status = answer.status();
        let body = read(answer.into_body()).await?;
        match status {
            status if status.is_success() => Ok(Some(body)),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(Lost::Says(status, body)),
        }
    };
    let answer = tokio::time::timeout(LOOK, ask).await;
    answer.map_err(|_| Lost::Broken(format!("no answer to {target} within 30 s")))?
}

/// Whether the engine is there: what broke was not our way to it then.
pub(super) async fn answers(engine: &dyn Dial) -> bool {
    for _ in 0..PINGS {
        if let Ok(Some(_)) | Err(Lost::Says(..)) = fetch(engine, "/_ping").await {
            return true;
        }
    }
    false
}

/// An answer as a whole.
pub(super) async fn read(body: Incoming) -> Result<Bytes, Lost> {
    match Limited::new(body, LARGEST).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Lost::TooLarge),
        Err(error) => Err(Lost::Broken(error.to_string())),
    }
}

/// What the engine answers, as the JSON that it is.
pub(super) fn json(bytes: &[u8]) -> Result<Value, Lost> {
    serde_json::from_slice(bytes).map_err(|error| Lost::Broken(error.to_string()))
}

/// Looks at as much of the engine as the review of a request needs; and how many bytes that were.
pub(super) async fn look(
    engine: &dyn Dial,
    route: &Route,
    ours: Ours,
) -> Result<(World, usize), Lost> {
    let (mut world, mut bytes) = (World::new(ours), 0);
    for part in route.needs() {
        let answer = fetch(engine, part.path()).await?;
        // What cannot be seen could hide anything.
        let answer = answer.ok_or_else(|| Lost::Broken(format!("no {}", part.path())))?;
        bytes += answer.len();
        world.learn(part, &json(&answer)?);
    }
    if route.kind() == "exec"
        && let Some(answer) = fetch(engine, &format!("/exec/{}/json", route.encoded())).await?
    {
        bytes += answer.len();
        world.learn_exec(&json(&answer)?);
    }
    Ok((world, bytes))
}

pub(super) fn broken(error: hyper::Error) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, error)
}
