//! Credentials for https: those in the address, a token from the environment, those of git's
//! credential helpers; each asked once, and none for another host than it is meant for.

use std::collections::VecDeque;

use url::Url;

use crate::submission::address::Login;

/// The token's variables: ours, and the one that a GitHub runner's workflows use.
const TOKEN: &str = "GRADE_GIT_TOKEN";
const HOST: &str = "GRADE_GIT_HOST";
const GITHUB_TOKEN: &str = "GITHUB_TOKEN";
const GITHUB_SERVER: &str = "GITHUB_SERVER_URL";
/// The host that a token is meant for where nobody says so.
const GITHUB: &str = "github.com";
/// The name beside a token where the server wants one and does not look at it.
const ANYBODY: &str = "x-access-token";

/// What can be tried, in this order.
#[derive(Default)]
pub(super) struct Logins {
    left: VecDeque<Way>,
    user: Option<String>,
}

enum Way {
    Known(Login),
    Helpers,
}

impl Logins {
    /// What there is for an address, which had these credentials in it.
    pub(super) fn new(url: &Url, given: Option<Login>) -> Logins {
        Logins::with(url, given, |name| std::env::var(name).ok())
    }

    fn with(url: &Url, given: Option<Login>, env: impl Fn(&str) -> Option<String>) -> Logins {
        let user = given.as_ref().map(|login| login.user.clone());
        let mut left = VecDeque::new();
        // Anybody on the way could read them otherwise.
        if url.scheme() == "https" {
            // A name alone says whose credentials are meant, or is a token.
            left.extend(given.map(Way::Known));
            left.extend(token(url, env).map(Way::Known));
            left.push_back(Way::Helpers);
        }
        Logins { left, user }
    }

    /// What to try next at this address. Runs programs: git's credential helpers.
    pub(super) fn next(&mut self, url: &Url) -> Option<Login> {
        loop {
            match self.left.pop_front()? {
                Way::Known(login) => return Some(login),
                Way::Helpers => {
                    if let Some(login) = from_helpers(url, self.user.as_deref()) {
                        return Some(login);
                    }
                }
            }
        }
    }

    /// Forgets all: the server has sent us to another host.
    pub(super) fn forget(&mut self) {
        self.left.clear();
    }
}

/// The token that is meant for this host.
fn token(url: &Url, env: impl Fn(&str) -> Option<String>) -> Option<Login> {
    let env = |name: &str| env(name).map(|text| text.trim().to_owned()).filter(|it| !it.is_empty());
    let (token, host) = match env(TOKEN) {
        Some(token) => (token, env(HOST)),
        None => {
            let server = env(GITHUB_SERVER).and_then(|server| Url::parse(&server).ok());
            (env(GITHUB_TOKEN)?, server.and_then(|server| host_of(&server)))
        }
    };
    let meant = host.unwrap_or_else(|| GITHUB.to_owned());
    let is_meant = host_of(url).is_some_and(|host| host.eq_ignore_ascii_case(&meant));
    is_meant.then(|| Login { user: ANYBODY.to_owned(), password: token })
}

/// The host, with its port where that is an unusual one.
fn host_of(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or(host.to_owned(), |port| format!("{host}:{port}")))
}

/// What the user's own git would use; only those settings of theirs are heeded.
fn from_helpers(url: &Url, user: Option<&str>) -> Option<Login> {
    // git2 tells a helper no address of numbers, and one that is told no host gives what it has for
    // any other.
    url.domain()?;
    let config = git2::Config::open_default().ok()?;
    let mut helper = git2::CredentialHelper::new(url.as_str());
    helper.config(&config);
    helper.username(user.filter(|user| !user.is_empty()));
    let (user, password) = helper.execute()?;
    Some(Login { user, password })
}

/// What must never be shown: whatever is secret in this process's environment.
pub(super) fn secrets() -> Vec<String> {
    let var = |name: &str| std::env::var(name).ok();
    let mut secrets: Vec<String> = [TOKEN, GITHUB_TOKEN].into_iter().filter_map(var).collect();
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
    {
        let proxy = var(name).and_then(|proxy| Url::parse(&proxy).ok());
        secrets.extend(proxy.and_then(|proxy| proxy.password().map(str::to_owned)));
    }
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(url: &str, env: &[(&str, &str)]) -> Option<String> {
        let env = |name: &str| {
            env.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned())
        };
        token(&Url::parse(url).unwrap(), env).map(|login| login.password)
    }

    #[test]
    fn a_token_is_for_one_host() {
        let github = "https://github.com/org/a.git";
        let ours = "https://git.example.org:8443/a.git";
        let token = |name, value| [("GRADE_GIT_TOKEN", "t"), (name, value)];
        assert_eq!(sent(github, &[("GRADE_GIT_TOKEN", " t\n")]).as_deref(), Some("t"));
        assert_eq!(sent(github, &[("GITHUB_TOKEN", "t")]).as_deref(), Some("t"));
        assert_eq!(
            sent(ours, &token("GRADE_GIT_HOST", "git.example.org:8443")).as_deref(),
            Some("t")
        );
        let server = ("GITHUB_SERVER_URL", "https://git.example.org:8443");
        assert_eq!(sent(ours, &[("GITHUB_TOKEN", "t"), server]).as_deref(), Some("t"));
        for (url, env) in [
            (ours, &token("GRADE_GIT_HOST", "git.example.org")),
            (ours, &token("GRADE_GIT_HOST", "")),
            (ours, &token("GITHUB_SERVER_URL", "https://git.example.org:8443")),
            (github, &token("GRADE_GIT_HOST", "git.example.org")),
            ("https://evil.example/github.com/a.git", &token("", "")),
            ("https://github.com.evil.example/a.git", &token("", "")),
            ("https://github.com:444/a.git", &token("", "")),
        ] {
            assert_eq!(sent(url, env), None, "{url} {env:?}");
        }
    }

    #[test]
    fn nothing_is_sent_in_the_clear() {
        let login = Login { user: "ada".into(), password: "s3cret".into() };
        let url = |text: &str| Url::parse(text).unwrap();
        let env = |_: &str| Some("t".to_owned());
        let mut clear = Logins::with(&url("http://github.com/a"), Some(login.clone()), env);
        assert_eq!(clear.next(&url("http://github.com/a")), None);
        let mut left = Logins::with(&url("https://t/a"), Some(login.clone()), env);
        assert_eq!(left.next(&url("https://t/a")), Some(login));
        left.forget();
        assert_eq!(left.next(&url("https://t/a")), None);
    }
}
