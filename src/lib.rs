//! windlass raises and lowers the workers of small Kubernetes clusters that run in Docker, and tells why.
//!
//! This is the engine. It runs headless; the program `windlass` (in `ui/`) adds the command line and the cockpit.
//! ARCHITECTURE.md shows the house.

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
