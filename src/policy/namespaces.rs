//! Namespaces: a container has its own, or another container's of the same student.

use serde_json::{Map, Value};

use super::no::{No, quoted};
use super::shape::{Context, Field, Rule, Table, rebuild, text, texts, unfit};

const ENDPOINT: Table = &[&[
    Field("IPAMConfig", Rule::Object(ADDRESSES)),
    Field("Links", Rule::Check(links)),
    Field("Aliases", Rule::Texts),
    Field("NetworkID", Rule::Check(network)),
    Field("MacAddress", Rule::Text),
    Field("GwPriority", Rule::Number),
    Field("DNSNames", Rule::Texts),
    // What the engine tells of an endpoint, and a client may give back.
    Field("EndpointID", Rule::Text),
    Field("Gateway", Rule::Text),
    Field("IPAddress", Rule::Text),
    Field("IPPrefixLen", Rule::Number),
    Field("IPv6Gateway", Rule::Text),
    Field("GlobalIPv6Address", Rule::Text),
    Field("GlobalIPv6PrefixLen", Rule::Number),
    Field("DriverOpts", Rule::Never("--driver-opt of a network")),
]];

const ADDRESSES: Table = &[&[
    Field("IPv4Address", Rule::Text),
    Field("IPv6Address", Rule::Text),
    Field("LinkLocalIPs", Rule::Texts),
]];

/// `NetworkMode`.
pub(super) fn network_mode(value: Value, context: &Context<'_>) -> Result<Value, No> {
    match text("NetworkMode", &value)? {
        "" | "default" | "bridge" | "none" => Ok(value),
        mode => match of_container(mode, context)? {
            Some(joined) => Ok(joined),
            None if mode.contains(':') => Err(No::asked(format!("--network {}", quoted(mode)))),
            None => network(value, context),
        },
    }
}

/// `PidMode`.
pub(super) fn pid(value: Value, context: &Context<'_>) -> Result<Value, No> {
    namespace("--pid", &["", "private"], value, context)
}

/// `IpcMode`.
pub(super) fn ipc(value: Value, context: &Context<'_>) -> Result<Value, No> {
    namespace("--ipc", &["", "private", "none", "shareable"], value, context)
}

/// `CgroupnsMode`.
pub(super) fn cgroup(value: Value, _: &Context<'_>) -> Result<Value, No> {
    match text("CgroupnsMode", &value)? {
        "" | "private" => Ok(value),
        mode => Err(No::asked(format!("--cgroupns {}", quoted(mode)))),
    }
}

fn namespace(flag: &str, own: &[&str], value: Value, context: &Context<'_>) -> Result<Value, No> {
    let mode = text(flag, &value)?;
    if own.contains(&mode) {
        return Ok(value);
    }
    of_container(mode, context)?.ok_or_else(|| No::asked(format!("{flag} {}", quoted(mode))))
}

/// `container:NAME` with the id of the container that the student means.
fn of_container(mode: &str, context: &Context<'_>) -> Result<Option<Value>, No> {
    let Some(reference) = mode.strip_prefix("container:") else { return Ok(None) };
    let id = context.world.container(reference)?;
    Ok(Some(format!("container:{id}").into()))
}

/// A reference to a network that may be joined.
pub(super) fn network(value: Value, context: &Context<'_>) -> Result<Value, No> {
    match text("the network", &value)? {
        "" => Ok(value),
        reference => Ok(context.world.network(reference)?.into()),
    }
}

/// `NetworkingConfig.EndpointsConfig`: a network, and how to join it.
pub(super) fn endpoints(value: Value, context: &Context<'_>) -> Result<Value, No> {
    let Value::Object(given) = value else { return Err(unfit("EndpointsConfig")) };
    let mut built = Map::new();
    for (name, settings) in given {
        let name = match name.as_str() {
            "default" | "bridge" | "none" => name,
            other => context.world.network(other)?,
        };
        built.insert(name, endpoint(settings, context)?);
    }
    Ok(Value::Object(built))
}

/// How to join a network.
pub(super) fn endpoint(settings: Value, context: &Context<'_>) -> Result<Value, No> {
    if settings.is_null() { Ok(settings) } else { rebuild(settings, ENDPOINT, context) }
}

/// `CONTAINER:ALIAS`.
pub(super) fn links(value: Value, context: &Context<'_>) -> Result<Value, No> {
    for link in texts(&value).ok_or_else(|| unfit("Links"))? {
        let (reference, _alias) = link.split_once(':').unwrap_or((link, ""));
        context.world.container(reference)?;
    }
    Ok(value)
}

/// `CONTAINER[:ro]` of `--volumes-from`, with its id.
pub(super) fn volumes_from(value: Value, context: &Context<'_>) -> Result<Value, No> {
    let of = texts(&value).ok_or_else(|| unfit("VolumesFrom"))?.into_iter().map(|spec| {
        let (reference, mode) = spec.split_once(':').unwrap_or((spec, ""));
        if !["", "ro", "rw", "z", "Z"].contains(&mode) {
            return Err(No::asked(format!("--volumes-from with the option {}", quoted(mode))));
        }
        let id = context.world.container(reference)?;
        Ok(Value::from(if mode.is_empty() { id } else { format!("{id}:{mode}") }))
    });
    Ok(Value::Array(of.collect::<Result<_, _>>()?))
}
