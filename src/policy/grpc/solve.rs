//! Builds, field by field: what may be asked of BuildKit's `Solve`, and in which words the rest is refused.

use std::collections::HashMap;

use bollard_buildkit_proto::moby::buildkit::v1::frontend::{
    CacheOptionsEntry as BridgeImport, SolveRequest as BridgeSolve,
};
use bollard_buildkit_proto::moby::buildkit::v1::{
    CacheOptions, CacheOptionsEntry, Exporter, SolveRequest,
};
use bollard_buildkit_proto::pb::Definition;
use prost::Message;

use super::attributes;
use crate::policy::Rules;
use crate::policy::no::{No, quoted};

/// The frontend that is a part of the engine.
const DOCKERFILE: &str = "dockerfile.v0";

/// A message as it is sent.
#[derive(Debug)]
pub(super) struct Reviewed {
    pub(super) message: Vec<u8>,
    /// Names of sessions in it: each has to be one that the caller opened.
    pub(super) sessions: Vec<String>,
}

type Attributes = HashMap<String, String>;

/// A build as the builder is asked for it.
pub(super) fn control(message: &[u8], rules: &Rules) -> Result<Reviewed, No> {
    let asked = SolveRequest::decode(message).map_err(unreadable)?;
    // By name, so that a field that is new has to be looked at.
    let SolveRequest {
        r#ref,
        definition,
        exporter_deprecated,
        exporter_attrs_deprecated,
        session,
        frontend,
        frontend_attrs,
        cache,
        entitlements,
        frontend_inputs,
        internal,
        source_policy,
        exporters,
        // The session would name exporters that nobody has seen. Clients do without.
        enable_session_exporter: _,
        source_policy_session,
    } = asked;
    // The attributes say it in the command line's words, where an entitlement comes with one.
    let frontend_attrs =
        of_frontend(&frontend, frontend_attrs, &definition, frontend_inputs.is_empty())?;
    if let Some(entitlement) = entitlements.first() {
        return Err(No::asked(format!("docker build --allow {}", quoted(entitlement))));
    }
    if source_policy.is_some() || !source_policy_session.is_empty() {
        return Err(No::asked("a source policy for a build"));
    }
    exporter(&exporter_deprecated, &exporter_attrs_deprecated, rules)?;
    for Exporter { r#type, attrs } in &exporters {
        exporter(r#type, attrs, rules)?;
    }
    let mut sessions = sessions_of(&frontend_attrs);
    sessions.extend((!session.is_empty()).then(|| session.clone()));
    let sent = SolveRequest {
        r#ref,
        exporter_deprecated,
        exporter_attrs_deprecated,
        session,
        frontend,
        frontend_attrs,
        cache: cache.map(of_cache).transpose()?,
        internal,
        exporters,
        ..SolveRequest::default()
    };
    Ok(Reviewed { message: sent.encode_to_vec(), sessions })
}

/// A build as a client that puts builds together asks for a part of it: buildx does so for each.
pub(super) fn bridge(message: &[u8], _: &Rules) -> Result<Reviewed, No> {
    let asked = BridgeSolve::decode(message).map_err(unreadable)?;
    let BridgeSolve {
        definition,
        frontend,
        frontend_opt,
        allow_result_return,
        allow_result_array_ref,
        r#final,
        exporter_attr,
        cache_imports,
        frontend_inputs,
        evaluate,
        source_policies,
    } = asked;
    let frontend_opt =
        of_frontend(&frontend, frontend_opt, &definition, frontend_inputs.is_empty())?;
    if !source_policies.is_empty() {
        return Err(No::asked("a source policy for a build"));
    }
    if !exporter_attr.is_empty() {
        return Err(No::bad("this call is older than the engine"));
    }
    for BridgeImport { r#type, attrs } in &cache_imports {
        import(r#type, attrs.keys())?;
    }
    let sessions = sessions_of(&frontend_opt);
    let sent = BridgeSolve {
        frontend,
        frontend_opt,
        allow_result_return,
        allow_result_array_ref,
        r#final,
        cache_imports,
        evaluate,
        ..BridgeSolve::default()
    };
    Ok(Reviewed { message: sent.encode_to_vec(), sessions })
}

/// The attributes that a frontend is sent.
fn of_frontend(
    frontend: &str,
    attributes: Attributes,
    definition: &Option<Definition>,
    without_inputs: bool,
) -> Result<Attributes, No> {
    let mut attributes = attributes::review(attributes)?;
    match frontend {
        // A `# syntax=` line would have an image of the student's say what is run, and how: with
        // another's control group, for one. Whoever writes the usual line gets what it stands for.
        DOCKERFILE => {
            attributes.insert("cmdline".to_owned(), String::new());
        }
        // The client asks for the parts itself.
        "" => {}
        other => return Err(No::asked(format!("the build frontend {}", quoted(other)))),
    }
    // What a definition says of a step is not reviewed.
    if definition.as_ref().is_some_and(|definition| *definition != Definition::default()) {
        return Err(No::asked("a build without a Dockerfile"));
    }
    if !without_inputs {
        return Err(No::asked("a build that has another build's result for a context"));
    }
    Ok(attributes)
}

/// The sessions that single parts of a context come from.
fn sessions_of(attributes: &Attributes) -> Vec<String> {
    let of_parts = attributes.iter().filter(|(key, _)| key.starts_with("local-sessionid:"));
    of_parts.map(|(_, session)| session.clone()).collect()
}

/// Where a result goes: an image of the engine's, or back to the client.
fn exporter(kind: &str, attributes: &Attributes, rules: &Rules) -> Result<(), No> {
    const KNOWN: &[&str] = &[
        "buildinfo",
        "buildinfo-attrs",
        "compression",
        "compression-level",
        "dest",
        "force-compression",
        "force-inline-attestations",
        "load",
        "mode",
        "name",
        "name-canonical",
        "oci-artifact",
        "oci-mediatypes",
        "platform-split",
        "prefer-nondist-layers",
        "preferNondistLayers",
        "push",
        "push-by-digest",
        "registry.insecure",
        "rewrite-timestamp",
        "source-date-epoch",
        "store",
        "tar",
        "unpack",
    ];
    if !["", "moby", "image", "local", "tar", "oci", "docker"].contains(&kind) {
        return Err(No::asked(format!("docker build --output type={}", quoted(kind))));
    }
    for (key, value) in attributes {
        if key == "name" {
            // It stands for a name that comes with the result.
            if value.contains('*') {
                return Err(No::asked(format!("the image name {}", quoted(value))));
            }
            let mut names = value.split(',').map(str::trim);
            if let Some(name) = names.find(|name| rules.is_reserved(name)) {
                return Err(No::asked(format!("the image name {}", quoted(name))));
            }
        }
        let is_note = ["annotation", "containerimage.", "attestation-"]
            .iter()
            .any(|prefix| key.starts_with(prefix));
        if !is_note && !KNOWN.contains(&key.as_str()) {
            return Err(No::asked(format!("docker build --output with {}", quoted(key))));
        }
    }
    Ok(())
}

fn of_cache(cache: CacheOptions) -> Result<CacheOptions, No> {
    let CacheOptions {
        export_ref_deprecated,
        import_refs_deprecated,
        export_attrs_deprecated,
        exports,
        imports,
    } = cache;
    if !export_ref_deprecated.is_empty() || !export_attrs_deprecated.is_empty() {
        return Err(No::asked("docker build --cache-to"));
    }
    for CacheOptionsEntry { r#type, attrs } in &exports {
        let harmless = attrs.keys().all(|key| ["mode", "ignore-error"].contains(&key.as_str()));
        if r#type != "inline" || !harmless {
            return Err(No::asked(format!("docker build --cache-to type={}", quoted(r#type))));
        }
    }
    for CacheOptionsEntry { r#type, attrs } in &imports {
        import(r#type, attrs.keys())?;
    }
    Ok(CacheOptions { import_refs_deprecated, exports, imports, ..CacheOptions::default() })
}

/// A cache that an image in a registry has in it.
pub(super) fn import<'a>(
    kind: &str,
    mut attributes: impl Iterator<Item = &'a String>,
) -> Result<(), No> {
    let harmless = |key: &String| ["ref", "registry.insecure"].contains(&key.as_str());
    if ["registry", "inline"].contains(&kind) && attributes.all(harmless) {
        Ok(())
    } else {
        Err(No::asked(format!("docker build --cache-from type={}", quoted(kind))))
    }
}

fn unreadable(error: prost::DecodeError) -> No {
    No::bad(format!("the call's message is malformed: {error}"))
}

#[cfg(test)]
mod tests;
