//! The HTTP around the review: one connection of a student's command, request by request.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::header::{TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, BodyStream, Collected, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};

use super::answers::{Events, filter, is_filtered};
use super::endpoints::{self, Answer};
use super::engine::{self, Dial, whole};
use super::no::{No, quoted};
use super::record::Record;
use super::review::{Allowed, review};
use super::route::Route;
use super::shape::Context;
use super::stream::{Listener, hear_out, pump};
use super::world::World;
use super::{Rules, engine::Body};

/// The largest body that is reviewed.
const REVIEWED: usize = 1 << 20;

/// How long the rest of a body is read that is not wanted.
const DRAIN: Duration = Duration::from_secs(10);
const TOO_MUCH: &str =
    "your commands made more containers, images, volumes and labels than this course allows";

/// What stands between one connection and the engine.
struct Wall {
    engine: Arc<dyn Dial>,
    rules: Arc<Rules>,
    record: Arc<Record>,
    /// What the connection becomes after an upgrade.
    after: Mutex<Option<BoxFuture<'static, ()>>>,
}

/// Why there is no answer of the engine.
enum Stop {
    No(No),
    /// Our side failed: no doing of the student's.
    Fault(String),
}

impl From<No> for Stop {
    fn from(no: No) -> Self {
        Self::No(no)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Only labels without end make it so, and those are no doing of ours.
            io::ErrorKind::FileTooLarge => Self::No(No::Refused(TOO_MUCH.to_owned())),
            _ => Self::Fault(error.to_string()),
        }
    }
}

