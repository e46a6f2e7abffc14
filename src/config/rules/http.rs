//! The HTTP server: where it listens, and who may use it.

use std::net::SocketAddr;

use super::{Rules, repeated};
use crate::model::Actor;

impl Rules<'_> {
    pub(super) fn http(&mut self) {
        let http = &self.config.http;
        let names: Vec<&str> = http.tokens.iter().map(|token| token.name.as_str()).collect();
        for at in repeated(&names) {
            let name = names.get(at).copied().unwrap_or_default();
            let found = format!("the name {name:?} a second time");
            self.report(&format!("/http/tokens/{at}/name"), found, "every name once: events carry it", None);
        }
        for (at, name) in names.iter().enumerate() {
            if *name == Actor::Engine.to_string() {
                let hint = "that is what the engine calls itself";
                self.report(&format!("/http/tokens/{at}/name"), format!("{name:?}"), "any other name", Some(hint));
            }
        }
        self.listen();
    }

    fn listen(&mut self) {
        let http = &self.config.http;
        let (Some(listen), true) = (&http.listen, self.known(&["http.listen", "http.tokens"])) else { return };
        let Ok(address) = listen.parse::<SocketAddr>() else {
            let allowed = "an IP address and a port, such as 127.0.0.1:9464 or [::1]:9464, or null";
            self.report("/http/listen", format!("{listen:?}"), allowed, None);
            return;
        };
        if http.tokens.is_empty() && !self.has_http_token && !address.ip().to_canonical().is_loopback() {
            let hint = "add a token under http.tokens, or set WINDLASS_HTTP_TOKEN";
            let allowed = "a loopback address (127.0.0.1, [::1]) while there is no token";
            self.report("/http/listen", format!("{listen:?}"), allowed, Some(hint));
        }
    }
}
