//! The reasons for which a message is refused, by client or server.

use super::Status;

/// The fault of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The message is malformed, or could be read in two ways.
    Malformed,
    /// The request target is over its limit.
    TargetTooLong,
    /// The method is over its limit.
    MethodTooLong,
    /// The head or the trailers have too many bytes or fields.
    HeadTooLarge,
    /// The body is over its limit.
    BodyTooLarge,
    /// The version of HTTP is not supported.
    UnknownVersion,
    /// The transfer coding is not supported, or the method is CONNECT.
    NotImplemented,
    /// The expectation is not `100-continue`.
    UnknownExpectation,
}

impl Fault {
    /// Returns the status with which the server answers.
    pub(super) fn status(self) -> Status {
        match self {
            Self::Malformed => Status::BadRequest,
            Self::TargetTooLong => Status::UriTooLong,
            Self::HeadTooLarge => Status::HeaderFieldsTooLarge,
            Self::BodyTooLarge => Status::ContentTooLarge,
            Self::UnknownVersion => Status::VersionNotSupported,
            Self::NotImplemented | Self::MethodTooLong => Status::NotImplemented,
            Self::UnknownExpectation => Status::ExpectationFailed,
        }
    }
}
