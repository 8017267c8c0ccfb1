//! What is on the engine, and how it finds a thing by what a request calls it. What is ours is not there.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::names::{familiar, is_reserved};
use super::no::{No, quoted};

/// A container with this label is the grader's own, unless it was made through the policy.
pub const OUR_LABEL: &str = "grade.run";

/// What was on the engine when a request came in; of each kind only if the request needs it.
#[derive(Debug, Default)]
pub(super) struct World {
    containers: Vec<Thing>,
    networks: Vec<Thing>,
    volumes: Vec<Thing>,
    images: Vec<Thing>,
    /// The container that the request's exec belongs to.
    exec: Option<String>,
    pub(super) ours: Ours,
}

/// A part of the world that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Containers,
    Networks,
    Volumes,
    Images,
}

impl Part {
    pub(super) const ALL: &[Self] =
        &[Self::Containers, Self::Networks, Self::Volumes, Self::Images];

    /// Where the engine tells it.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Containers => "/containers/json?all=1",
            Self::Networks => "/networks",
            Self::Volumes => "/volumes",
            Self::Images => "/images/json",
        }
    }
}

#[derive(Debug, Default)]
struct Thing {
    id: String,
    names: Vec<String>,
    hidden: bool,
    /// A network's driver.
    driver: String,
}

/// Which of the engine's answers tell of something of ours.
#[derive(Debug, Default)]
pub(super) struct Ours {
    /// Images of these names.
    pub(super) images: Vec<String>,
    /// Images of these ids.
    pub(super) ids: Vec<String>,
    /// The containers that were made through the policy, whatever an image's labels say of them.
    pub(super) made: Arc<HashSet<String>>,
}

impl Ours {
    /// Whether an item of `/containers/json` is ours.
    pub(super) fn container(&self, item: &Value) -> bool {
        has_label(&item["Labels"]) && !self.made.contains(text(&item["Id"]))
    }

    /// Whether an image of that name is ours.
    pub(super) fn image(&self, name: &str) -> bool {
        is_reserved(name, &self.images)
    }

    /// Whether an item of `/images/json` is ours. One that has a name of the student's too is not:
    /// the grader gives names of its own to what it keeps.
    pub(super) fn image_item(&self, item: &Value) -> bool {
        let names = names(&item["RepoTags"]);
        let id = text(&item["Id"]);
        let has_id = |ours: &String| bare(ours) == bare(id);
        self.ids.iter().any(has_id)
            || (!names.is_empty() && names.iter().all(|name| self.image(name)))
    }
}

/// An image's id without what it is a digest of.
fn bare(id: &str) -> &str {
    id.strip_prefix("sha256:").unwrap_or(id)
}

/// Whether the labels of a volume, a network or a container say that it is ours.
pub(super) fn has_label(labels: &Value) -> bool {
    labels.get(OUR_LABEL).is_some()
}

impl World {
    /// Knows what is ours, and nothing else yet.
    pub(super) fn new(ours: Ours) -> Self {
        Self { ours, ..Self::default() }
    }

    /// Takes the engine's answer of a part.
    pub(super) fn learn(&mut self, part: Part, answer: &Value) {
        let ours = &self.ours;
        let list = if part == Part::Volumes { &answer["Volumes"] } else { answer };
        let things =
            list.as_array().into_iter().flatten().map(|item| Thing::read(part, item, ours));
        let things = things.collect();
        match part {
            Part::Containers => self.containers = things,
            Part::Networks => self.networks = things,
            Part::Volumes => self.volumes = things,
            Part::Images => self.images = things,
        }
    }

    /// Takes the engine's answer about an exec.
    pub(super) fn learn_exec(&mut self, answer: &Value) {
        self.exec = Some(text(&answer["ContainerID"]).to_owned());
    }

    /// The whole id of a container. What is sent to the engine has to be that id: a name may have
    /// gone to another container, or be the beginning of a hidden one's id, a moment later.
    pub(super) fn container(&self, reference: &str) -> Result<String, No> {
        let absent = || No::Absent(format!("No such container: {}", quoted(reference)));
        let wanted = reference.trim_start_matches('/');
        match find(&self.containers, wanted) {
            Found::One(thing) if !thing.hidden => Ok(thing.id.clone()),
            Found::One(_) | Found::None => Err(absent()),
            Found::Several => Err(No::bad(format!(
                "multiple IDs found with provided prefix: {}",
                quoted(reference)
            ))),
        }
    }

    /// The ids of the containers that are ours.
    pub(super) fn hidden_containers(&self) -> HashSet<String> {
        self.containers.iter().filter(|thing| thing.hidden).map(|thing| thing.id.clone()).collect()
    }

