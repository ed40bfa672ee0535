//! Proxies that a file asks for: what the environment says of them, and whether the
//! guard lets them be spoken to.
//!
//! Invariant: without a `proxy` in the file no variable is looked at.

use std::net::IpAddr;

use super::complaint::Complaint;
use super::connect::secret_text;
use crate::model::guard;
use crate::plan::{Guard, Proxy as Wanted, Server, TextPart};
use crate::transport::Proxy;

/// The proxy for what is sent to `url` for the sake of a server; `None` where
/// there is none.
///
/// # Errors
/// When the address cannot be used, or the guard does not let its host be reached.
pub(super) fn of(server: &Server, guard: &Guard, url: &str) -> Result<Option<Proxy>, Complaint> {
    let (text, secret) = match &server.proxy {
        None => return Ok(None),
        Some(Wanted::Environment) => match of_environment(url, |name| std::env::var(name).ok()) {
            Some(text) => (text, false),
            None => return Ok(None),
        },
        Some(Wanted::Url(parts)) => {
            let secret = parts.iter().any(|part| matches!(part, TextPart::Secret(_)));
            (secret_text(parts).map_err(Complaint::usage).map_err(|error| error.about(&server.name))?, secret)
        }
    };
    let proxy = Proxy::parse(&text).map_err(|error| Complaint::usage(error.to_string()).about(&server.name))?;
    if guard::lets_reach(guard, proxy.host()) {
        return Ok(Some(proxy));
    }
    let help = "allow it in the file";
    Err(match secret {
        // What is read wrongly may be a part of the password.
        true => Complaint::usage("the guard does not allow the host of the proxy")
            .help(format!("{help}: name it in `allow hosts` of `guard`")),
        false => Complaint::usage(format!("the guard does not allow the host of the proxy, `{}`", proxy.host()))
            .help(format!("{help}: `guard {{ allow hosts [\"{}\"] }}`", proxy.host())),
    }
    .about(&server.name))
}

/// The proxy that variables name for a URL, by the rules of curl: `http_proxy` in
/// lower case only, since a web server makes `HTTP_PROXY` of a request's header;
/// `https_proxy`, `all_proxy` and `no_proxy` in either, the lower case first. What is empty
/// is not set.
fn of_environment(url: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let get = |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let uri: http::Uri = url.trim().parse().ok()?;
    let own: &[&str] =
        if uri.scheme_str() == Some("https") { &["https_proxy", "HTTPS_PROXY"] } else { &["http_proxy"] };
    let proxy = get(own).or_else(|| get(&["all_proxy", "ALL_PROXY"]))?;
    let direct = get(&["no_proxy", "NO_PROXY"]).is_some_and(|list| is_exempt(uri.host().unwrap_or_default(), &list));
    (!direct).then_some(proxy)
}

/// Whether a host is among those of `no_proxy`: names, with all below them, and
/// addresses or networks, between commas or blanks; `*` is all.
fn is_exempt(host: &str, list: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    if list.trim() == "*" {
        return true;
    }
    list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()).any(|entry| match address {
        Some(address) => is_in(address, entry.trim_start_matches('[').trim_end_matches(']')),
        None => {
            let name = entry.trim_start_matches('.').trim_end_matches('.').to_ascii_lowercase();
            let below = host.strip_suffix(&name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
            !name.is_empty() && below
        }
    })
}

/// Whether an address is this one, or in this network (`10.0.0.0/8`).
fn is_in(address: IpAddr, entry: &str) -> bool {
    let (network, bits) = entry.split_once('/').map_or((entry, None), |(network, bits)| (network, Some(bits)));
    let Ok(network) = network.parse::<IpAddr>() else { return false };
    let (address, network, width) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (u128::from(address.to_bits()), u128::from(network.to_bits()), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let Ok(bits) = bits.map_or(Ok(width), str::parse::<u32>) else { return false };
    let ignored = width.checked_sub(bits);
    // A shift by all bits leaves nothing to compare.
    ignored
        .is_some_and(|ignored| address.checked_shr(ignored).unwrap_or(0) == network.checked_shr(ignored).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{is_exempt, of_environment};

    /// A URL, variables, and the proxy for it.
    type Row = (&'static str, &'static [(&'static str, &'static str)], Option<&'static str>);

    #[test]
    fn variables_are_read_as_curl_reads_them() {
        const HTTP: &str = "http://example.com/mcp";
        const HTTPS: &str = "https://example.com/mcp";
        let table: [Row; 17] = [
            (HTTP, &[], None),
            (HTTP, &[("http_proxy", "http://a:1")], Some("http://a:1")),
            (HTTP, &[("HTTP_PROXY", "http://a:1")], None),
            (HTTP, &[("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:1")], None),
            (HTTPS, &[("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:1")], Some("http://a:1")),
            (HTTPS, &[("https_proxy", ""), ("HTTPS_PROXY", "http://b:1")], Some("http://b:1")),
            (HTTPS, &[("http_proxy", "http://a:1")], None),
            (HTTP, &[("all_proxy", "a:1"), ("ALL_PROXY", "b:1")], Some("a:1")),
            (HTTPS, &[("ALL_PROXY", "b:1")], Some("b:1")),
            (HTTP, &[("http_proxy", ""), ("ALL_PROXY", "b:1")], Some("b:1")),
            (HTTP, &[("http_proxy", "a:1"), ("ALL_PROXY", "b:1")], Some("a:1")),
            (HTTP, &[("http_proxy", "a:1"), ("no_proxy", "other.com,example.com")], None),
            (HTTP, &[("http_proxy", "a:1"), ("NO_PROXY", "*")], None),
            (HTTP, &[("http_proxy", "a:1"), ("no_proxy", "other.com"), ("NO_PROXY", "*")], Some("a:1")),
            (HTTP, &[("http_proxy", "a:1"), ("no_proxy", ""), ("NO_PROXY", "*")], None),
            ("http://127.0.0.1:5/", &[("http_proxy", "a:1")], Some("a:1")),
            ("http://[::1]:5/", &[("http_proxy", "a:1"), ("no_proxy", "::1")], None),
        ];
        for (url, variables, expected) in table {
            let get = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(of_environment(url, get).as_deref(), expected, "{url} {variables:?}");
        }
    }

    #[test]
    fn hosts_are_exempt_by_name_and_by_network() {
        for (host, list) in [
            ("example.com", "example.com"),
            ("EXAMPLE.com", "x, Example.COM"),
            ("a.example.com", "example.com"),
            ("a.example.com", ".example.com"),
            ("example.com", ".example.com"),
            ("example.com.", "example.com"),
            ("example.com", "a.com example.com. b.com"),
            ("anything", "*"),
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3", "10.0.0.0/8"),
            ("10.1.2.3", "0.0.0.0/0"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("[fe80::1]", "fe80::/10"),
            ("::1", "[::1]"),
        ] {
            assert!(is_exempt(host, list), "{host} in {list}");
        }
        for (host, list) in [
            ("example.com", ""),
            ("notexample.com", "example.com"),
            ("example.com", "a.example.com"),
            ("example.com", "."),
            ("example.com", "*.com"),
            ("10.1.2.3", "10.1.2.4"),
            ("10.1.2.3", "11.0.0.0/8"),
            ("10.1.2.3", "10.0.0.0/33"),
            ("10.1.2.3", "10.0.0.0/x"),
            ("10.1.2.3", "3"),
            ("10.1.2.3", "::/0"),
        ] {
            assert!(!is_exempt(host, list), "{host} in {list}");
        }
    }
}
