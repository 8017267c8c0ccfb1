//! Where a submission is, as somebody wrote it down: an address or a path.

use std::path::{Path, PathBuf};

use url::Url;

use crate::submission::{GitSource, Revision, Source};

/// The endings of archives that are read.
const ARCHIVES: [&str; 4] = [".zip", ".tar", ".tar.gz", ".tgz"];
/// Those of archives that are not.
const OTHERS: [&str; 8] =
    [".rar", ".7z", ".tar.xz", ".tar.bz2", ".tar.zst", ".txz", ".tbz2", ".gz"];

/// Why a text is no place of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub message: String,
    pub help: Option<String>,
}

impl Flaw {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Flaw {
        Flaw { message: message.into(), help: Some(help.into()) }
    }
}

/// Whether a text is an address and not a path.
pub(super) fn is_address(text: &str) -> bool {
    text.contains("://") || is_scp(text)
}

/// `user@host:path`, as git has it for ssh.
fn is_scp(text: &str) -> bool {
    let before = text.split('/').next().unwrap_or_default();
    let who = before.split_once(':').and_then(|(who, _)| who.split_once('@'));
    let is_plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    who.is_some_and(|(user, host)| is_plain(user) && is_plain(host) && !host.starts_with('-'))
}

/// Reads where a submission is; a path is one below `base`.
///
/// # Errors
/// When it is no address that is fetched from, or nothing is there.
pub(super) fn read(text: &str, base: &Path, revision: &Revision) -> Result<Source, Flaw> {
    if is_address(text) {
        return address(text).map(|url| Source::Git(GitSource { url, at: revision.clone() }));
    }
    let path = base.join(text);
    match std::fs::metadata(&path) {
        Ok(data) if data.is_dir() || archive_stem(text).is_some() => Ok(Source::Path(path)),
        Ok(_) => Err(Flaw::new(
            format!("{} is no submission", path.display()),
            format!("a submission is a folder or an archive ({})", ARCHIVES.join(", ")),
        )),
        Err(error) => Err(Flaw {
            message: format!("nothing is to be had from {}: {error}", path.display()),
            help: missing_scheme(text),
        }),
    }
}

/// What is there of a path that was made of a student's name, or why nothing is.
pub(super) fn look(path: &Path) -> Result<Source, String> {
    let shown = path.display();
    match std::fs::metadata(path) {
        Ok(data) if data.is_dir() || archive_stem(&path.to_string_lossy()).is_some() => {
            Ok(Source::Path(path.to_owned()))
        }
        Ok(_) => Err(format!("{shown} is neither a folder nor an archive")),
        Err(_) => Err(format!("there is no {shown}")),
    }
}

/// `github.com/org/name` is most likely meant as an address.
pub(super) fn missing_scheme(text: &str) -> Option<String> {
    let (host, rest) = text.split_once('/')?;
    let is_host = host.contains('.') && !host.starts_with('.') && !rest.is_empty();
    is_host.then(|| format!("an address begins with its scheme: https://{text}"))
}

fn address(text: &str) -> Result<String, Flaw> {
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Flaw::new("an address has no spaces", "write a space as %20"));
    }
    if is_scp(text) {
        return Ok(text.to_owned());
    }
    let url = Url::parse(text).map_err(|error| Flaw {
        message: format!("this is no address: {error}"),
        help: Some("write one such as https://github.com/org/name".into()),
    })?;
    let is_web = url.scheme() == "https";
    match url.scheme() {
        "https" | "ssh" | "file" => {}
        scheme => {
            let rest = text.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
            let help = match scheme {
                "http" | "git" => format!("write https://{rest}"),
                _ => "repositories are fetched by https, ssh and file".into(),
            };
            return Err(Flaw::new(format!("nothing is fetched by {scheme}"), help));
        }
    }
    if url.password().is_some() || is_web && !url.username().is_empty() {
        let help = "leave it out: it comes from the environment or git's credential helpers";
        return Err(Flaw::new("an address is shown in reports and cannot hold a credential", help));
    }
    if url.path().trim_matches('/').is_empty() {
        return Err(Flaw { message: "this address names no repository".into(), help: None });
    }
    Ok(text.to_owned())
}

