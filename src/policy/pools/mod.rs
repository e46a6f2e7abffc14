//! Function pools (seed 001): how a container is doing, and when a pool gets another one or lets one go. Pure.

mod decide;
pub mod operator;
mod status;

#[cfg(test)]
mod tests;

pub use decide::{DRAIN_GRACE, Decision, DownReason, Going, PoolSituation, UpReason, decide};
pub use status::observe;
