//! The map in `src/lib.rs`, held: who may import whom, who may name what, and how long a file is.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The most lines of a source file.
const LONGEST: usize = 400;

/// A source file: its path below `src`, and its text.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The module at the top that it belongs to; `lib` and `main` for themselves.
    fn module(&self) -> &str {
        let first = self.path.iter().next().and_then(|part| part.to_str()).unwrap_or_default();
        first.trim_end_matches(".rs")
    }

    fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    fn is(&self, path: &str) -> bool {
        self.path == Path::new(path)
    }

    /// The lines that are code, with their numbers: no comments, no documentation.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Where the code has this word, as `path:line`.
    fn places_of(&self, word: &str) -> Vec<String> {
        let code = self.code().filter(|(_, line)| words(line).any(|one| one == word));
        code.map(|(number, line)| format!("{}:{number}: {}", self.path.display(), line.trim()))
            .collect()
    }

    /// The modules at the top that the code names as `crate::…`, `use crate::{…}` included.
    fn imports(&self) -> Vec<String> {
        let code: String = self.code().map(|(_, line)| format!("{line}\n")).collect();
        let after = code.split("crate::").skip(1);
        after.flat_map(heads).collect()
    }
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// The first names of what follows `crate::`: one, or those of a braced list.
fn heads(rest: &str) -> Vec<String> {
    let name = |text: &str| words(text).next().unwrap_or_default().to_owned();
    let Some(list) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let mut depth = 0;
    let mut heads = vec![name(list.trim_start())];
    for (index, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(name(list[index + 1..].trim_start())),
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    for entry in walkdir::WalkDir::new(&root).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            sources.push(Source { path: path.strip_prefix(&root).unwrap().to_owned(), text });
        }
    }
    assert!(sources.len() > 50, "the sources are in src");
    sources
}

/// Each module's floor, as the comments of `lib.rs` have it.
fn floors() -> BTreeMap<String, usize> {
    let lib = sources().into_iter().find(|source| source.is("lib.rs")).unwrap();
    let mut floors = BTreeMap::new();
    let mut floor = None;
    for line in lib.text.lines() {
        if let Some(rest) = line.strip_prefix("// Floor ") {
            let number = rest.split(':').next().unwrap();
            floor = Some(number.parse().unwrap());
        } else if let Some(module) = line.strip_prefix("pub mod ") {
            let module = module.trim_end_matches(';').to_owned();
            floors.insert(module, floor.expect("a module stands on a floor"));
        }
    }
    floors
}

