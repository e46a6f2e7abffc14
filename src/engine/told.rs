//! What the engine of this process knows of an outage, told to the cockpit beside it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Standing;
use crate::clock;
use crate::model::{StoreHealth, View};

/// The views, with what the engine in this process says of Redis: it may be unable to write where the viewer still reads, and only it
/// knows whether it goes on protecting the minimum. They end with `stop`.
#[must_use]
pub fn told(
    mut views: watch::Receiver<Arc<View>>,
    mut standing: watch::Receiver<Standing>,
    stop: CancellationToken,
) -> watch::Receiver<Arc<View>> {
    let first = views.borrow_and_update().clone();
    let (sender, receiver) = watch::channel(first);
    tokio::spawn(async move {
        let mut since = None;
        loop {
            let seen = tokio::select! {
                () = stop.cancelled() => return,
                seen = views.changed() => seen,
                // The engine's end is noticed by who started it.
                Ok(()) = standing.changed() => Ok(()),
            };
            if seen.is_err() {
                return;
            }
            let (view, now) = (views.borrow_and_update().clone(), standing.borrow_and_update().clone());
            sender.send_replace(merged(view, now, &mut since));
        }
    });
    receiver
}

fn merged(view: Arc<View>, standing: Standing, since: &mut Option<DateTime<Utc>>) -> Arc<View> {
    let Standing::WithoutStore { error, protects } = standing else {
        *since = None;
        return view;
    };
    let known = match &view.store {
        StoreHealth::Down { since, .. } => *since,
        StoreHealth::Up => clock::now(),
    };
    let since = *since.get_or_insert(known);
    let mut view = Arc::unwrap_or_clone(view);
    view.store = StoreHealth::Down { since, error, protects: Some(protects) };
    Arc::new(view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_that_only_the_engine_notices_is_told_with_its_beginning() {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let view = Arc::new(View::empty("c1".parse().unwrap(), at));
        let outage = |protects| Standing::WithoutStore { error: "out of memory".to_owned(), protects };
        let mut since = None;
        let first = merged(Arc::clone(&view), outage(true), &mut since);
        let later = merged(Arc::clone(&view), outage(false), &mut since);
        let down = |view: &View| match &view.store {
            StoreHealth::Down { since, error, protects } => (*since, error.clone(), *protects),
            StoreHealth::Up => panic!("it is up"),
        };
        assert_eq!(down(&first), (since.unwrap(), "out of memory".to_owned(), Some(true)));
        assert_eq!(down(&later), (since.unwrap(), "out of memory".to_owned(), Some(false)));
        assert_eq!(merged(view, Standing::Leader, &mut since).store, StoreHealth::Up);
        assert_eq!(since, None);
    }
}
