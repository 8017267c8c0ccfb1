//! The JSON Schema of the rubric language, made from the kinds and matchers that there are.

use serde_json::{Map, Value as Json, json};

use crate::expect::MATCHERS;
use crate::fact::Shape;
use crate::probe::{KINDS, Kind, ParamDef, ParamShape};
use crate::rubric::{ACTIONS, FORMAT, MOUNT_TYPES};

/// The schema, for editors that complete and check TOML.
pub fn schema() -> Json {
    let text = || json!({ "type": "string" });
    let texts = || json!({ "type": "object", "additionalProperties": { "type": "string" } });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A rubric of grade",
        "type": "object",
        "required": ["format", "slug", "title", "lesson", "probe"],
        "additionalProperties": false,
        "properties": {
            "format": { "const": FORMAT },
            "slug": text(), "title": text(), "lesson": text(), "course": text(),
            "limits": {
                "type": "object", "additionalProperties": false,
                "properties": { "build": text(), "context_size": text(), "context_files": { "type": "integer" } },
            },
            "values": {
                "type": "object",
                "additionalProperties": {
                    "type": "object", "additionalProperties": false,
                    "properties": {
                        "random": { "type": "integer", "minimum": 8, "maximum": 200 },
                        "digits": { "type": "integer", "minimum": 6, "maximum": 200 },
                        "lines": { "type": "integer", "minimum": 2, "maximum": 100 },
                        "sha256": text(), "says": text(),
                    },
                    "oneOf": [
                        { "required": ["random"] }, { "required": ["digits"] },
                        { "required": ["lines"] }, { "required": ["sha256"] },
                    ],
                },
            },
            "plays": {
                "type": "object",
                "additionalProperties": {
                    "type": "object", "additionalProperties": false,
                    "properties": {
                        "image": { "anyOf": [text(), {
                            "type": "object", "additionalProperties": false,
                            "properties": { "build": text(), "name": text() },
                            "required": ["build", "name"],
                        }] },
                        "registry": { "type": "boolean" }, "env": texts(), "time": text(),
                        "container": text(),
                        "steps": { "type": "array", "minItems": 1, "items": step() },
                    },
                    "required": ["steps"],
                },
            },
            "builds": {
                "type": "object",
                "additionalProperties": build(),
            },
            "probe": { "type": "array", "minItems": 1, "items": probe() },
        },
        "$defs": { "expectation": expectation(), "keys": keys() },
    })
}

/// A build; which of these go together is told by `grade check`.
fn build() -> Json {
    let text = || json!({ "type": "string" });
    let texts = || json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let mode = json!({ "type": "string", "pattern": "^[0-7]{1,4}$" });
    let mount = json!({ "type": "string", "pattern": "^type=" });
    json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "network": { "enum": ["none", "default"] },
            "like": text(), "secrets": texts(), "args": texts(),
            "ssh": { "anyOf": [{ "type": "boolean" }, { "type": "array", "items": text() }] },
            "files": texts(), "zeros": texts(),
            "archives": { "type": "object", "additionalProperties": texts() },
            "restore": { "type": "array", "items": text() }, "file": text(),
            "modes": { "type": "object", "additionalProperties": mode },
            "mounts": {
                "type": "object", "propertyNames": { "enum": MOUNT_TYPES },
                "additionalProperties": mount,
            },
            "skip": { "type": "array", "items": { "enum": MOUNT_TYPES } },
            "only": { "type": "array", "items": { "enum": MOUNT_TYPES } },
            "remove": { "type": "array", "items": text() },
            "target": text(), "parent": text(), "after": text(), "dockerfile": text(),
            "cache": { "type": "boolean" }, "given": { "type": "boolean" },
            "play": text(), "image": text(),
        },
    })
}

fn probe() -> Json {
    let text = || json!({ "type": "string" });
    let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    let by_kind: Vec<Json> = KINDS.iter().map(rules_of).collect();
    json!({
        "type": "object",
        "required": ["id", "title", "kind", "points", "expect"],
        "additionalProperties": false,
        "properties": {
            "id": { "type": "string", "pattern": "^[a-z0-9-]+$" },
            "title": text(),
            "kind": { "enum": kinds },
            "points": { "type": "integer", "minimum": 0, "maximum": 1000 },
            "with": { "type": "object" },
            "expect": { "type": "object", "minProperties": 1 },
            "when": { "type": "object", "minProperties": 1 },
            "needs": { "type": "array", "items": text() },
            "hidden": { "type": "boolean" },
            "met": text(), "missed": text(), "hint": text(), "lesson": text(), "look_at": text(),
            "case": {
                "type": "array",
                "items": {
                    "type": "object", "required": ["when", "missed"], "additionalProperties": false,
                    "properties": { "when": { "type": "object", "minProperties": 1 }, "missed": text(), "hint": text() },
                },
            },
        },
        "allOf": by_kind,
    })
}

