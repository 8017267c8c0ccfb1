//! What the commands did, as far as only the policy sees it: refusals, and containers at their birth.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Rules;
use super::budget::Budget;
use super::no::quoted;
use super::world::Ours;

/// The most connections at once; a further one waits.
const CONNECTIONS: usize = 64;
/// The most answers of the engine that are in memory as a whole at once.
const READINGS: usize = 8;
const REFUSALS: usize = 100;
/// The most names of images.
const NAMES: usize = 1000;
/// The most sessions of builds, and how long a build may be ahead of its session.
const SESSIONS: usize = 10_000;
const AHEAD: Duration = Duration::from_secs(5);
/// The most streams of one container, and bytes of all of them together.
const STREAMS: usize = 16;
const OUTPUT: usize = 256 * 1024;
/// The longest description of a container that is kept whole.
const DESCRIPTION: usize = 128 * 1024;
const FAULTS: usize = 10;

/// Something that a command asked for and did not get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// For the student: "your command asked for --privileged, which this course does not allow".
    pub sentence: String,
    /// The call that it was: `POST /containers/create`.
    pub call: String,
}

/// A container that a command made.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Its whole id.
    pub id: String,
    /// Its name, without a slash.
    pub name: String,
    /// The image's name as the command gave it.
    pub image: String,
    /// What the engine said of it right after its creation: the answer to `docker inspect`.
    pub created_inspect: Value,
    /// What it told those who were attached to it, a stream for each of them, the oldest first.
    pub streams: Vec<Output>,
}

/// What a container told one who was attached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output and standard error, as they came.
    pub bytes: Vec<u8>,
    /// Whether there was more.
    pub truncated: bool,
}

/// What happened, up to now.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// What was refused, the first of it first.
    pub refusals: Vec<Refusal>,
    /// The containers that were made, in their order.
    pub containers: Vec<Seen>,
    /// The ids of all containers that were made.
    pub made: Arc<HashSet<String>>,
    /// Names that images had, tags included, whenever a command asked about an image.
    pub image_names: BTreeSet<String>,
    /// What went wrong on our side: nothing that a student answers for.
    pub faults: Vec<String>,
}

/// Collects what the connections of one play tell. Shared by all of them.
#[derive(Debug)]
pub struct Record {
    events: Mutex<Events>,
    connections: Arc<Semaphore>,
    readings: Semaphore,
    over: CancellationToken,
    /// The sessions for builds that the commands opened.
    sessions: watch::Sender<HashSet<String>>,
    budget: Budget,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            events: Mutex::default(),
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            readings: Semaphore::new(READINGS),
            over: CancellationToken::new(),
            sessions: watch::Sender::default(),
            budget: Budget::default(),
        }
    }
}

impl Record {
    /// Everything up to now. Lists only grow: what a step added follows what was there before it.
    pub fn events(&self) -> Events {
        self.lock().clone()
    }

    /// What is dropped when nobody reads the record any more. Then nobody listens to containers
    /// either: one that was made and never started tells its end to none of its listeners.
    pub fn guard(&self) -> DropGuard {
        self.over.clone().drop_guard()
    }

    /// Until nobody reads the record any more.
    pub(super) async fn over(&self) {
        self.over.cancelled().await;
    }

