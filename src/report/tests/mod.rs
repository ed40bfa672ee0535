//! Tests of the reports as a whole.

mod sample;

#[test]
fn look() {
    for (name, (results, verdict)) in [
        ("typical", sample::typical()),
        ("empty", sample::empty()),
        ("one", sample::one_second()),
        ("interrupted", sample::interrupted()),
        (
            "hostile",
            sample::hostile(
                "</script><b>`|x`|\u{1b}[31m\u{202e} @all http://evil.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            ),
        ),
        ("long", sample::long(600, 20)),
    ] {
        for format in super::Format::ALL {
            let start = std::time::Instant::now();
            let out = super::render(&results, &verdict, format, super::Style { color: false })
                .unwrap_or_else(|e| panic!("{e}"));
            println!("{name} {} {} bytes {:?}", format.name(), out.len(), start.elapsed());
            std::fs::write(format!("/tmp/scratch/report/{name}.{}", format.name()), out).unwrap();
        }
    }
}