/// Serves one connection of a student's commands until either side ends it. When the future is
/// dropped, its stream ends too.
pub async fn serve<S>(student: S, engine: Arc<dyn Dial>, rules: Arc<Rules>, record: Arc<Record>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let _place = record.place().await;
    let wall = Arc::new(Wall { engine, rules, record, after: Mutex::new(None) });
    let service = service_fn(|request| {
        let wall = Arc::clone(&wall);
        async move { Ok::<_, Infallible>(wall.answer(request).await) }
    });
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
        let answer = Arc::clone(&self).ask(head, &mut body, upgrade).await;
        if answer.is_err() {
            drain(body).await;
        }
        match answer {
            Ok(answer) => answer,
            Err(Stop::No(no)) => {
                if let No::Refused(sentence) = &no {
                    self.record.refuse(sentence, call);
                }
                message(no.status(), no.sentence())
            }
            Err(Stop::Fault(what)) => {
                self.record.fault(format!("{call}: {what}"));
                message(StatusCode::BAD_GATEWAY, "the grader has lost the engine")
            }
        }
    }

    /// Asks the engine, if it may be asked. The body is taken if all of it was.
    async fn ask(
        self: Arc<Self>,
        head: Parts,
        body: &mut Option<Incoming>,
        upgrade: OnUpgrade,
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

        let ours = self.record.ours(&self.rules.hidden_images);
        let reading = self.record.reading().await;
        let world = engine::look(&*self.engine, &route, ours).await?;
        drop(reading);
        self.record.named(world.image_names());
        let context = Context { rules: &self.rules, world: &world };
        let allowed = review(&route, head.uri.query().unwrap_or_default(), &given, &context)?;

        let protocol = match allowed.answer {
            Answer::Attach | Answer::Upgrade => head.headers.get(UPGRADE).cloned(),
            _ => None,
        };
        let file = body.take_if(|_| is_file);
        let kind = match (&file, &allowed.body) {
            (Some(_), _) => Some("application/x-tar"),
            (None, Some(body)) if !body.is_empty() => Some("application/json"),
            _ => None,
        };
        let Allowed { target, body, container, answer } = allowed;
        let asked = Bytes::from(body.unwrap_or_default());
        let body = match file {
            Some(file) => file.map_err(Into::into).boxed_unsync(),
            None => whole(asked.clone()),
        };
        let request = engine::request(head.method, &target, &head.headers, body, kind, protocol)
            .map_err(|_| No::bad("the request is malformed"))?;
        if answer == Answer::Created {
            // It is seen to the end, even if the student does not wait for it.
            let made = tokio::spawn(async move { self.create(request, &asked).await });
            return made.await.map_err(|error| Stop::Fault(error.to_string()))?;
        }
        let listener = match &container {
            Some(id) if answer == Answer::Attach => self.listener(id).await?,
            _ => None,
        };
        let response = engine::send(&*self.engine, request).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(self.switch(response, upgrade, listener));
        }
        finish(response, answer, listener, world, &self.record).await
    }

    /// Makes a container, and keeps what the engine says of it before the command can go on.
    async fn create(&self, request: Request<Body>, asked: &[u8]) -> Result<Response<Body>, Stop> {
        let (head, body) = passed(engine::send(&*self.engine, request).await?).into_parts();
        let body = engine::read(body).await?;
        if head.status.is_success() {
            let made: Value = serde_json::from_slice(&body).map_err(io::Error::other)?;
            let Some(id) = made["Id"].as_str().filter(|id| !id.is_empty()) else {
                return Err(Stop::Fault("the engine made a container without an id".to_owned()));
            };
            self.record.made(id);
            // Another command may have run and removed it already: then what was asked for is known.
            let inspect = self.inspect(id).await?.unwrap_or_else(|| {
                let config: Value = serde_json::from_slice(asked).unwrap_or_default();
                json!({ "Id": id, "HostConfig": config["HostConfig"], "Config": config })
            });
            let terminal = inspect["Config"]["Tty"] == true;
            self.record.seen(inspect);
            self.overhear(id, terminal).await;
        }
        Ok(Response::from_parts(head, whole(body)))
    }

    /// Listens to a container from before its start: it may be removed, with its log, by whoever
    /// made it. One that is gone has nothing to say.
    async fn overhear(&self, id: &str, terminal: bool) {
        let target = format!("/containers/{id}/attach?stream=1&stdout=1&stderr=1");
        let tcp = Some(HeaderValue::from_static("tcp"));
        let none = HeaderMap::new();
        let Ok(request) = engine::request(Method::POST, &target, &none, whole(""), None, tcp)
        else {
            return;
        };
        let Ok(mut response) = engine::send(&*self.engine, request).await else { return };
        let listener = Listener::new(Arc::clone(&self.record), id.to_owned(), terminal);
        let Some(mut listener) =
            listener.filter(|_| response.status() == StatusCode::SWITCHING_PROTOCOLS)
        else {
            return;
        };
        let record = Arc::clone(&self.record);
        tokio::spawn(async move {
            let hearing = async {
                if let Ok(heard) = hyper::upgrade::on(&mut response).await {
                    hear_out(TokioIo::new(heard), &mut listener).await;
                }
            };
            tokio::select! {
                () = hearing => {}
                () = record.over() => {}
            }
        });
    }

    async fn inspect(&self, id: &str) -> io::Result<Option<Value>> {
        engine::get(&*self.engine, &format!("/containers/{id}/json")).await
    }

    async fn listener(&self, id: &str) -> io::Result<Option<Listener>> {
        let inspect = self.inspect(id).await?.unwrap_or_default();
        let terminal = inspect["Config"]["Tty"] == true;
        Ok(Listener::new(Arc::clone(&self.record), id.to_owned(), terminal))
    }

    /// Turns both connections into streams, and one into the other.
    fn switch(
        &self,
        mut response: Response<Incoming>,
        student: OnUpgrade,
        listener: Option<Listener>,
    ) -> Response<Body> {
        let protocol = response.headers().get(UPGRADE).cloned();
        let engine = hyper::upgrade::on(&mut response);
        let after = async move {
            if let (Ok(student), Ok(engine)) = (student.await, engine.await) {
                pump(TokioIo::new(student), TokioIo::new(engine), listener).await;
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

/// The answer that the student gets for the engine's.
async fn finish(
    response: Response<Incoming>,
    answer: Answer,
    listener: Option<Listener>,
    world: World,
    record: &Record,
) -> Result<Response<Body>, Stop> {
    let (head, body) = passed(response).into_parts();
    if !head.status.is_success() {
        return Ok(Response::from_parts(head, body.map_err(Into::into).boxed_unsync()));
    }
    let body = match answer {
        answer if is_filtered(answer) => {
            let _reading = record.reading().await;
            let body = engine::read(body).await?;
            let mut value = serde_json::from_slice(&body).map_err(io::Error::other)?;
            filter(answer, &mut value, &world);
            whole(value.to_string())
        }
        Answer::Events => {
            let bytes = BodyStream::new(body).map_ok(|frame| frame.into_data().unwrap_or_default());
            let kept = Events::new(world).filter(bytes).map_ok(Frame::data);
            StreamBody::new(kept.map_err(Into::into)).boxed_unsync()
        }
        // An attach without an upgrade is an answer that goes on.
        Answer::Attach => {
            let mut listener = listener;
            let heard = body.map_frame(move |frame| {
                if let (Some(listener), Some(bytes)) = (&mut listener, frame.data_ref()) {
                    listener.hear(bytes);
                }
                frame
            });
            heard.map_err(Into::into).boxed_unsync()
        }
        _ => body.map_err(Into::into).boxed_unsync(),
    };
    Ok(Response::from_parts(head, body))
}

/// The engine's answer without what belongs to its connection.
fn passed<B>(mut response: Response<B>) -> Response<B> {
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
