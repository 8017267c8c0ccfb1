//! `oci-labels`: two builds, one with another version, and a look at each.

use std::path::Path;

use grade::engine::BuildNetwork;

use super::{Build, Floor};
use crate::Outcome;

pub(super) async fn work(floor: &Floor, folder: &Path) -> Outcome<()> {
    let plain = Build { network: BuildNetwork::None, ..Build::default() };
    let version = ("VERSION".to_owned(), "9.8.7".to_owned());
    let versioned =
        Build { network: BuildNetwork::None, args: [version].into(), ..Build::default() };
    floor.both(look(floor, folder, plain), look(floor, folder, versioned)).await?;
    Ok(())
}

async fn look(floor: &Floor, folder: &Path, build: Build) -> Outcome<()> {
    let image = floor.image(folder, build).await?;
    floor.engine.image(&image).await?;
    Ok(())
}
