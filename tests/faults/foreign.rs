//! Values under windlass's keys that are not windlass's.

use crate::dice::Dice;
use crate::inject::Scene;

/// Puts one somewhere.
pub async fn place_one(_: &Scene<'_>, _: &mut Dice) {}
