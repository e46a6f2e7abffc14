//! Whether a replica may do anything outside: one rule for workers, for pools, and for programs that embed the pools.

/// What a replica knows of its right to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grounds {
    /// By this process's own clock the lease lasts: nobody else can have it.
    pub lease_lasts: bool,
    /// Redis cannot be used, so that nobody can be asked.
    pub is_adrift: bool,
    /// How many other replicas were running when Redis last told; `None`: it never did.
    pub others: Option<u32>,
}

/// While the lease lasts, and without Redis also where nobody else is there to take it: a sole replica goes on, one of several stops when
/// its lease runs out.
#[must_use]
pub fn may_act(grounds: Grounds) -> bool {
    grounds.lease_lasts || (grounds.is_adrift && grounds.others == Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_redis_only_the_last_one_acts_on() {
        let over = Grounds { lease_lasts: false, is_adrift: true, others: Some(1) };
        assert!(may_act(Grounds { lease_lasts: true, ..over }));
        assert!(!may_act(over), "the other one may have it");
        assert!(!may_act(Grounds { others: None, ..over }), "nobody told whether there are others");
        assert!(may_act(Grounds { others: Some(0), ..over }), "nobody else is there");
        assert!(!may_act(Grounds { others: Some(0), is_adrift: false, ..over }), "Redis can be asked");
    }
}
