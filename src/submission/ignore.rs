//! The rules of a `.dockerignore`, with the docker CLI's semantics: patterns from the context's
//! root, `**`, the last matching rule wins, and what lies in a matched folder is matched.
//!
//! Semantics from <https://github.com/moby/patternmatcher>; gitignore's differ (anchoring,
//! negation, parents), so the crates for those don't serve.

use std::iter::Peekable;
use std::str::Chars;

use regex::Regex;

/// The rules, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    regex: Regex,
    keeps: bool,
}

/// A line that is no pattern: with it, nothing is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoPattern(pub String);

impl IgnoreRules {
    /// Reads the text of a `.dockerignore`.
    ///
    /// # Errors
    /// When a line is no pattern, as for the docker CLI.
    pub fn parse(text: &str) -> Result<IgnoreRules, NoPattern> {
        let lines = text.trim_start_matches('\u{feff}').lines();
        // As in moby, a comment is told by the line's first character, before it is trimmed.
        let lines = lines.filter(|line| !line.starts_with('#')).map(str::trim);
        let mut rules = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            rules.extend(rule(line).map_err(|NotOne| NoPattern(line.to_owned()))?);
        }
        Ok(IgnoreRules { rules })
    }

    /// Whether a path, relative and with `/` between its parts, is left out of the context.
    pub fn ignores(&self, path: &str) -> bool {
        let mut ignored = false;
        for rule in &self.rules {
            if rule.keeps == ignored && rule.matches(path) {
                ignored = !rule.keeps;
            }
        }
        ignored
    }

    /// Whether some rule may keep a path below an ignored folder.
    pub fn has_exceptions(&self) -> bool {
        self.rules.iter().any(|rule| rule.keeps)
    }
}

impl Rule {
    fn matches(&self, path: &str) -> bool {
        let parents = path.match_indices('/').map(|(end, _)| &path[..end]);
        parents.chain([path]).any(|path| self.regex.is_match(path))
    }
}

struct NotOne;

fn rule(line: &str) -> Result<Option<Rule>, NotOne> {
    let (keeps, pattern) = match line.strip_prefix('!') {
        Some(pattern) => (true, pattern.trim()),
        None => (false, line),
    };
    let cleaned = clean(pattern);
    if pattern.is_empty() || !is_pattern(&cleaned) {
        return Err(NotOne);
    }
    if cleaned.is_empty() {
        return Ok(None);
    }
    Regex::new(&to_regex(&cleaned)).map(|regex| Some(Rule { regex, keeps })).map_err(|_| NotOne)
}

/// Whether Go's `filepath.Match` takes it for a pattern.
fn is_pattern(pattern: &str) -> bool {
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        let is_whole = match c {
            '\\' => rest.next().is_some(),
            '[' => is_class(&mut rest),
            _ => true,
        };
        if !is_whole {
            return false;
        }
    }
    true
}

/// From after the bracket to its end.
fn is_class(rest: &mut Peekable<Chars<'_>>) -> bool {
    rest.next_if_eq(&'^');
    loop {
        if !is_bound(rest) || (rest.next_if_eq(&'-').is_some() && !is_bound(rest)) {
            return false;
        }
        if rest.next_if_eq(&']').is_some() {
            return true;
        }
    }
}

/// A character of a class, after which there is another one or the class's end.
fn is_bound(rest: &mut Peekable<Chars<'_>>) -> bool {
    let is_one = match rest.next() {
        None | Some('-' | ']') => false,
        Some('\\') => rest.next().is_some(),
        Some(_) => true,
    };
    is_one && rest.peek().is_some()
}

/// The path without `.`, `..` and doubled or outer slashes, as Go's `filepath.Clean` has it. A `..`
/// that leads out of the context stays, and matches nothing, unless a slash before it stops it.
fn clean(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if pattern.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn to_regex(pattern: &str) -> String {
    let mut regex = String::from("^");
    let mut rest = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = rest.next() {
        match c {
            // What means more within brackets here than it does in Go.
            '[' | '&' | '~' if in_class => regex.extend(['\\', c]),
            '[' | ']' => {
                in_class = c == '[';
                regex.push(c);
            }
            '*' if rest.peek() == Some(&'*') => {
                rest.next();
                if rest.peek() == Some(&'/') {
                    rest.next();
                }
                regex.push_str(if rest.peek().is_none() { ".*" } else { "(.*/)?" });
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '\\' => match rest.next() {
                Some(next) => regex.push_str(&regex::escape(&next.to_string())),
                None => regex.push_str("\\\\"),
            },
            '^' | '-' => regex.push(c),
            c => regex.push_str(&regex::escape(&c.to_string())),
        }
    }
    regex.push('$');
    regex
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(rules: &str, path: &str) -> bool {
        IgnoreRules::parse(rules).unwrap().ignores(path)
    }

    #[test]
    fn patterns_start_at_the_root() {
        assert!(ignored("node_modules", "node_modules/a/b.js"));
        assert!(!ignored("node_modules", "src/node_modules/a"));
        assert!(ignored("/node_modules/", "node_modules/a"));
        assert!(!ignored("*.env", "src/.env"));
        assert!(ignored("**/*.env", "src/deep/prod.env"));
        assert!(ignored("**/*.env", "secrets.env"));
        assert!(ignored("**/.env", "src/.env"));
    }

    #[test]
    fn a_rule_that_leads_out_of_the_context_matches_nothing() {
        assert!(!ignored("../a", "a") && !ignored("b/../../a", "a"));
        assert!(ignored("/../a", "a") && ignored("b/../a", "a"));
    }

    #[test]
    fn brackets_hold_brackets() {
        assert!(ignored("x[[]1]", "x[1]") && !ignored("x[[]1]", "x1"));
        assert!(ignored("x[&&~]", "x~") && !ignored("x[a&&b]", "x"));
    }

    #[test]
    fn the_last_matching_rule_wins() {
        let rules = "*.md\n!README.md\n";
        assert!(ignored(rules, "notes.md") && !ignored(rules, "README.md"));
        assert!(ignored("*.md\n!README.md\nREADME.*", "README.md"));
        let rules = "*\n!src\n!README.md\nsrc/.env";
        assert!(
            !ignored(rules, "src/main.py") && ignored(rules, "src/.env") && ignored(rules, "x/y")
        );
    }

    #[test]
    fn a_line_that_is_no_pattern_is_told() {
        for line in ["[", "!", "! ", "a[]b", "a\\", "![^]", "[]a]", "x[a-]", "x[-a]", "[a", "[z-a]"]
        {
            let rules = format!("*.md\n{line}\nb\n");
            let refused = IgnoreRules::parse(&rules).unwrap_err();
            assert_eq!(refused, NoPattern(line.trim().to_owned()));
        }
        for line in ["]", "a]", "[a]]", "[\\]]", "[A-\\]]", "[^^]", "[!a]", "a/[/../b"] {
            assert!(IgnoreRules::parse(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn comments_blanks_and_odd_lines_are_no_rules() {
        assert!(!ignored("# *\n\n  \n/\n", "a"));
        assert!(ignored("\u{feff}a", "a"));
        assert!(
            ignored("a?c\nx[0-9]", "abc") && ignored("x[0-9]", "x7") && !ignored("x[0-9]", "xa")
        );
        assert!(ignored("a\\*b", "a*b") && !ignored("a\\*b", "axb"));
        assert!(!ignored("a.b", "axb"));
    }
}
