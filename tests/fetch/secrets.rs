//! Credentials: used where they are meant to be, sent nowhere else, shown nowhere.

use std::os::unix::fs::PermissionsExt;

use grade::submission::{FetchError, Revision, Unreached};

use crate::lab::{Lab, commit, tool};
use crate::server::TOKEN;
use crate::web::{start, with_token};

/// The token as it is, and as a header has it.
fn traces() -> [String; 3] {
    use base64::Engine as _;
    let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    [TOKEN.to_owned(), encode(format!("x-access-token:{TOKEN}")), encode(format!("ada:{TOKEN}"))]
}

#[track_caller]
fn hides(text: &str) {
    for trace in traces() {
        assert!(!text.contains(&trace), "{text}");
    }
}

#[test]
fn a_token_opens_what_it_is_for() {
    let (lab, server) = with_token();
    let [.., third] = lab.repository("a.git");
    assert_eq!(commit(&lab.fetch(&server.url("private/a.git"), Revision::Head)), third);
    assert_eq!(commit(&lab.fetch(&server.url("moved-private/a.git"), Revision::Head)), third);
    // Nobody who does not ask is told.
    let before = server.asked().len();
    assert_eq!(commit(&lab.fetch(&server.url("open/a.git"), Revision::Head)), third);
    assert!(server.asked()[before..].iter().all(|asked| asked.authorization.is_none()));
}

#[test]
fn no_credentials_follow_a_redirect_to_another_host() {
    let (lab, server) = with_token();
    lab.repository("a.git");
    // Who asks for the token there, in vain, and who has been shown it before.
    let away = lab.fetch(&server.url("away/a.git"), Revision::Head);
    assert!(matches!(away, Err(FetchError::Unreached { why: Unreached::Hidden, .. })), "{away:?}");
    commit(&lab.fetch(&server.url("lure/a.git"), Revision::Head));
    let with_login = format!("https://ada:{TOKEN}@localhost:{}/lure/a.git", server.port);
    commit(&lab.fetch(&with_login, Revision::Head));
    let elsewhere = server.asked();
    let elsewhere = elsewhere.iter().filter(|asked| asked.host.starts_with("127.0.0.1"));
    let mut count = 0;
    for asked in elsewhere {
        count += 1;
        assert_eq!(asked.authorization, None, "{asked:?}");
    }
    assert!(count >= 5, "they were sent there: {count}");
    assert!(
        server
            .asked()
            .iter()
            .any(|asked| asked.path.starts_with("/lure/") && asked.authorization.is_some())
    );
}

#[test]
fn a_token_for_another_host_stays_here() {
    let (lab, server) = start(Lab::new());
    lab.repository("a.git");
    for (name, value) in [("GRADE_GIT_HOST", "git.example.org"), ("GRADE_GIT_HOST", "localhost")] {
        let (other, _) = (Lab::new().with("GRADE_GIT_TOKEN", TOKEN).with(name, value), ());
        let other = other.with("SSL_CERT_FILE", &lab.path("ca.pem"));
        let refused = other.fetch(&server.url("private/a.git"), Revision::Head);
        assert!(matches!(refused, Err(FetchError::Unreached { .. })), "{refused:?}");
    }
    assert!(server.asked().iter().all(|asked| asked.authorization.is_none()));
}

#[test]
fn git_s_credential_helpers_are_asked() {
    let (lab, server) = start(Lab::new());
    let [.., third] = lab.repository("a.git");
    let helper = lab.path("home/helper");
    let script =
        format!("#!/bin/sh\n[ \"$1\" = get ] && echo username=ada && echo password={TOKEN}\n");
    std::fs::write(&helper, script).expect("written");
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let config = format!("[credential \"https://localhost\"]\n\thelper = {helper}\n");
    std::fs::write(lab.path("home/.gitconfig"), config).expect("written");
    assert_eq!(commit(&lab.fetch(&server.url("private/a.git"), Revision::Head)), third);
    // A helper that asks somebody who is not there ends with the rest.
    std::fs::write(&helper, "#!/bin/sh\nexec sleep 1000\n").expect("written");
    let mut fetcher = lab.fetcher();
    fetcher.limits.silence = std::time::Duration::from_secs(3);
    let source = crate::lab::git(&server.url("private/a.git"), Revision::Head);
    let stuck = crate::lab::block(fetcher.fetch(&source)).expect_err("nobody answers");
    assert!(stuck.to_string().contains("nothing was heard"), "{stuck}");
    let alive = || crate::ends::processes_with(&helper);
    assert_eq!(alive(), 0, "the helper is gone");
}

