//! A server of repositories over https, well-behaved below `/open/` and otherwise not.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// What is asked for below `/private/` and `/hidden/`.
pub(crate) const TOKEN: &str = "ghp_s3cretS3CRETs3cret";

type Body = BoxBody<Bytes, std::io::Error>;

pub(crate) struct Server {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    _runtime: tokio::runtime::Runtime,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
}

struct Site {
    repositories: PathBuf,
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Serves a folder of repositories; the certificate of its authority is written to `authority`.
    pub(crate) fn start(repositories: &Path, authority: &Path) -> Server {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let acceptor = keys(authority);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let site =
            Arc::new(Site { repositories: repositories.to_owned(), port, asked: asked.clone() });
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, site) = (acceptor.clone(), site.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request| {
                        let site = site.clone();
                        async move { Ok::<_, Infallible>(site.answer(request).await) }
                    });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Server { port, asked, _runtime: runtime }
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}/{path}", self.port)
    }

    /// What was asked for so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("a lock").clone()
    }
}

fn keys(authority: &Path) -> TlsAcceptor {
    let ca_key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::new([]).expect("valid");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_cert = ca.self_signed(&ca_key).expect("signed");
    std::fs::write(authority, ca_cert.pem()).expect("written");
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().expect("a key");
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let params = CertificateParams::new(names).expect("valid");
    let cert = params.signed_by(&key, &issuer).expect("signed");
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .expect("a server");
    TlsAcceptor::from(Arc::new(config))
}

fn plain(status: StatusCode, kind: &str, text: &str) -> Response<Body> {
    let body = Full::new(Bytes::from(text.to_owned())).map_err(|never| match never {});
    let response = Response::builder().status(status).header("content-type", kind);
    response.body(BodyExt::boxed(body)).expect("a response")
}

fn status(code: u16) -> Response<Body> {
    plain(StatusCode::from_u16(code).expect("a status"), "text/plain", "no")
}

fn to(location: String) -> Response<Body> {
    let mut response = status(302);
    response.headers_mut().insert("location", location.parse().expect("a location"));
    response
}

impl Site {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let header = |name: &str| {
            request.headers().get(name).map(|value| value.to_str().expect("text").to_owned())
        };
        let uri = request.uri().clone();
        let whole = uri.path_and_query().expect("a path").as_str().to_owned();
        let authorization = header("authorization");
        let host = header("host").unwrap_or_default();
        let asked = Asked { host, path: whole.clone(), authorization: authorization.clone() };
        self.asked.lock().expect("a lock").push(asked);
        use base64::Engine as _;
        let is_known = authorization.is_some_and(|value| {
            let bytes = value
                .strip_prefix("Basic ")
                .and_then(|value| base64::engine::general_purpose::STANDARD.decode(value).ok());
            bytes.is_some_and(|bytes| String::from_utf8_lossy(&bytes).contains(TOKEN))
        });
        let mut parts = uri.path()[1..].splitn(2, '/');
        let (manner, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let port = self.port;
        match manner {
            "open" => self.git(request, rest).await,
            "private" if is_known => self.git(request, rest).await,
            "hidden" if is_known => self.git(request, rest).await,
            "private" => {
                let mut response = status(401);
                let realm = "Basic realm=\"git\"".parse().expect("a header");
                response.headers_mut().insert("www-authenticate", realm);
                response
            }
            "hidden" => status(404),
            "moved" => to(format!("/open/{rest}{query}")),
            "moved-private" => to(format!("/private/{rest}{query}")),
            "away" => to(format!("https://127.0.0.1:{port}/private/{rest}{query}")),
            "away-open" => to(format!("https://127.0.0.1:{port}/open/{rest}{query}")),
            // The first answer sends those who have shown a token elsewhere.
            "lure" if is_known => to(format!("https://127.0.0.1:{port}/open/{rest}{query}")),
            "lure" => {
                let mut response = status(401);
                let realm = "Basic realm=\"git\"".parse().expect("a header");
                response.headers_mut().insert("www-authenticate", realm);
                response
            }
            "clear" => to(format!("http://localhost:{port}/open/{rest}{query}")),
            "loop" => to(format!("/loop/{rest}{query}")),
            "sign-in" => to("/users/sign_in".to_owned()),
            "page" => plain(StatusCode::OK, "text/html", "<h1>hello</h1>"),
            "garbage" => {
                let kind = "application/x-git-upload-pack-advertisement";
                plain(StatusCode::OK, kind, "\u{1b}[2Jzzzz nothing of the kind")
            }
            "silent" => std::future::pending().await,
            "slow" => slowed(self.git(request, rest).await),
            "cut" => cut(self.git(request, rest).await, uri.path().ends_with("upload-pack")),
            "endless" => endless(),
            "says" => says("ERR Repository \u{1b}[31mnot found\n"),
            code => match code.parse() {
                Ok(code) => status(code),
                Err(_) => status(404),
            },
        }
    }

