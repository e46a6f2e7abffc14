//! Signatures: HMAC-SHA256 over `timestamp.body`, so that neither can be changed and an old request is told from a new one.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header with the signature.
pub(super) const SIGNATURE: &str = "x-windlass-signature";
/// The header with the time that is signed, in seconds since 1970.
pub(super) const TIMESTAMP: &str = "x-windlass-timestamp";

/// `sha256=<hex>`.
pub(super) fn signature(secret: &[u8], timestamp: i64, body: &[u8]) -> String {
    use std::fmt::Write as _;

    let mut text = "sha256=".to_owned();
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return text;
    };
    mac.update(format!("{timestamp}.").as_bytes());
    mac.update(body);
    for byte in mac.finalize().into_bytes() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac s3cret`.
    #[test]
    fn it_is_what_openssl_says() {
        let expected = "sha256=1698a50bc74d1ff1db85c4e0a5297c2ad9fdba245d5737cdb789e4cc6e098940";
        assert_eq!(signature(b"s3cret", 1_700_000_000, br#"{"a":1}"#), expected);
    }
}
