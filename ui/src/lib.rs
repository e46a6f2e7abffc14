//! The terminal side of windlass as a library, so that the program, the examples, the tests and the benches use the same parts.

pub mod cockpit;
pub mod describe;
pub mod format;
