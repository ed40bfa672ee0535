//! Tokens from a token endpoint, from the file to the results.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PublicKeyData as _};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;

use crate::raw_server::{Then, server};
use crate::support::{Rulebook, Scenario, assert_exit, mcpl, stderr, stdout};
use mcpl::results::Window;

const SECRET: &str = "q7-very-secret-value";

/// A token endpoint that gives `t-0`, `t-1` and so on, each good for a second, or
/// says no; returns its address.
pub fn endpoint(grants: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/token", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let (status, body) = match grants {
                true => ("200 OK", format!(r#"{{"access_token":"t-{number}","token_type":"Bearer","expires_in":1}}"#)),
                false => ("401 Unauthorized", r#"{"error":"invalid_client"}"#.to_owned()),
            };
            answer(stream, status, &body);
        }
    });
    address
}

/// The body of a request; `None` if it does not come.
fn asked(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    while reader.read_line(&mut head).ok()? > 2 {
        let line = head.lines().next_back()?.to_ascii_lowercase();
        length = line.strip_prefix("content-length: ").map_or(length, |length| length.parse().unwrap());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok().filter(|_| head.ends_with("\r\n\r\n"))
}

fn answer(mut stream: TcpStream, status: &str, body: &str) {
    if asked(&stream).is_none() {
        return;
    }
    let length = body.len();
    let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
}

/// A token endpoint as [`endpoint`], for clients that have this key; returns its address, and
/// the headers and claims of what they signed.
fn endpoint_for(pair: &KeyPair) -> (String, Arc<Mutex<Vec<[Value; 2]>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/token", listener.local_addr().unwrap());
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.der_bytes().to_vec());
    let seen: Arc<Mutex<Vec<[Value; 2]>>> = Arc::default();
    let record = Arc::clone(&seen);
    std::thread::spawn(move || {
        for (number, mut stream) in listener.incoming().flatten().enumerate() {
            let body = asked(&stream).unwrap();
            let assertion = body.split('&').find_map(|field| field.strip_prefix("client_assertion=")).unwrap();
            let (signed, signature) = assertion.rsplit_once('.').unwrap();
            public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
            let (header, claims) = signed.split_once('.').unwrap();
            let parts = [header, claims].map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
            record.lock().unwrap().push(parts.map(|part| serde_json::from_slice(&part).unwrap()));
            let granted = format!(r#"{{"access_token":"t-{number}","token_type":"Bearer","expires_in":1}}"#);
            let length = granted.len();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{granted}");
        }
    });
    (address, seen)
}

/// A server in front of another, which lets in only who has a token, and says to others
/// where tokens are had: at the endpoint, by metadata on two more addresses. Returns its
/// statement in a file.
fn guarded(inside: String, endpoint: &str) -> String {
    let (front, issuer) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let url = format!("http://{}/mcp", front.local_addr().unwrap());
    let at = format!("http://{}", issuer.local_addr().unwrap());
    let resource = format!(r#"{{"resource":"{url}","authorization_servers":["{at}"]}}"#);
    let metadata = format!(r#"{{"issuer":"{at}","token_endpoint":"{endpoint}"}}"#);
    std::thread::spawn(move || {
        // The resource is asked for before its authorization server.
        for (stream, body) in issuer.incoming().flatten().zip([resource, metadata]) {
            answer(stream, "200 OK", &body);
        }
    });
    std::thread::spawn(move || {
        for mut outside in front.incoming().flatten() {
            let mut head = [0; 4096];
            let mut read = 0;
            while !String::from_utf8_lossy(&head[..read]).contains("\r\n\r\n") {
                read = outside.peek(&mut head).unwrap();
            }
            if !String::from_utf8_lossy(&head[..read]).contains("authorization: Bearer t-") {
                let challenge = format!("WWW-Authenticate: Bearer resource_metadata=\"{at}/resource\"");
                let _ = outside.read(&mut head);
                let _ = write!(outside, "HTTP/1.1 401 Unauthorized\r\n{challenge}\r\nContent-Length: 0\r\n\r\n");
                continue;
            }
            let mut inside = TcpStream::connect(&inside).unwrap();
            let (mut back, mut forth) = (inside.try_clone().unwrap(), outside.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut back, &mut forth));
            std::thread::spawn(move || std::io::copy(&mut outside, &mut inside));
        }
    });
    format!("http \"{url}\"")
}

fn scenario(mcp: &str, token_url: &str) -> Scenario {
    with_statement(mcp, &format!("token_url \"{token_url}\""))
}

fn with_statement(mcp: &str, token_url: &str) -> Scenario {
    with_proof(mcp, token_url, "client_secret secret(\"MCPL_TEST_CLIENT_SECRET\")")
}

fn with_proof(mcp: &str, token_url: &str, proof: &str) -> Scenario {
    Scenario::new(&format!(
        r#"mcpl 1
server s {{
  {mcp}
  auth oauth {{
    {token_url}
    client_id "load"
    {proof}
    scopes ["mcp"]
  }}
}}
scenario a {{
  target s
  stages {{ hold 10/s for 3s }}
  run f
}}
flow f {{ call list_rules }}
"#
    ))
}

fn run(scenario: &Scenario) -> std::process::Output {
    let mut command = mcpl();
    command.arg("run").arg(&scenario.file).arg("--out").arg(scenario.path("run.json"));
    command.env("MCPL_TEST_CLIENT_SECRET", SECRET).output().unwrap()
}

#[test]
fn a_run_carries_tokens_and_renews_them() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let record = Arc::clone(&seen);
    let mcp = server(move |mut call| {
        let bearer = call.head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or("none");
        record.lock().unwrap().push(bearer.to_owned());
        call.answer()
    });
    let scenario = scenario(&mcp, &endpoint(true));
    let output = run(&scenario);
    assert_exit(&output, 0);
    let results = scenario.results();
    let tokens = results.servers[0].tokens.clone().unwrap();
    assert!((3..=5).contains(&tokens.obtained), "{tokens:?}");
    assert_eq!((tokens.failed, tokens.last_failure), (0, None));
    assert!(tokens.longest_us > 0 && tokens.total_us >= tokens.longest_us);
    let mut seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 30);
    seen.dedup();
    assert_eq!(seen[..3], ["bearer t-0", "bearer t-1", "bearer t-2"], "each is used until the next is there");
    for text in [results.to_json(), stdout(&output), stderr(&output)] {
        assert!(!text.contains(SECRET) && !text.contains("t-0"), "{text}");
    }
}

