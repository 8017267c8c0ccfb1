//! What `grade selftest` prints: progress, the table, and what is to be mended.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::LeftOut;
use crate::cli::grade::has_terminal;
use crate::cli::out;
use crate::selftest::{
    Came, Deviation, Difference, Exercise, Must, News, State, Trial, Tried, samples_folder,
};
use crate::unit::{millis, show_millis};

/// Progress on standard error: a bar on a terminal, a line for each trial elsewhere.
pub(super) struct Display {
    bar: Option<ProgressBar>,
    running: Mutex<Vec<String>>,
}

impl Display {
    pub(super) fn new(trials: usize) -> Self {
        let bar = has_terminal().then(|| {
            let bar = ProgressBar::new(trials as u64);
            let style = ProgressStyle::with_template("{pos}/{len} {elapsed:>4} {wide_msg:.dim}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        Self { bar, running: Mutex::default() }
    }

    pub(super) fn show(&self, news: &News<'_>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match news {
            News::Began(slug, name) => running.push(format!("{slug}/{name}")),
            News::Ended(slug, tried) => {
                let whole = format!("{slug}/{}", tried.name);
                running.retain(|one| *one != whole);
                let line = ended(&whole, tried);
                match &self.bar {
                    // What is as it should be is no news.
                    Some(bar) if tried.came == Came::AsStated => bar.inc(1),
                    Some(bar) => {
                        bar.println(line);
                        bar.inc(1);
                    }
                    None => anstream::eprintln!("{line}"),
                }
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_message(running.join("  "));
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn ended(whole: &str, tried: &Tried) -> String {
    let took = show_millis(millis(tried.took));
    match &tried.came {
        Came::AsStated => format!("✔ {whole}  {took}"),
        Came::Otherwise(_) => format!("✘ {whole}  {took}: not as stated"),
        Came::Unjudged(why) => format!("? {whole}  {took}: {why}"),
    }
}

/// One line for each exercise.
pub(super) fn table(exercises: &[Exercise], tried: &[Vec<Tried>]) {
    let width = exercises.iter().map(|one| one.slug.len()).max().unwrap_or_default().max(8);
    out(format_args!("{:width$}  samples  right  wrong  unjudged  time", "exercise"));
    for (exercise, tried) in exercises.iter().zip(tried) {
        let count =
            |wanted: fn(&Came) -> bool| tried.iter().filter(|one| wanted(&one.came)).count();
        let took: Duration = tried.iter().map(|one| one.took).sum();
        out(format_args!(
            "{:width$}  {:>7}  {:>5}  {:>5}  {:>8}  {}",
            exercise.slug,
            tried.len(),
            count(|came| *came == Came::AsStated),
            count(|came| matches!(came, Came::Otherwise(_))),
            count(|came| matches!(came, Came::Unjudged(_))),
            show_millis(millis(took))
        ));
    }
}

/// What was left out, and why.
pub(super) fn left_out(left_out: &LeftOut) {
    let reasons = [
        (&left_out.commands, "its answer is commands, and those are run in a sandbox only"),
        (&left_out.samples, "its file says that it is for a sandbox only"),
    ];
    for (names, reason) in reasons {
        for name in names {
            out(format_args!("{name}: left out, not proven: {reason}"));
        }
    }
}

/// What a sample came to instead, and which files say so.
pub(super) fn difference(exercise: &Exercise, trial: &Trial, difference: &Difference) {
    let rubric = exercise.rubric.display();
    let folder = trial.folder.display();
    out(format_args!("\n✘ {}/{}", exercise.slug, trial.name));
    let probes = match difference {
        Difference::Marks { must, found, probes } => {
            if must != found {
                out(format_args!("  scores {found}, must score {must}"));
            }
            probes.iter().for_each(deviation);
            probes
        }
        Difference::TooMuch { below, found, probes } => {
            out(format_args!("  scores {found}, must stay below {below}: it gives away"));
            for one in probes {
                out(format_args!("  `{}`, {}", one.probe, counted(one.points as usize, "point")));
            }
            probes
        }
    };
    out(format_args!("  look at"));
    for one in probes {
        out(format_args!("    {rubric}:{}  what `{}` asks and expects", one.line, one.probe));
    }
    match &trial.must {
        Must::Come(expected) if trial.is_right() => out(format_args!(
            "    {folder}  whether it is right work, as {} has it",
            expected.file.display()
        )),
        Must::Come(expected) => {
            let file = expected.file.display();
            out(format_args!("    {file}:{}  whether it names what the flaw costs", expected.line));
            out(format_args!("    {folder}  whether it has this flaw and no other"));
        }
        Must::ScoreFull => out(format_args!("    {folder}  whether it is right work")),
        Must::StayBelow(_) => out(format_args!("    {folder}  whether it does too much already")),
    }
}

fn deviation(one: &Deviation) {
    let said = match one.found {
        _ if one.said.is_empty() => String::new(),
        State::Met => String::new(),
        State::Lost | State::Skipped => format!(": {}", one.said),
    };
    out(format_args!(
        "  `{}` ({}) must be {}, is {}{said}",
        one.probe,
        counted(one.points as usize, "point"),
        one.must,
        one.found
    ));
}

/// Probes of which nothing shows that they can be lost.
pub(super) fn uncovered(exercise: &Exercise) {
    let Some(course) = exercise.rubric.parent().and_then(std::path::Path::parent) else { return };
    for bare in &exercise.uncovered {
        out(format_args!(
            "\n✘ {}: no sample loses `{}` ({}), so nothing shows that it can be lost\n  look at\n    \
             {}:{}  what it asks and expects\n    {}  where a sample is to be added that is wrong in this",
            exercise.slug,
            bare.probe,
            counted(bare.points as usize, "point"),
            exercise.rubric.display(),
            bare.line,
            samples_folder(course, &exercise.slug).display()
        ));
    }
}

/// What our side failed to find out: each reason once.
pub(super) fn unjudged(open: &BTreeMap<&str, Vec<String>>) {
    for (why, samples) in open {
        out(format_args!("\n? not judged, and nothing follows from that: {why}"));
        out(format_args!("  {}", samples.join(", ")));
    }
}

/// A number and what is counted.
pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
