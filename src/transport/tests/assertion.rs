//! What a client signs to prove who it is, held against the public key by a library of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PublicKeyData as _};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::{Value, json};
use tokio::time::advance;

use super::oauth::{asked, fields, source_by};
use super::peer::{Server, http};
use crate::transport::{Assertions, ClientAuth, ClientKey, Credential, KeyError};

/// The time at which the keys of these tests are read.
const READ: Duration = Duration::from_millis(1_800_000_000_900);

/// A new key, and what others know of it.
pub fn key() -> (ClientKey, KeyPair) {
    let pair = KeyPair::generate().unwrap();
    (ClientKey::new(pair.serialize_pem().as_bytes(), READ).unwrap(), pair)
}

/// The header and the claims of an assertion that this key has signed.
#[track_caller]
fn verified(assertion: &str, algorithm: &'static dyn VerificationAlgorithm, pair: &KeyPair) -> [Value; 2] {
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(algorithm, pair.der_bytes()).verify(signed.as_bytes(), &signature).unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    [header, claims].map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
}

fn of_issuer(key: ClientKey) -> Assertions {
    Assertions::new(key, "https://id.example.com/token", Some("https://id.example.com"), &[]).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_assertion_says_who_asks_whom_and_until_when() {
    let (mut key, pair) = key();
    key.key_id = Some("2026-07".to_owned());
    let assertions = of_issuer(key);
    // Time that goes by is counted from when the key was read.
    advance(Duration::from_secs(3600)).await;
    let [header, mut claims] = verified(&assertions.sign("me@home").unwrap(), &ECDSA_P256_SHA256_FIXED, &pair);
    assert_eq!(header, json!({ "alg": "ES256", "typ": "client-authentication+jwt", "kid": "2026-07" }));
    let id = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 22, "128 bits");
    let expected = json!({
        "iss": "me@home",
        "sub": "me@home",
        "aud": "https://id.example.com",
        "iat": 1_800_003_600,
        "exp": 1_800_003_900,
    });
    assert_eq!(claims, expected);
}

#[test]
fn without_an_issuer_the_token_endpoint_is_meant() {
    let said = |set: Option<&str>| {
        let (mut key, pair) = key();
        key.audience = set.map(str::to_owned);
        let ClientAuth::PrivateKeyJwt(assertions) = Credential::Key(key).at("https://id.example.com/token").unwrap()
        else {
            panic!("a key signs")
        };
        let [header, claims] = verified(&assertions.sign("a").unwrap(), &ECDSA_P256_SHA256_FIXED, &pair);
        (header["typ"].as_str().unwrap().to_owned(), claims["aud"].as_str().unwrap().to_owned())
    };
    let text = str::to_owned;
    assert_eq!(said(None), (text("JWT"), text("https://id.example.com/token")));
    assert_eq!(said(Some("urn:id")), (text("client-authentication+jwt"), text("urn:id")));
}

#[test]
fn no_two_assertions_are_the_same() {
    let assertions = of_issuer(key().0);
    let claims = |assertion: String| assertion.split('.').nth(1).unwrap().to_owned();
    let all: BTreeSet<_> = (0..100).map(|_| claims(assertions.sign("a").unwrap())).collect();
    assert_eq!(all.len(), 100);
}

/// The keys of `tests/corpus/keys`, by their names.
fn stored(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/corpus/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A key, the one whose public part it has, what the authorization server takes, and how it signs
/// then.
type Way = (&'static str, &'static str, &'static [&'static str], &'static str, &'static dyn VerificationAlgorithm);

