//! A class made for one test: its submissions, its roster, and its folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use grade::batch::{
    Batch, Books, BooksError, Ended, News, Patience, Register, Shard, Store, Tally,
};
use grade::judge::Student;
use grade::plan::{self, Plan};
use grade::report::View;
use grade::roster::{Member, Roster, Work};
use grade::submission::{FetchLimits, Fetcher, Source};
use jiff::Timestamp;
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::fake::{Fake, RUBRIC};

/// A class.
pub(crate) struct Class {
    folder: TempDir,
    pub(crate) roster: Roster,
    pub(crate) afresh_since: Option<Timestamp>,
}

/// What came of a run.
pub(crate) struct Ran {
    pub(crate) ended: Ended,
    pub(crate) tally: Tally,
    pub(crate) failed: Vec<BooksError>,
    pub(crate) news: Vec<News>,
}

impl Class {
    /// Students whose submissions end with these exit codes; one that does not build has none.
    pub(crate) fn new(students: &[(&str, Option<i64>)]) -> Class {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("lab.toml"), RUBRIC).expect("written");
        let mut class = Class { folder, roster: Roster::default(), afresh_since: None };
        for (id, exit) in students {
            class.hand_in(id, *exit);
            class.enroll(id, Ok(Source::Path(class.work(id))), None);
        }
        class
    }

    /// So many students, every third of whom has a container that ends with 1.
    pub(crate) fn of(count: usize) -> Class {
        let ids: Vec<String> = (0..count).map(|n| format!("student-{n:03}")).collect();
        let exit = |n: usize| Some(i64::from(n.is_multiple_of(3)));
        let students: Vec<_> =
            ids.iter().enumerate().map(|(n, id)| (id.as_str(), exit(n))).collect();
        Class::new(&students)
    }

    /// Adds a student to the roster.
    pub(crate) fn enroll(&mut self, id: &str, source: Result<Source, String>, group: Option<&str>) {
        let group = group.map(str::to_owned);
        let student = Student { id: id.to_owned(), group, ..Student::default() };
        self.roster.members.push(Member { student, source, due: None, decision: None });
    }

    /// The folder of a submission.
    pub(crate) fn work(&self, id: &str) -> PathBuf {
        self.folder.path().join("work").join(id)
    }

    /// Hands something in.
    pub(crate) fn hand_in(&self, id: &str, exit: Option<i64>) {
        let work = self.work(id);
        std::fs::create_dir_all(&work).expect("a folder");
        if let Some(exit) = exit {
            std::fs::write(work.join("Dockerfile"), "FROM busybox\n").expect("written");
            std::fs::write(work.join("exit"), exit.to_string()).expect("written");
        }
    }

    /// A path in the test's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The rubric as it stands now.
    pub(crate) fn plan(&self) -> Arc<Plan> {
        Arc::new(plan::load(&self.path("lab.toml")).unwrap_or_else(|error| panic!("{error}")))
    }

    /// Puts something else into the rubric.
    pub(crate) fn change_rubric(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path("lab.toml")).expect("a rubric");
        assert!(text.contains(from), "the rubric has {from}");
        std::fs::write(self.path("lab.toml"), text.replace(from, to)).expect("written");
    }

    /// Grades the class into `out`, with an engine that plays along.
    pub(crate) async fn run(&self, fake: Fake) -> (Ran, Arc<Fake>) {
        self.run_into("out", None, fake, CancellationToken::new()).await
    }

    pub(crate) async fn run_into(
        &self,
        out: &str,
        shard: Option<&str>,
        fake: Fake,
        stop: CancellationToken,
    ) -> (Ran, Arc<Fake>) {
        let (plan, fake) = (self.plan(), Arc::new(fake));
        let store = Arc::new(Store::open(&self.path(out)).expect("a store"));
        let shard = shard.map(|text| text.parse::<Shard>().expect("a shard"));
        let mut register = Register::of(&self.roster, "lab", shard);
        let before = Register::read(&store).ok().and_then(|before| before.regraded_by);
        register.regraded_by = before.filter(|digest| *digest == plan.rubric.digest);
        register.write(&store).expect("written");
        std::fs::copy(self.path("lab.toml"), register.rubric(&store)).expect("copied");
        let rubric = Arc::new(plan.rubric.clone());
        let books = Books::new(Arc::clone(&store), &register, rubric, View::default(), &[]);
        let books = Arc::new(books.expect("books"));
        let news: Arc<Mutex<Vec<News>>> = Arc::default();
        let heard = Arc::clone(&news);
        let moment = Duration::from_millis(20);
        let batch = Batch {
            plan,
            store: Arc::clone(&store),
            books: Arc::clone(&books),
            fetcher: Fetcher {
                program: env!("CARGO_BIN_EXE_grade").into(),
                limits: FetchLimits::default(),
                into: store.work().expect("a folder"),
                owner: String::new(),
            },
            observer: fake.clone(),
            jobs: 3,
            afresh_since: self.afresh_since,
            was_regraded: register.regraded_by.is_some(),
            patience: Patience {
                waits: vec![moment; 2],
                outage: moment * 50,
                start: moment * 50,
                look: moment,
            },
            listen: Arc::new(move |one| heard.lock().expect("no panic").push(one)),
            stop,
        };
        let here = register.here();
        let is_here = |work: &Work| {
            here.iter().any(|member| member.folder.as_deref() == Ok(work.folder.as_str()))
        };
        let works = self.roster.works().into_iter().filter(is_here);
        let ended = batch.run(works.map(|work| (work.clone(), work.folder)).collect()).await;
        let (tally, failed) = books.write_all();
        let news = news.lock().expect("no panic").clone();
        (Ran { ended, tally, failed, news }, fake)
    }

    /// Each student's score and what came of it, as the gradebook has it.
    pub(crate) fn gradebook(&self, out: &str) -> BTreeMap<String, String> {
        let text = std::fs::read_to_string(self.path(out).join("gradebook.json"));
        let book: Json = serde_json::from_str(&text.expect("a gradebook")).expect("JSON");
        let entries = book["entries"].as_array().expect("entries").iter();
        entries
            .map(|entry| {
                let result = &entry["result"];
                let id = entry["student"]["id"].as_str().expect("an id").to_owned();
                let score = match result.is_null() {
                    true => "-".to_owned(),
                    false => {
                        format!("{}/{}", result["score"]["earned"], result["score"]["possible"])
                    }
                };
                (id, format!("{} {score}", entry["status"].as_str().expect("a status")))
            })
            .collect()
    }

    /// Runs the command.
    pub(crate) fn grade(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_grade"));
        let output = command.args(arguments).current_dir(self.folder.path()).output();
        let output = output.expect("the command starts");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        (output.status.code().expect("a code"), text(&output.stdout), text(&output.stderr))
    }
}

/// Everything in a folder, by path; what differs from run to run is left out.
pub(crate) fn steady(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.expect("readable")) {
        let path = entry.path().strip_prefix(folder).expect("below").to_owned();
        if entry.file_type().is_file() && path != Path::new(".lock") {
            let text = String::from_utf8_lossy(&std::fs::read(entry.path()).expect("read")).into();
            files.insert(path, without_times(text));
        }
    }
    files
}

fn without_times(text: String) -> String {
    let time = regex::Regex::new(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|\d{4}-\d\d-\d\d \d\d:\d\d( UTC)?",
    );
    time.expect("a pattern").replace_all(&text, "[time]").into_owned()
}
