//! The trials of some exercises, some at a time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use super::hall::{Hall, Venue};
use super::{Difference, Exercise, Trial, difference};
use crate::judge::{Grade, Verdict, judge};
use crate::session::Session;
use crate::submission::Submission;

/// Trials at a time for each processor: most of them wait for a container.
const FOR_EACH_PROCESSOR: usize = 4;
/// The most trials at a time, where nobody says otherwise.
const MOST: usize = 32;

/// What is told while trials go on.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// One began: the exercise, and its name.
    Began(&'a str, &'a str),
    /// One ended: the exercise, and what came of it.
    Ended(&'a str, &'a Tried),
}

/// A trial that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its name.
    pub name: String,
    /// What came of it.
    pub came: Came,
    /// How long it took, once it had a place.
    pub took: Duration,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// It came to what it must.
    AsStated,
    /// It came to something else.
    Otherwise(Difference),
    /// Our side failed to find out, and why.
    Unjudged(String),
}

/// How many trials to have at a time on a machine of so many processors.
pub fn default_jobs(processors: u32) -> usize {
    usize::try_from(processors).unwrap_or(1).saturating_mul(FOR_EACH_PROCESSOR).clamp(2, MOST)
}

/// Makes all trials, `jobs` at a time, and tells what came of those of each exercise, in the order
/// of its trials. When `stop` is told, what goes on is stopped and cleaned up, and there is no
/// result.
pub async fn prove(
    exercises: &[Exercise],
    hall: &Hall,
    jobs: usize,
    listen: &(dyn Fn(News<'_>) + Send + Sync),
    stop: &CancellationToken,
) -> Option<Vec<Vec<Tried>>> {
    let venues: Vec<Venue<'_>> = exercises.iter().map(|one| Venue::new(hall, one)).collect();
    let mut queue = Queue::new(exercises, jobs);
    let mut running: FuturesUnordered<BoxFuture<'_, (usize, usize, Option<Tried>)>> =
        FuturesUnordered::new();
    let mut came: Vec<Vec<(usize, Tried)>> = exercises.iter().map(|_| Vec::new()).collect();
    loop {
        while running.len() < jobs
            && !stop.is_cancelled()
            && let Some((index, number)) = queue.next()
        {
            let exercise = &exercises[index];
            let venue = &venues[index];
            let trial = &exercise.trials[number];
            listen(News::Began(&exercise.slug, &trial.name));
            running.push(Box::pin(async move {
                let tried = try_out(exercise, trial, venue, stop).await;
                venue.leave().await;
                (index, number, tried)
            }));
        }
        let Some((index, number, tried)) = running.next().await else { break };
        queue.ended(index);
        if let Some(tried) = tried {
            listen(News::Ended(&exercises[index].slug, &tried));
            came[index].push((number, tried));
        }
    }
    if stop.is_cancelled() {
        return None;
    }
    let in_order = came.into_iter().map(|mut tried| {
        tried.sort_by_key(|(number, _)| *number);
        tried.into_iter().map(|(_, tried)| tried).collect()
    });
    Some(in_order.collect())
}

/// What is still to be tried. Trials that get a sandbox each take half of the places at most: a new
/// sandbox costs more than most trials. Of the others, those of one exercise take a quarter while
/// another exercise has some: they share an engine, where a build for the cache waits for the rest.
struct Queue {
    alone: VecDeque<(usize, usize)>,
    together: VecDeque<(usize, usize)>,
    /// Whether an exercise's trials get a sandbox each.
    is_alone: Vec<bool>,
    /// Trials that go on, of each exercise.
    running: Vec<usize>,
    jobs: usize,
}

impl Queue {
    fn new(exercises: &[Exercise], jobs: usize) -> Self {
        let is_alone: Vec<bool> = exercises.iter().map(Exercise::has_plays).collect();
        let all = exercises.iter().enumerate();
        let all = all.flat_map(|(index, one)| (0..one.trials.len()).map(move |n| (index, n)));
        let (alone, together) = all.partition(|(index, _)| is_alone[*index]);
        Self { alone, together, running: vec![0; is_alone.len()], is_alone, jobs }
    }

    fn next(&mut self) -> Option<(usize, usize)> {
        let next = self.alone().or_else(|| self.together())?;
        self.running[next.0] += 1;
        Some(next)
    }

    fn alone(&mut self) -> Option<(usize, usize)> {
        let running = self.running.iter().zip(&self.is_alone).filter(|(_, alone)| **alone);
        let running: usize = running.map(|(count, _)| count).sum();
        if running < self.jobs.div_ceil(2) { self.alone.pop_front() } else { None }
    }

    fn together(&mut self) -> Option<(usize, usize)> {
        let most = self.jobs.div_ceil(4);
        let few = self.together.iter().position(|(index, _)| self.running[*index] < most);
        self.together.remove(few.unwrap_or(0))
    }

    fn ended(&mut self, index: usize) {
        self.running[index] -= 1;
    }
}

/// Makes one trial; nothing when it was stopped.
async fn try_out(
    exercise: &Exercise,
    trial: &Trial,
    venue: &Venue<'_>,
    stop: &CancellationToken,
) -> Option<Tried> {
    let unjudged = |why: String, took| {
        Some(Tried { name: trial.name.clone(), came: Came::Unjudged(why), took })
    };
    let submission = match Submission::open(&trial.folder) {
        Ok(submission) => submission,
        Err(error) => return unjudged(error.to_string(), Duration::ZERO),
    };
    let place = tokio::select! {
        place = venue.place(trial) => place,
        () = stop.cancelled() => return None,
    };
    let place = match place {
        Ok(place) => place,
        Err(error) => {
            let advice = error.advice().map(|advice| format!(" ({advice})"));
            return unjudged(format!("{error}{}", advice.unwrap_or_default()), Duration::ZERO);
        }
    };
    let began = Instant::now();
    let session = Session { submission, given: exercise.given.clone() };
    let outcome = session.run(&exercise.plan, place, Box::new(|_| {}), stop.cancelled()).await;
    let took = began.elapsed();
    let evidence = outcome.evidence?;
    let grade = judge(&exercise.plan.rubric, &evidence);
    if let Some(why) = unjudged_reason(&grade).or(outcome.left_behind) {
        return unjudged(why, took);
    }
    let came = match difference::difference(exercise, trial, &grade) {
        None => Came::AsStated,
        Some(difference) => Came::Otherwise(difference),
    };
    Some(Tried { name: trial.name.clone(), came, took })
}

fn unjudged_reason(grade: &Grade) -> Option<String> {
    grade.marks.iter().find_map(|mark| match &mark.verdict {
        Verdict::Unjudged(why) => Some(format!("`{}`: {why}", mark.id)),
        _ => None,
    })
}
