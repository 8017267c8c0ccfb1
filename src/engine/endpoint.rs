//! Where the engine is: `--host`, the environment and Docker's contexts, in Docker's own order.

use std::fmt;
use std::path::{Path, PathBuf};

use super::context;
use super::error::{Cause, EngineError};

/// An engine's address. [`Endpoint::resolve`] finds the one that the docker command would use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    transport: Transport,
}

/// How the engine is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// A Unix socket.
    Unix(PathBuf),
    /// TCP in the clear.
    Tcp {
        /// Host name or address.
        host: String,
        /// Port, 2375 by default.
        port: u16,
    },
    /// TCP under TLS.
    Tls {
        /// Host name or address, which the server's certificate has to name.
        host: String,
        /// Port, 2376 by default.
        port: u16,
        /// The keys.
        files: TlsFiles,
    },
}

/// Where the keys for TLS are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// A folder with `ca.pem`, `cert.pem` and `key.pem`.
    pub folder: PathBuf,
    /// Whether the server has to prove who it is.
    pub verify: bool,
}

/// What the machine says about engines, so that tests can say something else.
pub(super) struct Surroundings<'a> {
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    pub(super) exists: &'a dyn Fn(&Path) -> bool,
}

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

impl Endpoint {
    /// Finds the engine: `host` (a `--host` flag's value), else `DOCKER_HOST`, else the context of
    /// `DOCKER_CONTEXT` or of Docker's `config.json`, else the default socket, or the rootless one
    /// where only that is there.
    ///
    /// # Errors
    /// [`EngineError::Choose`] when the address is malformed or of a kind that is not supported
    /// (`ssh://`, `npipe://`), or a context or its keys cannot be read.
    pub fn resolve(host: Option<&str>) -> Result<Self, EngineError> {
        let surroundings = Surroundings {
            env: &|name| std::env::var(name).ok().filter(|value| !value.is_empty()),
            exists: &Path::exists,
        };
        Self::resolve_in(host, &surroundings).map_err(|cause| EngineError::Choose { cause })
    }

    pub(super) fn resolve_in(host: Option<&str>, around: &Surroundings<'_>) -> Result<Self, Cause> {
        let env = around.env;
        if let Some(host) = host.map(str::to_owned).or_else(|| env("DOCKER_HOST")) {
            let files = env("DOCKER_TLS_VERIFY")
                .is_some()
                .then(|| cert_folder(env))
                .transpose()?
                .map(|folder| TlsFiles { folder, verify: true });
            return Self::parse(&host, files);
        }
        if let Some(context) = context::current(env)? {
            return Self::parse(&context.host, context.tls);
        }
        let rootless = env("XDG_RUNTIME_DIR").map(|dir| Path::new(&dir).join("docker.sock"));
        let socket = match rootless {
            Some(rootless)
                if !(around.exists)(Path::new(DEFAULT_SOCKET)) && (around.exists)(&rootless) =>
            {
                rootless
            }
            _ => PathBuf::from(DEFAULT_SOCKET),
        };
        Ok(Self { transport: Transport::Unix(socket) })
    }

    /// The engine behind a Unix socket.
    pub fn socket(path: impl Into<PathBuf>) -> Self {
        Self { transport: Transport::Unix(path.into()) }
    }

    /// Reads an address as `DOCKER_HOST` has it.
    fn parse(host: &str, tls: Option<TlsFiles>) -> Result<Self, Cause> {
        let (scheme, rest) = host.split_once("://").ok_or_else(|| malformed(host))?;
        let transport = match scheme {
            "unix" if rest.starts_with('/') => Transport::Unix(PathBuf::from(rest)),
            "tcp" | "http" | "https" => {
                let address =
                    url::Url::parse(&format!("http://{rest}")).map_err(|_| malformed(host))?;
                let name = address
                    .host_str()
                    .ok_or_else(|| malformed(host))?
                    .trim_matches(['[', ']'])
                    .to_owned();
                // The URL parser drops port 80 as http's default; 2375 is Docker's.
                let port = explicit_port(rest);
                match tls {
                    Some(files) => Transport::Tls { host: name, port: port.unwrap_or(2376), files },
                    None if scheme == "https" => {
                        return Err(Cause::Unsupported {
                            detail: format!("{host} needs TLS, and no keys are named for it"),
                            advice: "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH".to_owned(),
                        });
                    }
                    None => Transport::Tcp { host: name, port: port.unwrap_or(2375) },
                }
            }
            "ssh" => {
                return Err(Cause::Unsupported {
                    detail: format!("{host}: engines behind ssh are not supported"),
                    advice: format!(
                        "forward the socket with `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock {}` and use --host unix:///tmp/docker.sock",
                        rest.trim_end_matches('/')
                    ),
                });
            }
            "npipe" => {
                return Err(Cause::Unsupported {
                    detail: format!("{host}: Windows' named pipes are not supported"),
                    advice: "run this program inside WSL 2, where Docker Desktop offers its socket"
                        .to_owned(),
                });
            }
            _ => return Err(malformed(host)),
        };
        Ok(Self { transport })
    }

