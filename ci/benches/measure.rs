//! Rounds in which the sides take turns, and what is made of their times.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use grade::engine::Engine;

use crate::Outcome;
use crate::class::each;
use crate::exercise::Exercise;
use crate::floor::{self, Order};
use crate::grading::{grade, grade_by_binary};
use crate::table::Row;
use crate::teacher::Teacher;
use crate::usage::{self, Usage};

/// How many submissions of a class are tried at the same time.
const CONCURRENCIES: [usize; 4] = [2, 4, 6, 8];
/// Submissions of the smaller class by which the best concurrency is found.
const TRIAL: usize = 16;
/// The program to be measured.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_grade");
/// Submissions that the script grades at the same time.
const SCRIPTS: usize = 4;

/// An exercise, and who does its work.
pub(crate) struct Sides<'m> {
    pub(crate) engine: &'m Engine,
    pub(crate) exercise: &'m Exercise,
    pub(crate) teacher: Option<&'m Teacher>,
}

/// One side's times, a round each.
type Times = Vec<f64>;

/// One submission at a time: in this process, and by the whole binary.
pub(crate) async fn one(sides: &Sides<'_>, rounds: usize) -> Outcome<Vec<Row>> {
    let slug = sides.exercise.slug;
    let (mut grades, mut binaries, mut scripts) = (Times::new(), Times::new(), Times::new());
    let (mut floors, mut free) = (Times::new(), Times::new());
    let (mut here, mut there) = (Vec::new(), Vec::new());
    // The first round warms up whatever is there to be warmed up.
    for round in 0..=rounds {
        eprintln!("{slug}: one submission, round {round} of {rounds}");
        // Each round begins with another side: none is always the one that follows the script.
        for turn in 0..5 {
            match (turn + round) % 5 {
                0 => {
                    let (seconds, usage) = sides.grade(1, 1).await?;
                    grades.push(seconds);
                    here.push(usage);
                }
                1 => floors.push(sides.floor(1, 1, Order::Rubric).await?),
                2 => {
                    let (seconds, usage) = sides.binary()?;
                    binaries.push(seconds);
                    there.push(usage);
                }
                3 => free.push(sides.floor(1, 1, Order::Free).await?),
                _ => scripts.extend(sides.script(1)?),
            }
        }
        if round == 0 {
            for times in [&mut grades, &mut floors, &mut binaries, &mut free, &mut scripts] {
                times.clear();
            }
            here.clear();
            there.clear();
        }
    }
    let row = |what, times, usage: &[Usage]| {
        Row::new(slug, what, (1, 1), times, (&floors, &free), &scripts, usage)
    };
    Ok(vec![row("one", &grades, &here), row("one, binary", &binaries, &there)])
}

/// A class, each side at the concurrency that suits it best.
pub(crate) async fn many(sides: &Sides<'_>, class: usize, rounds: usize) -> Outcome<Vec<Row>> {
    let slug = sides.exercise.slug;
    let (mut of_grade, mut of_floor) = (Vec::new(), Vec::new());
    for at_once in CONCURRENCIES {
        eprintln!("{slug}: {TRIAL} submissions, {at_once} at a time");
        of_grade.push((sides.grade(TRIAL, at_once).await?.0, at_once));
        of_floor.push((sides.floor(TRIAL, at_once, Order::Rubric).await?, at_once));
    }
    let (ours, theirs) = (best(&of_grade), best(&of_floor));
    let (mut grades, mut floors, mut free) = (Times::new(), Times::new(), Times::new());
    let (mut scripts, mut usages) = (Times::new(), Vec::new());
    for round in 1..=rounds {
        eprintln!("{slug}: {class} submissions, round {round} of {rounds}");
        let (grade, usage) = sides.grade(class, ours).await?;
        grades.push(grade);
        usages.push(usage);
        floors.push(sides.floor(class, theirs, Order::Rubric).await?);
        free.push(sides.floor(class, theirs, Order::Free).await?);
        if round == 1 {
            scripts.extend(sides.script(class)?);
        }
    }
    let what = format!("class of {class}");
    let floors = (&*floors, &*free);
    Ok(vec![Row::new(slug, &what, (ours, theirs), &grades, floors, &scripts, &usages)])
}

impl Sides<'_> {
    /// Seconds that the program takes, and what it uses meanwhile.
    async fn grade(&self, count: usize, at_once: usize) -> Outcome<(f64, Usage)> {
        let submissions = self.exercise.submissions(count)?;
        let (engine, plan) = (self.engine.clone(), self.exercise.plan.clone());
        let given = self.exercise.given.clone();
        usage::forget_peak()?;
        let before = usage::of_this_process()?;
        let seconds = timed(submissions, at_once, |folder| {
            grade(engine.clone(), plan.clone(), given.clone(), folder)
        });
        let seconds = seconds.await?;
        let after = usage::of_this_process()?;
        Ok((seconds, Usage { cpu: after.cpu.saturating_sub(before.cpu), peak: after.peak }))
    }

    /// Seconds that the whole binary takes, and what it uses.
    fn binary(&self) -> Outcome<(f64, Usage)> {
        let submission = self.exercise.submission()?;
        let began = Instant::now();
        let usage = grade_by_binary(Path::new(PROGRAM), self.exercise, &submission, "host")?;
        Ok((began.elapsed().as_secs_f64(), usage))
    }

    /// Seconds of the engine's work alone.
    async fn floor(&self, count: usize, at_once: usize, order: Order) -> Outcome<f64> {
        let (engine, slug) = (self.engine.clone(), self.exercise.slug);
        let submissions = self.exercise.submissions(count)?;
        timed(submissions, at_once, |folder| floor::work(engine.clone(), slug, order, folder)).await
    }

    /// Seconds that the script takes, if there is a docker CLI that it can use.
    fn script(&self, count: usize) -> Outcome<Option<f64>> {
        let Some(teacher) = self.teacher else { return Ok(None) };
        let submissions = self.exercise.submissions(count)?;
        let began = Instant::now();
        teacher.grade(self.exercise, &submissions, SCRIPTS)?;
        Ok(Some(began.elapsed().as_secs_f64()))
    }
}

async fn timed<W, F>(submissions: Vec<PathBuf>, at_once: usize, work: W) -> Outcome<f64>
where
    W: Fn(PathBuf) -> F,
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    let began = Instant::now();
    each(submissions, at_once, work).await?;
    Ok(began.elapsed().as_secs_f64())
}

fn best(times: &[(f64, usize)]) -> usize {
    let fastest = times.iter().min_by(|(one, _), (other, _)| one.total_cmp(other));
    fastest.map_or(1, |(_, at_once)| *at_once)
}

/// The middle of some figures; none of none.
pub(crate) fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let upper = *figures.get(figures.len() / 2)?;
    let lower = figures[(figures.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

/// The median of the ratios of figures that were taken in the same round.
pub(crate) fn ratio(of: &[f64], to: &[f64]) -> Option<f64> {
    median(of.iter().zip(to).map(|(of, to)| of / to).collect())
}

/// The median of processor times, in seconds.
pub(crate) fn median_cpu(usages: &[Usage]) -> Option<f64> {
    median(usages.iter().map(|usage| usage.cpu).map(|cpu: Duration| cpu.as_secs_f64()).collect())
}
