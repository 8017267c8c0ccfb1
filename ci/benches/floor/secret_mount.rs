//! `secret-mount`: a build with the secret, read and exported, and a build without it.

use std::path::Path;

use bytes::Bytes;
use futures_util::future::try_join;
use grade::engine::BuildNetwork;

use super::{Build, Floor, Order};
use crate::Outcome;

pub(super) async fn work(floor: &Floor, folder: &Path) -> Outcome<()> {
    let without = || Build { network: BuildNetwork::None, no_cache: true, ..Build::default() };
    let secret = Bytes::from(format!("{}\n", floor.labels.run));
    let with = Build { secrets: [("mysecret".to_owned(), secret)].into(), ..without() };
    let built = floor.image(folder, with);
    let refused = async {
        let image = floor.build(folder, without()).await?;
        if image.is_none() { Ok(()) } else { Err("it builds without its secret".into()) }
    };
    let read = async |image: &str| floor.read(image, &["/secret.sha256"]).await;
    match floor.order {
        Order::Rubric => {
            let image = built.await?;
            read(&image).await?;
            try_join(export(floor, &image), refused).await?;
        }
        Order::Free => {
            let built = async {
                let image = built.await?;
                try_join(read(&image), export(floor, &image)).await
            };
            try_join(built, refused).await?;
        }
    }
    Ok(())
}

async fn export(floor: &Floor, image: &str) -> Outcome<()> {
    let mut export = floor.engine.export_image(image);
    tokio::io::copy(&mut export, &mut tokio::io::sink()).await?;
    Ok(())
}
