//! The paths that a build copies, with the links on the way to them: fsutil's `FollowLinks`.

use std::collections::BTreeSet;

use super::pattern::is_name_of;
use super::{Context, EntryKind};

/// Links and patterns that are followed at most: a link may lead to itself.
const MOST: usize = 10_000;

/// Patterns for these paths and for what the links on the way lead to; `None` when one is the whole context.
///
/// A last part with wildcards stays a pattern. What is not there stays a path that nothing matches.
pub(super) fn follow(context: &Context, paths: &[String]) -> Option<Vec<String>> {
    let mut found = BTreeSet::new();
    let mut open: Vec<String> = paths.to_vec();
    let mut followed = 0;
    while let Some(path) = open.pop() {
        followed += 1;
        if followed > MOST {
            // Too tangled to tell: all of it is right, too.
            return None;
        }
        step(context, &path, &mut found, &mut open);
    }
    let whole = found.contains("");
    (!whole).then(|| found.into_iter().collect())
}

fn step(context: &Context, path: &str, found: &mut BTreeSet<String>, open: &mut Vec<String>) {
    let parts = parts_of(path);
    if parts.is_empty() {
        found.insert(String::new());
    }
    for end in 1..=parts.len() {
        let targets = targets(context, &parts[..end]);
        if end < parts.len() && targets.is_none() {
            continue;
        }
        if !found.insert(parts[..end].join("/")) {
            return;
        }
        if let Some(targets) = targets {
            let rest = parts[end..].join("/");
            open.extend(targets.into_iter().map(|target| format!("{target}/{rest}")));
            return;
        }
    }
}

/// What the links that a path means lead to, from the context's top; `None` when it means none and has no wildcards.
fn targets(context: &Context, parts: &[&str]) -> Option<Vec<String>> {
    let (last, folder) = parts.split_last()?;
    let folder = folder.join("/");
    let from_top = |target: &str| {
        let base = if target.starts_with('/') { "" } else { &folder };
        parts_of(&format!("{base}/{target}")).join("/")
    };
    if !has_wildcards(last) {
        let path = if folder.is_empty() { (*last).to_owned() } else { format!("{folder}/{last}") };
        return context.link(&path).map(|target| vec![from_top(&target)]);
    }
    let mut entry = context.top();
    for part in parts.iter().take(parts.len() - 1) {
        let children = context.children(&entry).unwrap_or_default();
        let is_next = |child: &super::Entry| child.path.rsplit('/').next() == Some(part);
        entry =
            children.into_iter().find(|child| child.kind == EntryKind::Folder && is_next(child))?;
    }
    let children = context.children(&entry).unwrap_or_default();
    let links = children
        .iter()
        .filter(|child| child.path.rsplit('/').next().is_some_and(|name| is_name_of(last, name)));
    let links = links.filter_map(|child| match &child.kind {
        EntryKind::Link(target) => Some(from_top(target)),
        _ => None,
    });
    Some(links.collect())
}

/// The parts of a path, as if its top were `/`: without `.`, and no `..` leads out.
fn parts_of(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts
}

fn has_wildcards(name: &str) -> bool {
    let mut rest = name.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => drop(rest.next()),
            '*' | '?' | '[' => return true,
            _ => {}
        }
    }
    false
}