    /// How to call a network that may be joined; the host's own and the grader's may not.
    ///
    /// It is called as the request calls it, unless that is the beginning of another's id too, which
    /// it would mean once the network of that name is gone.
    pub(super) fn network(&self, reference: &str) -> Result<String, No> {
        let exact = self.networks.iter().find(|thing| thing.names.iter().any(|n| n == reference));
        let begun = || self.networks.iter().filter(|thing| thing.id.starts_with(reference));
        let is_host = |thing: &Thing| thing.driver == "host";
        let (of_host, hidden) = match exact {
            Some(thing) => (is_host(thing), thing.hidden),
            None => (begun().any(is_host), begun().any(|thing| thing.hidden)),
        };
        if of_host || reference == "host" {
            return Err(No::asked("--network host"));
        }
        if hidden {
            return Err(No::Absent(format!("network {} not found", quoted(reference))));
        }
        Ok(match exact {
            Some(thing) if begun().next().is_some() => thing.id.clone(),
            _ => reference.to_owned(),
        })
    }

    /// A volume may be used, unless it is the grader's. No name of a volume has a slash: the engine
    /// says so too, but nothing that looks like a path shall depend on that.
    pub(super) fn volume(&self, name: &str) -> Result<(), No> {
        if name.contains(['/', '\\']) || name.starts_with('.') {
            return Err(No::bad(format!("\"{}\" is no name of a volume", quoted(name))));
        }
        if self.volumes.iter().any(|volume| volume.hidden && volume.id == name) {
            return Err(No::Absent(format!("get {}: no such volume", quoted(name))));
        }
        Ok(())
    }

    /// An image may be used, unless it is the grader's.
    pub(super) fn image(&self, reference: &str) -> Result<(), No> {
        let absent = || Err(No::Absent(format!("No such image: {}", quoted(reference))));
        if self.ours.image(reference) {
            return absent();
        }
        let name = familiar(reference);
        let is_called = |image: &&Thing| image.names.iter().any(|other| familiar(other) == name);
        if let Some(image) = self.images.iter().find(is_called) {
            return if image.hidden { absent() } else { Ok(()) };
        }
        let digest = reference.rsplit('@').next().unwrap_or(reference);
        let id = digest.strip_prefix("sha256:").unwrap_or(digest);
        let mut hidden = self.images.iter().filter(|image| image.hidden);
        if !id.is_empty() && hidden.any(|image| image.id.starts_with(id)) {
            absent()
        } else {
            Ok(())
        }
    }

    /// The names of the images that are there.
    pub(super) fn image_names(&self) -> impl Iterator<Item = &str> {
        let theirs = self.images.iter().filter(|image| !image.hidden);
        theirs.flat_map(|image| image.names.iter().map(String::as_str))
    }

    /// An exec may be used, unless it is in a container that is ours.
    pub(super) fn exec(&self, id: &str) -> Result<(), No> {
        match self.exec.as_deref().map(|container| self.container(container)) {
            Some(Ok(_)) => Ok(()),
            _ => Err(No::Absent(format!("No such exec instance: {}", quoted(id)))),
        }
    }
}

enum Found<'a> {
    None,
    One(&'a Thing),
    Several,
}

/// As the engine finds it: by the whole id, by name, or by the beginning of the id.
fn find<'a>(things: &'a [Thing], wanted: &str) -> Found<'a> {
    let exact = things.iter().find(|thing| thing.id == wanted);
    let named = || things.iter().find(|thing| thing.names.iter().any(|name| name == wanted));
    if let Some(thing) = exact.or_else(named) {
        return Found::One(thing);
    }
    if wanted.is_empty() {
        return Found::None;
    }
    let mut meant = things.iter().filter(|thing| thing.id.starts_with(wanted));
    // Only what the student can see makes a short id ambiguous.
    let visible = things.iter().filter(|thing| !thing.hidden && thing.id.starts_with(wanted));
    match visible.collect::<Vec<_>>()[..] {
        [] => meant.next().map_or(Found::None, Found::One),
        [one] => Found::One(one),
        _ => Found::Several,
    }
}

