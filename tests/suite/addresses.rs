//! What the check says of URLs and headers is what the transport says of them:
//! a file that checks does not fail on its first connection.

use mcpl::transport::{HttpTarget, Proxy};

use crate::support::compile;

/// Whether a server with these statements checks.
fn checks(server: &str) -> bool {
    let text = format!(
        "mcpl 1\nguard {{ allow hosts [\"*\"] }}\nserver s {{\n{server}\n}}\nscenario a {{\n  target s\n  stages {{ hold 1/s for 1s }}\n  run f\n}}\nflow f {{ call t }}\n"
    );
    compile("test.mcpl", &text, &[]).lowered.plan.is_some()
}

#[test]
fn urls_are_judged_alike() {
    let urls = [
        ("http://127.0.0.1:3000/mcp", true),
        ("http://localhost", true),
        ("http://[::1]:3000/mcp", true),
        ("http://[2001:db8::1]/mcp?key=1", true),
        ("http://example.com:65535/", true),
        ("HTTP://example.com/mcp", true),
        ("http://2001:db8::1:3000/mcp", false),
        ("http://example.com:0/mcp", false),
        ("http://example.com:65536/mcp", false),
        ("http://example.com:/mcp", false),
        ("http://example.com:http/mcp", false),
        ("http://user:pass@example.com/mcp", false),
        ("http://a b/mcp", false),
        ("http:///mcp", false),
        ("http://", false),
        ("https://example.com/mcp", true),
        ("https://example.com:0/mcp", false),
        ("https://user:pass@example.com/mcp", false),
        ("https://", false),
        ("http://unix:/run/mcp.sock:/mcp", true),
        ("http://unix:/run/mcp.sock", true),
        ("http://unix:run/mcp.sock:/mcp", false),
        ("http://unix:/run/mcp.sock:mcp", false),
        ("http://unix:/run/mcp.sock:/a b", false),
        ("https://unix:/run/mcp.sock:/mcp", false),
        ("ws://example.com/mcp", false),
        ("example.com/mcp", false),
        ("/mcp", false),
    ];
    for (url, good) in urls {
        assert_eq!(HttpTarget::parse(url, Vec::new()).is_ok(), good, "the transport on {url}");
        assert_eq!(checks(&format!("  http \"{url}\"")), good, "the check on {url}");
    }
}

#[test]
fn proxies_of_a_file_are_proxies_of_the_transport() {
    for (url, good) in [
        ("http://127.0.0.1:3128", true),
        ("http://proxy.example.com:1/", true),
        ("HTTP://[::1]:8080", true),
        ("https://127.0.0.1:3128", false),
        ("socks5://127.0.0.1:3128", false),
        ("http://127.0.0.1:0", false),
        ("http://127.0.0.1:65536", false),
        ("http://127.0.0.1:", false),
        ("http://127.0.0.1:3128/path", false),
        ("http://:3128", false),
        ("http://", false),
        ("", false),
    ] {
        assert_eq!(Proxy::parse(url).is_ok(), good, "the transport on {url}");
        assert_eq!(checks(&format!("  http \"http://localhost/mcp\"\n  proxy \"{url}\"")), good, "the check on {url}");
    }
    // In a file these are clear, or are kept out of it; the environment has them.
    for url in ["127.0.0.1:3128", "http://127.0.0.1", "http://me:pw@127.0.0.1:3128"] {
        assert!(Proxy::parse(url).is_ok());
        assert!(!checks(&format!("  http \"http://localhost/mcp\"\n  proxy \"{url}\"")), "{url}");
    }
}

#[test]
fn headers_are_judged_alike() {
    let headers = [
        ("Authorization", "Bearer x", true),
        ("User-Agent", "load", true),
        ("Host", "example.com", true),
        ("X-Team", "ü", true),
        ("X-Tab", "a\\tb", true),
        ("X-Empty", "", true),
        ("Content-Length", "5", false),
        ("content-type", "text/plain", false),
        ("Accept", "*/*", false),
        ("Connection", "close", false),
        ("Expect", "100-continue", false),
        ("TE", "trailers", false),
        ("Transfer-Encoding", "chunked", false),
        ("Upgrade", "h2c", false),
        ("Mcp-Method", "tools/call", false),
        ("Mcp-Name", "search", false),
        ("MCP-Protocol-Version", "2025-11-25", false),
        ("Mcp-Session-Id", "1", false),
        ("X Team", "a", false),
        ("X-Ä", "a", false),
        ("", "a", false),
        ("X-Lines", "a\\nb", false),
        ("X-Null", "a\\u0000b", false),
    ];
    for (name, value, good) in headers {
        let sent = serde_json::from_str::<String>(&format!("\"{value}\"")).unwrap();
        let transport = HttpTarget::parse("http://localhost/mcp", vec![(name.to_owned(), sent)]);
        assert_eq!(transport.is_ok(), good, "the transport on {name}");
        let server = format!("  http \"http://localhost/mcp\"\n  header \"{name}\" \"{value}\"");
        assert_eq!(checks(&server), good, "the check on {name}");
    }
}
