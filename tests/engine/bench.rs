//! What every test of the engine needs: an engine, names of its own, and an end that leaves nothing.

use std::time::Duration;

use grade::context::Context;
use grade::engine::{
    BuildFailure, BuildNetwork, BuildOutcome, BuildReport, BuildRequest, ContainerSpec, Created,
    Endpoint, Engine, Labels, OwnedFilter, Owner, Started,
};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const KIB: usize = 1024;

/// One test's engine and names. What it makes is removed by [`Bench::done`].
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) labels: Labels,
}

impl Bench {
    pub(crate) async fn new(name: &str) -> Self {
        let endpoint = Endpoint::resolve(None).expect("an engine's address");
        let engine = Engine::connect(&endpoint).await.expect("a running engine");
        assert!(
            engine.image_exists("busybox").await.expect("an answer"),
            "the image `busybox` is missing"
        );
        let run = format!("test-{name}-{:08x}", rand::random::<u32>());
        let labels = Labels {
            run,
            submission: "ada".to_owned(),
            probe: name.to_owned(),
            owner: Owner::this_process().expect("a /proc").to_string(),
        };
        Self { engine, labels }
    }

    pub(crate) fn request(&self, dockerfile: &str) -> BuildRequest {
        self.request_with(&[("Dockerfile", dockerfile)])
    }

    pub(crate) fn request_with(&self, files: &[(&str, &str)]) -> BuildRequest {
        BuildRequest {
            context: context(files),
            network: BuildNetwork::None,
            labels: self.labels.clone(),
            name: "image".to_owned(),
            time_limit: MINUTE,
            ..BuildRequest::default()
        }
    }

    pub(crate) async fn build(&self, request: BuildRequest) -> BuildReport {
        self.engine.build(request, &|_| {}).await.expect("the engine builds")
    }

    pub(crate) async fn image(&self, dockerfile: &str) -> String {
        built(&self.build(self.request(dockerfile)).await)
    }

    pub(crate) fn spec(&self, image: &str, command: &[&str]) -> ContainerSpec {
        ContainerSpec {
            image: image.to_owned(),
            name: self.labels.run.clone(),
            command: (!command.is_empty()).then(|| words(command)),
            labels: self.labels.clone(),
            ..ContainerSpec::default()
        }
    }

    pub(crate) async fn started(&self, spec: &ContainerSpec) -> String {
        let Created::Container(id) = self.engine.create(spec).await.expect("an answer") else {
            panic!("refused");
        };
        assert_eq!(self.engine.start(&id).await, Ok(Started::Started));
        id
    }

    pub(crate) fn all_of_it(&self) -> OwnedFilter {
        OwnedFilter { run: Some(self.labels.run.clone()), submission: None }
    }

    pub(crate) async fn done(self) {
        for object in self.engine.owned(&self.all_of_it()).await.expect("a list") {
            self.engine.remove_owned(&object).await.expect("removed");
        }
        assert_eq!(self.engine.owned(&self.all_of_it()).await, Ok(Vec::new()));
    }
}

pub(crate) fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

/// A context of nothing but these files.
pub(crate) fn context(files: &[(&str, &str)]) -> Context {
    let file = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned().into());
    Context::of_files(files.iter().map(file).collect())
}

pub(crate) fn built(report: &BuildReport) -> String {
    match &report.outcome {
        BuildOutcome::Built { image } => image.clone(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn failure(report: &BuildReport) -> &BuildFailure {
    match &report.outcome {
        BuildOutcome::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}
