//! The rules of a `.dockerignore`, as a builder hands them on, and a folder that is walked by them.
#![no_main]

use grade::context::{Context, Filter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let lines = || text.lines().map(str::to_owned).collect::<Vec<_>>();
    let files = ["Dockerfile", "a/b/c.txt", ".env"].map(|path| (path.to_owned(), String::new().into()));
    let context = Context::of_files(files.into());
    for filter in [
        Filter { exclude: lines(), ..Filter::default() },
        Filter { include: lines(), ..Filter::default() },
        Filter { follow: lines(), ..Filter::default() },
    ] {
        let mut told = Vec::new();
        let walked = context.walk(&filter, &mut |entry| {
            told.push(entry.path);
            Ok(())
        });
        // The builder refuses what comes out of order, or without its folder.
        if walked.is_ok() {
            for path in &told {
                let parent = path.rsplit_once('/').map(|(parent, _)| parent.to_owned());
                assert!(parent.is_none_or(|parent| told.contains(&parent)), "{path:?}");
            }
        }
    }
});
