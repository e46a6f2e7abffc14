//! What only a checkup asks: the server's role, its writes to disk, several round trips, the lease. Nothing is written.

use std::time::Duration;

use redis::aio::ConnectionLike;

use super::Info;
use crate::clock::Stopwatch;
use crate::store::{Store, StoreError};

/// So many round trips are measured.
const PINGS: usize = 20;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkup {
    /// Whether it takes writes.
    pub role: Role,
    /// `appendfsync`: always, everysec or no; `None`: the server does not tell.
    pub appendfsync: Option<String>,
    /// Writes to disk of which the last one failed, as INFO calls them.
    pub failed_writes: Vec<&'static str>,
    /// Round trips in milliseconds, the shortest first; never empty.
    pub pings_ms: Vec<f64>,
    /// What is left of the lease; `None`: nobody leads.
    pub lease: Option<Lease>,
}

/// Whether a server takes writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It does.
    Main,
    /// It repeats what another one tells it.
    Replica {
        /// Which one: host and port.
        of: String,
        /// Whether it hears that one.
        hears: bool,
    },
}

/// What is left of the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It ends by itself.
    Left(Duration),
    /// It never ends: nobody of ours wrote that.
    Forever,
}

impl Checkup {
    /// The middle one of the round trips, in milliseconds.
    #[must_use]
    pub fn median_ms(&self) -> f64 {
        self.pings_ms.get(self.pings_ms.len() / 2).copied().unwrap_or_default()
    }

    /// The longest round trip, in milliseconds.
    #[must_use]
    pub fn worst_ms(&self) -> f64 {
        self.pings_ms.last().copied().unwrap_or_default()
    }
}

impl Store {
    /// Asks what only a checkup asks.
    ///
    /// # Errors
    /// What the server does not let everybody see (CONFIG) is `None` and no error.
    pub async fn checkup(&self) -> Result<Checkup, StoreError> {
        let mut connection = self.connection();
        let info: String = redis::cmd("INFO").query_async(&mut connection).await?;
        let info = Info::parse(&info);
        let left: i64 = redis::cmd("PTTL").arg(self.keys().leader()).query_async(&mut connection).await?;
        Ok(Checkup {
            role: role(&info),
            appendfsync: appendfsync(&mut connection).await,
            failed_writes: failed_writes(&info),
            pings_ms: pings(&mut connection).await?,
            lease: match left {
                -1 => Some(Lease::Forever),
                left => u64::try_from(left).ok().map(|left| Lease::Left(Duration::from_millis(left))),
            },
        })
    }
}

fn role(info: &Info<'_>) -> Role {
    let text = |field| info.get::<String>(field).unwrap_or_else(|| "unknown".to_owned());
    match info.get::<String>("role").as_deref() {
        Some("slave" | "replica") => Role::Replica {
            of: format!("{}:{}", text("master_host"), text("master_port")),
            hears: text("master_link_status") == "up",
        },
        _ => Role::Main,
    }
}

fn failed_writes(info: &Info<'_>) -> Vec<&'static str> {
    let fields = ["rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status"];
    fields.into_iter().filter(|field| info.get::<String>(field).is_some_and(|status| status != "ok")).collect()
}

async fn appendfsync(connection: &mut impl ConnectionLike) -> Option<String> {
    let mut config = redis::cmd("CONFIG");
    let told: (String, String) = config.arg("GET").arg("appendfsync").query_async(connection).await.ok()?;
    Some(told.1)
}

async fn pings(connection: &mut impl ConnectionLike) -> Result<Vec<f64>, StoreError> {
    let mut pings = Vec::with_capacity(PINGS);
    for _ in 0..PINGS {
        let watch = Stopwatch::start();
        let () = redis::cmd("PING").query_async(connection).await?;
        pings.push(watch.elapsed().as_secs_f64() * 1000.0);
    }
    pings.sort_by(f64::total_cmp);
    Ok(pings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_says_of_whom_and_whether_it_hears() {
        let text = "role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:down\r\n";
        assert_eq!(role(&Info::parse(text)), Role::Replica { of: "10.0.0.1:6379".to_owned(), hears: false });
        assert_eq!(role(&Info::parse("role:master\r\n")), Role::Main);
        assert_eq!(role(&Info::parse("")), Role::Main);
    }

    #[test]
    fn each_failed_write_is_named() {
        let text = "rdb_last_bgsave_status:err\r\naof_last_write_status:ok\r\naof_last_bgrewrite_status:err\r\n";
        assert_eq!(failed_writes(&Info::parse(text)), ["rdb_last_bgsave_status", "aof_last_bgrewrite_status"]);
        assert!(failed_writes(&Info::parse("")).is_empty());
    }
}