#[test]
fn each_kind_of_key_signs_in_its_way() {
    let table: [Way; 8] = [
        ("p256", "p256", &[], "ES256", &ECDSA_P256_SHA256_FIXED),
        ("p256-sec1", "p256", &[], "ES256", &ECDSA_P256_SHA256_FIXED),
        ("p384", "p384", &[], "ES384", &ECDSA_P384_SHA384_FIXED),
        ("ed25519", "ed25519", &[], "EdDSA", &ED25519),
        ("rsa", "rsa", &[], "RS256", &RSA_PKCS1_2048_8192_SHA256),
        ("rsa-pkcs1", "rsa", &[], "RS256", &RSA_PKCS1_2048_8192_SHA256),
        // What the authorization server takes decides where a key has several.
        ("rsa", "rsa", &["PS256", "ES256"], "PS256", &RSA_PSS_2048_8192_SHA256),
        ("rsa", "rsa", &["PS256", "RS256"], "RS256", &RSA_PKCS1_2048_8192_SHA256),
    ];
    for (own, public, accepts, name, algorithm) in table {
        let key = ClientKey::new(stored(own).as_bytes(), READ).unwrap();
        let accepts: Vec<_> = accepts.iter().map(|&name| name.to_owned()).collect();
        let assertions = Assertions::new(key, "https://id.example.com/token", None, &accepts).unwrap();
        let pair = KeyPair::from_pem(&stored(public)).unwrap();
        // Numbers that begin with zeros come up in one of 128 signatures.
        for _ in 0..if name.starts_with("ES") { 1000 } else { 1 } {
            let [header, _] = verified(&assertions.sign("a").unwrap(), algorithm, &pair);
            assert_eq!(header["alg"], name, "{own}");
        }
    }
}

#[test]
fn what_is_no_key_is_told_apart() {
    let refused = |text: &str| ClientKey::new(text.as_bytes(), READ).unwrap_err();
    assert_eq!(refused(""), KeyError::Absent);
    assert_eq!(refused("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), KeyError::Absent);
    assert_eq!(refused("-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n"), KeyError::Absent);
    assert_eq!(refused("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), KeyError::Unusable);
    assert_eq!(refused(&stored("p521")), KeyError::Unusable);
    assert_eq!(refused(&stored("p256-encrypted")), KeyError::Encrypted);
    // The way of PKCS#1, before PKCS#8.
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    assert_eq!(refused(old), KeyError::Encrypted);
}

#[tokio::test]
async fn each_request_for_a_token_has_an_assertion_of_its_own() {
    let server = Server::start().await;
    let (key, pair) = key();
    let auth = ClientAuth::PrivateKeyJwt(of_issuer(key));
    let mut source = source_by(&server, auth);
    let granted =
        http("200 OK", "application/json", r#"{"access_token":"t","token_type":"Bearer","refresh_token":"r"}"#);
    let mut seen = BTreeSet::new();
    for grant in ["client_credentials", "refresh_token"] {
        let (token, request) = asked(&mut source, &server, &granted).await;
        assert!(token.is_ok());
        assert_eq!(request.header("authorization"), None);
        let fields = fields(&request);
        assert_eq!(fields[0], format!("grant_type={grant}"));
        let [.., kind, assertion] = fields.as_slice() else { panic!("{fields:?}") };
        assert_eq!(*kind, "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer");
        let assertion = assertion.strip_prefix("client_assertion=").unwrap();
        let [_, claims] = verified(assertion, &ECDSA_P256_SHA256_FIXED, &pair);
        assert_eq!(claims["sub"], "me@home");
        seen.insert(claims["jti"].to_string());
        assert!(!request.body.contains("client_id") && !request.body.contains("client_secret"));
    }
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn what_is_refused_shows_neither_assertion_nor_key() {
    let server = Server::start().await;
    let (key, pair) = key();
    let mut source = source_by(&server, ClientAuth::PrivateKeyJwt(of_issuer(key)));
    let asking = source.token(super::peer::PATIENCE);
    // The whole assertion comes back.
    let answering = async {
        let mut peer = server.accept().await;
        let request = peer.request().await;
        let assertion = request.body.rsplit_once("client_assertion=").unwrap().1.to_owned();
        let body = json!({ "error": "invalid_client", "error_description": format!("not {assertion}") });
        peer.send(http("401 Unauthorized", "application/json", &body.to_string())).await;
    };
    let (refused, ()) = tokio::join!(asking, answering);
    assert_eq!(refused.unwrap_err().to_string(), "the token endpoint answered HTTP 401");
    let secret: String = pair.serialize_pem().lines().nth(1).unwrap().chars().take(20).collect();
    assert!(
        !format!("{source:?} {:?}", of_issuer(ClientKey::new(pair.serialize_pem().as_bytes(), READ).unwrap()))
            .contains(&secret)
    );
}
