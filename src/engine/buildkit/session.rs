//! What the builder asks of us during a build: the context, and secrets.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::{Secrets, SecretsServer};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use bollard_buildkit_proto::moby::upload::v1::BytesMessage;
use bollard_buildkit_proto::moby::upload::v1::upload_server::{Upload, UploadServer};
use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Empty;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioExecutor;
use hyper_util::service::TowerToHyperService;
use tonic::service::Routes;
use tonic::{Response, Status, Streaming};

use crate::engine::dial::Dialer;
use crate::engine::error::Cause;

/// Bytes of the context in one message; the protocol's limit is 4 MiB.
const CHUNK: usize = 256 * 1024;

/// The services that are named to the engine, or it never asks.
const METHODS: [&str; 3] = [
    "/grpc.health.v1.Health/Check",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/moby.upload.v1.Upload/Pull",
];

/// What a build may ask for.
pub(super) struct Offer {
    /// The session's id.
    pub(super) id: String,
    pub(super) context: Bytes,
    pub(super) secrets: BTreeMap<String, Bytes>,
}

impl Offer {
    /// Where the builder finds the context; the host's name is BuildKit's for "ask the session".
    pub(super) fn context_url(&self) -> String {
        format!("http://buildkit-session/{}", self.id)
    }
}

/// A session that the engine knows of.
pub(super) struct Session {
    stream: Upgraded,
    routes: Routes,
}

/// Opens a session that offers `offer`.
pub(super) async fn open(dialer: &Dialer, offer: Offer) -> Result<Session, Cause> {
    let mut request = Request::post("/session")
        .header("X-Docker-Expose-Session-Uuid", &offer.id)
        .header("X-Docker-Expose-Session-Name", "grade")
        .body(Empty::<Bytes>::new())
        .map_err(|error| Cause::Other(error.to_string()))?;
    for method in METHODS {
        request.headers_mut().append(
            HeaderName::from_static("x-docker-expose-session-grpc-method"),
            HeaderValue::from_static(method),
        );
    }
    let stream = dialer.upgrade(request).await?;
    let (_, health) = tonic_health::server::health_reporter();
    let routes = Routes::new(health)
        .add_service(UploadServer::new(Context { id: offer.id, tar: offer.context }))
        .add_service(SecretsServer::new(Vault(Arc::new(offer.secrets))));
    Ok(Session { stream, routes })
}

impl Session {
    /// Serves until the engine hangs up, or the future is dropped.
    pub(super) async fn serve(self) {
        let service = TowerToHyperService::new(self.routes);
        // How the stream ends says nothing that the build's own answer does not say better.
        let _ended = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(self.stream, service)
            .await;
    }
}

struct Context {
    id: String,
    tar: Bytes,
}

#[tonic::async_trait]
impl Upload for Context {
    type PullStream = Pin<Box<dyn Stream<Item = Result<BytesMessage, Status>> + Send>>;

    async fn pull(
        &self,
        request: tonic::Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::PullStream>, Status> {
        let path = request.metadata().get("urlpath").map(|path| path.as_bytes().to_vec());
        if path.is_some_and(|path| path.strip_prefix(b"/").unwrap_or(&path) != self.id.as_bytes()) {
            return Err(Status::not_found("no such context"));
        }
        let mut rest = self.tar.clone();
        let chunks = std::iter::from_fn(move || {
            (!rest.is_empty()).then(|| rest.split_to(rest.len().min(CHUNK)))
        });
        let messages = chunks.map(|chunk| Ok(BytesMessage { data: chunk.to_vec() }));
        Ok(Response::new(Box::pin(futures_util::stream::iter(messages))))
    }
}

struct Vault(Arc<BTreeMap<String, Bytes>>);

#[tonic::async_trait]
impl Secrets for Vault {
    /// An unknown id is "not found": the builder then leaves the file out, or fails where the
    /// Dockerfile says that the secret is required.
    async fn get_secret(
        &self,
        request: tonic::Request<GetSecretRequest>,
    ) -> Result<Response<GetSecretResponse>, Status> {
        let id = request.into_inner().id;
        let secret = self.0.get(&id);
        let data =
            secret.ok_or_else(|| Status::not_found(format!("secret {id}: not found")))?.to_vec();
        Ok(Response::new(GetSecretResponse { data }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_unknown_secret_is_not_found() {
        let vault = Vault(Arc::new(BTreeMap::from([("a".to_owned(), Bytes::from_static(b"1"))])));
        let ask = |id: &str| {
            let message = GetSecretRequest { id: id.to_owned(), ..GetSecretRequest::default() };
            vault.get_secret(tonic::Request::new(message))
        };
        assert_eq!(ask("a").await.expect("known").into_inner().data, b"1");
        assert_eq!(ask("b").await.expect_err("unknown").code(), tonic::Code::NotFound);
    }
}