fn assert_none(wrong: Vec<String>, rule: &str) {
    assert!(wrong.is_empty(), "{rule}:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_stands_on_a_floor() {
    let floors = floors();
    for source in sources() {
        let module = source.module();
        let known = floors.contains_key(module) || ["lib", "main"].contains(&module);
        assert!(known, "{} stands on no floor", source.path.display());
    }
    assert_eq!((floors["fact"], floors["engine"], floors["judge"]), (0, 1, 3));
    assert_eq!(floors["cli"], floors.values().copied().max().unwrap());
}

#[test]
fn a_module_imports_lower_floors_only() {
    let floors = floors();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for source in sources().iter().filter(|source| floors.contains_key(source.module())) {
        let own = source.module();
        for import in source.imports() {
            let Some(floor) = floors.get(&import) else {
                wrong.push(format!("{}: crate::{import} is on no floor", source.path.display()));
                continue;
            };
            seen += 1;
            if import != own && *floor >= floors[own] {
                wrong.push(format!(
                    "{} (floor {}) imports {import} (floor {floor})",
                    source.path.display(),
                    floors[own]
                ));
            }
        }
    }
    assert!(seen > 100, "imports are found: {seen}");
    // That way a file in a folder would leave it unseen.
    for source in sources().iter().filter(|source| source.path.components().count() < 3) {
        let code = source.code().filter(|(_, line)| line.contains("super::super::"));
        wrong.extend(code.map(|(number, _)| format!("{}:{number}", source.path.display())));
    }
    assert_none(wrong, "a module imports lower floors and its own folder only");
}

#[test]
fn judging_and_reporting_know_no_engine() {
    let mut wrong = Vec::new();
    for source in sources() {
        if !(source.is_in("judge") || source.is_in("report")) {
            continue;
        }
        for import in source.imports() {
            if ["engine", "probe", "plan", "observe", "session", "submission"]
                .contains(&import.as_str())
            {
                wrong.push(format!("{} imports {import}", source.path.display()));
            }
        }
        for word in ["tokio", "bollard", "hyper", "tonic", "async"] {
            wrong.extend(source.places_of(word));
        }
    }
    assert_none(
        wrong,
        "judging is a function of rubric and evidence, reporting one of a gradebook",
    );
}

/// Only these places may name a crate that speaks with the outside world.
#[test]
fn each_part_of_the_outside_world_has_one_room() {
    let rooms: [(&str, &[&str]); 8] = [
        ("bollard", &["engine/docker"]),
        ("git2", &["submission/provenance.rs", "submission/git"]),
        ("reqwest", &["submission/git/https.rs"]),
        ("junit_report", &["report/junit.rs", "report/junit"]),
        ("bollard_buildkit_proto", &["engine/buildkit", "policy/grpc"]),
        ("ssh_agent_lib", &["engine/agent.rs"]),
        ("clap", &["cli"]),
        ("indicatif", &["cli"]),
    ];
    for (name, rooms) in rooms {
        let all = sources();
        let (inside, outside): (Vec<&Source>, Vec<&Source>) =
            all.iter().partition(|source| rooms.iter().any(|room| source.is_in(room)));
        let uses = inside.iter().any(|source| !source.places_of(name).is_empty());
        assert!(uses, "{name} is used in {rooms:?}");
        let wrong = outside.iter().flat_map(|source| source.places_of(name)).collect();
        assert_none(wrong, &format!("{name} is named in {rooms:?} only"));
    }
}

#[test]
fn only_the_command_line_prints() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_in("cli")) {
        for word in ["println", "eprintln", "dbg"] {
            wrong.extend(source.places_of(word));
        }
    }
    assert_none(wrong, "results and errors are values until cli prints them");
}

#[test]
fn every_kind_of_probe_has_its_line_in_kinds() {
    let shared = ["mod.rs", "params.rs", "room.rs", "step.rs"];
    let sources = sources();
    let table = sources.iter().find(|source| source.is("probe/mod.rs")).unwrap();
    let mut kinds = 0;
    for source in sources.iter().filter(|source| source.path.parent() == Some(Path::new("probe"))) {
        let file = source.path.file_name().unwrap().to_str().unwrap();
        if shared.contains(&file) {
            continue;
        }
        let line = format!("{}::KIND,", file.trim_end_matches(".rs"));
        let listed = table.text.lines().filter(|text| text.trim() == line).count();
        assert_eq!(listed, 1, "{} has one line in KINDS", source.path.display());
        kinds += 1;
    }
    assert_eq!(kinds, grade::probe::KINDS.len());
}

#[test]
fn a_file_says_first_what_it_is_for_and_stays_short() {
    for source in sources() {
        let path = source.path.display();
        assert!(source.text.starts_with("//! "), "{path} does not say what it is for");
        let lines = source.text.lines().count();
        assert!(lines <= LONGEST, "{path} has {lines} lines");
    }
}

#[test]
fn imports_are_read_from_paths_and_lists() {
    let text = "use crate::{\n    ask::{Ask, Params},\n    unit,\n};\n// crate::cli\nlet x = crate::fact::f(crate::plan::P);\n";
    let source = Source { path: "x.rs".into(), text: text.into() };
    assert_eq!(source.imports(), ["ask", "unit", "fact", "plan"]);
    assert_eq!(source.places_of("unit"), ["x.rs:3: unit,"]);
}
