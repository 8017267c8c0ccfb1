//! A request's query: each key once, known, and written anew.

use serde_json::{Map, Value};

use super::json;
use super::no::{No, quoted};

/// Keys that a request may have several times.
const LISTS: [&str; 4] = ["t", "names", "changes", "platforms"];

/// The keys and values, in their order.
#[derive(Debug, Default, Clone)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what follows the `?`. Known are the keys of `known`, separated by spaces; another one
    /// is refused by name, unless it asks for nothing.
    pub(super) fn read(text: &str, known: &str) -> Result<Self, No> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (key, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if !known.split(' ').any(|one| one == key) {
                if value.is_empty() || value == "0" || value == "false" {
                    continue;
                }
                return Err(No::asked(format!("the setting {}", quoted(&key))));
            }
            if !LISTS.contains(&&*key) && pairs.iter().any(|(other, _)| *other == key) {
                return Err(No::bad(format!("{} is there twice", quoted(&key))));
            }
            pairs.push((key.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    pub(super) fn get(&self, key: &str) -> &str {
        self.0.iter().find(|pair| pair.0 == key).map_or("", |pair| &pair.1)
    }

    pub(super) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |pair| pair.0 == key).map(|pair| pair.1.as_str())
    }

    pub(super) fn set(&mut self, key: &str, value: String) {
        self.0.retain(|pair| pair.0 != key);
        self.0.push((key.to_owned(), value));
    }

    /// Adds to the filters of a list or a prune that something has not this label.
    pub(super) fn spare(&mut self, label: &str) -> Result<(), No> {
        let mut filters = match self.get("filters") {
            "" => Map::new(),
            text => match json::parse(text.as_bytes()) {
                Ok(Value::Object(filters)) => filters,
                _ => return Err(No::bad("the filters are no JSON object")),
            },
        };
        for values in filters.values_mut() {
            *values = both_forms(values).ok_or_else(|| No::bad("a filter has no list of texts"))?;
        }
        let spared = filters.entry("label!").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(labels) = spared {
            labels.insert(label.to_owned(), Value::Bool(true));
        }
        self.set("filters", Value::Object(filters).to_string());
        Ok(())
    }

    /// The query as it is sent, with its `?`; nothing if it is empty.
    pub(super) fn print(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        format!("?{}", out.extend_pairs(&self.0).finish())
    }
}

/// The values of a filter, `["a"]` as it was once written and `{"a": true}` as it is now, as the latter.
fn both_forms(values: &Value) -> Option<Value> {
    match values {
        Value::Object(map) if map.values().all(Value::is_boolean) => Some(values.clone()),
        Value::Array(list) => {
            let pairs = list.iter().map(|value| Some((value.as_str()?.to_owned(), true.into())));
            pairs.collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> Result<String, No> {
        Query::read(text, "name t filters").map(|query| query.print())
    }

    #[test]
    fn a_query_is_read_and_written_anew() {
        assert_eq!(printed("name=a%2Fb&t=x&t=y").unwrap(), "?name=a%2Fb&t=x&t=y");
        assert_eq!(printed("").unwrap(), "");
        assert_eq!(printed("other=&more=0").unwrap(), "");
        // A semicolon separates nothing for us, and then for nobody.
        assert_eq!(printed("name=a;t=b").unwrap(), "?name=a%3Bt%3Db");
    }

    #[test]
    fn what_two_readers_could_read_differently_is_none() {
        assert!(matches!(printed("name=a&name=b"), Err(No::Bad(_))));
        assert!(matches!(printed("na%6de=a&name=b"), Err(No::Bad(_))));
        assert!(matches!(printed("checkpoint=a"), Err(No::Refused(_))));
        assert!(matches!(printed("NAME=a"), Err(No::Refused(_))));
    }

    #[test]
    fn filters_of_both_forms_get_one_more() {
        for (given, sent) in [
            ("", r#"{"label!":{"x":true}}"#),
            (r#"filters={"until":["1"]}"#, r#"{"label!":{"x":true},"until":{"1":true}}"#),
            (r#"filters={"label!":{"y":true}}"#, r#"{"label!":{"x":true,"y":true}}"#),
        ] {
            let mut query = Query::read(given, "filters").unwrap();
            query.spare("x").unwrap();
            let sent: Value = serde_json::from_str(sent).unwrap();
            assert_eq!(serde_json::from_str::<Value>(query.get("filters")).unwrap(), sent);
        }
        for bad in ["filters=1", "filters=[]", r#"filters={"a":1}"#, r#"filters={"a":{},"a":{}}"#] {
            assert!(Query::read(bad, "filters").unwrap().spare("x").is_err(), "{bad}");
        }
    }
}
