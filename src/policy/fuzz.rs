//! The door for fuzzing (`ci/fuzz`): the review, before an engine with little on it. No other build
//! has it but that of tests, which keeps it compiling.

use serde_json::json;

use super::Rules;
use super::review::review as reviewed;
use super::route::Route;
use super::shape::Context;
use super::world::{OUR_LABEL, Ours, Part, World};

const WEB: &str = "aaaa000000000000000000000000000000000000000000000000000000000001";
/// The ids and names of what is the grader's.
pub const OURS: [&str; 4] = [
    "bbbb000000000000000000000000000000000000000000000000000000000002",
    "script-of-the-grader",
    "dddd01",
    "volume-of-the-grader",
];

/// A request as the engine would get it.
#[derive(Debug, PartialEq, Eq)]
pub struct Sent {
    /// Path and query.
    pub target: String,
    /// The body; none where a file goes on as it comes.
    pub body: Option<Vec<u8>>,
}

/// What the engine would get of a request; none when it is refused.
pub fn review(method: &str, target: &str, body: &[u8]) -> Option<Sent> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let route = Route::find(method, path).ok()?;
    let mut rules = Rules::new("/srv/submission");
    rules.since = std::time::UNIX_EPOCH;
    let world = world();
    let allowed = reviewed(&route, query, body, &Context { rules: &rules, world: &world }).ok()?;
    Some(Sent { target: allowed.target, body: allowed.body })
}

fn world() -> World {
    let mut world = World::new(Ours::default());
    let label = json!({OUR_LABEL: "run"});
    let [container, name, network, volume] = OURS;
    world.learn(
        Part::Containers,
        &json!([
            {"Id": WEB, "Names": ["/web"], "Labels": {}},
            {"Id": container, "Names": [format!("/{name}")], "Labels": label},
        ]),
    );
    world.learn(
        Part::Networks,
        &json!([
            {"Id": "cccc01", "Name": "app_default", "Driver": "bridge", "Labels": {}},
            {"Id": network, "Name": "wires", "Driver": "bridge", "Labels": label},
        ]),
    );
    world.learn(Part::Volumes, &json!({"Volumes": [{"Name": volume, "Labels": label}]}));
    world.learn(Part::Images, &json!([{"Id": "sha256:ffff01", "RepoTags": ["busybox:latest"]}]));
    world.learn_exec(&json!({"ContainerID": WEB}));
    world
}