impl Thing {
    fn read(part: Part, item: &Value, ours: &Ours) -> Self {
        let labelled = has_label(&item["Labels"]);
        match part {
            Part::Containers => Self {
                id: text(&item["Id"]).to_owned(),
                names: names(&item["Names"])
                    .iter()
                    .map(|name| name.trim_start_matches('/').to_owned())
                    .collect(),
                hidden: ours.container(item),
                ..Self::default()
            },
            Part::Networks => Self {
                id: text(&item["Id"]).to_owned(),
                names: vec![text(&item["Name"]).to_owned()],
                hidden: labelled,
                driver: text(&item["Driver"]).to_owned(),
            },
            Part::Volumes => {
                Self { id: text(&item["Name"]).to_owned(), hidden: labelled, ..Self::default() }
            }
            Part::Images => Self {
                id: text(&item["Id"]).trim_start_matches("sha256:").to_owned(),
                names: names(&item["RepoTags"]).into_iter().map(str::to_owned).collect(),
                hidden: ours.image_item(item),
                ..Self::default()
            },
        }
    }
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn names(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn world() -> World {
        let ours = Ours {
            images: vec!["grade/script:1".into()],
            ids: vec!["sha256:ddc1".into()],
            made: Arc::new(["b2".into()].into()),
        };
        let mut world = World::new(ours);
        let ours_too = json!({OUR_LABEL: "r1"});
        world.learn(
            Part::Containers,
            &json!([
                {"Id": "a1", "Names": ["/web", "/db/web"], "Labels": {}},
                {"Id": "b1", "Names": ["/script"], "Labels": ours_too},
                {"Id": "b2", "Names": ["/tricky"], "Labels": ours_too},
                {"Id": "c1", "Names": ["/b1x"], "Labels": null},
                {"Id": "c2", "Names": ["/x"], "Labels": null},
            ]),
        );
        world.learn(
            Part::Networks,
            &json!([
                {"Id": "aa11", "Name": "host", "Driver": "host", "Labels": {}},
                {"Id": "bb11", "Name": "wires", "Driver": "bridge", "Labels": ours_too},
                {"Id": "cc11", "Name": "aa", "Driver": "bridge", "Labels": {}},
            ]),
        );
        world.learn(
            Part::Images,
            &json!([
                {"Id": "sha256:abc1", "RepoTags": ["grade/script:1"]},
                {"Id": "sha256:ddc1", "RepoTags": ["called:anything"]},
                {"Id": "sha256:ffc3", "RepoTags": ["web:latest", "grade.local/r1/play1-0:1"]},
                {"Id": "sha256:ffc1", "RepoTags": ["ab:latest", "busybox:latest"]},
                {"Id": "sha256:ffc2", "RepoTags": null},
            ]),
        );
        world
    }

    #[test]
    fn a_container_is_found_as_the_engine_finds_it() {
        let world = world();
        for (reference, id) in [
            ("web", "a1"),
            ("/web", "a1"),
            ("a", "a1"),
            ("db/web", "a1"),
            ("b2", "b2"),
            ("b", "b2"),
        ] {
            assert_eq!(world.container(reference).as_deref(), Ok(id), "{reference}");
        }
        assert!(matches!(world.container("c"), Err(No::Bad(_))));
    }

    #[test]
    fn a_hidden_container_is_not_there_by_any_of_its_names() {
        let world = world();
        for reference in ["script", "/script", "b1", "", "/", "nothing"] {
            let absent = No::Absent(format!("No such container: {reference}"));
            assert_eq!(world.container(reference), Err(absent));
        }
    }

    #[test]
    fn the_hosts_network_is_known_by_its_id_too() {
        let world = world();
        for reference in ["host", "aa1", "aa11", "a"] {
            assert!(matches!(world.network(reference), Err(No::Refused(_))), "{reference}");
        }
        for reference in ["wires", "bb"] {
            assert!(matches!(world.network(reference), Err(No::Absent(_))), "{reference}");
        }
        for (reference, sent) in [("aa", "cc11"), ("cc11", "cc11"), ("new", "new")] {
            assert_eq!(world.network(reference).as_deref(), Ok(sent));
        }
    }

    #[test]
    fn an_image_is_hidden_by_every_name_it_has() {
        let world = world();
        for name in [
            "grade/script:1",
            "docker.io/grade/script:1",
            "abc1",
            "sha256:ab",
            "x@sha256:abc1",
            "grade/script@sha256:12",
            "ddc1",
            "sha256:ddc1",
            "called:anything",
            "grade.local/r1/play1-0:1",
        ] {
            assert!(matches!(world.image(name), Err(No::Absent(_))), "{name}");
        }
        for name in [
            "ab",
            "busybox",
            "library/busybox:latest",
            "ffc2",
            "ffc3",
            "web",
            "grade/script:2",
            "localhost:5000/a",
        ] {
            assert_eq!(world.image(name), Ok(()), "{name}");
        }
    }
}
