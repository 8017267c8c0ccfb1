//! Names that an archive gives to images: none of ours stays with another image.

use std::collections::BTreeMap;

use http::{HeaderMap, Method};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::Rules;
use super::engine::{self, Dial, Lost, whole};
use super::names::untagged;

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

/// Gives the reserved names back to the images that had them; the answer is one that was taken.
pub(super) async fn restore(
    engine: &dyn Dial,
    rules: &Rules,
    before: &Reserved,
) -> Result<Option<String>, Lost> {
    let after = reserved(engine, rules).await?;
    let mut taken = None;
    for (name, _) in after.iter().filter(|(name, id)| before.get(*name) != Some(*id)) {
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
