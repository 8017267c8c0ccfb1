//! A policy in front of the engine at hand, and students' commands that know only the policy.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use grade::engine::{Endpoint, Transport};
use grade::policy::{Dial, Record, Rules, Stream, serve};
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

const MINUTE: Duration = Duration::from_secs(60);

/// The socket of the engine at hand.
pub(crate) struct Socket(PathBuf);

impl Socket {
    fn of_engine() -> Self {
        match Endpoint::resolve(None).unwrap().transport() {
            Transport::Unix(path) => Self(path.clone()),
            other => panic!("these tests need an engine behind a Unix socket, not {other:?}"),
        }
    }
}

impl Dial for Socket {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        async { Ok(Box::new(UnixStream::connect(&self.0).await?) as Box<dyn Stream>) }.boxed()
    }
}

/// The image with the docker command, buildx and Compose that students have.
const CLI_IMAGE: &str = "grade-sandbox:2";

/// Our own CLI, by the path that Debian's `docker.io` gives it.
fn cli() -> &'static Path {
    let path = Path::new("/usr/bin/docker");
    assert!(path.exists(), "these tests need {}: apt-get install docker.io", path.display());
    path
}

/// A policy, its record, and a folder with its socket and the submission in it.
pub(crate) struct Bench {
    dir: tempfile::TempDir,
    /// Part of every name on the engine, so that tests do not meet.
    pub(crate) tag: String,
    pub(crate) record: Arc<Record>,
    server: JoinHandle<()>,
    ours: Vec<String>,
    commands: OnceCell<String>,
}

impl Bench {
    pub(crate) async fn new(name: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let tag = format!("policy-{name}-{}-{number}", std::process::id());
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("submission")).unwrap();
        let listener = UnixListener::bind(dir.path().join("policy.sock")).unwrap();
        let record = Arc::new(Record::default());
        let mut rules = Rules::new(dir.path().join("submission"));
        rules.hidden_images.push(format!("{tag}/hidden:1"));
        let engine: Arc<dyn Dial> = Arc::new(Socket::of_engine());
        let (rules, kept) = (Arc::new(rules), Arc::clone(&record));
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (engine, rules) = (Arc::clone(&engine), Arc::clone(&rules));
                tokio::spawn(serve(stream, engine, rules, Arc::clone(&kept)));
            }
        });
        Self { dir, tag, record, server, ours: Vec::new(), commands: OnceCell::new() }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().join("submission")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        std::fs::write(self.folder().join(path), text).unwrap();
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("policy.sock")
    }

    pub(crate) async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.socket()).await.unwrap()
    }

    /// A shell script of the student's, with the commands that students have; `$T` is the tag.
    pub(crate) async fn script(&self, script: &str) -> Output {
        self.script_with(script, "").await
    }

    pub(crate) async fn script_with(&self, script: &str, input: &str) -> Output {
        let container = self.commands.get_or_init(|| self.start_commands()).await;
        let mut command = Command::new(cli());
        command.args(["exec", "-i", container, "sh", "-euc", script]).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A script that reads nothing closes its side before all is written.
        let _closed = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        tokio::time::timeout(MINUTE, child.wait_with_output()).await.unwrap().unwrap()
    }

    /// Starts the container in which the student's commands run.
    async fn start_commands(&self) -> String {
        let (dir, folder) = (self.dir.path().display(), self.folder());
        let (user, group) = (rustix::process::getuid(), rustix::process::getgid());
        let label = format!("grade.run={}", self.tag);
        let user = format!("{}:{}", user.as_raw(), group.as_raw());
        let mount = format!("{dir}:{dir}");
        let mut args = vec!["run", "-d", "--network", "none", "--label", &label, "--user", &user];
        args.extend(["-v", &mount, "-w", folder.to_str().unwrap(), "--entrypoint", "sleep"]);
        let env = [
            format!("DOCKER_HOST=unix://{dir}/policy.sock"),
            format!("DOCKER_CONFIG={dir}"),
            format!("T={}", self.tag),
            "HOME=/tmp".to_owned(),
            "DOCKER_BUILDKIT=1".to_owned(),
            "BUILDKIT_PROGRESS=plain".to_owned(),
        ];
        args.extend(env.iter().flat_map(|pair| ["-e", pair]));
        args.extend([CLI_IMAGE, "600"]);
        self.directly(&args).await
    }

    /// What a script that has to succeed prints.
    pub(crate) async fn prints(&self, script: &str) -> String {
        let output = self.script(script).await;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{script}\n{told}\n{:?}", self.record.events());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What a script that has to fail says of it.
    pub(crate) async fn fails(&self, script: &str) -> String {
        let output = self.script(script).await;
        assert!(!output.status.success(), "{script}\n{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// A command of ours, which no policy sees.
    pub(crate) async fn directly(&self, args: &[&str]) -> String {
        let output = Command::new(cli()).args(args).env("DOCKER_BUILDKIT", "1").output().await;
        let output = output.unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A running container of ours, with our label.
    pub(crate) async fn hidden(&mut self) -> String {
        let name = format!("{}-hidden", self.tag);
        let label = format!("grade.run={}", self.tag);
        let run = ["run", "-d", "--name", &name, "--label", &label, "busybox", "sleep", "600"];
        let id = self.directly(&run).await;
        self.ours.push(id.clone());
        id
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.server.abort();
        let label = format!("label=grade.run={}", self.tag);
        let mut list = std::process::Command::new(cli());
        let list = list.args(["ps", "-aq", "-f", &label]).output();
        let list = list.map(|output| output.stdout).unwrap_or_default();
        self.ours.extend(String::from_utf8_lossy(&list).lines().map(ToOwned::to_owned));
        let made = self.record.events().containers.into_iter().map(|seen| seen.id);
        let ids: Vec<String> = made.chain(self.ours.drain(..)).collect();
        let mut remove = std::process::Command::new(cli());
        remove.args(["rm", "-f", "-v"]).args(ids);
        let _best_effort = remove.output();
    }
}
