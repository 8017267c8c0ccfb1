//! The command line: one file a subcommand, and the one place that prints.

mod batch;
mod changes;
mod check;
mod class_display;
mod class_end;
mod clean;
mod completions;
mod diagnose;
mod doctor;
mod exit;
mod explain;
mod fetch;
mod github;
mod grade;
mod inside;
mod locate;
mod merge;
mod new;
mod obtain;
mod progress;
mod regrade;
mod roster;
mod schema;
mod selftest;
mod stop;

use std::fmt;
use std::io::Write;
use std::panic::{UnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

pub use exit::Exit;

use crate::judge::line;

/// Grades Docker course exercises by building and running them on a real Docker Engine.
#[derive(Debug, Parser)]
#[command(
    version,
    subcommand_negates_reqs = true,
    after_help = "Exit codes: 0 graded · 1 marks lost, under --strict or --min-score · \
                  2 usage or rubric mistake · 3 something stayed unjudged (our side) · 70 a bug"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    grade: grade::Arguments,
    #[command(flatten)]
    common: Common,
}

/// What every subcommand understands.
#[derive(Args, Debug)]
struct Common {
    /// When to use colour
    #[arg(long, value_enum, default_value_t, global = true, value_name = "WHEN")]
    color: Color,
    /// The folder that holds assignments/ and rubrics/ [default: $GRADE_COURSE, or the nearest one above]
    #[arg(long, global = true, value_name = "DIR")]
    course: Option<PathBuf>,
    /// The engine, such as unix:///var/run/docker.sock [default: as the docker CLI chooses]
    #[arg(long, global = true, value_name = "URL")]
    host: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Grade a class: go on where it was stopped, leave alone what is graded
    Batch(batch::Arguments),
    /// Score stored evidence anew under a mended rubric, without an engine
    Regrade(regrade::Arguments),
    /// Put the parts of a class that several machines graded into one gradebook
    Merge(merge::Arguments),
    /// Tell every mistake of a rubric, without an engine
    Check(check::Arguments),
    /// Tell every mistake of a class's roster, or who is in it and where each submission is
    Roster(roster::Arguments),
    /// Begin an exercise with a skeleton that works
    New(new::Arguments),
    /// Prove rubrics by the course's samples of right and wrong work
    Selftest(selftest::Arguments),
    /// Show the kinds of probe: their parameters and facts
    Explain(explain::Arguments),
    /// Tell what is missing on this machine, and what mends it
    Doctor,
    /// Remove what a crashed run left on the engine
    Clean(clean::Arguments),
    /// Print a JSON Schema: of rubrics, for editors, or of results
    Schema(schema::Arguments),
    /// Print completions for a shell
    Completions(completions::Arguments),
    /// What this program does in a sandbox
    #[command(hide = true)]
    Inside(inside::Arguments),
    /// Bring a submission here: what this program starts itself for
    #[command(hide = true)]
    Fetch,
}

/// Parses the command line, does what it says, and tells how that went.
pub fn main() -> ExitCode {
    guarded(run).into()
}

/// A panic is a bug of ours, and has an exit code of its own.
fn guarded(run: impl FnOnce() -> Exit + UnwindSafe) -> Exit {
    catch_unwind(run).unwrap_or_else(|_| {
        anstream::eprintln!("this is a bug in grade; nothing follows from it for the submission");
        Exit::Bug
    })
}

fn run() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Graded };
            let _ = error.print();
            return exit;
        }
    };
    cli.common.color.apply();
    // Those are ended by whoever started them.
    if !matches!(cli.command, Some(Command::Fetch | Command::Inside(_))) {
        stop::listen();
    }
    let common = &cli.common;
    if let (Some(_), Some(submission)) = (&cli.command, cli.grade.submission()) {
        anstream::eprintln!(
            "the submission {} cannot be used with a command",
            submission.display()
        );
        return Exit::Usage;
    }
    match cli.command {
        None => grade::run(&cli.grade, common),
        Some(Command::Batch(arguments)) => batch::run(&arguments, common),
        Some(Command::Regrade(arguments)) => regrade::run(&arguments, common),
        Some(Command::Merge(arguments)) => merge::run(&arguments),
        Some(Command::Check(arguments)) => check::run(&arguments, common),
        Some(Command::Roster(arguments)) => roster::run(&arguments),
        Some(Command::New(arguments)) => new::run(&arguments, common),
        Some(Command::Selftest(arguments)) => selftest::run(&arguments, common),
        Some(Command::Explain(arguments)) => explain::run(&arguments),
        Some(Command::Doctor) => doctor::run(common),
        Some(Command::Clean(arguments)) => clean::run(&arguments, common),
        Some(Command::Schema(arguments)) => schema::run(&arguments),
        Some(Command::Completions(arguments)) => completions::run(&arguments),
        Some(Command::Inside(arguments)) => inside::run(&arguments),
        Some(Command::Fetch) => fetch::run(),
    }
}

/// The subcommands' names, for suggestions.
fn command_names() -> Vec<String> {
    Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// A line on standard output. That nobody reads on, as under `| head`, is no failure.
fn out(line: fmt::Arguments<'_>) {
    let _ = writeln!(anstream::stdout(), "{line}");
}

impl Color {
    /// Makes the choice for everything that is printed through `anstream`.
    fn apply(self) {
        match self {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
    }
}

/// A runtime for talking with the engine.
fn runtime() -> Result<tokio::runtime::Runtime, Exit> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(
        |error| {
            anstream::eprintln!("failed to start: {error}");
            Exit::Bug
        },
    )
}

/// Somebody's text as a line of ours: plain, of bounded length, and with no command in it for the
/// runner of a workflow that shows it.
fn said(text: &str, most: usize) -> String {
    let text = line(text, most).replace("##[", "##\u{2060}[");
    if text.starts_with("::") { format!("\u{2060}{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_bug_of_ours() {
        assert_eq!(guarded(|| Exit::MarksLost), Exit::MarksLost);
        assert_eq!(guarded(|| panic!("tried")), Exit::Bug);
    }
}
