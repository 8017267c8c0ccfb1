//! The engine's answers without what is ours.

use std::collections::HashSet;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;

use super::endpoints::Answer;
use super::world::{Ours, World, has_label, text};

/// The longest line of events that is looked at.
const LINE: usize = 1 << 20;

/// Whether an answer is looked at as a whole.
pub(super) fn is_filtered(answer: Answer) -> bool {
    use Answer::{Containers, Images, Network, Networks, Usage, Volumes};
    matches!(answer, Containers | Images | Volumes | Networks | Network | Usage)
}

/// Takes what is ours out of an answer.
pub(super) fn filter(answer: Answer, value: &mut Value, world: &World) {
    let ours = &world.ours;
    match answer {
        Answer::Containers => keep(value, |item| !ours.container(item)),
        Answer::Images => images(value, ours),
        Answer::Volumes => value.get_mut("Volumes").into_iter().for_each(volumes),
        Answer::Networks => keep(value, |item| !has_label(&item["Labels"])),
        Answer::Network => {
            let hidden = world.hidden_containers();
            if let Some(joined) = value.get_mut("Containers").and_then(Value::as_object_mut) {
                joined.retain(|id, _| !hidden.contains(id));
            }
        }
        Answer::Usage => usage(value, ours),
        _ => {}
    }
}

fn keep(value: &mut Value, keep: impl Fn(&Value) -> bool) {
    if let Value::Array(items) = value {
        items.retain(keep);
    }
}

fn images(value: &mut Value, ours: &Ours) {
    keep(value, |item| !ours.image_item(item));
    for item in value.as_array_mut().into_iter().flatten() {
        let names = item.get_mut("RepoTags").into_iter();
        names.for_each(|names| keep(names, |name| !ours.image(text(name))));
    }
}

fn volumes(value: &mut Value) {
    keep(value, |item| !has_label(&item["Labels"]));
}

/// `/system/df`, as it was before and as it is from version 1.52 on.
fn usage(value: &mut Value, ours: &Ours) {
    let lists =
        [("Containers", "ContainerUsage"), ("Images", "ImageUsage"), ("Volumes", "VolumeUsage")];
    for (old, new) in lists {
        for list in [vec![old], vec![new, "Items"]] {
            let found = list.iter().try_fold(&mut *value, |value, key| value.get_mut(key));
            let Some(found) = found else { continue };
            match old {
                "Containers" => keep(found, |item| !ours.container(item)),
                "Images" => images(found, ours),
                _ => volumes(found),
            }
        }
    }
}

/// Lines of events without those of something of ours.
pub(super) struct Events {
    hidden: HashSet<String>,
    ours: Ours,
    buffer: BytesMut,
    /// What is left of a line that is too long.
    skipping: bool,
}

impl Events {
    pub(super) fn new(world: World) -> Self {
        let hidden = world.hidden_containers();
        Self { hidden, ours: world.ours, buffer: BytesMut::new(), skipping: false }
    }

