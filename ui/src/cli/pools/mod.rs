//! `windlass pools`: the function pools, and the handle on them.

mod orders;
mod tables;

use clap::{Args as ClapArgs, Subcommand};
use windlass::model::FunctionName;
use windlass::report::PoolsReport;

use super::Context;
use super::facts::{self, Form};
use super::failure::Failure;

/// Which pools, or what is done with one.
#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    order: Option<Order>,
    /// Only this one, with its containers
    #[arg(value_name = "FUNCTION")]
    function: Option<FunctionName>,
    #[command(flatten)]
    form: Form,
}

/// What is done with a pool.
#[derive(Debug, Subcommand)]
enum Order {
    /// Add containers to a pool, or take some away
    Scale(orders::Scale),
    /// Give a container no more calls, and remove it once it idles
    Drain(orders::Drain),
    /// Make the first container of a pool that has none
    Wake(orders::Wake),
}

/// Prints them, sorted by name, or gives a command.
pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    match args.order {
        Some(Order::Scale(order)) => orders::scale(context, order).await,
        Some(Order::Drain(order)) => orders::drain(context, order).await,
        Some(Order::Wake(order)) => orders::wake(context, order).await,
        None => list(context, args.function.as_ref(), args.form).await,
    }
}

async fn list(context: &Context, function: Option<&FunctionName>, form: Form) -> Result<(), Failure> {
    let view = facts::read(context, 0).await?;
    let Some(mut report) = PoolsReport::of(&view) else {
        return Err(Failure::Failed("the function pools could not be read".to_owned()));
    };
    if let Some(function) = function {
        if !report.pools.iter().any(|pool| pool.function == function) {
            return Err(unknown(function, &report));
        }
        report.pools.retain(|pool| pool.function == function);
    }
    match &report.pools[..] {
        _ if form.json => context.screen.document(&report),
        [pool] if function.is_some() => tables::one(context.screen, pool),
        pools => tables::all(context.screen, pools),
    }
}

fn unknown(function: &FunctionName, report: &PoolsReport<'_>) -> Failure {
    let known: Vec<&str> = report.pools.iter().map(|pool| pool.function.as_str()).collect();
    let known = if known.is_empty() {
        "there are none; `pools.functions` in the configuration keeps some".to_owned()
    } else {
        format!("there are {}", known.join(", "))
    };
    Failure::Failed(format!("no pool {function}: {known}"))
}
