//! TLS: whom we trust, and what to do when we do not.
//!
//! Knows certificates and sockets; knows neither IMAP nor SMTP. Promise: the chain, the dates and the host name are always checked
//! (ATTACKS.md G04); there is no setting that turns this off.

use anyhow::{Context, bail};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, Error as RustlsError, RootCertStore, crypto,
};

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Encryption {
    /// TLS from the first byte (993, 465): the default, and the only one without a downgrade to think about (RFC 8314).
    #[default]
    Implicit,
    /// STARTTLS, required: a server that does not offer it is not talked to. For SMTP submission only.
    StartTls,
    /// In clear, for a server on this machine.
    None,
}

/// Reaching a server: the first answer of a slow one takes seconds, a dead one never answers.
const CONNECT_SECS: u64 = 30;

/// Whom we trust.
#[derive(Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
    ca_file: Option<PathBuf>,
}

impl Trust {
    /// The system's certificate authorities, and those of a PEM file.
    pub fn new(ca_file: Option<&Path>) -> anyhow::Result<Trust> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = ca_file {
            add_pem(&mut roots, file)?;
        }
        if roots.is_empty() {
            bail!(
                "no certificate authority is known on this machine; install the package ca-certificates or set ca_file"
            );
        }
        let config =
            ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth();
        Ok(Trust {
            config: Arc::new(config),
            ca_file: ca_file.map(Path::to_path_buf),
        })
    }

    /// Shakes hands over an open connection; `host` is the name the certificate must carry.
    pub async fn handshake(
        &self,
        host: &str,
        tcp: TcpStream,
    ) -> anyhow::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_string())
            .with_context(|| format!("host \"{host}\" is neither a host name nor an IP address"))?;
        let connecting = TlsConnector::from(self.config.clone()).connect(name, tcp);
        match timeout(Duration::from_secs(CONNECT_SECS), connecting).await {
            Err(_) => bail!(
                "{host}: no TLS handshake within {CONNECT_SECS} s; is this a port with TLS from the first byte?"
            ),
            Ok(Err(error)) => bail!("{host}: {}", self.explained(&error)),
            Ok(Ok(stream)) => Ok(stream),
        }
    }

    fn explained(&self, error: &std::io::Error) -> String {
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<RustlsError>());
        match inner {
            Some(RustlsError::InvalidCertificate(fault)) => self.fault(fault),
            Some(RustlsError::InvalidMessage(_)) => {
                "does not speak TLS on this port; check the port and the setting tls".into()
            }
            _ => format!("the TLS handshake failed: {error}"),
        }
    }

    fn fault(&self, fault: &CertificateError) -> String {
        use CertificateError::*;
        match fault {
            Expired | ExpiredContext { .. } => {
                "the server's certificate has expired; renew it there (and check this machine's clock)".into()
            }
            NotValidYet | NotValidYetContext { .. } => {
                "the server's certificate is not valid yet; check this machine's clock".into()
            }
            NotValidForName | NotValidForNameContext { .. } => {
                "the server's certificate is for another host name; set host to a name that the certificate carries".into()
            }
            UnknownIssuer => match &self.ca_file {
                Some(file) => format!(
                    "the server's certificate is signed by an authority that is neither the system's nor in {}; add the signing authority to that file",
                    file.display()
                ),
                None => "the server's certificate is signed by an unknown authority; set ca_file to a PEM file with the signing authority".into(),
            },
            other => format!("the server's certificate is not acceptable: {other}"),
        }
    }
}

fn add_pem(roots: &mut RootCertStore, file: &Path) -> anyhow::Result<()> {
    let shown = file.display();
    let bytes = std::fs::read(file)
        .with_context(|| format!("ca_file {shown} cannot be read; check the path and its owner"))?;
    let mut found = 0;
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.with_context(|| format!("ca_file {shown} is not PEM"))?;
        roots
            .add(certificate)
            .with_context(|| format!("ca_file {shown}: certificate {} is not usable", found + 1))?;
        found += 1;
    }
    if found == 0 {
        bail!(
            "ca_file {shown} holds no certificate; it needs at least one \"BEGIN CERTIFICATE\" block"
        );
    }
    Ok(())
}

