//! A request to the engine, as text: `POST /containers/create?name=a`, and its body on the lines after that. What
//! may go on never names what is the grader's, and may go on once more as the same.
#![no_main]

use grade::policy::fuzz::{OURS, review};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (head, body) = text.split_once('\n').unwrap_or((text, ""));
    let Some((method, target)) = head.split_once(' ') else { return };
    let Some(sent) = review(method, target, body.as_bytes()) else { return };
    let (path, _) = sent.target.split_once('?').unwrap_or((&sent.target, ""));
    assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()), "{path:?}");
    // An image may be called as it likes.
    let mut parts = path.split('/').skip(1).skip_while(|part| part.strip_prefix('v').is_some_and(|rest| rest.contains('.')));
    if matches!(parts.next(), Some("containers" | "networks" | "volumes")) {
        assert!(parts.next().is_none_or(|subject| !OURS.contains(&subject)), "{path:?}");
    }
    let again = review(method, &sent.target, sent.body.as_deref().unwrap_or_default());
    assert_eq!(again.as_ref(), Some(&sent));
});
