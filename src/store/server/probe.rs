//! One look at the socket: who answers there, if anybody.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisError, RedisResult, ServerErrorKind};

use super::client_name;
use super::socket;

/// A local server that is well answers within microseconds; a busy machine gets its chance.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one look at the socket found.
pub(super) enum Probe {
    /// Our server, ready. The connection bears this process's name.
    Ready(MultiplexedConnection),
    /// A server that is reading its data.
    Loading,
    /// A server with other data; its directory, or why it does not tell.
    Foreign(String),
    /// Something accepts connections and does not answer, or says that it is busy.
    Mute(RedisError),
    /// Nobody listens.
    Absent(RedisError),
}

/// Looks at the socket.
pub(super) async fn probe(path: &Path, data_dir: &Path) -> Probe {
    let mut connection = match connect(path).await {
        Ok(connection) => connection,
        Err(error) if error.is_timeout() => return Probe::Mute(error),
        Err(error) => return Probe::Absent(error),
    };
    match ask(&mut connection).await {
        Ok(dir) if dir == data_dir.as_os_str().as_bytes() => Probe::Ready(connection),
        Ok(dir) => Probe::Foreign(OsStr::from_bytes(&dir).display().to_string()),
        Err(error) => judge(error),
    }
}

async fn connect(path: &Path) -> RedisResult<MultiplexedConnection> {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
    redis::Client::open(socket::url(path))?.get_multiplexed_async_connection_with_config(&config).await
}

/// Makes sure it answers, tells it who asks, and asks for its directory.
async fn ask(connection: &mut MultiplexedConnection) -> RedisResult<Vec<u8>> {
    let () = redis::cmd("PING").query_async(connection).await?;
    let () = redis::cmd("CLIENT").arg("SETNAME").arg(client_name("server")).query_async(connection).await?;
    let (_, dir): (String, Vec<u8>) = redis::cmd("CONFIG").arg("GET").arg("dir").query_async(connection).await?;
    Ok(dir)
}

fn judge(error: RedisError) -> Probe {
    match error.kind() {
        ErrorKind::Server(ServerErrorKind::BusyLoading) => Probe::Loading,
        // A script that runs too long, or a server that is about to go.
        _ if error.code() == Some("BUSY") => Probe::Mute(error),
        _ if error.is_timeout() => Probe::Mute(error),
        _ if error.is_io_error() || error.is_connection_dropped() => Probe::Absent(error),
        // It wants a password, or hides CONFIG: our own does neither.
        _ => Probe::Foreign(format!("unknown ({error})")),
    }
}
