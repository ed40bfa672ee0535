use crate::transport::{HttpTarget, Revision, StdioTarget, TargetError};

fn parse(url: &str) -> Result<HttpTarget, TargetError> {
    HttpTarget::parse(url, Vec::new())
}

#[test]
fn urls_and_their_parts() {
    let table = [
        ("http://127.0.0.1:3000/mcp", "127.0.0.1", 3000, "127.0.0.1:3000", "/mcp", true),
        ("http://localhost", "localhost", 80, "localhost", "/", true),
        (" http://LocalHost:80/ ", "LocalHost", 80, "LocalHost", "/", true),
        ("http://[::1]:8/a?b=c", "::1", 8, "[::1]:8", "/a?b=c", true),
        ("http://a.localhost/", "a.localhost", 80, "a.localhost", "/", true),
        ("http://127.9.9.9/", "127.9.9.9", 80, "127.9.9.9", "/", true),
        ("http://example.com:8080/mcp/", "example.com", 8080, "example.com:8080", "/mcp/", false),
        ("http://10.0.0.1/", "10.0.0.1", 80, "10.0.0.1", "/", false),
        ("http://127.0.0.1.evil.com/", "127.0.0.1.evil.com", 80, "127.0.0.1.evil.com", "/", false),
        ("http://notlocalhost/", "notlocalhost", 80, "notlocalhost", "/", false),
    ];
    for (url, host, port, header, path, loopback) in table {
        let target = parse(url).unwrap();
        assert_eq!((target.host(), target.port()), (host, port), "{url}");
        assert_eq!(target.host_header(), header, "{url}");
        assert_eq!(target.uri().to_string(), path, "{url}");
        assert_eq!(target.is_loopback(), loopback, "{url}");
    }
}

#[test]
fn urls_that_cannot_be_used_say_why() {
    let table = [
        ("ftp://example.com/", "`ftp` URLs are not supported"),
        ("http://me:secret@example.com/", "the URL holds credentials"),
        ("localhost:3000/mcp", "`localhost:3000/mcp` is not a URL"),
        ("localhost", "it begins neither with http:// nor with https://"),
        ("/mcp", "it begins neither with http:// nor with https://"),
        ("http://:80/", "is not a URL"),
        ("http://a:0/", "the port is not a number from 1 to 65535"),
        ("http://a:70000/", "is not a URL"),
        ("http://", "is not a URL"),
        ("", "is not a URL"),
    ];
    for (url, expected) in table {
        let error = parse(url).unwrap_err().to_string();
        assert!(error.contains(expected), "{url}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn headers_that_cannot_be_sent_say_why() {
    let table = [
        ("content-length", "1", "it is set by mcpl"),
        ("Mcp-Session-Id", "1", "it is set by mcpl"),
        ("a b", "1", "the name may hold"),
        ("", "1", "the name may hold"),
        ("a", "1\r\nb: 2", "the value may hold"),
    ];
    for (name, value, expected) in table {
        let headers = vec![(name.to_owned(), value.to_owned())];
        let error = HttpTarget::parse("http://a/", headers).unwrap_err().to_string();
        assert!(error.starts_with(&format!("header `{name}`: {expected}")), "{error}");
    }
}

#[test]
fn a_command_has_a_program() {
    assert_eq!(StdioTarget::new(vec![]).unwrap_err(), TargetError::Command);
    assert_eq!(StdioTarget::new(vec![String::new()]).unwrap_err(), TargetError::Command);
}

#[test]
fn revisions_are_dates() {
    for revision in Revision::ALL {
        let text = revision.to_string();
        assert_eq!(text.parse(), Ok(revision));
        let json = serde_json::to_string(&revision).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Revision>(&json).unwrap(), revision);
    }
    assert!(Revision::ALL.is_sorted());
    assert_eq!(Revision::ALL.iter().filter(|revision| revision.is_modern()).count(), 1);
    let error = "2024-10-07".parse::<Revision>().unwrap_err();
    assert!(error.to_string().contains("`2024-10-07`"));
    assert!(serde_json::from_str::<Revision>("\"x\"").is_err());
}