    /// Has git answer.
    async fn git(&self, request: Request<Incoming>, path: &str) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let header = |name: &str| {
            let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let mut git = tokio::process::Command::new("git")
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", &self.repositories)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("PATH_INFO", format!("/{path}"))
            .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
            .env("REQUEST_METHOD", parts.method.as_str())
            .env("CONTENT_TYPE", header("content-type"))
            .env("CONTENT_LENGTH", body.len().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("these tests need git");
        let mut stdin = git.stdin.take().expect("a pipe");
        tokio::spawn(async move { stdin.write_all(&body).await });
        let output = git.wait_with_output().await.expect("an answer").stdout;
        let end = memchr::memmem::find(&output, b"\r\n\r\n").expect("headers");
        let mut response = plain(StatusCode::OK, "text/plain", "");
        for line in String::from_utf8_lossy(&output[..end]).lines() {
            let (name, value) = line.split_once(": ").expect("a header");
            if name == "Status" {
                let code = value.split(' ').next().and_then(|code| code.parse().ok());
                *response.status_mut() = code.expect("a status");
            } else if name == "Content-Type" {
                response.headers_mut().insert("content-type", value.parse().expect("a header"));
            }
        }
        let content = Full::new(Bytes::copy_from_slice(&output[end + 4..]));
        *response.body_mut() = BodyExt::boxed(content.map_err(|never| match never {}));
        response
    }
}

fn pieces(response: Response<Body>, size: usize) -> impl futures_util::Stream<Item = Bytes> + Send {
    let body = response.into_body();
    stream::once(async move { body.collect().await.expect("a body").to_bytes() }).flat_map(
        move |bytes| {
            let pieces: Vec<Bytes> = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
            stream::iter(pieces)
        },
    )
}

fn streamed(
    kind: Option<hyper::header::HeaderValue>,
    pieces: impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send + Sync + 'static,
) -> Response<Body> {
    let body = StreamBody::new(pieces.map(|piece| piece.map(Frame::data)));
    let mut response = Response::new(BodyExt::boxed(body));
    if let Some(kind) = kind {
        response.headers_mut().insert("content-type", kind);
    }
    response
}

/// The same, in small pieces with pauses.
fn slowed(response: Response<Body>) -> Response<Body> {
    let kind = response.headers().get("content-type").cloned();
    let (send, receive) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let mut pieces = std::pin::pin!(pieces(response, 100));
        while let Some(piece) = pieces.next().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if send.send(Ok(piece)).await.is_err() {
                break;
            }
        }
    });
    streamed(kind, tokio_stream::wrappers::ReceiverStream::new(receive))
}

/// The first part of it, and then nothing more.
fn cut(response: Response<Body>, is_pack: bool) -> Response<Body> {
    if !is_pack {
        return response;
    }
    let kind = response.headers().get("content-type").cloned();
    let (send, receive) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let mut pieces = std::pin::pin!(pieces(response, 100));
        for _ in 0..2 {
            if let Some(piece) = pieces.next().await {
                let _ = send.send(Ok(piece)).await;
            }
        }
        let _ = send.send(Err(std::io::Error::other("cut"))).await;
    });
    streamed(kind, tokio_stream::wrappers::ReceiverStream::new(receive))
}

const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";

/// References without end.
fn endless() -> Response<Body> {
    let line = |text: String| format!("{:04x}{text}", text.len() + 4);
    let first = line("# service=git-upload-pack\n".to_owned()) + "0000";
    let pieces = stream::once(async move { Ok(Bytes::from(first)) }).chain(stream::unfold(
        0_u64,
        move |number| async move {
            let lines: String = (0..1000)
                .map(|index| {
                    let capabilities = if number + index == 0 { "\0shallow" } else { "" };
                    let id = "1".repeat(40);
                    line(format!("{id} refs/heads/b{}{capabilities}\n", number + index))
                })
                .collect();
            Some((Ok(Bytes::from(lines)), number + 1000))
        },
    ));
    let kind = ADVERTISEMENT.parse().expect("a header");
    let (send, receive) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let mut pieces = std::pin::pin!(pieces);
        while let Some(piece) = pieces.next().await {
            if send.send(piece).await.is_err() {
                break;
            }
        }
    });
    streamed(Some(kind), tokio_stream::wrappers::ReceiverStream::new(receive))
}

/// What git servers say in place of references.
fn says(text: &str) -> Response<Body> {
    let service = "# service=git-upload-pack\n";
    let text = format!("{:04x}{service}0000{:04x}{text}", service.len() + 4, text.len() + 4);
    plain(StatusCode::OK, ADVERTISEMENT, &text)
}
