//! An exercise and everything that is tried to prove its rubric.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Expected, Mistake, Only, sample};
use crate::document::{line_column, nearest};
use crate::plan::{self, Plan, given_folder};
use crate::rubric::Probe;

/// The name of the trial that is the exercise's own solution.
pub const SOLUTION: &str = "solution";
/// The name of the trial that is what students start from.
pub const STARTER: &str = "starter";
/// The starter has to stay below that share of the points, in tenths.
pub const STARTER_BELOW: u32 = 4;
/// Samples in a correct style are called so.
const RIGHT: &str = "ok-";

/// An exercise, with what proves its rubric.
pub struct Exercise {
    /// Its name.
    pub slug: String,
    /// Its rubric.
    pub plan: Plan,
    /// The rubric's file.
    pub rubric: PathBuf,
    /// The files that it hands out.
    pub given: Option<PathBuf>,
    /// What is tried: solution, starter and samples.
    pub trials: Vec<Trial>,
    /// Probes worth points that no sample is to lose; not looked for when only some samples are tried.
    pub uncovered: Vec<Uncovered>,
    /// The line of each probe in the rubric's file, in the rubric's order.
    lines: Vec<usize>,
}

/// A folder to grade, and what it must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// What it is called.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// What must come of it.
    pub must: Must,
}

impl Trial {
    /// Where it can be made, if not everywhere.
    pub(super) fn only(&self) -> Option<Only> {
        match &self.must {
            Must::Come(expected) => expected.only,
            Must::ScoreFull | Must::StayBelow(_) => None,
        }
    }
}

/// What must come of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Must {
    /// Every point.
    ScoreFull,
    /// What the file beside it says.
    Come(Expected),
    /// Fewer points than that.
    StayBelow(u32),
}

/// A probe that nothing shows can be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncovered {
    /// Its id.
    pub probe: String,
    /// What it is worth.
    pub points: u32,
    /// Its line in the rubric's file.
    pub line: usize,
}

/// The folder of an exercise's samples in a course.
pub fn samples_folder(course: &Path, slug: &str) -> PathBuf {
    course.join("tests").join("submissions").join(slug)
}

