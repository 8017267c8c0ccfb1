//! A throw-away SSH agent: one key, made in memory for a run and offered to builds alone.
//!
//! An agent signs and names its public keys, and has no way to tell a private one: it stays in this
//! process, and is in no file.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use ssh_agent_lib::proto::{Identity, PublicCredential, Request, Response, SignRequest};
use ssh_agent_lib::ssh_encoding::{Decode, Encode};
use ssh_agent_lib::ssh_key::private::Ed25519Keypair;
use ssh_agent_lib::ssh_key::{PrivateKey, Signature, SigningKey};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

/// The most bytes of a message, as in OpenSSH's agent: whoever asks is a submission.
const MESSAGE: usize = 256 * 1024;
/// The requests that this agent knows, by their first byte.
const LIST: u8 = 11;
const SIGN: u8 = 13;
/// What the key is called in an agent's list.
const COMMENT: &str = "throw-away key of grade";

/// An Ed25519 key of an agent.
#[derive(Clone)]
pub struct SshKey(Arc<PrivateKey>);

impl SshKey {
    /// A new key, from the system's randomness.
    pub fn make() -> SshKey {
        SshKey(Arc::new(Ed25519Keypair::from_seed(&rand::random()).into()))
    }

    /// The public half, in base64 as the second word of its line in `authorized_keys`.
    pub fn public(&self) -> String {
        // Writing to memory does not fail.
        STANDARD.encode(self.0.public_key().to_bytes().unwrap_or_default())
    }
}

impl fmt::Debug for SshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SshKey({})", self.public())
    }
}

/// What a build asked of its agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgentUse {
    /// How often a step was given an agent's socket.
    pub mounted: u32,
    /// Connections that were made to it.
    pub connections: u32,
    /// How often the keys were asked for.
    pub listed: u32,
    /// Signatures that were made.
    pub signed: u32,
}

#[derive(Debug, Default)]
struct Counts {
    mounted: AtomicU32,
    connections: AtomicU32,
    listed: AtomicU32,
    signed: AtomicU32,
}

/// The agents of one build, by the id that a Dockerfile names them by.
#[derive(Clone, Debug)]
pub(super) struct Agents {
    keys: Arc<BTreeMap<String, SshKey>>,
    counts: Arc<Counts>,
}

