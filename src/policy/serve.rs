//! The HTTP around the review: one connection of a student's command, request by request.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::header::{TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, BodyStream, Collected, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};

use super::answers::{Events, filter, is_filtered};
use super::budget::Counted;
use super::endpoints::{self, Answer};
use super::engine::{self, Dial, Lost, whole};
use super::no::{No, quoted};
use super::record::Record;
use super::review::{Allowed, review};
use super::route::Route;
use super::shape::Context;
use super::stream::{Meter, pump};
use super::world::World;
use super::{Rules, engine::Body, grpc, loads};

/// The largest body that is reviewed.
const REVIEWED: usize = 1 << 20;

/// How long the rest of a body is read that is not wanted.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a request waits for its answer when there were too many.
const PAUSE: Duration = Duration::from_millis(100);
/// Where a command names the session that it opens.
const SESSION: &str = "x-docker-expose-session-uuid";
const TOO_MUCH: &str =
    "your commands made more containers, images, volumes and labels than this course allows";

/// What stands between one connection and the engine.
pub(super) struct Wall {
    pub(super) engine: Arc<dyn Dial>,
    rules: Arc<Rules>,
    pub(super) record: Arc<Record>,
    /// What the connection becomes after an upgrade.
    after: Mutex<Option<BoxFuture<'static, ()>>>,
}

/// Why there is no answer of the engine.
pub(super) enum Stop {
    No(No),
    /// The engine has none.
    Lost(Lost),
    /// Our side failed: no doing of the student's.
    Fault(String),
}

impl From<No> for Stop {
    fn from(no: No) -> Self {
        Self::No(no)
    }
}

impl<E: Into<Lost>> From<E> for Stop {
    fn from(lost: E) -> Self {
        Self::Lost(lost.into())
    }
}

/// Serves one connection of a student's commands until either side ends it. When the future is
/// dropped, its stream ends too.
pub async fn serve<S>(student: S, engine: Arc<dyn Dial>, rules: Arc<Rules>, record: Arc<Record>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let _place = record.place().await;
    if record.budget().request(1).is_err() {
        tokio::time::sleep(PAUSE).await;
    }
    let wall = Arc::new(Wall { engine, rules, record, after: Mutex::new(None) });
    let service = service_fn(|request| {
        let wall = Arc::clone(&wall);
        async move { Ok::<_, Infallible>(wall.answer(request).await) }
    });
    let student = Counted { stream: student, record: Arc::clone(&wall.record) };
    let connection = http1::Builder::new().serve_connection(TokioIo::new(student), service);
    // How a connection ends is the student's affair.
    let _ended = connection.with_upgrades().await;
    let after = wall.after.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(after) = after {
        after.await;
    }
}

impl Wall {
    async fn answer(self: Arc<Self>, mut request: Request<Incoming>) -> Response<Body> {
        let call =
            format!("{} {}", quoted(request.method().as_str()), quoted(request.uri().path()));
        let upgrade = hyper::upgrade::on(&mut request);
        let (head, body) = request.into_parts();
        let mut body = Some(body);
        let answer = match self.record.budget().request(1) {
            Ok(()) => Arc::clone(&self).ask(head, &mut body, upgrade, &call).await,
            Err(no) => Err(no.into()),
        };
        if answer.is_err() {
            drain(body).await;
        }
        match answer {
            Ok(answer) => answer,
            Err(stop) => self.stopped(stop, call).await,
        }
    }

    /// What the student gets instead of the engine's answer, and what is kept of that.
    async fn stopped(&self, stop: Stop, call: String) -> Response<Body> {
        let what = match stop {
            Stop::No(no) => {
                match &no {
                    No::Refused(sentence) => self.record.refuse(sentence, call),
                    // Or a flood would have us say no without end.
                    No::Busy(_) => tokio::time::sleep(PAUSE).await,
                    No::Absent(_) | No::Bad(_) => {}
                }
                return message(no.status(), no.sentence());
            }
            Stop::Lost(Lost::TooLarge) => {
                self.record.refuse(TOO_MUCH, call);
                return message(StatusCode::FORBIDDEN, TOO_MUCH);
            }
            Stop::Lost(Lost::Says(status, body)) => {
                let mut response = Response::new(whole(body));
                *response.status_mut() = status;
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(CONTENT_TYPE, json);
                return response;
            }
            // Whoever breaks the protocol is hung up on, and an engine that a student keeps busy is
            // slow to answer. It is our affair only if there is none.
            Stop::Lost(Lost::Broken(_)) if engine::answers(&*self.engine).await => {
                return message(
                    StatusCode::BAD_GATEWAY,
                    "the engine gave no answer to this request",
                );
            }
            Stop::Lost(Lost::Broken(what)) | Stop::Fault(what) => what,
        };
        self.record.fault(format!("{call}: {what}"));
        message(StatusCode::BAD_GATEWAY, "the grader has lost the engine")
    }

