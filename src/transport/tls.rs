//! TLS, as a client speaks it: whom it trusts and who it is.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::failure::{Failure, TargetError};
use super::stamped::Stamped;

/// Whom a client trusts and who it is. By default it trusts the certificates of
/// the system and says nothing of itself.
#[derive(Clone, Default)]
pub struct TlsOptions {
    /// Certificates to trust instead of the system's, in PEM form.
    pub ca: Option<Vec<u8>>,
    /// The client's certificate, with those that lead to one that the server
    /// trusts, and its key; both in PEM form.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Takes any certificate of the server, for tests with certificates that
    /// nobody signed.
    pub insecure: bool,
}

// A key must not get into a log.
impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("ca", &self.ca.is_some())
            .field("identity", &self.identity.is_some())
            .field("insecure", &self.insecure)
            .finish()
    }
}

/// Speaks TLS as its options say. Connections to a server that remembers them
/// resume its sessions, as those of other clients do.
#[derive(Clone)]
pub struct TlsClient(Arc<ClientConfig>);

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsClient")
    }
}

impl TlsClient {
    /// A client that speaks TLS 1.3 or 1.2 and HTTP/1.1 inside.
    ///
    /// # Errors
    /// When a text holds no certificate or no key, key and certificate do not
    /// belong together, or the system trusts nobody.
    pub fn new(options: &TlsOptions) -> Result<Self, TargetError> {
        let bad = |reason: String| TargetError::Tls(reason);
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| bad(error.to_string()))?;
        let builder = if options.insecure {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        } else {
            let roots = match &options.ca {
                Some(pem) => roots(pem).map_err(bad)?,
                None => system_roots().map_err(bad)?,
            };
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_webpki_verifier(verifier.build().map_err(|error| bad(error.to_string()))?)
        };
        let mut config = match &options.identity {
            Some((certificate, key)) => {
                let chain = certificates(certificate, "certificate of the client").map_err(bad)?;
                let key = PrivateKeyDer::from_pem_slice(key)
                    .map_err(|_| bad("the key of the client holds no private key in PEM form".to_owned()))?;
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    bad(format!("the client's certificate and key cannot be used together: {error}"))
                })?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// The client of whoever says nothing about TLS. The certificates of the
    /// system are read once.
    pub(super) fn of_system() -> Result<Self, TargetError> {
        static SYSTEM: OnceLock<Result<TlsClient, TargetError>> = OnceLock::new();
        SYSTEM.get_or_init(|| Self::new(&TlsOptions::default())).clone()
    }

    /// Makes a connection secure that was made to `host`.
    pub(super) async fn secure(&self, stream: Stamped, host: &str) -> Result<TlsStream<Stamped>, Failure> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Failure::Connect(format!("`{host}` cannot be the name of a server in TLS")))?;
        TlsConnector::from(Arc::clone(&self.0)).connect(name, stream).await.map_err(|error| refused(host, &error))
    }
}

/// What TLS has to say of an error; `None` if it is none of TLS. With TLS 1.3 a
/// server refuses the client's certificate only after the handshake.
pub(super) fn told(error: &io::Error) -> Option<String> {
    inner(error).map(|error| match error {
        Error::AlertReceived(alert) => format!("the server says {alert:?}"),
        error => error.to_string(),
    })
}

fn inner(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn refused(host: &str, error: &io::Error) -> Failure {
    Failure::Connect(match inner(error) {
        Some(Error::InvalidCertificate(reason)) => {
            format!("the certificate of `{host}` is not trusted: {reason}")
        }
        Some(Error::AlertReceived(alert)) => format!("`{host}` refuses TLS with this client: {alert:?}"),
        Some(Error::InvalidMessage(_)) => format!("what listens at `{host}` does not speak TLS"),
        _ if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
            format!("`{host}` closed the connection during the TLS handshake")
        }
        _ => format!("no TLS with `{host}`: {error}"),
    })
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(format!("the {what} holds no certificate in PEM form")),
    }
}

fn roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, "file of trusted certificates")? {
        roots.add(certificate).map_err(|error| format!("a trusted certificate cannot be used: {error}"))?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    // Some that the system has are older than the rules: whoever needs one of
    // them is told that the server's certificate is not trusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("this system trusts no certificates: name the file with those to trust (`ca`)".to_owned());
    }
    Ok(roots)
}

/// Takes any certificate, but not a handshake that its key did not sign.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
