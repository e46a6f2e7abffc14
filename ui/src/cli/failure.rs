//! How the program ends: the one place that decides exit codes.

use std::fmt;
use std::io;
use std::process::ExitCode;

use windlass::cluster::ClusterError;
use windlass::config::ConfigErrors;
use windlass::http::HttpError;
use windlass::store::server::ServerError;
use windlass::store::{OpenError, StoreError};

/// Why the program could not do what it was asked for. The text says what, where, and what to do.
#[derive(Debug)]
pub enum Failure {
    /// It was tried and failed: exit code 1.
    Failed(String),
    /// It was asked for in a way that makes no sense: exit code 2, as for what the parser refuses.
    Usage(String),
    /// The engine's rules refuse it: exit code 3.
    Refused(String),
    /// A signal ended it before it was done: exit code 1.
    Interrupted,
    /// What went wrong is printed already: exit code 1.
    Told,
    /// Whoever read our output has gone (`| head`): nothing is wrong, exit code 0.
    NobodyReads,
}

impl Failure {
    /// The exit code.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        match self {
            Self::NobodyReads => ExitCode::SUCCESS,
            Self::Failed(_) | Self::Interrupted | Self::Told => ExitCode::FAILURE,
            Self::Usage(_) => ExitCode::from(2),
            Self::Refused(_) => ExitCode::from(3),
        }
    }

    /// What is printed on stderr, if anything.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        match self {
            Self::Failed(text) | Self::Usage(text) => Some(text.clone()),
            Self::Refused(text) => Some(format!("refused: {text}")),
            Self::Interrupted => Some("interrupted".to_owned()),
            Self::Told | Self::NobodyReads => None,
        }
    }

    /// Something failed, in words.
    pub fn failed(what: impl fmt::Display) -> Self {
        Self::Failed(what.to_string())
    }
}

/// Errors that say all there is to say.
macro_rules! failed {
    ($($error:ty),+) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::failed(error)
            }
        })+
    };
}

failed!(StoreError, OpenError, ServerError, ClusterError, HttpError);

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::Failed(format!("the configuration cannot be used:\n{errors}"))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::NobodyReads,
            _ => Self::failed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(matches!(failure, Failure::NobodyReads));
        assert!(failure.message().is_none());
        assert!(matches!(Failure::from(io::Error::other("disk full")), Failure::Failed(_)));
    }
}
