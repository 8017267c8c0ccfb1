//! What a probe answers with: named values of a few plain shapes.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The answers of one observation, by fact name.
pub type Facts = BTreeMap<String, Value>;

/// One answer. Sizes are bytes, durations whole milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A count or a code.
    Int(i64),
    /// A size in bytes.
    Bytes(u64),
    /// A duration in milliseconds.
    Millis(u64),
    /// One text, lossy UTF-8 where the source was not.
    Text(String),
    /// Texts in the order the engine gives them.
    List(Vec<String>),
    /// Texts by key, such as labels.
    Map(BTreeMap<String, String>),
}

/// The kind of value a fact holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// See [`Value::Bool`].
    Bool,
    /// See [`Value::Int`].
    Int,
    /// See [`Value::Bytes`].
    Bytes,
    /// See [`Value::Millis`].
    Millis,
    /// See [`Value::Text`].
    Text,
    /// See [`Value::List`].
    List,
    /// See [`Value::Map`].
    Map,
}

/// A fact that a probe kind may answer with, as `grade explain` shows it.
#[derive(Clone, Copy, Debug)]
pub struct FactDef {
    /// The name used in `expect` and in evidence.
    pub name: &'static str,
    /// What its value is.
    pub shape: Shape,
    /// One sentence for the author of a rubric.
    pub doc: &'static str,
}

impl FactDef {
    /// A definition; `const`, so that each kind's list is a static table.
    pub const fn new(name: &'static str, shape: Shape, doc: &'static str) -> FactDef {
        FactDef { name, shape, doc }
    }
}

impl Value {
    /// The shape of this value.
    pub fn shape(&self) -> Shape {
        match self {
            Value::Bool(_) => Shape::Bool,
            Value::Int(_) => Shape::Int,
            Value::Bytes(_) => Shape::Bytes,
            Value::Millis(_) => Shape::Millis,
            Value::Text(_) => Shape::Text,
            Value::List(_) => Shape::List,
            Value::Map(_) => Shape::Map,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shape::Bool => "true or false",
            Shape::Int => "number",
            Shape::Bytes => "size",
            Shape::Millis => "duration",
            Shape::Text => "text",
            Shape::List => "list",
            Shape::Map => "map",
        })
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

impl From<Vec<String>> for Value {
    fn from(value: Vec<String>) -> Value {
        Value::List(value)
    }
}

impl From<BTreeMap<String, String>> for Value {
    fn from(value: BTreeMap<String, String>) -> Value {
        Value::Map(value)
    }
}

/// The fact that `path` names: a fact itself, or `map.key` for an entry of a map.
/// Keys may hold dots; the fact's name is what stands before the first one.
pub fn look_up(facts: &Facts, path: &str) -> Option<Value> {
    if let Some(value) = facts.get(path) {
        return Some(value.clone());
    }
    let (name, key) = path.split_once('.')?;
    match facts.get(name)? {
        Value::Map(map) => map.get(key).cloned().map(Value::Text),
        _ => None,
    }
}

/// The shape that `path` has among the facts a kind defines.
///
/// # Errors
/// The names that would have been possible, when `path` is none of them.
pub fn shape_of(defs: &[FactDef], path: &str) -> Result<Shape, Vec<&'static str>> {
    if let Some(def) = defs.iter().find(|def| def.name == path) {
        return Ok(def.shape);
    }
    if let Some((name, key)) = path.split_once('.')
        && !key.is_empty()
        && defs.iter().any(|def| def.name == name && def.shape == Shape::Map)
    {
        return Ok(Shape::Text);
    }
    Err(defs.iter().map(|def| def.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_entry_is_reached_by_a_key_with_dots() {
        let labels = BTreeMap::from([("org.x.title".to_owned(), "t".to_owned())]);
        let facts = Facts::from([("labels".to_owned(), Value::Map(labels))]);
        assert_eq!(look_up(&facts, "labels.org.x.title"), Some("t".into()));
        assert_eq!(look_up(&facts, "labels.org.x"), None);
        assert_eq!(look_up(&facts, "label"), None);
    }

    #[test]
    fn only_maps_have_keys() {
        let defs = [FactDef::new("labels", Shape::Map, ""), FactDef::new("user", Shape::Text, "")];
        assert_eq!(shape_of(&defs, "labels.a.b"), Ok(Shape::Text));
        assert!(shape_of(&defs, "user.a").is_err());
        assert!(shape_of(&defs, "labels.").is_err());
    }
}
