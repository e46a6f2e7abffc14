//! Function pools in every state.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use windlass::model::event::{PoolContainerDraining, PoolSaturated, PoolScaledUp};
use windlass::model::pool::MonitoringConfig;
use windlass::model::{ContainerStatus, Pool, PoolContainer, PoolSpec, View};

use super::story::Log;
use super::{ago, container, name};

/// A picture with function pools, and with what was told of them.
#[must_use]
pub fn with_pools(mut view: View) -> View {
    let now = view.at;
    view.pools = Some(Arc::new(pools(now)));
    let mut log = Log { now, events: (*view.events).clone(), operation: None };
    let (function, reason) = (name("hello"), "all_overloaded".to_owned());
    let names = vec!["hello-3".to_owned()];
    let up = PoolScaledUp { function, previous_containers: 2, new_containers: 3, container_names: names, reason };
    log.add(190, "PoolManager", None, None, up);
    let saturated = PoolSaturated { function: name("resize-images"), containers: 2, max_containers: 2 };
    log.add(64, "PoolManager", None, None, saturated);
    let (container, reason) = ("thumbnails-1".to_owned(), "old image".to_owned());
    let draining = PoolContainerDraining { function: name("thumbnails"), container, reason };
    log.add(12, "PoolManager", Some("ben"), None, draining);
    view.events = Arc::new(log.events);
    view
}

/// One that is busy and idles in part, one that sleeps, one that is saturated, and one that nobody has confirmed.
#[must_use]
pub fn pools(now: DateTime<Utc>) -> Vec<Pool> {
    use ContainerStatus::{Draining, Healthy, Idle, Overloaded};
    let one = |text: &str, host: u8, status, load: (Option<f64>, Option<f64>), idle: Option<i64>| PoolContainer {
        id: container(text),
        name: text.to_owned(),
        address: Some(IpAddr::V4(Ipv4Addr::new(172, 18, 0, host))),
        port: 8080,
        status,
        cpu_percent: load.0,
        memory_percent: load.1,
        last_active: ago(now, idle.unwrap_or(1)),
        idle_since: idle.map(|seconds| ago(now, seconds)),
    };
    let pool = |function: &str, (min, max), verified, containers| Pool {
        spec: PoolSpec {
            function: name(function),
            image: format!("example/{function}:3"),
            port: 8080,
            min,
            max,
            monitoring: MonitoringConfig::default(),
        },
        containers,
        verified,
        last_updated: ago(now, 12),
    };
    vec![
        pool(
            "hello",
            (0, 5),
            true,
            vec![
                one("hello-1", 11, Healthy, (Some(41.0), Some(38.2)), None),
                one("hello-2", 12, Overloaded, (Some(93.5), Some(71.0)), None),
                one("hello-3", 13, Idle, (Some(1.2), Some(20.4)), Some(12)),
            ],
        ),
        pool("ocr", (0, 3), true, Vec::new()),
        pool(
            "resize-images",
            (1, 2),
            true,
            vec![
                one("resize-images-1", 21, Overloaded, (Some(98.0), Some(52.0)), None),
                one("resize-images-2", 22, Overloaded, (Some(88.0), Some(77.5)), None),
            ],
        ),
        pool(
            "thumbnails",
            (1, 4),
            false,
            vec![
                one("thumbnails-1", 31, Draining, (None, None), None),
                PoolContainer { address: None, ..one("thumbnails-2", 0, Healthy, (None, None), None) },
            ],
        ),
    ]
}
