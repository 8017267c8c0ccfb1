//! TLS to an engine behind tcp, with the three files that Docker uses for it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::endpoint::TlsFiles;
use super::error::Cause;

/// A TLS client for one engine.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// Reads `ca.pem`, and `cert.pem` with `key.pem` where they are there.
    pub(super) fn read(host: &str, files: &TlsFiles) -> Result<Self, Cause> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| Cause::Other(format!("{host} is no host name: {error}")))?;
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Cause::Other(error.to_string()))?;
        let builder = if files.verify {
            let path = files.folder.join("ca.pem");
            let mut roots = RootCertStore::empty();
            for certificate in certificates(&path)? {
                roots.add(certificate).map_err(|error| unreadable(&path, &error))?;
            }
            builder.with_root_certificates(roots)
        } else {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
        };
        let (cert, key) = (files.folder.join("cert.pem"), files.folder.join("key.pem"));
        let config = if cert.exists() {
            let chain = certificates(&cert)?;
            let key_der =
                PrivateKeyDer::from_pem_file(&key).map_err(|error| unreadable(&key, &error))?;
            builder
                .with_client_auth_cert(chain, key_der)
                .map_err(|error| unreadable(&cert, &error))?
        } else {
            builder.with_no_client_auth()
        };
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Puts TLS over a connection.
    pub(super) async fn wrap(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), stream).await
    }
}

fn certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, Cause> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &dyn std::error::Error) -> Cause {
    Cause::Unsupported {
        detail: format!("{} cannot be used: {error}", path.display()),
        advice: "put ca.pem, cert.pem and key.pem of the engine into the folder that DOCKER_CERT_PATH names"
            .to_owned(),
    }
}

/// Accepts any server, for contexts that say `SkipTLSVerify`; signatures are still checked.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
