//! Many connections over one stream: HTTP/2, where each CONNECT is a connection to something on the other side.

use std::io;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

/// What may be under way unread: one connection, and all of them together.
pub const WINDOWS: (u32, u32) = (1 << 20, 16 << 20);
/// The most bytes of one piece. An engine that passes the stream on wakes for each.
pub const PIECE: u32 = 128 << 10;
/// The most bytes of one side's word to the other.
pub const LARGEST: usize = 64 << 20;

/// One end of the stream. Cheap to clone; the stream ends with the last clone.
#[derive(Clone)]
pub struct Tunnel {
    sender: http2::SendRequest<Full<Bytes>>,
}

impl Tunnel {
    /// Speaks HTTP/2 over a stream.
    ///
    /// # Errors
    /// When the other side does not.
    pub async fn open<S>(stream: S) -> io::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(WINDOWS.0)
            .initial_connection_window_size(WINDOWS.1)
            .max_frame_size(PIECE)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    /// A connection to what the other side knows by this name.
    ///
    /// # Errors
    /// When the stream broke, or the other side has nothing of that name.
    pub async fn connect(&self, name: &'static str) -> io::Result<TokioIo<Upgraded>> {
        let authority = http::uri::Authority::from_static(name);
        let mut request = Request::new(Full::default());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = Uri::from(authority);
        let response = self.send(request).await?;
        if response.status() != StatusCode::OK {
            let message = format!("the sandbox answers {}", response.status());
            return Err(io::Error::new(io::ErrorKind::ConnectionRefused, message));
        }
        Ok(TokioIo::new(hyper::upgrade::on(response).await.map_err(broken)?))
    }

    /// Tells the other side something, and gives its answer.
    ///
    /// # Errors
    /// When the stream broke, or the other side does not like it.
    pub async fn post(&self, path: &'static str, body: Vec<u8>) -> io::Result<Bytes> {
        let answer = self.ask(path, body, LARGEST).await?.map_err(io::Error::other)?;
        Ok(answer.unwrap_or_default())
    }

    /// [`Tunnel::post`], where what the other side says against it is no error, but its own words;
    /// none where it has nothing to give. An answer above `largest` bytes is an error.
    ///
    /// # Errors
    /// When the stream broke.
    pub async fn ask(
        &self,
        path: &'static str,
        body: Vec<u8>,
        largest: usize,
    ) -> io::Result<Result<Option<Bytes>, String>> {
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = Method::POST;
        // HTTP/2 wants a whole URI; nobody looks at the host.
        *request.uri_mut() =
            Uri::try_from(format!("http://sandbox{path}")).map_err(io::Error::other)?;
        let response = self.send(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), largest).collect().await;
        let body = body.map_err(io::Error::other)?.to_bytes();
        Ok(match status {
            StatusCode::OK => Ok(Some(body)),
            StatusCode::NO_CONTENT => Ok(None),
            _ => Err(String::from_utf8_lossy(&body).into_owned()),
        })
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> io::Result<Response<Incoming>> {
        let mut sender = self.sender.clone();
        sender.ready().await.map_err(broken)?;
        sender.send_request(request).await.map_err(broken)
    }
}

fn broken(error: hyper::Error) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, error)
}
