//! A GET whose answer is read as it comes, on the same daemon that bollard speaks to.
//!
//! bollard collects an answer as a whole and reads every field of it into values of its own. That is nothing where a few containers are
//! listed; for the 50,000 of the function pools (46 MB) it was more than half of the processor time of a recovery (docs/NUMBERS.md).

use std::io::ErrorKind;

use bollard::errors::Error;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::client::Address;

/// The port of HTTP, where an address names none.
const HTTP_PORT: u16 = 80;

/// Asks the daemon at `address` for `path`, and returns the body of an answer that is a success. A refusal is the error that bollard
/// makes of it. Keeps no time.
pub(super) async fn get(address: &Address, path: &str) -> Result<Incoming, Error> {
    let response = match address {
        Address::Unix(socket) => {
            let stream = UnixStream::connect(socket).await.map_err(|error| match error.kind() {
                ErrorKind::NotFound => Error::SocketNotFoundError(socket.clone()),
                _ => error.into(),
            })?;
            send(stream, "localhost", path).await?
        }
        Address::Tcp(address) => {
            let uri: Uri = address.parse()?;
            // As bollard does; without the brackets of an IPv6 address.
            let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
            let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(HTTP_PORT))).await?;
            send(stream, uri.authority().map_or(host, |authority| authority.as_str()), path).await?
        }
    };
    let status = response.status();
    if status.is_success() { Ok(response.into_body()) } else { Err(refusal(status, response.into_body()).await?) }
}

async fn send<S>(stream: S, host: &str, path: &str) -> Result<Response<Incoming>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the body, or when that is dropped; what goes wrong on it, the body tells.
    tokio::spawn(connection);
    let host = HeaderValue::from_str(host).map_err(|error| Error::HttpClientError { err: error.into() })?;
    let request = Request::get(path).header(HOST, host).body(Empty::<Bytes>::new())?;
    Ok(sender.send_request(request).await?)
}

async fn refusal(status: StatusCode, body: Incoming) -> Result<Error, Error> {
    #[derive(Deserialize)]
    struct Told {
        message: String,
    }
    let bytes = body.collect().await?.to_bytes();
    let message = match serde_json::from_slice::<Told>(&bytes) {
        Ok(told) => told.message,
        Err(_) => String::from_utf8_lossy(&bytes).into_owned(),
    };
    Ok(Error::DockerResponseServerError { status_code: status.as_u16(), message })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use super::*;

    /// Somebody who answers one request with these bytes; its address, and the request that came.
    async fn answering(reply: &'static str) -> (Address, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Tcp(format!("tcp://{}", listener.local_addr().unwrap()));
        let request = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(reply.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).to_lowercase()
        });
        (address, request)
    }

    #[tokio::test]
    async fn an_answer_over_tcp_is_its_body() {
        let (address, request) = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]").await;
        let body = get(&address, "/containers/json?all=true").await.unwrap();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "[]");
        let request = request.await.unwrap();
        assert!(request.starts_with("get /containers/json?all=true http/1.1\r\nhost: 127.0.0.1:"), "{request}");
    }

    #[tokio::test]
    async fn a_refusal_is_told_in_the_daemons_words() {
        for (reply, status, words) in [
            ("HTTP/1.1 400 Bad\r\ncontent-length: 25\r\n\r\n{\"message\":\"bad filters\"}\n", 400, "bad filters"),
            ("HTTP/1.1 502 Bad\r\ncontent-length: 9\r\n\r\n<html>no\n", 502, "<html>no\n"),
        ] {
            let (address, _request) = answering(reply).await;
            let told = get(&address, "/").await.unwrap_err();
            let Error::DockerResponseServerError { status_code, message } = told else { panic!("{told:?}") };
            assert_eq!((status_code, message.as_str()), (status, words));
        }
    }

    #[tokio::test]
    async fn a_socket_that_is_not_there_is_named() {
        let address = Address::Unix("/nonexistent/docker.sock".to_owned());
        let told = get(&address, "/").await.unwrap_err();
        assert!(matches!(told, Error::SocketNotFoundError(path) if path == "/nonexistent/docker.sock"));
    }
}
