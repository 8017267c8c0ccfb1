//! The wall inside the stream to BuildKit: each of its calls is reviewed, as each request around it is.
//!
//! The stream is HTTP/2 in both directions: a server towards the student's command, a client towards
//! the engine, and between them only calls that [`methods`] names, with the headers named here. What
//! starts a build is made anew by [`solve`]. What is refused is refused with gRPC's own status, which
//! commands print.

mod attributes;
mod frame;
mod methods;
mod solve;

use std::convert::Infallible;
use std::sync::Arc;

use http::header::HeaderMap;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http2 as client;
use hyper::rt::{Read, Write};
use hyper::server::conn::http2 as server;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use tonic::Status;

use super::Rules;
use super::engine::{Body, whole};
use super::no::{No, quoted};
use super::record::Record;
use methods::Method as Call;

/// The most calls at once on a stream.
const CALLS: u32 = 200;
/// The most bytes of a call's headers.
const HEADERS: u32 = 32 * 1024;
/// The client's own settings, and which build a call is about.
const PASSED: [&str; 8] = [
    "buildkit-controlapi-buildid",
    "content-type",
    "grpc-accept-encoding",
    "grpc-encoding",
    "grpc-timeout",
    "te",
    "traceparent",
    "user-agent",
];

/// Serves a student's stream until either side ends it.
pub(super) async fn serve<S, E>(student: S, engine: E, rules: Arc<Rules>, record: Arc<Record>)
where
    S: Read + Write + Send + Unpin + 'static,
    E: Read + Write + Send + Unpin + 'static,
{
    let shaken = client::Builder::new(TokioExecutor::new()).handshake(engine).await;
    // Who does not speak HTTP/2 is no engine; the command sees an end.
    let Ok((engine, connection)) = shaken else { return };
    let wall = Wall { engine, rules, record };
    let service = service_fn(move |request| {
        let wall = wall.clone();
        async move { Ok::<_, Infallible>(wall.answer(request).await) }
    });
    let serving = server::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(CALLS)
        .max_header_list_size(HEADERS)
        .serve_connection(student, service);
    tokio::select! {
        _ended = serving => {}
        _ended = connection => {}
    }
}

#[derive(Clone)]
struct Wall {
    engine: client::SendRequest<Body>,
    rules: Arc<Rules>,
    record: Arc<Record>,
}

impl Wall {
    async fn answer(mut self, request: Request<Incoming>) -> Response<Body> {
        self.ask(request).await.unwrap_or_else(|status| status.into_http())
    }

    async fn ask(&mut self, request: Request<Incoming>) -> Result<Response<Body>, Status> {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        if head.method != Method::POST || head.uri.query().is_some() {
            return Err(Status::invalid_argument("this is no call"));
        }
        if let Err(no) = self.record.budget().request(1) {
            return Err(self.refused(path, &no));
        }
        let body = match methods::find(path) {
            Call::Pass => body.map_err(Into::into).boxed_unsync(),
            Call::Review(review) => {
                let message = frame::only(body).await.map_err(|no| self.refused(path, &no))?;
                let reviewed =
                    review(&message, &self.rules).map_err(|no| self.refused(path, &no))?;
                for session in &reviewed.sessions {
                    if !self.record.opened(session).await {
                        let absent = format!("no active session for {}", quoted(session));
                        return Err(Status::not_found(absent));
                    }
                }
                whole(frame::framed(&reviewed.message))
            }
            Call::Never(words) => return Err(self.refused(path, &No::asked(words))),
            Call::Unknown => {
                return Err(Status::unimplemented(format!("unknown call {}", quoted(path))));
            }
        };
        let request = passed(path, &head.headers, body)
            .map_err(|_| Status::invalid_argument("the call is malformed"))?;
        let lost = |_| Status::unavailable("the engine ended the connection");
        self.engine.ready().await.map_err(lost)?;
        let response = self.engine.send_request(request).await.map_err(lost)?;
        Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
    }

    /// What the student's command is told. Refusals are kept.
    fn refused(&self, path: &str, no: &No) -> Status {
        match no {
            No::Refused(sentence) => {
                self.record.refuse(sentence, format!("gRPC {}", quoted(path)));
                Status::permission_denied(sentence)
            }
            No::Busy(sentence) => Status::resource_exhausted(sentence),
            No::Absent(sentence) => Status::not_found(sentence),
            No::Bad(sentence) => Status::invalid_argument(sentence),
        }
    }
}

/// The call as it goes to the engine.
fn passed(path: &str, headers: &HeaderMap, body: Body) -> Result<Request<Body>, http::Error> {
    let path = PathAndQuery::try_from(path)?;
    let uri = Uri::builder().scheme("http").authority("docker").path_and_query(path).build()?;
    let mut request = Request::post(uri);
    for (name, value) in headers.iter().filter(|(name, _)| PASSED.contains(&name.as_str())) {
        request = request.header(name, value);
    }
    request.body(body)
}
