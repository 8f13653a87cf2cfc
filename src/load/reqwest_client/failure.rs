//! Maps an error of reqwest to the raw client's terms, by the cause below reqwest's layers.

use std::error::Error;
use std::io::{self, ErrorKind};

use crate::http1::ReplyError;
use crate::load::Endpoint;
use crate::load::trouble::Trouble;

/// A failed request: its cause, and whether connecting failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestFailure {
    pub(super) trouble: Trouble,
    /// Whether the request failed while connecting.
    pub(super) is_connect: bool,
}

/// The part of an answer that was awaited when the request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The head of the first answer on a connection.
    FirstHead,
    /// The head of a later answer.
    NextHead,
    Body,
}

impl From<Trouble> for RequestFailure {
    fn from(trouble: Trouble) -> Self {
        Self { trouble, is_connect: false }
    }
}

impl RequestFailure {
    pub(super) fn of(error: &reqwest::Error, server: &Endpoint, phase: Phase) -> Self {
        let is_connect = error.is_connect();
        let mut trouble = None;
        let mut source = error.source();
        while let Some(inner) = source {
            // The deepest known cause counts.
            trouble = cause(inner, server, phase, is_connect).or(trouble);
            source = inner.source();
        }
        let trouble = trouble.unwrap_or(match is_connect {
            true if error.is_timeout() => Trouble::ConnectTimeout,
            true => Trouble::Other("connect"),
            false => Trouble::Other("client"),
        });
        Self { trouble, is_connect }
    }
}

/// Maps the error of one layer; `None` if the layer adds no cause of its own.
fn cause(error: &(dyn Error + 'static), server: &Endpoint, phase: Phase, is_connect: bool) -> Option<Trouble> {
    #[cfg(feature = "tls")]
    if let Some(error) = rustls_error(error) {
        return Some(crate::load::tls::trouble(error));
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return of_hyper(error, phase);
    }
    let error = error.downcast_ref::<io::Error>()?;
    if let Some(code) = error.raw_os_error() {
        let system = io::Error::from_raw_os_error(code);
        let system = if is_connect { Trouble::connecting(system, server) } else { system.into() };
        return Some(match (system, phase) {
            (Trouble::ResetInHead, Phase::NextHead) => ReplyError::Stale.into(),
            (Trouble::ResetInHead, Phase::Body) => Trouble::ResetInBody,
            (trouble, _) => trouble,
        });
    }
    match (error.kind(), phase) {
        // Only a TLS handshake can end before there is a connection.
        (ErrorKind::UnexpectedEof, _) if is_connect => Some(Trouble::Tls),
        (ErrorKind::UnexpectedEof, Phase::Body) => Some(ReplyError::EofInBody.into()),
        (ErrorKind::InvalidData | ErrorKind::InvalidInput, Phase::Body) => Some(ReplyError::Parse.into()),
        _ => None,
    }
}

fn of_hyper(error: &hyper::Error, phase: Phase) -> Option<Trouble> {
    let reply = if error.is_parse_too_large() {
        ReplyError::HeadTooLarge
    } else if error.is_parse() {
        ReplyError::Parse
    } else if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        match phase {
            Phase::FirstHead => ReplyError::EofBeforeHead,
            Phase::NextHead => ReplyError::Stale,
            Phase::Body => ReplyError::EofInBody,
        }
    } else {
        return None;
    };
    Some(reply.into())
}

/// Finds the TLS error inside connection errors, whose `source` omits it.
#[cfg(feature = "tls")]
fn rustls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref().or_else(|| rustls_error(error.downcast_ref::<io::Error>()?.get_ref()?))
}
