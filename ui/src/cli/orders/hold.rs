//! `windlass hold`: scaling is blocked by hand, for a time.

use clap::Args as ClapArgs;
use windlass::config::Span;
use windlass::model::Action;

use super::{Ways, order, words};
use crate::cli::Context;
use crate::cli::facts::Form;
use crate::cli::failure::Failure;

/// What, how long, why.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// What is blocked
    scope: Ways,
    /// For how long: 90, 30m, 2h [default: `autoscaler.holds.default_duration`]
    #[arg(long = "for", value_name = "DURATION")]
    length: Option<Span>,
    /// Why: everybody who wonders sees it
    #[arg(long, value_name = "TEXT", value_parser = words)]
    reason: String,
    #[command(flatten)]
    form: Form,
}

/// Gives the command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let length = args.length.unwrap_or(context.settings.config.autoscaler.holds.default_duration).get();
    // A part of a second counts as a whole one: a hold never ends before its time.
    let seconds = length.as_secs().saturating_add(u64::from(length.subsec_nanos() > 0));
    if seconds == 0 {
        return Err(Failure::Usage("--for 0: a hold lasts at least a second; `windlass release` ends one".to_owned()));
    }
    let action = Action::Hold { scope: args.scope.into(), seconds };
    order(context, action, &args.reason, args.form.json).await
}
