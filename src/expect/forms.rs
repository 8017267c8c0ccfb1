//! The forms of text that an expectation asks for by name: version, licence, web address, authors.

use spdx::identifiers::{EXCEPTIONS, LICENSES};
use spdx::{AdditionItem, Expression, LicenseItem, ParseMode};
use url::Url;

use super::pattern::is_match;

/// The expression that semver.org offers, with ASCII digits alone: numbers may be of any length.
const SEMVER: &str = concat!(
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)",
    r"(-(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)",
    r"(\.(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?",
    r"(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$",
);

/// A name with a letter or a digit, then an address in angle brackets. RFC 5322 has comments,
/// groups and routes, too; none of them belongs here.
const MAILBOX: &str = concat!(
    r"^[^<>;]*[\p{L}\p{N}][^<>;]*",
    r#"<[^\s@<>,;:"()]+@[^\s@<>,;:"().]+(\.[^\s@<>,;:"().]+)*>\s*$"#,
);

/// Whether this is a semantic version 2.0.0.
pub(super) fn is_semver(text: &str) -> bool {
    is_match(SEMVER, text)
}

/// Whether this is an SPDX expression of identifiers in SPDX's lists, deprecated ones among them.
pub(super) fn is_spdx(text: &str) -> bool {
    let mode = ParseMode {
        allow_deprecated: true,
        // GPL-2.0+ is in the list, though deprecated.
        allow_postfix_plus_on_gpl: true,
        ..ParseMode::STRICT
    };
    Expression::parse_mode(&with_listed_case(text), mode).is_ok_and(|expression| {
        expression.requirements().all(|one| {
            // The crate lists NOASSERTION, SPDX does not; a reference is to a text unknown here.
            matches!(&one.req.license, LicenseItem::Spdx { id, .. } if id.name != "NOASSERTION")
                && !matches!(&one.req.addition, Some(AdditionItem::Other(_)))
        })
    })
}

/// Identifiers match without regard to case, as the specification's annex on expressions says;
/// the crate wants them as they are listed.
fn with_listed_case(text: &str) -> String {
    let listed = |word: &str| {
        let names =
            LICENSES.iter().map(|one| one.name).chain(EXCEPTIONS.iter().map(|one| one.name));
        names.into_iter().find(|name| name.eq_ignore_ascii_case(word))
    };
    text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.')))
        .map(|part| {
            let word = part
                .trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.')));
            format!("{}{}", listed(word).unwrap_or(word), &part[word.len()..])
        })
        .collect()
}

/// Whether this is an http(s) URL of something at a host: with a path, or a query in its place.
pub(super) fn is_url(text: &str) -> bool {
    // Browsers, and the crate with them, mend what is no URL: they drop line ends, turn
    // backslashes, and add slashes before the host.
    let mended = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    let Some((_, rest)) = text.split_once("://") else { return false };
    !text.contains(mended)
        && !rest.starts_with('/')
        && Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host_str().is_some_and(|host| !host.is_empty())
                && (!url.path().trim_matches('/').is_empty()
                    || url.query().is_some_and(|query| !query.is_empty()))
        })
}

