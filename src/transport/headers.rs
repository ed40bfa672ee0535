//! The headers of a response, kept as the text that they came as.

use bytes::Bytes;

/// The head of an HTTP response, already found to be well-formed. Nearly
/// nobody asks for a header, and who does asks for one or two, so they are
/// looked up and never taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Headers {
    text: Bytes,
}

impl Headers {
    /// The head from its status line to its blank line.
    pub(super) const fn new(text: Bytes) -> Self {
        Self { text }
    }

    /// The same in memory of its own.
    pub(super) fn detached(&self) -> Self {
        Self { text: Bytes::copy_from_slice(&self.text) }
    }

    /// Bytes that it takes.
    pub(super) const fn size(&self) -> usize {
        self.text.len()
    }

    /// The value of the first header of this name, in whatever case.
    pub(super) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The values of all headers of this name, in whatever case.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let lines = self.text.split(|&byte| byte == b'\n').skip(1);
        lines
            .filter_map(move |line| split(line, name.len()))
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value.trim_ascii())
    }

    /// The same, if it is visible ASCII.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.bytes(name)?;
        let visible = value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
        std::str::from_utf8(value).ok().filter(|_| visible)
    }
}

/// A line whose name has this length: its name and its value.
fn split(line: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let (name, rest) = line.split_at_checked(length)?;
    Some((name, rest.strip_prefix(b":")?))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Headers;

    #[test]
    fn headers_are_found_by_their_whole_name() {
        let text = "HTTP/1.1 200 a: status\r\nab: 1\r\nA:  two \r\nb: \u{e9}\r\nlast:\r\n\r\n";
        let headers = Headers::new(Bytes::from_static(text.as_bytes()));
        assert_eq!(headers.get("a"), Some("two"));
        assert_eq!(headers.get("AB"), Some("1"));
        assert_eq!(headers.get("last"), Some(""));
        assert_eq!((headers.get("b"), headers.bytes("b")), (None, Some("\u{e9}".as_bytes())));
        assert_eq!(headers.get("HTTP/1.1 200 a"), None);
        assert_eq!(headers.get("c"), None);
        assert_eq!(Headers::default().get("a"), None);
        let twice = Headers::new(Bytes::from_static(b"HTTP/1.1 200\r\na: 1\r\nb: 2\r\nA: 3\r\n\r\n"));
        assert_eq!(twice.all("a").collect::<Vec<_>>(), [b"1", b"3"]);
    }
}
