//! `grade selftest`: rubrics proven by the course's samples of right and wrong work.

mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use clap::Args;

use super::grade::Mode;
use super::locate::Course;
use super::stop::Stop;
use super::{Common, Exit, diagnose, out, runtime};
use crate::document::nearest;
use crate::engine::{Endpoint, Engine, EngineError};
use crate::sandbox::Sandboxes;
use crate::selftest::{Came, Exercise, Hall, Mistake, Tried, default_jobs, prove};
use crate::session::sandbox_config;
use page::Display;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Exercises to prove, or single samples of them, such as `onbuild`, `onbuild/ok-alpine` or
    /// `onbuild/starter` [default: all of the course]
    #[arg(value_name = "EXERCISE[/SAMPLE]")]
    picks: Vec<String>,
    /// Only as many samples as show each probe to be met and to be lost
    #[arg(long)]
    quick: bool,
    /// How many samples are graded at a time [default: four for each processor of the engine]
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Where the samples are built and run
    #[arg(long, value_enum, default_value_t, value_name = "WHERE")]
    engine: Mode,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> Exit {
    let exercises = match prepare(arguments, common) {
        Ok(exercises) => exercises,
        Err(exit) => return exit,
    };
    let (exercises, left_out) = LeftOut::of(arguments, exercises);
    if exercises.is_empty() {
        page::left_out(&left_out);
        anstream::eprintln!("nothing is left to prove\n  help: leave --engine host out");
        return Exit::Usage;
    }
    match runtime() {
        Ok(runtime) => match runtime.block_on(proven(arguments, common, &exercises)) {
            Ok(Some((tried, ran))) => report(&exercises, &left_out, &tried, ran),
            Ok(None) => {
                anstream::eprintln!("interrupted: nothing is proven, and nothing is left behind");
                Exit::Unjudged
            }
            Err(error) => {
                anstream::eprintln!("{error}");
                if let Some(advice) = error.advice() {
                    anstream::eprintln!("  help: {advice}");
                }
                Exit::Unjudged
            }
        },
        Err(exit) => exit,
    }
}

/// The exercises that are meant; every mistake in their files is told.
fn prepare(arguments: &Arguments, common: &Common) -> Result<Vec<Exercise>, Exit> {
    let Some(course) = Course::find(common.course.as_deref()) else {
        anstream::eprintln!(
            "found no course here (a folder with rubrics/ in it)\n  help: name it with --course DIR"
        );
        return Err(Exit::Usage);
    };
    let slugs = course.slugs();
    if slugs.is_empty() {
        anstream::eprintln!("this course has no rubrics");
        return Err(Exit::Usage);
    }
    let picked = picked(&arguments.picks, &slugs).map_err(|message| {
        anstream::eprintln!("{message}");
        Exit::Usage
    })?;
    let mut exercises = Vec::new();
    let mut mistakes = Vec::new();
    for (slug, only) in picked {
        match Exercise::read(course.root(), slug, only.as_ref()) {
            Ok(exercise) => exercises.push(exercise),
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() {
        return Ok(exercises);
    }
    for mistake in &mistakes {
        match mistake {
            Mistake::InFile(problems) => diagnose::problems(problems),
            Mistake::About { help, .. } => {
                anstream::eprintln!("error: {mistake}");
                if let Some(help) = help {
                    anstream::eprintln!("  help: {help}");
                }
            }
        }
        anstream::eprintln!();
    }
    let files = page::counted(mistakes.len(), "file");
    anstream::eprintln!("{files} to mend; nothing was tried");
    Err(Exit::Usage)
}

/// What was named and is not proven, which is not to say that it is right.
#[derive(Default)]
struct LeftOut {
    /// Exercises whose answer is commands.
    commands: Vec<String>,
    /// Samples that only a sandbox's builder takes.
    samples: Vec<String>,
}

impl LeftOut {
    /// What there is to prove, and what cannot be proven on the engine at hand if that is the one.
    fn of(arguments: &Arguments, exercises: Vec<Exercise>) -> (Vec<Exercise>, Self) {
        let is_host = matches!(arguments.engine, Mode::Host);
        let mut left_out = Self::default();
        let mut kept = Vec::new();
        for mut exercise in exercises {
            if is_host && exercise.has_plays() {
                left_out.commands.push(exercise.slug);
                continue;
            }
            if is_host {
                let names = exercise.leave_out_sandboxed();
                left_out
                    .samples
                    .extend(names.iter().map(|name| format!("{}/{name}", exercise.slug)));
            }
            if arguments.quick {
                exercise.keep_a_cover();
            }
            if !exercise.trials.is_empty() {
                kept.push(exercise);
            }
        }
        (kept, left_out)
    }
}

/// The exercises that were named, each whole or with the names of its samples.
type Picked<'a> = BTreeMap<&'a str, Option<BTreeSet<String>>>;

fn picked<'a>(picks: &[String], slugs: &'a [String]) -> Result<Picked<'a>, String> {
    let mut picked = Picked::new();
    let unknown = |slug: &str| {
        let near = nearest(slug, slugs.iter().map(String::as_str));
        let near = near.map(|near| format!("\n  help: did you mean `{near}`?")).unwrap_or_default();
        format!("there is no exercise `{slug}`{near}\n  known: {}", slugs.join(", "))
    };
    for pick in picks {
        let (name, sample) = match pick.trim_end_matches('/').split_once('/') {
            Some((slug, sample)) => (slug, Some(sample.to_owned())),
            None => (pick.trim_end_matches('/'), None),
        };
        let slug = slugs.iter().find(|slug| *slug == name).ok_or_else(|| unknown(name))?;
        let entry = picked.entry(slug.as_str()).or_insert_with(|| Some(BTreeSet::new()));
        match (sample, entry.as_mut()) {
            (Some(sample), Some(only)) => drop(only.insert(sample)),
            (Some(_), None) => {}
            (None, _) => *entry = None,
        }
    }
    if picks.is_empty() {
        picked.extend(slugs.iter().map(|slug| (slug.as_str(), None)));
    }
    Ok(picked)
}

