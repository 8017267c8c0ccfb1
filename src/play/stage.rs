//! The stage of a play: a fresh copy of the folder, a container for the commands, the wall, a registry.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;

use super::Setting;
use super::shot::Baseline;
use crate::engine::{Engine, HelperSpec, TAG_PREFIX};
use crate::evidence::Fault;
use crate::nonce::{Values, fill};
use crate::policy::{self, Dial, Record, Rules, Stream};
use crate::recipe::PlayRecipe;
use crate::rubric::REGISTRY;
use crate::sandbox::{DISK_HOME, HOME, PROGRAMS, STUDENT_RUN, Sandbox, TOOLS};

/// Who the commands run as.
pub(super) const USER: u32 = 1000;
/// The registry's image.
pub const REGISTRY_IMAGE: &str = "registry:2";
/// How long a registry may take until it listens.
const LISTENING: Duration = Duration::from_secs(20);

/// A stage that is set.
pub(super) struct Stage<'a> {
    pub(super) setting: &'a Setting<'a>,
    pub(super) recipe: &'a PlayRecipe,
    pub(super) engine: Engine,
    pub(super) values: &'a Values,
    /// The container of the commands.
    pub(super) tools: String,
    /// The folder, as the engine and the commands see it.
    pub(super) folder: String,
    pub(super) record: Arc<Record>,
    pub(super) env: BTreeMap<String, String>,
    /// The file by which the submission was started.
    pub(super) way: Option<String>,
    /// A command that goes on, as a foreground `docker run` does.
    pub(super) attached: Option<Task>,
    pub(super) baseline: Baseline,
    /// Ids that names had before they were forgotten.
    pub(super) forgotten: BTreeMap<String, String>,
    door: Task,
    registry: Option<String>,
}

/// Sets the stage, or tells why the submission cannot be brought there.
pub(super) async fn set<'a>(
    setting: &'a Setting<'a>,
    recipe: &'a PlayRecipe,
) -> Result<Result<Stage<'a>, String>, Fault> {
    let engine = setting.sandbox.engine.clone();
    let parent = format!("{HOME}/{}", setting.number);
    let folder = format!("{HOME}/{}", setting.folder());
    let tar = {
        let (submission, limits) = (setting.submission.clone(), setting.limits);
        let name = setting.slug.to_owned();
        let packing = move || submission.whole(&name, USER.into(), &limits);
        match tokio::task::spawn_blocking(packing).await {
            Ok(Ok(tar)) => tar,
            Ok(Err(error)) => return Ok(Err(error.to_string())),
            Err(error) => return Err(Fault { message: error.to_string(), advice: None }),
        }
    };
    let tools = engine.start_helper(&tools(setting, &folder)).await?;
    engine.put_tar(&tools, &parent, tar).await?;
    if let Some((id, name)) = &setting.image {
        engine.tag(id, name).await?;
    }
    let registry =
        if recipe.registry { Some(open_registry(setting, &engine).await?) } else { None };
    let record = Arc::new(Record::default());
    let mut rules = Rules::new(&folder);
    rules.hidden_images = vec![TOOLS.to_owned(), REGISTRY_IMAGE.to_owned()];
    let own = [TOOLS, REGISTRY_IMAGE].into_iter().filter_map(|name| setting.sandbox.image(name));
    rules.hidden_ids = own.map(str::to_owned).collect();
    let (sandbox, rules) = (Arc::clone(setting.sandbox), Arc::new(rules));
    let door = Task::spawn(keep_door(sandbox, rules, Arc::clone(&record)));
    let mut env: BTreeMap<String, String> = [
        ("DOCKER_HOST", "unix:///run/docker.sock"),
        ("HOME", "/tmp"),
        // As a shell has it: a Compose file may say `${PWD}`.
        ("PWD", folder.as_str()),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("LANG", "C.UTF-8"),
        ("DOCKER_BUILDKIT", "1"),
        ("BUILDKIT_PROGRESS", "plain"),
        ("COMPOSE_ANSI", "never"),
        ("DOCKER_CLI_HINTS", "false"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    if let Some(made) = setting.values.get(REGISTRY).filter(|_| recipe.registry) {
        env.insert("REGISTRY".to_owned(), made.value.clone());
    }
    env.extend(recipe.env.iter().map(|(key, text)| (key.clone(), fill(text, setting.values))));
    let mut stage = Stage {
        setting,
        recipe,
        engine,
        values: setting.values,
        tools,
        folder,
        record,
        env,
        way: None,
        attached: None,
        baseline: Baseline::default(),
        forgotten: BTreeMap::new(),
        door,
        registry,
    };
    stage.baseline = stage.baseline().await?;
    Ok(Ok(stage))
}

impl Stage<'_> {
    /// A text of the rubric with the run's values in it.
    pub(super) fn fill(&self, text: &str) -> String {
        fill(text, self.values)
    }

    /// Keeps every image that has a name now, and tells which.
    pub(super) async fn keep_images(&self) -> Result<BTreeMap<String, String>, Fault> {
        let mut kept = BTreeMap::new();
        let bases = self.setting.sandbox.images();
        for (count, (name, id)) in self.engine.image_names().await?.into_iter().enumerate() {
            let is_base = bases.get(&name).is_some_and(|base| *base == id);
            if name.starts_with(TAG_PREFIX) || is_base {
                continue;
            }
            let run = &self.setting.labels.run;
            let own = format!("{TAG_PREFIX}{run}/play{}-{count}:1", self.setting.number);
            // A command that goes on may have removed it meanwhile.
            if self.engine.tag(&id, &own).await? {
                kept.insert(name, id);
            }
        }
        Ok(kept)
    }

    /// Ends what goes on. The folder stays, to be read; the containers go with the next play.
    pub(super) async fn close(self) {
        for container in self.record.events().made.iter() {
            let _ = self.engine.remove(container).await;
        }
        drop((self.door, self.attached));
        if let Some(registry) = self.registry {
            // What stays goes with the sandbox's emptying.
            let _ = self.engine.remove(&registry).await;
        }
    }
}

