//! `onbuild`: the image, and three downstream builds whose files are read.

use std::path::Path;

use futures_util::future::{try_join, try_join3};
use grade::engine::BuildNetwork;

use super::{Build, Floor, Order};
use crate::Outcome;

pub(super) async fn work(floor: &Floor, folder: &Path) -> Outcome<()> {
    let build = Build { network: BuildNetwork::None, ..Build::default() };
    let parent = floor.image(folder, build).await?;
    let tags = floor.engine.image(&parent).await?.tags;
    let tag = tags.first().ok_or("the image has no name")?;
    try_join(floor.read(&parent, &["/app"]), children(floor, tag)).await?;
    Ok(())
}

async fn children(floor: &Floor, tag: &str) -> Outcome<()> {
    // Names that no build had before, lest its files come from the cache.
    let name = |what: &str| format!("{}{what}", floor.labels.run);
    let at = |name: &str| format!("/app/{name}");
    let (first, script, nested) = (name("a.txt"), name("d.py"), name("f/g.txt"));
    let manifest = "/app/manifest.txt";

    let files = [(first.clone(), "text\n"), (name("b.txt"), "second\n")];
    let child = floor.build_from(tag, &files);
    let read_child = async |child: String| floor.read(&child, &[&at(&first), manifest]).await;
    let again = async {
        let files = [(first.clone(), "changed\n"), (name("c.txt"), "added\n")];
        let again = floor.build_from(tag, &files).await?;
        floor.read(&again, &[&at(&first), manifest]).await
    };
    let other = async {
        let files = [(script.clone(), "code\n"), (name("e"), "bare\n"), (nested.clone(), "deep\n")];
        let other = floor.build_from(tag, &files).await?;
        floor.read(&other, &[&at(&script), &at(&nested), manifest]).await
    };
    match floor.order {
        Order::Rubric => {
            let child = child.await?;
            try_join3(read_child(child), again, other).await?;
        }
        Order::Free => {
            // The change comes after the first child in any order: a stale cache is to show.
            let child = async { try_join(read_child(child.await?), again).await };
            try_join(child, other).await?;
        }
    }
    Ok(())
}
