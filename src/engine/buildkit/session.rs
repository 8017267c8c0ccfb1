//! What the builder asks of us during a build: the context, secrets, SSH agents.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::{Secrets, SecretsServer};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use bollard_buildkit_proto::moby::filesync::v1::file_sync_server::FileSyncServer;
use bollard_buildkit_proto::moby::sshforward::v1::ssh_server::{Ssh, SshServer};
use bollard_buildkit_proto::moby::sshforward::v1::{
    BytesMessage as AgentBytes, CheckAgentRequest, CheckAgentResponse,
};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Empty;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioExecutor;
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;
use tonic::service::Routes;
use tonic::{Response, Status, Streaming};

use super::filesync::Sending;
use crate::engine::agent::Agents;
use crate::engine::dial::Dialer;
use crate::engine::error::Cause;

/// The rules of a `.dockerignore` come as headers.
const LARGEST_HEADERS: u32 = 4 << 20;
/// Bytes on their way between a step and an agent.
const PIPE: usize = 64 * 1024;
/// Where the builder says which agent a step means, and the one that is meant without.
const AGENT_ID: &str = "buildkit.ssh.id";
const DEFAULT_AGENT: &str = "default";

/// The services that are named to the engine, or it never asks.
const METHODS: [&str; 3] = [
    "/grpc.health.v1.Health/Check",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/moby.filesync.v1.FileSync/DiffCopy",
];
/// Those of a build that has an agent.
const AGENT_METHODS: [&str; 2] =
    ["/moby.sshforward.v1.SSH/CheckAgent", "/moby.sshforward.v1.SSH/ForwardAgent"];

/// What a build may ask for.
pub(super) struct Offer {
    /// The session's id.
    pub(super) id: String,
    pub(super) context: Sending,
    pub(super) secrets: BTreeMap<String, Bytes>,
    pub(super) agents: Agents,
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
    let of_agents = if offer.agents.is_empty() { &[][..] } else { &AGENT_METHODS };
    for method in METHODS.iter().chain(of_agents) {
        request.headers_mut().append(
            HeaderName::from_static("x-docker-expose-session-grpc-method"),
            HeaderValue::from_static(method),
        );
    }
    let stream = dialer.upgrade(request).await?;
    let (_, health) = tonic_health::server::health_reporter();
    let routes = Routes::new(health)
        .add_service(FileSyncServer::new(offer.context))
        .add_service(SecretsServer::new(Vault(Arc::new(offer.secrets))))
        .add_service(SshServer::new(Forwarder(offer.agents)));
    Ok(Session { stream, routes })
}

impl Session {
    /// Serves until the engine hangs up, or the future is dropped.
    pub(super) async fn serve(self) {
        let service = TowerToHyperService::new(self.routes);
        // How the stream ends says nothing that the build's own answer does not say better.
        let _ended = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(LARGEST_HEADERS)
            .serve_connection(self.stream, service)
            .await;
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

struct Forwarder(Agents);

impl Forwarder {
    /// In the docker CLI's words.
    fn unset(id: &str) -> Status {
        Status::not_found(format!("unset ssh forward key {id}"))
    }
}

#[tonic::async_trait]
impl Ssh for Forwarder {
    type ForwardAgentStream = Pin<Box<dyn Stream<Item = Result<AgentBytes, Status>> + Send>>;

    /// Asked before a step that mounts an agent's socket.
    async fn check_agent(
        &self,
        request: tonic::Request<CheckAgentRequest>,
    ) -> Result<Response<CheckAgentResponse>, Status> {
        let id = request.into_inner().id;
        let id = if id.is_empty() { DEFAULT_AGENT } else { &id };
        let found = self.0.mount(id);
        found.then(|| Response::new(CheckAgentResponse {})).ok_or_else(|| Self::unset(id))
    }

    /// One connection that a step makes to the socket.
    async fn forward_agent(
        &self,
        request: tonic::Request<Streaming<AgentBytes>>,
    ) -> Result<Response<Self::ForwardAgentStream>, Status> {
        let id = request.metadata().get(AGENT_ID).and_then(|id| id.to_str().ok());
        let id = id.filter(|id| !id.is_empty()).unwrap_or(DEFAULT_AGENT).to_owned();
        let connection = self.0.connect(&id).ok_or_else(|| Self::unset(&id))?;
        let (agent, step) = tokio::io::duplex(PIPE);
        let (answers, mut questions) = tokio::io::split(step);
        let mut messages = request.into_inner();
        tokio::spawn(connection.serve(agent));
        // Ends with the step's connection, or with the session.
        tokio::spawn(async move {
            while let Ok(Some(message)) = messages.message().await {
                if questions.write_all(&message.data).await.is_err() {
                    return;
                }
            }
            // Who has hung up is not told that it is so.
            let _told = questions.shutdown().await;
        });
        let answers = ReaderStream::new(answers)
            .map_ok(|data| AgentBytes { data: data.to_vec() })
            .map_err(Status::from);
        Ok(Response::new(Box::pin(answers)))
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
