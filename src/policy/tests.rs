//! Requests, and what becomes of them: one table of what is refused, one of what real clients send.

mod allowed;
mod hidden;
mod refused;

use serde_json::{Value, json};

use super::Rules;
use super::no::No;
use super::review::{Allowed, review};
use super::route::Route;
use super::shape::Context;
use super::world::{OUR_LABEL, Ours, Part, World};

const WEB: &str = "aaaa000000000000000000000000000000000000000000000000000000000001";
const OURS: &str = "bbbb000000000000000000000000000000000000000000000000000000000002";

/// An engine with a container of the student's, `web`, and things of the grader's.
fn world() -> World {
    let ours = Ours { images: vec!["grade/script:1".to_owned()], ..Ours::default() };
    let mut world = World::new(ours);
    let label = json!({OUR_LABEL: "r1"});
    world.learn(
        Part::Containers,
        &json!([
            {"Id": WEB, "Names": ["/web"], "Labels": {}},
            {"Id": OURS, "Names": ["/script"], "Labels": label},
        ]),
    );
    world.learn(
        Part::Networks,
        &json!([
            {"Id": "cccc01", "Name": "host", "Driver": "host", "Labels": {}},
            {"Id": "cccc02", "Name": "bridge", "Driver": "bridge", "Labels": {}},
            {"Id": "cccc03", "Name": "app_default", "Driver": "bridge", "Labels": {}},
            {"Id": "dddd01", "Name": "wires", "Driver": "bridge", "Labels": label},
        ]),
    );
    world.learn(Part::Volumes, &json!({"Volumes": [{"Name": "secrets", "Labels": label}]}));
    world.learn(
        Part::Images,
        &json!([
            {"Id": "sha256:eeee01", "RepoTags": ["grade/script:1"]},
            {"Id": "sha256:ffff01", "RepoTags": ["busybox:latest"]},
        ]),
    );
    world.learn_exec(&json!({"ContainerID": WEB}));
    world
}

fn ask_with(world: &World, method: &str, target: &str, body: &str) -> Result<Allowed, No> {
    let mut rules = Rules::new("/srv/submission");
    rules.since = std::time::UNIX_EPOCH + std::time::Duration::new(1_000, 5);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let route = Route::find(method, path)?;
    review(&route, query, body.as_bytes(), &Context { rules: &rules, world })
}

fn ask(method: &str, target: &str, body: &str) -> Result<Allowed, No> {
    ask_with(&world(), method, target, body)
}

fn create(body: &Value) -> Result<Allowed, No> {
    ask("POST", "/v1.41/containers/create", &body.to_string())
}

/// The body that is sent.
fn sent(allowed: Result<Allowed, No>) -> Value {
    serde_json::from_slice(&allowed.unwrap().body.unwrap()).unwrap()
}
