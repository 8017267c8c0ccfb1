//! A repository, a place to fetch it to, and the program that fetches, with an environment of its
//! own.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use git2::{Oid, Repository, RepositoryInitOptions, Signature, Time};
use grade::submission::{
    FetchError, FetchLimits, Fetched, Fetcher, GitSource, Revision, Source, Unreached,
};
use tempfile::TempDir;

/// When the first commit was made; each that follows is an hour later.
pub(crate) const BEGAN: i64 = 1_790_000_000;

pub(crate) struct Lab {
    pub(crate) folder: TempDir,
    env: Vec<(String, String)>,
}

impl Lab {
    pub(crate) fn new() -> Lab {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["repositories", "into", "home"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let lab = Lab { folder, env: Vec::new() };
        let home = lab.path("home");
        // Whoever runs these tests has settings of their own.
        lab.with("HOME", &home)
            .with("XDG_CONFIG_HOME", &format!("{home}/none"))
            .with("GITHUB_TOKEN", "")
    }

    /// Sets a variable for the program.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Lab {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// The folder of all repositories.
    pub(crate) fn repositories(&self) -> PathBuf {
        self.folder.path().join("repositories")
    }

    /// A bare repository of three commits on `main`, with this in its Dockerfile; `v1` is the first.
    pub(crate) fn repository(&self, name: &str) -> [Oid; 3] {
        let mut options = RepositoryInitOptions::new();
        options.bare(true).initial_head("main").external_template(false);
        let path = self.repositories().join(name);
        let repository = Repository::init_opts(path, &options).expect("a repository");
        let mut commits: Vec<Oid> = Vec::new();
        for number in 0..3 {
            let mut tree = repository.treebuilder(None).expect("a tree");
            let mut file = |name: &str, mode, content: &str| {
                let blob = repository.blob(content.as_bytes()).expect("a blob");
                tree.insert(name, blob, mode).expect("inserted");
            };
            file("Dockerfile", 0o100_644, &format!("FROM busybox\n# {number}\n"));
            file("run.sh", 0o100_755, "#!/bin/sh\n");
            file("out", 0o120_000, "/etc/passwd");
            let tree = tree.write().expect("written");
            let tree = repository.find_tree(tree).expect("a tree");
            let time = Time::new(BEGAN + 3600 * number, 120);
            let who = Signature::new("Ada", "ada@example.org", &time).expect("a name");
            let parents: Vec<_> = commits
                .iter()
                .next_back()
                .map(|id| repository.find_commit(*id).expect("a commit"))
                .into_iter()
                .collect();
            let parents: Vec<_> = parents.iter().collect();
            let commit =
                repository.commit(Some("refs/heads/main"), &who, &who, "work", &tree, &parents);
            commits.push(commit.expect("a commit"));
        }
        repository.reference("refs/tags/v1", commits[0], true, "").expect("a tag");
        commits.try_into().expect("three")
    }

    /// The program with this lab's environment.
    pub(crate) fn program(&self) -> PathBuf {
        let path = self.folder.path().join("grade");
        let mut script = "#!/bin/sh\n".to_owned();
        for (name, value) in &self.env {
            script += &format!("export {name}='{value}'\n");
        }
        script += &format!("exec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_grade"));
        std::fs::write(&path, script).expect("written");
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("executable");
        path
    }

    /// The whole command, which finds no engine. It heeds every signal, also where the tests were started by nohup.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("env");
        command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_grade")]);
        command.args(arguments).env("DOCKER_HOST", "unix:///nowhere/docker.sock");
        command.env("TMPDIR", self.path("into")).current_dir(env!("CARGO_MANIFEST_DIR"));
        for (name, value) in &self.env {
            command.env(name, value);
        }
        command
    }

    pub(crate) fn fetcher(&self) -> Fetcher {
        let limits = FetchLimits {
            time: Duration::from_secs(60),
            silence: Duration::from_secs(30),
            ..FetchLimits::default()
        };
        let (program, into) = (self.program(), self.folder.path().join("into"));
        Fetcher { program, limits, into, owner: String::new() }
    }

    pub(crate) fn fetch(&self, url: &str, at: Revision) -> Result<Fetched, FetchError> {
        let fetched = block(self.fetcher().fetch(&git(url, at)));
        if fetched.is_err() {
            self.is_clean();
        }
        fetched
    }

    /// Fetches what cannot be reached for this reason, and gives what is said of it.
    #[track_caller]
    pub(crate) fn unreached(&self, url: &str, why: Unreached) -> String {
        match self.fetch(url, Revision::Head) {
            Err(FetchError::Unreached { why: found, message, advice }) if found == why => {
                format!("{message} {}", advice.unwrap_or_default())
            }
            other => panic!("{url}: {other:?}"),
        }
    }

    /// Nothing of what was fetched is left.
    #[track_caller]
    pub(crate) fn is_clean(&self) {
        let left: Vec<_> = std::fs::read_dir(self.folder.path().join("into"))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        assert_eq!(left, Vec::<PathBuf>::new());
    }
}

pub(crate) fn git(url: &str, at: Revision) -> Source {
    Source::Git(GitSource { url: url.to_owned(), at })
}

pub(crate) fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(future)
}

/// The commit that was fetched, once its files are found to be right.
#[track_caller]
pub(crate) fn commit(fetched: &Result<Fetched, FetchError>) -> Oid {
    let fetched = fetched.as_ref().unwrap_or_else(|error| panic!("{error:?}"));
    let root = fetched.submission.root();
    let dockerfile = std::fs::read_to_string(root.join("Dockerfile")).expect("a Dockerfile");
    assert!(dockerfile.starts_with("FROM busybox\n# "), "{dockerfile}");
    let mode = std::fs::metadata(root.join("run.sh")).expect("a script").permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
    assert_eq!(std::fs::read_link(root.join("out")).expect("a link"), Path::new("/etc/passwd"));
    assert_eq!(std::fs::read_dir(root).expect("a folder").count(), 3);
    let provenance = fetched.submission.provenance();
    assert_eq!(provenance.dirty, Some(false));
    provenance.commit.as_deref().expect("a commit").parse().expect("an id")
}

/// Runs a tool of these tests to its end.
#[track_caller]
pub(crate) fn tool(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
