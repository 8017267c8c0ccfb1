//! The documents say what the rubrics do.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what is wrong by panicking")]

use std::path::Path;

use grade::plan::{self, Plan};
use grade::roster::{self, RosterOptions};
use serde_json::Value as Json;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn plans() -> Vec<Plan> {
    let rubrics = Path::new(env!("CARGO_MANIFEST_DIR")).join("rubrics");
    let files =
        std::fs::read_dir(rubrics).expect("rubrics").map(|file| file.expect("a file").path());
    files.map(|path| plan::load(&path).unwrap_or_else(|error| panic!("{error}"))).collect()
}

#[test]
fn the_table_of_assignments_has_every_exercise_with_its_points_and_probes() {
    let table = read("assignments/README.md");
    for plan in plans() {
        let slug = &plan.rubric.slug;
        let points: u32 = plan.rubric.probes.iter().map(|probe| probe.points).sum();
        let row = table.lines().find(|line| line.contains(&format!("({slug}/README.md)")));
        let row = row.unwrap_or_else(|| panic!("no row for {slug}"));
        let counts = format!("| {points} | {} |", plan.rubric.probes.len());
        assert!(row.contains(&counts), "{slug} has {counts}: {row}");
    }
}

#[test]
fn a_handout_lists_every_check_with_its_points_in_the_order_of_the_rubric() {
    for plan in plans() {
        let handout = read(&format!("assignments/{}/README.md", plan.rubric.slug));
        let shown = plan.rubric.probes.iter().filter(|probe| !probe.hidden);
        let mut rest = handout.as_str();
        for probe in shown {
            let row = format!("| {} | {} |", probe.title, probe.points);
            let after = rest.split_once(&row).map(|(_, after)| after);
            rest = after.unwrap_or_else(|| panic!("{}: no {row}, or too early", plan.rubric.slug));
        }
    }
}

/// The TOML of a document that says it is of this format.
fn example(document: &str, format: &str) -> String {
    let text = read(document);
    let mut blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let found = blocks.find(|block| block.contains(&format!("\"{format}\"")));
    found.unwrap_or_else(|| panic!("{document} has no {format}")).to_owned()
}

/// TOML as JSON, its times as texts.
fn json(toml: &str) -> Json {
    fn plain(value: Json) -> Json {
        match value {
            Json::Object(mut map) => match map.remove("$__toml_private_datetime") {
                Some(time) => time,
                None => map.into_iter().map(|(key, value)| (key, plain(value))).collect(),
            },
            Json::Array(list) => list.into_iter().map(plain).collect(),
            other => other,
        }
    }
    let table: toml::Table = toml.parse().unwrap_or_else(|error| panic!("{error}\n{toml}"));
    plain(serde_json::to_value(table).expect("JSON"))
}

#[test]
fn the_roster_and_the_decisions_of_the_readme_fit_their_schemas() {
    let roster = example("README.md", roster::FORMAT);
    let decisions = example("README.md", roster::DECISIONS);
    for (schema, text, wrong) in [
        (roster::schema(), roster, ["per_day = 10", "per_day = 101"]),
        (roster::decisions_schema(), decisions, ["= \"ill\"", "= 1"]),
    ] {
        let validator = jsonschema::draft202012::new(&schema).expect("a schema");
        let problems: Vec<_> =
            validator.iter_errors(&json(&text)).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{problems:?}");
        let [right, wrong] = wrong;
        assert!(text.contains(right), "{text}");
        assert!(!validator.is_valid(&json(&text.replace(right, wrong))), "{wrong}");
    }
}

#[test]
fn the_roster_and_the_decisions_of_the_readme_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let second = "[[student]]\nid = \"s0123457\"\nusername = \"bob\"\n";
    let roster = example("README.md", roster::FORMAT) + second;
    let decisions = example("README.md", roster::DECISIONS);
    let [class, decided] = ["class.toml", "decisions.toml"].map(|name| folder.path().join(name));
    std::fs::write(&class, roster).expect("written");
    std::fs::write(&decided, decisions).expect("written");
    let options = RosterOptions { decisions: Some(decided), ..RosterOptions::default() };
    let class = roster::read(&class, &options).unwrap_or_else(|all| panic!("{all:?}"));
    assert!(class.late.is_some() && class.due.is_some());
    assert!(class.members.iter().all(|one| one.source.is_ok() && one.decision.is_some()));
    assert_eq!(class.works().len(), 2);
}