/// Opens a connection. Nagle's delay is off: lettre and IMAP write a command and wait for its answer (STACK 0.6).
pub async fn connect(host: &str, port: u16) -> anyhow::Result<TcpStream> {
    let connecting = TcpStream::connect((host, port));
    let tcp = match timeout(Duration::from_secs(CONNECT_SECS), connecting).await {
        Err(_) => bail!(
            "{host}:{port} does not answer within {CONNECT_SECS} s; check host, port and firewall"
        ),
        Ok(Err(error)) => {
            bail!("{host}:{port} cannot be reached: {error}; check host, port and firewall")
        }
        Ok(Ok(tcp)) => tcp,
    };
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

/// Whether a host is this machine, where no wire can be listened to.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_that_is_missing_or_empty_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let said = |file: &Path| format!("{:#}", Trust::new(Some(file)).err().unwrap());
        assert!(said(&file).contains("ca.pem cannot be read"));
        std::fs::write(&file, "not a certificate\n").unwrap();
        assert!(said(&file).contains("holds no certificate"));
    }

    /// An authority, and one leaf of it for each name, with its host and its dates.
    const AUTHORITY: &str = r#"
        set -e
        printf '%s\n' '[ca]' default_ca=x '[x]' new_certs_dir=. database=index serial=serial default_md=sha256 policy=p '[p]' commonName=supplied > ca.conf
        : > index; echo 01 > serial
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority \
            -addext basicConstraints=critical,CA:TRUE
        leaf() {
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.csr -subj /CN=$1
            printf "basicConstraints=CA:FALSE\nsubjectAltName=DNS:$2\n" > $1.ext
            openssl ca -batch -config ca.conf -cert ca.pem -keyfile ca.key -in $1.csr -out $1.pem -notext -startdate $3 -enddate $4 -extfile $1.ext
        }
        leaf good mail.example 20200101000000Z 21000101000000Z
        leaf expired mail.example 20200101000000Z 20200201000000Z
        leaf early mail.example 20990101000000Z 21000101000000Z
        leaf other elsewhere.example 20200101000000Z 21000101000000Z
    "#;

    /// A server with this leaf, and what a client says of it that wants `mail.example`.
    async fn greeted(folder: &Path, leaf: &str) -> anyhow::Result<()> {
        use tokio_rustls::rustls::{ServerConfig, pki_types::PrivateKeyDer};
        let pem = |name: String| folder.join(name);
        let chain = CertificateDer::pem_file_iter(pem(format!("{leaf}.pem")))?;
        let key = PrivateKeyDer::from_pem_file(pem(format!("{leaf}.key")))?;
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain.collect::<Result<_, _>>()?, key)?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        tokio::spawn(async move {
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
            let (tcp, _) = listener.accept().await?;
            acceptor.accept(tcp).await.map(drop)
        });
        let trust = Trust::new(Some(&pem("ca.pem".into())))?;
        let tcp = connect("127.0.0.1", port).await?;
        trust.handshake("mail.example", tcp).await.map(drop)
    }

    #[tokio::test]
    async fn g04_a_certificate_of_another_time_or_name_is_refused_and_why_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("sh")
            .args(["-c", AUTHORITY])
            .current_dir(folder.path())
            .output();
        let made = made.expect("openssl, which tests/run installs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        greeted(folder.path(), "good").await.expect("a good one");
        for (leaf, why) in [
            ("expired", "certificate has expired"),
            ("early", "not valid yet"),
            ("other", "for another host name"),
        ] {
            let refused = greeted(folder.path(), leaf).await.expect_err(leaf);
            assert!(format!("{refused:#}").contains(why), "{leaf}: {refused:#}");
        }
    }

    #[test]
    fn loopback_is_this_machine_only() {
        assert!(is_loopback("127.0.0.1") && is_loopback("::1") && is_loopback("localhost"));
        assert!(!is_loopback("mail.example") && !is_loopback("localhost.example"));
    }
}
