//! The JSON Schemas in the repository are those of the types, and every result fits them.

use grade::report::Report;
use grade::report::json::{Json, gradebook_schema, schema};
use serde_json::Value;

use crate::fixture::{anna, class, one};

const RESULT: &str = "src/report/result-v1.schema.json";
const GRADEBOOK: &str = "src/report/gradebook-v1.schema.json";

/// The file says what the type says, or is written anew where goldens are.
fn current(path: &str, schema: &schemars::Schema) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let expected = serde_json::to_string_pretty(schema).unwrap() + "\n";
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert_eq!(found, expected, "INSTA_UPDATE=always writes it anew");
}

fn validator(schema: &schemars::Schema) -> jsonschema::Validator {
    jsonschema::draft202012::options().build(schema.as_value()).unwrap()
}

/// Checks a rendered gradebook by the schema it says it fits, and returns it.
pub(crate) fn valid(rendered: &[u8]) -> Value {
    let value: Value = serde_json::from_slice(rendered).unwrap();
    let schema = match value["format"].as_str() {
        Some("grade/result/v1") => schema(),
        Some("grade/gradebook/v1") => gradebook_schema(),
        other => panic!("no such format: {other:?}"),
    };
    let problems: Vec<String> = validator(&schema)
        .iter_errors(&value)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
    value
}

#[test]
fn the_schemas_in_the_repository_are_current() {
    current(RESULT, &schema());
    current(GRADEBOOK, &gradebook_schema());
}

#[test]
fn what_is_rendered_fits_its_schema() {
    assert_eq!(valid(&Json::default().render(&one()).unwrap())["status"], "provisional");
    let class = valid(&Json::default().render(&class()).unwrap());
    assert_eq!(class["entries"][1]["result"]["status"], "graded");
}

#[test]
fn the_schema_demands_every_key_and_whole_points() {
    let result = serde_json::to_value(Json::default().result(&anna())).unwrap();
    let validator = validator(&schema());
    assert!(validator.is_valid(&result));
    for key in result.as_object().unwrap().keys() {
        let mut less = result.clone();
        less.as_object_mut().unwrap().remove(key);
        assert!(!validator.is_valid(&less), "{key} may be missing");
    }
    for key in result["probes"][0].as_object().unwrap().keys() {
        let mut less = result.clone();
        less["probes"][0].as_object_mut().unwrap().remove(key);
        assert!(!validator.is_valid(&less), "{key} of a probe may be missing");
    }
    let mut half = result.clone();
    half["score"]["earned"] = 0.5.into();
    assert!(!validator.is_valid(&half));
    let mut more = result;
    more["a-later-key"] = true.into();
    assert!(validator.is_valid(&more), "keys may be added");
}
