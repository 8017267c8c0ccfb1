//! A submission and a rubric made for one test, graded on the real engine by the whole command;
//! whatever comes of it, the reports are well-formed and nothing is left.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use grade::engine::{Endpoint, Engine, OwnedFilter, OwnedObject};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::{Ran, command, text};

/// Nothing that one student hands in may take longer to grade here.
const LONGEST: Duration = Duration::from_secs(180);

const RUBRIC: &str = r#"
format = "grade/rubric/v1"
slug   = "lab"
title  = "Made for a test"
lesson = "Tests"

[limits]
build         = "6s"
context_size  = "20MB"
context_files = 1000

[builds.submission]
network = "none"

[[probe]]
id     = "builds"
title  = "The image builds"
kind   = "build"
expect = { succeeded = true }
points = 1
missed = "{error} {log}"
"#;

/// A folder to hand in, a rubric, and a place for reports.
pub(crate) struct Lab {
    folder: TempDir,
}

/// What came of a grading.
pub(crate) struct Graded {
    pub(crate) result: Json,
    pub(crate) report: String,
}

impl Lab {
    /// A submission of one Dockerfile, and a rubric of one probe: the image builds.
    pub(crate) fn new(dockerfile: impl AsRef<[u8]>) -> Lab {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("work")).expect("a folder");
        let lab = Lab { folder };
        lab.write("Dockerfile", dockerfile);
        lab.rubric("");
        lab
    }

    /// The folder of everything.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path in what is handed in.
    pub(crate) fn work(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.folder.path().join("work").join(name.as_ref())
    }

    /// A file that is handed in.
    pub(crate) fn write(&self, name: impl AsRef<OsStr>, content: impl AsRef<[u8]>) {
        let path = self.work(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("written");
    }

    /// Adds to the rubric.
    pub(crate) fn rubric(&self, more: &str) {
        std::fs::write(self.path().join("lab.toml"), format!("{RUBRIC}{more}")).expect("written");
    }

    /// Adds a probe `ends` to the rubric: whether a container, run with these parameters, ends well.
    pub(crate) fn ask_for_its_end(&self, with: &str, points: u32) {
        self.rubric(&format!(
            r#"
[[probe]]
id     = "ends"
title  = "It ends"
kind   = "run"
with   = {{ {with} }}
expect = {{ exit_code = 0 }}
points = {points}
needs  = ["builds"]
"#
        ));
    }

    /// Puts something else into the rubric.
    pub(crate) fn change_rubric(&self, from: &str, to: &str) {
        let path = self.path().join("lab.toml");
        let rubric = std::fs::read_to_string(&path).expect("a rubric");
        assert!(rubric.contains(from), "the rubric has {from}");
        std::fs::write(path, rubric.replace(from, to)).expect("written");
    }

    /// The command that grades it, writing its reports beside it. On the engine at hand, where what
    /// is left, and what becomes of a broken engine, can be seen; sandboxes have tests of their own.
    pub(crate) fn command(&self) -> Command {
        let path = |name: &str| text(&self.path().join(name)).to_owned();
        let (work, rubric, out) = (path("work"), path("lab.toml"), path("out"));
        command(&[&work, "--rubric", &rubric, "--out", &out, "--engine", "host"])
    }

    /// Grades, and checks what holds of every grading.
    #[track_caller]
    pub(crate) fn grade(&self) -> Graded {
        self.exits(0)
    }

    /// Grades, expecting an exit code, and checks what holds of every grading.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> Graded {
        let (pid, ran) = finish(start(self.command()));
        let ran = ran.exits(code);
        assert_eq!(left_of(pid), Vec::new(), "something is left on the engine");
        self.graded(&ran)
    }

    /// The reports that were written, all of them well-formed.
    #[track_caller]
    pub(crate) fn graded(&self, ran: &Ran) -> Graded {
        let read = |name: &str| {
            std::fs::read_to_string(self.path().join("out").join(name)).expect("a report")
        };
        let result: Json = serde_json::from_str(&read("result.json")).expect("JSON");
        let cases = cases(&read("junit.xml"));
        assert_eq!(Some(cases), result["probes"].as_array().map(Vec::len), "cases of JUnit");
        for shown in [&ran.stdout, &ran.stderr, &read("report.txt")] {
            let moves = |c: &char| c.is_control() && *c != '\n';
            assert_eq!(shown.chars().find(moves), None, "{shown:?}");
            let command = shown.lines().find(|line| line.trim_start().starts_with("::"));
            assert_eq!(command, None, "a line is a workflow command");
            assert!(!shown.contains("##["), "a line holds a workflow command: {shown}");
        }
        Graded { result, report: ran.stdout.clone() }
    }
}