impl Exercise {
    /// Reads an exercise of a course: all of it, or only the trials of these names.
    ///
    /// # Errors
    /// Every mistake that can be found without trying anything.
    pub fn read(
        course: &Path,
        slug: &str,
        only: Option<&BTreeSet<String>>,
    ) -> Result<Self, Vec<Mistake>> {
        let rubric = course.join("rubrics").join(format!("{slug}.toml"));
        let plan = plan::load(&rubric).map_err(|error| vec![error.into()])?;
        let source = std::fs::read_to_string(&rubric)
            .map_err(|error| vec![Mistake::unread(&rubric, &error)])?;
        let probes = &plan.rubric.probes;
        let lines = probes.iter().map(|probe| line_column(&source, probe.spans.probe.start).0);
        let lines: Vec<usize> = lines.collect();
        let mut mistakes = Vec::new();
        let trials = trials(course, slug, only, probes, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let uncovered =
            if only.is_some() { Vec::new() } else { uncovered(probes, &lines, &trials) };
        let (slug, given) = (slug.to_owned(), given_folder(&rubric));
        Ok(Self { slug, plan, rubric, given, trials, uncovered, lines })
    }

    /// What all probes are worth together.
    pub fn points(&self) -> u32 {
        points(&self.plan.rubric.probes)
    }

    /// Leaves out the trials that only a sandbox's builder takes, and gives their names.
    pub fn leave_out_sandboxed(&mut self) -> Vec<String> {
        let out = self.trials.extract_if(.., |trial| trial.only() == Some(Only::Sandbox));
        out.map(|trial| trial.name).collect()
    }

    /// Keeps only as many trials as show each probe to be met and to be lost: solution, starter, one
    /// correct style, and of the flawed samples the fewest that lose all that any of them does.
    pub fn keep_a_cover(&mut self) {
        let lost_by = |trial: &Trial| match &trial.must {
            Must::Come(expected) => expected.lost.clone(),
            Must::ScoreFull | Must::StayBelow(_) => BTreeSet::new(),
        };
        let mut open: BTreeSet<String> = self.trials.iter().flat_map(lost_by).collect();
        let style = self.trials.iter().find(|trial| trial.name.starts_with(RIGHT));
        let mut kept: BTreeSet<String> =
            style.map(|trial| trial.name.clone()).into_iter().collect();
        kept.extend([SOLUTION, STARTER].map(str::to_owned));
        while let Some(best) =
            self.trials.iter().max_by_key(|trial| lost_by(trial).intersection(&open).count())
            && !open.is_empty()
        {
            let lost = lost_by(best);
            open.retain(|probe| !lost.contains(probe));
            kept.insert(best.name.clone());
        }
        self.trials.retain(|trial| kept.contains(&trial.name));
    }

    /// The line of a probe in the rubric's file.
    pub fn line(&self, probe: &str) -> usize {
        let place = self.plan.rubric.probes.iter().position(|one| one.id == probe);
        place.and_then(|place| self.lines.get(place)).copied().unwrap_or(1)
    }

    /// Whether its submissions are commands, which get a sandbox each.
    pub fn has_plays(&self) -> bool {
        !self.plan.rubric.plays.is_empty()
    }
}

impl Trial {
    /// Whether it is one of right work.
    pub fn is_right(&self) -> bool {
        self.name == SOLUTION || self.name.starts_with(RIGHT)
    }
}

fn points(probes: &[Probe]) -> u32 {
    probes.iter().map(|probe| probe.points).sum()
}

fn trials(
    course: &Path,
    slug: &str,
    only: Option<&BTreeSet<String>>,
    probes: &[Probe],
    mistakes: &mut Vec<Mistake>,
) -> Vec<Trial> {
    let is_wanted = |name: &str| only.is_none_or(|only| only.contains(name));
    let samples = samples_folder(course, slug);
    let names = match names(&samples) {
        Ok(names) => names,
        Err(mistake) => {
            mistakes.push(mistake);
            Names::default()
        }
    };
    let own = [(SOLUTION, Must::ScoreFull), (STARTER, Must::StayBelow(limit(probes)))];
    if let Some(only) = only {
        let known =
            own.iter().map(|(name, _)| *name).chain(names.folders.iter().map(String::as_str));
        let known: Vec<&str> = known.collect();
        mistakes.extend(only.iter().filter(|name| !known.contains(&name.as_str())).map(|name| {
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{slug}/{near}`?"),
                None => format!("known: {}", known.join(", ")),
            };
            Mistake::about(samples.join(name), "there is no such sample", help)
        }));
    } else {
        mistakes.extend(names.without_folder(&samples));
    }
    let mut trials = Vec::new();
    for (name, must) in own.into_iter().filter(|(name, _)| is_wanted(name)) {
        let folder = course.join("assignments").join(slug).join(name);
        if folder.is_dir() {
            trials.push(Trial { name: name.to_owned(), folder, must });
        } else {
            mistakes.push(Mistake::about(folder, "there is no such folder", needed(name)));
        }
    }
    for name in names.folders.iter().filter(|name| is_wanted(name)) {
        let file = samples.join(format!("{name}.toml"));
        if !names.files.contains(name) {
            let help = "write the file: score, lost, skipped and why";
            mistakes.push(Mistake::about(file, "nothing says what this sample must come to", help));
            continue;
        }
        match sample::read(&file, name.starts_with(RIGHT), probes) {
            Ok(expected) => {
                let folder = samples.join(name);
                trials.push(Trial { name: name.clone(), folder, must: Must::Come(expected) });
            }
            Err(mistake) => mistakes.push(mistake),
        }
    }
    trials
}

/// A starter has to have less than that.
fn limit(probes: &[Probe]) -> u32 {
    (points(probes) * STARTER_BELOW).div_ceil(10)
}

fn needed(name: &str) -> &'static str {
    if name == SOLUTION {
        "put work there that scores full marks"
    } else {
        "put there what students start from"
    }
}

/// What lies in a folder of samples.
#[derive(Default)]
struct Names {
    folders: BTreeSet<String>,
    /// Of the files that say what must come of a sample, without their ending.
    files: BTreeSet<String>,
}

fn names(samples: &Path) -> Result<Names, Mistake> {
    let unread = |error| Mistake::unread(samples, &error);
    let mut names = Names::default();
    let entries = match std::fs::read_dir(samples) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let help = "make it, with samples of right work (ok-…) and of work that is flawed in \
                        one way each";
            return Err(Mistake::about(samples, "there are no samples", help));
        }
        entries => entries.map_err(unread)?,
    };
    for entry in entries {
        let path = entry.map_err(unread)?.path();
        let (name, stem) = (path.file_name(), path.file_stem());
        let text = |name: Option<&std::ffi::OsStr>| name.map(|name| name.to_string_lossy().into());
        if path.is_dir() {
            names.folders.extend(text(name));
        } else if path.extension().is_some_and(|end| end == "toml") {
            names.files.extend(text(stem));
        }
    }
    Ok(names)
}

impl Names {
    fn without_folder(&self, samples: &Path) -> Vec<Mistake> {
        let alone = self.files.difference(&self.folders).map(|name| {
            let help = match nearest(name, self.folders.iter().map(String::as_str)) {
                Some(near) if !self.files.contains(near) => format!("is it that of `{near}`?"),
                _ => format!("make the folder {name} beside it, or remove the file"),
            };
            Mistake::about(
                samples.join(format!("{name}.toml")),
                "there is no sample of that name",
                help,
            )
        });
        alone.collect()
    }
}

fn uncovered(probes: &[Probe], lines: &[usize], trials: &[Trial]) -> Vec<Uncovered> {
    let is_lost = |probe: &Probe| {
        trials.iter().any(|trial| match &trial.must {
            Must::Come(expected) => expected.lost.contains(&probe.id),
            Must::ScoreFull | Must::StayBelow(_) => false,
        })
    };
    let bare = probes.iter().zip(lines).filter(|(probe, _)| probe.points > 0 && !is_lost(probe));
    let uncovered = bare.map(|(probe, line)| Uncovered {
        probe: probe.id.clone(),
        points: probe.points,
        line: *line,
    });
    uncovered.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(exercise: &Exercise) -> BTreeSet<String> {
        let expected = exercise.trials.iter().filter_map(|trial| match &trial.must {
            Must::Come(expected) => Some(expected.lost.clone()),
            _ => None,
        });
        expected.flatten().collect()
    }

    #[test]
    fn a_cover_is_small_and_loses_all_that_the_samples_lose() {
        let course = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut exercise = Exercise::read(course, "oci-labels", None).ok().unwrap();
        let (all, whole) = (lost(&exercise), exercise.trials.len());
        exercise.keep_a_cover();
        assert_eq!(lost(&exercise), all);
        let names: Vec<&str> = exercise.trials.iter().map(|trial| trial.name.as_str()).collect();
        assert!(names.contains(&SOLUTION) && names.contains(&STARTER), "{names:?}");
        assert_eq!(names.iter().filter(|name| name.starts_with(RIGHT)).count(), 1, "{names:?}");
        assert!(names.len() < whole / 2, "{names:?}");
    }
}
