//! HTTPS, in builds with the feature `tls`: rustls with ring, and the trusted certificates.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use super::Secure;
use super::request_error::RequestError;

/// Returns the configuration that all connections of a load share. The system's certificates are read once, which takes
/// some milliseconds. Without HTTPS, the configuration trusts no certificate and reads none, but reqwest requires one
/// anyway.
pub(super) fn config(secure: Option<&Secure>) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    let Some(secure) = secure else {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    };
    let verifier = Verifier::new_with_extra_roots(authorities(&secure.authorities)?, provider);
    let verifier = verifier.map_err(|error| format!("cannot load the certificates that the system trusts: {error}"))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// Returns the certificates of a PEM file; none if it is empty.
fn authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| format!("invalid PEM: {error}"))?;
    if all.is_empty() && !pem.is_empty() {
        return Err("the file contains no PEM certificate".into());
    }
    Ok(all)
}

/// Returns the error of a request for a TLS error.
pub(super) fn request_error(error: &rustls::Error) -> RequestError {
    match error {
        rustls::Error::InvalidCertificate(why) => RequestError::Certificate(match why {
            CertificateError::UnknownIssuer => {
                "the server's certificate is signed by an authority that this machine does not trust; \
                 add the authority with --ca"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the server's certificate is for another host name"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server's certificate has expired"
            }
            _ => "the server's certificate is not valid",
        }),
        _ => RequestError::Tls,
    }
}