    /// The lines that came whole with these bytes, and are not about something of ours.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Bytes {
        self.buffer.extend_from_slice(bytes);
        let mut out = BytesMut::new();
        while let Some(end) = memchr::memchr(b'\n', &self.buffer) {
            let line = self.buffer.split_to(end + 1);
            if !std::mem::take(&mut self.skipping) && self.is_theirs(&line) {
                out.extend_from_slice(&line);
            }
        }
        if self.buffer.len() > LINE {
            self.buffer.clear();
            self.skipping = true;
        }
        out.freeze()
    }

    fn is_theirs(&mut self, line: &[u8]) -> bool {
        // A sequence of JSON texts may have a mark before each.
        let line = line.strip_prefix(b"\x1e").unwrap_or(line);
        let Ok(event) = serde_json::from_slice::<Value>(line) else { return false };
        let actor = &event["Actor"];
        let id = text(&actor["ID"]);
        let attributes = &actor["Attributes"];
        match text(&event["Type"]) {
            "container" => {
                if has_label(attributes) && !self.ours.made.contains(id) {
                    self.hidden.insert(id.to_owned());
                }
                !self.hidden.contains(id)
            }
            "image" => ![id, text(&attributes["name"])].iter().any(|name| self.ours.image(name)),
            _ => !self.hidden.contains(text(&attributes["container"])),
        }
    }

    /// A stream of events, filtered.
    pub(super) fn filter<S, E>(self, events: S) -> impl Stream<Item = Result<Bytes, E>>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        stream::unfold((self, events), |(mut filter, mut events)| async move {
            loop {
                let kept = events.next().await?.map(|bytes| filter.take(&bytes));
                if !matches!(&kept, Ok(kept) if kept.is_empty()) {
                    return Some((kept, (filter, events)));
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::policy::world::{OUR_LABEL, Part};

    fn world() -> World {
        let ours = Ours {
            images: vec!["grade/script".into()],
            made: Arc::new(["tricky".into()].into()),
            ..Ours::default()
        };
        let mut world = World::new(ours);
        let label = json!({OUR_LABEL: "r1"});
        world.learn(Part::Containers, &json!([{"Id": "ours", "Labels": label}, {"Id": "web"}]));
        world
    }

    fn filtered(answer: Answer, mut value: Value) -> Value {
        filter(answer, &mut value, &world());
        value
    }

    #[test]
    fn lists_do_not_tell_of_what_is_ours() {
        let label = json!({OUR_LABEL: "r1"});
        let containers = json!([
            {"Id": "ours", "Labels": label}, {"Id": "tricky", "Labels": label}, {"Id": "web", "Labels": {}}
        ]);
        let theirs = json!([{"Id": "tricky", "Labels": label}, {"Id": "web", "Labels": {}}]);
        assert_eq!(filtered(Answer::Containers, containers.clone()), theirs);
        let images = json!([{"RepoTags": ["grade/script:latest"]}, {"RepoTags": null}]);
        assert_eq!(filtered(Answer::Images, images.clone()), json!([{"RepoTags": null}]));
        let kept = json!([{"RepoTags": ["web:latest", "grade.local/r1/play1-0:1"]}]);
        assert_eq!(filtered(Answer::Images, kept), json!([{"RepoTags": ["web:latest"]}]));
        let volumes = json!([{"Name": "v", "Labels": label}, {"Name": "w", "Labels": null}]);
        let kept = json!([{"Name": "w", "Labels": null}]);
        assert_eq!(
            filtered(Answer::Volumes, json!({"Volumes": volumes})),
            json!({"Volumes": kept})
        );
        assert_eq!(filtered(Answer::Networks, volumes.clone()), kept);
        let network = json!({"Name": "n", "Containers": {"ours": {}, "web": {}}});
        assert_eq!(
            filtered(Answer::Network, network),
            json!({"Name": "n", "Containers": {"web": {}}})
        );
        let usage = json!({
            "Containers": containers, "Images": images, "Volumes": volumes,
            "ImageUsage": {"Items": images}
        });
        let rest = json!([{"RepoTags": null}]);
        assert_eq!(
            filtered(Answer::Usage, usage),
            json!({"Containers": theirs, "Images": rest, "Volumes": kept, "ImageUsage": {"Items": rest}})
        );
    }

    #[test]
    fn an_answer_of_another_form_is_left_as_it_is() {
        use Answer::{Containers, Images, Network, Networks, Usage, Volumes};
        for answer in [Containers, Images, Network, Networks, Usage, Volumes] {
            for odd in [json!(null), json!([1, []]), json!("x"), json!({"Volumes": 1})] {
                assert_eq!(filtered(answer, odd.clone()), odd, "{answer:?}");
            }
        }
    }

    #[test]
    fn events_of_what_is_ours_are_left_out() {
        let label = json!({OUR_LABEL: "r1"});
        let lines = [
            (json!({"Type": "container", "Actor": {"ID": "ours", "Attributes": {}}}), false),
            (json!({"Type": "container", "Actor": {"ID": "new", "Attributes": label}}), false),
            (
                json!({"Type": "network", "Actor": {"ID": "n", "Attributes": {"container": "new"}}}),
                false,
            ),
            (json!({"Type": "image", "Actor": {"ID": "grade/script", "Attributes": {}}}), false),
            (json!({"Type": "container", "Actor": {"ID": "tricky", "Attributes": label}}), true),
            (
                json!({"Type": "network", "Actor": {"ID": "n", "Attributes": {"container": "web"}}}),
                true,
            ),
            (json!({"Type": "volume", "Actor": {"ID": "v", "Attributes": {}}}), true),
        ];
        let all: String = lines.iter().map(|(line, _)| format!("{line}\n")).collect();
        let kept: String =
            lines.iter().filter(|(_, kept)| *kept).map(|(line, _)| format!("{line}\n")).collect();
        for size in [1, 7, 10_000] {
            let mut events = Events::new(world());
            let out: Vec<u8> =
                all.as_bytes().chunks(size).flat_map(|chunk| events.take(chunk)).collect();
            assert_eq!(String::from_utf8(out).unwrap(), kept);
        }
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let mut events = Events::new(world());
        assert!(events.take(&vec![b'x'; LINE + 1]).is_empty());
        assert!(events.buffer.is_empty());
        assert!(events.take(b"{}\n").is_empty(), "the end of the long line");
        assert_eq!(events.take(b"{}\n"), "{}\n");
    }
}