    /// How the engine is reached.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.transport {
            Transport::Unix(path) => write!(f, "unix://{}", path.display()),
            Transport::Tcp { host, port } | Transport::Tls { host, port, .. } => {
                if host.contains(':') {
                    write!(f, "tcp://[{host}]:{port}")
                } else {
                    write!(f, "tcp://{host}:{port}")
                }
            }
        }
    }
}

fn explicit_port(rest: &str) -> Option<u16> {
    let authority = rest.split('/').next()?;
    authority.rsplit_once(':')?.1.parse().ok()
}

fn malformed(host: &str) -> Cause {
    Cause::Unsupported {
        detail: format!("{host:?} is no engine's address"),
        advice: "write it like unix:///var/run/docker.sock or tcp://host:2375".to_owned(),
    }
}

/// Docker keeps a user's keys in its configuration folder unless told otherwise.
fn cert_folder(env: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf, Cause> {
    env("DOCKER_CERT_PATH").map(PathBuf::from).or_else(|| context::config_folder(env)).ok_or_else(
        || Cause::Unsupported {
            detail: "DOCKER_TLS_VERIFY is set and DOCKER_CERT_PATH is not".to_owned(),
            advice: "set DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem"
                .to_owned(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(
        host: Option<&str>,
        env: &[(&str, &str)],
        existing: &[&str],
    ) -> Result<Endpoint, Cause> {
        let lookup = |name: &str| {
            let found = env.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let exists = |path: &Path| existing.iter().any(|known| Path::new(known) == path);
        Endpoint::resolve_in(host, &Surroundings { env: &lookup, exists: &exists })
    }

    fn shown(host: Option<&str>, env: &[(&str, &str)], existing: &[&str]) -> String {
        resolve(host, env, existing)
            .map_or_else(|cause| cause.to_string(), |endpoint| endpoint.to_string())
    }

    #[test]
    fn a_flag_wins_over_the_environment() {
        let env = [("DOCKER_HOST", "unix:///b")];
        assert_eq!(shown(Some("unix:///a"), &env, &[]), "unix:///a");
        assert_eq!(shown(None, &env, &[]), "unix:///b");
    }

    #[test]
    fn the_default_is_the_system_socket() {
        assert_eq!(shown(None, &[], &[]), "unix:///var/run/docker.sock");
    }

    #[test]
    fn the_rootless_socket_is_used_where_only_it_exists() {
        let env = [("XDG_RUNTIME_DIR", "/run/user/7")];
        let both = [DEFAULT_SOCKET, "/run/user/7/docker.sock"];
        assert_eq!(shown(None, &env, &both[1..]), "unix:///run/user/7/docker.sock");
        assert_eq!(shown(None, &env, &both), "unix:///var/run/docker.sock");
    }

    #[test]
    fn tcp_has_the_ports_docker_uses() {
        assert_eq!(shown(Some("tcp://10.0.0.1"), &[], &[]), "tcp://10.0.0.1:2375");
        assert_eq!(shown(Some("tcp://h:80"), &[], &[]), "tcp://h:80");
        assert_eq!(shown(Some("tcp://[::1]:99/"), &[], &[]), "tcp://[::1]:99");
        let tls = [("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "/keys")];
        let endpoint = resolve(Some("tcp://h"), &tls, &[]);
        let files = TlsFiles { folder: PathBuf::from("/keys"), verify: true };
        let expected = Transport::Tls { host: "h".to_owned(), port: 2376, files };
        assert_eq!(endpoint.as_ref().map(Endpoint::transport), Ok(&expected));
    }

    #[test]
    fn what_is_not_supported_says_what_to_do() {
        for host in [
            "ssh://me@there",
            "npipe:////./pipe/docker_engine",
            "https://h",
            "nonsense",
            "unix://relative",
        ] {
            let cause = resolve(Some(host), &[], &[]).expect_err(host);
            assert!(cause.advice().is_some(), "{host}");
        }
    }
}
