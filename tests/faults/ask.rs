//! What a replica answers whoever wants to call a function.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long an answer may take: a replica that is frozen gives none.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks a replica that listens there whom to call; status and answer.
pub fn endpoint(address: SocketAddr, function: &str) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let path = format!("/api/v1/pools/{function}/endpoint");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).ok()?))
}

/// Where a replica listens, as its log tells.
pub fn address(log: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once("HTTP is served address=")?;
    rest.split_whitespace().next()?.parse().ok()
}
