//! The rules as tables and as properties.

mod build;
mod properties;
mod tables;
