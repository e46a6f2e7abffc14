//! Whether this replica may do anything outside: what is known of it, for workers and for function pools alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::lease::Held;
use super::peers::Others;
use crate::policy::licence::{Grounds, may_act};
use crate::pools;

/// The licence of one term of leading.
#[derive(Debug, Clone)]
pub(super) struct Licence {
    held: Held,
    others: Others,
    is_adrift: Arc<AtomicBool>,
}

impl Licence {
    /// Of a lease that is held.
    pub(super) fn new(held: Held, others: Others) -> Self {
        Self { held, others, is_adrift: Arc::default() }
    }

    /// From now on there is no Redis to tell who else runs.
    pub(super) fn cast_off(&self) {
        self.is_adrift.store(true, Ordering::Relaxed);
    }

    /// Another replica leads: that nobody else runs is no longer so.
    pub(super) fn end(&self) {
        self.is_adrift.store(false, Ordering::Relaxed);
    }

    /// Whether anything may be done outside now. To be asked right before it is done: the process may have been stopped in between.
    pub(super) fn holds(&self) -> bool {
        may_act(Grounds {
            lease_lasts: self.held.is_certain(),
            is_adrift: self.is_adrift.load(Ordering::Relaxed),
            others: self.others.count(),
        })
    }

    /// The same for whoever keeps the pools.
    pub(super) fn for_pools(&self) -> pools::Licence {
        let licence = self.clone();
        pools::Licence::asking(move || licence.holds())
    }
}
