//! What a Dockerfile's build may be told: the attributes of the frontend.

use std::collections::HashMap;

use serde_json::Value;

use super::solve::import;
use crate::policy::harmless::is_ulimit;
use crate::policy::json;
use crate::policy::no::{No, quoted};

/// Attributes that may have any value.
const PLAIN: &[&str] = &[
    "add-hosts",
    "build-arg:SOURCE_DATE_EPOCH",
    "cache-from",
    "context",
    "contextkey",
    "contextsubdir",
    "dockerfilekey",
    "filename",
    "frontend.caps",
    "hostname",
    "image-resolve-mode",
    "multi-platform",
    "no-cache",
    "platform",
    "requestid",
    "shm-size",
    "source-date-epoch",
    "target",
];

/// The first words of such.
const FAMILIES: &[&str] = &[
    "attest:",
    "build-arg:",
    "context:",
    "frontend.",
    "input-metadata:",
    "label:",
    "local-sessionid:",
    "vcs:",
];

/// Attributes that are not allowed, and what the command line calls them.
const NEVER: &[(&str, &str)] = &[
    ("cgroup-parent", "--cgroup-parent"),
    ("device", "docker build --device"),
    ("source", "a frontend image (BUILDKIT_SYNTAX)"),
    ("build-arg:BUILDKIT_SYNTAX", "a frontend image (BUILDKIT_SYNTAX)"),
];

/// The attributes that are sent.
pub(super) fn review(given: HashMap<String, String>) -> Result<HashMap<String, String>, No> {
    let mut sent = HashMap::new();
    for (key, value) in given {
        if let Some((_, words)) = NEVER.iter().find(|(never, _)| *never == key) {
            return Err(match value.as_str() {
                "" => No::asked(*words),
                value => No::asked(format!("{words} {}", quoted(value))),
            });
        }
        match (key.as_str(), value.as_str()) {
            ("force-network-mode", "" | "default" | "bridge" | "none" | "sandbox") => {}
            ("force-network-mode", mode) => {
                return Err(No::asked(format!("docker build --network {}", quoted(mode))));
            }
            ("ulimit", limits) => limits.split(',').try_for_each(|limit| {
                let name = limit.split('=').next().unwrap_or_default().trim();
                if is_ulimit(name) {
                    Ok(())
                } else {
                    Err(No::asked(format!("--ulimit {}", quoted(name))))
                }
            })?,
            ("cache-imports", imports) => cache_imports(imports)?,
            // Ours to say.
            ("cmdline", _) => continue,
            (key, _) => {
                let known =
                    PLAIN.contains(&key) || FAMILIES.iter().any(|family| key.starts_with(family));
                if !known {
                    return Err(No::asked(format!("the build setting {}", quoted(key))));
                }
            }
        }
        sent.insert(key, value);
    }
    Ok(sent)
}

/// Caches in the older place for them, as JSON.
fn cache_imports(text: &str) -> Result<(), No> {
    let malformed = || No::bad("the cache imports are malformed");
    let list = match text {
        "" => return Ok(()),
        text => json::parse(text.as_bytes()).map_err(|_| malformed())?,
    };
    let (Value::Array(_) | Value::Null) = &list else { return Err(malformed()) };
    for entry in list.as_array().into_iter().flatten() {
        // Go finds a field whatever its letters' case.
        let Value::Object(fields) = entry else { return Err(malformed()) };
        let (mut kind, mut keys) = ("", Vec::new());
        for (name, value) in fields {
            match (name.to_ascii_lowercase().as_str(), value) {
                ("type", Value::String(text)) if kind.is_empty() => kind = text,
                ("attrs", Value::Object(attributes)) => keys.extend(attributes.keys()),
                (_, Value::Null) => {}
                _ => return Err(malformed()),
            }
        }
        import(kind, keys.into_iter())?;
    }
    Ok(())
}
