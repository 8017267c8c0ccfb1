//! A class on the real engine: everybody has the score they deserve, whatever others hand in and
//! however often the batch is killed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::lab::{end, finish, is_running, signal, start};
use crate::support::{command, root, text};

/// A command line that tells its submission from all others.
const SLEEP: &str = "sleep\x0061099\x00";
const SLUG: &str = "oci-labels";

/// A class: its roster, and what becomes of it.
struct Class {
    folder: TempDir,
    roster: String,
    expected: BTreeMap<String, String>,
}

impl Class {
    fn new() -> Class {
        let folder = tempfile::tempdir().expect("a folder");
        Class { folder, roster: "id,source,group\n".into(), expected: BTreeMap::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Somebody who hands in what lies there, and what that must come to.
    fn enroll(&mut self, id: &str, source: &str, group: &str, comes_to: &str) {
        self.roster.push_str(&format!("{id},{source},{group}\n"));
        self.expected.insert(id.to_owned(), comes_to.to_owned());
        std::fs::write(self.path("class.csv"), &self.roster).expect("written");
    }

    /// A student who hands in a sample submission.
    fn sample(&mut self, name: &str) {
        let sample = root().join("tests/submissions").join(SLUG).join(name);
        let said = std::fs::read_to_string(sample.with_extension("toml")).expect("a sample");
        let said: toml::Table = said.parse().expect("TOML");
        let work = self.path("work").join(name);
        copy(&sample, &work);
        let comes_to = format!("graded {}/10", said["score"]);
        self.enroll(name, &format!("work/{name}"), "", &comes_to);
    }

    fn command(&self, out: &str) -> Command {
        let (roster, out) = (self.path("class.csv"), self.path(out));
        command(&["batch", text(&roster), "--assignment", SLUG, "--out", text(&out)])
    }

    /// What the gradebook says of each student.
    fn gradebook(&self, out: &str) -> BTreeMap<String, String> {
        let text = std::fs::read_to_string(self.path(out).join("gradebook.json"));
        let book: Json = serde_json::from_str(&text.expect("a gradebook")).expect("JSON");
        let said = |entry: &Json| {
            let (status, score) = (&entry["status"], &entry["result"]["score"]);
            let status = status.as_str().expect("a status");
            match score.is_null() {
                true => status.to_owned(),
                false => format!("{status} {}/{}", score["earned"], score["possible"]),
            }
        };
        let entries = book["entries"].as_array().expect("entries").iter();
        entries
            .map(|entry| (entry["name"].as_str().expect("a name").to_owned(), said(entry)))
            .collect()
    }

    /// Each student's result without what differs from run to run.
    fn results(&self, out: &str) -> BTreeMap<PathBuf, Json> {
        let mut results = BTreeMap::new();
        let folder = self.path(out).join("students");
        for student in std::fs::read_dir(folder).expect("students").flatten() {
            let Ok(text) = std::fs::read_to_string(student.path().join("result.json")) else {
                continue;
            };
            let mut result: Json = serde_json::from_str(&text).expect("JSON");
            for key in ["started_at", "duration_ms", "image"] {
                result[key] = Json::Null;
            }
            for probe in result["probes"].as_array_mut().expect("probes") {
                probe["duration_ms"] = Json::Null;
            }
            results.insert(student.file_name().into(), result);
        }
        results
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(|entry| entry.expect("readable")) {
        let to = to.join(entry.path().strip_prefix(from).expect("below"));
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(to).expect("a folder");
        } else {
            std::fs::copy(entry.path(), to).expect("copied");
        }
    }
}

/// Kills a batch after a while, unless it has ended by then.
fn killed_after(mut child: Child, wait: Duration) -> bool {
    let began = Instant::now();
    while began.elapsed() < wait {
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    signal(child.id(), "KILL");
    end(child);
    true
}

#[test]
fn a_class_that_is_killed_again_and_again_has_the_scores_it_deserves() {
    let mut class = Class::new();
    for name in ["ok-one-label", "blank-title", "argument-in-other-stage", "spaces-without-quotes"]
    {
        class.sample(name);
    }
    let full = "graded 10/10";
    let solution = root().join("assignments").join(SLUG).join("solution");
    copy(&solution, &class.path("work/team"));
    class.enroll("ada", "work/team", "team", full);
    class.enroll("ben", "work/team", "team", full);
    // Bad repositories, hostile ones, and nothing at all.
    git2::Repository::init(class.path("work/empty")).expect("a repository");
    let empty = format!("file://{}", class.path("work/empty").display());
    class.enroll("empty", &empty, "", "missing");
    let nowhere = format!("file://{}", class.path("work/nowhere").display());
    class.enroll("nowhere", &nowhere, "", "missing");
    std::fs::write(class.path("work/bad.zip"), "PK\u{3}\u{4} and no more").expect("written");
    class.enroll("bad-zip", "work/bad.zip", "", "missing");
    std::fs::create_dir_all(class.path("work/hostile")).expect("a folder");
    let hostile = "FROM busybox\nRUN kill -9 -1; yes | head -c 100000000; rm -rf / ; false\n";
    std::fs::write(class.path("work/hostile/Dockerfile"), hostile).expect("written");
    class.enroll("hostile", "work/hostile", "", "graded 0/10");

    let (_, ran) = finish(start(class.command("whole")));
    ran.exits(0);
    assert_eq!(class.gradebook("whole"), class.expected);

    let mut kills = 0;
    for wait in [300, 900, 1700, 2600] {
        let jitter = u64::from(rand::random::<u8>());
        let child = start(class.command("killed"));
        kills += u32::from(killed_after(child, Duration::from_millis(wait + jitter)));
    }
    assert!(kills > 0, "it was never killed");
    let (_, ran) = finish(start(class.command("killed")));
    ran.exits(0);
    assert_eq!(class.gradebook("killed"), class.expected);
    assert_eq!(class.results("killed"), class.results("whole"));
}

#[test]
fn an_interrupt_ends_a_batch_soon_and_a_dead_sandbox_costs_nobody_anything() {
    let mut class = Class::new();
    let sleeper = "FROM busybox\nRUN echo sleeping && sleep 61099\n";
    std::fs::create_dir_all(class.path("work/sleeper")).expect("a folder");
    std::fs::write(class.path("work/sleeper/Dockerfile"), sleeper).expect("written");
    class.enroll("sleeper", "work/sleeper", "", "");
    class.sample("blank-title");

    let child = start(class.command("out"));
    asleep();
    // The sandbox dies; the student's next try finds another one.
    let sandbox = sandbox_of(SLEEP);
    let removed = Command::new("docker").args(["rm", "-f", &sandbox]).output().expect("docker");
    assert!(removed.status.success(), "{removed:?}");
    let began = Instant::now();
    while is_running("sleep 61099") {
        assert!(began.elapsed() < Duration::from_secs(30), "the sandbox is gone");
        std::thread::sleep(Duration::from_millis(50));
    }
    asleep();
    assert_ne!(sandbox_of(SLEEP), sandbox);
    let other = class.path("out/students/blank-title/result.json");
    while !Path::new(&other).exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "the other one is not graded");
        std::thread::sleep(Duration::from_millis(50));
    }
    signal(child.id(), "INT");
    let began = Instant::now();
    let (_, ran) = finish(child);
    let ran = ran.exits(3);
    assert!(began.elapsed() < Duration::from_secs(20), "it took {:?}", began.elapsed());
    assert!(ran.stderr.contains("goes on from there"), "{}", ran.stderr);
    assert!(!class.path("out/students/sleeper/evidence.json").exists(), "nothing half done");
    let other = std::fs::read_to_string(other);
    assert!(other.expect("the other one is graded").contains("\"status\": \"graded\""));
}

fn asleep() {
    let began = Instant::now();
    while !is_running("sleep 61099") {
        assert!(began.elapsed() < Duration::from_secs(60), "it never began");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The id of the container of our engine that a process with this command line runs in, however
/// deep.
fn sandbox_of(cmdline: &str) -> String {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let process = processes
        .map(|process| process.path())
        .find(|process| {
            std::fs::read(process.join("cmdline")).is_ok_and(|found| found == cmdline.as_bytes())
        })
        .expect("it runs");
    let cgroup = std::fs::read_to_string(process.join("cgroup")).expect("a cgroup");
    let ids = regex::Regex::new("[0-9a-f]{64}").expect("a pattern");
    ids.find(&cgroup).expect("a container").as_str().to_owned()
}
