//! A request's path: normalized, matched with the table, and written anew.

use super::endpoints::{ENDPOINTS, Endpoint};
use super::no::{No, quoted};
use super::world::Part;

/// The oldest version of the engine's interface that is spoken. Before it, the start of a container
/// took the settings that only its creation has now.
const OLDEST: (u32, u32) = (1, 24);

/// Where a request goes.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) endpoint: &'static Endpoint,
    /// `v1.41/`, or nothing.
    version: String,
    /// What stands for the braces of the pattern.
    pub(super) subject: String,
}

impl Route {
    /// Finds a request's endpoint.
    pub(super) fn find(method: &str, path: &str) -> Result<Self, No> {
        let path = decode(path).ok_or_else(|| No::bad("the request's path is malformed"))?;
        let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(&path).split('/').collect();
        let dubious = |segment: &&str| {
            ["", ".", ".."].contains(segment)
                || segment.contains(|c: char| c.is_control() || c == '\\')
        };
        if segments.iter().any(dubious) {
            return Err(No::bad("the request's path is not a clean one"));
        }
        let (version, segments) = match segments[..] {
            [first, ref rest @ ..] if is_version(first) => {
                check_version(first)?;
                (format!("{first}/"), rest)
            }
            _ => (String::new(), &segments[..]),
        };
        for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.method == method) {
            if let Some(subject) = matched(endpoint.pattern, segments) {
                return Ok(Self { endpoint, version, subject });
            }
        }
        Err(No::asked(told(method, segments)))
    }

    /// The path as it is sent, about this subject.
    pub(super) fn path(&self, subject: &str) -> String {
        let segments = self
            .endpoint
            .pattern
            .split('/')
            .map(|part| if part.starts_with('{') { encode(subject) } else { part.to_owned() });
        format!("/{}{}", self.version, segments.collect::<Vec<_>>().join("/"))
    }

    /// The subject as it stands in a path.
    pub(super) fn encoded(&self) -> String {
        encode(&self.subject)
    }

    /// What kind of thing the subject is: `container`, `image`; nothing if there is none.
    pub(super) fn kind(&self) -> &'static str {
        let mut parts = self.endpoint.pattern.split('/');
        parts.find_map(|part| part.strip_prefix('{')?.strip_suffix('}')).unwrap_or_default()
    }

    /// What the review needs to know of the engine.
    pub(super) fn needs(&self) -> Vec<Part> {
        let about = match self.kind() {
            "container" | "exec" => Some(Part::Containers),
            "network" => Some(Part::Networks),
            "volume" => Some(Part::Volumes),
            "image" => Some(Part::Images),
            _ => None,
        };
        about.into_iter().chain(self.endpoint.needs.iter().copied()).collect()
    }
}

/// The subject, if the pattern fits.
fn matched(pattern: &str, segments: &[&str]) -> Option<String> {
    let parts: Vec<&str> = pattern.split('/').collect();
    let Some(place) = parts.iter().position(|part| part.starts_with('{')) else {
        return (parts == segments).then(String::new);
    };
    let (before, after) = (&parts[..place], &parts[place + 1..]);
    let rest = segments.strip_prefix(before)?.strip_suffix(after)?;
    let fits = rest.len() == 1 || (parts[place] == "{image}" && !rest.is_empty());
    fits.then(|| rest.join("/"))
}

fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|number| {
        !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

fn check_version(segment: &str) -> Result<(), No> {
    let number = segment.trim_start_matches('v');
    let parts = number
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    match parts {
        Some(version) if version >= OLDEST => Ok(()),
        Some(_) => Err(No::bad(format!(
            "client version {number} is too old. Minimum supported API version is {}.{}",
            OLDEST.0, OLDEST.1
        ))),
        None => Err(No::bad(format!("there is no version {}", quoted(number)))),
    }
}

/// What a call asked for, in a student's words if they have some for it.
fn told(method: &str, segments: &[&str]) -> String {
    match segments.first().copied() {
        Some("swarm") => "docker swarm".to_owned(),
        Some("nodes") => "docker node".to_owned(),
        Some("services" | "tasks") => "docker service".to_owned(),
        Some("secrets") => "docker secret".to_owned(),
        Some("configs") => "docker config".to_owned(),
        Some("plugins") => "docker plugin".to_owned(),
        Some("containers") if segments.get(2) == Some(&"checkpoints") => {
            "docker checkpoint".to_owned()
        }
        Some("images") if segments.get(1) == Some(&"search") => "docker search".to_owned(),
        _ => format!("the engine's call {} /{}", quoted(method), quoted(&segments.join("/"))),
    }
}

/// Resolves `%2F` and the like, once.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let code = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(code).ok()?);
    }
    // What is encoded twice has another meaning to whoever decodes it twice.
    String::from_utf8(bytes).ok().filter(|path| !path.contains('%'))
}

fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:@+".contains(&byte);
    let letter =
        |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(method: &str, path: &str) -> Result<String, No> {
        Route::find(method, path).map(|route| route.path(&route.subject))
    }

    #[test]
    fn a_path_is_read_and_written_anew() {
        for (method, given, sent) in [
            ("GET", "/_ping", "/_ping"),
            ("POST", "/v1.41/containers/web/start", "/v1.41/containers/web/start"),
            ("POST", "/v1.41/con%74ainers/web/st%61rt", "/v1.41/containers/web/start"),
            (
                "GET",
                "/images/localhost:5000/team/app:1.0/json",
                "/images/localhost:5000/team/app:1.0/json",
            ),
            (
                "GET",
                "/images/localhost:5000%2Fteam%2Fapp/json",
                "/images/localhost:5000/team/app/json",
            ),
            ("GET", "/images/a@sha256:12/json", "/images/a@sha256:12/json"),
            ("GET", "/containers/%C3%A9/json", "/containers/%C3%A9/json"),
            ("GET", "/containers/a%3Fb/json", "/containers/a%3Fb/json"),
        ] {
            assert_eq!(path(method, given).as_deref(), Ok(sent));
        }
    }

    #[test]
    fn a_path_that_could_be_read_in_two_ways_is_none() {
        for given in [
            "/containers//json",
            "//containers/json",
            "/containers/json/",
            "/containers/../containers/json",
            "/containers/./json",
            "/containers/%2e%2e/json",
            "/images/a%2F..%2Fb/json",
            "/containers/a%252Fb/json",
            "/containers/a%zz/json",
            "/containers/a%2/json",
            "/containers/%ff/json",
            "/containers/a%00/json",
            "/containers/a%0a/json",
            "/v1.23/containers/json",
            "/v1/containers/json",
            "/v1.2.3/containers/json",
            "/v99999999999.1/containers/json",
            "",
        ] {
            assert!(matches!(path("GET", given), Err(No::Bad(_))), "{given}");
        }
    }

    #[test]
    fn the_subject_of_a_call_is_known() {
        let route = Route::find("GET", "/images/team/app/json").unwrap();
        assert_eq!((route.kind(), route.subject.as_str()), ("image", "team/app"));
        assert_eq!(Route::find("GET", "/images/json").unwrap().kind(), "");
        assert_eq!(Route::find("POST", "/networks/create").unwrap().kind(), "");
    }
}
