//! `windlass attach`: the cockpit alone.

use windlass_ui::cockpit::Mode;

use super::failure::Failure;
use super::{Context, cockpit};

/// Opens it. Where no engine leads, the cockpit itself says so, and goes on saying it until one does.
pub async fn run(context: &Context) -> Result<(), Failure> {
    cockpit::open(context, Some(Mode::Attached)).await
}
