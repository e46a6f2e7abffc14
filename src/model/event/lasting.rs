//! What lasts: which event ends what which other event began.

use super::EventType;

impl EventType {
    /// The event that began what this one ends; `None`: it ends nothing.
    #[must_use]
    pub const fn ends(self) -> Option<Self> {
        Some(match self {
            Self::OptimalStateEnded => Self::OptimalStateTrigger,
            Self::UnderutilizationEnded => Self::UnderutilizationWarning,
            Self::ResourcePressureEnded => Self::ResourcePressureAlert,
            Self::PendingPodsCleared => Self::PendingPodsDetected,
            Self::NodeHealthRestored => Self::NodeHealthDegraded,
            Self::MinimumNodesRestored => Self::MinimumNodesViolation,
            Self::CooldownEnded => Self::CooldownStarted,
            Self::HoldReleased | Self::HoldExpired => Self::HoldPlaced,
            Self::WorkerUnprotected => Self::WorkerProtected,
            Self::ClusterReachable => Self::ClusterUnreachable,
            Self::StoreRestored => Self::StoreDegraded,
            Self::PoolSaturationEnded => Self::PoolSaturated,
            Self::PoolsRecovered => Self::PoolsUnverified,
            _ => return None,
        })
    }

    /// Whether another event will tell that what this one began has ended.
    #[must_use]
    pub fn lasts(self) -> bool {
        Self::ALL.iter().any(|other| other.ends() == Some(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_whose_name_says_that_something_ends_is_in_the_table() {
        for event_type in EventType::ALL {
            let name = event_type.name();
            let says = ["Ended", "Restored", "Cleared", "Released", "Expired", "Reachable", "Unprotected", "Recovered"];
            let says = says.iter().any(|end| name.ends_with(end)) && name != "ClusterUnreachable";
            assert_eq!(event_type.ends().is_some(), says, "{name}");
            assert!(event_type.ends().is_none_or(EventType::lasts), "{name}");
        }
        assert!(!EventType::NodeUnexpectedlyLost.lasts());
    }
}
