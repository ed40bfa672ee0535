# Everyday commands. `just` lists them.

_default:
    @just --list --unsorted

# Format, lint and test: what CI checks
check: lint test

# Formatting and lints, warnings as errors
lint:
    cargo fmt --all --check
    cargo clippy --all-targets -- -D warnings

# All tests
test:
    cargo test

# Rewrite all expectations, then look at the diff
bless:
    UPDATE=1 TRYCMD=overwrite cargo test

# Run the quickstart and write report.html
quickstart:
    cargo run --release -- run examples/quickstart.mcpl --report html=report.html

# How fast scenario files are parsed and compiled
bench:
    cargo bench --bench parse

# Line coverage of the library, with the tests' own child processes
coverage:
    .ci/coverage

# Licences, sources and duplicates of the dependencies (needs cargo-deny)
deny:
    cargo deny check bans licenses sources
