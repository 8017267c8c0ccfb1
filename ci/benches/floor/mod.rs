//! The second side, the floor: the engine's part of a grading and nothing else. The same builds,
//! inspections, containers, waits, exports and reads by bare engine calls, removed in the end; no
//! rubric, no judging, no evidence, no search.

mod healthcheck;
mod oci_labels;
mod onbuild;
mod secret_mount;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{try_join, try_join_all};
use grade::context::Context;
use grade::engine::{BuildNetwork, BuildOutcome, BuildRequest, Created, Engine, Labels, Owner};

use crate::Outcome;

/// In which order what does not depend on each other is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// One after the other where the rubric's `needs` say so.
    Rubric,
    /// At the same time wherever the engine can: a grader would have to ask in advance what it may
    /// not need.
    Free,
}

/// Does an exercise's engine work for a submission.
pub(crate) async fn work(
    engine: Engine,
    slug: &'static str,
    order: Order,
    folder: PathBuf,
) -> Outcome<()> {
    let floor = Floor::new(engine, order);
    match slug {
        "onbuild" => onbuild::work(&floor, &folder).await?,
        "secret-mount" => secret_mount::work(&floor, &folder).await?,
        "healthcheck" => healthcheck::work(&floor, &folder).await?,
        "oci-labels" => oci_labels::work(&floor, &folder).await?,
        other => return Err(format!("{other} has no floor").into()),
    }
    floor.leave().await
}

/// What one submission's calls share.
struct Floor {
    engine: Engine,
    order: Order,
    labels: Labels,
    count: AtomicU32,
    images: Mutex<Vec<String>>,
    containers: Mutex<Vec<String>>,
}

/// A build, as far as exercises differ in theirs.
#[derive(Default)]
struct Build {
    network: BuildNetwork,
    args: BTreeMap<String, String>,
    secrets: BTreeMap<String, Bytes>,
    no_cache: bool,
}

impl Floor {
    fn new(engine: Engine, order: Order) -> Floor {
        let run = format!("floor{:016x}", rand::random::<u64>());
        let owner = Owner::this_process().map(|owner| owner.to_string()).unwrap_or_default();
        let labels = Labels { submission: run.clone(), run, probe: "floor".into(), owner };
        Floor {
            engine,
            order,
            labels,
            count: AtomicU32::new(0),
            images: Mutex::default(),
            containers: Mutex::default(),
        }
    }

    /// A name, and random besides.
    fn name(&self) -> String {
        format!("{}-{}", self.labels.run, self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// Two pieces of work that do not build upon each other.
    async fn both<A, B>(
        &self,
        first: impl Future<Output = Outcome<A>>,
        second: impl Future<Output = Outcome<B>>,
    ) -> Outcome<(A, B)> {
        match self.order {
            Order::Rubric => Ok((first.await?, second.await?)),
            Order::Free => try_join(first, second).await,
        }
    }

    /// Builds a folder that has to build.
    async fn image(&self, folder: &Path, build: Build) -> Outcome<String> {
        Ok(self.build(folder, build).await?.ok_or("the image does not build")?)
    }

    /// Builds a folder: the image, or none when the build fails.
    async fn build(&self, folder: &Path, build: Build) -> Outcome<Option<String>> {
        let context = Context::of_folder(folder.to_owned(), "Dockerfile".to_owned());
        self.build_context(context, build).await
    }

    /// Builds `FROM` an image, by its name, with these files as the whole context.
    async fn build_from(&self, parent: &str, files: &[(String, &str)]) -> Outcome<String> {
        let dockerfile = ("Dockerfile".to_owned(), format!("FROM {parent}\n").into());
        let files = files.iter().map(|(name, text)| (name.clone(), (*text).to_owned().into()));
        let context = Context::of_files(files.chain([dockerfile]).collect());
        let build = Build { network: BuildNetwork::None, ..Build::default() };
        Ok(self.build_context(context, build).await?.ok_or("a child does not build")?)
    }

    async fn build_context(&self, context: Context, build: Build) -> Outcome<Option<String>> {
        let request = BuildRequest {
            context,
            args: build.args,
            secrets: build.secrets,
            no_cache: build.no_cache,
            network: build.network,
            labels: self.labels.clone(),
            name: self.name(),
            time_limit: Duration::from_secs(300),
            ..BuildRequest::default()
        };
        match self.engine.build(request, &|_| {}).await?.outcome {
            BuildOutcome::Built { image } => {
                note(&self.images, &image);
                Ok(Some(image))
            }
            BuildOutcome::Failed(_) | BuildOutcome::NotSent(_) => Ok(None),
            BuildOutcome::TimedOut => Err("a build takes too long".into()),
        }
    }

    /// Reads paths of an image, from a container that is never started.
    async fn read(&self, image: &str, paths: &[&str]) -> Outcome<()> {
        let created = self.engine.create_unstarted(image, &self.name(), &self.labels).await?;
        let Created::Container(shelf) = created else {
            return Err(format!("no container can be made of {image}: {created:?}").into());
        };
        note(&self.containers, &shelf);
        try_join_all(paths.iter().map(|path| self.engine.read_path(&shelf, path, 1 << 25))).await?;
        Ok(())
    }

    /// Removes what was made, all containers at once and then all images.
    async fn leave(self) -> Outcome<()> {
        let Floor { engine, images, containers, .. } = self;
        let (images, containers) = (images.into_inner()?, containers.into_inner()?);
        try_join_all(containers.iter().map(|container| engine.remove(container))).await?;
        try_join_all(images.iter().map(|image| engine.remove_image(image))).await?;
        Ok(())
    }
}

fn note(list: &Mutex<Vec<String>>, id: &str) {
    list.lock().unwrap_or_else(PoisonError::into_inner).push(id.to_owned());
}
