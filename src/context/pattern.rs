//! Patterns of paths with the semantics of <https://github.com/moby/patternmatcher>, which every builder follows: from the context's
//! top, `**`, the last matching pattern wins, what lies in a matched folder is matched. gitignore's differ (anchoring, negation,
//! parents), so the crates for those don't serve.

use std::iter::Peekable;
use std::str::Chars;

use regex::Regex;

/// Patterns, in their order.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    /// Begins with `!`.
    is_exception: bool,
    cleaned: String,
    form: Form,
}

/// How a path is compared: moby takes short cuts for plain patterns, and some of them mean something else than the pattern does.
#[derive(Clone, Debug)]
enum Form {
    Whole,
    /// Plain text, then `**`.
    Prefix(String),
    /// `**`, then plain text: a leading `**` means "ends so", slash or not.
    Suffix(String),
    Regex(Regex),
}

/// What is no pattern: with it, nothing is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPattern(pub String);

/// Which patterns a folder matched, for what lies in it.
pub(super) type Matched = Vec<bool>;

impl Matcher {
    /// Reads patterns, each with a `!` before it or not, as the builder hands them on.
    ///
    /// # Errors
    /// The first that is none.
    pub fn new<T: AsRef<str>>(patterns: &[T]) -> Result<Self, BadPattern> {
        let patterns = patterns.iter().map(AsRef::as_ref).filter(|one| !one.trim().is_empty());
        let read = |one: &str| Pattern::new(one).ok_or_else(|| BadPattern(one.trim().to_owned()));
        Ok(Self { patterns: patterns.map(read).collect::<Result<_, _>>()? })
    }

    /// Whether a path matches, or a folder that it lies in.
    pub fn covers(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let way = ends.map(|end| &path[..end]);
        way.fold((false, Matched::new()), |(_, folder), path| self.matches(path, &folder)).0
    }

    /// Whether a path matches, by what its folder matched (nothing at the top), and which patterns it matched.
    ///
    /// A pattern is not tried where it could not change the answer, and does not count for what lies below: so moby's.
    pub(super) fn matches(&self, path: &str, folder: &Matched) -> (bool, Matched) {
        let mut is_matched = false;
        let mut matched = vec![false; self.patterns.len()];
        for (index, pattern) in self.patterns.iter().enumerate() {
            let from_folder = folder.get(index).copied().unwrap_or_default();
            if !from_folder && pattern.is_exception != is_matched {
                continue;
            }
            matched[index] = from_folder || pattern.matches(path);
            if matched[index] {
                is_matched = !pattern.is_exception;
            }
        }
        (is_matched, matched)
    }

    /// Whether a pattern may match something in a folder that matches none itself.
    pub(super) fn may_match_in(&self, folder: &str) -> bool {
        self.may_reach(folder, false)
    }

    /// Whether an exception may be for something in a matched folder.
    pub(super) fn may_except_in(&self, folder: &str) -> bool {
        self.may_reach(folder, true)
    }

    fn may_reach(&self, folder: &str, exceptions: bool) -> bool {
        let those = || self.patterns.iter().filter(|pattern| pattern.is_exception == exceptions);
        those().any(|one| !one.is_plain()) || those().any(|one| one.begins_in(folder))
    }
}

impl Pattern {
    fn new(pattern: &str) -> Option<Self> {
        let pattern = pattern.trim();
        let (is_exception, pattern) = match pattern.strip_prefix('!') {
            Some(pattern) => (true, pattern.trim()),
            None => (false, pattern),
        };
        let cleaned = clean(pattern);
        if pattern.is_empty() || !is_pattern(&cleaned) {
            return None;
        }
        let form = form(&cleaned)?;
        Some(Self { is_exception, cleaned, form })
    }

    fn matches(&self, path: &str) -> bool {
        match &self.form {
            Form::Whole => path == self.cleaned,
            Form::Prefix(start) => path.starts_with(start.as_str()),
            Form::Suffix(end) => {
                path.ends_with(end.as_str()) || end.strip_prefix('/') == Some(path)
            }
            Form::Regex(regex) => regex.is_match(path),
        }
    }

