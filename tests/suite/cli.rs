//! Command-line transcripts: `tests/cmd/*.trycmd`.

#[test]
fn transcripts() {
    trycmd::TestCases::new().env("NO_COLOR", "1").env("MCPL_HISTORY", "").case("tests/cmd/*.trycmd");
}
