//! Redis: everything that matters lives there.

pub mod report;
pub mod server;
