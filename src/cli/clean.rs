//! `grade clean`: removes what crashed runs left on the engine, and nothing else.

use clap::Args;

use super::{Common, Exit, out, runtime};
use crate::engine::{Endpoint, Engine, EngineError, OwnedFilter, OwnerLife};
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
    let (mut removed, mut kept) = (0_u32, 0_u32);
    let mut first = Ok(());
    for sandbox in engine.sandboxes(sandbox::LABEL).await? {
        // One that runs empties itself, and goes by itself when nobody has wanted it for an hour.
        if !arguments.all && sandbox.running {
            continue;
        }
        if arguments.dry_run {
            out(format_args!("would remove sandbox {}", sandbox.name));
        } else {
            let gone = engine.remove(&sandbox.id).await;
            if gone.is_ok() {
                out(format_args!("removed sandbox {}", sandbox.name));
            }
            first = first.and(gone);
        }
        removed += 1;
    }
    for object in engine.owned(&OwnedFilter::default()).await? {
        if !arguments.all && object.owner_life() != OwnerLife::Dead {
            kept += 1;
            continue;
        }
        let what = format!("{:?}", object.kind).to_lowercase();
        let name = if object.name.is_empty() { &object.id } else { &object.name };
        if arguments.dry_run {
            out(format_args!("would remove {what} {name}"));
        } else {
            let gone = engine.remove_owned(&object).await;
            if gone.is_ok() {
                out(format_args!("removed {what} {name}"));
            }
            first = first.and(gone);
        }
        removed += 1;
    }
    match (removed, kept) {
        (0, 0) => out(format_args!("nothing to clean")),
        (_, 0) => {}
        (_, kept) => out(format_args!(
            "left {kept} objects of runs that still go on, or whose process cannot be seen from \
             here; --all removes them, too"
        )),
    }
    first
}
