//! Operations on a cluster that is a map, with a leader whose every move is chosen.

#[path = "../../../../tests/support/containers.rs"]
mod containers;
mod interleavings;
mod rig;
mod steps;
mod takeover;