/// A task that ends with its owner.
pub(super) struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Task {
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

/// Lets the commands' connections through the wall, each for itself.
async fn keep_door(sandbox: Arc<Sandbox>, rules: Arc<Rules>, record: Arc<Record>) {
    let engine: Arc<dyn Dial> = Arc::new(Inside(Arc::clone(&sandbox)));
    let _over = record.guard();
    let mut inside = tokio::task::JoinSet::new();
    while let Ok(connection) = sandbox.student().await {
        let (engine, rules, record) = (engine.clone(), rules.clone(), record.clone());
        inside.spawn(policy::serve(connection, engine, rules, record));
        while inside.try_join_next().is_some() {}
    }
}

/// The sandbox's engine, as the wall reaches it.
struct Inside(Arc<Sandbox>);

impl Dial for Inside {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async { Ok(Box::new(self.0.dial().await?) as Box<dyn Stream>) })
    }
}

fn tools(setting: &Setting<'_>, folder: &str) -> HelperSpec {
    let inside = folder.strip_prefix(HOME).unwrap_or(folder);
    let mut binds: Vec<String> = PROGRAMS.iter().map(|path| format!("{path}:{path}:ro")).collect();
    // What is written there would be on no disk of the submission's.
    binds.push(format!("{STUDENT_RUN}:/run:ro"));
    // Not by way of the engine's own path there, where links lead nowhere: commands may follow theirs.
    binds.push(format!("{DISK_HOME}{inside}:{folder}"));
    HelperSpec {
        image: setting.sandbox.tools().unwrap_or(TOOLS).to_owned(),
        name: format!("{}-commands-{}", setting.labels.run, setting.number),
        command: Some(vec!["/usr/bin/sleep".to_owned(), "86400".to_owned()]),
        user: Some(format!("{USER}:{USER}")),
        workdir: Some(folder.to_owned()),
        binds,
        unprivileged: true,
        labels: setting.labels.clone(),
        ..HelperSpec::default()
    }
}

/// Starts a registry, and waits until it listens.
async fn open_registry(setting: &Setting<'_>, engine: &Engine) -> Result<String, Fault> {
    let at = setting.values.get(REGISTRY).map(|made| made.value.clone()).unwrap_or_default();
    let at = at.replace("localhost", "127.0.0.1");
    let spec = HelperSpec {
        image: setting.sandbox.image(REGISTRY_IMAGE).unwrap_or(REGISTRY_IMAGE).to_owned(),
        name: format!("{}-registry-{}", setting.labels.run, setting.number),
        env: [("REGISTRY_HTTP_ADDR".to_owned(), at)].into(),
        host_network: true,
        labels: setting.labels.clone(),
        ..HelperSpec::default()
    };
    let id = engine.start_helper(&spec).await?;
    let listens = |text: &str| text.contains("listening on");
    let said = engine.printed(&id, None, 64 << 10, Some((LISTENING, &listens))).await?.text();
    if listens(&said) {
        Ok(id)
    } else {
        Err(Fault { message: format!("the registry does not come up: {said}"), advice: None })
    }
}
