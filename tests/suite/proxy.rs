//! Runs through a proxy, which forwards requests as proxies do.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::{Arc, Mutex};

use mcpl::results::Window;

use crate::secure::{certificates, end_tls};
use crate::support::{Rulebook, Scenario, assert_exit, mcpl, stderr, stdout};

/// The lines of requests, with what they said of who asks.
type Seen = Vec<(String, Option<String>)>;

/// A forward proxy on this machine.
struct Proxy {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Proxy {
    fn start() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy { port: listener.local_addr().unwrap().port(), seen: Arc::default() };
        let seen = Arc::clone(&proxy.seen);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || serve(client, &seen));
            }
        });
        proxy
    }

    fn url(&self, credentials: &str) -> String {
        format!("http://{credentials}127.0.0.1:{}", self.port)
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

/// The head of a request, without the blank line; `None` at the end.
fn head(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).unwrap().trim_end().to_owned())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let pairs = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    pairs.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
}

fn serve(mut client: TcpStream, seen: &Mutex<Seen>) {
    client.set_nodelay(true).unwrap();
    let mut server: Option<TcpStream> = None;
    while let Some(head) = head(&mut client) {
        let line = head.lines().next().unwrap();
        seen.lock().unwrap().push((line.to_owned(), header(&head, "proxy-authorization").map(str::to_owned)));
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        if method == "CONNECT" {
            let server = TcpStream::connect(target).unwrap();
            server.set_nodelay(true).unwrap();
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
            pump(server.try_clone().unwrap(), client.try_clone().unwrap());
            pump(client, server);
            return;
        }
        let (authority, path) = target.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let server = server.get_or_insert_with(|| {
            let server = TcpStream::connect(authority).unwrap();
            server.set_nodelay(true).unwrap();
            pump(server.try_clone().unwrap(), client.try_clone().unwrap());
            server
        });
        let mut body = vec![0; header(&head, "content-length").map_or(0, |length| length.parse().unwrap())];
        client.read_exact(&mut body).unwrap();
        let headers = head.lines().skip(1).filter(|line| !line.starts_with("proxy-"));
        let mut out = format!("{method} /{path} HTTP/1.1\r\n");
        headers.for_each(|line| out.push_str(&format!("{line}\r\n")));
        server.write_all(&[out.as_bytes(), b"\r\n", &body].concat()).unwrap();
    }
}

/// Ten requests to a server with these statements.
fn scenario(server: &str) -> Scenario {
    Scenario::new(&format!(
        "mcpl 1\nserver s {{\n{server}\n}}\nscenario a {{\ntarget s\nstages {{ iterations 10 shared by 2 users }}\nrun f\n}}\n\
         flow f {{\ncall search_rules {{ args {{ \"query\": \"naming\" }} }}\n}}\n"
    ))
}

/// Runs it in an environment with these variables, and no others about proxies.
fn run(scenario: &Scenario, variables: &[(&str, &str)]) -> Output {
    let mut command = mcpl();
    for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command.arg("run").arg(&scenario.file).arg("--out").arg(scenario.path("run.json")).output().unwrap()
}

#[track_caller]
fn assert_served(scenario: &Scenario, output: &Output) {
    assert_exit(output, 0);
    let results = scenario.results();
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!((counts.requests, counts.failed()), (10, 0));
}

#[test]
fn all_that_is_sent_goes_through_the_proxy_that_the_file_names() {
    let (rulebook, proxy) = (Rulebook::start(&[]), Proxy::start());
    let scenario = scenario(&format!("http \"{}\"\nproxy \"{}\"", rulebook.url, proxy.url("")));
    // The environment has no say.
    assert_served(&scenario, &run(&scenario, &[("http_proxy", "http://proxy.invalid:1"), ("no_proxy", "*")]));
    let seen = proxy.seen();
    assert!(seen.len() > 10, "the calls, and what comes before them: {seen:?}");
    let line = format!("POST {} HTTP/1.1", rulebook.url);
    assert!(seen.iter().all(|(found, who)| *found == line && who.is_none()), "{seen:?}");
}

