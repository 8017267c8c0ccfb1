//! Repositories in folders and behind git's own daemon, and folders that are handed in as they are.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use grade::submission::{FetchError, Missing, Revision, Source, Submission, Unreached};

use crate::lab::{BEGAN, Lab, block, commit, tool};

#[test]
fn a_folder_is_a_repository_by_its_path_and_by_its_address() {
    let lab = Lab::new();
    let [first, _, third] = lab.repository("a b.git");
    let path = lab.path("repositories/a b.git");
    let address = format!("file://{}", path.replace(' ', "%20"));
    for url in [&path, &address] {
        assert_eq!(commit(&lab.fetch(url, Revision::Head)), third);
        let by = Revision::Before(jiff::Timestamp::from_second(BEGAN + 10).expect("a time"));
        assert_eq!(commit(&lab.fetch(url, by)), first);
    }
    let source = Source::parse(&path, Revision::Head).expect("a bare repository");
    let fetched = block(lab.fetcher().fetch(&source)).expect("it is there");
    assert_eq!(fetched.submission.provenance().source, path);
    drop(fetched);
    let missing = lab.fetch(&lab.path("repositories/b.git"), Revision::Head);
    assert!(matches!(missing, Err(FetchError::Missing { why: Missing::NotThere, .. })));
}

#[test]
fn what_is_fetched_is_what_a_clone_has() {
    let lab = Lab::new();
    lab.repository("a.git");
    let (from, clone) = (lab.path("repositories/a.git"), lab.path("clone"));
    tool(Command::new("git").args(["clone", "-q", &from, &clone]).env("HOME", lab.path("home")));
    let cloned = Submission::open(clone.as_ref()).expect("a clone");
    let fetched = lab.fetch(&from, Revision::Head).expect("it is there");
    let (one, two) = (cloned.provenance(), fetched.submission.provenance());
    assert_eq!(
        (&one.digest, &one.commit, &one.committed_at, one.dirty),
        (&two.digest, &two.commit, &two.committed_at, two.dirty)
    );
}

#[test]
fn a_folder_is_opened_where_it_lies() {
    let lab = Lab::new();
    let folder = lab.path("home");
    std::fs::write(format!("{folder}/Dockerfile"), "FROM busybox\n").expect("written");
    let fetched = block(lab.fetcher().fetch(&Source::Path(folder.clone().into()))).expect("there");
    assert_eq!(fetched.submission.root(), std::fs::canonicalize(&folder).expect("a folder"));
    drop(fetched);
    assert!(std::fs::exists(format!("{folder}/Dockerfile")).expect("known"));
    let missing = block(lab.fetcher().fetch(&Source::Path("/nowhere".into())));
    assert!(matches!(missing, Err(FetchError::Missing { why: Missing::NotThere, .. })));
}

#[test]
fn the_users_own_settings_change_nothing() {
    let lab = Lab::new();
    let [.., third] = lab.repository("a.git");
    let ran = lab.path("ran");
    let hook = format!("#!/bin/sh\ntouch {ran}\n");
    for folder in ["repositories/a.git/hooks", "home/hooks", "home/template/hooks"] {
        std::fs::create_dir_all(lab.path(folder)).expect("a folder");
        for name in ["post-checkout", "post-merge", "reference-transaction", "upload-pack"] {
            let path = lab.path(&format!("{folder}/{name}"));
            std::fs::write(&path, &hook).expect("written");
            tool(Command::new("chmod").args(["+x", &path]));
        }
    }
    let home = lab.path("home");
    let config = format!(
        "[core]\n\thooksPath = {home}/hooks\n\tautocrlf = true\n\tfsmonitor = touch {ran}\n\
         [init]\n\ttemplateDir = {home}/template\n\
         [url \"https://host.invalid/\"]\n\tinsteadOf = file://\n\tinsteadOf = http://\n\tinsteadOf = git://\n\
         [filter \"evil\"]\n\tsmudge = touch {ran}\n[uploadpack]\n\tpackObjectsHook = touch {ran}\n"
    );
    std::fs::write(lab.path("home/.gitconfig"), &config).expect("written");
    let own = lab.path("repositories/a.git/config");
    let before = std::fs::read_to_string(&own).expect("a configuration");
    std::fs::write(&own, before + &config).expect("written");
    assert_eq!(commit(&lab.fetch(&lab.path("repositories/a.git"), Revision::Head)), third);
    let daemon = Daemon::start(&lab);
    let url = format!("git://127.0.0.1:{}/a.git", daemon.1);
    assert_eq!(commit(&lab.fetch(&url, Revision::Head)), third);
    let (lab, server) = crate::web::start(lab);
    assert_eq!(commit(&lab.fetch(&server.url("open/a.git"), Revision::Head)), third);
    assert!(!std::fs::exists(&ran).expect("known"), "something was run");
}

/// Git's own daemon.
struct Daemon(Child, u16);

impl Daemon {
    fn start(lab: &Lab) -> Daemon {
        let port = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            listener.local_addr().expect("an address").port()
        };
        let base = format!("--base-path={}", lab.repositories().display());
        let found = Command::new("git").arg("--exec-path").output();
        let found = found.expect("these tests need git").stdout;
        // By itself, so that it is this process, and ends with it.
        let program = format!("{}/git-daemon", String::from_utf8(found).expect("UTF-8").trim());
        let child = Command::new(program)
            .args(["--export-all", "--listen=127.0.0.1", &format!("--port={port}"), &base])
            .stderr(Stdio::null())
            .spawn()
            .expect("these tests need git");
        let daemon = Daemon(child, port);
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return daemon;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("git daemon does not start");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn git_s_own_protocol_is_spoken() {
    let lab = Lab::new();
    let [first, _, third] = lab.repository("a.git");
    let daemon = Daemon::start(&lab);
    let url = format!("git://127.0.0.1:{}/a.git", daemon.1);
    assert_eq!(commit(&lab.fetch(&url, Revision::Head)), third);
    assert_eq!(commit(&lab.fetch(&url, Revision::Named("v1".into()))), first);
    let missing = lab.fetch(&format!("git://127.0.0.1:{}/b.git", daemon.1), Revision::Head);
    assert!(
        matches!(missing, Err(FetchError::Unreached { why: Unreached::Hidden, .. })),
        "{missing:?}"
    );
    drop(daemon);
    let gone = lab.fetch(&url, Revision::Head);
    assert!(matches!(gone, Err(FetchError::Unreached { why: Unreached::Network, .. })), "{gone:?}");
}