#[test]
fn a_server_says_where_its_tokens_are_had() {
    let rulebook = Rulebook::start(&[]);
    let scenario = with_statement(&guarded(rulebook.authority(), &endpoint(true)), "");
    let output = run(&scenario);
    assert_exit(&output, 0);
    let results = scenario.results();
    let tokens = results.servers[0].tokens.clone().unwrap();
    assert!(tokens.obtained >= 3 && tokens.failed == 0, "{tokens:?}");
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!((counts.requests, counts.failed()), (30, 0));
}

#[test]
fn a_client_proves_itself_by_its_key() {
    let pair = KeyPair::generate().unwrap();
    let pem = pair.serialize_pem();
    let (url, seen) = endpoint_for(&pair);
    let (rulebook, stated) = (Rulebook::start(&[]), format!("token_url \"{url}\""));
    let guarded = || guarded(rulebook.authority(), &url);
    // With discovery the issuer is meant, whose address only the metadata have.
    for (mcp, token_url, proof, kind) in [
        (guarded(), "", "client_key \"client.key\"\nkey_id \"k-1\"", "client-authentication+jwt"),
        (guarded(), stated.as_str(), "client_key secret(\"MCPL_TEST_CLIENT_KEY\")", "JWT"),
    ] {
        let scenario = with_proof(&mcp, token_url, proof);
        std::fs::write(scenario.path("client.key"), &pem).unwrap();
        let mut command = mcpl();
        command.arg("run").arg(&scenario.file).arg("--out").arg(scenario.path("run.json"));
        let output = command.env("MCPL_TEST_CLIENT_KEY", &pem).output().unwrap();
        assert_exit(&output, 0);
        let results = scenario.results();
        let tokens = results.servers[0].tokens.clone().unwrap();
        assert!(tokens.obtained >= 3 && tokens.failed == 0, "{tokens:?}");
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        assert!(seen.len() >= 3);
        for [header, claims] in &seen {
            assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some(kind), Some("ES256")));
            assert_eq!(header["kid"].as_str(), (kind != "JWT").then_some("k-1"));
            assert_eq!((&claims["iss"], &claims["sub"]), (&"load".into(), &"load".into()));
            let audience = claims["aud"].as_str().unwrap();
            assert_eq!(audience == url, kind == "JWT", "{audience}");
            let now = jiff::Timestamp::now().as_second();
            assert!((now - 60..=now).contains(&claims["iat"].as_i64().unwrap()), "{claims}");
        }
        let ids: std::collections::BTreeSet<_> = seen.iter().map(|[_, claims]| claims["jti"].to_string()).collect();
        assert_eq!(ids.len(), seen.len());
        let line = pem.lines().nth(1).unwrap();
        for text in [results.to_json(), stdout(&output), stderr(&output)] {
            assert!(!text.contains(line) && !text.contains("eyJ"), "{text}");
        }
    }
}

