//! `grade ./submission`: one submission, graded.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::{Args, ValueEnum};

use super::github::{self, Job};
use super::locate::{self, Course};
use super::obtain::{HandedIn, interrupted, obtain};
use super::progress::Display;
use super::stop::Stop;
use super::{Common, Exit, check, runtime};
use crate::document::nearest;
use crate::engine::{Endpoint, Engine, EngineError};
use crate::evidence::{self, Evidence, Fault};
use crate::file::write_whole;
use crate::judge::{Entry, Gradebook, judge};
use crate::observe::unobserved;
use crate::plan::{Plan, given_folder};
use crate::report::{self, Classroom, FORMATS, View};
use crate::sandbox::Sandboxes;
use crate::session::{Place, Session, UNWANTED, sandbox_config};
use crate::submission::Submission;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    handed_in: HandedIn,
    /// The assignment [default: from the submission's .grade.toml, or its name]
    #[arg(long, short, value_name = "SLUG", conflicts_with = "rubric")]
    assignment: Option<String>,
    /// A rubric's file, instead of an assignment of the course
    #[arg(long, value_name = "FILE")]
    rubric: Option<PathBuf>,
    /// Write the result as JSON ('-' is standard output)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the result as JUnit XML ('-' is standard output)
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[arg(long, value_name = "NAME=FILE", value_parser = named_report, help = report_help())]
    report: Vec<(&'static str, PathBuf)>,
    /// Write evidence and reports into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where the submission is built and run
    #[arg(long, value_enum, default_value_t, value_name = "WHERE")]
    engine: Mode,
    /// Exit with 1 when any point is lost
    #[arg(long)]
    strict: bool,
    /// Exit with 1 when fewer points are earned
    #[arg(long, value_name = "N")]
    min_score: Option<u32>,
    /// Show hidden probes in full: for instructors
    #[arg(long, value_enum, value_name = "WHAT")]
    show: Option<Show>,
    #[command(flatten)]
    workflow: github::Workflow,
}

impl Arguments {
    /// What was named as the submission.
    pub(super) fn submission(&self) -> Option<&Path> {
        self.handed_in.named()
    }

    /// The reports that were asked for by name, and where they go.
    fn reports(&self) -> impl Iterator<Item = (&'static str, &Path)> + Clone {
        let short = [("json", &self.json), ("junit", &self.junit)];
        let short = short.into_iter().filter_map(|(name, path)| Some((name, path.as_deref()?)));
        short.chain(self.report.iter().map(|(name, path)| (*name, path.as_path())))
    }
}

/// Reads `NAME=FILE`.
fn named_report(text: &str) -> Result<(&'static str, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("it is written NAME=FILE")?;
    let format = report::find(name).ok_or_else(|| {
        let near = nearest(name, FORMATS.iter().map(|format| format.name));
        let near = near.map(|near| format!("; did you mean `{near}`?"));
        format!("there is no report `{name}`{}", near.unwrap_or_default())
    })?;
    if file.is_empty() {
        return Err(format!("there is no file after `{name}=`"));
    }
    Ok((format.name, file.into()))
}

