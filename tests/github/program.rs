//! Where the action has its program from.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::runner::{Workspace, root};

/// A server with one file, for as many requests as there are.
fn serve(file: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let count = stream.read(&mut request).unwrap();
            let wanted = String::from_utf8_lossy(&request[..count]).into_owned();
            let is_right = wanted.starts_with("GET /your-org/grade/releases/download/v");
            let status = if is_right { "200 OK" } else { "404 Not Found" };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                file.len()
            );
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&file)).unwrap();
        }
    });
    address
}

/// An action that has the program at this repository's version as released: the archive, and the
/// action's folder, whose digests name `digest`.
fn released(digest: impl Fn(&[u8]) -> String) -> (Vec<u8>, TempDir) {
    let mut archive =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let program = b"#!/bin/sh\necho released\n";
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o755);
    header.set_size(program.len() as u64);
    archive.append_data(&mut header, "grade", &program[..]).unwrap();
    let archive = archive.into_inner().unwrap().finish().unwrap();

    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(place("ci/action")).unwrap();
    for name in ["Cargo.toml", "ci/action/program", "ci/action/action.yml"] {
        std::fs::copy(root().join(name), place(name)).unwrap();
    }
    let arch = Command::new("uname").arg("-m").output().unwrap().stdout;
    let arch = String::from_utf8(arch).unwrap();
    let asset = format!("grade-v{}-{}-linux.tar.gz", env!("CARGO_PKG_VERSION"), arch.trim());
    let line = format!("{}  {asset}\n", digest(&archive));
    std::fs::write(place("ci/action/digests"), line).unwrap();
    (archive, folder)
}

fn digest_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn obtain(server: &str, action: &Path) -> crate::runner::Ran {
    Workspace::with(&[]).run(&action.join("ci/action"), &[], &[("GITHUB_SERVER_URL", server)])
}

#[test]
fn the_program_is_the_one_that_was_released() {
    let (archive, action) = released(digest_of);
    let work = Workspace::with(&[]);
    let server = serve(archive);
    let env = [("GITHUB_SERVER_URL", server.as_str())];
    let ran = work.run(&action.path().join("ci/action"), &[], &env).exits(0);
    let output = Command::new(&ran.outputs["path"]).output().unwrap();
    assert_eq!(output.stdout, b"released\n");
    assert_eq!(Path::new(&ran.outputs["course"]), action.path());
}

#[test]
fn another_program_than_the_released_one_is_not_run() {
    let (archive, action) = released(|_| digest_of(b"another"));
    let ran = obtain(&serve(archive), action.path()).exits(3);
    assert_eq!(
        ran.commands,
        ["error title=Not graded::The downloaded program is not the one that was released."]
    );
    assert_eq!(ran.outputs.get("path"), None);
}

#[test]
fn no_server_and_no_release_are_told() {
    let (_, action) = released(digest_of);
    let ran = obtain("http://127.0.0.1:9", action.path()).exits(3);
    assert!(ran.commands[0].contains("could not be downloaded"), "{:?}", ran.commands);
    std::fs::write(action.path().join("ci/action/digests"), "").unwrap();
    let ran = obtain("http://127.0.0.1:9", action.path()).exits(3);
    assert!(ran.commands[0].contains("names no released program"), "{:?}", ran.commands);
}
