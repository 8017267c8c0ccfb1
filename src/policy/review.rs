//! The pure heart: may this request reach the engine, and as what.

use super::endpoints::{Answer, Body};
use super::json;
use super::no::No;
use super::query::Query;
use super::route::Route;
use super::shape::Context;

/// A request as it is sent to the engine.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Allowed {
    /// Path and query.
    pub(super) target: String,
    /// The body to send; `None` if the request's own is a file that goes on as it comes.
    pub(super) body: Option<Vec<u8>>,
    /// The whole id of the container that the request is about.
    pub(super) container: Option<String>,
    pub(super) answer: Answer,
}

/// Judges a request that was routed. `body` is whole, or nothing if it is a file.
pub(super) fn review(
    route: &Route,
    query: &str,
    body: &[u8],
    context: &Context<'_>,
) -> Result<Allowed, No> {
    let endpoint = route.endpoint;
    let mut query = Query::read(query, endpoint.keys)?;
    if let Some(check) = endpoint.query {
        check(&mut query, context)?;
    }
    let mut subject = route.subject.clone();
    match route.kind() {
        "container" => subject = context.world.container(&subject)?,
        "network" => subject = network(route, context)?,
        "volume" => context.world.volume(&subject)?,
        "image" => context.world.image(&subject)?,
        "exec" => context.world.exec(&subject)?,
        _ => {}
    }
    Ok(Allowed {
        target: format!("{}{}", route.path(&subject), query.print()),
        body: rebuilt(endpoint.body, body, context)?,
        answer: endpoint.answer,
        container: (route.kind() == "container").then_some(subject),
    })
}

/// Everybody may look at the host's network, but not join it.
fn network(route: &Route, context: &Context<'_>) -> Result<String, No> {
    match context.world.network(&route.subject) {
        Err(No::Refused(_)) if !route.endpoint.pattern.ends_with("/connect") => {
            Ok(route.subject.clone())
        }
        other => other,
    }
}

fn rebuilt(body: Body, given: &[u8], context: &Context<'_>) -> Result<Option<Vec<u8>>, No> {
    let (check, optional) = match body {
        Body::File => return Ok(None),
        // Old engines read settings from the body of calls that have none any more.
        Body::Nothing => {
            return match given.trim_ascii() {
                b"" | b"{}" | b"null" => Ok(Some(Vec::new())),
                _ => Err(No::bad("this request has no body")),
            };
        }
        Body::Json { check, optional } => (check, optional),
    };
    if optional && matches!(given.trim_ascii(), b"" | b"null") {
        return Ok(Some(given.trim_ascii().to_vec()));
    }
    let value = json::parse(given)
        .map_err(|error| No::bad(format!("the request's body is not JSON: {error}")))?;
    check(value, context).map(|value| Some(value.to_string().into_bytes()))
}
