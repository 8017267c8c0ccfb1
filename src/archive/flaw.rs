//! Why an archive is not to be used. It travels through readers as an [`io::Error`].

use std::io;

/// What is wrong; texts are what follows "the archive" or "the layer" in a sentence.
#[derive(Debug, thiserror::Error)]
pub(super) enum Flaw {
    /// It breaks a rule or goes beyond a bound.
    #[error("{0}")]
    Danger(String),
    /// It is damaged, or something else altogether.
    #[error("{0}")]
    Broken(String),
    /// Whatever it is read from failed: ours.
    #[error("{0}")]
    Source(io::Error),
}

impl Flaw {
    pub(super) fn danger(text: impl Into<String>) -> Flaw {
        Flaw::Danger(text.into())
    }

    pub(super) fn broken(text: impl Into<String>) -> Flaw {
        Flaw::Broken(text.into())
    }

    /// The same flaw, once more.
    pub(super) fn again(&self) -> Flaw {
        match self {
            Flaw::Danger(text) => Flaw::Danger(text.clone()),
            Flaw::Broken(text) => Flaw::Broken(text.clone()),
            Flaw::Source(error) => Flaw::Source(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

impl From<Flaw> for io::Error {
    fn from(flaw: Flaw) -> io::Error {
        io::Error::other(flaw)
    }
}

/// What a decoder says of its own accord is about its input.
impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Flaw {
        match error.downcast::<Flaw>() {
            Ok(flaw) => flaw,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Flaw::broken("breaks off before its end")
            }
            Err(error) => Flaw::broken(format!("is damaged ({error})")),
        }
    }
}