/// What a file's name is without the ending of an archive that is read; `None` for other files.
pub(super) fn archive_stem(name: &str) -> Option<&str> {
    stem(name, &ARCHIVES)
}

/// The same of archives that are not read.
pub(super) fn other_archive_stem(name: &str) -> Option<&str> {
    stem(name, &OTHERS)
}

fn stem<'a>(name: &'a str, endings: &[&str]) -> Option<&'a str> {
    endings.iter().find_map(|ending| {
        let at = name.len().checked_sub(ending.len()).filter(|at| *at > 0)?;
        let is_end = name.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(ending));
        if is_end { name.get(..at) } else { None }
    })
}

/// What two addresses or paths of the same submission have in common.
pub(super) fn key(source: &Source) -> String {
    match source {
        Source::Path(path) => {
            let path: PathBuf = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            format!("path {}", path.display())
        }
        Source::Git(git) => {
            let url = git.url.trim_end_matches('/');
            url.strip_suffix(".git").unwrap_or(url).to_lowercase()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<String, String> {
        match read(text, Path::new("/nowhere"), &Revision::Head) {
            Ok(Source::Git(git)) => Ok(git.url),
            Ok(Source::Path(path)) => Ok(path.display().to_string()),
            Err(flaw) => Err(flaw.help.unwrap_or(flaw.message)),
        }
    }

    #[test]
    fn repositories_are_fetched_by_https_ssh_and_file() {
        for text in [
            "https://github.com/org/hw-ada",
            "https://git.uni.edu:8443/a/b/c.git",
            "ssh://git@github.com/org/hw-ada.git",
            "git@github.com:org/hw-ada.git",
            "file:///srv/git/ada.git",
        ] {
            assert_eq!(url(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_told_with_what_to_write() {
        let credential = "leave it out: it comes from the environment or git's credential helpers";
        for (text, help) in [
            ("http://github.com/org/x", "write https://github.com/org/x"),
            ("git://github.com/org/x", "write https://github.com/org/x"),
            ("ftp://x/y", "repositories are fetched by https, ssh and file"),
            ("ext::sh -c id://x", "write a space as %20"),
            ("https://ghp_x@github.com/org/x", credential),
            ("https://a:b@github.com/org/x", credential),
            ("ssh://a:b@github.com/org/x", credential),
            ("https://github.com/", "this address names no repository"),
            ("https://", "write one such as https://github.com/org/name"),
            ("github.com/org/x", "an address begins with its scheme: https://github.com/org/x"),
        ] {
            assert_eq!(url(text), Err(help.to_owned()), "{text}");
        }
        assert!(url("--upload-pack=x").is_err());
        assert!(url("../../etc").is_err());
    }

    #[test]
    fn a_path_lies_below_the_roster() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("ada")).unwrap();
        for file in ["bob.tar.gz", "cy.ZIP", "notes.txt"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let read = |text| read(text, folder.path(), &Revision::Head);
        for name in ["ada", "bob.tar.gz", "cy.ZIP"] {
            assert_eq!(read(name), Ok(Source::Path(folder.path().join(name))));
        }
        assert!(read("notes.txt").is_err());
        assert!(read("dan").is_err());
    }

    #[test]
    fn endings_of_archives_are_known() {
        assert_eq!(archive_stem("ada.tar.gz"), Some("ada"));
        assert_eq!(archive_stem("Ada.ZIP"), Some("Ada"));
        assert_eq!(archive_stem(".zip"), None);
        assert_eq!(archive_stem("ä.zip"), Some("ä"));
        assert_eq!(archive_stem("é"), None);
        assert_eq!(other_archive_stem("ada.rar"), Some("ada"));
        assert_eq!(archive_stem("ada.rar"), None);
    }

    #[test]
    fn two_spellings_of_a_repository_are_one() {
        let git = |url: &str| key(&Source::Git(GitSource { url: url.into(), at: Revision::Head }));
        assert_eq!(git("https://github.com/Org/X.git"), git("https://github.com/org/x/"));
        assert_ne!(git("https://github.com/org/x"), git("https://github.com/org/y"));
    }
}
