//! One way to connect to an engine, for REST calls and for the raw streams of BuildKit alike.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, HOST, HeaderValue, UPGRADE};
use http::{Request, Response, StatusCode, Uri};
use hyper::body::{Body, Incoming};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::endpoint::{Endpoint, Transport};
use super::error::Cause;
use super::tls::Tls;
use super::tunnel::Tunnel;

/// How long an engine may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Opens connections to one engine. Cheap to clone.
#[derive(Clone)]
pub(super) struct Dialer {
    way: Way,
}

#[derive(Clone)]
enum Way {
    Direct { endpoint: Endpoint, tls: Option<Arc<Tls>> },
    Through { tunnel: Tunnel, name: &'static str },
}

impl Dialer {
    /// Reads the TLS material, if the endpoint has any. Nothing is connected yet.
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self, Cause> {
        let tls = match endpoint.transport() {
            Transport::Tls { host, files, .. } => Some(Arc::new(Tls::read(host, files)?)),
            Transport::Unix(_) | Transport::Tcp { .. } => None,
        };
        Ok(Self { way: Way::Direct { endpoint: endpoint.clone(), tls } })
    }

    /// Connects to what the tunnel's other side knows by this name.
    pub(super) fn through(tunnel: Tunnel, name: &'static str) -> Self {
        Self { way: Way::Through { tunnel, name } }
    }

    /// The tunnel, if it leads through one.
    pub(super) fn tunnel(&self) -> Option<&Tunnel> {
        match &self.way {
            Way::Through { tunnel, .. } => Some(tunnel),
            Way::Direct { .. } => None,
        }
    }

    async fn dial(&self) -> io::Result<Box<dyn Io>> {
        let (endpoint, tls) = match &self.way {
            Way::Through { tunnel, name } => return Ok(Box::new(tunnel.connect(name).await?)),
            Way::Direct { endpoint, tls } => (endpoint, tls),
        };
        Ok(match endpoint.transport() {
            Transport::Unix(path) => Box::new(UnixStream::connect(path).await?),
            Transport::Tcp { host, port } | Transport::Tls { host, port, .. } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                match tls {
                    Some(tls) => Box::new(tls.wrap(stream).await?),
                    None => Box::new(stream),
                }
            }
        })
    }

    /// Sends one request on a connection of its own and gives the answer's head.
    pub(super) async fn request<B>(&self, request: Request<B>) -> io::Result<Response<Incoming>>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let stream = tokio::time::timeout(CONNECT_LIMIT, self.dial())
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no connection within 10 s"))??;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // The connection lives as long as its answer is read, and ends by itself after that.
        tokio::spawn(connection.with_upgrades());
        sender.send_request(to_origin_form(request)).await.map_err(broken)
    }

    /// Asks the engine to turn a connection into a raw HTTP/2 stream (`/grpc`, `/session`).
    pub(super) async fn upgrade<B>(&self, mut request: Request<B>) -> Result<Upgraded, Cause>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let headers = request.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("h2c"));
        let path = request.uri().path().to_owned();
        let response = self.request(request).await.map_err(|error| Cause::of_io(&error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let status = response.status();
            return Err(Cause::Unsupported {
                detail: format!("the engine answers {status} to {path}: it has no BuildKit"),
                advice: "use Docker Engine 20.10 or newer".to_owned(),
            });
        }
        hyper::upgrade::on(response).await.map_err(|error| Cause::lost(error.to_string()))
    }
}

/// A request on a connection names a path, and its host in a header.
fn to_origin_form<B>(mut request: Request<B>) -> Request<B> {
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    request.headers_mut().insert(HOST, HeaderValue::from_static("docker"));
    request
}

fn broken(error: hyper::Error) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, error)
}
