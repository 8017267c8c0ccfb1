//! The relay to a server that speaks smart HTTP: what it may be asked is two requests.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use url::Url;

use super::login::Logins;
use super::say;
use super::way::State;
use crate::submission::address::Login;
use crate::submission::fetch::{FetchError, FetchLimits, Missing, Unreached};

const REFS: &str = "info/refs";
const SERVICE: &str = "git-upload-pack";
const ADVERTISED: &str = "application/x-git-upload-pack-advertisement";
const ASKED: &str = "application/x-git-upload-pack-request";
const PACK: &str = "application/x-git-upload-pack-result";
/// How long a server may take to be there at all.
const CONNECTING: Duration = Duration::from_secs(20);
/// Redirects and requests for credentials, all together.
const TURNS: usize = 10;
/// The most bytes of what libgit2 asks for.
const REQUEST: usize = 1 << 20;
const TOKEN_HELP: &str = "a private repository needs GRADE_GIT_TOKEN (and GRADE_GIT_HOST, unless it is on \
     github.com) or one of git's credential helpers";

type Body = BoxBody<Bytes, std::io::Error>;

/// The relay, and what it knows of the server.
pub(super) struct Relay {
    client: reqwest::Client,
    state: Arc<State>,
    /// The address as the user wrote it.
    asked: Url,
    server: Mutex<Server>,
}

/// Where the repository is, and as whom we may see it.
struct Server {
    base: Url,
    login: Option<Login>,
    logins: Logins,
}

impl Relay {
    pub(super) fn new(
        url: Url,
        logins: Logins,
        limits: &FetchLimits,
        state: Arc<State>,
    ) -> Result<Arc<Relay>, FetchError> {
        // One is enough; another may have been there first.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECTING)
            .read_timeout(limits.silence)
            // Servers tell git from browsers by its beginning.
            .user_agent(concat!("git/2.0 (grade ", env!("CARGO_PKG_VERSION"), ")"))
            .build()
            .map_err(|error| FetchError::unreached(Unreached::Machine, reason(&error)))?;
        let server = Mutex::new(Server { base: url.clone(), login: None, logins });
        Ok(Arc::new(Relay { client, state, asked: url, server }))
    }