impl Agents {
    pub(super) fn new(keys: BTreeMap<String, SshKey>) -> Agents {
        Agents { keys: Arc::new(keys), counts: Arc::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// What was asked so far.
    pub(super) fn used(&self) -> AgentUse {
        let count = |count: &AtomicU32| count.load(Ordering::Relaxed);
        AgentUse {
            mounted: count(&self.counts.mounted),
            connections: count(&self.counts.connections),
            listed: count(&self.counts.listed),
            signed: count(&self.counts.signed),
        }
    }

    /// Whether there is an agent of that id, for a step that mounts its socket.
    pub(super) fn mount(&self, id: &str) -> bool {
        let found = self.keys.contains_key(id);
        if found {
            add(&self.counts.mounted);
        }
        found
    }

    /// A connection to the agent of that id.
    pub(super) fn connect(&self, id: &str) -> Option<Connection> {
        let key = self.keys.get(id)?.clone();
        add(&self.counts.connections);
        Some(Connection { key, counts: Arc::clone(&self.counts) })
    }
}

/// One client of an agent.
pub(super) struct Connection {
    key: SshKey,
    counts: Arc<Counts>,
}

impl Connection {
    /// Answers until the client hangs up or says what no agent understands.
    pub(super) async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let framing = LengthDelimitedCodec::builder().max_frame_length(MESSAGE).new_codec();
        let mut messages = Framed::new(stream, framing);
        while let Some(Ok(message)) = messages.next().await {
            let mut answer = Vec::new();
            if self.answer(&message).encode(&mut answer).is_err()
                || messages.send(Bytes::from(answer)).await.is_err()
            {
                return;
            }
        }
    }

    fn answer(&self, message: &[u8]) -> Response {
        // Keys that somebody wants to add are not even read.
        if !matches!(message.first(), Some(&LIST | &SIGN)) {
            return Response::Failure;
        }
        match Request::decode(&mut &message[..]) {
            Ok(Request::RequestIdentities) => {
                add(&self.counts.listed);
                let credential = self.key.0.public_key().key_data().clone().into();
                Response::IdentitiesAnswer(vec![Identity { credential, comment: COMMENT.into() }])
            }
            Ok(Request::SignRequest(request)) => {
                self.sign(&request).map_or(Response::Failure, Response::SignResponse)
            }
            _ => Response::Failure,
        }
    }

    fn sign(&self, request: &SignRequest) -> Option<Signature> {
        let PublicCredential::Key(wanted) = &request.credential else { return None };
        let signature = (wanted == self.key.0.public_key().key_data())
            .then(|| signature(&*self.key.0, &request.data))??;
        add(&self.counts.signed);
        Some(signature)
    }
}

fn signature(key: &impl SigningKey, data: &[u8]) -> Option<Signature> {
    key.try_sign(data).ok()
}

fn add(count: &AtomicU32) {
    count.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use signature::Verifier;
    use ssh_agent_lib::blocking::Client;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_util::io::SyncIoBridge;

    use super::*;

    fn agents() -> (Agents, SshKey) {
        let key = SshKey::make();
        (Agents::new([("default".to_owned(), key.clone())].into()), key)
    }

    /// What a client, which is not our own code, makes of an agent.
    async fn ask<T: Send + 'static>(
        agents: &Agents,
        ask: impl FnOnce(&mut Client<SyncIoBridge<tokio::io::DuplexStream>>) -> T + Send + 'static,
    ) -> T {
        let (ours, theirs) = tokio::io::duplex(1024);
        tokio::spawn(agents.connect("default").expect("an agent").serve(ours));
        let client =
            tokio::task::spawn_blocking(move || ask(&mut Client::new(SyncIoBridge::new(theirs))));
        client.await.expect("an answer")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_is_told_the_public_key_and_given_signatures_of_the_private_one() {
        let (agents, key) = agents();
        let listed = ask(&agents, |client| client.request_identities()).await.expect("a list");
        assert_eq!(listed.len(), 1);
        let public = listed[0].credential.key_data().clone();
        assert_eq!(&public, key.0.public_key().key_data());
        assert!(key.public().starts_with("AAAAC3NzaC1lZDI1NTE5"), "{key:?}");
        assert_ne!(SshKey::make().public(), key.public());

        let request = |public| SignRequest {
            credential: PublicCredential::Key(public),
            data: b"text".to_vec(),
            flags: 0,
        };
        let right = request(public);
        let signed = ask(&agents, |client| client.sign(right)).await.expect("a signature");
        assert!(key.0.public_key().key_data().verify(b"text", &signed).is_ok());
        assert!(key.0.public_key().key_data().verify(b"other", &signed).is_err());
        let other = request(SshKey::make().0.public_key().key_data().clone());
        assert!(ask(&agents, |client| client.sign(other)).await.is_err());
        let expected = AgentUse { mounted: 0, connections: 3, listed: 1, signed: 1 };
        assert_eq!(agents.used(), expected);
    }

    #[tokio::test]
    async fn a_message_without_end_is_not_waited_for() {
        let (agents, _) = agents();
        let (ours, mut theirs) = tokio::io::duplex(1024);
        tokio::spawn(agents.connect("default").expect("an agent").serve(ours));
        theirs.write_all(&u32::MAX.to_be_bytes()).await.expect("written");
        assert_eq!(theirs.read(&mut [0; 8]).await.expect("the end"), 0);
    }

    #[tokio::test]
    async fn what_no_agent_understands_is_refused() {
        let (agents, _) = agents();
        let (ours, mut theirs) = tokio::io::duplex(1024);
        tokio::spawn(agents.connect("default").expect("an agent").serve(ours));
        theirs.write_all(&[0, 0, 0, 2, 200, 1]).await.expect("written");
        let mut answer = [0; 5];
        theirs.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(answer, [0, 0, 0, 1, 5]);
    }

    #[test]
    fn an_id_that_nobody_gave_has_no_agent() {
        let (agents, _) = agents();
        assert!(agents.mount("default") && !agents.mount("github"));
        assert!(agents.connect("github").is_none());
        assert_eq!(agents.used().mounted, 1);
    }
}
