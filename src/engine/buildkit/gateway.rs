//! The gateway of a build: the Dockerfile is read by the builder's own frontend, which gives its reading, a definition, back before anything of
//! it is done. What is then to be built of it is given to the build that waits for it, as Docker's own client does.

use std::collections::HashMap;

use bollard_buildkit_proto::google::rpc;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::llb_bridge_client::LlbBridgeClient;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::{
    PingRequest, Ref, Result as Outcome, ReturnRequest, SolveRequest, result,
};
use bollard_buildkit_proto::pb::Definition;
use prost::Message;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::LARGEST_MESSAGE;
use super::definition::Graph;
use crate::engine::build::Edit;

/// The header that says which build is meant.
const BUILD: &str = "buildkit-controlapi-buildid";

/// A build that waits for what it is to be.
pub(super) struct Gateway {
    client: LlbBridgeClient<Channel>,
    build: MetadataValue<Ascii>,
}

impl Gateway {
    /// That of the build of this id, of letters and digits.
    pub(super) fn new(channel: Channel, build: &str) -> Self {
        let client = LlbBridgeClient::new(channel).max_decoding_message_size(LARGEST_MESSAGE);
        let build = build.parse().unwrap_or_else(|_| MetadataValue::from_static(""));
        Self { client, build }
    }

    /// Has a Dockerfile read, changes the reading, and gives it to the build. Answers with the reading as it was.
    ///
    /// # Errors
    /// The builder's. What it says of the Dockerfile is given to the build, which then ends with it.
    pub(super) async fn serve(
        &mut self,
        attributes: HashMap<String, String>,
        edit: &Edit,
    ) -> Result<Option<Graph>, Status> {
        self.known().await?;
        let read = self
            .solve(SolveRequest {
                frontend: "dockerfile.v0".to_owned(),
                frontend_opt: attributes,
                ..SolveRequest::default()
            })
            .await;
        let changed = match read {
            Ok(outcome) => self.change(outcome, edit).await,
            Err(status) => Err(status),
        };
        match changed {
            Ok((outcome, graph)) => {
                let outcome = without_definitions(outcome);
                self.give(ReturnRequest { result: Some(outcome), error: None }).await?;
                Ok(graph)
            }
            Err(status) => {
                let error = rpc::Status::decode(status.details()).unwrap_or_default();
                let error = rpc::Status {
                    code: status.code().into(),
                    message: status.message().to_owned(),
                    ..error
                };
                self.give(ReturnRequest { result: None, error: Some(error) }).await?;
                Ok(None)
            }
        }
    }

    async fn change(
        &mut self,
        outcome: Outcome,
        edit: &Edit,
    ) -> Result<(Outcome, Option<Graph>), Status> {
        let Some(definition) = definition_of(&outcome) else {
            return Ok((outcome, None));
        };
        let graph =
            Graph::read(&definition).map_err(|error| Status::internal(error.to_string()))?;
        let Some(changed) = graph.changed(edit) else { return Ok((outcome, Some(graph))) };
        let request = SolveRequest { definition: Some(changed), ..SolveRequest::default() };
        let solved = self.solve(request).await?;
        Ok((Outcome { result: solved.result, ..outcome }, Some(graph)))
    }

    /// The engine knows of a build a moment after it was asked for.
    async fn known(&mut self) -> Result<(), Status> {
        loop {
            match self.client.ping(self.request(PingRequest {})).await {
                Ok(_) => return Ok(()),
                // It waits for some seconds by itself.
                Err(status) if is_unknown_build(&status) => {}
                Err(status) => return Err(status),
            }
        }
    }

    async fn solve(&mut self, request: SolveRequest) -> Result<Outcome, Status> {
        let request =
            SolveRequest { allow_result_return: true, allow_result_array_ref: true, ..request };
        let answer = self.client.solve(self.request(request)).await?;
        Ok(answer.into_inner().result.unwrap_or_default())
    }

    async fn give(&mut self, given: ReturnRequest) -> Result<(), Status> {
        self.client.r#return(self.request(given)).await.map(|_| ())
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert(BUILD, self.build.clone());
        request
    }
}

fn is_unknown_build(status: &Status) -> bool {
    std::error::Error::source(status).is_none()
        && matches!(status.code(), Code::Unknown | Code::NotFound)
        && status.message().contains("no such job")
}

/// The builder has the definitions, and of a huge Dockerfile more than a message may hold: it knows results by their ids.
fn without_definitions(mut outcome: Outcome) -> Outcome {
    match &mut outcome.result {
        Some(result::Result::Ref(one)) => one.def = None,
        Some(result::Result::Refs(several)) => {
            several.refs.values_mut().for_each(|one| one.def = None);
        }
        _ => {}
    }
    outcome
}

/// The definition of the one image of a reading.
fn definition_of(outcome: &Outcome) -> Option<Definition> {
    let one: &Ref = match outcome.result.as_ref()? {
        result::Result::Ref(one) => one,
        result::Result::Refs(several) => several.refs.values().next()?,
        _ => return None,
    };
    one.def.clone().filter(|definition| !definition.def.is_empty())
}
