//! Who there is: the same for Redis and for the daemon.

use windlass::model::pool::MonitoringConfig;
use windlass::model::{ContainerId, ContainerStatus, FunctionName, Pool, PoolContainer, PoolSpec};

/// Pools.
pub const POOLS: usize = 10_000;
/// Containers of each.
pub const EACH: usize = 5;
/// All containers.
pub const CONTAINERS: usize = POOLS * EACH;
/// Every so manieth container is remembered and gone.
const GONE: usize = 100;
/// The cluster.
pub const CLUSTER: &str = "bench";

/// One container.
#[derive(Debug, Clone, Copy)]
pub struct Container(pub usize);

impl Container {
    /// By its id.
    pub fn by_id(id: &str) -> Option<Self> {
        let number = usize::from_str_radix(id.get(48..)?, 16).ok()?;
        (number < CONTAINERS && Self(number).id() == id).then_some(Self(number))
    }

    /// All that Docker has.
    pub fn running() -> impl Iterator<Item = Self> {
        (0..CONTAINERS).map(Self).filter(|container| !container.is_gone())
    }

    /// Whether Docker has it no more.
    pub fn is_gone(self) -> bool {
        self.0.is_multiple_of(GONE)
    }

    /// As Docker's: 64 hexadecimal digits.
    pub fn id(self) -> String {
        let mixed = |salt: u64| (self.0 as u64 ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("{:016x}{:016x}{:016x}{:016x}", mixed(1), mixed(2), mixed(3), self.0)
    }

    fn function(self) -> String {
        format!("function-{:05}", self.0 / EACH)
    }

    fn name(self) -> String {
        format!("{}-{}", self.function(), self.0 % EACH)
    }

    /// Fills in what Docker would say, in one pass: the daemon's own time is not what is measured.
    pub fn fill(self, template: &str, text: &mut String) {
        let [_, b, c, d] = u32::try_from(self.0 + 2).unwrap_or_default().to_be_bytes();
        let (id, name, function, ip) = (self.id(), self.name(), self.function(), format!("10.{b}.{c}.{d}"));
        for part in template.split_inclusive('>') {
            let (plain, place) = part.rsplit_once('<').unwrap_or((part, ""));
            text.push_str(plain);
            text.push_str(match place {
                "id>" => &id,
                "name>" => &name,
                "function>" => &function,
                "ip>" => &ip,
                other => other,
            });
        }
    }

    fn remembered(self) -> PoolContainer {
        PoolContainer {
            id: ContainerId(self.id()),
            name: self.name(),
            address: None,
            port: 8080,
            status: ContainerStatus::Healthy,
            cpu_percent: None,
            memory_percent: None,
            last_active: windlass::clock::now(),
            idle_since: None,
        }
    }
}

/// A pool as it is remembered.
pub fn pool(number: usize) -> Result<Pool, windlass::model::NameError> {
    let containers: Vec<Container> = (number * EACH..(number + 1) * EACH).map(Container).collect();
    let function: FunctionName = format!("function-{number:05}").parse()?;
    let spec = PoolSpec {
        function,
        image: "windlass-test-function:latest".to_owned(),
        port: 8080,
        min: 1,
        max: 10,
        monitoring: MonitoringConfig::default(),
    };
    let containers = containers.into_iter().map(Container::remembered).collect();
    Ok(Pool { spec, containers, verified: false, last_updated: windlass::clock::now() })
}
