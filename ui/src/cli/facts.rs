//! What the commands that print facts have in common: reading a picture, and saying when nobody keeps it fresh.

use clap::Args;
use windlass::model::View;
use windlass::viewer;

use super::Context;
use super::failure::Failure;
use super::memory::with_store;
use super::screen::note;

/// How the facts are printed.
#[derive(Debug, Clone, Copy, Args)]
pub struct Form {
    /// As JSON: times RFC 3339, percentages and seconds as numbers, unknown as null
    #[arg(long)]
    pub json: bool,
}

/// Reads the picture with its newest events, and says so where no engine keeps it fresh.
pub async fn read(context: &Context, events: usize) -> Result<View, Failure> {
    let settings = &context.settings;
    let id = settings.config.cluster.id.clone();
    let view = with_store(settings, async |store| Ok(viewer::read_once(store, id, events).await?)).await?;
    say_if_alone(&view);
    Ok(view)
}

/// Says on stderr that what is shown is only remembered.
pub fn say_if_alone(view: &View) {
    if view.leader.is_none() {
        note(format_args!(
            "no engine is running for cluster {}; this is what Redis remembers (start one with `windlass run`)",
            view.cluster_id
        ));
    }
}