/// What `--report` can write.
fn report_help() -> String {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    format!(
        "Write a report of this name ('-' is standard output), once for each: {}",
        names.join(", ")
    )
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Mode {
    /// On an engine of its own with hard limits, in a container on the engine at hand
    #[default]
    Sandbox,
    /// On the engine at hand, directly: for machines that are thrown away afterwards
    Host,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Show {
    /// Hidden probes
    Hidden,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> Exit {
    let begun = || {
        let job = arguments.workflow.begin();
        let prepared = prepare(arguments, common, job.as_ref())?;
        Ok((job, prepared, runtime()?))
    };
    match begun() {
        Ok((job, prepared, runtime)) => {
            runtime.block_on(prepared.grade(arguments, common, job.as_ref()))
        }
        Err(exit) => exit,
    }
}

/// What is known to be right before an engine is touched.
struct Prepared {
    plan: Plan,
    given: Option<PathBuf>,
    submission: Submission,
    stop: Stop,
    classroom: Option<&'static Classroom>,
}

fn prepare(arguments: &Arguments, common: &Common, job: Option<&Job>) -> Result<Prepared, Exit> {
    let wrong = |message: String| {
        anstream::eprintln!("{message}");
        Exit::Usage
    };
    let course = || Course::find(common.course.as_deref());
    let source = arguments.handed_in.source()?;
    // What can be wrong without a submission is told before one is fetched.
    let named = match (&arguments.rubric, &arguments.assignment) {
        (Some(rubric), _) => Some(rubric.clone()),
        (None, Some(slug)) => Some(locate::by_slug(course().as_ref(), slug).map_err(wrong)?),
        (None, None) => None,
    };
    let is_asked = arguments.reports().any(|(name, _)| name == "classroom50");
    let is_told = job.is_some_and(Job::tells_classroom50);
    let classroom = if is_asked || is_told { Some(classroom50().map_err(wrong)?) } else { None };
    let named = named.map(|rubric| Ok((check::load(&rubric)?, rubric))).transpose()?;
    let (stop, submission) = obtain(&source)?;
    let (plan, rubric) = match named {
        Some(named) => named,
        None => {
            let rubric = locate::choose(course().as_ref(), &source, &submission).map_err(wrong)?;
            (check::load(&rubric)?, rubric)
        }
    };
    if matches!(arguments.engine, Mode::Host) && !plan.rubric.plays.is_empty() {
        return Err(wrong(no_plays_on_the_host(&plan.rubric.slug)));
    }
    let points: u32 = plan.rubric.probes.iter().map(|probe| probe.points).sum();
    if let Some(least) = arguments.min_score.filter(|least| *least > points) {
        return Err(wrong(format!("--min-score {least} is above the {points} points there are")));
    }
    let reports = arguments.reports();
    if reports.clone().filter(|(_, path)| *path == Path::new("-")).count() > 1 {
        return Err(wrong("no two reports can both have standard output".into()));
    }
    for (_, path) in reports {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(wrong(format!("there is no folder {} to write to", folder.display())));
        }
    }
    if let Some(out) = &arguments.out {
        std::fs::create_dir_all(out)
            .map_err(|error| wrong(format!("failed to make {}: {error}", out.display())))?;
    }
    Ok(Prepared { plan, given: given_folder(&rubric), submission, stop, classroom })
}

/// What Classroom 50's runner says of the submission.
fn classroom50() -> Result<&'static Classroom, String> {
    static CLASSROOM: OnceLock<Classroom> = OnceLock::new();
    let read = Classroom::read(|name| std::env::var(name).ok());
    let read = read.map_err(|wrong| {
        let wrong = wrong.join("\n  ");
        format!("classroom50 takes what it says of the submission from its runner:\n  {wrong}")
    })?;
    Ok(CLASSROOM.get_or_init(|| read))
}

/// Why the engine at hand will not do.
pub(super) fn no_plays_on_the_host(slug: &str) -> String {
    format!(
        "the answer to {slug} is commands, and those are run in a sandbox only\n  help: leave \
         --engine host out"
    )
}

impl Prepared {
    async fn grade(self, arguments: &Arguments, common: &Common, job: Option<&Job>) -> Exit {
        let spares = usize::from(job.is_none());
        let place = {
            let mut placing = Box::pin(self.place(arguments, common, spares));
            if let Some(place) = self.stop.unless(&mut placing).await {
                place
            } else {
                let _unwanted = tokio::time::timeout(UNWANTED, placing).await;
                None
            }
        };
        let Prepared { plan, given, submission, stop, classroom } = self;
        let evidence = match place {
            Some(Ok((place, sandboxes))) => {
                let session = Session { submission: submission.clone(), given };
                let evidence = ask(&plan, session, place, &stop).await;
                if let Some(sandboxes) = sandboxes {
                    sandboxes.settle().await;
                }
                evidence
            }
            Some(Err(error)) => Some(unobserved(&plan, &submission, &Fault::from(error))),
            None => None,
        };
        drop(submission);
        let is_told = stop.end();
        let Some(evidence) = evidence.filter(|_| !is_told) else { return interrupted() };
        let grade = judge(&plan.rubric, &evidence);
        let exit = exit(arguments, &grade);
        let gradebook = Gradebook { entries: vec![Entry::new(grade, &evidence)] };
        let written = write_all(arguments, &gradebook, &evidence, classroom);
        let told = job.map_or(Ok(()), |job| {
            let view = View { classroom, ..View::default() };
            job.end(&gradebook, &view, arguments.submission(), arguments.out.as_deref())
        });
        let failed: Vec<String> = [written, told].into_iter().filter_map(Result::err).collect();
        if failed.is_empty() {
            exit
        } else {
            anstream::eprintln!("{}", failed.join("\n"));
            Exit::Unjudged
        }
    }

    /// Where the submission is tried, and the sandboxes that this one is of. So many are made ready for
    /// the next command; a runner of a workflow has none. `None` when the user interrupts before the engine
    /// answers: nothing is made until then.
    async fn place(
        &self,
        arguments: &Arguments,
        common: &Common,
        spares: usize,
    ) -> Option<Result<(Place, Option<Sandboxes>), EngineError>> {
        let connecting =
            async { Engine::connect(&Endpoint::resolve(common.host.as_deref())?).await };
        let engine = match self.stop.unless(connecting).await? {
            Ok(engine) => engine,
            Err(error) => return Some(Err(error)),
        };
        if matches!(arguments.engine, Mode::Host) {
            return Some(Ok((Place::Host(engine), None)));
        }
        // A program that does not know where it lies is the image's own in there.
        let program = std::env::current_exe().unwrap_or_default();
        let sandboxes = Sandboxes::new(engine, sandbox_config(program), spares);
        let place = Place::sandbox(&sandboxes, &self.plan.rubric).await;
        Some(place.map(|place| (place, Some(sandboxes))))
    }
}

/// Asks all questions; `None` when the user interrupts. Either way the engine is left clean.
async fn ask(plan: &Plan, session: Session, place: Place, stop: &Stop) -> Option<Evidence> {
    let display = Display::new();
    let listener = display.clone();
    let listen = Box::new(move |progress| listener.show(&progress));
    let outcome = session.run(plan, place, listen, stop.token().cancelled()).await;
    display.finish();
    if let Some(message) = outcome.left_behind {
        anstream::eprintln!(
            "{message}\n  help: `grade clean` removes what is left; the grade is not touched by this"
        );
    }
    outcome.evidence
}

fn exit(arguments: &Arguments, grade: &crate::judge::Grade) -> Exit {
    let score = grade.score();
    if grade.is_provisional() {
        Exit::Unjudged
    } else if (arguments.strict && score.earned < score.possible)
        || arguments.min_score.is_some_and(|least| score.earned < least)
    {
        Exit::MarksLost
    } else {
        Exit::Graded
    }
}

/// Writes every report that was asked for, each whole or not at all. What cannot be written does
/// not keep the others from being, nor the grade from being shown.
fn write_all(
    arguments: &Arguments,
    gradebook: &Gradebook,
    evidence: &Evidence,
    classroom: Option<&'static Classroom>,
) -> Result<(), String> {
    let stdout = std::io::stdout();
    let color = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
    let width = textwrap::termwidth().clamp(40, 100);
    let show_hidden = arguments.show.is_some();
    let view = View { color, width, show_hidden, classroom };
    let plain = View { color: false, width: 100, ..view };
    let render = |name: &str, view: &View| -> Result<Vec<u8>, String> {
        let format = report::find(name).ok_or_else(|| format!("there is no format {name}"))?;
        (format.report)(view).render(gradebook).map_err(|error| error.to_string())
    };
    let to_file =
        |name: &str, path: &Path| render(name, &plain).and_then(|bytes| write(path, &bytes));

    let (printed, files): (Vec<_>, Vec<_>) =
        arguments.reports().partition(|(_, path)| *path == Path::new("-"));
    // A report on standard output stays alone there.
    let mut done = vec![match printed.first() {
        Some((name, _)) => render(name, &plain).and_then(|bytes| print(&bytes)),
        None => render("text", &view).and_then(|bytes| print(&bytes)),
    }];
    done.extend(files.iter().map(|(name, path)| to_file(name, path)));
    if let Some(out) = &arguments.out {
        let stored = evidence::write(&out.join("evidence.json"), evidence);
        done.push(stored.map_err(|error| error.to_string()));
        let usual = FORMATS.iter().filter(|format| !format.on_request);
        done.extend(usual.map(|format| to_file(format.name, &out.join(format.file))));
    }
    let failed: Vec<String> = done.into_iter().filter_map(Result::err).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn print(bytes: &[u8]) -> Result<(), String> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        // Nobody reads on, as under `| head`.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| format!("failed to write to standard output: {error}")),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    write_whole(path, bytes).map_err(|error| format!("failed to write {}: {error}", path.display()))
}

/// Whether progress can be drawn.
pub(super) fn has_terminal() -> bool {
    std::io::stderr().is_terminal()
}
