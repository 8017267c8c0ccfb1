//! What a runner says of the job, in its environment.

use std::path::PathBuf;

use rand::RngExt;

/// Where a course keeps its grades, as the workflow says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Classroom 50 where its variables are set, else Classroom.
    Auto,
    /// GitHub Classroom.
    Classroom,
    /// Classroom 50.
    Classroom50,
    /// Nowhere: the workflow makes of the outputs what it likes.
    None,
}

/// Where the points go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// To GitHub Classroom, in notices.
    Classroom,
    /// To Classroom 50, in a file.
    Classroom50,
    /// Nowhere.
    None,
}

/// A job on a runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runner {
    /// The repository's folder.
    pub workspace: Option<PathBuf>,
    /// The file that takes the step's outputs.
    pub output: Option<PathBuf>,
    /// The file that takes the step's summary.
    pub summary: Option<PathBuf>,
    /// Where the points go.
    pub destination: Destination,
}

impl Runner {
    /// Reads it from the environment. What is not set is done without.
    pub fn read(var: &dyn Fn(&str) -> Option<String>, choice: Choice) -> Runner {
        let path = |name| var(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let is_classroom50 =
            var("CLASSROOM50_BUNDLE_DIR").is_some() || var("SUBMISSION_TAG").is_some();
        let destination = match choice {
            Choice::Auto if is_classroom50 => Destination::Classroom50,
            Choice::Auto | Choice::Classroom => Destination::Classroom,
            Choice::Classroom50 => Destination::Classroom50,
            Choice::None => Destination::None,
        };
        Runner {
            workspace: path("GITHUB_WORKSPACE"),
            output: path("GITHUB_OUTPUT"),
            summary: path("GITHUB_STEP_SUMMARY"),
            destination,
        }
    }
}

/// Outputs of a step as its runner reads them. A value may have lines: what ends it cannot be
/// guessed by whoever wrote it.
pub fn output(values: &[(&str, String)]) -> String {
    let one = |(name, value): &(&str, String)| {
        let end: u128 = rand::rng().random();
        format!("{name}<<grade-{end:032x}\n{value}\ngrade-{end:032x}\n")
    };
    values.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classroom_50_is_known_by_its_variables() {
        let none = |_: &str| None;
        let fifty = |name: &str| (name == "SUBMISSION_TAG").then(|| "submit/1".to_owned());
        let read =
            |var: &dyn Fn(&str) -> Option<String>, choice| Runner::read(var, choice).destination;
        assert_eq!(read(&none, Choice::Auto), Destination::Classroom);
        assert_eq!(read(&fifty, Choice::Auto), Destination::Classroom50);
        assert_eq!(read(&fifty, Choice::None), Destination::None);
    }

    #[test]
    fn a_value_cannot_end_itself() {
        let text = output(&[("score", "8\ngrade-0\nmax-score<<x".into())]);
        let end = text.lines().next().unwrap().replace("score<<", "");
        assert_eq!(text, format!("score<<{end}\n8\ngrade-0\nmax-score<<x\n{end}\n"));
    }
}
