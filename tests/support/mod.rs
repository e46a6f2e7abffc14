//! What several black-box tests need.

pub mod docker;
pub mod fake_daemon;
pub mod line;
