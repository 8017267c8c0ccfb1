//! The rules of a `.dockerignore`, compared with what the docker CLI itself does with them: one
//! tree, many rule sets, each built for real with `COPY . /` and listed.
//!
//! A missing CLI or engine is a loud failure, never a skipped test: run `ci/setup`.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use grade::context::Context;
use grade::engine::{BuildOutcome, BuildRequest, Endpoint, Engine, Labels, Owner};
use tokio::io::AsyncReadExt;

/// What is in the folder besides Dockerfile and rules; folders end with a slash.
const TREE: [&str; 30] = [
    ".env",
    ".git/config",
    "README.md",
    "a b.txt",
    "a*b",
    "a.b",
    "axb",
    "build/out/app",
    "build/out/app.map",
    "build/readme.md",
    "docs/README.md",
    "docs/guide/README.md",
    "docs/guide/intro.txt",
    "empty/",
    "main.py",
    "node_modules/x/index.js",
    "notes.md",
    "src/.env",
    "src/deep/er/.env",
    "src/deep/er/secret.key",
    "src/main.py",
    "src/node_modules/y.js",
    "src/test_main.py",
    "tests/1.txt",
    "tests/2.txt",
    "tests/10.txt",
    "tests/a.txt",
    "tests/#odd",
    "x[1]",
    "Ü/ß.txt",
];

/// Sets of rules, each the text of one `.dockerignore`.
const RULES: &[&str] = &[
    "",
    "# nothing\n\n   \n",
    "*",
    "**",
    "*\n!src",
    "*\n!src/main.py",
    "*.md",
    "*.md\n!README.md",
    "!README.md\n*.md",
    "*.md\n!README.md\nREADME.*",
    "**/*.md\n!docs/**/README.md",
    "node_modules",
    "node_modules/",
    "**/node_modules",
    "src/../node_modules",
    "../node_modules",
    "node_modules/**",
    "**/node_modules/**",
    "**/.env",
    "**/.env\n!src/.env",
    "src\n!src/deep\nsrc/deep/er/*.key",
    "src/*\n!src/deep/er",
    "src/**/**",
    "**/er/**",
    "s**",
    "build/**/app",
    "tests/?.txt",
    "tests/[0-9].txt",
    "tests/[^0-9].txt",
    "tests/[0-9][0-9].txt",
    "tests/\\#odd",
    "a\\*b",
    "a*b",
    "a?b",
    "  a b.txt  ",
    "x\\[1\\]",
    "x[[]1]",
    "#main.py",
    "*\n! README.md",
    "/",
    "Dockerfile",
    "Dockerfile\n.dockerignore\n*.md",
    "empty/",
    "**/ß.*",
    "\u{feff}*.md",
    "*.md\r\n!README.md\r\n",
    "docs/guide/..\n",
    "*/*/README.md",
    "**/.*",
    "*.*\n!*.py",
    "{a,b}.txt",
    "main.py$",
    "**/docs/**/README.md",
    "**/*",
];

/// Rule sets that docker CLIs before 23 follow otherwise, a path, and whether newer ones send it.
/// The old ones look into no ignored folder for what an exception with a wildcard at its start
/// keeps, and take a pattern's parentheses and plus signs for those of a regular expression.
const NEWER: [(&str, &str, bool); 9] = [
    ("**.env", "src/.env", false),
    ("**key", "src/deep/er/secret.key", false),
    ("*\n!src/main.py\nsrc", "src/main.py", true),
    ("*\n!**/*.py", "src/main.py", true),
    ("*\n!**/README.md\n", "docs/guide/README.md", true),
    ("**/guide\n!**/intro.txt", "docs/guide/intro.txt", true),
    ("**/guide\n!**/intro.txt", "docs/guide/README.md", false),
    ("(main).py", "main.py", true),
    ("ma+in.py", "main.py", true),
];

/// Sets of rules that the docker CLI builds nothing with.
const REFUSED: [&str; 9] =
    ["[", "*.md\n!\n", "a[]b", "a\\", "[^]", "[]a]", "x[a-]", "x[-a]", "*\n!src/[a\n"];

fn folder(rules: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in TREE {
        let path = folder.path().join(name);
        if name.ends_with('/') {
            std::fs::create_dir_all(path).expect("a folder");
        } else {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, name).expect("written");
        }
    }
    std::fs::write(folder.path().join(".dockerignore"), rules).expect("written");
    std::fs::write(folder.path().join("Dockerfile"), "FROM scratch\nCOPY . /\n").expect("written");
    folder
}

/// The files that a build of ours is sent, or the error when it is sent none. Folders are left out: the builder makes those on the way to a
/// file whether or not they are sent.
fn sent(folder: &Path) -> Result<BTreeSet<String>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let endpoint = Endpoint::resolve(None).expect("an engine's address");
        let engine = Engine::connect(&endpoint).await.expect("a running engine");
        let number: u64 = rand::random();
        let request = BuildRequest {
            context: Context::of_folder(folder.to_owned(), "Dockerfile".to_owned()),
            labels: Labels {
                run: format!("rules-{number:016x}"),
                submission: "rules".to_owned(),
                probe: "rules".to_owned(),
                owner: Owner::this_process().expect("a /proc").to_string(),
            },
            name: "image".to_owned(),
            time_limit: Duration::from_secs(60),
            ..BuildRequest::default()
        };
        let report = engine.build(request, &|_| {}).await.expect("the engine builds");
        let image = match report.outcome {
            BuildOutcome::Built { image } => image,
            BuildOutcome::NotSent(error) => return Err(error.to_string()),
            other => panic!("{other:?}"),
        };
        let mut saved = Vec::new();
        engine.export_image(&image).read_to_end(&mut saved).await.expect("a tar");
        engine.remove_image(&image).await.expect("removed");
        Ok(layers(&saved).iter().flat_map(|layer| files(layer)).collect())
    })
}

