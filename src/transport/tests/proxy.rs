//! Proxies: their addresses, what they are asked and what they may answer.

use super::oauth::granted;
use super::peer::{PATIENCE, Peer, Server, echo, http, json, result};
use crate::transport::{
    AnyClient, AnyConnector, Bearer, Client as _, ClientAuth, Connector as _, Failure, HttpTarget, Proxy, Revision,
    Target, TokenSource,
};

fn proxy(server: &Server, credentials: &str) -> Proxy {
    Proxy::parse(&format!("http://{credentials}{}", server.authority())).unwrap()
}

fn client(url: &str, proxy: Proxy) -> AnyClient {
    let target = HttpTarget::parse(url, Vec::new()).unwrap().through(proxy);
    AnyConnector::new(&Target::Http(target), Revision::V2026_07_28).client()
}

#[test]
fn addresses_and_their_parts() {
    let table = [
        ("http://proxy.example.com:3128", "proxy.example.com", 3128, None),
        ("http://proxy.example.com:80/", "proxy.example.com", 80, None),
        (" proxy:3128 ", "proxy", 3128, None),
        ("http://proxy", "proxy", 1080, None),
        ("http://[::1]:8", "::1", 8, None),
        // me:pa@ss, me: and "a b:%"
        ("http://me:pa%40ss@proxy:1", "proxy", 1, Some("Basic bWU6cGFAc3M=")),
        ("http://me@[::1]", "::1", 1080, Some("Basic bWU6")),
        ("a%20b:%25@proxy:1", "proxy", 1, Some("Basic YSBiOiU=")),
    ];
    for (url, host, port, authorization) in table {
        let proxy = Proxy::parse(url).unwrap();
        assert_eq!((proxy.host(), proxy.port()), (host, port), "{url}");
        let sent = proxy.authorization().map(|value| value.to_str().unwrap());
        assert_eq!(sent, authorization, "{url}");
        assert_eq!(format!("{proxy:?}"), "Proxy");
    }
}

