//! The rules of a `.dockerignore`, with the docker CLI's semantics: patterns from the context's
//! root, `**`, the last matching rule wins, and what lies in a matched folder is matched.
//!
//! Semantics from <https://github.com/moby/patternmatcher>; gitignore's differ (anchoring,
//! negation, parents), so the crates for those don't serve.

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

impl IgnoreRules {
    /// Reads the text of a `.dockerignore`. A line that is no valid pattern is left out.
    pub fn parse(text: &str) -> IgnoreRules {
        let lines = text.trim_start_matches('\u{feff}').lines();
        // As in moby, a comment is told by the line's first character, before it is trimmed.
        let lines = lines.filter(|line| !line.starts_with('#')).map(str::trim);
        IgnoreRules { rules: lines.filter(|line| !line.is_empty()).filter_map(rule).collect() }
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

fn rule(line: &str) -> Option<Rule> {
    let (keeps, pattern) = match line.strip_prefix('!') {
        Some(pattern) => (true, pattern.trim()),
        None => (false, line),
    };
    let pattern = clean(pattern);
    if pattern.is_empty() {
        return None;
    }
    Regex::new(&to_regex(&pattern)).ok().map(|regex| Rule { regex, keeps })
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
        IgnoreRules::parse(rules).ignores(path)
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
    fn comments_blanks_and_odd_lines_are_no_rules() {
        assert!(!ignored("# *\n\n  \n!\n/\n", "a"));
        assert!(ignored("\u{feff}a", "a"));
        assert!(
            ignored("a?c\nx[0-9]", "abc") && ignored("x[0-9]", "x7") && !ignored("x[0-9]", "xa")
        );
        assert!(ignored("a\\*b", "a*b") && !ignored("a\\*b", "axb"));
        assert!(!ignored("a.b", "axb"));
    }
}