#[test]
fn what_is_no_key_ends_the_run_before_it_begins() {
    let told = |proof: &str, key: Option<&str>| {
        let scenario = with_proof("http \"http://127.0.0.1:9/mcp\"", "", proof);
        if let Some(key) = key {
            std::fs::write(scenario.path("client.key"), key).unwrap();
        }
        let output = run(&scenario);
        assert_exit(&output, 2);
        stderr(&output)
    };
    let file = "client_key \"client.key\"";
    let missing = told(file, None);
    assert!(missing.contains("server `s`: client_key: cannot read `") && missing.contains("o such file"), "{missing}");
    let other = told(file, Some("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
    assert!(other.contains("client.key` holds no private key in PEM form"), "{other}");
    let encrypted = told(file, Some(include_str!("../corpus/keys/p256-encrypted.pem")));
    assert!(encrypted.contains("holds a private key that is encrypted"), "{encrypted}");
    let curve = told(file, Some(include_str!("../corpus/keys/p521.pem")));
    assert!(curve.contains("cannot sign assertions") && curve.contains("help: take an EC key on P-256"), "{curve}");
    let secret = told("client_key secret(\"MCPL_TEST_CLIENT_SECRET\")", None);
    assert!(secret.contains("the secret `MCPL_TEST_CLIENT_SECRET` holds no private key"), "{secret}");
    assert!(!secret.contains(SECRET));
}

#[test]
fn a_key_that_is_not_accepted_says_what_to_look_at() {
    let url = endpoint(false);
    let scenario =
        with_proof("http \"http://127.0.0.1:9/mcp\"", &format!("token_url \"{url}\""), "client_key \"client.key\"");
    std::fs::write(scenario.path("client.key"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let output = run(&scenario);
    assert_exit(&output, 3);
    let told = stderr(&output);
    let said = format!("server `s`: no token from {url}: the token endpoint answered HTTP 401: invalid_client");
    assert!(told.contains(&said), "{told}");
    assert!(told.contains("public key") && told.contains("clock"), "{told}");
}

#[test]
fn a_secret_goes_to_no_host_that_the_file_does_not_allow() {
    let rulebook = Rulebook::start(&[]);
    let scenario = with_statement(&guarded(rulebook.authority(), "https://id.example.com/token"), "");
    let output = run(&scenario);
    assert_exit(&output, 3);
    let said = "server `s`: the token endpoint https://id.example.com/token: the guard does not allow its host: \
                `guard { allow hosts [\"id.example.com\"] }` does";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
}

#[test]
fn a_server_that_does_not_say_it_is_named_with_what_was_asked() {
    let rulebook = Rulebook::start(&[]);
    let at = format!("http://{}", rulebook.authority());
    let output = run(&with_statement(&format!("http \"{at}/mcp\""), ""));
    assert_exit(&output, 3);
    let said = format!(
        "server `s`: no metadata of the server as a protected resource: \
         {at}/.well-known/oauth-protected-resource/mcp: HTTP 404; {at}/.well-known/oauth-protected-resource: HTTP 404"
    );
    assert!(stderr(&output).contains(&said), "{}", stderr(&output));
}

#[test]
fn without_a_token_no_load_is_sent() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let mcp = server(move |mut call| {
        count.fetch_add(1, Ordering::Relaxed);
        call.answer()
    });
    let url = endpoint(false);
    let output = run(&scenario(&mcp, &url));
    assert_exit(&output, 3);
    let said = format!("server `s`: no token from {url}: the token endpoint answered HTTP 401: invalid_client");
    assert!(stderr(&output).contains(&said), "{}", stderr(&output));
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[test]
fn a_token_that_is_not_accepted_shows_as_what_it_is() {
    let mcp = server(|mut call| {
        call.read();
        call.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope");
        Then::Goes
    });
    let scenario = scenario(&mcp, &endpoint(true));
    let output = run(&scenario);
    assert_exit(&output, 0);
    let failures = scenario.results().recording.failures;
    assert!(failures.iter().any(|failure| failure.message == "the server answered HTTP 403: nope"), "{failures:?}");
}
