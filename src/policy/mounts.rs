//! Mounts: what a container may see of the host is the submission's folder.

use serde_json::{Value, json};

use super::no::{No, quoted};
use super::shape::{Context, Field, Rule, Table, labels, rebuild, text, texts, unfit};

/// An item of `HostConfig.Mounts`.
const MOUNT: Table = &[&[
    Field("Type", Rule::Check(kind)),
    Field("Source", Rule::Text),
    Field("Target", Rule::Text),
    Field("ReadOnly", Rule::Flag),
    Field("Consistency", Rule::Text),
    Field("BindOptions", Rule::Object(BIND)),
    Field("VolumeOptions", Rule::Object(VOLUME)),
    Field("TmpfsOptions", Rule::Object(TMPFS)),
]];

const BIND: Table = &[&[
    Field("Propagation", Rule::Check(propagation)),
    Field("NonRecursive", Rule::Flag),
    Field("CreateMountpoint", Rule::Flag),
    Field("ReadOnlyNonRecursive", Rule::Flag),
    Field("ReadOnlyForceRecursive", Rule::Flag),
]];

const VOLUME: Table = &[&[
    Field("NoCopy", Rule::Flag),
    Field("Labels", Rule::Check(labels)),
    Field("DriverConfig", Rule::Object(DRIVER)),
    Field("Subpath", Rule::Text),
]];

const DRIVER: Table =
    &[&[Field("Name", Rule::Check(volume_driver)), Field("Options", Rule::Check(volume_options))]];

const TMPFS: Table = &[&[Field("SizeBytes", Rule::Number), Field("Mode", Rule::Number)]];

/// Propagations that carry nothing out of the container.
const INWARD: [&str; 4] = ["private", "rprivate", "slave", "rslave"];

/// What may stand in the third part of `-v`, besides a propagation.
const MODES: [&str; 9] =
    ["rw", "ro", "z", "Z", "nocopy", "copy", "cached", "delegated", "consistent"];

/// `HostConfig.Mounts`.
pub(super) fn mounts(value: Value, context: &Context<'_>) -> Result<Value, No> {
    let Value::Array(items) = value else { return Err(unfit("Mounts")) };
    let items = items.into_iter().map(|item| {
        let mut mount = rebuild(item, MOUNT, context)?;
        let source = mount["Source"].as_str().unwrap_or_default().to_owned();
        match mount["Type"].as_str() {
            Some("bind") => mount["Source"] = inside(&source, context)?.into(),
            Some("volume") => context.world.volume(&source)?,
            Some("tmpfs") => {}
            _ => return Err(No::bad("a mount without a type")),
        }
        Ok(mount)
    });
    Ok(Value::Array(items.collect::<Result<_, _>>()?))
}

fn kind(value: Value, _: &Context<'_>) -> Result<Value, No> {
    match text("Type", &value)? {
        "bind" | "volume" | "tmpfs" => Ok(value),
        other => Err(No::asked(format!("--mount type={}", quoted(other)))),
    }
}

fn propagation(value: Value, _: &Context<'_>) -> Result<Value, No> {
    match text("Propagation", &value)? {
        "" => Ok(value),
        one if INWARD.contains(&one) => Ok(value),
        other => Err(No::asked(format!("bind-propagation={}", quoted(other)))),
    }
}

/// `HostConfig.Binds`: `SOURCE:TARGET[:MODES]`, where a source without a slash in front is a volume.
pub(super) fn binds(value: Value, context: &Context<'_>) -> Result<Value, No> {
    let specs = texts(&value).ok_or_else(|| unfit("Binds"))?;
    let binds = specs.into_iter().map(|spec| bind(spec, context));
    Ok(json!(binds.collect::<Result<Vec<_>, _>>()?))
}

fn bind(spec: &str, context: &Context<'_>) -> Result<String, No> {
    let parts: Vec<&str> = spec.split(':').collect();
    let (source, rest) = match parts[..] {
        [_target] => return Ok(spec.to_owned()),
        [source, ref rest @ ..] if rest.len() <= 2 => (source, rest),
        _ => return Err(No::bad(format!("invalid volume specification: '{}'", quoted(spec)))),
    };
    for mode in rest.get(1).into_iter().flat_map(|modes| modes.split(',')) {
        if !(MODES.contains(&mode) || INWARD.contains(&mode) || mode.is_empty()) {
            return Err(No::asked(format!("a mount with the option {}", quoted(mode))));
        }
    }
    let source = if source.starts_with('/') {
        inside(source, context)?
    } else {
        context.world.volume(source)?;
        source.to_owned()
    };
    Ok(format!("{source}:{}", rest.join(":")))
}

/// A path of the submission's folder, with nothing in it that leads elsewhere. Links inside the
/// folder are not followed by the mount of the folder itself.
fn inside(source: &str, context: &Context<'_>) -> Result<String, No> {
    if !source.starts_with('/') {
        return Err(No::bad(format!("invalid mount path: '{}' must be absolute", quoted(source))));
    }
    let parts: Vec<&str> = source.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let clean = format!("/{}", parts.join("/"));
    let leads_out = parts.contains(&"..") || source.contains(char::is_control);
    if leads_out || !std::path::Path::new(&clean).starts_with(&context.rules.folder) {
        return Err(No::asked(format!(
            "a mount of {}, outside of the submission's folder",
            quoted(source)
        )));
    }
    Ok(clean)
}

/// `HostConfig.VolumeDriver`, and a volume's driver.
pub(super) fn volume_driver(value: Value, _: &Context<'_>) -> Result<Value, No> {
    match text("Driver", &value)? {
        "" | "local" => Ok(value),
        other => Err(No::asked(format!("the volume driver {}", quoted(other)))),
    }
}

/// A volume's options can mount anything of the host: only a tmpfs may be asked for.
pub(super) fn volume_options(value: Value, _: &Context<'_>) -> Result<Value, No> {
    let options = value.as_object().ok_or_else(|| unfit("DriverOpts"))?;
    let get = |key: &str| options.get(key).and_then(Value::as_str).unwrap_or_default();
    let harmless = options.is_empty()
        || options.keys().all(|key| ["type", "device", "o"].contains(&key.as_str()))
            && options.values().all(Value::is_string)
            && get("type") == "tmpfs"
            && ["tmpfs", "none", ""].contains(&get("device"))
            && get("o").split(',').all(is_tmpfs_option);
    if harmless {
        return Ok(value);
    }
    let told: Vec<String> = options
        .iter()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    Err(No::asked(format!("a volume with the options {}", quoted(&told.join(" ")))))
}

fn is_tmpfs_option(option: &str) -> bool {
    let (key, value) = option.split_once('=').unwrap_or((option, ""));
    match key {
        "size" | "mode" | "uid" | "gid" | "nr_inodes" => {
            !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '%')
        }
        "" | "rw" | "ro" | "nosuid" | "nodev" | "noexec" => value.is_empty(),
        _ => false,
    }
}
