//! From Docker's words about a container to a pool container as seen. Pure.

use std::collections::HashMap;
use std::net::IpAddr;

use bollard::models::{
    ContainerInspectResponse, ContainerSummary, ContainerSummaryStateEnum as State, EndpointSettings,
};
use chrono::DateTime;

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

/// The containers of a listing.
pub(super) fn listed(containers: Vec<ContainerSummary>, network: Option<&str>) -> Seen {
    let mut seen = Seen { containers: Vec::with_capacity(containers.len()), strange: Vec::new() };
    for container in containers {
        let Some(id) = container.id.clone() else { continue };
        match summarized(container, network) {
            Some(container) => seen.containers.push(container),
            None => seen.strange.push(id),
        }
    }
    seen.containers.sort_by(|one, other| one.name.cmp(&other.name));
    seen
}

/// One container of a listing; `None` where it lacks an id or valid labels.
fn summarized(container: ContainerSummary, network: Option<&str>) -> Option<ObservedPoolContainer> {
    let id = container.id?;
    let labels = container.labels?;
    let name = container.names.and_then(|names| names.into_iter().next());
    let name = name.map_or_else(|| id.clone(), |name| name.trim_start_matches('/').to_owned());
    let state = container.state.unwrap_or(State::EMPTY);
    let status = container.status.unwrap_or_default();
    // A daemon that does not tell the state still tells "Up 3 seconds".
    let up = matches!(state, State::EMPTY) && status.starts_with("Up");
    // One that is paused has not ended, but takes no calls.
    let answers = up || matches!(state, State::RUNNING);
    let networks = container.network_settings.and_then(|settings| settings.networks);
    Some(ObservedPoolContainer {
        function: labels.get(labels::POOL)?.parse().ok()?,
        port: labels.get(labels::PORT)?.parse().ok().filter(|port| *port > 0)?,
        running: answers || matches!(state, State::PAUSED | State::RESTARTING | State::STOPPING),
        address: networks.filter(|_| answers).and_then(|networks| address(&networks, network)),
        created_at: container.created.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or_default(),
        id: ContainerId(id),
        name,
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
        address: networks.and_then(|networks| address(&networks, network)),
        created_at: created.map(|at| at.to_utc()).unwrap_or_default(),
        id: ContainerId(found.id?),
    })
}

/// Where it answers: on the configured network, or else on the first by name that it has an address on.
fn address(networks: &HashMap<String, EndpointSettings>, wanted: Option<&str>) -> Option<IpAddr> {
    let of = |endpoint: &EndpointSettings| {
        let addresses = [endpoint.ip_address.as_deref(), endpoint.global_ipv6_address.as_deref()];
        addresses.into_iter().flatten().find_map(|text| text.parse().ok())
    };
    let on_wanted = wanted.and_then(|name| networks.get(name)).and_then(of);
    let mut others: Vec<_> = networks.iter().collect();
    others.sort_by_key(|(name, _)| name.as_str());
    on_wanted.or_else(|| others.into_iter().find_map(|(_, endpoint)| of(endpoint)))
}

#[cfg(test)]
mod tests {
    use bollard::models::ContainerSummaryNetworkSettings;

    use super::*;

    fn networks(addresses: &[(&str, &str)]) -> HashMap<String, EndpointSettings> {
        let endpoint =
            |address: &str| EndpointSettings { ip_address: Some(address.to_owned()), ..EndpointSettings::default() };
        addresses.iter().map(|(name, address)| ((*name).to_owned(), endpoint(address))).collect()
    }

    fn container(state: State, labels: &[(&str, &str)]) -> ContainerSummary {
        ContainerSummary {
            id: Some("abc".to_owned()),
            names: Some(vec!["/resize-1".to_owned()]),
            created: Some(1_700_000_000),
            state: Some(state),
            labels: Some(labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()),
            network_settings: Some(ContainerSummaryNetworkSettings {
                networks: Some(networks(&[("bridge", "172.17.0.2")])),
            }),
            ..ContainerSummary::default()
        }
    }

    const LABELS: [(&str, &str); 2] = [(labels::POOL, "resize"), (labels::PORT, "8080")];

    #[test]
    fn a_line_of_the_listing_has_all_that_is_needed() {
        let seen = listed(vec![container(State::RUNNING, &LABELS)], None);
        let expected = ObservedPoolContainer {
            function: "resize".parse().unwrap(),
            id: ContainerId("abc".to_owned()),
            name: "resize-1".to_owned(),
            running: true,
            address: Some([172, 17, 0, 2].into()),
            port: 8080,
            created_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
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
            let seen = listed(vec![container(state, &LABELS)], None).containers.remove(0);
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
            let seen = listed(vec![container(State::RUNNING, labels)], None);
            assert_eq!((seen.containers.len(), seen.strange), (0, vec!["abc".to_owned()]), "{labels:?}");
        }
    }

    #[test]
    fn the_configured_network_comes_first() {
        let both = networks(&[("bridge", "172.17.0.2"), ("lan", "10.0.0.7")]);
        assert_eq!(address(&both, Some("lan")), Some([10, 0, 0, 7].into()));
        assert_eq!(address(&both, None), Some([172, 17, 0, 2].into()));
        assert_eq!(address(&both, Some("other")), Some([172, 17, 0, 2].into()));
        assert_eq!(address(&networks(&[("lan", "")]), Some("lan")), None, "no address (yet)");
    }
}
