//! Words to a Redis, past windlass: with a password where it has one, and without patience.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long an answer may take; a server that is paused gives none.
const PATIENCE: Duration = Duration::from_secs(10);

/// Says one command, and returns its answer as the wire has it, cut off after 8 KB.
pub fn tell(socket: &Path, password: Option<&str>, words: &[&str]) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    if let Some(password) = password {
        stream.write_all(&wire(&["AUTH", password]))?;
        answer(&mut stream)?;
    }
    stream.write_all(&wire(words))?;
    answer(&mut stream)
}

/// A command as it travels.
pub fn wire(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}

fn answer(stream: &mut UnixStream) -> std::io::Result<String> {
    let mut bytes = [0; 8192];
    let length = stream.read(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}
