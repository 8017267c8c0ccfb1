//! `grade new`: the skeleton of an exercise, and what to edit in it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::locate::Course;
use super::{Common, Exit, command_names, out};
use crate::skeleton::{self, SkeletonError};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The exercise's name: lower-case letters, digits and '-'
    #[arg(value_name = "SLUG")]
    slug: String,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> Exit {
    let slug = &arguments.slug;
    let Some(course) = course(common) else {
        anstream::eprintln!(
            "found no course here (a folder with rubrics/ in it)\n  help: name the folder that is to be one \
             with --course DIR"
        );
        return Exit::Usage;
    };
    if command_names().contains(slug) {
        anstream::eprintln!(
            "no exercise can be called `{slug}`: it is a command, and `grade {slug}` would not be a submission"
        );
        return Exit::Usage;
    }
    match skeleton::write(&course, slug) {
        Ok(_) => {
            told(&course, slug);
            Exit::Graded
        }
        Err(error) => {
            anstream::eprintln!("{error}");
            match error {
                SkeletonError::Name { near: Some(near), .. } => {
                    anstream::eprintln!("  help: did you mean `{near}`?");
                }
                SkeletonError::Taken { .. } => {
                    anstream::eprintln!("  help: choose another name, or remove it first");
                }
                SkeletonError::Name { .. } | SkeletonError::Write { .. } => {}
            }
            Exit::Usage
        }
    }
}

/// The course, or the folder that was named to become one.
fn course(common: &Common) -> Option<PathBuf> {
    let found = Course::find(common.course.as_deref()).map(|course| course.root().to_owned());
    found.or_else(|| common.course.clone().filter(|folder| folder.is_dir()))
}

fn told(course: &Path, slug: &str) {
    let there = course.display();
    out(format_args!(
        "The exercise `{slug}` is there, as a small example that works. Replace it, in this order:

  {there}/rubrics/{slug}.toml
      what is asked, expected, and said; the language is in the README, see also `grade explain`
  {there}/assignments/{slug}/README.md
      the handout; its table has each check of the rubric with its points
  {there}/assignments/{slug}/starter, solution
      what students begin with, and work that scores full marks
  {there}/tests/submissions/{slug}/
      work in other correct styles (ok-…), and work that is flawed in one way each; the file beside
      a sample names what it loses

and see whether it holds:

  grade check {there}/rubrics/{slug}.toml
  grade selftest {slug}

A course that lists its exercises in assignments/README.md gets a line there:

  | [{slug}]({slug}/README.md) | The lesson that it belongs to | 10 | 3 | What it teaches |"
    ));
}
