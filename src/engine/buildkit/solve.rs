//! One build, from the first request to its answer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use bollard_buildkit_proto::moby::buildkit::v1::{SolveRequest, StatusRequest};
use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use tonic::Code;
use tonic::transport::{Channel, Endpoint, Uri};

use super::definition::Graph;
use super::failure::Ending;
use super::filesync::Sending;
use super::gateway::Gateway;
use super::progress::Progress;
use super::session::{self, Offer};
use super::{LARGEST_MESSAGE, LAST_WORDS, transport_cause};
use crate::engine::agent::Agents;
use crate::engine::build::{BuildNetwork, BuildRequest, cache_namespace};
use crate::engine::dial::Dialer;
use crate::engine::error::Cause;
use crate::engine::label::Labels;

/// A failure's details come in the answer's trailers and hold the whole Dockerfile, more than once.
/// This is beyond what a context may hold; what breaks even this is read from the steps.
const LARGEST_TRAILERS: u32 = 512 << 20;

/// What came of asking.
pub(super) struct Solved {
    /// How it ended.
    pub(super) ending: Ending,
    /// The builder's reading of the Dockerfile, where it could read it.
    pub(super) reading: Option<Graph>,
}

/// Builds, and feeds `progress` meanwhile.
pub(super) async fn solve(
    dialer: &Dialer,
    request: &BuildRequest,
    name: &str,
    agents: Agents,
    sending: &Sending,
    progress: &mut Progress<'_>,
) -> Result<Solved, Cause> {
    let session_id = format!("{:032x}", rand::random::<u128>());
    let build_id = format!("{:032x}", rand::random::<u128>());
    let offer = Offer {
        id: session_id.clone(),
        context: sending.clone(),
        secrets: request.secrets.clone(),
        agents: agents.clone(),
    };
    // Without a frontend, it waits for what the gateway gives it.
    let message = SolveRequest {
        r#ref: build_id.clone(),
        session: session_id,
        exporter_deprecated: "moby".to_owned(),
        exporter_attrs_deprecated: HashMap::from([("name".to_owned(), name.to_owned())]),
        ..SolveRequest::default()
    };
    let session = session::open(dialer, offer).await?;
    let channel = channel(dialer).await?;
    let mut gateway = Gateway::new(channel.clone(), &build_id);
    let mut asking = ControlClient::new(channel).max_decoding_message_size(LARGEST_MESSAGE);
    let mut listening = asking.clone();

    let hung_up = AtomicBool::new(false);
    let mut reading = None;
    let watch = async {
        let Ok(answer) = listening.status(StatusRequest { r#ref: build_id }).await else {
            return;
        };
        let mut messages = answer.into_inner();
        while let Ok(Some(message)) = messages.message().await {
            progress.take(message);
        }
    };
    let give = async {
        match gateway.serve(attributes(request), &request.edit).await {
            Ok(graph) => reading = graph,
            // What it failed for, the build's own answer says, or will never come.
            Err(status) => return status,
        }
        std::future::pending().await
    };
    let build = async {
        tokio::pin!(watch, give);
        let answer = asking.solve(message);
        tokio::pin!(answer);
        let mut is_watched = false;
        let answer = loop {
            tokio::select! {
                answer = &mut answer => break answer,
                status = &mut give => break Err(status),
                () = &mut watch, if !is_watched => is_watched = true,
            }
        };
        if !is_watched {
            // The steps' ends travel beside the answer. When they are lost, the report lacks
            // them, but the answer stands.
            let _in_time = tokio::time::timeout(LAST_WORDS, watch).await;
        }
        match answer {
            Ok(answer) => built(answer.into_inner().exporter_response),
            // Nobody but we can give up a build, and we did not.
            Err(status) if status.code() == Code::Cancelled => {
                Err(Cause::Other(status.message().to_owned()))
            }
            Err(status) => Ok(match transport_cause(&status) {
                Some(cause) => Ending::Broken(cause),
                // Steps that connect to an agent use the session as they like.
                None if hung_up.load(Ordering::Relaxed) && agents.used().connections == 0 => {
                    return Err(Cause::lost("the builder left the session"));
                }
                None => Ending::Failed(status),
            }),
        }
    };
    let serve = async {
        session.serve().await;
        hung_up.store(true, Ordering::Relaxed);
        std::future::pending().await
    };
    let ending = tokio::select! {
        ending = build => ending?,
        never = serve => never,
    };
    Ok(Solved { ending, reading })
}

fn built(response: HashMap<String, String>) -> Result<Ending, Cause> {
    ["containerimage.digest", "containerimage.config.digest"]
        .iter()
        .find_map(|key| response.get(*key).cloned())
        .map(|image| Ending::Built { image })
        .ok_or_else(|| Cause::Other("the builder names no image".to_owned()))
}

/// The gRPC channel to the builder, over one raw stream.
async fn channel(dialer: &Dialer) -> Result<Channel, Cause> {
    let request = Request::post("/grpc")
        .body(Empty::<Bytes>::new())
        .map_err(|error| Cause::Other(error.to_string()))?;
    let stream = dialer.upgrade(request).await?;
    let mut once = Some(stream);
    let connector = tower::service_fn(move |_: Uri| {
        let stream = once.take();
        async move { stream.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::BrokenPipe)) }
    });
    Endpoint::from_static("http://buildkit")
        .http2_max_header_list_size(LARGEST_TRAILERS)
        .connect_with_connector(connector)
        .await
        .map_err(|error| Cause::lost(error.to_string()))
}

