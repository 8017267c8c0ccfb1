//! Bounds on what a submission may write into the evidence.

use crate::fact::Value;

/// The most bytes of one text.
const TEXT: usize = 64 * 1024;
/// The most bytes of all items of one list or map.
const ITEMS: usize = 256 * 1024;

/// The value cut to the bounds. Cutting a list or text can only lose what stands at its end.
pub fn clip(value: Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(cut(text, TEXT)),
        Value::List(items) => {
            let mut left = ITEMS;
            Value::List(items.into_iter().map_while(|item| fit(item, &mut left)).collect())
        }
        Value::Map(map) => {
            let mut left = ITEMS;
            let entries = map.into_iter().map_while(|(key, item)| {
                left = left.checked_sub(key.len())?;
                Some((key, fit(item, &mut left)?))
            });
            Value::Map(entries.collect())
        }
        plain => plain,
    }
}

/// A log cut to the bounds, of which the end is kept.
pub fn clip_log(value: Value) -> Value {
    match value {
        Value::Text(text) if text.len() > TEXT => {
            let from = text.ceil_char_boundary(text.len() - TEXT);
            Value::Text(text[from..].to_owned())
        }
        other => clip(other),
    }
}

fn fit(item: String, left: &mut usize) -> Option<String> {
    let item = cut(item, TEXT);
    // The overhead of an item counts, so that a million empty ones are bounded, too.
    *left = left.checked_sub(item.len() + 8)?;
    Some(item)
}

fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_bounded_and_stays_text() {
        let Value::Text(text) = clip(Value::Text("ä".repeat(TEXT))) else { panic!() };
        assert_eq!(text.len(), TEXT);
        let Value::Text(log) = clip_log(Value::Text(format!("{}end", "ä".repeat(TEXT)))) else {
            panic!()
        };
        assert!(log.len() <= TEXT && log.ends_with("äend"));
        let Value::List(items) = clip(Value::List(vec![String::new(); 1_000_000])) else {
            panic!()
        };
        assert_eq!(items.len(), ITEMS / 8);
    }
}
