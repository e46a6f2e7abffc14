//! Function pools (seed 001): scaled by their own load, found again after a restart.

pub mod recover;