#[test]
fn the_environment_is_looked_at_where_the_file_says_so() {
    let (rulebook, proxy) = (Rulebook::start(&[]), Proxy::start());
    let url = proxy.url("me:se%20cret@");
    let asks = scenario(&format!("http \"{}\"\nproxy environment", rulebook.url));
    let output = run(&asks, &[("http_proxy", &url)]);
    assert_served(&asks, &output);
    let seen = proxy.seen();
    assert!(seen.len() > 10);
    // me:se cret
    let who = Some("Basic bWU6c2UgY3JldA==".to_owned());
    assert!(seen.iter().all(|(_, found)| *found == who), "{seen:?}");
    for text in [asks.results().to_json(), stdout(&output), stderr(&output)] {
        assert!(!text.contains("cret") && !text.contains("bWU6"), "{text}");
    }
    // Some variables are for other addresses, and some hosts are exempt.
    for variables in [
        vec![("https_proxy", &*url)],
        vec![("HTTP_PROXY", &*url)],
        vec![("http_proxy", &*url), ("no_proxy", "127.0.0.0/8")],
    ] {
        assert_served(&asks, &run(&asks, &variables));
    }
    // A file that does not ask for it.
    let plain = scenario(&format!("http \"{}\"", rulebook.url));
    let all =
        ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].map(|name| (name, &*url));
    assert_served(&plain, &run(&plain, &all));
    assert_eq!(proxy.seen().len(), seen.len(), "nothing more has come");
}

#[test]
fn an_address_may_be_a_secret() {
    let (rulebook, proxy) = (Rulebook::start(&[]), Proxy::start());
    let scenario = scenario(&format!("http \"{}\"\nproxy secret(\"MCPL_TEST_PROXY\")", rulebook.url));
    let url = proxy.url("me:q7-secret@");
    let output = run(&scenario, &[("MCPL_TEST_PROXY", &url)]);
    assert_served(&scenario, &output);
    assert!(proxy.seen().iter().all(|(_, who)| who.is_some()));
    let plan = mcpl().arg("plan").arg(&scenario.file).env("MCPL_TEST_PROXY", &url).output().unwrap();
    assert!(stdout(&plan).contains("through the proxy secret(\"MCPL_TEST_PROXY\")"), "{}", stdout(&plan));
    for text in [scenario.results().to_json(), stdout(&output), stderr(&output), stdout(&plan)] {
        assert!(!text.contains("q7-secret"), "{text}");
    }
    let unset = run(&scenario, &[]);
    assert_exit(&unset, 2);
    assert!(stderr(&unset).contains("the secret `MCPL_TEST_PROXY` is not set"), "{}", stderr(&unset));
    for (url, told) in [
        ("http://me:q7-secret@proxy.example.com:1", "the guard does not allow the host of the proxy"),
        ("https://me:q7-secret@127.0.0.1:1", "the address of the proxy does not begin with http://"),
    ] {
        let output = run(&scenario, &[("MCPL_TEST_PROXY", url)]);
        assert_exit(&output, 2);
        let said = stderr(&output);
        assert!(said.contains(told) && !said.contains("q7-secret") && !said.contains("example.com:1"), "{said}");
    }
}

#[test]
fn the_guard_is_asked_for_the_proxy_too() {
    let (rulebook, proxy) = (Rulebook::start(&[]), Proxy::start());
    let scenario = scenario(&format!("http \"{}\"\nproxy environment", rulebook.url));
    let output = run(&scenario, &[("ALL_PROXY", "http://proxy.example.com:3128")]);
    assert_exit(&output, 2);
    let told = stderr(&output);
    assert!(told.contains("the guard does not allow the host of the proxy, `proxy.example.com`"), "{told}");
    assert!(told.contains("allow hosts [\"proxy.example.com\"]"), "{told}");
    assert!(!scenario.path("run.json").exists());
    assert_eq!(proxy.seen(), []);
}

#[test]
fn over_tls_a_proxy_sees_where_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (rulebook, proxy) = (Rulebook::start(&[]), Proxy::start());
    let port = end_tls(certificates(dir.path()), rulebook.authority());
    let scenario = scenario(&format!(
        "http \"https://localhost:{port}/mcp\"\ntls {{\nca \"ca.pem\"\ncert \"client.pem\" key \"client.key\"\n}}\nproxy environment"
    ));
    for name in ["ca.pem", "client.pem", "client.key"] {
        fs::copy(dir.path().join(name), scenario.path(name)).unwrap();
    }
    let output = run(&scenario, &[("HTTPS_PROXY", &proxy.url("me:pw@"))]);
    assert_served(&scenario, &output);
    let seen = proxy.seen();
    let expected = (format!("CONNECT localhost:{port} HTTP/1.1"), Some("Basic bWU6cHc=".to_owned()));
    assert!(!seen.is_empty() && seen.iter().all(|found| *found == expected), "{seen:?}");
}