#[test]
fn what_is_no_address_says_why_and_no_more() {
    for (url, expected) in [
        ("", "cannot be read as a URL"),
        ("a b", "cannot be read as a URL"),
        ("http://", "cannot be read as a URL"),
        ("http://:1", "has no host"),
        ("ftp://me:secret@proxy:1", "does not begin with http://"),
        ("https://me:secret@proxy:1", "does not begin with http://"),
        ("socks5://me:secret@proxy:1", "does not begin with http://"),
        ("http://me:secret@proxy:0", "has no port"),
        ("http://me:secret@proxy:", "has no port"),
        ("http://me:secret@proxy:99999", "has no port"),
        ("http://me:secret@proxy:1/path", "has a path"),
    ] {
        let error = Proxy::parse(url).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the address of the proxy {expected}")), "{url}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn without_tls_a_proxy_is_asked_by_the_whole_url() {
    let server = Server::start().await;
    for (credentials, authorization) in [("", None), ("me:pw@", Some("Basic bWU6cHc="))] {
        // Nobody resolves the name but the proxy.
        let mut client = client("http://mcp.invalid:8080/mcp?a=b", proxy(&server, credentials));
        let (exchange, request) = tokio::join!(client.call(echo()), server.answer_once(json(&result(1))));
        assert!(exchange.outcome.is_ok() && exchange.connect.is_some(), "{exchange:?}");
        assert_eq!(request.line, "POST http://mcp.invalid:8080/mcp?a=b HTTP/1.1");
        assert_eq!(request.header("host"), Some("mcp.invalid:8080"));
        assert_eq!(request.header("proxy-authorization"), authorization);
    }
}

#[tokio::test]
async fn tokens_are_asked_for_in_the_same_way() {
    let server = Server::start().await;
    let endpoint = HttpTarget::parse("http://id.invalid/token", Vec::new()).unwrap().through(proxy(&server, "me:pw@"));
    let auth = ClientAuth::Basic("b".to_owned());
    let mut source = TokenSource::new(endpoint, "a", auth, &[], "http://mcp.invalid/mcp").unwrap();
    let refused = http("403 Forbidden", "text/plain", "");
    let (token, request) = tokio::join!(source.token(PATIENCE), server.answer_once(refused));
    assert!(token.is_err());
    assert_eq!(request.line, "POST http://id.invalid/token HTTP/1.1");
    assert_eq!(request.header("proxy-authorization"), Some("Basic bWU6cHc="));
    assert!(request.header("authorization").unwrap().starts_with("Basic YTpi"), "its own credentials");
    // And the token is for the server.
    let mut target = HttpTarget::parse("http://mcp.invalid/mcp", Vec::new()).unwrap().through(proxy(&server, ""));
    target.bearer = Some(Bearer::new(&granted("t-1").await));
    let mut client = AnyConnector::new(&Target::Http(target), Revision::V2026_07_28).client();
    let (_, request) = tokio::join!(client.call(echo()), server.answer_once(json(&result(1))));
    assert_eq!(request.header("authorization"), Some("Bearer t-1"));
}

/// What a call over TLS becomes whose proxy does this once it was asked.
async fn tunnelled(url: &str, answer: impl AsyncFn(Peer)) -> (String, Failure) {
    let server = Server::start().await;
    let mut client = client(url, proxy(&server, "me:pw@"));
    let (exchange, asked) = tokio::join!(client.call(echo()), async {
        let mut peer = server.accept().await;
        let request = peer.request().await;
        assert_eq!(request.header("proxy-authorization"), Some("Basic bWU6cHc="));
        let place = request.line.strip_prefix("CONNECT ").unwrap().strip_suffix(" HTTP/1.1").unwrap().to_owned();
        assert_eq!(request.header("host"), Some(&*place));
        answer(peer).await;
        place
    });
    (asked, exchange.outcome.unwrap_err())
}

#[tokio::test]
async fn a_tunnel_that_is_not_opened_says_why() {
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(17 * 1024));
    for (answer, expected) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "it answered HTTP 407: it wants to know who asks"),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 2\r\n\r\nno", "it answered HTTP 502"),
        ("HTTP/1.1 302 Found\r\nlocation: http://a/\r\n\r\n", "it answered HTTP 302"),
        ("HTTP/1.1 200 OK\r\n\r\nhello", "it goes on after its answer"),
        ("220 ready\r\n", "its answer is no HTTP: 220 ready"),
        ("HTTP/1.1 200 OK\r\nx: y\r\n", "it closed the connection"),
        ("", "it closed the connection"),
        (&endless, "its answer has no end"),
    ] {
        let (place, failure) = tunnelled("https://localhost/mcp", async |mut peer: Peer| {
            peer.try_send(answer).await;
        })
        .await;
        assert_eq!(place, "localhost:443");
        assert_eq!(
            failure,
            Failure::Connect(format!("the proxy opens no connection to localhost:443: {expected}")),
            "{answer}"
        );
    }
    let (place, _) = tunnelled("https://[::1]:8443/mcp", async |_| {}).await;
    assert_eq!(place, "[::1]:8443");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named_as_such() {
    let server = Server::start().await;
    let (address, gone) = (server.authority(), proxy(&server, "me:pw@"));
    drop(server);
    for url in ["http://mcp.invalid/mcp", "https://mcp.invalid/mcp"] {
        let failure = client(url, gone.clone()).call(echo()).await.outcome.unwrap_err();
        assert_eq!(failure, Failure::Connect(format!("the proxy: connection refused by {address}")));
    }
    let nowhere = Proxy::parse("http://proxy.invalid:1").unwrap();
    let failure = client("http://mcp.invalid/mcp", nowhere).call(echo()).await.outcome.unwrap_err().to_string();
    assert!(failure.starts_with("the proxy: the host of the proxy") || failure.starts_with("the host of the proxy"));
    assert!(!failure.contains("proxy.invalid"), "{failure}");
}
