//! Settings of a container that are harmless up to a point, each with its point.

use serde_json::{Value, json};

use super::no::{No, quoted};
use super::shape::{Context, Field, Rule, Table, rebuild, text, texts, unfit};

/// What every container may do anyway.
const CAPABILITIES: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Options of the log drivers that keep the log on the engine.
const LOG_OPTIONS: [&str; 9] = [
    "max-size",
    "max-file",
    "max-buffer-size",
    "mode",
    "compress",
    "labels",
    "labels-regex",
    "env",
    "tag",
];

pub(super) fn image(value: Value, context: &Context<'_>) -> Result<Value, No> {
    context.world.image(text("Image", &value)?)?;
    Ok(value)
}

pub(super) fn capabilities(value: Value, _: &Context<'_>) -> Result<Value, No> {
    for name in texts(&value).ok_or_else(|| unfit("CapAdd"))? {
        let upper = name.to_ascii_uppercase();
        if !CAPABILITIES.contains(&upper.strip_prefix("CAP_").unwrap_or(&upper)) {
            return Err(No::asked(format!("--cap-add {}", quoted(name))));
        }
    }
    Ok(value)
}

pub(super) fn security(value: Value, _: &Context<'_>) -> Result<Value, No> {
    for option in texts(&value).ok_or_else(|| unfit("SecurityOpt"))? {
        let (name, setting) = option.split_once([':', '=']).unwrap_or((option, ""));
        if name != "no-new-privileges" || !["", "true", "false"].contains(&setting) {
            return Err(No::asked(format!("--security-opt {}", quoted(option))));
        }
    }
    Ok(value)
}

/// An empty list is no default here: it uncovers all of /proc.
pub(super) fn unmasked(_: Value, _: &Context<'_>) -> Result<Value, No> {
    Err(No::asked("--security-opt systempaths=unconfined"))
}

/// Only what belongs to the container's own network.
pub(super) fn sysctls(value: Value, _: &Context<'_>) -> Result<Value, No> {
    let map = value.as_object().filter(|map| map.values().all(Value::is_string));
    for name in map.ok_or_else(|| unfit("Sysctls"))?.keys() {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if !plain || !(name.starts_with("net.ipv4.") || name.starts_with("net.ipv6.")) {
            return Err(No::asked(format!("--sysctl {}", quoted(name))));
        }
    }
    Ok(value)
}

/// A process that may run before all others could take the machine's time from them.
pub(super) fn ulimit(value: Value, _: &Context<'_>) -> Result<Value, No> {
    match text("the name of a ulimit", &value)? {
        name if !is_ulimit(name) => Err(No::asked(format!("--ulimit {name}"))),
        _ => Ok(value),
    }
}

/// Whether a limit of that name takes nothing from others.
pub(super) fn is_ulimit(name: &str) -> bool {
    !matches!(name, "rtprio" | "rttime" | "nice")
}

/// Below zero, others are ended in the container's place when memory runs out.
pub(super) fn oom_score(value: Value, _: &Context<'_>) -> Result<Value, No> {
    match value.as_i64() {
        Some(score) if score >= 0 => Ok(value),
        Some(score) => Err(No::asked(format!("--oom-score-adj {score}"))),
        None => Err(unfit("OomScoreAdj")),
    }
}

pub(super) fn runtime(value: Value, _: &Context<'_>) -> Result<Value, No> {
    match text("Runtime", &value)? {
        "" | "runc" | "io.containerd.runc.v2" => Ok(value),
        name => Err(No::asked(format!("--runtime {}", quoted(name)))),
    }
}

pub(super) fn isolation(value: Value, _: &Context<'_>) -> Result<Value, No> {
    match text("Isolation", &value)? {
        "" | "default" => Ok(value),
        name => Err(No::asked(format!("--isolation {}", quoted(name)))),
    }
}

pub(super) fn log_driver(value: Value, _: &Context<'_>) -> Result<Value, No> {
    match text("LogConfig.Type", &value)? {
        "" | "json-file" | "local" | "none" => Ok(value),
        name => Err(No::asked(format!("--log-driver {}", quoted(name)))),
    }
}

pub(super) fn log_options(value: Value, _: &Context<'_>) -> Result<Value, No> {
    let map = value.as_object().filter(|map| map.values().all(Value::is_string));
    let unknown = |key: &&String| !LOG_OPTIONS.contains(&key.as_str());
    match map.ok_or_else(|| unfit("LogConfig.Config"))?.keys().find(unknown) {
        Some(key) => Err(No::asked(format!("--log-opt {}", quoted(key)))),
        None => Ok(value),
    }
}

/// Two numbers: rows and columns.
pub(super) fn size(value: Value, _: &Context<'_>) -> Result<Value, No> {
    let numbers = value.as_array().filter(|list| list.iter().all(Value::is_u64));
    if numbers.is_some_and(|list| list.len() == 2) { Ok(value) } else { Err(unfit("ConsoleSize")) }
}

/// `{"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}`
pub(super) fn ports(value: Value, context: &Context<'_>) -> Result<Value, No> {
    const BINDING: Table = &[&[Field("HostIp", Rule::Text), Field("HostPort", Rule::Text)]];
    let Value::Object(ports) = value else { return Err(unfit("PortBindings")) };
    let ports = ports.into_iter().map(|(port, bindings)| {
        let bindings = match bindings {
            Value::Null => Vec::new(),
            Value::Array(bindings) => bindings,
            _ => return Err(unfit("PortBindings")),
        };
        let bindings = bindings.into_iter().map(|one| rebuild(one, BINDING, context));
        Ok((port, json!(bindings.collect::<Result<Vec<_>, _>>()?)))
    });
    Ok(Value::Object(ports.collect::<Result<_, _>>()?))
}
