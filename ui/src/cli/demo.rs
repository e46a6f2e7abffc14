//! `windlass demo`: a simulated cluster, fast rules, nothing to set up and nothing left behind.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use windlass::clock;
use windlass::config::paths::Places;
use windlass::config::{Config, FunctionConfig, Sources, Span};
use windlass::model::FunctionName;
use windlass_ui::cockpit::Mode;

use super::failure::Failure;
use super::global::Global;
use super::screen::{Screen, note};
use super::{Context, cockpit, run, settings};

/// Rules that let one see something within two minutes.
const RULES: [(&str, &str); 11] = [
    ("cluster.id", "demo"),
    ("cluster.kind", "simulated"),
    ("autoscaler.check_interval", "1s"),
    ("autoscaler.limits.min_nodes", "2"),
    ("autoscaler.limits.max_nodes", "6"),
    ("autoscaler.windows.underutilization", "10s"),
    ("autoscaler.cooldowns.scale_up", "10s"),
    ("autoscaler.cooldowns.scale_down", "15s"),
    ("autoscaler.enforcement.min_violation_check_interval", "2s"),
    ("autoscaler.events.reminder_interval", "60s"),
    ("redis.maxmemory", "64mb"),
];

/// What is simulated.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// What happens: default, quiet, flapping, night, or a scenario file
    #[arg(long, value_name = "NAME|FILE", default_value = "default")]
    scenario: String,
    /// Another seed is another course of things
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Run the engine alone; `--data-dir` says where, so that other commands find it
    #[arg(long)]
    headless: bool,
}

/// Runs it. Neither the configuration file nor the environment has a part in it; the flags have.
pub async fn run(global: &Global, args: &Args) -> Result<(), Failure> {
    for (flag, given) in [("--redis-url", global.redis_url.is_some()), ("--config", global.config.is_some())] {
        if given {
            return Err(Failure::Usage(format!(
                "the demo has a Redis and a configuration of its own: leave {flag} out"
            )));
        }
    }
    let place = Place::find(global.data_dir.as_deref())?;
    let flags: Vec<(String, String)> = RULES
        .iter()
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .chain([
            ("cluster.simulated.scenario".to_owned(), args.scenario.clone()),
            ("cluster.simulated.seed".to_owned(), args.seed.to_string()),
        ])
        .chain(global.overrides())
        .chain([("redis.data_dir".to_owned(), place.path().display().to_string())])
        .collect();
    let sources = settings::with_home(Sources::new(), Places::of_user().ok().as_ref(), &flags);
    let mut loaded = Config::load(&sources)?;
    if loaded.config.pools.functions.is_empty() {
        loaded.config.pools.functions = functions()?;
    }
    let settings = settings::settle(loaded)?;
    if args.headless {
        note(format_args!(
            "the demo's data is in {0}: --data-dir {0} --cluster {1}",
            place.path().display(),
            settings.cluster()
        ));
        return run::serve(&settings).await;
    }
    let context = Context { global: global.clone(), settings, screen: Screen::new(global.no_color) };
    cockpit::open(&context, Some(Mode::Demo)).await
}

/// Two functions: one that is called in waves, and one that sleeps until somebody wakes it.
fn functions() -> Result<Vec<FunctionConfig>, Failure> {
    let function = |name: &str, min, max| -> Result<FunctionConfig, Failure> {
        let name: FunctionName = name.parse().map_err(Failure::failed)?;
        let cooldown_duration = Span::seconds(10);
        let image = format!("{name}:1");
        Ok(FunctionConfig { min, max, cooldown_duration, ..FunctionConfig::new(name, image, 8080) })
    };
    Ok(vec![function("resize", 1, 4)?, function("transcode", 0, 2)?])
}

/// Where the demo keeps its data.
enum Place {
    /// A directory that the operator named, and keeps.
    Given(PathBuf),
    /// A directory of its own, gone when the demo ends.
    Temporary(PathBuf),
}

impl Place {
    fn find(given: Option<&str>) -> Result<Self, Failure> {
        if let Some(given) = given {
            return Ok(Self::Given(PathBuf::from(given)));
        }
        let id = clock::fresh_id(clock::now()).simple().to_string();
        let random = id.get(id.len().saturating_sub(8)..).unwrap_or_default();
        let path = std::env::temp_dir().join(format!("windlass-demo-{random}"));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => Ok(Self::Temporary(path)),
            Err(error) => Err(Failure::Failed(format!("cannot make the directory {}: {error}", path.display()))),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Given(path) | Self::Temporary(path) => path,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Temporary(path) = self
            && let Err(error) = std::fs::remove_dir_all(&path)
        {
            note(format_args!("the demo's directory {} could not be removed: {error}", path.display()));
        }
    }
}
