//! Files of containers and images.

use grade::engine::{Created, EngineError, Put};
use tokio::io::AsyncReadExt;

use crate::bench::{Bench, KIB};

#[tokio::test]
async fn files_are_read_from_a_container_that_never_started() {
    let bench = Bench::new("files").await;
    let dockerfile = "FROM busybox\nRUN mkdir -p /d/e && echo text > /d/e/f && chmod 600 /d/e/f && ln -s /d/e/f /link\n";
    let image = bench.image(dockerfile).await;
    let created = bench.engine.create_unstarted(&image, &bench.labels.run, &bench.labels).await;
    let Ok(Created::Container(id)) = created else { panic!("no container: {created:?}") };
    let entries = |bytes: Vec<u8>| {
        let mut archive = tar::Archive::new(std::io::Cursor::new(bytes));
        let entry = |entry: std::io::Result<tar::Entry<'_, std::io::Cursor<Vec<u8>>>>| {
            let entry = entry.expect("whole");
            (
                entry.path().expect("a path").display().to_string(),
                entry.header().entry_type(),
                entry.header().mode().expect("a mode") & 0o777,
            )
        };
        archive.entries().expect("a tar").map(entry).collect::<Vec<_>>()
    };
    let read =
        async |path: &str| bench.engine.read_path(&id, path, KIB * KIB).await.expect("an answer");
    let file = read("/d/e/f").await.expect("a file");
    assert_eq!(
        (entries(file.tar), file.truncated),
        (vec![("f".to_owned(), tar::EntryType::Regular, 0o600)], false)
    );
    let paths: Vec<String> = entries(read("/d").await.expect("a folder").tar)
        .into_iter()
        .map(|(path, ..)| path)
        .collect();
    assert_eq!(paths, ["d/", "d/e/", "d/e/f"]);
    assert_eq!(entries(read("/link").await.expect("a link").tar)[0].1, tar::EntryType::Symlink);
    assert_eq!((read("/none").await, read("/d/e/f/g").await), (None, None));
    let stat = bench.engine.stat_path(&id, "/link").await.expect("an answer").expect("a link");
    assert_eq!(stat.link_target, "/d/e/f");
    assert!(stat.modified.starts_with("20"), "{stat:?}");
    assert_eq!(bench.engine.stat_path(&id, "/none").await, Ok(None));
    assert_eq!(bench.engine.stat_path(&id, "/d/e/f/g").await, Ok(None));
    let cut =
        bench.engine.read_path(&id, "/bin", 10 * KIB).await.expect("an answer").expect("a folder");
    assert!(cut.truncated && cut.tar.len() == 10 * KIB);
    assert!(bench.engine.read_path("grade-no-such-container", "/", KIB).await.is_err());
    let mut whole = Vec::new();
    let mut open = bench.engine.open_path(&id, "/bin").await.expect("an answer").expect("a folder");
    open.read_to_end(&mut whole).await.expect("a tar");
    assert!(whole.starts_with(&cut.tar) && whole.len() > 512 * KIB);
    for path in ["/none", "/d/e/f/g"] {
        assert!(bench.engine.open_path(&id, path).await.expect("an answer").is_none(), "{path}");
    }
    assert!(bench.engine.open_path("grade-no-such-container", "/").await.is_err());
    assert!(matches!(
        bench.engine.put_file(&id, "/no/folder", b"", 0o644).await,
        Ok(Put::Refused { .. })
    ));
    bench.done().await;
}

#[tokio::test]
async fn an_image_is_exported_as_a_tar() {
    let bench = Bench::new("export").await;
    let image = bench.image("FROM busybox\nRUN echo needle > /n\n").await;
    let mut bytes = Vec::new();
    bench.engine.export_image(&image).read_to_end(&mut bytes).await.expect("a tar");
    let mut archive = tar::Archive::new(&bytes[..]);
    let names = archive
        .entries()
        .expect("a tar")
        .map(|entry| entry.expect("whole").path().expect("a path").display().to_string());
    assert!(names.collect::<Vec<_>>().contains(&"manifest.json".to_owned()));
    assert!(bytes.windows(7).any(|window| window == b"needle\n"));
    let error = bench
        .engine
        .export_image("grade.local/none")
        .read_to_end(&mut Vec::new())
        .await
        .expect_err("no image");
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<EngineError>());
    assert!(matches!(inner, Some(EngineError::Export { .. })), "{error:?}");
    assert_eq!(bench.engine.image_exists(&image).await, Ok(true));
    bench.engine.remove_image(&image).await.expect("removed");
    assert_eq!(bench.engine.image_exists(&image).await, Ok(false));
    bench.engine.remove_image(&image).await.expect("gone is fine");
    bench.done().await;
}