    /// Serves those who know the name.
    pub(super) fn serve(
        self: Arc<Relay>,
        listener: TcpListener,
        name: String,
    ) -> impl Future<Output = ()> {
        let name: Arc<str> = name.into();
        async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (relay, name) = (self.clone(), name.clone());
                let service = hyper::service::service_fn(move |request| {
                    let (relay, name) = (relay.clone(), name.clone());
                    async move { Ok::<_, Infallible>(relay.answer(request, &name).await) }
                });
                let served = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(served);
            }
        }
    }

    async fn answer(&self, request: Request<Incoming>, name: &str) -> Response<Body> {
        let path = request.uri().path().strip_prefix('/').and_then(|path| path.strip_prefix(name));
        let response = match (request.method(), path) {
            (&Method::GET, Some("/info/refs")) => self.refs().await,
            (&Method::POST, Some("/git-upload-pack")) => self.pack(request).await,
            _ => return refusal(StatusCode::NOT_FOUND),
        };
        match response {
            Ok((response, kind)) => self.pass_on(response, kind),
            Err(error) => {
                self.state.fail(error);
                refusal(StatusCode::BAD_GATEWAY)
            }
        }
    }

    fn pass_on(&self, response: reqwest::Response, kind: &str) -> Response<Body> {
        let (state, asked) = (self.state.clone(), self.asked.clone());
        let pieces = response.bytes_stream().map(move |piece| match piece {
            Ok(piece) => state.count(piece.len()).map(|()| Frame::data(piece)),
            Err(error) => {
                let text = format!("the connection to {asked} broke off: {}", reason(&error));
                state.fail(FetchError::unreached(Unreached::Network, text));
                Err(std::io::Error::other("broke off"))
            }
        });
        let response = Response::builder().header(CONTENT_TYPE, kind);
        response.body(BodyExt::boxed(StreamBody::new(pieces))).unwrap_or_default()
    }

    /// The first request: finds out where the repository is, and as whom we may see it.
    async fn refs(&self) -> Result<(reqwest::Response, &'static str), FetchError> {
        let mut server = self.server.lock().await;
        for _ in 0..TURNS {
            let mut url = below(&server.base, REFS);
            url.set_query(Some("service=git-upload-pack"));
            let request = as_whom(self.client.get(url.clone()), server.login.as_ref());
            let response = request.header(ACCEPT, "*/*").send().await;
            let response = response.map_err(|error| self.unreachable(&error))?;
            match response.status() {
                StatusCode::OK => return self.checked(response, ADVERTISED),
                status if status.is_redirection() => {
                    let location = response.headers().get(LOCATION).and_then(|it| it.to_str().ok());
                    self.follow(&mut server, &url, location)?;
                }
                // Some servers say "not found" to whom they do not know.
                status @ (StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND | StatusCode::GONE) => {
                    match next_login(&mut server).await? {
                        Some(login) => server.login = Some(login),
                        None if status == StatusCode::UNAUTHORIZED => {
                            return Err(self.unauthorized(&server));
                        }
                        None => return Err(self.refused(status, server.login.is_some())),
                    }
                }
                status => return Err(self.refused(status, server.login.is_some())),
            }
        }
        let text = format!("{} leads from one place to the next without end", self.asked);
        Err(FetchError::unreached(Unreached::Network, text))
    }

    async fn pack(
        &self,
        request: Request<Incoming>,
    ) -> Result<(reqwest::Response, &'static str), FetchError> {
        let ours = |text: String| FetchError::unreached(Unreached::Machine, text);
        let body = Limited::new(request.into_body(), REQUEST).collect().await;
        let body = body.map_err(|error| ours(error.to_string()))?.to_bytes();
        let server = self.server.lock().await;
        let request = self.client.post(below(&server.base, SERVICE));
        let request = as_whom(request, server.login.as_ref())
            .header(CONTENT_TYPE, ASKED)
            .header(ACCEPT, PACK)
            .body(body);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        match response.status() {
            StatusCode::OK => self.checked(response, PACK),
            status => Err(self.refused(status, server.login.is_some())),
        }
    }

    /// Follows a redirect of the first request, as git does: to the same repository elsewhere. No
    /// credentials go to another host, nor those that another host asks for.
    fn follow(&self, server: &mut Server, from: &Url, to: Option<&str>) -> Result<(), FetchError> {
        let to = to.and_then(|to| from.join(to).ok());
        let base = to.as_ref().and_then(|to| {
            let path = to.path().strip_suffix(REFS)?.strip_suffix('/')?;
            let mut base = to.clone();
            base.set_path(path);
            base.set_query(None);
            base.set_fragment(None);
            let is_safer = base.scheme() == "https" || base.scheme() == server.base.scheme();
            (is_safer && base.username().is_empty() && base.password().is_none()).then_some(base)
        });
        let Some(base) = base else {
            // A page to log in at, most likely.
            let host = to.as_ref().and_then(Url::host_str).unwrap_or("nowhere");
            let text = format!("{} leads to {}, which is no repository", self.asked, say(host));
            return Err(FetchError::unreached(Unreached::Hidden, text).with_advice(TOKEN_HELP));
        };
        if base.origin() != server.base.origin() {
            server.login = None;
            server.logins.forget();
        }
        server.base = base;
        Ok(())
    }

    fn checked(
        &self,
        response: reqwest::Response,
        kind: &'static str,
    ) -> Result<(reqwest::Response, &'static str), FetchError> {
        let found = response.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
        if found == Some(kind) {
            return Ok((response, kind));
        }
        let text = format!("there is no repository at {}, but something else", self.asked);
        Err(FetchError::unreached(Unreached::Hidden, text)
            .with_advice("see in a browser what is there: a page to log in at, for one"))
    }

    fn unauthorized(&self, server: &Server) -> FetchError {
        let asked = &self.asked;
        match server.login {
            // Servers say so of what is not there, too.
            None => FetchError::unreached(
                Unreached::Hidden,
                format!("{asked} is not there, or for some to see only"),
            )
            .with_advice(TOKEN_HELP),
            Some(_) => FetchError::unreached(
                Unreached::Refused,
                format!("{asked} does not take the credentials that there are"),
            )
            .with_advice("see whether the token is valid still, and may read repositories"),
        }
    }

    fn refused(&self, status: StatusCode, with_login: bool) -> FetchError {
        let asked = &self.asked;
        match status {
            StatusCode::NOT_FOUND | StatusCode::GONE if with_login => FetchError::unreached(
                Unreached::Hidden,
                format!("{asked} is not there, or the credentials may not see it"),
            )
            .with_advice("see whether the token may read that repository"),
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                let text = format!("there is no repository at {asked}");
                FetchError::missing(Missing::NotThere, text)
            }
            StatusCode::FORBIDDEN => {
                let text = format!("{asked} may not be read (403)");
                FetchError::unreached(Unreached::Refused, text).with_advice(TOKEN_HELP)
            }
            status => {
                let text = format!("the server of {asked} answers {}", status.as_u16());
                FetchError::unreached(Unreached::Network, text)
            }
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> FetchError {
        let text = format!("{} cannot be reached: {}", self.asked, reason(error));
        FetchError::unreached(Unreached::Network, text)
    }
}

/// The credentials to try next. Helpers are programs, and may take their time.
async fn next_login(server: &mut Server) -> Result<Option<Login>, FetchError> {
    let base = server.base.clone();
    let mut logins = std::mem::take(&mut server.logins);
    let next = tokio::task::spawn_blocking(move || (logins.next(&base), logins)).await;
    let (next, logins) =
        next.map_err(|error| FetchError::unreached(Unreached::Machine, error.to_string()))?;
    server.logins = logins;
    Ok(next)
}

/// The innermost reason, which has no address in it.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it does not answer in time".to_owned();
    }
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    say(&inner.to_string())
}

fn as_whom(request: reqwest::RequestBuilder, login: Option<&Login>) -> reqwest::RequestBuilder {
    match login {
        Some(login) => request.basic_auth(&login.user, Some(&login.password)),
        None => request,
    }
}

/// A path below that of the repository.
fn below(base: &Url, name: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{name}", base.path().trim_end_matches('/')));
    url
}

fn refusal(status: StatusCode) -> Response<Body> {
    let body = Full::new(Bytes::new()).map_err(|never| match never {});
    let mut response = Response::new(BodyExt::boxed(body));
    *response.status_mut() = status;
    response
}
