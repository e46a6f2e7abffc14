//! Containers are added, taken away, drained or woken by hand.

use clap::Args as ClapArgs;
use windlass::model::{Action, Direction, FunctionName};
use windlass_ui::format;

use crate::cli::Context;
use crate::cli::facts::Form;
use crate::cli::failure::Failure;
use crate::cli::orders::asking::{agree, is_asked};
use crate::cli::orders::{Reason, Way, order};

/// Which pool, which way, how many, why.
#[derive(Debug, ClapArgs)]
pub struct Scale {
    /// Which pool
    function: FunctionName,
    /// Add or take away
    direction: Way,
    /// How many
    #[arg(value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    #[command(flatten)]
    reason: Reason,
    /// Do not ask before containers are taken away
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    form: Form,
}

/// Which pool, which container, why.
#[derive(Debug, ClapArgs)]
pub struct Drain {
    /// Which pool
    function: FunctionName,
    /// Which container: its name, or the beginning of its id
    #[arg(value_parser = container)]
    container: String,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    form: Form,
}

/// Which pool, why.
#[derive(Debug, ClapArgs)]
pub struct Wake {
    /// Which pool
    function: FunctionName,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    form: Form,
}

/// A container's name is more than blanks.
fn container(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("name a container: `windlass pools FUNCTION` lists them".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// Gives the command; a person is asked before containers go.
pub async fn scale(context: &Context, args: Scale) -> Result<(), Failure> {
    let direction = Direction::from(args.direction);
    if direction == Direction::Down && is_asked(context, args.yes, args.form) {
        let containers = format::plural(args.count.into(), "container");
        agree(format!("take {containers} from pool {}: idle ones first. Go on? [y/N] ", args.function)).await?;
    }
    let action = Action::PoolScale { function: args.function, direction, count: args.count };
    order(context, action, &args.reason.reason, args.form.json).await
}

/// Gives the command.
pub async fn drain(context: &Context, args: Drain) -> Result<(), Failure> {
    let action = Action::PoolDrain { function: args.function, container: args.container };
    order(context, action, &args.reason.reason, args.form.json).await
}

/// Gives the command.
pub async fn wake(context: &Context, args: Wake) -> Result<(), Failure> {
    order(context, Action::PoolWake { function: args.function }, &args.reason.reason, args.form.json).await
}
