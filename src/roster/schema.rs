//! The JSON Schemas of a class's own TOML and of the decisions, for editors.

use serde_json::{Map, Value as Json, json};

use super::class::STUDENT;
use super::{DECISIONS, FORMAT};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of a roster in TOML.
pub fn schema() -> Json {
    let student: Map<String, Json> =
        STUDENT.iter().map(|(key, _)| ((*key).to_owned(), text())).collect();
    json!({
        "$schema": DIALECT,
        "title": "A class's roster for grade",
        "type": "object",
        "required": ["format"],
        "oneOf": [{ "required": ["student"] }, { "required": ["students"] }],
        "additionalProperties": false,
        "properties": {
            "format": { "const": FORMAT },
            "title": text(), "assignment": text(), "source": text(), "due": time(),
            "late": {
                "type": "object", "additionalProperties": false, "required": ["per_day"],
                "properties": { "grace": text(), "per_day": percent(), "cap": percent() },
            },
            "students": text(),
            "student": {
                "type": "array",
                "items": {
                    "type": "object", "additionalProperties": false, "properties": student,
                    "anyOf": [{ "required": ["id"] }, { "required": ["username"] }],
                },
            },
        },
    })
}

/// The schema of a file of decisions.
pub fn decisions_schema() -> Json {
    json!({
        "$schema": DIALECT,
        "title": "An instructor's decisions for grade",
        "type": "object",
        "required": ["format"],
        "additionalProperties": false,
        "properties": {
            "format": { "const": DECISIONS },
            "assignment": text(),
            "decision": {
                "type": "array",
                "items": {
                    "type": "object", "additionalProperties": false, "required": ["id", "reason"],
                    "properties": {
                        "id": text(), "reason": text(), "due": time(),
                        "counts": { "type": "number", "minimum": 0 },
                        "excused": { "type": "boolean" },
                    },
                    "anyOf": [
                        { "required": ["counts"] },
                        { "required": ["due"] },
                        { "required": ["excused"], "properties": { "excused": { "const": true } } },
                    ],
                },
            },
        },
    })
}

fn text() -> Json {
    json!({ "type": "string", "minLength": 1 })
}

fn percent() -> Json {
    json!({ "type": "integer", "minimum": 0, "maximum": 100 })
}

fn time() -> Json {
    json!({ "type": "string", "format": "date-time" })
}
