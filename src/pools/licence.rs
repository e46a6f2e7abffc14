//! Whether this process may still make or remove containers.

use std::fmt;
use std::sync::Arc;

use crate::cluster::ClusterError;

/// A way to ask it, handed over by whoever holds the lease. Redis is asked as well wherever it answers; this is what is left to ask where
/// it does not, or where the process was stopped and goes on.
#[derive(Clone)]
pub(crate) struct Licence(Arc<dyn Fn() -> bool + Send + Sync>);

impl Licence {
    /// Where nobody else could act.
    pub(crate) fn unlimited() -> Self {
        Self(Arc::new(|| true))
    }

    /// Where somebody knows.
    pub(crate) fn asking(holds: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(holds))
    }

    /// Whether it may act now.
    pub(crate) fn holds(&self) -> bool {
        (self.0)()
    }

    /// An error unless it may act now, for work on a runtime of this name.
    pub(super) fn demand(&self, cluster: &'static str) -> Result<(), ClusterError> {
        if self.holds() {
            return Ok(());
        }
        let error = "the lease ended before the work began".to_owned();
        Err(ClusterError::Unavailable { cluster, error })
    }
}

impl fmt::Debug for Licence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Licence").field(&self.holds()).finish()
    }
}
