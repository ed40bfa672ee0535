//! Metrics by OTLP over HTTP, to a collector of OpenTelemetry.

use std::time::Duration;

use super::{Begun, Feed, Told};
use crate::telemetry::{Rejected, Totals};
use crate::transport::{HttpTarget, TargetError, excerpt, send_once};

/// How long a collector may take. What it did not take is in what comes next.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The path of metrics, where the address has none.
const PATH: &str = "/v1/metrics";

/// The variable with headers for collectors, as the SDKs of OpenTelemetry have it: it may
/// hold a key, which belongs into no command line.
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";

/// A collector by its address, with the headers of the environment.
///
/// # Errors
/// When the address or a header cannot be used. Nothing of a header's value is in the message.
pub(super) fn target(url: &str) -> Result<HttpTarget, String> {
    let headers = headers(&std::env::var(HEADERS).unwrap_or_default())?;
    HttpTarget::parse(&whole(url), headers).map_err(|error| match error {
        TargetError::Url { reason, .. } => {
            format!("that is no URL of a collector (an example: http://127.0.0.1:4318): {reason}")
        }
        TargetError::Scheme(scheme) => format!("`{scheme}` URLs are not supported: write http:// or https://"),
        other => other.to_string(),
    })
}

/// An address without a path gets that of metrics.
fn whole(url: &str) -> String {
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    if path.is_empty() { format!("{}{PATH}", url.trim_end_matches('/')) } else { url.to_owned() }
}

/// `key=value` between commas, percent-encoded.
fn headers(text: &str) -> Result<Vec<(String, String)>, String> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) =
                pair.split_once('=').ok_or_else(|| format!("{HEADERS} is not a list of key=value between commas"))?;
            Ok((key.trim().to_owned(), decoded(value.trim())))
        })
        .collect()
}

/// A text without its percent-encoding (RFC 3986, section 2.1).
fn decoded(text: &str) -> String {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|_| byte == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                out.push(code);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                out.push(byte);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Sends the totals after each second, and what was not taken at the end once more.
pub(super) async fn tell(target: &HttpTarget, begun: Begun, mut feed: Feed) -> Told {
    let (mut totals, mut told, mut unsent) = (Totals::new(begun.context), Told::default(), false);
    let began = Begun::nanos(begun.started);
    while let Some(slice) = feed.next().await {
        totals.add(&slice);
        // Who is late gets the newest at once: it has all that came before.
        while let Some(more) = feed.waiting() {
            totals.add(&more);
        }
        unsent = !send(target, &totals, began, &mut told).await;
    }
    if unsent {
        send(target, &totals, began, &mut told).await;
    }
    told.missed = feed.missed;
    told
}

/// Whether they were taken.
async fn send(target: &HttpTarget, totals: &Totals, began: u64, told: &mut Told) -> bool {
    let body = totals.otlp(began, Begun::nanos(jiff::Timestamp::now()));
    let why = match send_once(target, "application/x-protobuf", &body, TIMEOUT).await {
        Ok((200..300, answer)) => {
            // To send them again would not help, says the specification.
            if let Some(rejected) = Rejected::read(&answer) {
                told.rejected += rejected.points;
                told.why = Some(excerpt(rejected.why.as_bytes())).filter(|why| !why.is_empty());
            }
            return true;
        }
        Ok((status, answer)) => match excerpt(&answer) {
            words if words.is_empty() => format!("HTTP {status}"),
            words => format!("HTTP {status}: {words}"),
        },
        Err(failure) => failure.to_string(),
    };
    told.failed += 1;
    told.why = Some(why);
    false
}

#[cfg(test)]
mod tests {
    use super::{headers, whole};

    #[test]
    fn an_address_without_a_path_gets_that_of_metrics() {
        for (url, expected) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/metrics"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/metrics"),
            ("https://otel.example.com/otlp/v1/metrics", "https://otel.example.com/otlp/v1/metrics"),
        ] {
            assert_eq!(whole(url), expected);
        }
    }

    #[test]
    fn headers_are_read_as_the_sdks_read_them() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(headers("").unwrap(), []);
        assert_eq!(headers("a=b%20c, api-key = k=1,").unwrap(), [pair("a", "b c"), pair("api-key", "k=1")]);
        assert_eq!(headers("a=100%, b=%zz").unwrap(), [pair("a", "100%"), pair("b", "%zz")]);
        let error = headers("secret").unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
}
