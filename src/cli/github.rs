//! `--github`: what the workflow is told beside the reports.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::{Args, ValueEnum};

use crate::file::write_whole;
use crate::github::{
    Choice, Destination, Fence, Runner, annotations, notices, output, unpublished,
};
use crate::judge::{Entry, Gradebook};
use crate::report::{self, View};

/// A runner takes no larger summary of a step.
const LARGEST_SUMMARY: usize = 1_000_000;

#[derive(Args, Debug)]
#[command(next_help_heading = "GitHub")]
pub(super) struct Workflow {
    /// Tell the workflow whose job this is: outputs, summary, annotations, points
    #[arg(long)]
    github: bool,
    /// Where the course keeps its grades
    #[arg(long, value_enum, default_value_t, value_name = "WHICH", requires = "github")]
    classroom: Which,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Classroom 50 where its variables are set, else GitHub Classroom
    #[default]
    Auto,
    /// GitHub Classroom
    Classroom,
    /// Classroom 50
    Classroom50,
    /// Nowhere but in the step's outputs
    None,
}

/// A job on a runner, whose log is fenced: nothing that is printed in it is a command.
pub(super) struct Job {
    runner: Runner,
    fence: Fence,
}

impl Workflow {
    /// Looks at the environment and fences the log; none where no workflow is to be told.
    pub(super) fn begin(&self) -> Option<Job> {
        if !self.github {
            return None;
        }
        let choice = match self.classroom {
            Which::Auto => Choice::Auto,
            Which::Classroom => Choice::Classroom,
            Which::Classroom50 => Choice::Classroom50,
            Which::None => Choice::None,
        };
        let runner = Runner::read(&|name| std::env::var(name).ok(), choice);
        let fence = Fence::new();
        put(&fence.begin());
        Some(Job { runner, fence })
    }
}

impl Job {
    /// Whether Classroom 50 is told, which takes what its runner says.
    pub(super) fn tells_classroom50(&self) -> bool {
        self.runner.destination == Destination::Classroom50
    }

    /// Tells all that there is to tell of a grade. `folder` is the submission, `out` where its
    /// reports are.
    pub(super) fn end(
        &self,
        gradebook: &Gradebook,
        view: &View,
        folder: Option<&Path>,
        out: Option<&Path>,
    ) -> Result<(), String> {
        let [entry] = gradebook.entries.as_slice() else { return Ok(()) };
        put(&self.fence.end());
        put(&annotations(&entry.grade, &self.seen_from_workspace(folder)));
        put(&unpublished(entry));
        let page = report::summary(gradebook, view).map_err(|error| error.to_string())?;
        let mut done = vec![
            append(self.runner.summary.as_deref(), &bounded(&String::from_utf8_lossy(&page))),
            self.outputs(gradebook, view, entry, out),
        ];
        match self.runner.destination {
            Destination::Classroom => put(&notices(&entry.grade)),
            // Without a file the old grade stays.
            Destination::Classroom50 if entry.grade.is_provisional() => {}
            Destination::Classroom50 => {
                let result = render("classroom50", gradebook, view);
                done.push(result.and_then(|bytes| write(Path::new("result.json"), &bytes)));
                done.push(write(Path::new("release-body.md"), &page));
            }
            Destination::None => {}
        }
        let failed: Vec<String> = done.into_iter().filter_map(Result::err).collect();
        if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
    }

    /// Scores only where they are final.
    fn outputs(
        &self,
        gradebook: &Gradebook,
        view: &View,
        entry: &Entry,
        out: Option<&Path>,
    ) -> Result<(), String> {
        let result = render("classroom", gradebook, view)?;
        let mut values = vec![("result", BASE64_STANDARD.encode(result))];
        if !entry.grade.is_provisional() {
            let score = entry.grade.score();
            values.push(("score", score.earned.to_string()));
            values.push(("max-score", score.possible.to_string()));
        }
        for name in ["json", "junit"] {
            let file = report::find(name).map(|format| format.file).unwrap_or_default();
            values.extend(out.map(|out| (name, out.join(file).display().to_string())));
        }
        append(self.runner.output.as_deref(), &output(&values))
    }

    /// The submission's folder as the repository's files are named in annotations.
    fn seen_from_workspace(&self, folder: Option<&Path>) -> String {
        let whole = |path: &Path| path.canonicalize().ok();
        let workspace = self.runner.workspace.as_deref().and_then(whole);
        let inner = folder.and_then(whole).zip(workspace).and_then(|(folder, workspace)| {
            Some(folder.strip_prefix(workspace).ok()?.to_string_lossy().into_owned())
        });
        inner.unwrap_or_default()
    }
}

fn render(name: &str, gradebook: &Gradebook, view: &View) -> Result<Vec<u8>, String> {
    let format = report::find(name).ok_or_else(|| format!("there is no format {name}"))?;
    (format.report)(view).render(gradebook).map_err(|error| error.to_string())
}

fn bounded(page: &str) -> String {
    let mut end = page.len().min(LARGEST_SUMMARY);
    while !page.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}\n", &page[..end])
}

/// Steps before this one may have written there, too.
fn append(path: Option<&Path>, text: &str) -> Result<(), String> {
    let Some(path) = path else { return Ok(()) };
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| format!("failed to write {}: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    write_whole(path, bytes).map_err(|error| format!("failed to write {}: {error}", path.display()))
}

/// For the runner, as it is. That nobody reads on is no failure.
fn put(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}
