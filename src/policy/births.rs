//! What is kept of a container from the moment that it is made, whatever becomes of it.

use std::sync::Arc;

use http::header::{HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use super::engine::{self, Body, Lost, whole};
use super::serve::{Stop, Wall, passed};
use super::stream::{Listener, hear_out};

impl Wall {
    /// Makes a container, and keeps what the engine says of it before the command can go on.
    pub(super) async fn create(
        &self,
        request: Request<Body>,
        asked: &[u8],
    ) -> Result<Response<Body>, Stop> {
        self.record.budget().container()?;
        let (head, body) = passed(engine::send(&*self.engine, request).await?).into_parts();
        let body = engine::read(body).await?;
        if head.status.is_success() {
            let made = engine::json(&body)?;
            let Some(id) = made["Id"].as_str().filter(|id| !id.is_empty()) else {
                return Err(Stop::Fault("the engine made a container without an id".to_owned()));
            };
            self.record.made(id);
            // Another command may have run and removed it already, or be about to: then what was asked
            // for is known.
            let inspect = self.inspect(id).await.ok().flatten().unwrap_or_else(|| {
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

    async fn inspect(&self, id: &str) -> Result<Option<Value>, Lost> {
        let answer = engine::fetch(&*self.engine, &format!("/containers/{id}/json")).await?;
        answer.map(|answer| engine::json(&answer)).transpose()
    }

    /// One who keeps what a container tells a command.
    pub(super) async fn listener(&self, id: &str) -> Result<Option<Listener>, Lost> {
        let inspect = self.inspect(id).await?.unwrap_or_default();
        let terminal = inspect["Config"]["Tty"] == true;
        Ok(Listener::new(Arc::clone(&self.record), id.to_owned(), terminal))
    }
}
