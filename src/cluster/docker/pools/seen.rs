//! From Docker's words about a container to a pool container as seen.

use std::net::IpAddr;

use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, ContainerSummaryStateEnum as State, EndpointSettings};
use chrono::DateTime;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};

use super::lines::{Line, Lines, Text};
use crate::cluster::docker::labels;
use crate::cluster::pools::{ObservedPoolContainer, PoolContainerRequest};
use crate::model::ContainerId;

/// A listing, sorted by name.
pub(super) struct Seen {
    /// The pools' containers.
    pub containers: Vec<ObservedPoolContainer>,
    /// The ids of those whose labels cannot be understood.
    pub strange: Vec<String>,
}

/// The containers of a listing, which is read as it comes.
pub(super) async fn listed<B>(body: B, network: Option<String>) -> Result<Seen, Error>
where
    B: Body<Data = Bytes> + Unpin,
    Error: From<B::Error>,
{
    let mut body = body;
    let mut seen = Seen { containers: Vec::new(), strange: Vec::new() };
    let mut each = |line: Line<'_>| {
        let Some(Text(id)) = &line.id else { return };
        match summarized(&line, id, network.as_deref()) {
            Some(container) => seen.containers.push(container),
            None => seen.strange.push(id.clone().into_owned()),
        }
    };
    let mut lines = Lines::default();
    while let Some(frame) = body.frame().await {
        if let Some(bytes) = frame?.data_ref() {
            lines.push(bytes, &mut each)?;
        }
    }
    lines.end(&mut each)?;
    seen.containers.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(seen)
}

/// One container of a listing; `None` where it lacks valid labels.
fn summarized(line: &Line<'_>, id: &str, network: Option<&str>) -> Option<ObservedPoolContainer> {
    let labels = line.labels.as_ref()?;
    let name = line.names.as_ref().and_then(|names| names.first());
    let name = name.map_or(id, |name| name.0.trim_start_matches('/'));
    let state = line.state.unwrap_or(State::EMPTY);
    // A daemon that does not tell the state still tells "Up 3 seconds".
    let up = state == State::EMPTY && line.status.as_ref().is_some_and(|status| status.0.starts_with("Up"));
    // One that is paused has not ended, but takes no calls.
    let answers = up || state == State::RUNNING;
    let networks = line.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    let endpoints = || networks.into_iter().flatten().map(|(name, endpoint)| (name.0.as_ref(), endpoint.addresses()));
    Some(ObservedPoolContainer {
        function: labels.get(labels::POOL)?.0.parse().ok()?,
        port: labels.get(labels::PORT)?.0.parse().ok().filter(|port| *port > 0)?,
        running: answers || matches!(state, State::PAUSED | State::RESTARTING | State::STOPPING),
        address: answers.then(|| address(endpoints(), network)).flatten(),
        created_at: line.created.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or_default(),
        ordered_by: labels.get(labels::COMMAND).and_then(|command| command.0.parse().ok()),
        id: ContainerId(id.to_owned()),
        name: name.to_owned(),
    })
}

/// A container that was asked for; `None` where it lacks an id.
pub(super) fn inspected(
    found: ContainerInspectResponse,
    request: &PoolContainerRequest,
    network: Option<&str>,
) -> Option<ObservedPoolContainer> {
    let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
    let networks = found.network_settings.and_then(|settings| settings.networks);
    let created = found.created.as_deref().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
    Some(ObservedPoolContainer {
        function: request.function.clone(),
        name: request.name.clone(),
        port: labels.get(labels::PORT).and_then(|port| port.parse().ok()).unwrap_or(request.port),
        running: found.state.and_then(|state| state.running).unwrap_or(false),
        address: address(
            networks.iter().flatten().map(|(name, endpoint)| (name.as_str(), addresses(endpoint))),
            network,
        ),
        created_at: created.map(|at| at.to_utc()).unwrap_or_default(),
        ordered_by: labels.get(labels::COMMAND).and_then(|command| command.parse().ok()),
        id: ContainerId(found.id?),
    })
}

