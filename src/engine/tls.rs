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

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
    use tokio_rustls::rustls::server::WebPkiClientVerifier;

    use super::*;

    /// Writes an authority, and a client's certificate by it, as Docker names the files. Gives a
    /// server that wants such a client.
    fn keys(folder: &Path) -> TlsAcceptor {
        let write =
            |name: &str, text: String| std::fs::write(folder.join(name), text).expect("written");
        let ca_key = KeyPair::generate().expect("a key");
        let mut ca = CertificateParams::new([]).expect("valid");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_cert = ca.self_signed(&ca_key).expect("signed");
        let issuer = Issuer::new(ca, ca_key);
        let signed = |name: &str| {
            let key = KeyPair::generate().expect("a key");
            let params = CertificateParams::new([name.to_owned()]).expect("valid");
            (params.signed_by(&key, &issuer).expect("signed"), key)
        };
        let (server, server_key) = signed("127.0.0.1");
        let (client, client_key) = signed("client");
        write("ca.pem", ca_cert.pem());
        write("cert.pem", client.pem());
        write("key.pem", client_key.serialize_pem());
        let mut roots = RootCertStore::empty();
        roots.add(ca_cert.der().clone()).expect("a root");
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
                .build();
        let key = PrivatePkcs8KeyDer::from(server_key.serialize_der());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(verifier.expect("a verifier"))
            .with_single_cert(vec![server.der().clone()], key.into())
            .expect("a server");
        TlsAcceptor::from(Arc::new(config))
    }

    /// Asks a server, whose keys come to be in `theirs`, for its greeting.
    async fn greeting_with(
        theirs: &Path,
        files: impl FnOnce(&Path) -> TlsFiles,
    ) -> io::Result<String> {
        let acceptor = keys(theirs);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await?;
            let mut stream = acceptor.accept(stream).await?;
            stream.write_all(b"hello").await?;
            stream.shutdown().await
        });
        let tls = Tls::read("127.0.0.1", &files(theirs)).expect("keys");
        let mut stream = tls.wrap(TcpStream::connect(address).await?).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok(text)
    }

    #[tokio::test]
    async fn both_sides_prove_who_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = |theirs: &Path| TlsFiles { folder: theirs.to_path_buf(), verify: true };
        assert_eq!(greeting_with(folder.path(), files).await.expect("a greeting"), "hello");
    }

    #[tokio::test]
    async fn a_server_of_another_authority_is_turned_away() {
        let (theirs, ours) =
            (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        keys(ours.path());
        let files = |_: &Path| TlsFiles { folder: ours.path().to_path_buf(), verify: true };
        let error = greeting_with(theirs.path(), files).await.expect_err("a stranger");
        assert!(error.to_string().contains("certificate"), "{error}");
    }

    #[tokio::test]
    async fn a_context_can_do_without_the_server_s_proof() {
        let folder = tempfile::tempdir().expect("a folder");
        let copy = tempfile::tempdir().expect("a folder");
        let ours = copy.path().to_path_buf();
        let asked = greeting_with(folder.path(), |theirs| {
            for name in ["cert.pem", "key.pem"] {
                std::fs::copy(theirs.join(name), ours.join(name)).expect("copied");
            }
            TlsFiles { folder: ours, verify: false }
        });
        assert_eq!(asked.await.expect("a greeting"), "hello");
    }

    #[test]
    fn missing_keys_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = TlsFiles { folder: folder.path().to_path_buf(), verify: true };
        let cause = Tls::read("127.0.0.1", &files).err().expect("no keys");
        assert!(cause.to_string().contains("ca.pem"), "{cause}");
    }
}
