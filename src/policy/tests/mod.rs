//! The rules as tables and as properties.

mod build;
mod operations;
mod properties;
mod tables;
