//! What windlass talks about, as pure types: no I/O, no clock, no randomness.
//!
//! `State` is changed in one way only: an [`Event`] is folded ([`fold`]) into [`Change`]s, which are applied here in
//! memory and by the store in Redis. So the log and the state cannot disagree.

pub mod command;
pub mod condition;
pub mod damage;
pub mod delivery;
pub mod event;
pub mod fold;
pub mod hold;
pub mod names;
pub mod observation;
pub mod operation;
pub mod parts;
pub mod pool;
pub mod pool_record;
pub mod position;
pub mod redis_report;
pub mod rules;
pub mod state;
pub mod verdict;
pub mod view;
pub mod words;
pub mod worker;

pub use command::{Action, Command, Scope};
pub use condition::{Condition, ConditionKey};
pub use damage::{Flaw, Problem};
pub use delivery::{Deliveries, Letter, TargetHealth};
pub use event::{Event, EventData, EventType, Metadata, Severity};
pub use hold::{Direction, Hold};
pub use names::{Actor, ClusterId, ContainerId, FunctionName, NameError, ReplicaId, TargetName, WorkerName};
pub use observation::{ContainerState, Health, Observation, ObservedWorker, PendingPods};
pub use operation::{Operation, OperationRecord, OperationWorker, Origin, Outcome, Step};
pub use pool::{ContainerStatus, Pool, PoolContainer, PoolSpec};
pub use position::{LogPosition, PositionError};
pub use redis_report::{MemoryFinding, RedisReport};
pub use rules::{Limits, Thresholds};
pub use state::{Change, State};
pub use verdict::{Conclusion, Gate, GateKind, Unit, Verdict};
pub use view::{EngineInfo, LeaderInfo, ReplicaSeen, StoreHealth, View};
pub use worker::{Protection, Worker, WorkerKind, WorkerStatus};
