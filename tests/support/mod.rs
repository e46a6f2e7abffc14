//! What several black-box tests need.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]
#![allow(dead_code, unused_imports, reason = "each test uses its part of this")]

pub mod containers;
pub mod docker;
pub mod engine;
pub mod fake_daemon;
pub mod hook;
pub mod line;
pub mod outage;
pub mod redis;
pub mod rig;
