//! `grade clean`: removes what crashed runs left on the engine and in temporary folders, and nothing
//! else.

use std::future::ready;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Common, Exit, out, runtime};
use crate::batch::{Register, Store};
use crate::engine::{Endpoint, Engine, EngineError, OwnedFilter, Owner, OwnerLife};
use crate::file::sweep;
use crate::sandbox::Left;
use crate::submission::kept_folders;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Also what belongs to runs that still go on, or whose process cannot be seen from here, and
    /// the sandboxes that are kept ready
    #[arg(long)]
    all: bool,
    /// Only tell what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Also what a killed run left in these folders: of a class, or of reports
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let mut broom = Broom { dry_run: arguments.dry_run, removed: 0, kept: 0, first: None };
    runtime.block_on(async {
        broom.folders(arguments).await;
        if let Err(error) = broom.engine(arguments, common).await {
            broom.fail(error.into());
        }
    });
    match (broom.removed, broom.kept) {
        (0, 0) if broom.first.is_none() => out(format_args!("nothing to clean")),
        (_, 0) => {}
        (_, kept) => out(format_args!(
            "left {kept} objects of runs that still go on, or whose process cannot be seen from \
             here; --all removes them, too"
        )),
    }
    let Some(Failure { message, advice }) = broom.first else { return Exit::Graded };
    anstream::eprintln!("{message}");
    if let Some(advice) = advice {
        anstream::eprintln!("  help: {advice}");
    }
    Exit::Unjudged
}

/// Why something was not removed.
struct Failure {
    message: String,
    advice: Option<String>,
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Failure {
        Failure { message: error.to_string(), advice: error.advice() }
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure { message, advice: None }
    }
}

/// Removes one thing after another, or tells of it only, and goes on after a failure.
struct Broom {
    dry_run: bool,
    removed: u32,
    kept: u32,
    first: Option<Failure>,
}

impl Broom {
    /// What is left in folders of this machine.
    async fn folders(&mut self, arguments: &Arguments) {
        let temporary = std::env::temp_dir();
        let failed = |what: &str, path: &Path, error: &dyn std::fmt::Display| {
            Failure::from(format!("failed to {what} {}: {error}", path.display()))
        };
        let found = kept_folders(&temporary).unwrap_or_else(|error| {
            self.fail(failed("read", &temporary, &error));
            Vec::new()
        });
        for folder in found {
            let owner = folder.owner.parse::<Owner>();
            let life = owner.map_or(OwnerLife::Unknown, |owner| owner.is_alive());
            if arguments.all || life == OwnerLife::Dead {
                let path = folder.path;
                let removal = async {
                    std::fs::remove_dir_all(&path).map_err(|error| failed("remove", &path, &error))
                };
                self.remove("folder", &path.display().to_string(), removal).await;
            } else {
                self.kept += 1;
            }
        }
        for path in &arguments.folders {
            let is_class = Register::read(&Store::look(path)).is_ok();
            let cleared = match is_class {
                _ if self.dry_run => Ok(()),
                // Which clears it, unless somebody is at work there.
                true => Store::open(path).map(drop).map_err(|error| error.to_string().into()),
                false => sweep(path).map_err(|error| failed("clear", path, &error)),
            };
            self.remove("unfinished files in", &path.display().to_string(), ready(cleared)).await;
        }
    }

    /// What is left on the engine.
    async fn engine(&mut self, arguments: &Arguments, common: &Common) -> Result<(), EngineError> {
        let engine = Engine::connect(&Endpoint::resolve(common.host.as_deref())?).await?;
        for left in Left::list(&engine, arguments.all).await? {
            self.remove(left.what(), left.name(), left.remove(&engine)).await;
        }
        for object in engine.owned(&OwnedFilter::default()).await? {
            if arguments.all || object.owner_life() == OwnerLife::Dead {
                let what = format!("{:?}", object.kind).to_lowercase();
                let name = if object.name.is_empty() { &object.id } else { &object.name };
                self.remove(&what, name, engine.remove_owned(&object)).await;
            } else {
                self.kept += 1;
            }
        }
        Ok(())
    }

    async fn remove<E: Into<Failure>>(
        &mut self,
        what: &str,
        name: &str,
        removal: impl Future<Output = Result<(), E>>,
    ) {
        self.removed += 1;
        if self.dry_run {
            out(format_args!("would remove {what} {name}"));
            return;
        }
        match removal.await {
            Ok(()) => out(format_args!("removed {what} {name}")),
            Err(error) => self.fail(error.into()),
        }
    }

    /// The first failure is told.
    fn fail(&mut self, failure: Failure) {
        self.first.get_or_insert(failure);
    }
}
