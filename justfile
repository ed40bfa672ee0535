# Everyday commands. `just` lists them.

_default:
    @just --list --unsorted

# Format, lint and test: what CI checks
check: lint test

# Formatting and lints, warnings as errors
lint:
    cargo fmt --all --check
    cargo clippy --all-targets -- -D warnings
    cargo fmt --check --manifest-path benches/peers/Cargo.toml

# All tests
test:
    cargo test

# Rewrite all expectations, then look at the diff
bless:
    UPDATE=1 TRYCMD=overwrite cargo test

# Run the quickstart and write report.html
quickstart:
    cargo run --release -- run examples/quickstart.mcpl --report html=report.html

# What single parts cost: parsing, the schedule, a request, an answer, recording
bench:
    cargo bench --bench parse --bench measured_path

# What a request costs in instructions, held against benches/instructions.txt (needs Valgrind)
count-instructions:
    cargo bench --bench instructions

# What mcpl promises about its own cost, beside wrk and rmcp's client; takes five minutes
bench-peers *ARGS:
    cargo build --release
    cargo run --release --target-dir target/peers --manifest-path benches/peers/Cargo.toml -- {{ARGS}}

# What the live view costs: a second of a run and a frame
live-view-cost:
    cargo test --release --lib live_view_cost -- --ignored --nocapture

# What the live view changes in what is measured: runs with it and without, compared; takes two minutes
live-view-influence *ARGS:
    cargo bench --bench live_view -- {{ARGS}}

# How often verdicts find what is wrong, and what is not: docs/verdicts.md; takes a quarter of an hour
verdict-rates *ARGS:
    cargo bench --bench verdict_rates -- {{ARGS}}

# How often `mcpl compare --a --b` is right, against the built-in server: docs/compare.md; takes half an hour
compare-rates *ARGS:
    cargo bench --bench compare_rates -- {{ARGS}}

# Line coverage of the library, with the tests' own child processes
coverage:
    .ci/coverage

# Licences, sources and duplicates of the dependencies (needs cargo-deny)
deny:
    cargo deny check bans licenses sources
