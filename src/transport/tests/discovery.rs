//! Where tokens are had: which documents are asked for, in which order, and what of them is
//! believed.

use std::cell::RefCell;

use super::assertion::key;
use super::peer::{PATIENCE, Server, http, json};
use crate::transport::{Authorization, ClientAuth, Credential, DiscoveryError, HttpTarget, discover};

/// What stands at a path of the server; `{at}` in it is its address.
type Page<'a> = (&'static str, &'a str);

const CHALLENGE: Page<'static> = (
    "/mcp",
    "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nWWW-Authenticate: Bearer scope=\"a b\", resource_metadata=\"{at}/meta\"",
);
const RESOURCE: &str =
    r#"{"resource":"{at}/mcp","authorization_servers":["{at}/t","http://other.invalid"],"scopes_supported":["c"]}"#;
const ISSUER: &str = r#"{"issuer":"{at}/t","token_endpoint":"{at}/token"}"#;

/// Discovers at a server with these pages and no others: what was found, and what was
/// asked for. The address of the server is written `{at}` in both.
async fn discovered(pages: &[Page<'_>], stream: bool) -> (Result<Authorization, String>, Vec<String>) {
    discovered_by(Credential::Secret("s".to_owned()), pages, stream).await
}

/// The same for who has this to prove who it is.
async fn discovered_by(
    credential: Credential,
    pages: &[Page<'_>],
    stream: bool,
) -> (Result<Authorization, String>, Vec<String>) {
    let server = Server::start().await;
    let at = format!("http://{}", server.authority());
    let target = |url: &str| HttpTarget::parse(url, Vec::new()).map_err(|error| error.to_string());
    let (url, asked) = (format!("{at}/mcp"), RefCell::new(Vec::new()));
    let own = target(&url).unwrap();
    let reach = async |url: &str| if url.contains("forbidden") { Err("not allowed".to_owned()) } else { target(url) };
    let serve = async {
        loop {
            let mut peer = server.accept().await;
            let request = peer.request().await;
            let path = request.line.split(' ').nth(1).unwrap().to_owned();
            let page = pages.iter().find(|(place, _)| *place == path).map(|(_, page)| page.replace("{at}", &at));
            asked.borrow_mut().push(request.line.trim_end_matches(" HTTP/1.1").to_owned());
            peer.send(match page {
                None => http("404 Not Found", "text/plain", "no"),
                Some(page) if page.starts_with(['{', '[']) => json(&page),
                Some(status) => http(&status, "text/plain", "no"),
            })
            .await;
        }
    };
    let found = tokio::select! {
        found = discover((&url, &own, stream), credential, reach, PATIENCE) => found,
        () = serve => unreachable!("the server goes on"),
    };
    let plain = |text: String| text.replace(&at, "{at}");
    let found = found.map_err(|error: DiscoveryError| plain(error.to_string())).map(|found| Authorization {
        token_url: plain(found.token_url),
        resource: plain(found.resource),
        ..found
    });
    (found, asked.into_inner())
}

#[tokio::test]
async fn the_challenge_leads_to_the_token_endpoint() {
    let pages = [CHALLENGE, ("/meta", RESOURCE), ("/.well-known/oauth-authorization-server/t", ISSUER)];
    let (found, asked) = discovered(&pages, false).await;
    let found = found.unwrap();
    assert_eq!((found.token_url.as_str(), found.resource.as_str()), ("{at}/token", "{at}/mcp"));
    assert_eq!(found.scopes, ["a", "b"]);
    assert!(matches!(found.auth, ClientAuth::Basic(_)), "{:?}", found.auth);
    assert_eq!(asked, ["POST /mcp", "GET /meta", "GET /.well-known/oauth-authorization-server/t"]);
}

#[tokio::test]
async fn without_a_challenge_the_well_known_addresses_are_asked() {
    let pages = [
        ("/.well-known/oauth-protected-resource", RESOURCE),
        (
            "/t/.well-known/openid-configuration",
            r#"{"issuer":"{at}/t/","token_endpoint":"{at}/x","token_endpoint_auth_methods_supported":["private_key_jwt","client_secret_post"]}"#,
        ),
    ];
    let (found, asked) = discovered(&pages, true).await;
    let found = found.unwrap();
    assert_eq!(found.scopes, ["c"]);
    assert!(matches!(found.auth, ClientAuth::Post(_)), "{:?}", found.auth);
    assert_eq!(
        asked,
        [
            "GET /mcp",
            "GET /.well-known/oauth-protected-resource/mcp",
            "GET /.well-known/oauth-protected-resource",
            "GET /.well-known/oauth-authorization-server/t",
            "GET /.well-known/openid-configuration/t",
            "GET /t/.well-known/openid-configuration",
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_used_says_where_it_was_and_why() {
    const AT_ISSUER: &str = "/.well-known/oauth-authorization-server/t";
    let resource = |page: &'static str| vec![CHALLENGE, ("/meta", page)];
    let issuer = |page: &'static str| vec![CHALLENGE, ("/meta", RESOURCE), (AT_ISSUER, page)];
    let missing = "no metadata of the server as a protected resource: ";
    let table: [(Vec<Page<'_>>, String); 10] = [
        (
            vec![],
            format!(
                "{missing}{{at}}/.well-known/oauth-protected-resource/mcp: HTTP 404; \
                 {{at}}/.well-known/oauth-protected-resource: HTTP 404"
            ),
        ),
        (
            resource("302 Found\r\nLocation: /b"),
            format!("{missing}{{at}}/meta: HTTP 302, and redirections are not followed"),
        ),
        (resource("500 Oops"), format!("{missing}{{at}}/meta: HTTP 500")),
        (
            resource("{}"),
            format!("{missing}{{at}}/meta: not such metadata: missing field `resource` at line 1 column 2"),
        ),
        (
            resource(r#"{"resource":"http://evil.invalid/mcp","authorization_servers":["{at}"]}"#),
            "the metadata are not those of the server: {at}/meta: they are those of `http://evil.invalid/mcp`"
                .to_owned(),
        ),
        (
            resource(r#"{"resource":"{at}/mcp"}"#),
            "no authorization server: {at}/meta: it names none in `authorization_servers`".to_owned(),
        ),
        (
            resource(r#"{"resource":"{at}/mcp","authorization_servers":["http://forbidden.invalid"]}"#),
            "no metadata of the authorization server: \
             http://forbidden.invalid/.well-known/oauth-authorization-server: not allowed"
                .to_owned(),
        ),
        (
            issuer(r#"{"issuer":"{at}","token_endpoint":"{at}/token"}"#),
            format!(
                "the metadata are not those of the authorization server: {{at}}{AT_ISSUER}: \
                 they are those of `{{at}}`, and `{{at}}/t` was asked"
            ),
        ),
        (
            issuer(r#"{"issuer":"{at}/t"}"#),
            format!("no token endpoint: {{at}}{AT_ISSUER}: it names none in `token_endpoint`"),
        ),
        (
            issuer(
                r#"{"issuer":"{at}/t","token_endpoint":"{at}/x","token_endpoint_auth_methods_supported":["private_key_jwt"]}"#,
            ),
            format!(
                "the token endpoint takes no secret: neither `client_secret_basic` nor `client_secret_post`: \
                 {{at}}{AT_ISSUER}: it takes private_key_jwt"
            ),
        ),
    ];
    for (pages, expected) in table {
        assert_eq!(discovered(&pages, false).await.0.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn who_has_a_key_is_for_endpoints_that_take_one() {
    const AT_ISSUER: &str = "/.well-known/oauth-authorization-server/t";
    let table: [(&str, Result<&str, &str>); 6] = [
        (r#","token_endpoint_auth_signing_alg_values_supported":null"#, Ok("ES256")),
        // The issuer is whom assertions are for, written as it writes itself.
        (r#","token_endpoint_auth_methods_supported":["client_secret_basic","private_key_jwt"]"#, Ok("ES256")),
        ("", Ok("ES256")),
        (
            r#","token_endpoint_auth_methods_supported":["private_key_jwt"],"token_endpoint_auth_signing_alg_values_supported":["RS256","ES256"]"#,
            Ok("ES256"),
        ),
        (
            r#","token_endpoint_auth_methods_supported":["private_key_jwt"],"token_endpoint_auth_signing_alg_values_supported":["RS512","PS256"]"#,
            Err(
                "the token endpoint takes no assertion that the key can sign: {at}/.well-known/oauth-authorization-server/t: \
                 it takes RS512, PS256, and the client's key signs with ES256",
            ),
        ),
        (
            r#","token_endpoint_auth_methods_supported":["client_secret_post"]"#,
            Err("the token endpoint takes no assertion of a key (`private_key_jwt`): \
                 {at}/.well-known/oauth-authorization-server/t: it takes client_secret_post"),
        ),
    ];
    for (methods, expected) in table {
        let issuer = format!(r#"{{"issuer":"{{at}}/t/","token_endpoint":"{{at}}/token"{methods}}}"#);
        let pages = [CHALLENGE, ("/meta", RESOURCE), (AT_ISSUER, issuer.as_str())];
        let (found, _) = discovered_by(Credential::Key(key().0), &pages, false).await;
        match expected {
            Ok(algorithm) => {
                let found = format!("{:?}", found.unwrap().auth);
                assert!(
                    found.contains(algorithm) && found.contains("/t/\", kind: \"client-authentication+jwt\""),
                    "{found}"
                );
            }
            Err(expected) => assert_eq!(found.unwrap_err(), expected),
        }
    }
}

#[tokio::test]
async fn a_document_without_end_is_given_up() {
    let server = Server::start().await;
    let url = format!("http://{}/mcp", server.authority());
    let own = HttpTarget::parse(&url, Vec::new()).unwrap();
    let reach = async |url: &str| HttpTarget::parse(url, Vec::new()).map_err(|error| error.to_string());
    let serve = async {
        server.answer_once(http("404 Not Found", "text/plain", "")).await;
        let mut peer = server.accept().await;
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\n\r\n").await;
        while peer.try_send(" ".repeat(4096)).await {}
    };
    let credential = Credential::Secret("s".to_owned());
    let (found, ()) = tokio::join!(discover((&url, &own, false), credential, reach, PATIENCE), serve);
    assert!(found.unwrap_err().to_string().ends_with(": the answer has more than 256 KiB"));
}
