#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mcpl::transport::fuzz::sse(bytes));
