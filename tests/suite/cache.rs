//! `cache hints on`, from the file to the verdict.

use crate::raw_server::listing;
use crate::support::{Scenario, assert_exit};

use mcpl::results::Window;

#[test]
fn users_ask_once_for_what_they_may_keep() {
    let tools = r#"{"resultType":"complete","tools":[{"name":"list_rules","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}],"ttlMs":60000,"cacheScope":"private"}"#;
    let server = listing(tools.to_owned(), |mut call| call.answer());
    let scenario = |hints: &str| {
        Scenario::new(&format!(
            "mcpl 1\nserver s {{\n{server}\n}}\n\
             scenario a {{\ntarget s\nstages {{ iterations 10 each by 2 users }}\n{hints}\nrun f\n}}\n\
             flow f {{\nlist tools {{ save name = result.tools[0].name }}\ncall list_rules {{ args {{ \"q\": name }} }}\n}}\n\
             assert {{\ncached.count == 18\nrequests.count == 22\nerrors.count == 0\n}}\n"
        ))
    };
    let cached = scenario("cache hints on");
    assert_exit(&cached.run(&[]), 0);
    let results = cached.results();
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!((counts.requests, counts.cached, counts.failed()), (22, 18, 0));

    let asked = scenario("");
    assert_exit(&asked.run(&[]), 1);
    let results = asked.results();
    let counts = results.counts(&results.everything(), Window::Whole);
    assert_eq!((counts.requests, counts.cached), (40, 0));
    assert!(!results.to_json().contains("\"cached\":"), "a file without it is as it was");
}
