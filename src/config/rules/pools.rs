//! The function pools.

use super::super::workers::LEAST_MEMORY;
use super::super::{FunctionConfig, Span, pointer};
use super::workers::is_variable;
use super::{Rules, repeated};

const COOLDOWN_DURATION: (Span, Span) = (Span::millis(0), Span::seconds(86_400));

impl Rules<'_> {
    pub(super) fn pools(&mut self) {
        let pools = &self.config.pools;
        // On the host's network, or in another container's, two containers of a function would want the same port.
        if let Some(network) = pools.network.as_deref().filter(|name| ["host", "none"].contains(name)) {
            let hint = "every container of a pool needs an address of its own";
            self.report("/pools/network", format!("{network:?}"), "the name of a bridge network, or null", Some(hint));
        }
        let names: Vec<_> = pools.functions.iter().map(|function| &function.name).collect();
        for at in repeated(&names) {
            let name = names.get(at).map(ToString::to_string).unwrap_or_default();
            self.report(&place(at, "name"), format!("{name:?} a second time"), "every name once", None);
        }
        for (number, function) in pools.functions.iter().enumerate() {
            self.function(number, function);
        }
    }

    fn function(&mut self, number: usize, function: &FunctionConfig) {
        if function.name.as_str() == self.config.workers.name_prefix && self.known(&["workers.name_prefix"]) {
            let hint = "containers of the function and workers would go by the same names";
            let allowed = "another name than workers.name_prefix";
            self.report(&place(number, "name"), format!("{:?}", function.name.as_str()), allowed, Some(hint));
        }
        if function.min > function.max {
            let allowed = format!("not more than max ({})", function.max);
            self.report(&place(number, "min"), function.min.to_string(), allowed, None);
        }
        if function.cooldown_cpu_threshold >= function.cpu_overload_threshold {
            let allowed = format!("less than cpu_overload_threshold ({})", function.cpu_overload_threshold);
            let found = function.cooldown_cpu_threshold.to_string();
            self.report(&place(number, "cooldown_cpu_threshold"), found, allowed, None);
        }
        let (shortest, longest) = COOLDOWN_DURATION;
        if !(shortest..=longest).contains(&function.cooldown_duration) {
            let allowed = format!("a duration from {shortest} to {longest}");
            let found = function.cooldown_duration.to_string();
            self.report(&place(number, "cooldown_duration"), found, allowed, None);
        }
        if let Some(memory) = function.memory.filter(|memory| *memory < LEAST_MEMORY) {
            let allowed = format!("{LEAST_MEMORY} or more, or null for no limit");
            self.report(&place(number, "memory"), memory.to_string(), allowed, None);
        }
        for name in function.env.keys().filter(|name| !is_variable(name)) {
            let at = pointer::join(&place(number, "env"), name);
            self.report(&at, format!("the name {name:?}"), super::workers::VARIABLE, None);
        }
    }
}

fn place(number: usize, field: &str) -> String {
    format!("/pools/functions/{number}/{field}")
}
