//! What an error of Docker means: nothing is known (try again), or it cannot be done (and what to do).
//!
//! "Gone" is neither: only Docker's own "No such container" means that, and only callers that ask for it treat it so.

use std::error::Error as _;

use bollard::errors::Error;

use crate::cluster::ClusterError;

/// How this adapter is called in messages.
pub(super) const NAME: &str = "docker";

/// Whether Docker itself says that the container does not exist. A 404 about an image, a network, or from something that is not
/// Docker is not that.
pub(super) fn is_gone(error: &Error) -> bool {
    said(error, 404, &["no such container"])
}

/// Whether Docker (or Podman) itself says that it does not have the image.
pub(super) fn is_unknown_image(error: &Error) -> bool {
    said(error, 404, &["no such image", "image not known"])
}

/// Whether Docker itself says that it does not have the network.
pub(super) fn is_unknown_network(error: &Error) -> bool {
    said(error, 404, &["network"]) && said(error, 404, &["not found"])
}

/// Whether the name is taken.
pub(super) fn is_name_taken(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 409, .. }) && !is_being_removed(error)
}

/// Whether somebody is removing the container just now.
pub(super) fn is_being_removed(error: &Error) -> bool {
    said(error, 409, &["is already in progress", "marked for removal", "being removed"])
}

fn said(error: &Error, status: u16, words: &[&str]) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code, message }
        if *status_code == status && { let message = message.to_lowercase(); words.iter().any(|word| message.contains(word)) })
}

/// What an operator would set otherwise, by its name in the configuration.
struct Settings {
    image: &'static str,
    network: &'static str,
    cpus: &'static str,
    memory: &'static str,
    command: &'static str,
}

const OF_WORKERS: Settings = Settings {
    image: "`workers.image`",
    network: "`workers.network`",
    cpus: "`workers.cpus`",
    memory: "`workers.memory`",
    command: "`workers.command`",
};

const OF_POOLS: Settings = Settings {
    image: "the function's `image` in `pools.functions`",
    network: "`pools.network`",
    cpus: "the function's `cpus` in `pools.functions`",
    memory: "the function's `memory` in `pools.functions`",
    command: "the image's own command",
};

/// The error as the rest of windlass knows it. `doing` says what was attempted ("list the workers").
pub(super) fn explain(doing: &str, error: &Error) -> ClusterError {
    explain_with(&OF_WORKERS, doing, error)
}

/// The same about the container of a function pool.
pub(super) fn explain_pools(doing: &str, error: &Error) -> ClusterError {
    explain_with(&OF_POOLS, doing, error)
}

fn explain_with(settings: &Settings, doing: &str, error: &Error) -> ClusterError {
    match error {
        Error::DockerResponseServerError { status_code, message }
            if matches!(status_code, 400..=499)
                && !matches!(status_code, 408 | 425 | 429)
                && !is_being_removed(error) =>
        {
            let remedy =
                remedy(settings, *status_code, message).map(|remedy| format!(" ({remedy})")).unwrap_or_default();
            refused(format!("cannot {doing}: {}{remedy}", message.trim()))
        }
        Error::DockerResponseServerError { status_code, message } => {
            unavailable(format!("cannot {doing}: it answered {status_code}: {}", shortened(message)))
        }
        Error::RequestTimeoutError => {
            unavailable(format!("cannot {doing}: no answer within the limit of `cluster.docker.timeout`"))
        }
        Error::SocketNotFoundError(path) => unavailable(format!(
            "cannot {doing}: there is no socket {path} (is Docker running? another address: `cluster.docker.host` or DOCKER_HOST)"
        )),
        other => {
            let text = chain(other);
            let remedy = if text.to_lowercase().contains("permission denied") {
                " (this user may not use Docker's socket: add it to the group `docker`, or give another `cluster.docker.host`)"
            } else {
                ""
            };
            unavailable(format!("cannot {doing}: {text}{remedy}"))
        }
    }
}

pub(super) fn refused(error: impl Into<String>) -> ClusterError {
    ClusterError::Refused { cluster: NAME, error: error.into() }
}

pub(super) fn unavailable(error: impl Into<String>) -> ClusterError {
    ClusterError::Unavailable { cluster: NAME, error: error.into() }
}

/// What an operator can do about a refusal, where that is not in Docker's own words.
fn remedy(settings: &Settings, status: u16, message: &str) -> Option<String> {
    let message = message.to_lowercase();
    let has = |words: &str| message.contains(words);
    let Settings { image, network, cpus, memory, command } = settings;
    Some(if has("no such image") || has("image not known") {
        format!("pull or build it first, or correct {image}")
    } else if has("network") && has("not found") {
        format!("create it with `docker network create`, or correct {network}")
    } else if has("range of cpus") {
        format!("lower {cpus}")
    } else if has("memory limit") {
        format!("raise {memory}")
    } else if has("executable file not found") || has("no such file or directory") {
        format!("is {command} in the image?")
    } else if status == 401 || status == 403 {
        "Docker, or a proxy before it, does not allow this".to_owned()
    } else {
        return None;
    })
}

/// The error with what caused it: hyper says only "client error (Connect)" by itself.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// A proxy's error page is not a message: its beginning is enough.
fn shortened(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.is_empty() => "no message".to_owned(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status_code: u16, message: &str) -> Error {
        Error::DockerResponseServerError { status_code, message: message.to_owned() }
    }

    #[test]
    fn only_dockers_own_word_means_gone() {
        assert!(is_gone(&answer(404, "No such container: worker-1")));
        assert!(is_gone(&answer(404, "no container with name or ID \"w\" found: no such container")));
        for other in [
            answer(404, "No such image: k3s:latest"),
            answer(404, "page not found"),
            answer(404, ""),
            answer(500, "No such container: worker-1"),
            answer(409, "No such container: worker-1"),
            Error::RequestTimeoutError,
            Error::SocketNotFoundError("/run/docker.sock".to_owned()),
        ] {
            assert!(!is_gone(&other), "{other:?}");
        }
    }

    #[test]
    fn outages_are_transient_and_refusals_are_not() {
        for outage in [
            answer(500, "server error"),
            answer(503, ""),
            answer(429, "slow down"),
            answer(409, "removal of container abc is already in progress"),
            Error::RequestTimeoutError,
            Error::SocketNotFoundError("/run/docker.sock".to_owned()),
            Error::IOError { err: std::io::ErrorKind::ConnectionRefused.into() },
        ] {
            assert!(explain("list", &outage).is_transient(), "{outage:?}");
        }
        for refusal in [answer(400, "bad parameter"), answer(404, "No such image: x"), answer(409, "in use")] {
            assert!(!explain("create", &refusal).is_transient(), "{refusal:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let told = explain("create worker-1", &answer(404, "No such image: k3s:latest")).to_string();
        assert_eq!(
            told,
            "docker refuses: cannot create worker-1: No such image: k3s:latest (pull or build it first, or correct `workers.image`)"
        );
        let network = explain("start worker-1", &answer(404, "network lan not found")).to_string();
        assert!(network.contains("docker network create"), "{network}");
    }

    #[test]
    fn an_error_page_is_cut() {
        let told = explain("list", &answer(502, &"<html> ".repeat(1000))).to_string();
        assert!(told.len() < 400, "{}", told.len());
    }
}
