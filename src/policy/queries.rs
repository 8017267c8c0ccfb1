//! What the queries of some calls may say.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::create::ULIMIT;
use super::json;
use super::names::untagged;
use super::no::{No, quoted};
use super::query::Query;
use super::shape::{Context, Field, Rule, Table, rebuild};
use super::world::OUR_LABEL;

/// A look at a query, which may change it.
pub(super) type Check = fn(&mut Query, &Context<'_>) -> Result<(), No>;

/// Nothing from before the play is told.
pub(super) fn events(query: &mut Query, context: &Context<'_>) -> Result<(), No> {
    // Without a time, only what is to come is told; but an end alone means from the beginning.
    if query.get("since").is_empty() && query.get("until").is_empty() {
        return Ok(());
    }
    let start = context.rules.since;
    let since = moment(query.get("since")).filter(|since| *since > start).unwrap_or(start);
    let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
    query.set("since", format!("{}.{:09}", since.as_secs(), since.subsec_nanos()));
    Ok(())
}

/// Seconds since 1970, and a fraction: `1700000000.000000001`.
fn moment(text: &str) -> Option<SystemTime> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos = format!("{fraction:0<9}").parse().ok()?;
    UNIX_EPOCH.checked_add(std::time::Duration::new(seconds.parse().ok()?, nanos))
}

/// What is ours is not pruned.
pub(super) fn spare(query: &mut Query, _: &Context<'_>) -> Result<(), No> {
    query.spare(OUR_LABEL)
}

pub(super) fn spare_images(query: &mut Query, _: &Context<'_>) -> Result<(), No> {
    query.spare("grade.image.run")
}

/// `ps` runs on the engine's side.
pub(super) fn top(query: &mut Query, _: &Context<'_>) -> Result<(), No> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || " ,=-+:%_".contains(c);
    let args = query.get("ps_args");
    if args.chars().all(harmless) {
        Ok(())
    } else {
        Err(No::asked(format!("docker top with {}", quoted(args))))
    }
}

pub(super) fn commit(query: &mut Query, context: &Context<'_>) -> Result<(), No> {
    let id = context.world.container(query.get("container"))?;
    query.set("container", id);
    free(query.get("repo"), query.get("tag"), context)
}

pub(super) fn tag(query: &mut Query, context: &Context<'_>) -> Result<(), No> {
    free(query.get("repo"), query.get("tag"), context)
}

/// A pull, or the import of what is sent. The engine fetches no file of an address.
pub(super) fn pull(query: &mut Query, context: &Context<'_>) -> Result<(), No> {
    match query.get("fromSrc") {
        "" | "-" => {}
        source => {
            return Err(No::asked(format!("docker import of the address {}", quoted(source))));
        }
    }
    let tag = query.get("tag");
    let image = query.get("fromImage");
    if tag.is_empty() && !image.contains('@') && untagged(image) == image {
        // All that the repository has.
        free(&format!("{image}@"), "", context)?;
    }
    // An import ignores this key, a pull the next.
    free(query.get("fromImage"), tag, context)?;
    free(query.get("repo"), tag, context)
}

/// A name that may be given to an image: none of ours.
fn free(repository: &str, tag: &str, context: &Context<'_>) -> Result<(), No> {
    if repository.is_empty() {
        return Ok(());
    }
    let bare = untagged(repository.split('@').next().unwrap_or_default());
    let name = match tag {
        "" => repository.to_owned(),
        digest if digest.contains(':') => format!("{bare}@{digest}"),
        // In the place of one that the repository's own name has.
        tag => format!("{bare}:{tag}"),
    };
    let ours = context.world.ours.image(&name) || context.world.ours.image(repository);
    if ours { Err(No::asked(format!("the image name {}", quoted(&name)))) } else { Ok(()) }
}

/// The images of a `docker save`.
pub(super) fn names(query: &mut Query, context: &Context<'_>) -> Result<(), No> {
    let mut names = query.all("names").flat_map(|names| names.split(','));
    names.try_for_each(|name| context.world.image(name))
}

pub(super) fn build(query: &mut Query, context: &Context<'_>) -> Result<(), No> {
    match query.get("version") {
        // With the engine's older builder, which knows no frontends.
        "" | "1" => {}
        // Nothing could be said there of a `# syntax=` line; see `grpc::solve`.
        _ => {
            return Err(No::asked(
                "a build in the way of docker commands before version 23, which buildx replaced",
            ));
        }
    }
    buildargs(query)?;
    match query.get("networkmode") {
        "" | "default" | "bridge" | "none" => {}
        mode => return Err(No::asked(format!("docker build --network {}", quoted(mode)))),
    }
    match query.get("remote") {
        // How clients say that they send the context themselves.
        "" | "client-session" | "upload-request" => {}
        address => return Err(No::asked(format!("a build of the address {}", quoted(address)))),
    }
    match query.get("isolation") {
        "" | "default" => {}
        mode => return Err(No::asked(format!("--isolation {}", quoted(mode)))),
    }
    for name in query.all("t") {
        free(name, "", context)?;
    }
    let ulimits = match query.get("ulimits") {
        "" => return Ok(()),
        text => json::parse(text.as_bytes()),
    };
    let ulimits = ulimits.map_err(|_| No::bad("the ulimits are no JSON"))?;
    const TABLE: Table = &[&[Field("Ulimits", Rule::List(ULIMIT))]];
    let built = rebuild(json!({ "Ulimits": ulimits }), TABLE, context)?;
    query.set("ulimits", built.get("Ulimits").unwrap_or(&Value::Null).to_string());
    Ok(())
}

/// A frontend of one's own is not to be had by this way either.
fn buildargs(query: &mut Query) -> Result<(), No> {
    let text = match query.get("buildargs") {
        "" => return Ok(()),
        text => text,
    };
    let Ok(Value::Object(given)) = json::parse(text.as_bytes()) else {
        return Err(No::bad("the buildargs are no JSON object"));
    };
    if given.keys().any(|key| key == "BUILDKIT_SYNTAX") {
        return Err(No::asked("a frontend image (BUILDKIT_SYNTAX)"));
    }
    query.set("buildargs", Value::Object(given).to_string());
    Ok(())
}
