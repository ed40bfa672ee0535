//! Tokens: how they are asked for, and what is made of the answer.

use std::time::Duration;

use super::peer::{PATIENCE, Received, Server, echo, http, json, result};
use crate::transport::{
    AnyConnector, Bearer, Client as _, ClientAuth, Connector as _, HttpTarget, Revision, Target, Token, TokenError,
    TokenSource,
};

const SECRET: &str = "s3cr&t: é";

fn source(server: &Server) -> TokenSource {
    source_by(server, ClientAuth::Basic(SECRET.to_owned()))
}

pub fn source_by(server: &Server, auth: ClientAuth) -> TokenSource {
    let endpoint = HttpTarget::parse(&format!("http://{}/token?x=1", server.authority()), Vec::new()).unwrap();
    let scopes = ["mcp:read".to_owned(), "b".to_owned()];
    TokenSource::new(endpoint, "me@home", auth, &scopes, "http://127.0.0.1:1/mcp").unwrap()
}

pub async fn asked(source: &mut TokenSource, server: &Server, answer: &str) -> (Result<Token, TokenError>, Received) {
    tokio::join!(source.token(PATIENCE), server.answer_once(answer))
}

/// A token of this name.
pub async fn granted(name: &str) -> Token {
    let server = Server::start().await;
    let answer = json(&format!(r#"{{"access_token":"{name}","token_type":"bearer"}}"#));
    asked(&mut source(&server), &server, &answer).await.0.unwrap()
}

/// The fields of a form, still encoded.
pub fn fields(request: &Received) -> Vec<&str> {
    request.body.split('&').collect()
}

#[tokio::test]
async fn a_request_for_a_token_on_the_wire() {
    let server = Server::start().await;
    let granted = json(r#"{"access_token":"t-1","token_type":"bearer","expires_in":60,"scope":"mcp:read"}"#);
    let (token, request) = asked(&mut source(&server), &server, &granted).await;
    assert_eq!(token.unwrap().lifetime, Some(Duration::from_secs(60)));
    assert_eq!(request.line, "POST /token?x=1 HTTP/1.1");
    // me%40home:s3cr%26t%3A+%C3%A9
    assert_eq!(request.header("authorization"), Some("Basic bWUlNDBob21lOnMzY3IlMjZ0JTNBKyVDMyVBOQ=="));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("accept"), Some("application/json"));
    assert_eq!(
        fields(&request),
        ["grant_type=client_credentials", "scope=mcp%3Aread+b", "resource=http%3A%2F%2F127.0.0.1%3A1%2Fmcp"]
    );
}

#[tokio::test]
async fn credentials_may_be_fields_of_the_form() {
    let server = Server::start().await;
    let granted = json(r#"{"access_token":"t-1","token_type":"bearer"}"#);
    let (token, request) = asked(&mut source_by(&server, ClientAuth::Post(SECRET.to_owned())), &server, &granted).await;
    assert!(token.is_ok());
    assert_eq!(request.header("authorization"), None);
    assert_eq!(fields(&request)[3..], ["client_id=me%40home", "client_secret=s3cr%26t%3A+%C3%A9"]);
}

#[tokio::test]
async fn refresh_tokens_are_used_once_and_rotate() {
    let server = Server::start().await;
    let mut source = source(&server);
    let granted = |refresh: &str| json(&format!(r#"{{"access_token":"t","token_type":"Bearer"{refresh}}}"#));
    let with = |name: &str| granted(&format!(r#","refresh_token":"{name}""#));
    let refused = http("400 Bad Request", "application/json", r#"{"error":"invalid_grant"}"#);

    let (token, first) = asked(&mut source, &server, &with("r-1")).await;
    assert_eq!((token.unwrap().lifetime, fields(&first)[0]), (None, "grant_type=client_credentials"));
    let (_, second) = asked(&mut source, &server, &with("r-2")).await;
    assert_eq!(fields(&second)[..2], ["grant_type=refresh_token", "refresh_token=r-1"]);
    // Without a new one the old stays good.
    let (_, third) = asked(&mut source, &server, &granted("")).await;
    assert_eq!(fields(&third)[1], "refresh_token=r-2");
    // One that is refused is forgotten, and the credentials are used.
    let (token, (fourth, fifth)) = tokio::join!(source.token(PATIENCE), async {
        (server.answer_once(&refused).await, server.answer_once(granted("")).await)
    });
    assert!(token.is_ok());
    assert_eq!((fields(&fourth)[1], fields(&fifth)[0]), ("refresh_token=r-2", "grant_type=client_credentials"));
    let (_, sixth) = asked(&mut source, &server, &granted("")).await;
    assert_eq!(fields(&sixth)[0], "grant_type=client_credentials");
}

#[tokio::test]
async fn what_is_no_token_says_why_and_no_more() {
    let server = Server::start().await;
    let mut source = source(&server);
    let body = |status: &str, body: &str| http(status, "application/json", body);
    let table = [
        (
            body("401 Unauthorized", r#"{"error":"invalid_client","error_description":"no such\nclient"}"#),
            "the token endpoint answered HTTP 401: invalid_client: no such client",
        ),
        (
            body("400 Bad Request", r#"{"error":"invalid_scope"}"#),
            "the token endpoint answered HTTP 400: invalid_scope",
        ),
        (body("500 Oops", "<html>s3cr&t: é</html>"), "the token endpoint answered HTTP 500"),
        (
            body("400 No", r#"{"error":"x","error_description":"not s3cr&t: é"}"#),
            "the token endpoint answered HTTP 400",
        ),
        (body("302 Found", "{}"), "the token endpoint answered HTTP 302"),
        (json("[]"), "the answer of the token endpoint is no JSON object with `access_token` and `token_type`"),
        (json("{}"), "the answer of the token endpoint is no JSON object with `access_token` and `token_type`"),
        (
            json(r#"{"access_token":"t","token_type":"mac"}"#),
            "the answer of the token endpoint holds a token of another type than `Bearer`",
        ),
        (
            json(r#"{"access_token":"t\r\nX-Evil: 1","token_type":"bearer"}"#),
            "the answer of the token endpoint holds a token that cannot be sent as a header",
        ),
    ];
    for (answer, expected) in table {
        let error = asked(&mut source, &server, &answer).await.0.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert!(!format!("{source:?}").contains("s3cr"));
}

#[tokio::test]
async fn requests_carry_the_token_of_the_moment() {
    let server = Server::start().await;
    let tokens = [granted("t-1").await, granted("t-2").await];
    let bearer = Bearer::new(&tokens[0]);
    let headers = vec![("Authorization".to_owned(), "Basic eDp5".to_owned())];
    let mut target = HttpTarget::parse(&format!("http://{}/mcp", server.authority()), headers).unwrap();
    target.bearer = Some(bearer.clone());
    let mut client = AnyConnector::new(&Target::Http(target), Revision::V2026_07_28).client();
    let calls = async {
        client.call(echo()).await.outcome.unwrap();
        bearer.replace(&tokens[1]);
        client.call(echo()).await.outcome.unwrap();
    };
    let ((), (first, second)) = tokio::join!(calls, async {
        let mut peer = server.accept().await;
        (peer.answer(json(&result(1))).await, peer.answer(json(&result(2))).await)
    });
    let sent = |request: &Received| -> Vec<String> {
        let all = request.headers.iter().filter(|(name, _)| name == "authorization");
        all.map(|(_, value)| value.clone()).collect()
    };
    assert_eq!((sent(&first), sent(&second)), (vec!["Bearer t-1".to_owned()], vec!["Bearer t-2".to_owned()]));
    assert!(!format!("{bearer:?} {:?}", tokens[0]).contains("t-1"));
}