    /// Without its last `/**` or `/*`.
    fn start(&self) -> &str {
        let start = self.cleaned.strip_suffix("/**").unwrap_or(&self.cleaned);
        start.strip_suffix("/*").unwrap_or(start)
    }

    fn is_plain(&self) -> bool {
        !self.start().contains(['*', '[', ']', '?', '^', '\\'])
    }

    fn begins_in(&self, folder: &str) -> bool {
        format!("{}/", self.start()).starts_with(&format!("{folder}/"))
    }
}

/// Whether a name matches a pattern without slashes, as Go's `filepath.Match` has it.
pub(super) fn is_name_of(pattern: &str, name: &str) -> bool {
    is_pattern(pattern) && Regex::new(&to_regex(pattern)).is_ok_and(|regex| regex.is_match(name))
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

/// `None` when no expression comes of it.
fn form(pattern: &str) -> Option<Form> {
    let is_plain = |text: &str| !text.contains(['*', '?', '[', ']', '\\']);
    if is_plain(pattern) {
        return Some(Form::Whole);
    }
    if let Some(rest) = pattern.strip_prefix("**").filter(|rest| is_plain(rest)) {
        return Some(Form::Suffix(rest.to_owned()));
    }
    if let Some(start) = pattern.strip_suffix("**").filter(|start| is_plain(start)) {
        return Some(Form::Prefix(start.to_owned()));
    }
    Regex::new(&to_regex(pattern)).ok().map(Form::Regex)
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

    fn matches(patterns: &[&str], path: &str) -> bool {
        Matcher::new(patterns).unwrap().covers(path)
    }

    /// The cases of moby's own tests and documentation: a pattern, a path, whether they match.
    const DOCUMENTED: &[(&str, &str, bool)] = &[
        ("**", "file", true),
        ("**", "file/", true),
        ("**/", "file", true),
        ("**/", "dir/file", true),
        ("**", "dir/file", true),
        ("**/**", "dir/file", true),
        ("dir/**", "dir/file", true),
        ("dir/**", "dir/dir2/file", true),
        ("**/dir", "dir", true),
        ("**/dir", "dir/file", true),
        ("**/dir2/*", "dir/dir2/file", true),
        ("**/dir2/**", "dir/dir2/dir2/file", true),
        ("**file", "file", true),
        ("**file", "dir/file", true),
        ("**/file", "dir/file", true),
        ("**file", "dir/dir/file", true),
        ("**/file*", "dir/dir/file", true),
        ("**/file*", "dir/dir/file.txt", true),
        ("**/file*txt", "dir/dir/file.txt", true),
        ("**/file*.txt*", "dir/dir/file.txt", true),
        ("**/**/*.txt", "dir/dir/file.txt", true),
        ("**/**/*.txt2", "dir/dir/file.txt", false),
        ("**/*.txt", "file.txt", true),
        ("a**/*.txt", "a/file.txt", true),
        ("a**/*.txt", "a/dir/file.txt", true),
        ("a/*.txt", "a/dir/file.txt", false),
        ("a/*.txt", "a/file.txt", true),
        ("a/*.txt**", "a/file.txt", true),
        ("a[b-d]e", "ae", false),
        ("a[b-d]e", "ace", true),
        ("a[b-d]e", "aae", false),
        ("a[^b-d]e", "aze", true),
        (".*", ".foo", true),
        (".*", "foo", false),
        ("abc.def", "abcdef", false),
        ("abc.def", "abc.def", true),
        ("abc.def", "abcZdef", false),
        ("abc?def", "abcZdef", true),
        ("abc?def", "abcdef", false),
        ("a\\\\", "a\\", true),
        ("**/foo/bar", "foo/bar", true),
        ("**/foo/bar", "dir/foo/bar", true),
        ("**/foo/bar", "dir/dir2/foo/bar", true),
        ("abc/**", "abc", false),
        ("abc/**", "abc/def", true),
        ("abc/**", "abc/def/ghi", true),
        ("**/.foo", ".foo", true),
        ("**/.foo", "bar.foo", false),
        ("a(b)c/def", "a(b)c/def", true),
        ("a(b)c/def", "a(b)c/xyz", false),
        ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
        (
            "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl",
            "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl",
            true,
        ),
        ("dist/*.whl", "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", true),
        // A leading `**` before plain text means "ends so".
        ("**.env", ".env", true),
        ("**.env", "src/.env", true),
        ("**.env", "src/prod.env", true),
        ("**.env", "prod.env", true),
        ("**.env", "prod.env.txt", false),
        ("**env", "src/benv", true),
        // With a wildcard after it, it stands for whole folders.
        ("**.e*v", "prod.env", false),
        ("**.e*v", "src/.env", true),
        // One at the end of plain text means "begins so".
        ("src**", "src", true),
        ("src**", "srcs/a", true),
        ("src/**", "srcs", false),
        // Dots and slashes.
        ("./src/", "src/a", true),
        ("src/.", "src/a", true),
        ("src//a", "src/a", true),
        ("src/../a", "a", true),
        ("../a", "a", false),
        ("/../a", "a", true),
        ("/", "a", false),
        (".", "a", false),
        // Case, brackets, escapes.
        ("readme.md", "README.md", false),
        ("[Rr]eadme.md", "readme.md", true),
        ("a\\*b", "a*b", true),
        ("a\\*b", "axb", false),
        ("x[[]1]", "x[1]", true),
        ("x[[]1]", "x1", false),
        ("x[&&~]", "x~", true),
        ("x[a&&b]", "x", false),
        ("*.env", "src/.env", false),
        ("node_modules", "node_modules/a/b.js", true),
        ("node_modules", "src/node_modules/a", false),
    ];

    #[test]
    fn a_pattern_matches_what_the_documentation_says() {
        for (pattern, path, expected) in DOCUMENTED {
            let path = path.trim_end_matches('/');
            assert_eq!(matches(&[pattern], path), *expected, "{pattern} and {path}");
        }
    }

    #[test]
    fn the_last_matching_pattern_wins() {
        for (patterns, path, expected) in [
            (&["**", "!util/docker/web"][..], "util/docker/web/foo", false),
            (&["**", "!util/docker/web", "util/docker/web/foo"], "util/docker/web/foo", true),
            (&["**", "!dist/proxy.py*.whl"], "dist/proxy.py-2.whl", false),
            (&["*.md", "!README.md"], "notes.md", true),
            (&["*.md", "!README.md"], "README.md", false),
            (&["*.md", "!README.md", "README.*"], "README.md", true),
            (&["!README.md", "*.md"], "README.md", true),
            (&["*", "! src"], "src/main.py", false),
            (&["*", "!src", "src/.env"], "src/.env", true),
            (&["*", "!src", "src/.env"], "x/y", true),
            // "d" is not tried on d, which "*" matches already; and d/f is no "d".
            (&["*", "!d/f", "d"], "d/f", false),
        ] {
            assert_eq!(matches(patterns, path), expected, "{patterns:?} and {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for line in ["[", "!", "! ", "a[]b", "a\\", "![^]", "[]a]", "x[a-]", "x[-a]", "[a", "[z-a]"]
        {
            let refused = Matcher::new(&["*.md", line, "b"]).unwrap_err();
            assert_eq!(refused, BadPattern(line.trim().to_owned()));
        }
        for line in ["]", "a]", "[a]]", "[\\]]", "[A-\\]]", "[^^]", "[!a]", "a/[/../b"] {
            assert!(Matcher::new(&[line]).is_ok(), "{line}");
        }
    }

    #[test]
    fn a_folder_is_looked_into_where_a_pattern_may_match() {
        let matcher = Matcher::new(&["*", "!src/app", "!docs/*"]).unwrap();
        for (folder, expected) in [("src", true), ("src/app", true), ("docs", true), ("x", false)] {
            assert_eq!(matcher.may_except_in(folder), expected, "{folder}");
        }
        assert!(Matcher::new(&["*", "!**/a"]).unwrap().may_except_in("x"));
    }
}
