//! `grade batch ROSTER`: a class, graded.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::class_display::Display;
use super::grade::{Mode, Show, no_plays_on_the_host};
use super::locate::{self, Course};
use super::obtain::owner;
use super::roster::Class;
use super::stop::Stop;
use super::{Common, Exit, check, class_end, runtime, said};
use crate::batch::{
    Batch, Books, Ended, Engines, News, Observer, Patience, Register, Shard, Store, StoreError,
    clear_leftovers, places, reports,
};
use crate::document::nearest;
use crate::engine::{Endpoint, Engine, EngineError};
use crate::file::update_whole;
use crate::plan::{Plan, given_folder};
use crate::report::View;
use crate::roster::{Roster, Work};
use crate::session::sandboxes_at_once;
use crate::submission::{FetchLimits, Fetcher};
use crate::unit::parse_duration;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    class: Class,
    /// The assignment [default: what the roster says]
    #[arg(long, short, value_name = "SLUG", conflicts_with = "rubric")]
    assignment: Option<String>,
    /// A rubric's file, instead of an assignment of the course
    #[arg(long, value_name = "FILE")]
    rubric: Option<PathBuf>,
    /// The class's folder: evidence and reports; a batch that was stopped goes on from there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Submissions at a time [default: what the engine's machine bears]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Grade only the Kth of N parts of the class, for as many machines
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// Grade also what is graded already and has not changed since
    #[arg(long)]
    force: bool,
    /// The longest that one submission may take in all; what is not answered by then is unjudged
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = parse_duration)]
    time_limit: Duration,
    /// Where submissions are built and run
    #[arg(long, value_enum, default_value_t, value_name = "WHERE")]
    engine: Mode,
    /// Also make these reports: those of `grade --report` that a student's folder does not have by
    /// itself, or canvas
    #[arg(long, value_name = "NAME", value_parser = class_report)]
    report: Vec<String>,
    /// Exit with 1 when anybody lost any point
    #[arg(long)]
    strict: bool,
    /// Show hidden probes in full: for instructors
    #[arg(long, value_enum, value_name = "WHAT")]
    show: Option<Show>,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> Exit {
    let prepared = match prepare(arguments, common) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    match runtime() {
        Ok(runtime) => runtime.block_on(prepared.grade(arguments, common)).unwrap_or_else(|e| e),
        Err(exit) => exit,
    }
}

/// What is known to be right before an engine is touched.
struct Prepared {
    plan: Plan,
    rubric: PathBuf,
    roster: Roster,
    store: Store,
    register: Register,
}

fn prepare(arguments: &Arguments, common: &Common) -> Result<Prepared, Exit> {
    let slug = match (&arguments.rubric, &arguments.assignment) {
        (Some(rubric), _) => Some(check::load(rubric)?.rubric.slug),
        (None, slug) => slug.clone(),
    };
    let roster = arguments.class.read(slug)?;
    for note in &roster.notes {
        anstream::eprintln!("note: {}", said(note, 400));
    }
    let rubric = match &arguments.rubric {
        Some(rubric) => rubric.clone(),
        None => {
            let course = Course::find(common.course.as_deref());
            let slug = roster.assignment.as_deref();
            locate::named(course.as_ref(), slug, "the roster says").map_err(usage)?
        }
    };
    let plan = check::load(&rubric)?;
    if matches!(arguments.engine, Mode::Host) && !plan.rubric.plays.is_empty() {
        return Err(usage(no_plays_on_the_host(&plan.rubric.slug)));
    }
    let store = open(&arguments.out)?;
    let mut register = Register::of(&roster, &plan.rubric.slug, arguments.shard);
    match Register::read(&store) {
        Ok(before) if before.assignment != register.assignment => {
            return Err(usage(format!(
                "{} holds a class that was graded by the assignment {}\n  help: each assignment \
                 needs a folder of its own",
                arguments.out.display(),
                before.assignment
            )));
        }
        Ok(before) => {
            register.afresh_since = before.afresh_since;
            let digest = &plan.rubric.digest;
            register.regraded_by = before.regraded_by.filter(|regraded| regraded == digest);
        }
        Err(StoreError::NoClass { .. }) => {}
        Err(error) => return Err(usage(error.to_string())),
    }
    if arguments.force {
        register.afresh_since = Some(Timestamp::now());
    }
    Ok(Prepared { plan, rubric, roster, store, register })
}

/// The name of a report that can be made of a class.
pub(super) fn class_report(name: &str) -> Result<String, String> {
    let known = reports();
    if known.contains(&name) {
        return Ok(name.to_owned());
    }
    let near = nearest(name, known.iter().copied());
    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(format!("there is no report `{name}` of a class{near}"))
}

/// Opens a class's folder for writing.
pub(super) fn open(path: &std::path::Path) -> Result<Store, Exit> {
    Store::open(path).map_err(|error| {
        let is_usage = matches!(error, StoreError::InUse { .. });
        anstream::eprintln!("{error}");
        if is_usage { Exit::Usage } else { Exit::Unjudged }
    })
}

/// Tells a mistake of the command line or of a file it names.
pub(super) fn usage(message: String) -> Exit {
    anstream::eprintln!("{message}");
    Exit::Usage
}

