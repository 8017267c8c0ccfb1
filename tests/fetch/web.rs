//! Repositories over https.

use std::time::{Duration, Instant};

use grade::submission::{FetchError, Missing, Revision, Unreached};

use crate::lab::{BEGAN, Lab, block, commit, git};
use crate::server::{Server, TOKEN};

pub(crate) fn start(lab: Lab) -> (Lab, Server) {
    let authority = lab.folder.path().join("ca.pem");
    let server = Server::start(&lab.repositories(), &authority);
    let lab = lab.with("SSL_CERT_FILE", authority.to_str().expect("UTF-8"));
    (lab, server)
}

/// A lab with a token for its server.
pub(crate) fn with_token() -> (Lab, Server) {
    let (lab, server) = start(Lab::new());
    let host = format!("localhost:{}", server.port);
    (lab.with("GRADE_GIT_TOKEN", TOKEN).with("GRADE_GIT_HOST", &host), server)
}

#[test]
fn the_newest_commit_comes_alone() {
    let (lab, server) = start(Lab::new());
    let [first, second, third] = lab.repository("a.git");
    let url = server.url("open/a.git");
    let fetched = lab.fetch(&url, Revision::Head);
    assert_eq!(commit(&fetched), third);
    let fetched = fetched.expect("it is there");
    let provenance = fetched.submission.provenance();
    assert_eq!(provenance.source, url);
    assert_eq!(provenance.committed_at.as_deref(), Some("2026-09-21T16:13:20Z"));
    drop(fetched);
    lab.is_clean();
    let named = |name: &str| Revision::Named(name.into());
    let by = |seconds| Revision::Before(jiff::Timestamp::from_second(seconds).expect("a time"));
    for (at, expected) in [
        (named("main"), third),
        (named("v1"), first),
        (named(&second.to_string()), second),
        (named(&second.to_string()[..8]), second),
        (by(BEGAN), first),
        (by(BEGAN + 3600), second),
        (by(BEGAN + 36_000), third),
    ] {
        assert_eq!(commit(&lab.fetch(&url, at.clone())), expected, "{at:?}");
    }
    lab.is_clean();
}

#[test]
fn a_part_of_the_history_is_asked_for_where_no_more_is_needed() {
    // Otherwise the last of these would be too much.
    let (lab, server) = start(Lab::new());
    lab.repository("a.git");
    let mut fetcher = lab.fetcher();
    fetcher.limits.objects = 6;
    let url = server.url("open/a.git");
    block(fetcher.fetch(&git(&url, Revision::Head))).expect("one commit, one tree, three files");
    block(fetcher.fetch(&git(&url, Revision::Before(jiff::Timestamp::MAX)))).expect("the newest");
    let early = Revision::Before(jiff::Timestamp::from_second(BEGAN).expect("a time"));
    let refused = block(fetcher.fetch(&git(&url, early))).expect_err("three commits");
    assert!(matches!(refused, FetchError::Missing { why: Missing::TooLarge, .. }), "{refused:?}");
}

#[test]
fn what_is_not_there_and_what_may_be_hidden() {
    let (lab, server) = start(Lab::new());
    lab.repository("a.git");
    for path in ["open/missing.git", "410/a.git", "hidden/a.git"] {
        match lab.fetch(&server.url(path), Revision::Head) {
            Err(FetchError::Missing { why: Missing::NotThere, .. }) => {}
            other => panic!("{path}: {other:?}"),
        }
    }
    let said = lab.unreached(&server.url("private/a.git"), Unreached::Hidden);
    assert!(said.contains("GRADE_GIT_TOKEN"), "{said}");
    for path in ["sign-in/a.git", "page/a.git", "clear/a.git", "says/a.git"] {
        lab.unreached(&server.url(path), Unreached::Hidden);
    }
    let (lab, server) = with_token();
    lab.repository("a.git");
    for path in ["open/missing.git", "private/missing.git", "hidden/missing.git"] {
        lab.unreached(&server.url(path), Unreached::Hidden);
    }
    commit(&lab.fetch(&server.url("private/a.git"), Revision::Head));
    commit(&lab.fetch(&server.url("hidden/a.git"), Revision::Head));
}

