//! Over TLS and over sockets of this machine.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use tokio_rustls::server::TlsStream;

use super::peer::{PATIENCE, Peer, echo, json, result, sse};
use crate::transport::{
    AnyClient, AnyConnector, Call, Client as _, Connector as _, Failure, HttpTarget, Revision, Target, TlsClient,
    TlsOptions,
};

/// Somebody who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// A certificate for a name, and its key.
    fn signs(&self, name: &str) -> (Vec<u8>, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem().into_bytes(), key.serialize_pem().into_bytes())
    }
}

struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Server {
    /// Listens with a certificate for `localhost`; asks for one that `clients`
    /// has signed.
    async fn start(
        authority: &Authority,
        clients: Option<&Authority>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Server {
        let builder =
            ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_protocol_versions(versions);
        let builder = match clients {
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_slice(&clients.pem()).unwrap()).unwrap();
                let provider = Arc::new(ring::default_provider());
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.unwrap().with_client_cert_verifier(verifier)
            }
            None => builder.unwrap().with_no_client_auth(),
        };
        let (certificate, key) = authority.signs("localhost");
        let chain = vec![CertificateDer::from_pem_slice(&certificate).unwrap()];
        let config = builder.with_single_cert(chain, PrivateKeyDer::from_pem_slice(&key).unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Server { listener, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    fn client(&self, host: &str, options: &TlsOptions) -> AnyClient {
        let port = self.listener.local_addr().unwrap().port();
        client(&format!("https://{host}:{port}/mcp"), options)
    }

    async fn accept(&self) -> std::io::Result<Peer<TlsStream<tokio::net::TcpStream>>> {
        let (stream, _) = self.listener.accept().await.unwrap();
        self.acceptor.accept(stream).await.map(Peer::new)
    }
}

fn client(url: &str, options: &TlsOptions) -> AnyClient {
    let target = HttpTarget::parse(url, Vec::new()).unwrap().with_tls(TlsClient::new(options).unwrap());
    AnyConnector::new(&Target::Http(target), Revision::V2026_07_28).client()
}

fn trusting(authority: &Authority) -> TlsOptions {
    TlsOptions { ca: Some(authority.pem()), ..TlsOptions::default() }
}

/// Why a call fails, with a server that takes connections until it does.
async fn failure(server: &Server, mut client: AnyClient) -> String {
    let outcome = tokio::select! {
        exchange = client.call(echo()) => exchange.outcome,
        () = async { loop { drop(server.accept().await) } } => unreachable!(),
    };
    match outcome.unwrap_err() {
        Failure::Connect(text) => text,
        other => panic!("{other:?}"),
    }
}

/// A call on a connection of its own gets its answer.
async fn is_answered(server: &Server, mut client: AnyClient) {
    let (exchange, _peer) = tokio::join!(client.call(echo()), async {
        let mut peer = server.accept().await.unwrap();
        peer.answer(json(&result(1))).await;
        peer
    });
    assert!(exchange.outcome.is_ok(), "{:?}", exchange.outcome);
}

#[tokio::test]
async fn calls_go_over_tls_and_share_a_connection() {
    let authority = Authority::new("servers");
    for version in [&version::TLS13, &version::TLS12] {
        let server = Server::start(&authority, None, &[version]).await;
        let mut client = server.client("localhost", &trusting(&authority));
        let calls = async { (client.call(echo()).await, client.call(echo()).await) };
        let ((first, second), _peer) = tokio::join!(calls, async {
            let mut peer = server.accept().await.unwrap();
            let request = peer.answer(sse(&format!("data: {}\n\n", result(1)))).await;
            assert_eq!(
                request.header("host"),
                Some(&*format!("localhost:{}", server.listener.local_addr().unwrap().port()))
            );
            peer.answer(json(&result(2))).await;
            peer
        });
        for exchange in [&first, &second] {
            assert!(exchange.outcome.is_ok(), "{:?}", exchange.outcome);
            assert!(exchange.written.unwrap() <= exchange.first_byte.unwrap());
            assert!(exchange.first_byte.unwrap() <= exchange.done);
        }
        assert!(first.connect.is_some() && second.connect.is_none());
    }
}

/// What TLS holds back while the socket takes no more is sent before the answer
/// is waited for.
#[tokio::test]
async fn a_request_larger_than_any_buffer_arrives_whole() {
    const SIZE: usize = 8 << 20;
    let authority = Authority::new("servers");
    let server = Server::start(&authority, None, &[&version::TLS13]).await;
    let mut client = server.client("localhost", &trusting(&authority));
    let params = format!(r#"{{"name":"echo","arguments":{{"text":"{}"}}}}"#, "x".repeat(SIZE));
    let call = Call { params: params.as_bytes(), ..echo() };
    let (exchange, _peer) = tokio::join!(client.call(call), async {
        let mut peer = server.accept().await.unwrap();
        assert!(peer.answer(json(&result(1))).await.body.len() > SIZE);
        peer
    });
    assert!(exchange.outcome.is_ok(), "{:?}", exchange.outcome);
}

#[tokio::test]
async fn whom_the_client_does_not_trust_it_tells_nothing() {
    let authority = Authority::new("servers");
    let server = Server::start(&authority, None, &[&version::TLS13]).await;
    for (host, options, expected) in [
        (
            "localhost",
            trusting(&Authority::new("others")),
            "the certificate of `localhost` is not trusted: UnknownIssuer",
        ),
        ("127.0.0.1", trusting(&authority), "the certificate of `127.0.0.1` is not trusted: certificate not valid"),
    ] {
        let told = failure(&server, server.client(host, &options)).await;
        assert!(told.starts_with(expected), "{told}");
    }
    // Unless it is told not to care.
    let client = server.client("127.0.0.1", &TlsOptions { insecure: true, ..TlsOptions::default() });
    is_answered(&server, client).await;
}

#[tokio::test]
async fn a_server_may_ask_who_the_client_is() {
    let (authority, clients) = (Authority::new("servers"), Authority::new("clients"));
    let server = Server::start(&authority, Some(&clients), &[&version::TLS12]).await;
    let told = failure(&server, server.client("localhost", &trusting(&authority))).await;
    assert!(told.starts_with("`localhost` refuses TLS with this client: "), "{told}");
    let options = TlsOptions { identity: Some(clients.signs("mcpl")), ..trusting(&authority) };
    let client = server.client("localhost", &options);
    is_answered(&server, client).await;
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("https://localhost:{port}/mcp");
    let insecure = TlsOptions { insecure: true, ..TlsOptions::default() };
    for (answer, expected) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "what listens at `localhost` does not speak TLS"),
        ("", "`localhost` closed the connection during the TLS handshake"),
    ] {
        let mut client = client(&url, &insecure);
        let (exchange, ()) = tokio::join!(client.call(echo()), async {
            let (stream, _) = listener.accept().await.unwrap();
            let mut peer = Peer::new(stream);
            peer.greeted().await;
            peer.send(answer).await;
        });
        assert_eq!(exchange.outcome.unwrap_err(), Failure::Connect(expected.to_owned()));
    }
}

#[test]
fn texts_that_hold_no_certificates_are_told() {
    let authority = Authority::new("servers");
    let (certificate, key) = authority.signs("a");
    let (_, other) = authority.signs("b");
    let none = || Some(b"nothing".to_vec());
    for (options, expected) in [
        (
            TlsOptions { ca: none(), ..TlsOptions::default() },
            "TLS: the file of trusted certificates holds no certificate in PEM form",
        ),
        (
            TlsOptions { identity: Some((b"nothing".to_vec(), key.clone())), ..trusting(&authority) },
            "TLS: the certificate of the client holds no certificate in PEM form",
        ),
        (
            TlsOptions { identity: Some((certificate.clone(), b"nothing".to_vec())), ..trusting(&authority) },
            "TLS: the key of the client holds no private key in PEM form",
        ),
        (
            TlsOptions { identity: Some((certificate, other)), ..trusting(&authority) },
            "TLS: the client's certificate and key cannot be used together: ",
        ),
    ] {
        let told = TlsClient::new(&options).unwrap_err().to_string();
        assert!(told.starts_with(expected), "{told}");
        assert!(!format!("{options:?}").contains("PRIVATE"), "{options:?}");
    }
}

#[tokio::test]
async fn calls_go_over_a_socket_of_this_machine() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("mcp.sock");
    let target = HttpTarget::parse(&format!("http://unix:{}:/mcp", path.display()), Vec::new()).unwrap();
    assert!(target.is_loopback());
    let mut client = AnyConnector::new(&Target::Http(target), Revision::V2026_07_28).client();

    let call = Call { timeout: PATIENCE, ..echo() };
    let told = client.call(call).await.outcome.unwrap_err().to_string();
    assert!(told.starts_with(&format!("no connection to the socket `{}`: ", path.display())), "{told}");

    let listener = UnixListener::bind(&path).unwrap();
    let (exchange, _peer) = tokio::join!(client.call(call), async {
        let mut peer = Peer::new(listener.accept().await.unwrap().0);
        let request = peer.answer(json(&result(2))).await;
        assert_eq!((&*request.line, request.header("host")), ("POST /mcp HTTP/1.1", Some("localhost")));
        peer
    });
    assert!(exchange.outcome.is_ok(), "{:?}", exchange.outcome);
}
