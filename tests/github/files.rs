//! The action and the workflows as files: by their schemas, with every action pinned.
//!
//! The schemas are SchemaStore's (Apache-2.0), <https://www.schemastore.org>.

use serde_json::Value as Json;

use crate::runner::root;

const ACTIONS: [&str; 2] = ["action.yml", "ci/action/action.yml"];
const WORKFLOWS: [&str; 4] = [
    ".github/workflows/release.yml",
    "ci/examples/class.yml",
    "ci/examples/classroom.yml",
    "ci/examples/classroom50.yml",
];

fn yaml(path: &str) -> Json {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn holds(schema: &str, paths: &[&str]) {
    let text = std::fs::read_to_string(root().join("tests/schemas").join(schema)).unwrap();
    let schema = serde_json::from_str(&text).unwrap();
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    for path in paths {
        let document = yaml(path);
        let wrong: Vec<String> = schema
            .iter_errors(&document)
            .map(|error| format!("{path}: {}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
    // A schema that takes anything would prove nothing.
    assert!(!schema.is_valid(&serde_json::json!({"on": {"pushed": {}}, "runs": {}, "jobs": 1})));
}

#[test]
fn actions_are_what_github_reads() {
    holds("github-action.json", &ACTIONS);
}

#[test]
fn workflows_are_what_github_reads() {
    holds("github-workflow.json", &WORKFLOWS);
    let examples = std::fs::read_dir(root().join("ci/examples")).unwrap().count();
    let own = std::fs::read_dir(root().join(".github/workflows")).unwrap().count();
    assert_eq!(examples + own, WORKFLOWS.len(), "each is named here");
}

#[test]
fn every_action_is_pinned_to_a_commit() {
    let mut seen = 0;
    for path in ACTIONS.iter().chain(&WORKFLOWS) {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let Some((_, action)) = line.split_once("uses: ") else { continue };
            let pin = action.split_once('@').expect("a version").1;
            let (commit, version) =
                pin.split_once(" # v").expect("the version's name in a comment");
            assert!(commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{line}");
            assert!(!version.is_empty(), "{line}");
            seen += 1;
        }
    }
    assert!(seen > 8, "actions are found: {seen}");
}

/// A student's text in a script would be run by the shell that reads it.
#[test]
fn no_expression_stands_in_a_script() {
    for path in ACTIONS.iter().chain(&WORKFLOWS) {
        let mut scripts = Vec::new();
        collect(&yaml(path), &mut scripts);
        for script in scripts {
            assert!(!script.contains("${{"), "{path}: {script}");
        }
    }
}

fn collect(document: &Json, scripts: &mut Vec<String>) {
    match document {
        Json::Object(map) => {
            for (key, value) in map {
                if let (true, Some(script)) = (key == "run", value.as_str()) {
                    scripts.push(script.to_owned());
                }
                collect(value, scripts);
            }
        }
        Json::Array(list) => list.iter().for_each(|value| collect(value, scripts)),
        _ => {}
    }
}
