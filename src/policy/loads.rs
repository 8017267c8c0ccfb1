//! Names that an archive gives to images: none of ours stays with another image.

use std::collections::BTreeMap;

use http::{HeaderMap, Method};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::Rules;
use super::engine::{self, Dial, Lost, whole};
use super::names::{familiar, untagged};

/// What the engine says of each image of an archive that has a name.
const LOADED: &str = "Loaded image: ";

/// The images of reserved names, by name.
pub(super) type Reserved = BTreeMap<String, String>;

/// Which images the reserved names mean now.
pub(super) async fn reserved(engine: &dyn Dial, rules: &Rules) -> Result<Reserved, Lost> {
    let list = engine::fetch(engine, "/images/json").await?.unwrap_or_default();
    let list = engine::json(&list)?;
    let mut found = Reserved::new();
    for image in list.as_array().into_iter().flatten() {
        let names = image["RepoTags"].as_array().into_iter().flatten();
        for name in names.filter_map(Value::as_str).filter(|name| rules.is_reserved(name)) {
            found.insert(name.to_owned(), image["Id"].as_str().unwrap_or_default().to_owned());
        }
    }
    Ok(found)
}

/// The names that an archive brought, as the engine's answer tells them.
pub(super) fn loaded(answer: &[u8]) -> Vec<String> {
    let lines = serde_json::Deserializer::from_slice(answer).into_iter::<Value>();
    // What follows a line that is none is no answer of the engine's.
    let told = lines.map_while(Result::ok);
    let names = told.filter_map(|line| {
        let name = line["stream"].as_str()?.strip_prefix(LOADED)?;
        Some(familiar(name.trim()))
    });
    names.collect()
}

/// Gives the reserved names back to the images that had them; the answer is one that was taken. The
/// grader may give names to images at the same time, which are none of those that were loaded.
pub(super) async fn restore(
    engine: &dyn Dial,
    rules: &Rules,
    before: &Reserved,
    loaded: &[String],
) -> Result<Option<String>, Lost> {
    let after = reserved(engine, rules).await?;
    let mut taken = None;
    for (name, id) in &after {
        let may_be_taken = loaded.contains(name)
            || rules.hidden_images.iter().any(|hidden| familiar(hidden) == *name);
        if !may_be_taken || before.get(name) == Some(id) {
            continue;
        }
        let (method, target) = match before.get(name) {
            Some(id) => {
                let repository = untagged(name);
                let tag = name.strip_prefix(repository).unwrap_or_default().trim_start_matches(':');
                let mut query = Serializer::new(String::new());
                let query = query.append_pair("repo", repository).append_pair("tag", tag).finish();
                (Method::POST, format!("/images/{id}/tag?{query}"))
            }
            None => (Method::DELETE, format!("/images/{name}?noprune=1")),
        };
        let request = engine::request(method, &target, &HeaderMap::new(), whole(""), None, None);
        let request = request.map_err(|error| Lost::Broken(error.to_string()))?;
        engine::read(engine::send(engine, request).await?.into_body()).await?;
        taken = Some(name.clone());
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_read_from_the_engine_s_answer() {
        let answer = "{\"status\":\"Loading layer\"}\r\n{\"stream\":\"Loaded image: a:1\\n\"}\r\n\
            {\"stream\":\"Loaded image ID: sha256:12\\n\"}\n{\"stream\":\"Loaded image: b\\n\"}\n";
        assert_eq!(loaded(answer.as_bytes()), ["a:1", "b:latest"]);
        assert_eq!(loaded(b"no"), Vec::<String>::new());
    }
}
