//! Where a submission is to be had from.

use std::fmt;
use std::path::{Path, PathBuf};

use super::address::{Address, AddressError};

/// Where a submission is to be had from. Shown without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder of this machine, or an archive (zip, tar, tar.gz).
    Path(PathBuf),
    /// A git repository.
    Git(GitSource),
}

/// A git repository, and which of its commits. Shown without credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct GitSource {
    /// Its address: https, ssh, git, file, or a folder. Credentials may be in it: show the source,
    /// never this.
    pub url: String,
    /// Which commit.
    pub at: Revision,
}

/// Which commit of a repository is the submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Revision {
    /// The newest of the repository's own branch.
    #[default]
    Head,
    /// A branch, a tag or a commit, which may be abbreviated.
    Named(String),
    /// The newest on the repository's own branch whose committer's time is not after this one;
    /// what was merged from other branches counts as its merge.
    Before(jiff::Timestamp),
}

/// No source can be what somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// An address that makes no sense.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A commit was asked for of something that has none.
    #[error("{} is no git repository, so it has no commits to choose from", .0.display())]
    NoCommits(PathBuf),
}

impl Source {
    /// Reads what somebody calls their submission: an address, a folder, an archive. A folder is
    /// a repository when it is a bare one, or when one of its commits is asked for.
    ///
    /// # Errors
    /// When it is an address that makes no sense, or a commit is asked for of an archive.
    pub fn parse(text: &str, at: Revision) -> Result<Source, SourceError> {
        let path = Path::new(text);
        let git = |at| Source::Git(GitSource { url: text.to_owned(), at });
        if !path.exists() && Address::is_remote(text) {
            Address::parse(text)?;
            return Ok(git(at));
        }
        if is_bare(path) || (at != Revision::Head && path.is_dir()) {
            return Ok(git(at));
        }
        match at {
            Revision::Head => Ok(Source::Path(path.to_owned())),
            _ => Err(SourceError::NoCommits(path.to_owned())),
        }
    }

    /// Where it lies, when that is on this machine.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Source::Path(path) => Some(path.clone()),
            Source::Git(git) => match Address::parse(&git.url).ok()? {
                Address::Folder(path) => Some(path),
                _ => None,
            },
        }
    }

    /// What it is called: the last part of its path, without `.git`, `.zip`, `.tar`, `.tar.gz` or
    /// `.tgz`.
    pub fn name(&self) -> String {
        let last = match self {
            Source::Path(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()),
            Source::Git(git) => {
                let shown = git.to_string();
                let path = shown.trim_end_matches('/');
                path.rsplit(['/', ':']).next().map(str::to_owned)
            }
        };
        let name = last.unwrap_or_default();
        let endings: &[&str] = match self {
            Source::Path(_) => &[".tar.gz", ".tgz", ".tar", ".zip"],
            Source::Git(_) => &[".git"],
        };
        let bare = endings.iter().find_map(|ending| name.strip_suffix(ending));
        bare.unwrap_or(&name).to_owned()
    }
}

/// What every bare repository has, and hardly anything else.
fn is_bare(path: &Path) -> bool {
    path.join("HEAD").is_file() && path.join("objects").is_dir() && path.join("refs").is_dir()
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Path(path) => path.display().fmt(f),
            Source::Git(git) => git.fmt(f),
        }
    }
}

impl fmt::Display for GitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Address::parse(&self.url) {
            Ok(address) => address.fmt(f),
            // Nobody knows where the credentials end in what cannot be read.
            Err(_) => f.write_str("an address that makes no sense"),
        }
    }
}

impl fmt::Debug for GitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.to_string();
        f.debug_struct("GitSource").field("url", &url).field("at", &self.at).finish()
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Revision::Head => f.write_str("the newest commit"),
            Revision::Named(name) => write!(f, "`{}`", name.escape_debug()),
            Revision::Before(time) => write!(f, "the newest commit of {time} or before"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(url: &str) -> Source {
        Source::Git(GitSource { url: url.into(), at: Revision::Head })
    }

    #[test]
    fn addresses_folders_and_archives_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let bare = folder.path().join("onbuild-ada.git");
        for name in ["objects", "refs", "work"] {
            std::fs::create_dir_all(bare.join(name)).unwrap();
        }
        std::fs::write(bare.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        let parse = |text: &str| Source::parse(text, Revision::Head).unwrap();
        for url in [
            "https://example.org/a.git",
            "git@example.org:a/b.git",
            "ssh://example.org/a",
            "file:///a",
        ] {
            assert_eq!(parse(url), git(url));
        }
        assert_eq!(parse(bare.to_str().unwrap()), git(bare.to_str().unwrap()));
        for path in ["./onbuild", "a.zip", "/", "C:"] {
            assert_eq!(parse(path), Source::Path(path.into()), "{path}");
        }
        let tag = || Revision::Named("v1".into());
        let folder = folder.path().to_str().unwrap();
        assert!(matches!(Source::parse(folder, tag()), Ok(Source::Git(_))));
        assert!(matches!(Source::parse("a.zip", tag()), Err(SourceError::NoCommits(_))));
        assert!(matches!(
            Source::parse("ftp://example.org/a", tag()),
            Err(SourceError::Address(_))
        ));
    }

    #[test]
    fn a_source_is_called_by_the_last_part_of_its_path() {
        for (source, name) in [
            (git("https://example.org/org/docker-onbuild-ada.git"), "docker-onbuild-ada"),
            (git("https://example.org/org/docker-onbuild-ada/"), "docker-onbuild-ada"),
            (git("git@example.org:onbuild-ada.git"), "onbuild-ada"),
            (Source::Path("/a/onbuild-ada.tar.gz".into()), "onbuild-ada"),
            (Source::Path("onbuild.zip".into()), "onbuild"),
        ] {
            assert_eq!(source.name(), name);
        }
    }

    #[test]
    fn credentials_show_nowhere() {
        for url in [
            "https://ada:s3cret@example.org/a.git",
            "https://s3cret@example.org/a.git",
            "https://example.org/a.git?token=s3cret",
            "https://example.org/a.git#s3cret",
            "ssh://git:s3cret@example.org/a.git",
            "https://s3cret@:99999999/",
            "ada:s3cret@example.org:a.git",
        ] {
            let source = git(url);
            let shown = format!("{source} {source:?} {}", source.name());
            assert!(!shown.contains("s3cret"), "{shown}");
            if let Err(error) = Source::parse(url, Revision::Head) {
                assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
            }
        }
    }
}
