//! What can go wrong with the pools.

use crate::cluster::ClusterError;
use crate::model::{FunctionName, NameError};
use crate::policy::operator::Refusal;
use crate::store::StoreError;

/// Why the pools could not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PoolError {
    /// A name is not one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A setting cannot be meant.
    #[error("{setting}: {found} is not allowed: {allowed}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What was given.
        found: String,
        /// What may be given.
        allowed: &'static str,
    },
    /// The container runtime cannot be used.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Redis cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules refuse.
    #[error("{detail}")]
    Refused {
        /// Which rule: `pool`, `limit`, `container`, ...
        reason: &'static str,
        /// In words, with what to do.
        detail: String,
    },
    /// There is no pool for this function.
    #[error("there is no pool {0}: ensure_pool makes one")]
    Unknown(FunctionName),
    /// The pools do not run, or are kept by another process.
    #[error("{0}")]
    NotNow(&'static str),
}

impl From<Refusal> for PoolError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused { reason: refusal.reason, detail: refusal.detail }
    }
}