/// How the trials were made.
struct Ran {
    jobs: usize,
    took: Duration,
}

/// Sandboxes that are made ready: most trials share one.
const SPARE_SANDBOXES: usize = 2;

async fn proven(
    arguments: &Arguments,
    common: &Common,
    exercises: &[Exercise],
) -> Result<Option<(Vec<Vec<Tried>>, Ran)>, EngineError> {
    let stop = Stop::begin();
    let found = async {
        let engine = Engine::connect(&Endpoint::resolve(common.host.as_deref())?).await?;
        let jobs = match arguments.jobs {
            Some(jobs) => jobs.get(),
            None => default_jobs(engine.machine().await?.processors),
        };
        Ok((engine, jobs))
    };
    let Some(found) = stop.unless(found).await else { return Ok(None) };
    let (engine, jobs) = found?;
    let hall = match arguments.engine {
        Mode::Host => Hall::Host(engine),
        Mode::Sandbox => {
            // A program that does not know where it lies is the image's own in there.
            let program = std::env::current_exe().unwrap_or_default();
            let sandboxes =
                Sandboxes::new(engine.clone(), sandbox_config(program), SPARE_SANDBOXES);
            Hall::Sandboxes { outer: engine, sandboxes }
        }
    };
    let began = Instant::now();
    let display = Display::new(exercises.iter().map(|exercise| exercise.trials.len()).sum());
    let listen = |news: crate::selftest::News<'_>| display.show(&news);
    let tried = prove(exercises, &hall, jobs, &listen, stop.token()).await;
    display.finish();
    if let Hall::Sandboxes { sandboxes, .. } = &hall {
        sandboxes.settle().await;
    }
    let tried = tried.filter(|_| !stop.end());
    Ok(tried.map(|tried| (tried, Ran { jobs, took: began.elapsed() })))
}

fn report(exercises: &[Exercise], left_out: &LeftOut, tried: &[Vec<Tried>], ran: Ran) -> Exit {
    page::table(exercises, tried);
    page::left_out(left_out);
    let mut open = BTreeMap::<&str, Vec<String>>::new();
    let (mut differences, mut bare) = (0, 0);
    for (exercise, tried) in exercises.iter().zip(tried) {
        for (trial, tried) in exercise.trials.iter().zip(tried) {
            match &tried.came {
                Came::AsStated => {}
                Came::Otherwise(difference) => {
                    differences += 1;
                    page::difference(exercise, trial, difference);
                }
                Came::Unjudged(why) => {
                    open.entry(why).or_default().push(format!("{}/{}", exercise.slug, tried.name));
                }
            }
        }
        bare += exercise.uncovered.len();
        page::uncovered(exercise);
    }
    page::unjudged(&open);
    let count: usize = tried.iter().map(Vec::len).sum();
    let unjudged: usize = open.values().map(Vec::len).sum();
    let found = [
        (differences, "not as stated"),
        (bare, "that no sample shows can be lost"),
        (unjudged, "not judged"),
    ];
    let nouns = ["sample", "probe", "sample"];
    let found = found.iter().zip(nouns).filter(|((count, _), _)| *count > 0);
    let found: Vec<String> = found
        .map(|((count, what), noun)| format!("{} {what}", page::counted(*count, noun)))
        .collect();
    let found = if found.is_empty() { "all as stated".to_owned() } else { found.join(", ") };
    let took = crate::unit::show_millis(crate::unit::millis(ran.took));
    out(format_args!(
        "\n{} of {}, {} at a time, in {took}: {found}",
        page::counted(count, "sample"),
        page::counted(exercises.len(), "exercise"),
        ran.jobs
    ));
    match (unjudged, differences + bare) {
        (0, 0) => Exit::Graded,
        (0, _) => Exit::MarksLost,
        _ => Exit::Unjudged,
    }
}