impl Prepared {
    async fn grade(self, arguments: &Arguments, common: &Common) -> Result<Exit, Exit> {
        let Prepared { plan, rubric, roster, store, register } = self;
        let (plan, store) = (Arc::new(plan), Arc::new(store));
        let view = View { width: 100, show_hidden: arguments.show.is_some(), ..View::default() };
        let by = Arc::new(plan.rubric.clone());
        let books = Books::new(Arc::clone(&store), &register, by, view, &arguments.report);
        let books = Arc::new(books.map_err(|error| usage(error.to_string()))?);
        let given = given_folder(&rubric);
        let stop = Stop::begin();
        let observer = stop.unless(observer(arguments, common, Arc::clone(&plan), given)).await;
        let Some(observer) = observer else { return Ok(interrupted(&arguments.out)) };
        let (observer, jobs) = observer.map_err(|error| no_engine(&error))?;
        let began = begin(&store, &register, &rubric).and_then(|()| store.work());
        let into = began.map_err(|error| failed(&error))?;

        let works = works(&roster, &register);
        let display = Display::new(works.len(), jobs);
        let waiting = tokio::spawn(stopping(stop.token().clone(), display.clone()));
        let listener = display.clone();
        let program = std::env::current_exe().unwrap_or_default();
        let batch = Batch {
            plan,
            store: Arc::clone(&store),
            books: Arc::clone(&books),
            fetcher: Fetcher { program, limits: FetchLimits::default(), into, owner: owner() },
            observer: Arc::clone(&observer),
            jobs,
            afresh_since: register.afresh_since,
            was_regraded: register.regraded_by.is_some(),
            patience: Patience::default(),
            listen: Arc::new(move |news: News| listener.show(&news)),
            stop: stop.token().clone(),
        };
        let ended = batch.run(works).await;
        waiting.abort();
        display.finish();
        observer.settle().await;
        // What is left of it is removed by the next batch.
        let _ = store.clear_work();
        let is_told = stop.end();
        if let Ended::GaveUp { because, advice } = &ended {
            anstream::eprintln!("the batch ends early: {because}");
            if let Some(advice) = advice {
                anstream::eprintln!("  help: {advice}; then run the same command again");
            }
        }
        if is_told || matches!(ended, Ended::Stopped) {
            return Ok(interrupted(&arguments.out));
        }
        Ok(class_end::write(&books, &arguments.out, arguments.strict))
    }
}

/// What observes, and how many at a time.
async fn observer(
    arguments: &Arguments,
    common: &Common,
    plan: Arc<Plan>,
    given: Option<PathBuf>,
) -> Result<(Arc<dyn Observer>, usize), EngineError> {
    let engine = Engine::connect(&Endpoint::resolve(common.host.as_deref())?).await?;
    let in_sandboxes = matches!(arguments.engine, Mode::Sandbox);
    let sandboxes = if in_sandboxes { sandboxes_at_once(&plan.rubric) } else { 0 };
    let bears = places(engine.machine().await?, sandboxes);
    let jobs = arguments.jobs.map_or(bears, NonZeroUsize::get);
    if jobs > bears {
        anstream::eprintln!(
            "note: --jobs {jobs} is more than the engine's machine bears ({bears}): limits of time \
             may be hit for that alone"
        );
    }
    clear_leftovers(&engine).await?;
    let limit = arguments.time_limit;
    let observer: Arc<dyn Observer> = if in_sandboxes {
        let program = std::env::current_exe().unwrap_or_default();
        Arc::new(Engines::sandboxes(plan, engine, given, limit, (program, jobs)))
    } else {
        Arc::new(Engines::host(plan, engine, given, limit))
    };
    Ok((observer, jobs))
}

fn no_engine(error: &EngineError) -> Exit {
    anstream::eprintln!("{error}");
    if let Some(advice) = error.advice() {
        anstream::eprintln!("  help: {advice}");
    }
    Exit::Unjudged
}

/// Tells that the class's folder cannot be used.
pub(super) fn failed(error: &StoreError) -> Exit {
    anstream::eprintln!("{error}");
    Exit::Unjudged
}

/// Keeps what the batch is about.
fn begin(store: &Store, register: &Register, rubric: &std::path::Path) -> Result<(), StoreError> {
    register.write(store)?;
    let copy = register.rubric(store);
    std::fs::read(rubric)
        .and_then(|text| update_whole(&copy, &text))
        .map(drop)
        .map_err(|source| StoreError::File { path: copy, source })
}

/// The works of this shard, with what they are called.
fn works(roster: &Roster, register: &Register) -> Vec<(Work, String)> {
    let here = register.here();
    let named = roster.works().into_iter().filter_map(|work| {
        let members = here.iter().filter(|member| member.folder.as_deref() == Ok(&work.folder));
        let names: Vec<&str> = members
            .map(|member| member.student.name.as_deref().unwrap_or(&member.student.id))
            .collect();
        (!names.is_empty()).then(|| (work, names.join(", ")))
    });
    named.collect()
}

/// Tells that the batch is being stopped: what is under way may take a moment to be cleaned up.
async fn stopping(stop: CancellationToken, display: Display) {
    stop.cancelled().await;
    display.say("stopping; once more ends it at once");
}

fn interrupted(folder: &std::path::Path) -> Exit {
    anstream::eprintln!(
        "interrupted: what is graded is kept in {}; the same command goes on from there",
        folder.display()
    );
    Exit::Unjudged
}
