//! Why a message is refused, whoever reads it.

use super::Status;

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It breaks the grammar, or could be read in two ways.
    Malformed,
    /// The request target is over its limit.
    TargetTooLong,
    /// The method is over its limit.
    MethodTooLong,
    /// Too many bytes or fields in the head or the trailers.
    HeadTooLarge,
    /// The body is over its limit.
    BodyTooLarge,
    /// A version of HTTP that is not spoken here.
    UnknownVersion,
    /// A transfer coding that is not spoken here, or CONNECT.
    NotImplemented,
    /// An expectation other than `100-continue`.
    UnknownExpectation,
}

impl Fault {
    /// What the server says.
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
