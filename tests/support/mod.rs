//! What the tests on the real engine share.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use grade::engine::{Endpoint, Engine};
use grade::judge::{Grade, judge};
use grade::plan::Plan;
use grade::rubric::Rubric;
use grade::sandbox::Sandboxes;
use grade::session::{Place, Session, sandbox_config};
use grade::submission::Submission;
use tokio::sync::OnceCell;

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The engine at hand; a missing one is a loud failure, never a skipped test.
pub(crate) async fn engine() -> Engine {
    let endpoint = Endpoint::resolve(None).expect("an engine is configured");
    Engine::connect(&endpoint).await.expect("these tests need a Docker Engine: run ci/setup")
}

/// The folder of files that an exercise hands out.
pub(crate) fn given(slug: &str) -> Option<PathBuf> {
    let given = root().join("assignments").join(slug).join("given");
    given.is_dir().then_some(given)
}

/// The program, to be put into sandboxes.
fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_grade").into()
}

/// What outlives a test's own runtime: the way into the sandbox that all tests of a process share.
static LASTING: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("one")
});

/// Where submissions of a rubric are tried: those whose answer is commands each in a sandbox of its
/// own, all others together on one sandbox's engine.
pub(crate) async fn place(engine: &Engine, plan: &Plan) -> Place {
    static SHARED: OnceCell<Place> = OnceCell::const_new();
    let claim = |engine: Engine, rubric: Rubric| async move {
        let sandboxes = Sandboxes::new(engine, sandbox_config(program()), 0);
        Place::sandbox(&sandboxes, &rubric).await.expect("a sandbox: run ci/setup")
    };
    let (outer, rubric) = (engine.clone(), plan.rubric.clone());
    if !plan.rubric.plays.is_empty() {
        return claim(outer, rubric).await;
    }
    let lasting = async || LASTING.spawn(claim(outer, rubric)).await.expect("a sandbox");
    Place::Host(SHARED.get_or_init(lasting).await.engine().clone())
}

/// The grade of a folder, and everything that was made for it removed.
pub(crate) async fn grade(engine: &Engine, plan: &Plan, folder: &Path) -> Grade {
    let session = Session {
        submission: Submission::open(folder).expect("a readable submission"),
        given: given(&plan.rubric.slug),
    };
    let listen = Box::new(|_| {});
    let place = place(engine, plan).await;
    let outcome = session.run(plan, place, listen, std::future::pending()).await;
    assert_eq!(outcome.left_behind, None, "{}", folder.display());
    judge(&plan.rubric, &outcome.evidence.expect("nobody stopped it"))
}
