//! The end of a class: its reports are written, and what came of it is said.

use std::path::Path;

use super::{Exit, out, said};
use crate::batch::{Books, Owed, Tally};

/// The most lines about students who have no final score; the gradebook has them all.
const LISTED: usize = 40;

/// Writes all reports of a class, and says what came of it.
pub(super) fn write(books: &Books, folder: &Path, strict: bool) -> Exit {
    let (tally, failed) = books.write_all();
    say(&tally, folder);
    for error in &failed {
        anstream::eprintln!("{error}");
    }
    if tally.is_open() || !failed.is_empty() {
        Exit::Unjudged
    } else if strict && tally.marks_lost {
        Exit::MarksLost
    } else {
        Exit::Graded
    }
}

fn say(tally: &Tally, folder: &Path) {
    let Tally { graded, missing, unjudged, unreached, .. } = tally;
    let mut counts = vec![format!("{graded} graded")];
    for (count, word) in [
        (missing.len(), "without a submission"),
        (unjudged.len(), "unjudged"),
        (unreached.len(), "not reached"),
    ] {
        if count > 0 {
            counts.push(format!("{count} {word}"));
        }
    }
    let noun = if tally.students() == 1 { "student" } else { "students" };
    out(format_args!("{} {noun}: {}", tally.students(), counts.join(", ")));
    list("without a submission", missing);
    list("unjudged, by a failure on our side", unjudged);
    list("not reached, which may be our side", unreached);
    if tally.is_open() {
        out(format_args!(
            "\nThe same command tries those again and leaves the others as they are."
        ));
    }
    out(format_args!("\nThe gradebook and all reports are in {}", folder.display()));
}

fn list(title: &str, owed: &[Owed]) {
    if owed.is_empty() {
        return;
    }
    out(format_args!("\n{title}"));
    for one in owed.iter().take(LISTED) {
        out(format_args!("  {}: {}", said(&one.id, 60), said(&one.because, 200)));
    }
    if owed.len() > LISTED {
        out(format_args!("  and {} more", owed.len() - LISTED));
    }
}
