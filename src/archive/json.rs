//! JSON that can be read in one way only. Go's reader, the engine's, takes `config` for `Config`
//! and the last of both; ours tells them apart. So keys that differ in case alone are refused.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

/// Reads a document; `None` when it is none, or has keys that can be taken for each other within
/// so many objects from the outside. Deeper ones may be a student's own, such as labels.
pub(super) fn read(json: &[u8], depth: usize) -> Option<Json> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let document = Unique(depth).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(document)
}

#[derive(Clone, Copy)]
struct Unique(usize);

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Json::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut map = Map::new();
        let mut keys = BTreeSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            // Go folds some letters beyond ASCII, too.
            if self.0 > 0 && !(key.is_ascii() && keys.insert(key.to_ascii_lowercase())) {
                return Err(A::Error::custom("a key that may be taken for another"));
            }
            let value = entries.next_value_seed(Unique(self.0.saturating_sub(1)))?;
            map.insert(key, value);
        }
        Ok(Json::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_in_one_way_or_not_at_all() {
        let text = r#"{"a":[1,-2,0.5,null,true,"x"],"b":{"c":{"d":1,"D":2}}}"#;
        assert_eq!(read(text.as_bytes(), 2), serde_json::from_str(text).ok());
        for odd in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"A":2}"#,
            r#"{"b":{"c":1,"C":2}}"#,
            r#"[{"b":1,"B":2}]"#,
            "{\"roots\":1,\"root\u{17f}\":2}",
            "{} {}",
            "{",
            "",
        ] {
            assert_eq!(read(odd.as_bytes(), 2), None, "{odd}");
        }
        assert_eq!(read("[".repeat(100_000).as_bytes(), 2), None);
    }
}
