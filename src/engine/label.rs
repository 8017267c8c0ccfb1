//! The labels that every object of a run carries, so that it can be found and removed.

use std::collections::{BTreeMap, HashMap};

/// Every container of ours has a name that starts with this.
pub const NAME_PREFIX: &str = "grade-";
/// Every image of ours is tagged `grade.local/<run>/<name>`.
pub const TAG_PREFIX: &str = "grade.local/";

const CONTAINER: &str = "grade.";
/// A container inherits its image's labels. So an image says `grade.image.run`, lest a stranger's
/// container of that image pass for ours.
const IMAGE: &str = "grade.image.";

/// To which run, submission and probe an object belongs, and which process owns it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// The run's name, unique among runs.
    pub run: String,
    /// The submission's name, unique in the run.
    pub submission: String,
    /// The probe, or what else the object is for.
    pub probe: String,
    /// The owning process, an [`Owner`](super::Owner) in print.
    pub owner: String,
}

impl Labels {
    fn pairs(&self, prefix: &str) -> impl Iterator<Item = (String, String)> {
        [
            ("run", &self.run),
            ("submission", &self.submission),
            ("probe", &self.probe),
            ("owner", &self.owner),
        ]
        .map(|(key, value)| (format!("{prefix}{key}"), value.clone()))
        .into_iter()
    }

    pub(super) fn of_container(&self) -> HashMap<String, String> {
        self.pairs(CONTAINER).collect()
    }

    pub(super) fn of_image(&self) -> HashMap<String, String> {
        self.pairs(IMAGE).collect()
    }

    pub(super) fn read_container(labels: &HashMap<String, String>) -> Option<Self> {
        Self::read(labels, CONTAINER)
    }

    pub(super) fn read_image(labels: &HashMap<String, String>) -> Option<Self> {
        Self::read(labels, IMAGE)
    }

    /// Only an object with a run is ours; the other labels may be missing.
    fn read(labels: &HashMap<String, String>, prefix: &str) -> Option<Self> {
        let get = |key: &str| labels.get(&format!("{prefix}{key}")).cloned();
        Some(Self {
            run: get("run")?,
            submission: get("submission").unwrap_or_default(),
            probe: get("probe").unwrap_or_default(),
            owner: get("owner").unwrap_or_default(),
        })
    }
}

/// `grade.local/<run>/<name>`, in the letters that an image's name may have.
pub(super) fn image_name(run: &str, name: &str) -> String {
    let part = |text: &str| plain(&text.to_lowercase());
    format!("{TAG_PREFIX}{}/{}", part(run), part(name))
}

/// A container's name with our prefix, in the letters that it may have.
pub(super) fn container_name(name: &str) -> String {
    format!("{NAME_PREFIX}{}", plain(name.strip_prefix(NAME_PREFIX).unwrap_or(name)))
}

/// Each run of other characters than ASCII letters and digits becomes a hyphen, none at an end.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let plain = words.collect::<Vec<_>>().join("-");
    if plain.is_empty() { "x".to_owned() } else { plain }
}

/// An image's labels without ours, which are no work of its author.
pub(super) fn without_ours(labels: HashMap<String, String>) -> BTreeMap<String, String> {
    labels.into_iter().filter(|(key, _)| !key.starts_with(IMAGE)).collect()
}

/// The filter that finds all objects with our labels on them.
pub(super) fn filter(
    prefix_of_image: bool,
    run: Option<&str>,
    submission: Option<&str>,
) -> Vec<String> {
    let prefix = if prefix_of_image { IMAGE } else { CONTAINER };
    let mut filters = vec![run.map_or(format!("{prefix}run"), |run| format!("{prefix}run={run}"))];
    filters.extend(submission.map(|submission| format!("{prefix}submission={submission}")));
    filters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels {
        Labels {
            run: "r1".to_owned(),
            submission: "ada".to_owned(),
            probe: "health".to_owned(),
            owner: "o".to_owned(),
        }
    }

    #[test]
    fn labels_survive_a_round_trip() {
        assert_eq!(Labels::read_container(&labels().of_container()), Some(labels()));
        assert_eq!(Labels::read_image(&labels().of_image()), Some(labels()));
    }

    #[test]
    fn an_image_s_labels_do_not_make_its_containers_ours() {
        assert_eq!(Labels::read_container(&labels().of_image()), None);
    }

    #[test]
    fn names_have_only_letters_that_names_may_have() {
        assert_eq!(image_name("Run_1", "Éva's work/../x"), "grade.local/run-1/va-s-work-x");
        assert_eq!(container_name("Run 1: x"), "grade-Run-1-x");
        assert_eq!(container_name("grade-x"), "grade-x");
        assert_eq!(container_name("…"), "grade-x");
    }

    #[test]
    fn an_image_s_own_labels_are_what_remains() {
        let mut all = labels().of_image();
        all.insert("maintainer".to_owned(), "Ada".to_owned());
        let kept = without_ours(all);
        assert_eq!(
            kept.into_iter().collect::<Vec<_>>(),
            [("maintainer".to_owned(), "Ada".to_owned())]
        );
    }
}
