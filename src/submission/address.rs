//! The address of a git repository, with the credentials that may be written into it kept apart.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::Url;

/// An address that could be a repository's. Shown without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// https, and http for servers that ask for no credentials.
    Http {
        /// Without credentials, query and fragment.
        url: Url,
        /// The credentials that were in it.
        login: Option<Login>,
    },
    /// By the user's own `ssh`.
    Ssh(SshAddress),
    /// Git's own protocol, which has no credentials.
    Git(Url),
    /// A folder of this machine.
    Folder(PathBuf),
}

/// What `ssh` is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SshAddress {
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// As the server is told it.
    pub(super) path: String,
    /// As the user wrote it: `host:path` and not `ssh://host/path`.
    short: bool,
}

/// A name and a password, or a token in place of either. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

/// Text that no repository's address can be. Says nothing of the text, as credentials may be
/// anywhere in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Another scheme.
    #[error("submissions are fetched by https, ssh, git and file, not by `{0}`")]
    Scheme(String),
    /// Not of the form that its scheme asks for.
    #[error("this is no address of a git repository: it should look like {0}")]
    Form(&'static str),
    /// A query or a fragment, as a browser shows them.
    #[error(
        "an address of a git repository ends with its path: leave out what begins with `?` or `#`"
    )]
    Tail,
    /// Credentials for a connection that anybody can listen to, or that takes none.
    #[error("credentials are sent by https only: take them out of the address, or write https")]
    Clear,
}

const HTTPS: &str = "https://host/path.git";
const SSH: &str = "ssh://user@host/path.git or user@host:path.git";

impl Address {
    /// Whether a text that is no path here can only be an address.
    pub(super) fn is_remote(text: &str) -> bool {
        text.contains("://") || short_ssh(text).is_some()
    }

    pub(super) fn parse(text: &str) -> Result<Address, AddressError> {
        let Some((scheme, _)) = text.split_once("://") else {
            return match short_ssh(text) {
                Some((host, path)) => SshAddress::short(host, path).map(Address::Ssh),
                None => Ok(Address::Folder(text.into())),
            };
        };
        let form = match scheme {
            "http" | "https" => HTTPS,
            "ssh" | "git+ssh" | "ssh+git" => SSH,
            "git" => "git://host/path.git",
            "file" => "file:///path.git",
            other => {
                // Whatever somebody pasted: a scheme is short and plain.
                let plain = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
                let is_scheme = other.len() <= 20 && other.chars().all(plain);
                let other = if is_scheme { other } else { "…" };
                return Err(AddressError::Scheme(other.to_owned()));
            }
        };
        let mut url = Url::parse(text).map_err(|_| AddressError::Form(form))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::Tail);
        }
        let login = Login::of(&url).ok_or(AddressError::Form(form))?;
        let has_host =
            url.host_str().is_some_and(|host| !host.is_empty() && !host.starts_with('-'));
        let has_path = !url.path().trim_matches('/').is_empty();
        match scheme {
            "file" if url.host_str().is_none_or(str::is_empty) => {
                let path = url.to_file_path().map_err(|()| AddressError::Form(form))?;
                Ok(Address::Folder(path))
            }
            "file" => Err(AddressError::Form(form)),
            _ if !has_host || !has_path => Err(AddressError::Form(form)),
            "http" | "https" => {
                if login.is_some() && scheme == "http" {
                    return Err(AddressError::Clear);
                }
                // Neither fails for an address with a host.
                let _ = url.set_username("");
                let _ = url.set_password(None);
                Ok(Address::Http { url, login })
            }
            "git" if login.is_some() => Err(AddressError::Clear),
            "git" => Ok(Address::Git(url)),
            _ => SshAddress::long(&url, login).map(Address::Ssh),
        }
    }
}

/// `[user@]host:path`, which git takes for ssh where no slash comes before the colon.
fn short_ssh(text: &str) -> Option<(&str, &str)> {
    // A colon belongs to the credentials where an @ follows it.
    let at = text.split('/').next()?.rfind('@').map_or(0, |at| at + 1);
    let colon = at + text[at..].find(':')?;
    let (host, path) = (&text[..colon], &text[colon + 1..]);
    // One letter is a drive.
    (host.len() > 1 && !host.contains('/') && !path.is_empty()).then_some((host, path))
}

