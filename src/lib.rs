//! windlass raises and lowers the workers of small Kubernetes clusters that run in Docker, and tells why.
//!
//! This is the engine. It runs headless; the program `windlass` (in `ui/`) adds the command line and the cockpit.
//! ARCHITECTURE.md shows the house.
//!
//! # Function pools in a program of one's own
//!
//! A program that runs functions in containers lets [`pools::AutoscalingRuntime`] keep them: it scales each function's containers by
//! their load, tells from memory whom to call, remembers all that in Redis, and finds the containers again after a restart.
//! `cargo run --example function_pool` shows it.
//!
//! ```no_run
//! use std::time::Duration;
//! use windlass::pools::{AutoscalingRuntimeBuilder, PoolError};
//!
//! # async fn example() -> Result<(), PoolError> {
//! let mut runtime = AutoscalingRuntimeBuilder::new()
//!     .redis_url("redis://localhost:6379")
//!     .persistence_batch_size(50)
//!     .cooldown_duration(Duration::from_secs(30))
//!     .min_containers_per_function(0)
//!     .max_containers_per_function(8)
//!     .build()
//!     .await?;
//! runtime.start().await?;
//! runtime.ensure_pool("resize", "resize:3", 8080).await?;
//! let endpoint = match runtime.healthiest("resize") {
//!     Some(endpoint) => Some(endpoint),
//!     None => runtime.wake("resize").await?,
//! };
//! if let Some(endpoint) = endpoint {
//!     println!("call {}", endpoint.url());
//! }
//! runtime.shutdown().await; // the containers go on, and are found again
//! # Ok(())
//! # }
//! ```

// Some of tests/support serves unit tests as well, and names the crate as everybody outside does.
#[cfg(test)]
extern crate self as windlass;

pub mod bus;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod engine;
pub mod handlers;
pub mod http;
pub mod model;
pub mod policy;
pub mod pools;
pub mod report;
pub mod store;
pub mod viewer;
