//! Repositories over ssh. Another program stands in for `ssh`: it does what it is told on this
//! machine, and writes down what that was. (A server that could be set up here would let nobody in
//! without a change of the machine.)

use std::os::unix::fs::PermissionsExt;

use grade::submission::{FetchError, Missing, Revision, Unreached};

use crate::lab::{BEGAN, Lab, block, commit, git};

/// A lab whose `ssh` is this script; its arguments are in the file `told`.
fn with_ssh(script: &str) -> Lab {
    let lab = Lab::new();
    let (path, told) = (lab.path("ssh"), lab.path("told"));
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >>'{told}'\n{script}\n");
    std::fs::write(&path, script).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
    lab.with("GIT_SSH_COMMAND", &format!("{path} -i \"a key\""))
}

/// Runs what comes after the host.
const WORKS: &str = "while [ \"$1\" != -- ]; do shift; done; eval \"$3\"";

fn told(lab: &Lab) -> Vec<String> {
    let told = std::fs::read_to_string(lab.path("told")).expect("it was started");
    told.lines().map(str::to_owned).collect()
}

#[test]
fn ssh_is_told_what_git_tells_it_and_asks_nobody() {
    let lab = with_ssh(WORKS);
    let [first, second, third] = lab.repository("it's a.git");
    let path = lab.path("repositories/it's a.git");
    let url = format!("ssh://git@git.example.org:2222{}", path.replace(' ', "%20"));
    assert_eq!(commit(&lab.fetch(&url, Revision::Head)), third);
    let quoted = path.replace('\'', r"'\''");
    let expected = [
        "-i",
        "a key",
        "-o",
        "BatchMode=yes",
        "-o",
        "ConnectTimeout=20",
        "-p",
        "2222",
        "--",
        "git@git.example.org",
        &format!("git-upload-pack '{quoted}'"),
    ];
    assert_eq!(told(&lab), expected);
    let short = format!("git@git.example.org:{path}");
    for (at, expected) in [
        (Revision::Named("v1".into()), first),
        (Revision::Named(second.to_string()), second),
        (Revision::Named(first.to_string()[..7].to_owned()), first),
        (Revision::Before(jiff::Timestamp::from_second(BEGAN + 3700).expect("a time")), second),
    ] {
        assert_eq!(commit(&lab.fetch(&short, at.clone())), expected, "{at:?}");
    }
}

#[test]
fn what_ssh_complains_of_decides_whose_fault_it_is() {
    for (complaint, code, why, said) in [
        ("git@x: Permission denied (publickey).", 255, Unreached::Refused, "GIT_SSH_COMMAND"),
        ("Host key verification failed.", 255, Unreached::Refused, "ssh git.example.org"),
        ("ssh: connect to host x port 22: Connection refused", 255, Unreached::Network, "refused"),
        ("ssh: Could not resolve hostname x: No", 255, Unreached::Network, "resolve"),
        ("", 255, Unreached::Network, "said nothing"),
        (
            "Welcome!\nERROR: Repository not found.\nfatal: no",
            1,
            Unreached::Hidden,
            "Repository not found",
        ),
        ("fatal: /a does not appear to be a git repository", 128, Unreached::Hidden, "appear"),
        ("\u{1b}[2Jnot \u{7}here", 1, Unreached::Hidden, "not  here"),
    ] {
        let lab = with_ssh(&format!("cat >&2 <<'END'\n{complaint}\nEND\nexit {code}"));
        let text = lab.unreached("git@git.example.org:a.git", why);
        assert!(text.contains(said), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
    // A connection that ssh keeps for later holds its standard error.
    let lab = with_ssh("echo 'ERROR: Repository not found.' >&2; sleep 30 >/dev/null & exit 1");
    let began = std::time::Instant::now();
    let text = lab.unreached("git@git.example.org:a.git", Unreached::Hidden);
    assert!(text.contains("not found") && began.elapsed().as_secs() < 20, "{text}");
    let lab = Lab::new().with("GIT_SSH_COMMAND", "/nowhere/ssh");
    let said = lab.unreached("git@git.example.org:a.git", Unreached::Machine);
    assert!(said.contains("openssh-client"), "{said}");
}

#[test]
fn an_ssh_that_hangs_or_never_ends_goes_with_the_rest() {
    let lab = with_ssh("exec sleep 987");
    let mut fetcher = lab.fetcher();
    fetcher.limits.silence = std::time::Duration::from_secs(3);
    let source = git("git@git.example.org:a.git", Revision::Head);
    let error = block(fetcher.fetch(&source)).expect_err("it hangs");
    assert!(error.is_worth_retrying(), "{error:?}");
    assert_eq!(crate::ends::processes_with("sleep\0987"), 0);
    let lab = with_ssh("exec cat /dev/zero >&2");
    let mut fetcher = lab.fetcher();
    fetcher.limits.time = std::time::Duration::from_secs(3);
    let error = block(fetcher.fetch(&source)).expect_err("it never ends");
    assert!(error.is_worth_retrying(), "{error:?}");
    let lab = with_ssh("exec cat /dev/zero");
    lab.unreached("git@git.example.org:a.git", Unreached::Network);
    // References without end.
    let id = "1".repeat(40);
    let lab = with_ssh(&format!("while printf '003d{id} refs/heads/main\\n'; do :; done"));
    let mut fetcher = lab.fetcher();
    fetcher.limits.received = 100_000;
    let error = block(fetcher.fetch(&source)).expect_err("it never ends");
    assert!(matches!(error, FetchError::Missing { why: Missing::TooLarge, .. }), "{error:?}");
    lab.is_clean();
}