/// Whether this is `Name <mail@host>`, several with commas between.
pub(super) fn are_mailboxes(text: &str) -> bool {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .all(|one| is_match(MAILBOX, one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(form: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(form(text), "{text:?}");
        }
        for text in bad {
            assert!(!form(text), "{text:?}");
        }
    }

    #[test]
    fn a_semantic_version_has_three_numbers_and_no_v() {
        all(
            is_semver,
            &[
                "1.2.3",
                "0.0.1",
                "1.2.3-rc.1+build.5",
                "2.0.0---rc.1+001",
                "99999999999999999999999.999999999999999999.99999999999999999",
                "1.0.0-99999999999999999999999",
            ],
            &[
                "v1.2.3",
                "1.2",
                "1.2.3.4",
                "",
                "01.2.3",
                " 1.2.3",
                "latest",
                "1.2.3-",
                "1.2.3-01",
                "1.2.3+",
                "1.2.3-a..b",
                "1.2.3\n",
                "1.2.٣",
            ],
        );
    }

    #[test]
    fn a_licence_is_an_expression_of_known_identifiers() {
        all(
            is_spdx,
            &[
                "MIT",
                "Apache-2.0",
                "MIT OR Apache-2.0",
                "GPL-2.0-or-later WITH Classpath-exception-2.0",
                "GPL-3.0",
                "(MIT AND BSD-3-Clause)",
                "((MIT))",
            ],
            &[
                "MIT License",
                "Apache 2.0",
                "",
                "mine",
                "MIT,BSD-3-Clause",
                "MIT OR",
                "MIT/ISC",
                "GPLv3",
                "Classpath-exception-2.0",
                "MIT é",
                "é",
            ],
        );
    }

    #[test]
    fn identifiers_match_without_regard_to_case() {
        all(
            is_spdx,
            &[
                "mit",
                "apache-2.0",
                "MIT OR apache-2.0",
                "(mit or ISC)",
                "gpl-2.0-OR-later with classpath-Exception-2.0",
            ],
            &["mit2", "apache 2.0", "mit apache-2.0"],
        );
    }

    #[test]
    fn a_plus_is_any_later_version() {
        all(
            is_spdx,
            &["GPL-2.0+", "LGPL-2.1+", "gpl-3.0+ OR MIT", "Apache-2.0+"],
            &["GPL-2.0++", "GPL-2.0 +", "+", "GPL-2.0-or-later+"],
        );
    }

    #[test]
    fn a_reference_is_no_known_identifier() {
        all(
            is_spdx,
            &["MIT WITH LLVM-exception"],
            &[
                "LicenseRef-mine",
                "DocumentRef-x:LicenseRef-mine",
                "MIT OR LicenseRef-mine",
                "MIT WITH AdditionRef-mine",
                "NOASSERTION",
                "noassertion",
                "MIT OR NOASSERTION",
                "NONE",
            ],
        );
    }

    #[test]
    fn a_source_is_a_web_address_of_something() {
        all(
            is_url,
            &[
                "https://github.com/ada/engine",
                "HTTPS://github.com/ada/engine",
                "http://git.example.org/x.git",
                "http://git.example.org:3000/x/",
                "https://git.zx2c4.com/x",
                "https://git.example.org/?p=tide.git",
            ],
            &[
                "git@github.com:ada/engine.git",
                "github.com/ada/engine",
                "https://",
                "https://github.com",
                "https://github.com/",
                "https://github.com//",
                "https://github.com/?",
                "https://github.com/#readme",
                "https:///github.com/ada",
                "https:/github.com/ada",
                "ftp://a/b",
                "https://a b/c",
                "https://a/b c",
                " https://a/b",
                "https://github.com/ada/engine\n",
                "https:\\\\github.com\\ada",
                "https://github.com\\ada",
                "https://github.com/ada\\engine",
            ],
        );
    }

    #[test]
    fn authors_are_names_with_addresses() {
        all(
            are_mailboxes,
            &[
                "Ada Lovelace <ada@maths.org>",
                "Ada L <a@b.org>, Charles Babbage <c@d.org>",
                "Ada<a@b.org>,Charles<c@d.org>",
                "Zoë O'Müller-Groß <zoe+tide@groß.example>,王小明 <wang@localhost>",
                "\"Lovelace, Ada\" <ada@maths.org>, C. B. <c@d.org>",
                "Team Tide: Hanna <h@w.de>",
                "s1234567 (tutor) <s1234567@student.weiss.dev>",
                "  Ada <a@b.org> ",
            ],
            &[
                "",
                "Ada",
                "ada@maths.org",
                "<ada@maths.org>",
                " <ada@maths.org>",
                "-- <a@b.org>",
                "Ada <ada>",
                "Ada <@b>",
                "Ada <a@>",
                "Ada <a@b@c.d>",
                "Ada <mailto:h@w.de>",
                "Ada <hanna@weiss..dev>",
                "Ada <hanna@.>",
                "Ada <hanna@weiss.>",
                "Ada < a@b.org >",
                "Ada <a@b.org> x",
                "Ada <a@b.org>>",
                "Ada <a@b.org>, Charles",
                "A <a@b>,,C <c@d>",
                "A <a@b>,",
                ",A <a@b>",
                "A <a@b,x@y>",
                "A <a@b>; C <c@d>",
                "A <a@b> C <c@d>",
                "\"A <a@b>, C <c@d>",
                "Lovelace, Ada <ada@maths.org>",
            ],
        );
    }
}
