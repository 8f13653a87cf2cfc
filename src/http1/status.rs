//! The statuses with which the project's servers answer.

/// A status code with its reason phrase (RFC 9110 section 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", expect(missing_docs, reason = "the names are those of RFC 9110"))]
pub enum Status {
    Ok,
    NoContent,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    ContentTooLarge,
    UriTooLong,
    ExpectationFailed,
    HeaderFieldsTooLarge,
    InternalServerError,
    NotImplemented,
    ServiceUnavailable,
    VersionNotSupported,
}

impl Status {
    /// Returns code and reason as in the body of an error response, such as `404: Not Found`.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Ok => "200: OK",
            Self::NoContent => "204: No Content",
            Self::BadRequest => "400: Bad Request",
            Self::NotFound => "404: Not Found",
            Self::MethodNotAllowed => "405: Method Not Allowed",
            Self::RequestTimeout => "408: Request Timeout",
            Self::ContentTooLarge => "413: Content Too Large",
            Self::UriTooLong => "414: URI Too Long",
            Self::ExpectationFailed => "417: Expectation Failed",
            Self::HeaderFieldsTooLarge => "431: Request Header Fields Too Large",
            Self::InternalServerError => "500: Internal Server Error",
            Self::NotImplemented => "501: Not Implemented",
            Self::ServiceUnavailable => "503: Service Unavailable",
            Self::VersionNotSupported => "505: HTTP Version Not Supported",
        }
    }

    /// Returns the three digits of the code.
    pub(super) fn code(self) -> &'static str {
        &self.text()[..3]
    }

    /// Returns the reason phrase with a leading blank.
    pub(super) fn reason(self) -> &'static str {
        &self.text()[4..]
    }
}
