//! The whole command with what is not a folder.

use std::process::{Command, Output};

use serde_json::Value as Json;

use crate::lab::{Lab, tool};
use crate::web::start;

fn run(lab: &Lab, arguments: &[&str]) -> Output {
    lab.command(arguments).output().expect("the command starts")
}

/// The result of a submission that was accepted; there is no engine to judge it.
#[track_caller]
fn accepted(lab: &Lab, arguments: &[&str]) -> Json {
    let output = run(lab, &[arguments, &["--json", "-"]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    lab.is_clean();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[track_caller]
fn refused(lab: &Lab, arguments: &[&str], code: i32) -> String {
    let output = run(lab, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{said}");
    lab.is_clean();
    said
}

#[test]
fn a_repository_is_graded_by_its_address() {
    let (lab, server) = start(Lab::new());
    let [first, second, _] = lab.repository("docker-onbuild-ada.git");
    let url = server.url("open/docker-onbuild-ada.git");
    let result = accepted(&lab, &[&url]);
    assert_eq!(result["assignment"], "onbuild");
    assert_eq!(result["submission"]["source"], url);
    let result = accepted(&lab, &[&url, "--rev", "v1"]);
    assert_eq!(result["submission"]["commit"], first.to_string());
    assert_eq!(result["submission"]["committed_at"], "2026-09-21T14:13:20Z");
    // 15:13:20 in UTC.
    let result = accepted(&lab, &[&url, "--at", "2026-09-21T17:13:20+02:00"]);
    assert_eq!(result["submission"]["commit"], second.to_string());
}

#[test]
fn a_time_needs_an_offset_and_a_commit_a_repository() {
    let lab = Lab::new();
    lab.repository("onbuild.git");
    let path = lab.path("repositories/onbuild.git");
    for time in ["2026-10-01T23:59:00", "2026-10-01", "yesterday"] {
        let said = refused(&lab, &[&path, "--at", time], 2);
        assert!(said.contains("2026-10-01T23:59:00+02:00"), "{said}");
    }
    refused(&lab, &[&path, "--at", "2026-10-01T23:59:00Z", "--rev", "main"], 2);
    let said = refused(&lab, &["x.zip", "--rev", "main"], 2);
    assert!(said.contains("no git repository"), "{said}");
    let said = refused(&lab, &[&path, "--rev", "v9"], 2);
    assert!(said.contains("has no branch, tag or commit `v9`"), "{said}");
    let said = refused(&lab, &["https://localhost:9/onbuild.git"], 3);
    assert!(said.contains("cannot be reached"), "{said}");
    let said = refused(&lab, &["ftp://localhost/onbuild.git"], 2);
    assert!(said.contains("by https, ssh, git and file"), "{said}");
}

#[test]
fn what_can_be_wrong_without_a_submission_is_told_before_one_is_fetched() {
    let (lab, server) = start(Lab::new());
    let said = refused(&lab, &[&server.url("silent/a.git"), "--assignment", "onbiuld"], 2);
    assert!(said.contains("did you mean `onbuild`?"), "{said}");
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn archives_are_graded_as_real_tools_make_them() {
    let lab = Lab::new();
    let work = lab.path("home/work");
    std::fs::create_dir_all(format!("{work}/onbuild-ada/src")).expect("a folder");
    std::fs::write(format!("{work}/onbuild-ada/Dockerfile"), "FROM busybox\n").expect("written");
    std::fs::write(format!("{work}/onbuild-ada/src/a"), "1").expect("written");
    std::os::unix::fs::symlink("/etc/passwd", format!("{work}/onbuild-ada/link")).expect("a link");
    tool(Command::new("chmod").args(["755", &format!("{work}/onbuild-ada/src/a")]));
    let expected =
        accepted(&lab, &[&format!("{work}/onbuild-ada")])["submission"]["digest"].clone();
    let archives =
        [("tar", "cf", "a.tar"), ("tar", "czf", "a.tar.gz"), ("tar", "czf", "onbuild.tgz")];
    for (program, how, name) in archives {
        let path = lab.path(&format!("home/{name}"));
        tool(Command::new(program).args([how, &path, "-C", &work, "onbuild-ada"]));
        let result = accepted(&lab, &[&path]);
        assert_eq!(result["assignment"], "onbuild", "by the folder in it");
        assert_eq!(result["submission"]["digest"], expected);
        assert_eq!(result["submission"]["commit"], Json::Null);
    }
    for format in ["ustar", "pax", "gnu"] {
        let path = lab.path("home/a.tar");
        let format = format!("--format={format}");
        tool(Command::new("tar").args([&format, "-cf", &path, "-C", &work, "onbuild-ada"]));
        assert_eq!(accepted(&lab, &[&path])["submission"]["digest"], expected, "{format}");
    }
}

#[test]
fn an_archive_that_git_makes_is_what_was_committed() {
    let lab = Lab::new();
    lab.repository("onbuild.git");
    let repository = lab.path("repositories/onbuild.git");
    let expected = accepted(&lab, &[&repository])["submission"]["digest"].clone();
    for (format, prefix) in
        [("tar", ""), ("tar.gz", "--prefix=onbuild-main/"), ("zip", "--prefix=x/"), ("zip", "")]
    {
        let path = lab.path(&format!("home/onbuild.{format}"));
        let mut git = Command::new("git");
        git.args(["-C", &repository, "archive", "-o", &path])
            .args(Some(prefix).filter(|it| !it.is_empty()));
        tool(git.arg("main"));
        let found = accepted(&lab, &[&path])["submission"]["digest"].clone();
        assert_eq!(found, expected, "{format} {prefix}");
    }
}

#[test]
fn a_hostile_archive_is_refused_in_a_sentence() {
    let lab = Lab::new();
    let path = lab.path("home/onbuild.tar");
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(1);
    header.set_mode(0o644);
    let name = b"../\x1b[2J/x";
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_cksum();
    tar.append(&header, &b"1"[..]).expect("appended");
    std::fs::write(&path, tar.into_inner().expect("a tar")).expect("written");
    let said = refused(&lab, &[&path], 2);
    assert!(said.contains("which leads out of it") && !said.contains('\u{1b}'), "{said:?}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
