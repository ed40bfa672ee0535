//! A run over TLS, with certificates from files.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::oauth::endpoint;
use crate::raw_server::server;
use crate::support::{Rulebook, assert_exit, mcpl, stderr};
use mcpl::results::{Results, Window};

/// Writes `ca.pem`, `client.pem` and `client.key`; returns how a server is to
/// speak that asks its clients for such a certificate.
pub fn certificates(dir: &Path) -> ServerConfig {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "tests of mcpl");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let signed = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        (certificate, key)
    };
    let (client, client_key) = signed("client");
    fs::write(dir.join("ca.pem"), authority.pem()).unwrap();
    fs::write(dir.join("client.pem"), client.pem()).unwrap();
    fs::write(dir.join("client.key"), client_key.serialize_pem()).unwrap();
    let (server, key) = signed("localhost");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![server.der().clone()],
            PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap(),
        )
        .unwrap()
}

/// Ends TLS in front of a server on this machine; returns the port.
pub fn end_tls(config: ServerConfig, server: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let acceptor = TlsAcceptor::from(Arc::new(config));
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, server) = (acceptor.clone(), server.clone());
                tokio::spawn(async move {
                    let Ok(mut outside) = acceptor.accept(stream).await else { return };
                    let mut inside = tokio::net::TcpStream::connect(server).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                });
            }
        });
    });
    port
}

#[test]
fn a_run_over_tls_trusts_whom_the_file_names_and_shows_its_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let config = certificates(dir.path());
    let rulebook = Rulebook::start(&[]);
    let port = end_tls(config, rulebook.authority());
    let scenario = dir.path().join("secure.mcpl");
    let run = dir.path().join("run.json");
    let with = |tls: &str| {
        let text = format!(
            "mcpl 1\nserver secure {{\n  http \"https://localhost:{port}/mcp\"\n  tls {{\n{tls}\n  }}\n}}\n\
             scenario look {{\n  target secure\n  stages {{ iterations 40 shared by 4 users }}\n  run search\n}}\n\
             flow search {{\n  call search_rules {{ args {{ \"query\": \"naming\" }} }}\n}}\n"
        );
        fs::write(&scenario, text).unwrap();
        mcpl().arg("run").arg(&scenario).arg("--out").arg(&run).output().unwrap()
    };
    let output = with("    ca \"ca.pem\"\n    cert \"client.pem\" key \"client.key\"");
    assert_exit(&output, 0);
    let results = Results::from_json(&fs::read_to_string(&run).unwrap()).unwrap();
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!((counts.requests, counts.failed()), (40, 0));

    for (tls, expected) in [
        ("    cert \"client.pem\" key \"client.key\"", "the certificate of `localhost` is not trusted"),
        ("    ca \"ca.pem\"", "TLS ended the connection: the server says CertificateRequired"),
        ("    ca \"none.pem\"", "none.pem`"),
        ("    ca \"client.key\"", "TLS: the file of trusted certificates holds no certificate in PEM form"),
    ] {
        let output = with(tls);
        let told = stderr(&output);
        assert!(told.contains(expected), "{told}");
        assert!(output.status.code().is_some_and(|code| code == 2 || code == 3), "{told}");
    }
}

#[test]
fn tokens_come_over_tls_from_whom_the_file_trusts() {
    let dir = tempfile::tempdir().unwrap();
    let config = certificates(dir.path());
    let authority = |url: &str| url.split('/').nth(2).unwrap().to_owned();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let record = Arc::clone(&seen);
    let statement = server(move |mut call| {
        let bearer = call.head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or("none");
        record.lock().unwrap().push(bearer.to_owned());
        call.answer()
    });
    let mcp = end_tls(config.clone(), authority(&statement));
    let tokens = end_tls(config, authority(&endpoint(true)));
    let (scenario, run) = (dir.path().join("secure.mcpl"), dir.path().join("run.json"));
    let with = |tls: &str| {
        let text = format!(
            "mcpl 1\nserver secure {{\n  http \"https://localhost:{mcp}/mcp\"\n  tls {{\n{tls}\n  }}\n  auth oauth {{\n\
             token_url \"https://localhost:{tokens}/token\"\nclient_id \"load\"\nclient_secret \"not so secret\"\n  }}\n}}\n\
             scenario look {{\n  target secure\n  stages {{ iterations 3 shared by 1 users }}\n  run f\n}}\n\
             flow f {{ call list_rules }}\n"
        );
        fs::write(&scenario, text).unwrap();
        mcpl().arg("run").arg(&scenario).arg("--out").arg(&run).output().unwrap()
    };
    let output = with("    cert \"client.pem\" key \"client.key\"");
    assert_exit(&output, 3);
    let told = stderr(&output);
    assert!(told.contains("no token from https://localhost:") && told.contains("is not trusted"), "{told}");
    assert!(seen.lock().unwrap().is_empty());

    let output = with("    ca \"ca.pem\"\n    cert \"client.pem\" key \"client.key\"");
    assert_exit(&output, 0);
    assert_eq!(*seen.lock().unwrap(), ["bearer t-0"; 3]);
    let results = Results::from_json(&fs::read_to_string(&run).unwrap()).unwrap();
    assert!(results.servers[0].tokens.as_ref().is_some_and(|tokens| tokens.obtained >= 1 && tokens.failed == 0));
}
