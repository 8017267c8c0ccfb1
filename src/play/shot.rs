//! What is there after a step of a play, as the engine and the wall tell it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value as Json;

use super::command::Ran;
use super::stage::Stage;
use crate::engine::{TAG_PREFIX, is_anonymous};
use crate::evidence::Fault;
use crate::sandbox::Limit;

/// What of a container's output is kept.
const OUTPUT: usize = 64 << 10;
/// What tells them, folders with a slash at the end.
const FIND: &str = r"find . -mindepth 1 ( -type d -printf %P/\0 -o -printf %P\0 )";
/// The most files of a folder that are looked at.
const FILES: usize = 64 << 10;

/// After a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shot {
    /// It came to its end with success.
    pub done: bool,
    /// Of the command.
    pub exit_code: Option<i64>,
    /// The command was ended by its time limit.
    pub timed_out: bool,
    /// The command goes on beside its container.
    pub still_attached: bool,
    /// Of the command.
    pub stdout: String,
    /// Of the command.
    pub stderr: String,
    /// Why the grader's own action failed, or there was nothing to run.
    pub error: Option<String>,
    /// The file that was run.
    pub way: Option<String>,
    /// What the wall refused in this step, as sentences.
    pub refusals: Vec<String>,
    /// The containers of the play up to now, the oldest first.
    pub containers: Vec<ContainerShot>,
    /// How many of them this step made.
    pub created: usize,
    /// Volumes with a name.
    pub volumes: Vec<String>,
    /// Names of images, the base images' left out.
    pub images: Vec<String>,
    /// Names that images have and had not before this step.
    pub named: Vec<String>,
    /// What is in the folder and was not.
    pub new_files: Vec<String>,
    /// Which of the sandbox's limits was hit.
    pub limit: Option<Limit>,
    /// The image pulled is the one that had this name before.
    pub same_id: Option<bool>,
    /// How the image pulled was made, as `docker history` tells it, the oldest step first.
    pub history: Vec<String>,
    /// The id of the container that the step is about.
    pub(super) focus: Option<String>,
}

/// A container of the student's, gone or not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerShot {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// running, exited, created, …; removed.
    pub status: String,
    /// When it has ended.
    pub exit_code: Option<i64>,
    /// As the command named it.
    pub image: String,
    /// Entrypoint and command.
    pub command: Vec<String>,
    /// What it mounts.
    pub mounts: Vec<Mount>,
    /// What it printed since its latest start.
    pub printed: String,
    /// As `docker inspect` tells it, for making another like it.
    pub description: Json,
}

/// Something mounted in a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// volume, anonymous, bind, tmpfs.
    pub kind: String,
    /// The volume's name, or the path in the folder.
    pub source: String,
    /// Where it is in the container.
    pub target: String,
    /// Whether the container may write.
    pub writable: bool,
    /// How mounts inside it spread; empty where that means nothing.
    pub propagation: String,
    /// `--mount`, or `-v`.
    pub flag: &'static str,
}

/// What was there before a step, to tell what is new.
#[derive(Clone, Debug, Default)]
pub(super) struct Baseline {
    files: BTreeSet<String>,
    images: BTreeSet<(String, String)>,
    /// Names that images had at some time.
    seen: BTreeSet<String>,
    made: usize,
    refused: usize,
}

