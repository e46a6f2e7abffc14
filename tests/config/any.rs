//! Whatever is written: nothing panics, and what loads is consistent.

use proptest::prelude::*;
use windlass::config::Config;

use super::text;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_panics_the_loader(file in "(?s).{0,120}") {
        let _ = Config::load(&text(&file)).map_err(|errors| errors.to_string());
    }

    #[test]
    fn no_yamlish_text_panics_the_loader(
        file in "((cluster|autoscaler|limits|min_nodes|workers|env|redis|url|memory|permanent)(: |:\n)|\n| {1,4}|- |\\[|\\]|\\{|\\}|,|\"|'|#|&a |\\*a|!!int |~|null|-1|1e400|5m|redis://u:p@h|\t|---\n){0,30}",
        variable in "WINDLASS_(WORKERS_(ENV|MOUNTS|MEMORY|CPUS|PERMANENT)|REDIS_URL|CLUSTER_(ID|KIND)|[A-Z_]{0,12})",
        value in "[-{}\\[\\]a-z:/0-9~, ]{0,20}",
    ) {
        let sources = text(&file).environment([(variable, value.clone())]).flag("autoscaler.windows.pressure", value);
        if let Err(errors) = Config::load(&sources) {
            prop_assert!(!errors.0.is_empty());
            prop_assert!(errors.0.iter().all(|mistake| !mistake.found.contains('\n')));
        }
    }

    /// Whatever loads keeps the rules that the policy relies on.
    #[test]
    fn what_loads_is_consistent(min in 0_u32..1200, max in 0_u32..1200, low in -5.0..105.0_f64, high in -5.0..105.0_f64) {
        let file = format!("autoscaler: {{limits: {{min_nodes: {min}, max_nodes: {max}}}, thresholds: {{cpu_low: {low}, cpu_high: {high}}}}}");
        let right = min <= 1000 && (1..=1000).contains(&max) && min <= max
            && (0.0..=100.0).contains(&low) && (1.0..=100.0).contains(&high) && low < high;
        prop_assert_eq!(Config::load(&text(&file)).is_ok(), right);
    }
}