impl Graded {
    pub(crate) fn score(&self) -> (u64, u64) {
        let points = |name: &str| self.result["score"][name].as_u64().expect("points");
        (points("earned"), points("possible"))
    }

    /// A probe of the result.
    pub(crate) fn probe(&self, id: &str) -> &Json {
        let probes = self.result["probes"].as_array().expect("probes");
        probes.iter().find(|probe| probe["id"] == id).expect("a probe of that id")
    }

    /// What is said about a probe.
    pub(crate) fn message(&self, id: &str) -> &str {
        self.probe(id)["message"].as_str().expect("a message")
    }
}

/// Test cases in JUnit XML, which must be well-formed.
fn cases(xml: &str) -> usize {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut cases = 0;
    loop {
        use quick_xml::events::Event;
        match reader.read_event().expect("well-formed XML") {
            Event::Start(start) | Event::Empty(start) => {
                cases += usize::from(start.name().as_ref() == "testcase");
            }
            Event::Eof => return cases,
            _ => {}
        }
    }
}

/// Starts a command whose output is kept.
pub(crate) fn start(mut command: Command) -> Child {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the command starts")
}

/// Waits for a command: its process id, and how it ended.
#[track_caller]
pub(crate) fn finish(child: Child) -> (u32, Ran) {
    let (pid, output) = end(child);
    (pid, Ran::of(&output))
}

/// [`finish`] for a command that may be killed by a signal.
#[track_caller]
pub(crate) fn end(child: Child) -> (u32, Output) {
    let pid = child.id();
    let began = Instant::now();
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(child.wait_with_output()));
    match receive.recv_timeout(LONGEST) {
        Ok(output) => (pid, output.expect("its output")),
        Err(_) => {
            signal(pid, "KILL");
            panic!("it has not ended after {:?}", began.elapsed());
        }
    }
}

/// Sends a signal to a process of ours.
pub(crate) fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status();
    assert!(sent.expect("kill").success(), "{name} is sent to {pid}");
}

/// Runs a future to its end.
pub(crate) fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(future)
}

/// The engine at hand; a missing one is a loud failure, never a skipped test.
pub(crate) async fn engine() -> Engine {
    let endpoint = Endpoint::resolve(None).expect("an engine is configured");
    Engine::connect(&endpoint).await.expect("these tests need a Docker Engine: run ci/setup")
}

/// What a process made and did not remove.
pub(crate) fn left_of(pid: u32) -> Vec<OwnedObject> {
    let pid = pid.to_string();
    let mut owned = block(async {
        engine().await.owned(&OwnedFilter::default()).await.expect("what there is")
    });
    owned.retain(|object| object.labels.owner.split(':').nth(2) == Some(&pid));
    owned
}

/// Whether a process with these arguments runs on this machine, in a container or not.
pub(crate) fn is_running(arguments: &str) -> bool {
    let wanted = arguments.split(' ').flat_map(|word| [word.as_bytes(), b"\0"].concat());
    let wanted: Vec<u8> = wanted.collect();
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .any(|found| found == wanted)
}
