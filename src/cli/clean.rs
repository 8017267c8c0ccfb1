//! `grade clean`: removes what crashed runs left on the engine, and nothing else.

use std::str::FromStr;

use clap::Args;

use super::{Common, Exit, out, runtime};
use crate::engine::{Endpoint, Engine, EngineError, OwnedFilter, OwnedObject, Owner, OwnerLife};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Also what belongs to runs that still go on, or whose process cannot be seen from here
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
    for object in engine.owned(&OwnedFilter::default()).await? {
        if !arguments.all && life(&object) != OwnerLife::Dead {
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

fn life(object: &OwnedObject) -> OwnerLife {
    Owner::from_str(&object.labels.owner).map_or(OwnerLife::Unknown, |owner| owner.is_alive())
}
