//! What several black-box tests need.
#![allow(dead_code, unused_imports, reason = "each test uses its part of this")]

pub mod docker;
pub mod engine;
pub mod fake_daemon;
pub mod line;
pub mod redis;
