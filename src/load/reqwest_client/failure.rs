//! Maps an error of reqwest to the raw client's terms, by the cause below reqwest's layers.

use std::error::Error;
use std::io::{self, ErrorKind};

use crate::http1::ResponseError;
use crate::load::Endpoint;
use crate::load::request_error::RequestError;

/// A failed request: the cause, and whether connecting failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestFailure {
    pub(super) error: RequestError,
    /// Whether the request failed while connecting.
    pub(super) is_connect: bool,
}

/// The part of a response that was expected when the request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The head of the first response on a connection.
    FirstHead,
    /// The head of a later response.
    NextHead,
    Body,
}

impl From<RequestError> for RequestFailure {
    fn from(error: RequestError) -> Self {
        Self { error, is_connect: false }
    }
}

impl RequestFailure {
    pub(super) fn from_reqwest(failed: &reqwest::Error, server: &Endpoint, phase: Phase) -> Self {
        let is_connect = failed.is_connect();
        let mut deepest = None;
        let mut source = failed.source();
        while let Some(inner) = source {
            // The deepest known cause counts.
            deepest = cause(inner, server, phase, is_connect).or(deepest);
            source = inner.source();
        }
        let error = deepest.unwrap_or(match is_connect {
            true if failed.is_timeout() => RequestError::ConnectTimeout,
            true => RequestError::Other("connect"),
            false => RequestError::Other("client"),
        });
        Self { error, is_connect }
    }
}

/// Maps the error of one layer; `None` if the layer adds no cause.
fn cause(error: &(dyn Error + 'static), server: &Endpoint, phase: Phase, is_connect: bool) -> Option<RequestError> {
    #[cfg(feature = "tls")]
    if let Some(error) = rustls_error(error) {
        return Some(crate::load::tls::request_error(error));
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return from_hyper(error, phase);
    }
    let error = error.downcast_ref::<io::Error>()?;
    if let Some(code) = error.raw_os_error() {
        let system = io::Error::from_raw_os_error(code);
        let system = if is_connect { RequestError::connecting(system, server) } else { system.into() };
        return Some(match (system, phase) {
            (RequestError::ResetInHead, Phase::NextHead) => ResponseError::Stale.into(),
            (RequestError::ResetInHead, Phase::Body) => RequestError::ResetInBody,
            (other, _) => other,
        });
    }
    match (error.kind(), phase) {
        // Only a TLS handshake can end before there is a connection.
        (ErrorKind::UnexpectedEof, _) if is_connect => Some(RequestError::Tls),
        (ErrorKind::UnexpectedEof, Phase::Body) => Some(ResponseError::EofInBody.into()),
        (ErrorKind::InvalidData | ErrorKind::InvalidInput, Phase::Body) => Some(ResponseError::Parse.into()),
        _ => None,
    }
}

fn from_hyper(error: &hyper::Error, phase: Phase) -> Option<RequestError> {
    let cause = if error.is_parse_too_large() {
        ResponseError::HeadTooLarge
    } else if error.is_parse() {
        ResponseError::Parse
    } else if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        match phase {
            Phase::FirstHead => ResponseError::EofBeforeHead,
            Phase::NextHead => ResponseError::Stale,
            Phase::Body => ResponseError::EofInBody,
        }
    } else {
        return None;
    };
    Some(cause.into())
}

/// Finds the TLS error inside connection errors, whose `source` omits it.
#[cfg(feature = "tls")]
fn rustls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref().or_else(|| rustls_error(error.downcast_ref::<io::Error>()?.get_ref()?))
}