impl Stage<'_> {
    /// What is there before the first step.
    pub(super) async fn baseline(&self) -> Result<Baseline, Fault> {
        let (files, images) = (self.files().await?, self.names().await?);
        Ok(Baseline { files, images, ..Baseline::default() })
    }

    /// What is there now.
    pub(super) async fn shot(&mut self, ran: Ran) -> Result<Shot, Fault> {
        let events = self.record.events();
        let there = self.engine.container_ids().await?;
        let mut containers = Vec::new();
        for seen in &events.containers {
            // The first is the wall's own, from before the container's start.
            let told = seen.streams.first().map(|one| one.bytes.clone()).unwrap_or_default();
            let now = match there.contains(&seen.id) {
                true => self.engine.describe(&seen.id).await?,
                false => None,
            };
            containers.push(match now {
                Some(now) => {
                    let logs = if was_started(&now) {
                        let since = last_end(&now);
                        self.engine.printed(&seen.id, since, OUTPUT, None).await?.text()
                    } else {
                        String::new()
                    };
                    let printed = if logs.is_empty() { text_of(&told) } else { logs };
                    container(&self.folder, now, printed)
                }
                None => {
                    let mut gone =
                        container(&self.folder, seen.created_inspect.clone(), text_of(&told));
                    gone.status = "removed".to_owned();
                    gone.exit_code = None;
                    gone
                }
            });
        }
        let images = self.names().await?;
        let named = self.named(&images, &events.image_names);
        let files = self.files().await?;
        let new_files = files.difference(&self.baseline.files).cloned().collect();
        let created = containers.len().saturating_sub(self.baseline.made);
        self.baseline.made = containers.len();
        let bases = self.setting.sandbox.images();
        let is_base = |name: &String, id: &String| bases.get(name).is_some_and(|base| base == id);
        let own = images.iter().filter(|(name, id)| !is_base(name, id));
        let own: Vec<String> = own.map(|(name, _)| name.clone()).collect();
        self.baseline.images = images;
        self.baseline.seen = events.image_names;
        let mut refusals: Vec<String> = Vec::new();
        for refusal in events.refusals.iter().skip(self.baseline.refused) {
            if !refusals.contains(&refusal.sentence) {
                refusals.push(refusal.sentence.clone());
            }
        }
        self.baseline.refused = events.refusals.len();
        Ok(Shot {
            done: ran.is_well,
            exit_code: ran.exit_code,
            timed_out: ran.timed_out,
            still_attached: ran.still_attached,
            stdout: ran.stdout,
            stderr: ran.stderr,
            refusals,
            containers,
            created,
            volumes: self.engine.named_volumes().await?,
            images: own,
            named,
            new_files,
            limit: ran.limit,
            ..Shot::default()
        })
    }

    /// A file of the grader's is not the student's doing; one that is gone can come again.
    pub(super) fn forget_file(&mut self, path: &str, is_there: bool) {
        let below = format!("{path}/");
        self.baseline.files.retain(|file| *file != path && !file.starts_with(&below));
        if is_there {
            self.baseline.files.insert(path.to_owned());
            let mut parents = path;
            while let Some((parent, _)) = parents.rsplit_once('/') {
                self.baseline.files.insert(format!("{parent}/"));
                parents = parent;
            }
        }
    }

    async fn names(&self) -> Result<BTreeSet<(String, String)>, Fault> {
        let names = self.engine.image_names().await?.into_iter();
        Ok(names.filter(|(name, _)| !name.starts_with(TAG_PREFIX)).collect())
    }

    /// Names that images got since the step before, also those that were taken away again.
    fn named(&self, now: &BTreeSet<(String, String)>, seen: &BTreeSet<String>) -> Vec<String> {
        let before = &self.baseline;
        let is_new = |name: &&String| !before.images.iter().any(|(other, _)| other == *name);
        let seen = seen.difference(&before.seen).filter(is_new);
        let seen = seen.filter(|name| !name.starts_with(TAG_PREFIX));
        let now = now.difference(&before.images).map(|(name, _)| name);
        now.chain(seen).collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }

    /// Paths in the folder; folders end with a slash.
    async fn files(&self) -> Result<BTreeSet<String>, Fault> {
        let request = crate::engine::ExecRequest {
            command: FIND.split(' ').map(str::to_owned).collect(),
            user: None,
            env: self.env.clone(),
            time_limit: std::time::Duration::from_secs(60),
            output_limit: FILES * 16,
        };
        let report = self.engine.exec(&self.tools, &request).await?;
        let names = report.stdout.text();
        let names = names.split('\0').filter(|name| !name.is_empty());
        Ok(names.take(FILES).map(str::to_owned).collect())
    }
}

impl Shot {
    /// The container that the step is about; else the one of that name if there is one, the newest
    /// that runs, the newest.
    pub fn container(&self, name: Option<&str>) -> Option<&ContainerShot> {
        let find =
            |is: &dyn Fn(&ContainerShot) -> bool| self.containers.iter().rfind(|one| is(one));
        let focus = self.focus.as_ref().and_then(|id| find(&|one| one.id == *id));
        let named = || name.and_then(|name| find(&|one| one.name == name));
        let running = || find(&|one| one.status == "running");
        focus.or_else(named).or_else(running).or_else(|| self.containers.last())
    }
}

/// When a container's run before the latest ended; none in its first. (What the engine tells of a
/// start's time comes after the first lines.)
pub(super) fn last_end(now: &Json) -> Option<Timestamp> {
    let end: Timestamp = now["State"]["FinishedAt"].as_str()?.parse().ok()?;
    let start: Timestamp = now["State"]["StartedAt"].as_str()?.parse().ok()?;
    // Of one that has ended this is the end of its latest run, not of the one before.
    (end.as_second() > 0 && end < start).then_some(end)
}