#[test]
fn a_server_that_fails_is_no_fault_of_the_students() {
    let (lab, server) = start(Lab::new());
    lab.repository("a.git");
    for path in [
        "500/a.git",
        "503/a.git",
        "429/a.git",
        "418/a.git",
        "loop/a.git",
        "garbage/a.git",
        "cut/a.git",
    ] {
        let said = lab.unreached(&server.url(path), Unreached::Network);
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }
    lab.unreached(&server.url("403/a.git"), Unreached::Refused);
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let said = lab.unreached(&format!("https://localhost:{port}/a.git"), Unreached::Network);
    assert!(said.contains("refused"), "{said}");
    lab.unreached("https://host.invalid/a.git", Unreached::Network);
    lab.unreached("https://", Unreached::Address);
    // A server that nobody vouches for.
    let stranger = Lab::new();
    let said = stranger.unreached(&server.url("open/a.git"), Unreached::Network);
    assert!(said.contains("certificate"), "{said}");
}

#[test]
fn a_slow_server_is_waited_for_and_a_silent_one_is_not() {
    let (lab, server) = start(Lab::new());
    let [.., third] = lab.repository("a.git");
    let mut fetcher = lab.fetcher();
    fetcher.limits.silence = Duration::from_secs(4);
    let slow = block(fetcher.fetch(&git(&server.url("slow/a.git"), Revision::Head)));
    assert_eq!(commit(&slow), third);
    drop(slow);
    let began = Instant::now();
    let silent = block(fetcher.fetch(&git(&server.url("silent/a.git"), Revision::Head)));
    assert!(matches!(silent, Err(FetchError::Unreached { why: Unreached::Network, .. })));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    fetcher.limits.silence = Duration::from_secs(600);
    fetcher.limits.time = Duration::from_secs(4);
    let silent = block(fetcher.fetch(&git(&server.url("silent/a.git"), Revision::Head)));
    let error = silent.expect_err("too long");
    assert!(error.is_worth_retrying() && error.to_string().contains("took longer"), "{error}");
    lab.is_clean();
}

#[test]
fn what_does_not_end_is_cut() {
    let (lab, server) = start(Lab::new());
    let mut fetcher = lab.fetcher();
    fetcher.limits.received = 2_000_000;
    let endless = block(fetcher.fetch(&git(&server.url("endless/a.git"), Revision::Head)));
    assert!(
        matches!(endless, Err(FetchError::Missing { why: Missing::TooLarge, .. })),
        "{endless:?}"
    );
    lab.repository("a.git");
    fetcher.limits.received = 300;
    let large = block(fetcher.fetch(&git(&server.url("open/a.git"), Revision::Head)));
    assert!(matches!(large, Err(FetchError::Missing { why: Missing::TooLarge, .. })), "{large:?}");
    lab.is_clean();
}

#[test]
fn redirects_are_followed_as_git_follows_them() {
    let (lab, server) = start(Lab::new());
    let [.., third] = lab.repository("a.git");
    for path in ["moved/a.git", "away-open/a.git"] {
        let fetched = lab.fetch(&server.url(path), Revision::Head);
        assert_eq!(commit(&fetched), third);
        assert_eq!(fetched.expect("there").submission.provenance().source, server.url(path));
    }
}

#[test]
fn names_of_references_may_be_anything() {
    let (lab, server) = start(Lab::new());
    let [first, _, third] = lab.repository("a.git");
    let mut packed = b"# pack-refs with: peeled fully-peeled sorted \n".to_vec();
    let names = [&b"heads/-x"[..], b"heads/HEAD", b"heads/\xff\xfe", b"tags/caf\xe9", b"x/y"];
    for name in names {
        packed.extend(format!("{third} refs/").bytes());
        packed.extend(name);
        packed.push(b'\n');
    }
    std::fs::write(lab.repositories().join("a.git/packed-refs"), packed).expect("written");
    let url = server.url("open/a.git");
    for name in ["HEAD", "main", "-x", "refs/x/y", &third.to_string()[..9]] {
        assert_eq!(commit(&lab.fetch(&url, Revision::Named(name.into()))), third, "{name}");
    }
    assert_eq!(commit(&lab.fetch(&url, Revision::Named(first.to_string()))), first);
}