impl SshAddress {
    fn short(host: &str, path: &str) -> Result<SshAddress, AddressError> {
        let (user, host) = match host.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host.to_owned()),
            None => (None, host.to_owned()),
        };
        SshAddress { user, host, port: None, path: path.to_owned(), short: true }.checked()
    }

    fn long(url: &Url, login: Option<Login>) -> Result<SshAddress, AddressError> {
        let user = match login {
            Some(login) if !login.password.is_empty() => return Err(AddressError::Form(SSH)),
            login => login.map(|login| login.user),
        };
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let path = percent_decode_str(url.path()).decode_utf8();
        let path = path.map_err(|_| AddressError::Form(SSH))?.into_owned();
        // `ssh://host/~ada/x` means a path in Ada's home.
        let path = match path.strip_prefix("/~") {
            Some(home) => format!("~{home}"),
            None => path,
        };
        SshAddress { user, host, port: url.port(), path, short: false }.checked()
    }

    /// What begins with a dash, `ssh` takes for an option.
    fn checked(self) -> Result<SshAddress, AddressError> {
        let plain = |text: &str| {
            !text.is_empty()
                && !text.starts_with('-')
                && !text.chars().any(|c| c.is_control() || c.is_whitespace() || "@:/".contains(c))
        };
        // Without brackets, an IPv6 address has colons.
        let host = if self.short { self.host.clone() } else { self.host.replace(':', "") };
        let good = plain(&host)
            && self.user.as_deref().is_none_or(plain)
            && !self.path.starts_with('-')
            && !self.path.chars().any(char::is_control);
        if good { Ok(self) } else { Err(AddressError::Form(SSH)) }
    }
}

impl Login {
    /// What an address has before its `@`; none when that is not UTF-8, or has a line's end in it,
    /// by which a credential helper would be told of another host.
    fn of(url: &Url) -> Option<Option<Login>> {
        let text = |part: &str| {
            let text = percent_decode_str(part).decode_utf8().ok()?;
            (!text.chars().any(char::is_control)).then(|| text.into_owned())
        };
        if url.username().is_empty() && url.password().is_none() {
            return Some(None);
        }
        let user = text(url.username())?;
        let password = text(url.password().unwrap_or_default())?;
        Some(Some(Login { user, password }))
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Http { url, .. } | Address::Git(url) => url.fmt(f),
            Address::Folder(path) => path.display().fmt(f),
            Address::Ssh(ssh) => ssh.fmt(f),
        }
    }
}

impl fmt::Display for SshAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.iter().map(|user| format!("{user}@")).collect::<String>();
        let (host, path) = (&self.host, &self.path);
        if self.short {
            return write!(f, "{user}{host}:{path}");
        }
        let port = self.port.iter().map(|port| format!(":{port}")).collect::<String>();
        let slash = if path.starts_with('/') { "" } else { "/" };
        match host.contains(':') {
            true => write!(f, "ssh://{user}[{host}]{port}{slash}{path}"),
            false => write!(f, "ssh://{user}{host}{port}{slash}{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, AddressError> {
        Address::parse(text)
    }

    #[test]
    fn credentials_are_kept_apart() {
        let Ok(Address::Http { url, login }) = parse("https://a%40b:x%2Fy@example.org/a.git")
        else {
            panic!("an address")
        };
        assert_eq!(url.as_str(), "https://example.org/a.git");
        let login = login.unwrap();
        assert_eq!((login.user.as_str(), login.password.as_str()), ("a@b", "x/y"));
        assert_eq!(format!("{login:?}"), "Login(…)");
        assert_eq!(parse("http://a:b@example.org/a.git"), Err(AddressError::Clear));
        assert_eq!(parse("git://a@example.org/a.git"), Err(AddressError::Clear));
    }

    #[test]
    fn ssh_is_written_in_two_ways() {
        for (text, user, port, path) in [
            ("git@example.org:org/a.git", Some("git"), None, "org/a.git"),
            ("example.org:a", None, None, "a"),
            ("ssh://git@example.org:2222/org/a.git", Some("git"), Some(2222), "/org/a.git"),
            ("ssh://example.org/~ada/a%20b", None, None, "~ada/a b"),
        ] {
            let Ok(Address::Ssh(ssh)) = parse(text) else { panic!("{text}") };
            assert_eq!((ssh.user.as_deref(), ssh.port, ssh.path.as_str()), (user, port, path));
            assert_eq!(ssh.host, "example.org");
            assert_eq!(parse(&parse(text).unwrap().to_string()), parse(text));
        }
    }

    #[test]
    fn what_ssh_would_take_for_options_is_refused() {
        for text in [
            "-oProxyCommand=x:a",
            "git@-oProxyCommand=x:a",
            "ssh://-oProxyCommand=x/a",
            "ssh://-l@example.org/a",
            "example.org:-a",
            "example.org:a\nb",
            "ssh://git:secret@example.org/a",
        ] {
            assert_eq!(parse(text), Err(AddressError::Form(SSH)), "{text}");
        }
    }

    #[test]
    fn nonsense_is_told_without_being_repeated() {
        for text in [
            "https://",
            "https:///a",
            "https://example.org",
            "https://example.org/",
            "https://a b/c",
            "file://host/a",
            "git://example.org",
            "ftp://x/y",
            "https://x/y?z",
            "https://x/y#z",
            "javascript:alert(1)://x",
            "http://[::1/a",
            "https://%ff@x/y",
            "https://a%0ahost=github.com@x/y",
            "https://a:b%0d@x/y",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
