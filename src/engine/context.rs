//! Docker's contexts: the named engines of `~/.docker`.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::endpoint::TlsFiles;
use super::error::Cause;

/// What a context says about its engine.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) host: String,
    pub(super) tls: Option<TlsFiles>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "currentContext", default)]
    current_context: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: DockerEndpoint,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerEndpoint {
    #[serde(default)]
    host: String,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

/// Docker's configuration folder: `DOCKER_CONFIG`, else `~/.docker`.
pub(super) fn config_folder(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    env("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| env("HOME").map(|home| Path::new(&home).join(".docker")))
}

/// The context in use; none when it is the default one, which is no file but the default socket.
pub(super) fn current(env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Context>, Cause> {
    let folder = config_folder(env);
    let name = match (env("DOCKER_CONTEXT"), &folder) {
        (Some(name), _) => name,
        (None, Some(folder)) => configured(&folder.join("config.json"))?,
        (None, None) => String::new(),
    };
    if name.is_empty() || name == "default" {
        return Ok(None);
    }
    let folder = folder.ok_or_else(|| missing(&name, "neither DOCKER_CONFIG nor HOME is set"))?;
    read(&folder, &name).map(Some)
}

fn configured(path: &Path) -> Result<String, Cause> {
    let Ok(text) = std::fs::read_to_string(path) else {
        return Ok(String::new());
    };
    serde_json::from_str::<Config>(&text).map(|config| config.current_context).map_err(|error| {
        Cause::Unsupported {
            detail: format!("{} is not valid: {error}", path.display()),
            advice: "mend that file, or set DOCKER_HOST".to_owned(),
        }
    })
}

/// A context's folder is named by the SHA-256 of its name.
fn id_of(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(folder: &Path, name: &str) -> Result<Context, Cause> {
    let id = id_of(name);
    let contexts = folder.join("contexts");
    let path = contexts.join("meta").join(&id).join("meta.json");
    let text = std::fs::read_to_string(&path).map_err(|error| missing(name, &error.to_string()))?;
    let meta: Meta =
        serde_json::from_str(&text).map_err(|error| missing(name, &error.to_string()))?;
    let docker = meta.endpoints.docker;
    let keys = contexts.join("tls").join(&id).join("docker");
    let wanted = keys.is_dir() || docker.skip_tls_verify;
    Ok(Context {
        host: docker.host,
        tls: wanted.then_some(TlsFiles { folder: keys, verify: !docker.skip_tls_verify }),
    })
}

fn missing(name: &str, why: &str) -> Cause {
    Cause::Unsupported {
        detail: format!("the context {name:?} cannot be read: {why}"),
        advice:
            "see `docker context ls`, and choose one with `docker context use` or DOCKER_CONTEXT"
                .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(config: Option<&str>, contexts: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        if let Some(config) = config {
            std::fs::write(folder.path().join("config.json"), config).expect("written");
        }
        for (name, meta) in contexts {
            let at = folder.path().join("contexts/meta").join(id_of(name));
            std::fs::create_dir_all(&at).expect("made");
            std::fs::write(at.join("meta.json"), meta).expect("written");
        }
        folder
    }

    fn current_in(folder: &Path, context: Option<&str>) -> Result<Option<Context>, Cause> {
        let folder = folder.display().to_string();
        current(&|name| match name {
            "DOCKER_CONFIG" => Some(folder.clone()),
            "DOCKER_CONTEXT" => context.map(str::to_owned),
            _ => None,
        })
    }

    const META: &str = r#"{"Name":"lab","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://lab:2376","SkipTLSVerify":false}}}"#;

    #[test]
    fn a_context_s_folder_is_the_digest_of_its_name() {
        assert_eq!(
            id_of("lab"),
            "a51146d38077ff992eba84cf1d5e9b249073503eb74868699016153b031a38f7"
        );
    }

    #[test]
    fn no_configuration_means_no_context() {
        let folder = folder_with(None, &[]);
        assert_eq!(current_in(folder.path(), None), Ok(None));
        assert_eq!(current_in(folder.path(), Some("default")), Ok(None));
    }

    #[test]
    fn the_configured_context_is_read() {
        let folder = folder_with(Some(r#"{"currentContext":"lab","auths":{}}"#), &[("lab", META)]);
        let expected = Context { host: "tcp://lab:2376".to_owned(), tls: None };
        assert_eq!(current_in(folder.path(), None), Ok(Some(expected)));
    }

    #[test]
    fn the_environment_wins_over_the_configuration() {
        let folder = folder_with(Some(r#"{"currentContext":"lab"}"#), &[("lab", META)]);
        assert_eq!(current_in(folder.path(), Some("default")), Ok(None));
    }

    #[test]
    fn a_context_with_keys_is_under_tls() {
        let folder = folder_with(None, &[("lab", META)]);
        let keys = folder.path().join("contexts/tls").join(id_of("lab")).join("docker");
        std::fs::create_dir_all(&keys).expect("made");
        let context = current_in(folder.path(), Some("lab")).expect("read").expect("there");
        assert_eq!(context.tls, Some(TlsFiles { folder: keys, verify: true }));
    }

    #[test]
    fn an_unknown_context_is_an_error_that_names_it() {
        let folder = folder_with(None, &[]);
        let cause = current_in(folder.path(), Some("lost")).expect_err("unknown");
        assert!(cause.to_string().contains("\"lost\""));
        assert!(cause.advice().is_some_and(|advice| advice.contains("docker context ls")));
    }
}