fn ours(folder: &Path) -> BTreeSet<String> {
    sent(folder).expect("a context")
}

/// The layers of an image that was saved.
fn layers(saved: &[u8]) -> Vec<Vec<u8>> {
    let mut archive = tar::Archive::new(saved);
    let mut members = BTreeMap::new();
    for member in archive.entries().expect("a tar") {
        let mut member = member.expect("a member");
        let path = member.path().expect("a path").display().to_string();
        let mut content = Vec::new();
        member.read_to_end(&mut content).expect("whole");
        members.insert(path, content);
    }
    let manifest = members.get("manifest.json").expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_slice(manifest).expect("JSON");
    let layers = manifest[0]["Layers"].as_array().expect("layers").iter();
    // An image of nothing has no layer.
    layers.map(|path| members[path.as_str().expect("a path")].clone()).collect()
}

fn files(tar: &[u8]) -> BTreeSet<String> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().expect("a tar").map(|entry| entry.expect("an entry"));
    entries
        .filter(|entry| entry.header().entry_type().is_file())
        .map(|entry| entry.path().expect("a path").to_str().expect("UTF-8").to_owned())
        .collect()
}

/// The files that the docker CLI sends, as the image has them; the error when it refuses the rules.
fn docker_s(program: &Path, folder: &Path) -> Result<BTreeSet<String>, String> {
    let mut build = Command::new(program);
    build.args(["build", "--quiet", "--output", "type=tar,dest=-", "."]);
    build.env("DOCKER_BUILDKIT", "1").current_dir(folder).stdin(Stdio::null());
    let output = build.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(files(&output.stdout));
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The first docker CLI on the path that can build. Newer ones need a plug-in, buildx, and some
/// machines have several CLIs, of which not all have it.
fn docker() -> PathBuf {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut tried = Vec::new();
    for program in std::env::split_paths(&paths).map(|path| path.join("docker")) {
        if !program.is_file() {
            continue;
        }
        match docker_s(&program, folder("").path()) {
            Ok(all) => {
                assert!(all.len() > 25, "all of the tree is sent without rules: {all:?}");
                return program;
            }
            Err(error) => tried.push(format!("{}: {}", program.display(), error.trim())),
        }
    }
    panic!("these tests need a docker CLI that can build: run ci/setup\n{}", tried.join("\n"));
}

/// How our context differs from what the CLI sends; nothing when it does not.
fn difference(program: &Path, rules: &str) -> Option<String> {
    let folder = folder(rules);
    let mut found = ours(folder.path());
    let mut expected = match docker_s(program, folder.path()) {
        Ok(expected) => expected,
        Err(error) => return Some(format!("{rules:?}: refused: {}", error.trim())),
    };
    // The builder needs both of these, whatever the rules say, and so both may be sent.
    for sent in ["Dockerfile", ".dockerignore"] {
        found.remove(sent);
        expected.remove(sent);
    }
    let missing: Vec<_> = expected.difference(&found).collect();
    let more: Vec<_> = found.difference(&expected).collect();
    (found != expected).then(|| format!("{rules:?}: left out {missing:?}, sent {more:?}"))
}

/// The differences of several rule sets, four at a time.
fn differences(program: &Path, rules: &[&str]) -> Vec<String> {
    std::thread::scope(|scope| {
        let chunks = rules.chunks(rules.len().div_ceil(4));
        let threads: Vec<_> = chunks
            .map(|chunk| {
                let differences = move || chunk.iter().filter_map(|one| difference(program, one));
                scope.spawn(move || differences().collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    })
}

#[test]
fn a_context_holds_what_docker_build_would_send() {
    let differences = differences(&docker(), RULES);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn what_docker_build_refuses_is_refused() {
    let program = docker();
    for rules in REFUSED {
        let folder = folder(rules);
        let theirs = docker_s(&program, folder.path()).expect_err(rules);
        assert!(theirs.contains("pattern") || theirs.contains("ancel"), "{rules:?}: {theirs}");
        let ours = sent(folder.path()).expect_err(rules);
        assert!(ours.contains("is no pattern"), "{rules:?}: {ours}");
    }
}

#[test]
fn the_rule_sets_differ_in_what_they_do() {
    let distinct: BTreeSet<BTreeSet<String>> =
        RULES.iter().map(|rules| ours(folder(rules).path())).collect();
    assert!(distinct.len() >= 30, "{} different contexts", distinct.len());
}

#[test]
fn where_versions_differ_a_context_is_that_of_the_newer_ones() {
    for (rules, path, sent) in NEWER {
        assert_eq!(ours(folder(rules).path()).contains(path), sent, "{rules:?}");
    }
    let program = docker();
    let mut ask = Command::new(&program);
    let output = ask.args(["version", "--format", "{{.Client.Version}}"]).output();
    let output = output.expect("a version");
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    let major: u32 = version.split('.').next().and_then(|one| one.parse().ok()).expect("a number");
    if major >= 23 {
        let differences = differences(&program, &NEWER.map(|(rules, ..)| rules));
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}
