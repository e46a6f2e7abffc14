//! A program that keeps a function's containers: it lets the pool grow and shrink, asks whom to call, and finds the pool again after a
//! restart.
//!
//! `cargo run -p windlass --example function_pool`
//!
//! It starts a Redis of its own in a temporary directory. With an image (`… -- IMAGE PORT`), the containers are real ones of the local
//! Docker daemon; without, they are simulated, and so is the load.
#![allow(clippy::print_stdout, reason = "an example tells what it does")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use windlass::cluster::simulated::pools::{SimulatedPools, call};
use windlass::model::Direction;
use windlass::pools::{AutoscalingRuntime, AutoscalingRuntimeBuilder};
use windlass::store::server::PrivateServer;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The function, and the image and port of its containers.
const FUNCTION: &str = "hello";

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let real = match arguments.as_slice() {
        [] => None,
        [image, port] => Some((image.clone(), port.parse::<u16>()?)),
        _ => return Err("usage: function_pool [IMAGE PORT]".into()),
    };
    let folder = std::env::temp_dir().join(format!("windlass-example-{}", std::process::id()));
    let done = show(&folder, real).await;
    std::fs::remove_dir_all(&folder)?;
    done
}

async fn show(folder: &Path, real: Option<(String, u16)>) -> Outcome {
    let redis = PrivateServer::open(folder, windlass::config::Config::default().redis.maxmemory).await?;
    let builder = || {
        let builder = AutoscalingRuntimeBuilder::new()
            .cluster_id("example")
            .redis_url(redis.url())
            .persistence_batch_size(50)
            .cpu_overload_threshold(70.0)
            .cooldown_cpu_threshold(5.0)
            .cooldown_duration(Duration::from_secs(2))
            .poll_interval(Duration::from_millis(500))
            .min_containers_per_function(1)
            .max_containers_per_function(3);
        match &real {
            Some(_) => builder,
            None => builder.pool_host(Arc::new(SimulatedPools::new(folder, 1))),
        }
    };
    let (image, port) = real.clone().unwrap_or_else(|| ("hello:1".to_owned(), 8080));
    // How much the simulated function is called, in percent of what one container can do.
    let calls = |percent: f64| match &real {
        Some(_) => Ok(()),
        None => Ok::<_, Box<dyn Error>>(call(folder, &FUNCTION.parse()?, Some(percent))?),
    };

    println!("— a pool for {FUNCTION}: 1 to 3 containers of {image}");
    calls(30.0)?;
    let mut runtime = builder().build().await?;
    runtime.start().await?;
    runtime.ensure_pool(FUNCTION, &image, port).await?;
    wait("the first container", || runtime.healthiest(FUNCTION).is_some()).await?;
    tell(&runtime);

    if real.is_none() {
        println!("— it is called more than one container can bear");
        calls(180.0)?;
        wait("three containers", || count(&runtime) == 3).await?;
    } else {
        println!("— one more by hand");
        runtime.scale(FUNCTION, Direction::Up, 1).await?;
    }
    tell(&runtime);

    println!("— the program ends; the containers go on");
    let before = count(&runtime);
    runtime.shutdown().await;

    println!("— it starts again, and finds its pool");
    let mut runtime = builder().build().await?;
    runtime.start().await?;
    tell(&runtime);
    if count(&runtime) != before {
        return Err(format!("{before} containers ran, {} are found", count(&runtime)).into());
    }

    println!("— nobody calls any more");
    calls(0.0)?;
    wait("the minimum", || count(&runtime) == 1).await?;
    tell(&runtime);

    println!("— the pool is not wanted any more");
    runtime.remove_pool(FUNCTION).await?;
    wait("its end", || runtime.pools().is_empty()).await?;
    runtime.shutdown().await;
    Ok(())
}

fn count(runtime: &AutoscalingRuntime) -> usize {
    runtime.pools().iter().map(|pool| pool.containers.len()).sum()
}

fn tell(runtime: &AutoscalingRuntime) {
    for container in runtime.pools().iter().flat_map(|pool| &pool.containers) {
        let cpu = container.cpu_percent.map_or_else(|| "unknown".to_owned(), |cpu| format!("{cpu:.0} %"));
        println!("  {:<20} {:<10} CPU {cpu}", container.name, container.status);
    }
    match runtime.healthiest(FUNCTION) {
        Some(endpoint) => println!("  the next call goes to {} ({})", endpoint.url(), endpoint.container),
        None => println!("  nobody to call"),
    }
}

async fn wait(what: &str, wanted: impl Fn() -> bool) -> Outcome {
    let waiting = async {
        while !wanted() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.map_err(|_| format!("{what}: it did not come"))?;
    Ok(())
}