#[test]
fn a_helper_is_never_asked_without_a_host_or_for_another() {
    let (lab, server) = start(Lab::new());
    lab.repository("a.git");
    let (helper, asked) = (lab.path("home/helper"), lab.path("home/asked"));
    let script = format!("#!/bin/sh\ncat >>'{asked}'\necho username=ada\necho password={TOKEN}\n");
    std::fs::write(&helper, script).expect("written");
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let config = format!("[credential]\n\thelper = {helper}\n");
    std::fs::write(lab.path("home/.gitconfig"), config).expect("written");
    // With no host, a store gives what it has for any.
    let port = server.port;
    for host in ["127.0.0.1", "ada@127.0.0.1", "a%0ahost=github.com@localhost"] {
        let url = format!("https://{host}:{port}/private/a.git");
        let refused = lab.fetch(&url, Revision::Head);
        assert!(matches!(refused, Err(FetchError::Unreached { .. })), "{refused:?}");
    }
    assert!(!std::fs::exists(&asked).expect("known"));
    commit(&lab.fetch(&server.url("private/a.git"), Revision::Head));
    let asked = std::fs::read_to_string(&asked).expect("it was asked");
    assert_eq!(asked, format!("protocol=https\nhost=localhost:{port}\n"));
}

#[test]
fn nothing_that_is_written_shows_a_token() {
    let (lab, server) = with_token();
    lab.repository("onbuild-ada.git");
    let port = server.port;
    let url = |path: &str| server.url(&format!("{path}/onbuild-ada.git"));
    let login = |path: &str| format!("https://ada:{TOKEN}@localhost:{port}/{path}/onbuild-ada.git");
    let alone = |path: &str| format!("https://{TOKEN}@localhost:{port}/{path}/onbuild-ada.git");
    let out = lab.path("out");
    let mut seen = 0;
    for address in [url("private"), login("private"), alone("private"), login("open")] {
        let output = lab
            .command(&[&address, "--out", &out, "--json", "-", "--show", "hidden"])
            .output()
            .expect("the command starts");
        // There is no engine, so nothing is judged; but there is evidence.
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(json["submission"]["source"], json["submission"]["source"]);
        assert!(json["submission"]["commit"].is_string(), "{json}");
        let source = json["submission"]["source"].as_str().expect("a source");
        assert!(source.starts_with(&format!("https://localhost:{port}/")), "{source}");
        hides(&String::from_utf8_lossy(&output.stdout));
        hides(&String::from_utf8_lossy(&output.stderr));
        for entry in std::fs::read_dir(&out).expect("a folder") {
            hides(&std::fs::read_to_string(entry.expect("an entry").path()).expect("text"));
            seen += 1;
        }
    }
    assert_eq!(seen, 20, "evidence, result, JUnit, text and feedback of four");
    // All the ways to fail, the address that cannot be read among them.
    for path in
        ["away", "404", "500", "403", "cut", "garbage", "loop", "sign-in", "clear", "says", "none"]
    {
        for address in [url(path), login(path), alone(path)] {
            let output = lab.command(&[&address]).output().expect("the command starts");
            assert_ne!(output.status.code(), Some(0), "{path}");
            hides(&String::from_utf8_lossy(&output.stdout));
            hides(&String::from_utf8_lossy(&output.stderr));
            assert!(!output.stderr.is_empty());
        }
    }
    for address in [
        format!("https://ada:{TOKEN}@/a.git"),
        format!("https://ada:{TOKEN}@localhost:99999999/a.git"),
        format!("http://ada:{TOKEN}@localhost:{port}/a.git"),
        format!("ssh://git:{TOKEN}@localhost/a.git"),
        format!("git:{TOKEN}@localhost:a.git"),
        format!("https://localhost:{port}/a.git?token={TOKEN}"),
        format!("{TOKEN}://localhost/a.git"),
    ] {
        let output = lab.command(&[&address]).output().expect("the command starts");
        assert_eq!(output.status.code(), Some(2), "{address}");
        hides(&String::from_utf8_lossy(&output.stdout));
        hides(&String::from_utf8_lossy(&output.stderr));
    }
    lab.is_clean();
    assert_eq!(crate::ends::processes_with(TOKEN), 0, "no argument has it");
}

#[test]
fn a_login_in_the_address_opens_it_and_a_wrong_one_does_not() {
    let (lab, server) = start(Lab::new());
    lab.repository("a.git");
    let address = |login: &str| format!("https://{login}@localhost:{}/private/a.git", server.port);
    commit(&lab.fetch(&address(&format!("ada:{TOKEN}")), Revision::Head));
    commit(&lab.fetch(&address(TOKEN), Revision::Head));
    let wrong = lab.fetch(&address("ada:wr0ngwr0ng"), Revision::Head);
    let Err(FetchError::Unreached { why: Unreached::Refused, message, .. }) = wrong else {
        panic!("{wrong:?}")
    };
    assert!(!message.contains("wr0ng"), "{message}");
}

#[test]
fn a_proxy_in_the_environment_is_used() {
    // It is not there, which shows that it is asked, and not the server.
    let (lab, server) = start(Lab::new());
    lab.repository("a.git");
    let lab = lab.with("HTTPS_PROXY", "http://ada:s3cret@127.0.0.1:9").with("NO_PROXY", "");
    let refused = lab.fetch(&server.url("open/a.git"), Revision::Head).expect_err("no proxy");
    assert!(!refused.to_string().contains("s3cret"), "{refused}");
    assert_eq!(server.asked().len(), 0);
    tool(std::process::Command::new("git").arg("--version"));
}