/// Whether a container has run at some time.
pub(super) fn was_started(now: &Json) -> bool {
    now["State"]["Status"] != "created"
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn container(folder: &str, now: Json, printed: String) -> ContainerShot {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let status = text(&now["State"]["Status"]);
    let ended = matches!(status.as_str(), "exited" | "dead");
    let words = ["Entrypoint", "Cmd"].into_iter().flat_map(|key| {
        now["Config"][key].as_array().into_iter().flatten().map(text).collect::<Vec<_>>()
    });
    ContainerShot {
        id: text(&now["Id"]),
        name: text(&now["Name"]).trim_start_matches('/').to_owned(),
        exit_code: now["State"]["ExitCode"].as_i64().filter(|_| ended),
        status,
        image: text(&now["Config"]["Image"]),
        command: words.collect(),
        mounts: mounts(folder, &now),
        // A terminal ends its lines with both.
        printed: printed.replace("\r\n", "\n"),
        description: now,
    }
}

fn mounts(folder: &str, now: &Json) -> Vec<Mount> {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let by_mount: Vec<String> = now["HostConfig"]["Mounts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|mount| clean(&text(&mount["Target"])))
        .collect();
    let of = |mount: &Json| {
        let target = clean(&text(&mount["Destination"]));
        let (kind, source) = match text(&mount["Type"]).as_str() {
            "volume" => {
                let name = text(&mount["Name"]);
                if is_anonymous(&name) {
                    ("anonymous".to_owned(), String::new())
                } else {
                    ("volume".to_owned(), name)
                }
            }
            "bind" => ("bind".to_owned(), within(folder, &text(&mount["Source"]))),
            other => (other.to_owned(), String::new()),
        };
        let flag = if by_mount.contains(&target) { "--mount" } else { "-v" };
        Mount {
            kind,
            source,
            writable: mount["RW"].as_bool().unwrap_or(true),
            propagation: text(&mount["Propagation"]),
            target,
            flag,
        }
    };
    let mut mounts: Vec<Mount> = now["Mounts"].as_array().into_iter().flatten().map(of).collect();
    let tmpfs: BTreeMap<String, Json> =
        serde_json::from_value(now["HostConfig"]["Tmpfs"].clone()).unwrap_or_default();
    mounts.extend(tmpfs.into_keys().map(|target| Mount {
        kind: "tmpfs".to_owned(),
        target,
        writable: true,
        flag: "-v",
        ..Mount::default()
    }));
    mounts.sort_by(|one, other| one.target.cmp(&other.target));
    mounts
}

/// A path without what means nothing in it.
fn clean(path: &str) -> String {
    Path::new(path).components().collect::<PathBuf>().display().to_string()
}

/// A path as it is in the folder.
fn within(folder: &str, path: &str) -> String {
    let path: PathBuf = Path::new(path).components().collect();
    match path.strip_prefix(folder) {
        Ok(rest) if rest.as_os_str().is_empty() => ".".to_owned(),
        Ok(rest) => rest.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mounts_are_told_as_a_reader_sees_them() {
        let now = json!({
            "Id": "x", "Name": "/counter",
            "HostConfig": {
                "Mounts": [{ "Type": "bind", "Target": "/c/" }], "Tmpfs": { "/t": "" },
            },
            "Mounts": [
                { "Type": "volume", "Name": "data", "Destination": "/data", "RW": true },
                { "Type": "volume", "Name": "0".repeat(64), "Destination": "/a", "RW": true },
                { "Type": "bind", "Source": "/home/student/1/x/./config/", "Destination": "/c",
                  "RW": false, "Propagation": "rprivate" },
            ],
        });
        let shot = container("/home/student/1/x", now, "a\r\nb".to_owned());
        let told: Vec<(&str, &str, &str, bool, &str)> = shot
            .mounts
            .iter()
            .map(|one| {
                let (kind, source) = (one.kind.as_str(), one.source.as_str());
                (kind, source, one.target.as_str(), one.writable, one.flag)
            })
            .collect();
        assert_eq!(
            told,
            [
                ("anonymous", "", "/a", true, "-v"),
                ("bind", "config", "/c", false, "--mount"),
                ("volume", "data", "/data", true, "-v"),
                ("tmpfs", "", "/t", true, "-v"),
            ]
        );
        assert_eq!((shot.name.as_str(), shot.printed.as_str()), ("counter", "a\nb"));
    }
}
