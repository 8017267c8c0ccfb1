//! Rebuilds a request's body from tables of known fields, so that the engine gets what was reviewed and nothing else.

use serde_json::{Map, Value};

use super::Rules;
use super::json::is_nothing;
use super::no::{No, quoted};
use super::world::World;

/// What a review looks at besides the request.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) rules: &'a Rules,
    pub(super) world: &'a World,
}

/// The known fields of an object, in one or more lists.
pub(super) type Table = &'static [&'static [Field]];

/// A field's name as the engine's documentation writes it, and what may be in it.
pub(super) struct Field(pub(super) &'static str, pub(super) Rule);

/// A check of its own: the value to send, or why not.
pub(super) type Check = fn(Value, &Context<'_>) -> Result<Value, No>;

/// What may be in a field. `null` is always the same as no field.
pub(super) enum Rule {
    Text,
    Flag,
    /// A whole number.
    Number,
    /// A list of texts, or one text.
    Texts,
    /// Names with a text each.
    TextMap,
    /// Names with nothing to them: `{"80/tcp": {}}`.
    Keys,
    /// Not allowed, in the words of the command line. A value that asks for nothing is left out.
    Never(&'static str),
    /// Left out: clients send it, and engines never look at it.
    Ignored,
    Check(Check),
    Object(Table),
    List(Table),
}

/// The same object with known fields only, each as its rule has it.
///
/// Go finds a field whatever its letters' case, so it is found that way here too, and sent under
/// its own name. An unknown field that asks for something is refused by name.
pub(super) fn rebuild(value: Value, table: Table, context: &Context<'_>) -> Result<Value, No> {
    let Value::Object(given) = value else {
        return Err(No::bad("the request's body has no JSON object where one is expected"));
    };
    let mut seen: Vec<&str> = Vec::new();
    let mut built = Map::new();
    for (key, value) in given {
        let known =
            table.iter().copied().flatten().find(|field| field.0.eq_ignore_ascii_case(&key));
        let Some(Field(name, rule)) = known else {
            if is_nothing(&value) {
                continue;
            }
            return Err(No::asked(format!("the setting {}", quoted(&key))));
        };
        if seen.contains(name) {
            return Err(No::bad(format!("the setting {name} is there twice")));
        }
        seen.push(name);
        if value.is_null() {
            continue;
        }
        if let Some(value) = rule.apply(name, value, context)? {
            built.insert((*name).to_owned(), value);
        }
    }
    Ok(Value::Object(built))
}

impl Rule {
    fn apply(&self, name: &str, value: Value, context: &Context<'_>) -> Result<Option<Value>, No> {
        let fits = match self {
            Self::Text => value.is_string(),
            Self::Flag => value.is_boolean(),
            Self::Number => value.is_i64() || value.is_u64(),
            Self::Texts => texts(&value).is_some(),
            Self::TextMap => fields(&value).is_some_and(|map| map.values().all(Value::is_string)),
            Self::Keys => fields(&value).is_some_and(|map| map.values().all(is_nothing)),
            Self::Ignored => return Ok(None),
            Self::Never(_) if is_nothing(&value) => return Ok(None),
            Self::Never(words) => return Err(No::asked(words)),
            Self::Check(check) => return check(value, context).map(Some),
            Self::Object(table) => return rebuild(value, table, context).map(Some),
            Self::List(table) => {
                let Value::Array(items) = value else { return Err(unfit(name)) };
                let items = items.into_iter().map(|item| rebuild(item, table, context));
                return Ok(Some(Value::Array(items.collect::<Result<_, _>>()?)));
            }
        };
        if fits { Ok(Some(value)) } else { Err(unfit(name)) }
    }
}

/// The answer to a value that is of another type than its field.
pub(super) fn unfit(name: &str) -> No {
    No::bad(format!("the value of {name} is not of its type"))
}

fn fields(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object()
}

/// A list of texts, or the one text that Go takes for a list in some fields.
pub(super) fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// The text in a field.
pub(super) fn text<'v>(name: &str, value: &'v Value) -> Result<&'v str, No> {
    value.as_str().ok_or_else(|| unfit(name))
}

/// Labels, none of which may pass for the grader's own.
pub(super) fn labels(value: Value, _: &Context<'_>) -> Result<Value, No> {
    let Some(map) = fields(&value).filter(|map| map.values().all(Value::is_string)) else {
        return Err(unfit("Labels"));
    };
    match map.keys().find(|key| key.starts_with(super::OUR_LABELS)) {
        Some(key) => {
            Err(No::asked(format!("the label {}, a name of the grader's own", quoted(key))))
        }
        None => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const INNER: Table = &[&[Field("Name", Rule::Text)]];
    const TABLE: Table = &[
        &[
            Field("Cmd", Rule::Texts),
            Field("Inner", Rule::Object(INNER)),
            Field("Count", Rule::Number),
        ],
        &[Field("Risky", Rule::Never("--risky")), Field("All", Rule::List(INNER))],
    ];

    fn built(value: Value) -> Result<Value, No> {
        let (rules, world) = (Rules::new("/work"), World::default());
        rebuild(value, TABLE, &Context { rules: &rules, world: &world })
    }

    #[test]
    fn a_body_is_sent_under_the_names_that_were_reviewed() {
        let given = json!({
            "cmd": ["a"], "INNER": {"name": "n", "other": null}, "count": 0, "Risky": false,
            "All": [{"Name": null}], "Unknown": {}
        });
        let sent = json!({"Cmd": ["a"], "Inner": {"Name": "n"}, "Count": 0, "All": [{}]});
        assert_eq!(built(given), Ok(sent));
    }

    #[test]
    fn what_is_not_known_or_not_of_its_type_is_not_sent() {
        for value in [
            json!([]),
            json!({"Cmd": [1]}),
            json!({"Cmd": "a", "cmd": null}),
            json!({"Inner": []}),
            json!({"Count": 1.5}),
            json!({"All": [{"Name": 1}]}),
        ] {
            assert!(matches!(built(value.clone()), Err(No::Bad(_))), "{value}");
        }
        for value in [
            json!({"risky": true}),
            json!({"Risky": "false"}),
            json!({"Unknown": [0]}),
            // Go takes the Kelvin sign for a k, and the long s for an s.
            json!({"Ri\u{17f}ky": true}),
            json!({"Ris\u{212a}y": true}),
        ] {
            assert!(matches!(built(value.clone()), Err(No::Refused(_))), "{value}");
        }
    }
}
