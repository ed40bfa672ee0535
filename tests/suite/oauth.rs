//! Tokens from a token endpoint, from the file to the results.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

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

fn answer(mut stream: TcpStream, status: &str, body: &str) {
    let mut request = Vec::new();
    let mut some = [0; 1024];
    while !String::from_utf8_lossy(&request).contains("resource=") && !request.starts_with(b"GET ") {
        match stream.read(&mut some) {
            Ok(read) if read > 0 => request.extend_from_slice(&some[..read]),
            _ => return,
        }
    }
    let length = body.len();
    let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
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
    Scenario::new(&format!(
        r#"mcpl 1
server s {{
  {mcp}
  auth oauth {{
    {token_url}
    client_id "load"
    client_secret secret("MCPL_TEST_CLIENT_SECRET")
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