    /// Asks the engine, if it may be asked. The body is taken if all of it was.
    async fn ask(
        self: Arc<Self>,
        head: Parts,
        body: &mut Option<Incoming>,
        upgrade: OnUpgrade,
        call: &str,
    ) -> Result<Response<Body>, Stop> {
        let route = Route::find(head.method.as_str(), head.uri.path())?;
        let is_file = matches!(route.endpoint.body, endpoints::Body::File);
        let given = match body {
            Some(body) if !is_file => Limited::new(body, REVIEWED).collect().await,
            _ => Ok(Collected::default()),
        };
        let given = given
            .map_err(|_| No::bad("the request's body did not arrive, or is too large"))?
            .to_bytes();

        let ours = self.record.ours(&self.rules);
        let reading = self.record.reading().await;
        let (world, looked_at) = engine::look(&*self.engine, &route, ours).await?;
        drop(reading);
        self.record.budget().read(looked_at)?;
        self.record.named(world.image_names());
        let context = Context { rules: &self.rules, world: &world };
        let allowed = review(&route, head.uri.query().unwrap_or_default(), &given, &context)?;

        let protocol = match allowed.answer {
            Answer::Attach | Answer::Exec | Answer::Session | Answer::Grpc => {
                head.headers.get(UPGRADE).cloned()
            }
            _ => None,
        };
        if allowed.answer == Answer::Session
            && let Some(session) = head.headers.get(SESSION).and_then(|id| id.to_str().ok())
        {
            self.record.opens(session);
        }
        let file = body.take_if(|_| is_file);
        let kind = match (&file, &allowed.body) {
            (Some(_), _) => Some("application/x-tar"),
            (None, Some(body)) if !body.is_empty() => Some("application/json"),
            _ => None,
        };
        let Allowed { target, body, container, answer } = allowed;
        let asked = Bytes::from(body.unwrap_or_default());
        let cut = Arc::new(AtomicBool::new(false));
        let body = match file {
            Some(file) => {
                let cut = Arc::clone(&cut);
                let noted = file.map_err(move |error| {
                    cut.store(true, Ordering::Relaxed);
                    error.into()
                });
                noted.boxed_unsync()
            }
            None => whole(asked.clone()),
        };
        let request = engine::request(head.method, &target, &head.headers, body, kind, protocol)
            .map_err(|_| No::bad("the request is malformed"))?;
        if matches!(answer, Answer::Created | Answer::Load) {
            // It is seen to the end, even if the student does not wait for it.
            let made = tokio::spawn(async move {
                match answer {
                    Answer::Created => self.create(request, &asked).await,
                    _ => self.load(request).await,
                }
            });
            let made = made.await.map_err(|error| Stop::Fault(error.to_string()))?;
            return unless_cut(made, &cut);
        }
        let listener = match &container {
            Some(id) if answer == Answer::Attach => self.listener(id).await?,
            _ => None,
        };
        let sent = engine::send(&*self.engine, request).await.map_err(Stop::from);
        let response = unless_cut(sent, &cut)?;
        let meter = match answer {
            Answer::Attach | Answer::Exec | Answer::Told => {
                Some(Meter::new(Arc::clone(&self.record), call.to_owned(), listener))
            }
            Answer::Events | Answer::Statistics => {
                Some(Meter::of_lines(Arc::clone(&self.record), call.to_owned()))
            }
            _ => None,
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(self.switch(response, upgrade, answer, meter));
        }
        finish(response, answer, meter, world, &self.record).await
    }

    /// Loads an archive of images. Its names are known when it is loaded, and not before.
    async fn load(&self, request: Request<Body>) -> Result<Response<Body>, Stop> {
        let before = loads::reserved(&*self.engine, &self.rules).await?;
        let answer = async {
            let (head, body) = passed(engine::send(&*self.engine, request).await?).into_parts();
            Ok::<_, Stop>((head, engine::read(body).await?))
        };
        let answer = answer.await;
        let loaded = answer.as_ref().map(|(_, body)| loads::loaded(body)).unwrap_or_default();
        // Half an archive may have brought a name, too.
        match loads::restore(&*self.engine, &self.rules, &before, &loaded).await? {
            Some(name) => Err(No::asked(format!("the image name {}", quoted(&name))).into()),
            None => answer.map(|(head, body)| Response::from_parts(head, whole(body))),
        }
    }

