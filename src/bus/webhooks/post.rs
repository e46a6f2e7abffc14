//! One request: to the address that was checked, without following redirects, within the time that the caller gives it.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::address::forbidden;
use crate::clock;

/// So many bytes of an error's text are read.
const LONGEST_READ: usize = 8192;
/// So many characters of it are passed on.
const LONGEST_TEXT: usize = 300;
/// So long.
const TEXT_TIMEOUT: Duration = Duration::from_secs(1);
/// So many of a name's addresses are tried.
const ADDRESSES: usize = 4;

/// Certificates that browsers trust; the same on every system.
static TLS: LazyLock<Result<Arc<ClientConfig>, rustls::Error>> = LazyLock::new(|| {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
});

/// Why a target did not take an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// In words, without the target's address.
    pub(super) error: String,
    /// Whether trying again cannot help.
    pub(super) is_final: bool,
    /// How long the target asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    /// One that may pass.
    pub(super) fn passing(error: impl Into<String>) -> Self {
        Self { error: error.into(), is_final: false, retry_after: None }
    }
}

/// Where a request goes.
pub(super) struct Destination<'a> {
    /// The address.
    pub(super) url: &'a Url,
    /// Whether this machine and private networks are allowed.
    pub(super) allow_private: bool,
    /// How long the whole may take.
    pub(super) timeout: Duration,
}

/// Posts; `Ok`: it was answered with a 2xx.
pub(super) async fn post(to: &Destination<'_>, headers: HeaderMap, body: Vec<u8>) -> Result<(), Failure> {
    let exchange = async {
        let stream = connect(to).await?;
        if to.url.scheme() == "https" {
            let config = TLS.clone().map_err(|error| Failure::passing(format!("TLS cannot be used: {error}")))?;
            let name = ServerName::try_from(host(to.url))
                .map_err(|_| Failure::passing("the host's name cannot be that of a certificate"))?;
            let stream = TlsConnector::from(config).connect(name, stream).await;
            speak(to.url, headers, body, stream.map_err(|error| Failure::passing(format!("TLS: {error}")))?).await
        } else {
            speak(to.url, headers, body, stream).await
        }
    };
    tokio::time::timeout(to.timeout, exchange)
        .await
        .unwrap_or_else(|_| Err(Failure::passing(format!("no answer within {:?}", to.timeout))))
}

/// The host as it is looked up: an IPv6 address without its brackets.
fn host(url: &Url) -> String {
    match url.host() {
        Some(Host::Ipv6(address)) => address.to_string(),
        Some(host) => host.to_string(),
        None => String::new(),
    }
}

/// Looks the host up, and connects to an address that was checked: a name that is looked up again might mean another one.
async fn connect(to: &Destination<'_>) -> Result<TcpStream, Failure> {
    let port = to.url.port_or_known_default().unwrap_or(443);
    let host = host(to.url);
    let found = tokio::net::lookup_host((host.as_str(), port)).await;
    let found: Vec<SocketAddr> =
        found.map_err(|error| Failure::passing(format!("its host is not found: {error}")))?.collect();
    let refused = found.iter().find_map(|address| forbidden(address.ip()));
    let allowed: Vec<_> = found
        .into_iter()
        .filter(|address| to.allow_private || forbidden(address.ip()).is_none())
        .take(ADDRESSES)
        .collect();
    let each = to.timeout / u32::try_from(allowed.len().max(1)).unwrap_or(1);
    let mut failure = Failure::passing(match refused {
        Some(what) if !to.allow_private => {
            format!("its host is {what}; if that is meant, set `allow_private: true` for this target")
        }
        _ => "its host has no address".to_owned(),
    });
    for address in allowed {
        match tokio::time::timeout(each, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = Failure::passing(format!("cannot connect: {error}")),
            Err(_) => failure = Failure::passing(format!("cannot connect within {each:?}")),
        }
    }
    Err(failure)
}

async fn speak<S>(url: &Url, headers: HeaderMap, body: Vec<u8>, stream: S) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| Failure::passing(format!("the connection broke: {error}"));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Ends with this function, whatever the other side does.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let authority = url.port().map_or_else(
        || url.host_str().unwrap_or_default().to_owned(),
        |port| format!("{}:{port}", url.host_str().unwrap_or_default()),
    );
    let mut request = Request::post(path)
        .header(HOST, authority)
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| Failure::passing(format!("the request cannot be written: {error}")))?;
    request.headers_mut().extend(headers);
    let response = sender.send_request(request).await.map_err(broken)?;
    judge(url, response).await
}

async fn judge(url: &Url, response: Response<Incoming>) -> Result<(), Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after.and_then(|text| wait(text, clock::now()));
    let is_asked_to_wait = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let may_pass = status.is_server_error() || is_asked_to_wait || status == StatusCode::REQUEST_TIMEOUT;
    let error = if status.is_redirection() {
        format!("it answers {status}, and redirects are not followed: set the address that it redirects to")
    } else {
        let said = concealed(url, &text(response.into_body()).await);
        if said.is_empty() { format!("it answers {status}") } else { format!("it answers {status}: {said}") }
    };
    Err(Failure { error, is_final: !may_pass, retry_after: retry_after.filter(|_| is_asked_to_wait) })
}

/// Seconds, or a date.
fn wait(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let seconds = text.trim().parse().ok().map(Duration::from_secs);
    seconds.or_else(|| Some(clock::between(now, DateTime::parse_from_rfc2822(text.trim()).ok()?.to_utc())))
}

/// An answer on one line.
async fn text(mut body: Incoming) -> String {
    let mut bytes = Vec::new();
    let read = async {
        while bytes.len() < LONGEST_READ
            && let Some(Ok(frame)) = body.frame().await
        {
            bytes.extend(frame.data_ref().into_iter().flatten());
        }
    };
    let _ = tokio::time::timeout(TEXT_TIMEOUT, read).await;
    let text = String::from_utf8_lossy(&bytes);
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// The beginning of an answer. It may repeat the address, and that is as good as a password; so it is cut afterwards.
fn concealed(url: &Url, text: &str) -> String {
    let secrets = url.path_segments().into_iter().flatten().chain(url.query());
    let text = secrets.filter(|part| part.len() > 5).fold(text.to_owned(), |text, part| text.replace(part, "***"));
    text.chars().take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now = "2015-10-21T07:28:00Z".parse().unwrap();
        assert_eq!(wait(" 120", now), Some(Duration::from_secs(120)));
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(wait("Wed, 21 Oct 2015 07:27:30 GMT", now), Some(Duration::ZERO));
        assert_eq!(wait("soon", now), None);
    }

    #[test]
    fn an_answer_does_not_give_the_address_away() {
        let url = Url::parse("https://hooks.example/services/T0KENT0KEN?k=secretsecret").unwrap();
        let said = "no route POST /services/T0KENT0KEN?k=secretsecret";
        assert_eq!(concealed(&url, said), "no route POST /***/***?***");
    }
}
