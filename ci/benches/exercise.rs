//! The exercises, and as many different right submissions of each as a measurement wants.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use grade::plan::{self, Plan};

use crate::Outcome;

/// The exercises that have a floor and a script to compare with.
pub(crate) const SLUGS: [&str; 4] = ["onbuild", "secret-mount", "healthcheck", "oci-labels"];

/// An exercise to be measured.
pub(crate) struct Exercise {
    /// Its name.
    pub(crate) slug: &'static str,
    /// Its rubric, ready to be asked.
    pub(crate) plan: Arc<Plan>,
    /// The files that it hands out.
    pub(crate) given: Option<PathBuf>,
    solution: PathBuf,
    scratch: PathBuf,
    count: AtomicU32,
}

impl Exercise {
    /// All exercises, or those of these names; submissions are made in `scratch`.
    pub(crate) fn all(only: Option<&[String]>, scratch: &Path) -> Outcome<Vec<Exercise>> {
        if let Some(slug) = only.unwrap_or_default().iter().find(|slug| !SLUGS.contains(&&***slug))
        {
            return Err(
                format!("there is no benchmark of {slug:?}; of {}", SLUGS.join(", ")).into()
            );
        }
        let wanted = |slug: &&&str| only.is_none_or(|only| only.iter().any(|one| one == **slug));
        SLUGS.iter().filter(wanted).map(|slug| Exercise::open(slug, scratch)).collect()
    }

    fn open(slug: &'static str, scratch: &Path) -> Outcome<Exercise> {
        let root = root();
        let folder = root.join("assignments").join(slug);
        let given = folder.join("given");
        Ok(Exercise {
            slug,
            plan: Arc::new(plan::load(&root.join("rubrics").join(format!("{slug}.toml")))?),
            given: given.is_dir().then_some(given),
            solution: folder.join("solution"),
            scratch: scratch.join(slug),
            count: AtomicU32::new(0),
        })
    }

    /// A folder with a right submission that the engine has never seen before.
    ///
    /// Its Dockerfile is the solution's with one instruction more after its FROM. Where later
    /// steps could come from the engine's cache, that is a COPY of a file of its own, as no two
    /// students' steps are alike; elsewhere a label does.
    pub(crate) fn submission(&self) -> Outcome<PathBuf> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let folder = self.scratch.join(number.to_string());
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&self.solution)? {
            let entry = entry?;
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
        let unique = format!("{:016x}", rand::random::<u64>());
        let own = if self.slug == "healthcheck" {
            fs::write(folder.join("own.txt"), &unique)?;
            "COPY own.txt /own.txt".to_owned()
        } else {
            format!("LABEL own=\"{unique}\"")
        };
        let dockerfile = fs::read_to_string(folder.join("Dockerfile"))?;
        let (from, rest) = dockerfile.split_once('\n').ok_or("a solution of one line")?;
        fs::write(folder.join("Dockerfile"), format!("{from}\n{own}\n{rest}"))?;
        Ok(folder)
    }

    /// Several of them.
    pub(crate) fn submissions(&self, count: usize) -> Outcome<Vec<PathBuf>> {
        (0..count).map(|_| self.submission()).collect()
    }

    /// Several of them in one folder, as a class hands them in.
    pub(crate) fn class(&self, count: usize) -> Outcome<PathBuf> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let class = self.scratch.join(format!("class-{number}"));
        fs::create_dir_all(&class)?;
        for folder in self.submissions(count)? {
            fs::rename(&folder, class.join(folder.file_name().unwrap_or_default()))?;
        }
        Ok(class)
    }
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
