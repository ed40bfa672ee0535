//! The catalogue of diagnostics: every code and its page.

/// One code.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Such as `E304`.
    pub code: &'static str,
    /// Its page in `docs/errors/`, as Markdown.
    pub page: &'static str,
}

impl Entry {
    /// The first line of its page without the code.
    #[must_use]
    pub fn title(&self) -> &'static str {
        let line = self.page.lines().next().unwrap_or_default();
        line.split_once(": ").map_or(line, |(_, title)| title)
    }
}

macro_rules! pages {
    ($($code:literal)*) => {
        /// All codes, in order.
        pub const ENTRIES: &[Entry] = &[
            $(Entry { code: $code, page: include_str!(concat!("../../docs/errors/", $code, ".md")) },)*
        ];
    };
}

pages! {
    "E101" "E102" "E103" "E104" "E105" "E106" "E107" "E108" "E109" "E110" "E111" "E112" "E113" "E114" "E115" "E116" "E117" "E118" "E119" "E120"
    "E201" "E202" "E203" "E204" "E205" "E206" "E207" "E208" "E209" "E210" "E211" "E212" "E213" "E214" "E215" "E216" "E217" "E218" "E219"
    "E301" "E302" "E303" "E304" "E305" "E306" "E307" "E308" "E309" "E310" "E311" "E312" "E313" "E314" "E315"
    "E401" "E402" "E403" "E404" "E405" "E406" "E407" "E408" "E409" "E410" "E411" "E412"
    "E501" "E502" "E503" "E504" "E505" "E506"
    "E601" "E602" "E603" "E604" "E605" "E606" "E607" "E608" "E609" "E610" "E611"
    "E701" "E702" "E703" "E704" "E705"
    "W101" "W102"
    "W201"
    "W301"
    "W402" "W403"
    "W601" "W602" "W603" "W604"
}

/// The entry of a code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.code == code)
}
