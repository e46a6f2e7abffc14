//! What settings name outside the configuration: paths in the home directory, files with secrets.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::environment::{HTTP_TOKEN, REDIS_PASSWORD};
use super::findings::Findings;
use super::merged::Merged;
use super::mistake::{Mistake, Origin, Source};
use super::paths::expand;
use super::{Config, Secret, pointer, tokens};

/// Replaces the `~` of every path.
pub(super) fn expand_home(config: &mut Config, merged: &Merged, home: Option<&Path>, findings: &mut Findings) {
    let paths = [
        ("/redis/password_file", &mut config.redis.password_file),
        ("/redis/data_dir", &mut config.redis.data_dir),
        ("/workers/env_file", &mut config.workers.env_file),
        ("/log/dir", &mut config.log.dir),
    ];
    let tokens = config.http.tokens.iter_mut().enumerate();
    let tokens =
        tokens.map(|(number, token)| (format!("/http/tokens/{number}/token_file"), Some(&mut token.token_file)));
    let targets = config.autoscaler.events.alerts.targets.iter_mut().enumerate();
    let paths = paths.into_iter().map(|(at, path)| (at.to_owned(), path.as_mut())).chain(tokens).chain(
        targets.flat_map(|(number, target)| {
            let at = format!("/autoscaler/events/alerts/targets/{number}");
            let secret = (format!("{at}/hmac_secret_file"), target.hmac_secret_file.as_mut());
            let headers = target.header_files.iter_mut();
            let headers =
                headers.map(move |(name, path)| (pointer::join(&format!("{at}/header_files"), name), Some(path)));
            std::iter::once(secret).chain(headers)
        }),
    );
    let mut homeless = Vec::new();
    for (at, path) in paths {
        if let Some(path) = path {
            match expand(path, home) {
                Some(expanded) => *path = expanded,
                None => homeless.push((at, path.display().to_string())),
            }
        }
    }
    let texts = config.workers.mounts.iter_mut().enumerate();
    let texts = texts.map(|(number, mount)| (format!("/workers/mounts/{number}"), mount));
    let scenario = config.cluster.simulated.scenario.iter_mut();
    for (at, text) in texts.chain(scenario.map(|text| ("/cluster/simulated/scenario".to_owned(), text))) {
        match expand(Path::new(text.as_str()), home) {
            Some(expanded) => *text = expanded.to_string_lossy().into_owned(),
            None => homeless.push((at, text.clone())),
        }
    }
    for (at, text) in homeless {
        findings.mistakes.push(Mistake {
            origin: merged.origin(&at),
            column: None,
            field: pointer::display(&at),
            found: format!("{text:?}, and the home directory is not known"),
            allowed: "a path that does not begin with `~`".to_owned(),
            hint: Some("set HOME, or write the whole path".to_owned()),
        });
        findings.wrong.insert(at);
    }
}

/// Reads the password of Redis: the environment's goes before the file's.
pub(super) fn read_password(
    config: &mut Config,
    merged: &Merged,
    environment: &BTreeMap<String, String>,
    findings: &mut Findings,
) {
    if let Some(password) = environment.get(REDIS_PASSWORD).filter(|password| !password.is_empty()) {
        config.redis.password = Some(Secret::new(password.as_str()));
        return;
    }
    let at = "/redis/password_file";
    let Some(path) = config.redis.password_file.as_deref().filter(|_| !findings.is_wrong(at)) else { return };
    let found = match fs::read_to_string(path) {
        Ok(text) => match text.trim_end_matches(['\r', '\n']) {
            "" => format!("{:?}, which is empty", path.display().to_string()),
            password => {
                config.redis.password = Some(Secret::new(password));
                return;
            }
        },
        Err(error) => format!("{:?}, which cannot be read ({error})", path.display().to_string()),
    };
    findings.mistakes.push(Mistake {
        origin: merged.origin(at),
        column: None,
        field: pointer::display(at),
        found,
        allowed: "a file with the password, readable by the user who runs windlass".to_owned(),
        hint: Some(format!("or set {REDIS_PASSWORD} instead")),
    });
}

/// Reads the bearer tokens of HTTP, with the environment's.
pub(super) fn read_tokens(config: &mut Config, merged: &Merged, environment: Option<&str>, findings: &mut Findings) {
    for flaw in tokens::read(config, environment) {
        let from_environment = || Origin { source: Source::Environment(HTTP_TOKEN.to_owned()), line: None };
        findings.mistakes.push(Mistake {
            origin: flaw.at.as_deref().map_or_else(from_environment, |at| merged.origin(at)),
            column: None,
            field: flaw.at.as_deref().map_or_else(String::new, pointer::display),
            found: flaw.found,
            allowed: flaw.allowed,
            hint: Some("`openssl rand -hex 24` makes a good token".to_owned()),
        });
    }
}
