//! The webhook targets.

use std::fs;

use super::super::{Span, TargetConfig, pointer};
use super::{Rules, repeated};

/// The headers that are windlass's own.
const OWN: [&str; 6] =
    ["host", "content-length", "transfer-encoding", "connection", "x-windlass-signature", "x-windlass-timestamp"];
const TIMEOUT: (Span, Span) = (Span::millis(100), Span::seconds(120));
const GIVE_UP_AFTER: (Span, Span) = (Span::seconds(1), Span::seconds(7 * 86_400));

impl Rules<'_> {
    pub(super) fn alerts(&mut self) {
        let targets = &self.config.autoscaler.events.alerts.targets;
        let names: Vec<_> = targets.iter().map(|target| &target.name).collect();
        for at in repeated(&names) {
            let name = names.get(at).map(ToString::to_string).unwrap_or_default();
            self.report(&place(at, "name"), format!("{name:?} a second time"), "every name once", None);
        }
        for (number, target) in targets.iter().enumerate() {
            self.target(number, target);
        }
    }

    fn target(&mut self, number: usize, target: &TargetConfig) {
        let url = url::Url::parse(&target.url).ok().filter(|url| url.host_str().is_some_and(|host| !host.is_empty()));
        let allowed = "http://host/path or https://host/path";
        match url {
            None => self.report(&place(number, "url"), "an address that cannot be read", allowed, None),
            Some(url) if !url.username().is_empty() || url.password().is_some() => {
                let hint = Some("put the `authorization` header's value in a file and name it in header_files");
                self.report(&place(number, "url"), "an address with a user or a password", allowed, hint);
            }
            Some(_) => {}
        }
        if target.min_severity.is_none() && target.types.is_empty() {
            let hint = Some("so nothing would ever be sent");
            self.report(&place(number, "min_severity"), "null, and no types", "one of the two", hint);
        }
        for (field, span, (shortest, longest)) in
            [("timeout", target.timeout, TIMEOUT), ("give_up_after", target.give_up_after, GIVE_UP_AFTER)]
        {
            if !(shortest..=longest).contains(&span) {
                let allowed = format!("a duration from {shortest} to {longest}");
                self.report(&place(number, field), span.to_string(), allowed, None);
            }
        }
        self.headers(number, target);
        let secret = target.hmac_secret_file.iter().map(|path| (place(number, "hmac_secret_file"), path));
        let headers = place(number, "header_files");
        let files = target.header_files.iter().map(|(name, path)| (pointer::join(&headers, name), path));
        for (at, path) in secret.chain(files) {
            let found = match fs::read_to_string(path) {
                Ok(text) if !text.trim_end().is_empty() => continue,
                Ok(_) => format!("{:?}, which is empty", path.display().to_string()),
                Err(error) => format!("{:?}, which cannot be read ({error})", path.display().to_string()),
            };
            self.report(&at, found, "a file with the secret, readable by the user who runs windlass", None);
        }
    }

    fn headers(&mut self, number: usize, target: &TargetConfig) {
        let written = target.headers.iter().map(|(name, value)| ("headers", name, Some(value)));
        let from_files = target.header_files.keys().map(|name| ("header_files", name, None));
        for (field, name, value) in written.chain(from_files) {
            let at = pointer::join(&place(number, field), name);
            if hyper::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
                self.report(&at, format!("the name {name:?}"), "the name of an HTTP header", None);
            } else if OWN.contains(&name.to_ascii_lowercase().as_str()) {
                self.report(&at, format!("the name {name:?}"), "a header that windlass does not set itself", None);
            } else if value.is_some_and(|value| hyper::header::HeaderValue::from_str(value).is_err()) {
                self.report(&at, "a value with control characters", "what an HTTP header may hold", None);
            } else if field == "header_files" && target.headers.contains_key(name) {
                self.report(&at, format!("{name:?} a second time"), "every header once", None);
            }
        }
    }
}

fn place(number: usize, field: &str) -> String {
    format!("/autoscaler/events/alerts/targets/{number}/{field}")
}
