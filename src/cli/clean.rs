//! `grade clean`: removes what crashed runs left on the engine, and nothing else.

use std::collections::HashMap;
use std::str::FromStr;

use clap::Args;

use super::{Common, Exit, out, runtime};
use crate::engine::{
    Endpoint, Engine, EngineError, OwnedFilter, OwnedObject, Owner, OwnerLife, SandboxLife,
};
use crate::sandbox;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Also what belongs to runs that still go on, or whose process cannot be seen from here, and
    /// the sandboxes that are kept warm
    #[arg(long)]
    all: bool,
    /// Only tell what would be removed
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    match runtime.block_on(clean(arguments, common)) {
        Ok(()) => Exit::Graded,
        Err(error) => {
            anstream::eprintln!("{error}");
            if let Some(advice) = error.advice() {
                anstream::eprintln!("  help: {advice}");
            }
            Exit::Unjudged
        }
    }
}

async fn clean(arguments: &Arguments, common: &Common) -> Result<(), EngineError> {
    let engine = Engine::connect(&Endpoint::resolve(common.host.as_deref())?).await?;
    let mut broom = Broom { dry_run: arguments.dry_run, removed: 0, first: Ok(()) };
    let mut kept = 0_u32;
    for sandbox in engine.sandboxes(sandbox::LABEL).await? {
        let is_left = match sandbox.life {
            // It empties itself, and goes by itself when nobody has wanted it for an hour.
            SandboxLife::Running => false,
            SandboxLife::Created => made_by(&sandbox.labels) == OwnerLife::Dead,
            SandboxLife::Ended => true,
        };
        if arguments.all || is_left {
            broom.remove("sandbox", &sandbox.name, engine.remove(&sandbox.id)).await;
        }
    }
    for disk in engine.sandbox_disks(sandbox::LABEL).await? {
        // Without a sandbox; but that may be about to be created.
        if arguments.all || made_by(&disk.labels) == OwnerLife::Dead {
            let gone = engine.remove_sandbox_disk(&disk.name);
            broom.remove("sandbox's disk", &disk.name, gone).await;
        }
    }
    for object in engine.owned(&OwnedFilter::default()).await? {
        if arguments.all || life(&object) == OwnerLife::Dead {
            let what = format!("{:?}", object.kind).to_lowercase();
            let name = if object.name.is_empty() { &object.id } else { &object.name };
            broom.remove(&what, name, engine.remove_owned(&object)).await;
        } else {
            kept += 1;
        }
    }
    match (broom.removed, kept) {
        (0, 0) => out(format_args!("nothing to clean")),
        (_, 0) => {}
        (_, kept) => out(format_args!(
            "left {kept} objects of runs that still go on, or whose process cannot be seen from \
             here; --all removes them, too"
        )),
    }
    broom.first
}

/// Removes one thing after another, or tells of it only, and goes on after a failure.
struct Broom {
    dry_run: bool,
    removed: u32,
    first: Result<(), EngineError>,
}

impl Broom {
    async fn remove(
        &mut self,
        what: &str,
        name: &str,
        removal: impl Future<Output = Result<(), EngineError>>,
    ) {
        self.removed += 1;
        if self.dry_run {
            out(format_args!("would remove {what} {name}"));
            return;
        }
        match removal.await {
            Ok(()) => out(format_args!("removed {what} {name}")),
            Err(error) if self.first.is_ok() => self.first = Err(error),
            Err(_) => {}
        }
    }
}

fn made_by(labels: &HashMap<String, String>) -> OwnerLife {
    let maker = labels.get(sandbox::MAKER).and_then(|maker| Owner::from_str(maker).ok());
    maker.map_or(OwnerLife::Unknown, |owner| owner.is_alive())
}

fn life(object: &OwnedObject) -> OwnerLife {
    Owner::from_str(&object.labels.owner).map_or(OwnerLife::Unknown, |owner| owner.is_alive())
}
