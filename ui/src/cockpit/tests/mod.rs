//! Tests of the cockpit as a whole.