/// A step of a play; which of these a step takes is told by `grade check`.
fn step() -> Json {
    let text = || json!({ "type": "string" });
    let flag = || json!({ "type": "boolean" });
    json!({
        "type": "object", "required": ["do"], "additionalProperties": false,
        "properties": {
            "name": text(), "do": { "enum": ACTIONS }, "go_on": flag(), "volumes": flag(),
            "script": text(), "path": text(), "text": text(), "image": text(),
            "command": { "type": "array", "items": text() },
        },
    })
}

/// What a probe of one kind takes and answers.
fn rules_of(kind: &Kind) -> Json {
    let params: Map<String, Json> =
        kind.params.iter().map(|param| (param.name.to_owned(), shape_of(param))).collect();
    let required: Vec<&str> = kind
        .params
        .iter()
        .filter(|param| param.default.is_none())
        .map(|param| param.name)
        .collect();
    let mut facts = Map::new();
    let mut patterns = Map::new();
    for fact in kind.facts {
        let mut expected = json!({ "$ref": "#/$defs/expectation", "description": fact.doc });
        if fact.shape == Shape::Map {
            patterns.insert(format!("^{}\\..", fact.name), expected.clone());
            let either =
                [json!({ "$ref": "#/$defs/expectation" }), json!({ "$ref": "#/$defs/keys" })];
            expected = json!({ "anyOf": either, "description": fact.doc });
        }
        facts.insert(fact.name.to_owned(), expected);
    }
    let facts = json!({
        "properties": facts, "patternProperties": patterns, "additionalProperties": false,
    });
    let with = json!({
        "type": "object", "properties": params, "required": required, "additionalProperties": false,
    });
    let mut then = json!({
        "properties": {
            "with": with,
            "expect": facts, "when": facts,
            "case": { "items": { "properties": { "when": facts } } },
        },
    });
    if !required.is_empty() {
        then["required"] = json!(["with"]);
    }
    json!({ "if": { "properties": { "kind": { "const": kind.name } } }, "then": then })
}

fn shape_of(param: &ParamDef) -> Json {
    let mut shape = match param.shape {
        ParamShape::Build | ParamShape::Play | ParamShape::Text | ParamShape::Duration => {
            json!({ "type": "string" })
        }
        ParamShape::Word(words) => json!({ "enum": words }),
        ParamShape::Texts => {
            json!({ "type": "array", "minItems": 1, "items": { "type": "string" } })
        }
        ParamShape::TextMap => {
            json!({ "type": "object", "additionalProperties": { "type": "string" } })
        }
    };
    shape["description"] = param.doc.into();
    shape
}

/// A map's keys, as TOML reads `labels."a.b" = …`.
fn keys() -> Json {
    json!({
        "type": "object", "minProperties": 1,
        "propertyNames": { "not": { "enum": MATCHERS } },
        "additionalProperties": { "$ref": "#/$defs/expectation" },
    })
}

fn expectation() -> Json {
    let this = json!({ "$ref": "#/$defs/expectation" });
    let scalar = json!({ "type": ["string", "integer", "boolean"] });
    let part = json!({ "type": "string", "minLength": 1 });
    let texts = json!({ "type": "array", "minItems": 1, "items": part });
    let list = json!({ "type": "array", "items": { "type": "string" } });
    let matchers: Map<String, Json> = MATCHERS
        .iter()
        .map(|name| {
            let takes = match *name {
                "not" | "any_item" | "every_item" | "length" => this.clone(),
                "all" | "any" => json!({ "type": "array", "minItems": 1, "items": this }),
                "one_of" => json!({ "type": "array", "minItems": 1 }),
                "between" => json!({ "type": "array", "minItems": 2, "maxItems": 2 }),
                "contains" => json!({ "anyOf": [part, texts] }),
                "matches" | "starts_with" | "ends_with" => part.clone(),
                "semver" | "spdx" | "url" | "mailboxes" | "absent" | "present" => {
                    json!({ "const": true })
                }
                _ => json!({ "anyOf": [scalar, list] }),
            };
            ((*name).to_owned(), takes)
        })
        .collect();
    let table = json!({
        "type": "object", "properties": matchers, "additionalProperties": false,
        "minProperties": 1, "maxProperties": 1,
    });
    json!({ "anyOf": [scalar, texts, table] })
}