    /// Turns both connections into streams, and one into the other.
    fn switch(
        &self,
        mut response: Response<Incoming>,
        student: OnUpgrade,
        answer: Answer,
        meter: Option<Meter>,
    ) -> Response<Body> {
        let protocol = response.headers().get(UPGRADE).cloned();
        let engine = hyper::upgrade::on(&mut response);
        let (rules, record) = (Arc::clone(&self.rules), Arc::clone(&self.record));
        let after = async move {
            let (Ok(student), Ok(engine)) = (student.await, engine.await) else { return };
            match answer {
                Answer::Grpc => grpc::serve(student, engine, rules, record).await,
                _ => pump(TokioIo::new(student), TokioIo::new(engine), meter).await,
            }
        };
        let mut slot = self.after.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(Box::pin(after));
        let mut response = passed(response).map(|_| whole(""));
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, protocol.unwrap_or(HeaderValue::from_static("tcp")));
        response
    }
}

/// Reads what nobody wants. A client that is cut off while it sends a file never reads the answer,
/// which is the sentence that its student is to see.
async fn drain(body: Option<Incoming>) {
    let Some(mut body) = body else { return };
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    let _without_end = tokio::time::timeout(DRAIN, rest).await;
}

/// Of an upload that the student cut off, the engine's answer, or that there is none, says nothing.
fn unless_cut<T>(answer: Result<T, Stop>, cut: &AtomicBool) -> Result<T, Stop> {
    match answer {
        Err(Stop::Lost(Lost::Broken(_))) if cut.load(Ordering::Relaxed) => {
            Err(No::bad("the request's body did not arrive").into())
        }
        other => other,
    }
}

/// What is told, until it is too much.
fn metered<S, E>(told: S, meter: Meter) -> Body
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    let told = stream::unfold(Some((told, meter)), |state| async move {
        let (mut told, mut meter) = state?;
        let bytes = match told.next().await? {
            Ok(bytes) => bytes,
            Err(error) => return Some((Err(error.into()), None)),
        };
        Some(match meter.take(&bytes) {
            ControlFlow::Continue(()) => (Ok(Frame::data(bytes)), Some((told, meter))),
            ControlFlow::Break(last) => (Ok(Frame::data(last)), None),
        })
    });
    StreamBody::new(told).boxed_unsync()
}

/// The answer that the student gets for the engine's.
async fn finish(
    response: Response<Incoming>,
    answer: Answer,
    meter: Option<Meter>,
    world: World,
    record: &Record,
) -> Result<Response<Body>, Stop> {
    let (head, body) = passed(response).into_parts();
    if !head.status.is_success() {
        return Ok(Response::from_parts(head, body.map_err(Into::into).boxed_unsync()));
    }
    let body = match (answer, meter) {
        (answer, _) if is_filtered(answer) => {
            let _reading = record.reading().await;
            let body = engine::read(body).await?;
            record.budget().read(body.len())?;
            let mut value = engine::json(&body)?;
            filter(answer, &mut value, &world);
            whole(value.to_string())
        }
        (_, Some(meter)) => {
            let bytes = BodyStream::new(body).map_ok(|frame| frame.into_data().unwrap_or_default());
            match answer {
                Answer::Events => metered(Box::pin(Events::new(world).filter(bytes)), meter),
                _ => metered(bytes, meter),
            }
        }
        (_, None) => body.map_err(Into::into).boxed_unsync(),
    };
    Ok(Response::from_parts(head, body))
}

/// The engine's answer without what belongs to its connection.
pub(super) fn passed<B>(mut response: Response<B>) -> Response<B> {
    let keep_alive = HeaderName::from_static("keep-alive");
    for name in [CONNECTION, CONTENT_LENGTH, TRAILER, TRANSFER_ENCODING, UPGRADE, keep_alive] {
        response.headers_mut().remove(name);
    }
    response
}

/// An answer as the engine words its own.
fn message(status: StatusCode, sentence: &str) -> Response<Body> {
    let mut response = Response::new(whole(json!({ "message": sentence }).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