/// The frontend's attributes. Entitlements are never asked for: some engines grant them.
fn attributes(request: &BuildRequest) -> HashMap<String, String> {
    let mut attributes = HashMap::from([
        ("filename".to_owned(), request.context.dockerfile.clone()),
        // A Dockerfile's `# syntax=` line would fetch a frontend from a registry.
        ("cmdline".to_owned(), String::new()),
        ("build-arg:BUILDKIT_CACHE_MOUNT_NS".to_owned(), cache_namespace(&request.labels)),
    ]);
    if let Some(target) = &request.target {
        attributes.insert("target".to_owned(), target.clone());
    }
    if request.no_cache {
        attributes.insert("no-cache".to_owned(), String::new());
        // Even so, the builder runs a step once for all builds that want the same one at the same
        // time, and neither a secret's content nor an agent is a part of what "the same" means. A
        // name in /etc/hosts that no other build has makes the steps of this one its own.
        attributes.insert("add-hosts".to_owned(), format!("{}=127.0.0.1", own_host(request)));
    }
    if request.network == BuildNetwork::None {
        attributes.insert("force-network-mode".to_owned(), "none".to_owned());
    }
    let args = request.args.iter().map(|(key, value)| (format!("build-arg:{key}"), value.clone()));
    attributes.extend(args);
    let labels = request.labels.of_image().into_iter();
    attributes.extend(labels.map(|(key, value)| (format!("label:{key}"), value)));
    attributes
}

/// A host name that only this build has.
fn own_host(request: &BuildRequest) -> String {
    let Labels { run, submission, .. } = &request.labels;
    format!("{}.{run}.{submission}.grade.invalid", request.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_becomes_the_frontend_s_attributes() {
        let request = BuildRequest {
            args: [("V".to_owned(), "1".to_owned())].into(),
            target: Some("app".to_owned()),
            no_cache: true,
            network: BuildNetwork::None,
            ..BuildRequest::default()
        };
        let attributes = attributes(&request);
        for (key, value) in [
            ("filename", "Dockerfile"),
            ("cmdline", ""),
            ("build-arg:V", "1"),
            ("target", "app"),
            ("no-cache", ""),
            ("force-network-mode", "none"),
            ("label:grade.image.run", ""),
        ] {
            assert_eq!(attributes.get(key).map(String::as_str), Some(value), "{key}");
        }
    }

    #[test]
    fn what_is_not_asked_for_is_not_sent() {
        let attributes = attributes(&BuildRequest::default());
        for key in ["target", "no-cache", "add-hosts", "force-network-mode"] {
            assert!(!attributes.contains_key(key), "{key}");
        }
    }
}
