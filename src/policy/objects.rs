//! The bodies that make a volume or a network, or join one; and that of `docker login`.

use serde_json::{Value, json};

use super::mounts::{volume_driver, volume_options};
use super::namespaces::endpoint;
use super::no::{No, quoted};
use super::shape::{Check, Context, Field, Rule, Table, labels, rebuild, text, unfit};

const VOLUME: Table = &[&[
    Field("Name", Rule::Check(volume_name)),
    Field("Driver", Rule::Check(volume_driver)),
    Field("DriverOpts", Rule::Check(volume_options)),
    Field("Labels", Rule::Check(labels)),
    Field("ClusterVolumeSpec", Rule::Never("a volume of a cluster")),
]];

const NETWORK: Table = &[&[
    Field("Name", Rule::Text),
    Field("CheckDuplicate", Rule::Flag),
    Field("Driver", Rule::Check(network_driver)),
    Field("Internal", Rule::Flag),
    Field("Attachable", Rule::Flag),
    Field("EnableIPv4", Rule::Flag),
    Field("EnableIPv6", Rule::Flag),
    Field("IPAM", Rule::Object(IPAM)),
    Field("Options", Rule::Check(network_options)),
    Field("Labels", Rule::Check(labels)),
    Field("Scope", Rule::Check(scope)),
    Field("Ingress", Rule::Never("--ingress")),
    Field("ConfigOnly", Rule::Never("--config-only")),
    Field("ConfigFrom", Rule::Check(config_from)),
]];

const IPAM: Table = &[&[
    Field("Driver", Rule::Check(ipam_driver)),
    Field("Options", Rule::Never("--ipam-opt")),
    Field(
        "Config",
        Rule::List(&[&[
            Field("Subnet", Rule::Check(subnet)),
            Field("IPRange", Rule::Text),
            Field("Gateway", Rule::Text),
            Field("AuxiliaryAddresses", Rule::TextMap),
            // What Compose and older clients call it.
            Field("AuxAddress", Rule::TextMap),
        ]]),
    ),
]];

/// Options of the bridge driver that touch nothing but the network itself.
const NETWORK_OPTIONS: [&str; 4] = [
    "com.docker.network.bridge.enable_icc",
    "com.docker.network.bridge.enable_ip_masquerade",
    "com.docker.network.bridge.host_binding_ipv4",
    "com.docker.network.driver.mtu",
];

/// Who somebody is at a registry. The engine asks it, as it does for a push.
const AUTH: Table = &[&[
    Field("username", Rule::Text),
    Field("password", Rule::Text),
    Field("auth", Rule::Text),
    Field("email", Rule::Text),
    Field("serveraddress", Rule::Text),
    Field("identitytoken", Rule::Text),
    Field("registrytoken", Rule::Text),
]];

pub(super) const LOGIN: Check = |value, context| rebuild(value, AUTH, context);
pub(super) const VOLUME_CREATE: Check = |value, context| rebuild(value, VOLUME, context);
pub(super) const NETWORK_CREATE: Check = |value, context| rebuild(value, NETWORK, context);
pub(super) const CONNECT: Check = |value, context| {
    let fields: Table = &[&[
        Field("Container", Rule::Check(container)),
        Field("EndpointConfig", Rule::Check(endpoint)),
    ]];
    rebuild(value, fields, context)
};
pub(super) const DISCONNECT: Check = |value, context| {
    let fields: Table =
        &[&[Field("Container", Rule::Check(container)), Field("Force", Rule::Flag)]];
    rebuild(value, fields, context)
};

fn container(value: Value, context: &Context<'_>) -> Result<Value, No> {
    Ok(context.world.container(text("Container", &value)?)?.into())
}

fn volume_name(value: Value, context: &Context<'_>) -> Result<Value, No> {
    context.world.volume(text("Name", &value)?)?;
    Ok(value)
}

fn network_driver(value: Value, _: &Context<'_>) -> Result<Value, No> {
    match text("Driver", &value)? {
        "" | "bridge" => Ok(value),
        name => Err(No::asked(format!("a network with the driver {}", quoted(name)))),
    }
}

fn ipam_driver(value: Value, _: &Context<'_>) -> Result<Value, No> {
    match text("IPAM.Driver", &value)? {
        "" | "default" => Ok(value),
        name => Err(No::asked(format!("--ipam-driver {}", quoted(name)))),
    }
}

fn scope(value: Value, _: &Context<'_>) -> Result<Value, No> {
    match text("Scope", &value)? {
        "" | "local" => Ok(value),
        name => Err(No::asked(format!("--scope {}", quoted(name)))),
    }
}

/// Clients send `{"Network": ""}` for none.
fn config_from(value: Value, _: &Context<'_>) -> Result<Value, No> {
    let map = value.as_object().ok_or_else(|| unfit("ConfigFrom"))?;
    if map.values().all(super::json::is_nothing) {
        Ok(json!({}))
    } else {
        Err(No::asked("--config-from"))
    }
}

fn network_options(value: Value, _: &Context<'_>) -> Result<Value, No> {
    let map = value.as_object().filter(|map| map.values().all(Value::is_string));
    let unknown = |key: &&String| !NETWORK_OPTIONS.contains(&key.as_str());
    match map.ok_or_else(|| unfit("Options"))?.keys().find(unknown) {
        Some(key) => Err(No::asked(format!("a network with the option {}", quoted(key)))),
        None => Ok(value),
    }
}

/// A private range: another one would take the engine's way to the world, or to a registry.
fn subnet(value: Value, _: &Context<'_>) -> Result<Value, No> {
    let told = text("Subnet", &value)?;
    if told.is_empty() || is_private(told) {
        return Ok(value);
    }
    Err(No::asked(format!("--subnet {}, no private range of addresses", quoted(told))))
}

fn is_private(subnet: &str) -> bool {
    let Some((address, length)) = subnet.split_once('/') else { return false };
    let Ok(length) = length.parse::<u8>() else { return false };
    match address.parse() {
        Ok(std::net::IpAddr::V4(address)) => {
            let least = match address.octets() {
                [10, ..] => 8,
                [172, second, ..] if (16..32).contains(&second) => 12,
                [192, 168, ..] => 16,
                _ => return false,
            };
            length >= least
        }
        Ok(std::net::IpAddr::V6(address)) => address.octets()[0] & 0xfe == 0xfc && length >= 8,
        Err(_) => false,
    }
}