    fn lock(&self) -> MutexGuard<'_, Events> {
        // Whoever panicked with the lock left whole values behind.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.connections).acquire_owned().await.ok()
    }

    /// A place to read a large answer in.
    pub(super) async fn reading(&self) -> Option<SemaphorePermit<'_>> {
        self.readings.acquire().await.ok()
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// A command opens a session of that id.
    pub(super) fn opens(&self, session: &str) {
        self.sessions.send_if_modified(|sessions| {
            sessions.len() < SESSIONS && sessions.insert(session.to_owned())
        });
    }

    /// Whether a command opened that session. It may do so a little after it asks for the build.
    pub(super) async fn opened(&self, session: &str) -> bool {
        let mut sessions = self.sessions.subscribe();
        let known = sessions.wait_for(|sessions| sessions.contains(session));
        matches!(tokio::time::timeout(AHEAD, known).await, Ok(Ok(_)))
    }

    pub(super) fn ours(&self, rules: &Rules) -> Ours {
        Ours {
            images: rules.hidden_images.clone(),
            ids: rules.hidden_ids.clone(),
            made: Arc::clone(&self.lock().made),
        }
    }

    pub(super) fn refuse(&self, sentence: &str, call: String) {
        let events = &mut *self.lock();
        if events.refusals.len() < REFUSALS {
            events.refusals.push(Refusal { sentence: sentence.to_owned(), call });
        }
    }

    pub(super) fn fault(&self, what: String) {
        let faults = &mut self.lock().faults;
        if faults.len() < FAULTS {
            faults.push(what);
        }
    }

    /// Images have these names at this moment; a command may take them away again.
    pub(super) fn named<'a>(&self, names: impl Iterator<Item = &'a str>) {
        let events = &mut *self.lock();
        for name in names {
            if events.image_names.len() < NAMES && !events.image_names.contains(name) {
                events.image_names.insert(name.to_owned());
            }
        }
    }

    /// A container was made through the policy, so that it is the student's.
    pub(super) fn made(&self, id: &str) {
        Arc::make_mut(&mut self.lock().made).insert(id.to_owned());
    }

    /// The engine's description of a new container.
    pub(super) fn seen(&self, inspect: Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let seen = Seen {
            id: text(&inspect["Id"]),
            name: text(&inspect["Name"]).trim_start_matches('/').to_owned(),
            image: text(&inspect["Config"]["Image"]),
            created_inspect: bounded(inspect),
            streams: Vec::new(),
        };
        self.lock().containers.push(seen);
    }

    /// Begins a stream of a container; the answer is its number.
    pub(super) fn attached(&self, id: &str) -> Option<usize> {
        let events = &mut *self.lock();
        let streams = &mut events.containers.iter_mut().find(|seen| seen.id == id)?.streams;
        if streams.len() >= STREAMS {
            return None;
        }
        streams.push(Output::default());
        Some(streams.len() - 1)
    }

    /// Keeps what came on a stream, as much of it as there is room for. Whether there was.
    pub(super) fn told(&self, id: &str, stream: usize, bytes: &[u8]) -> bool {
        let events = &mut *self.lock();
        let Some(seen) = events.containers.iter_mut().find(|seen| seen.id == id) else {
            return false;
        };
        let all: usize = seen.streams.iter().map(|output| output.bytes.len()).sum();
        let room = OUTPUT.saturating_sub(all);
        if let Some(output) = seen.streams.get_mut(stream) {
            let kept = bytes.get(..room).unwrap_or(bytes);
            output.bytes.extend_from_slice(kept);
            output.truncated |= kept.len() < bytes.len();
        }
        bytes.len() <= room
    }
}

/// A description of ordinary length; of a huge one only what it is and what it mounts.
fn bounded(inspect: Value) -> Value {
    if inspect.to_string().len() <= DESCRIPTION {
        return inspect;
    }
    let short = |value: &Value| quoted(value.as_str().unwrap_or_default());
    let mounts = inspect["Mounts"].clone();
    let mounts = if mounts.to_string().len() <= DESCRIPTION { mounts } else { Value::Null };
    json!({
        "Id": inspect["Id"],
        "Name": inspect["Name"],
        "Created": inspect["Created"],
        "Image": inspect["Image"],
        "Mounts": mounts,
        "Config": { "Image": short(&inspect["Config"]["Image"]), "Tty": inspect["Config"]["Tty"] },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_bounded() {
        let record = Record::default();
        for number in 0..NAMES + 5 {
            record.named([format!("i{number}").as_str()].into_iter());
            record.refuse("no", "GET /".to_owned());
        }
        let events = record.events();
        assert_eq!((events.image_names.len(), events.refusals.len()), (NAMES, REFUSALS));
    }

    #[tokio::test]
    async fn a_session_may_come_a_little_after_its_build() {
        let record = Arc::new(Record::default());
        let opened = {
            let record = Arc::clone(&record);
            tokio::spawn(async move { record.opened("a").await })
        };
        tokio::time::sleep(AHEAD / 50).await;
        record.opens("a");
        assert!(opened.await.unwrap());
        assert!(record.opened("a").await);
        assert!(tokio::time::timeout(AHEAD / 50, record.opened("b")).await.is_err());
    }

    #[test]
    fn output_is_kept_by_stream_and_clipped_over_all() {
        let record = Record::default();
        record.seen(json!({"Id": "a", "Name": "/web", "Config": {"Image": "busybox"}}));
        let first = record.attached("a").unwrap();
        record.told("a", first, b"one");
        let second = record.attached("a").unwrap();
        record.told("a", second, &vec![b'x'; OUTPUT]);
        let seen = record.events().containers.remove(0);
        assert_eq!((seen.name.as_str(), seen.image.as_str()), ("web", "busybox"));
        assert_eq!(seen.streams[0], Output { bytes: b"one".to_vec(), truncated: false });
        assert_eq!((seen.streams[1].bytes.len(), seen.streams[1].truncated), (OUTPUT - 3, true));
        assert_eq!(record.attached("b"), None);
        for _ in 0..STREAMS {
            record.attached("a");
        }
        assert_eq!(record.attached("a"), None);
    }

    #[test]
    fn a_huge_description_is_cut_to_what_matters() {
        let record = Record::default();
        let env = "x".repeat(DESCRIPTION);
        record.seen(json!({"Id": "a", "Config": {"Env": [env]}, "Mounts": [{"Type": "bind"}]}));
        let seen = record.events().containers.remove(0).created_inspect;
        assert_eq!(seen["Mounts"][0]["Type"], "bind");
        assert_eq!(seen["Config"]["Env"], Value::Null);
    }
}