fn addresses(endpoint: &EndpointSettings) -> [Option<&str>; 2] {
    [endpoint.ip_address.as_deref(), endpoint.global_ipv6_address.as_deref()]
}

/// Where it answers: on the configured network, or else on the first by name that it has an address on. `endpoints` are the networks'
/// names with the addresses there.
fn address<'a>(
    endpoints: impl Iterator<Item = (&'a str, [Option<&'a str>; 2])>,
    wanted: Option<&str>,
) -> Option<IpAddr> {
    let parsed = |addresses: [Option<&str>; 2]| addresses.into_iter().flatten().find_map(|text| text.parse().ok());
    let found = endpoints.filter_map(|(name, addresses)| Some((name, parsed(addresses)?)));
    found.min_by_key(|(name, _)| (Some(*name) != wanted, *name)).map(|(_, address)| address)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use http_body_util::Full;
    use serde_json::{Value, json};

    use super::*;

    fn container(state: State, labels: &[(&str, &str)]) -> Value {
        let labels: std::collections::BTreeMap<_, _> = labels.iter().copied().collect();
        json!({
            "Id": "abc",
            "Names": ["/resize-1"],
            "Created": 1_700_000_000,
            "State": state,
            "Labels": labels,
            "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.2", "GlobalIPv6Address": ""}}},
        })
    }

    fn seen(container: &Value) -> Seen {
        let body = Full::new(Bytes::from(json!([container]).to_string())).map_err(|never| -> Error { match never {} });
        listed(body, None).now_or_never().unwrap().unwrap()
    }

    const LABELS: [(&str, &str); 2] = [(labels::POOL, "resize"), (labels::PORT, "8080")];

    #[test]
    fn a_line_of_the_listing_has_all_that_is_needed() {
        let seen = seen(&container(State::RUNNING, &LABELS));
        let expected = ObservedPoolContainer {
            function: "resize".parse().unwrap(),
            id: ContainerId("abc".to_owned()),
            name: "resize-1".to_owned(),
            running: true,
            address: Some([172, 17, 0, 2].into()),
            port: 8080,
            created_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            ordered_by: None,
        };
        assert_eq!((seen.containers, seen.strange), (vec![expected], Vec::<String>::new()));
    }

    #[test]
    fn what_takes_no_calls_has_no_address_and_has_not_ended_for_that() {
        for (state, running, address) in [
            (State::RUNNING, true, true),
            (State::PAUSED, true, false),
            (State::STOPPING, true, false),
            (State::CREATED, false, false),
            (State::EXITED, false, false),
            (State::DEAD, false, false),
        ] {
            let seen = seen(&container(state, &LABELS)).containers.remove(0);
            assert_eq!((seen.running, seen.address.is_some()), (running, address), "{state:?}");
        }
    }

    #[test]
    fn labels_that_cannot_be_understood_are_named() {
        for labels in [
            &[(labels::POOL, "Not A Name"), (labels::PORT, "80")][..],
            &[(labels::POOL, "resize")],
            &[(labels::POOL, "resize"), (labels::PORT, "0")],
            &[],
        ] {
            let seen = seen(&container(State::RUNNING, labels));
            assert_eq!((seen.containers.len(), seen.strange), (0, vec!["abc".to_owned()]), "{labels:?}");
        }
    }

    #[test]
    fn the_configured_network_comes_first() {
        let on = |networks: &[(&'static str, &'static str)], wanted| {
            address(networks.iter().map(|(name, ip)| (*name, [Some(*ip), None])), wanted)
        };
        let both = [("lan", "10.0.0.7"), ("bridge", "172.17.0.2")];
        assert_eq!(on(&both, Some("lan")), Some([10, 0, 0, 7].into()));
        assert_eq!(on(&both, None), Some([172, 17, 0, 2].into()));
        assert_eq!(on(&both, Some("other")), Some([172, 17, 0, 2].into()));
        assert_eq!(on(&[("lan", "")], Some("lan")), None, "no address (yet)");
    }
}
