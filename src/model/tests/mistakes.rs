//! Plausible mistakes: each gives one diagnostic whose help mends it.

use super::{File, GOOD, compile};

/// One mistake: the code, and what the help says.
type Row = (&'static str, &'static str, &'static str);

#[track_caller]
fn check(rows: &[Row], file: impl Fn(&'static str) -> String) {
    let mut wrong = Vec::new();
    for (text, code, help) in rows {
        let found = compile(&file(text), &[]).diagnostics;
        let fits = matches!(found.as_slice(), [only] if only.code == *code
            && only.help.as_ref().is_some_and(|said| said.contains(help)));
        if !fits {
            let found: Vec<_> = found.iter().map(|found| (found.code, &found.message, &found.help)).collect();
            wrong.push(format!("{text}\n  wanted {code} {help}\n  found  {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn in_stages() {
    let rows = [
        ("hold 20 for 5s", "E302", "write `20/s`"),
        ("hold 5/s for 20", "E302", "write `20s`"),
        ("ramp 0 -> 20 users over 1s\nhold 20 for 5s", "E302", "write `20 users`"),
        ("hold 20s for 5s", "E301", "such as `40/s`"),
        ("hold \"40/s\" for 5s", "E301", "such as `40/s`"),
        ("hold -5/s for 5s", "E303", "a rate from 0 to 10000000/s"),
        ("hold 1/s * 1e300 for 5s", "E303", "a rate from 0 to 10000000/s"),
        ("hold 2.5 users for 5s", "E303", "a whole number of users from 0 to 1000000"),
        ("hold 5/s for -1s", "E303", "a duration from 0 to 720h"),
        ("hold 5/s for 99999h", "E303", "a duration from 0 to 720h"),
        ("hold 5/s for 0.1ns", "E406", "for 10s"),
        ("hold 0 for 5s", "E408", "hold 10/s for 30s"),
        ("drain up to 5s", "E403", "hold 10/s for 30s"),
        ("hold 5/s / 0 for 5s", "E305", "write the value"),
        ("hold 1/s..5/s for 5s", "E314", "write one value"),
        ("hold 5/s for 5s\nmax users 0 users", "E303", "from 1 to 1000000"),
        ("hold 5/s for 5s\nmax users 2.5 users", "E303", "a whole number"),
        ("hold 5/s for 5s\ndrain up to -5s", "E303", "from 0 to 720h"),
        ("hold 5/s for 5s\narrivals random", "E213", "`uniform` or `poisson`"),
        ("hold 5 users for 5s\narrivals poisson", "E410", "remove `arrivals`"),
        ("hold 5 users for 5s\nhold 5/s for 5s", "E401", "one unit"),
    ];
    check(&rows, |stages| File { stages, ..GOOD }.text());
}

#[test]
fn in_a_scenario() {
    let rows = [
        ("run lok", "E203", "write `look`"),
        ("run everything", "E203", "add `flow everything"),
        ("mix { }", "E403", "add a share such as `100% look`"),
        ("mix { 90% look }", "E402", "`100%`"),
        ("mix { 100% look\n0% look }", "E404", "remove one"),
        ("mix { 100% look }\nrun look", "E405", "keep either `mix` or `run`"),
        ("mix { 10s look }", "E301", "a percentage"),
        ("run look\ncache hints 5", "E301", "write `on` or `off`"),
        ("run look\ncache hints on\ncache hints on", "E404", "remove one"),
        ("run look\nwarmup 10s", "E407", "shorter than 10s"),
        ("run look\nwarmup -1s", "E303", "from 0 to 720h"),
        ("run look\nwarmup 1s\nwarmup 2s", "E404", "remove one"),
        ("run look\nlost session ignore", "E213", "`fail` or `renew`"),
        ("run look\nlost session fail\nlost session fail", "E404", "remove one"),
        ("run look\nids uuid", "E213", "`counting`, `constant`, `text`"),
        ("run look\nids text\nids text", "E404", "remove one"),
        ("run look\npersona \"Chat GPT\"", "E213", "write `\"ChatGPT\"`"),
        ("run look\npersona \"claude code\"", "E213", "write `\"Claude Code\"`"),
        ("run look\npersona \"Emacs\"", "E213", "`\"specification\"`, `\"claude.ai\"`"),
        ("run look\npersona 5", "E301", "\"specification\""),
        ("run look\nlist before call 20", "E302", "write `20%`"),
        ("run look\nlist before call 120%", "E303", "from 0 to 100%"),
        ("run look\nlist before call 33.333%", "E303", "two decimals"),
        ("", "E403", "add `run look`"),
    ];
    check(&rows, |scenario| File { scenario, ..GOOD }.text());
}

#[test]
fn cache_hints_need_a_server_that_has_some() {
    let rows = [
        ("http \"http://127.0.0.1/mcp\"\nprotocol 2025-11-25", "E410", "protocol 2026-07-28"),
        (
            "http \"http://127.0.0.1/mcp\"\nprotocol {\n50% 2025-11-25\n50% 2025-06-18\n}",
            "E410",
            "remove `cache hints`",
        ),
        ("sse \"http://127.0.0.1/sse\"", "E410", "remove `cache hints`"),
    ];
    check(&rows, |server| File { server, scenario: "run look\ncache hints on", ..GOOD }.text());
    for server in ["builtin rulebook", "builtin rulebook\nprotocol {\n50% 2025-11-25\n50% 2026-07-28\n}"] {
        let text = File { server, scenario: "run look\ncache hints on", ..GOOD }.text();
        assert_eq!(compile(&text, &[]).diagnostics, [], "{server}");
    }
    let off = File { server: rows[2].0, scenario: "run look\ncache hints off", ..GOOD }.text();
    assert_eq!(compile(&off, &[]).diagnostics, []);
}

#[test]
fn in_a_server() {
    let rows = [
        ("", "E403", "say how it is reached"),
        ("http \"127.0.0.1:3000/mcp\"", "E311", "write `http \"http://127.0.0.1:3000/mcp\"`"),
        ("http \"ftp://127.0.0.1/mcp\"", "E311", "write an address"),
        ("http \"http://unix:run/a:mcp\"", "E311", "write `http \"http://unix:/run/a:/mcp\"`"),
        ("http \"https://unix:/run/a\"", "E311", "write `http \"http://unix:/run/a:/\"`"),
        ("http \"http://unix::/mcp\"", "E311", "such as `http \"http://unix:/run/mcp.sock:/mcp\"`"),
        ("sse \"http://127.0.0.1/sse\"\nprotocol 2026-07-28", "E410", "up to 2025-11-25"),
        ("http \"http://127.0.0.1/mcp\"\ntls { insecure on }", "E410", "write `https://` in the address"),
        ("http \"http://127.0.0.1:99999/mcp\"", "E311", "write an address"),
        ("http \"http://a:b@127.0.0.1/mcp\"", "E311", "write an address"),
        ("http \"\"", "E301", "an address"),
        ("http 5", "E301", "an address"),
        ("http \"http://localhost\"\nenv { \"A\": \"b\" }", "E410", "remove `env`"),
        ("http \"http://localhost\"\ncwd \"a\"", "E410", "remove `cwd`"),
        ("builtin rulebook\nenv { \"A\": \"b\" }", "E410", "remove `env`"),
        ("builtin rulebook { stdio on }\nheader \"A\" \"b\"", "E410", "remove `header`"),
        ("stdio [\"a\"]\nheader \"A\" \"b\"", "E410", "remove `header`"),
        ("stdio [\"a\"]\npid 7", "E410", "remove `pid`: the processes that mcpl starts are watched anyway"),
        ("builtin rulebook\npid 7", "E410", "remove `pid`"),
        ("http \"http://localhost\"\nlaunch [\"a\"]\npid 7", "E410", "remove `pid`"),
        ("http \"http://localhost\"\npid 0", "E303", "a whole number from 1 to 4194304"),
        ("http \"http://localhost\"\npid 1.5", "E303", "a whole number from 1 to 4194304"),
        ("http \"http://localhost\"\npid 1\npid 2", "E404", "remove one"),
        ("stdio \"node server.js\"", "E301", "[\"node\", \"server.js\"]"),
        ("stdio []", "E301", "[\"node\", \"server.js\"]"),
        ("stdio [\"\"]", "E301", "[\"node\", \"server.js\"]"),
        ("stdio [\"a\"]\nenv { \"A\": 1 }", "E301", "a text such as"),
        ("at \"node server.js\"\ntls { insecure on }", "E410", "remove `tls`"),
        ("at \"http://127.0.0.1:99999/mcp\"", "E311", "write an address"),
        ("at \"sse+http://127.0.0.1/sse\"\nprotocol 2026-07-28", "E410", "up to 2025-11-25"),
        ("at \" \"", "E301", "a target"),
        ("at \"builtin rulebok\"", "E212", "write `rulebook`"),
        ("at \"builtin rulebook --latncy=5ms\"", "E212", "write `--latency`"),
        ("at \"builtin rulebook --latency=5\"", "E301", "a duration"),
        ("at \"builtin rulebook --errors=200%\"", "E301", "a percentage up to 100%"),
        ("at \"builtin rulebook --errors 2%\"", "E301", "`--errors=1%`"),
        ("at \"htp://127.0.0.1/mcp\"", "E311", "write an address"),
        ("at \"http://127.0.0.1 /mcp\"", "E311", "write an address"),
        ("at \"sse+ftp://127.0.0.1/sse\"", "E311", "write an address"),
        ("at \"node server.js\"\nheader \"A\" \"b\"", "E410", "remove `header`"),
        ("at \"node server.js\"\nhttp \"http://localhost\"", "E405", "keep either `at` or `http`"),
        ("builtin rulebok", "E212", "write `rulebook`"),
        ("builtin rulebook { rulez 5 }", "E212", "write `rules`"),
        ("builtin rulebook { rules 1.5 }", "E301", "a whole number"),
        ("builtin rulebook { rules 5\nrules 6 }", "E404", "remove one"),
        ("builtin rulebook { latency -5ms }", "E303", "from 0 to 720h"),
        ("builtin rulebook { errors 200% }", "E303", "from 0 to 100%"),
        ("builtin rulebook { errors 0.1 }", "E302", "write `10%`"),
        ("builtin rulebook { answers xml }", "E213", "`json` or `sse`"),
        ("builtin rulebook { stdio yes }", "E301", "write `on` or `off`"),
        ("builtin rulebook\ntimeout 10", "E302", "write `10s`"),
        ("builtin rulebook\ntimeout 0s", "E303", "from 1ms to 720h"),
        ("builtin rulebook\nprotocol 2023-11-05", "E213", "`2025-06-18`"),
        ("builtin rulebook\nheader \"X Team\" \"a\"", "E315", "write a name"),
        ("builtin rulebook\nheader \"content-length\" \"5\"", "E315", "remove"),
        ("builtin rulebook\nheader \"Mcp-Param-Region\" \"eu\"", "E315", "remove"),
        ("builtin rulebook\nheader \"A\" \"a\\nb\"", "E315", "line breaks"),
        (
            "builtin rulebook\nauth oauth {\ntoken_url \"http://127.0.0.1/t\"\nclient_id \"a\"\nclient_secret \"b\"\n}",
            "E410",
            "remove `auth`",
        ),
        (
            "http \"http://localhost\"\nauth oauth {\ntoken_url \"https://id.example.com/t\"\nclient_id \"a\"\nclient_secret \"b\"\n}",
            "E501",
            "id.example.com",
        ),
        (
            "http \"http://localhost\"\nauth oauth {\ntoken_url \"http://id.example.com/t\"\nclient_id \"a\"\nclient_secret \"b\"\n}",
            "E311",
            "token_url \"https://id.example.com/token\"",
        ),
        (
            "http \"http://localhost\"\nauth oauth {\nclient_id \"a\"\n}",
            "E403",
            "add `client_secret secret(\"CLIENT_SECRET\")`, or `client_key \"client.key\"`",
        ),
        (
            "http \"http://localhost\"\nauth oauth {\nclient_id \"a\"\nclient_key \"k\"\nclient_secret \"b\"\n}",
            "E405",
            "keep either `client_key` or `client_secret`",
        ),
        (
            "http \"http://localhost\"\nauth oauth {\nclient_id \"a\"\nclient_secret \"b\"\nkey_id \"k\"\n}",
            "E410",
            "remove `key_id`, or write `client_key",
        ),
        (
            "http \"http://localhost\"\nauth oauth {\nclient_id \"a\"\nclient_secret \"b\"\naudience \"k\"\n}",
            "E410",
            "remove `audience`",
        ),
        (
            "http \"http://localhost\"\nauth oauth {\nclient_id \"a\"\nclient_key \"-----BEGIN PRIVATE KEY-----\"\n}",
            "E301",
            "write the path of a key such as `\"client.key\"`",
        ),
        (
            "http \"http://localhost\"\nauth oauth {\nclient_id \"a\"\nclient_key f\"{secret(\"A\")}.pem\"\n}",
            "E308",
            "in `auth`",
        ),
        (
            "http \"http://localhost\"\nauth oauth {\nclient_id \"a\"\nclient_key \" \"\n}",
            "E301",
            "such as `\"client.key\"`",
        ),
        ("http \"http://localhost\"\nauth oauth {\nclient_id \"a\"\nclient_key \"k\"\nkey_id 7\n}", "E301", "such as"),
        ("http \"http://localhost\"\nproxy \"127.0.0.1:3128\"", "E311", "`proxy \"http://proxy.example.com:3128\"`"),
        ("http \"http://localhost\"\nproxy \"https://127.0.0.1:3128\"", "E311", "proxy.example.com:3128"),
        ("http \"http://localhost\"\nproxy \"http://127.0.0.1\"", "E311", "proxy.example.com:3128"),
        ("http \"http://localhost\"\nproxy \"http://127.0.0.1:1/a\"", "E311", "proxy.example.com:3128"),
        ("http \"http://localhost\"\nproxy 5", "E311", "proxy.example.com:3128"),
        ("http \"http://localhost\"\nproxy \"http://a:b@127.0.0.1:1\"", "E311", "`proxy secret(\"PROXY_URL\")`"),
        ("http \"http://localhost\"\nproxy \"http://proxy.example.com:1\"", "E501", "proxy.example.com"),
        ("http \"http://localhost\"\nproxy environment\nproxy environment", "E404", "remove one"),
        ("http \"http://unix:/run/a\"\nproxy environment", "E410", "remove `proxy`"),
        ("stdio [\"a\"]\nproxy environment", "E410", "remove `proxy`"),
        ("builtin rulebook\nproxy \"http://127.0.0.1:1\"", "E410", "remove `proxy`"),
        ("builtin rulebook\nheader \"A\" uuid()", "E305", "use literals"),
        ("builtin rulebook\nheader \"A\" structured.a", "E305", "use literals"),
        ("builtin rulebook\nheader \"A\" secret()", "E306", "secret(\"TOKEN\")"),
    ];
    check(&rows, |server| File { server, ..GOOD }.text());
}

#[test]
fn in_a_flow() {
    let rows = [
        ("call search { args { \"a\": id } }\ncall get { save id = text }", "E201", "use `id` below"),
        ("call search { save id = text }\ncall get { args { \"a\": idd } }", "E201", "write `id`"),
        ("call search { args { \"a\": nothing } }", "E201", "write `\"nothing\"` if a text is meant"),
        ("call search { args { \"a\": user.idd } }", "E201", "write `user.id`"),
        ("call search { args { \"a\": text } }", "E309", "save it in an earlier step"),
        ("call search { args { \"a\": secret(\"A\") } }", "E308", "in `auth`, a `header`"),
        ("call search { args { \"a\": 5s } }", "E310", "a plain number"),
        ("call search { args [1] }", "E301", "an object"),
        ("call search { args { \"a\": 1 / 0 } }", "E305", "write the value"),
        ("call search { args { \"a\": pick([]) } }", "E306", "pick([\"a\", \"b\"])"),
        ("call search { args { \"a\": random(9..1) } }", "E303", "write `1..9`"),
        ("call search { args { \"a\": \"x\" + \"y\" } }", "E304", "a format string"),
        ("call search { args { \"a\": now() } }", "E209", "one of `env`"),
        ("call \"\"", "E301", "a name"),
        ("read \"docs://a\" { args { } }", "E410", "remove `args`"),
        ("call search { pages 2 }", "E410", "remove `pages`"),
        ("list tools { pages 0 }", "E303", "from 1 to 1000"),
        ("list tool", "E213", "write `tools`"),
        ("read 5", "E301", "the address of a resource"),
        ("read \"\"", "E301", "the address of a resource"),
        ("call search { as \"\" }", "E301", "a label"),
        ("call search\nthink 2s..1s", "E303", "write `1s..2s`"),
        ("call search\nthink -1s", "E303", "from 0 to 720h"),
        ("call search\nthink 5", "E302", "write `5s`"),
        ("call search\nthink exponential 1s..2s", "E314", "write one value"),
        ("call search { save pause = text }\nthink pause", "E305", "use literals"),
        ("call search { save text = structured.a }", "E204", "`my_text`"),
        ("let user = 5\ncall search", "E204", "`my_user`"),
        ("think 5s", "E409", "call TOOL"),
    ];
    check(&rows, |flow| File { flow, ..GOOD }.text());
}

#[test]
fn in_an_expectation() {
    let rows = [
        ("true", "E312", "ask for a part of the response"),
        ("1 < 2", "E312", "ask for a part of the response"),
        ("latency", "E301", "a condition"),
        ("length(structured.hits)", "E301", "a condition"),
        ("latency < 500", "E302", "write `500ms`"),
        ("latency < 2", "E302", "write `2s`"),
        ("size < 64", "E302", "write `64B`"),
        ("size < 64ms", "E304", "a size on both sides"),
        ("structured.ms < 5ms", "E304", "a plain number"),
        ("latency.p95 < 5ms", "E301", "write percentiles in `assert`"),
        ("text.length > 5", "E301", "an object or a list"),
        ("status == \"200\"", "E304", "a number on both sides"),
        ("size in 1KiB..2KiB", "E314", "write one value"),
        ("structured[tag=\"x\"] == 1", "E314", "[\"name\"]"),
        ("len(structured.hits) > 0", "E209", "write `length`"),
        ("text matches \"(\"", "E307", "escape"),
        ("text matches structured.a", "E301", "a regular expression"),
        ("header(5) == \"a\"", "E301", "the name of a header"),
        ("latency in [1, 2]", "E304", "any value in a list"),
    ];
    check(&rows, |expect| {
        let flow = format!("call search {{ expect {expect} }}");
        File { flow: &flow, ..GOOD }.text()
    });
}

#[test]
fn in_assert() {
    let rows = [
        ("browes.latency.p95 < 1s", "E205", "write `browse`"),
        ("everything.latency.p95 < 1s", "E205", "one of `browse`"),
        ("flow(browse).latency.p95 < 1s", "E205", "write `look`"),
        ("browse[tag=\"x\"].latency.p95 < 1s", "E217", "add `tag tag = …`"),
        ("latncy.p95 < 1s", "E206", "write `latency`"),
        ("browse < 1s", "E206", "`browse.latency.p95`"),
        ("search.dropped.count == 0", "E206", "write `browse.dropped`"),
        ("look.iteration.p95 < 1s", "E206", "write `browse.iteration`"),
        ("generator.cpus.max < 90%", "E206", "write `cpu`"),
        ("server.rss.p95 < 1GiB", "E207", "write one of `max`, `mean`"),
        ("server(\"dokcs\").rss.max < 1GiB", "E205", "write `docs`"),
        ("server(docs).heap.max < 1GiB", "E206", "write `cpu`, `rss` or `fds`"),
        ("server.latency.p95 < 1s", "E205", "one of"),
        ("latency < 1s", "E207", "`latency.p95`"),
        ("latency.avg < 1s", "E207", "write `mean`"),
        ("latency.median < 1s", "E207", "write `p50`"),
        ("latency.p100 < 1s", "E207", "write `max`"),
        ("latency.rate < 5/s", "E207", "write one of `p50`"),
        ("errors < 1%", "E207", "`errors.rate`"),
        ("errors.timeot.rate < 1%", "E207", "write `timeout`"),
        ("throughput.rate > 5/s", "E207", "remove `.rate`"),
        ("latency.p95.max < 1s", "E207", "remove `.max`"),
        ("tool(search).latency.p95 < 1s", "E209", "write `step`"),
        ("expect(\"answer\").rate > 99%", "E210", "write `\"answers\"`"),
        ("expect(answers).rate > 99%", "E306", "write `expect(\"answers\")`"),
        ("latency.p95 < 250", "E302", "write `250ms`"),
        ("errors.rate < 0.01", "E302", "write `1%`"),
        ("errors.rate < 1", "E302", "write `1%`"),
        ("latency.p95 < 5%", "E304", "a duration on both sides"),
        ("latency.p95 == \"fast\"", "E301", "such as `250ms`"),
        ("latency.p95", "E312", "compare a metric"),
        ("50ms < 60ms", "E312", "compare a metric"),
        ("latency.p95 < 1s and errors.rate < 1%", "E312", "one line for each"),
        ("1ms < latency.p95 < 1s", "E312", "one line for each"),
        ("not latency.p95 < 1s", "E312", "the opposite comparison"),
        ("latency.p95 < 1s in 0% of seconds", "E303", "above 0%"),
        ("latency.p95 < 1s in 99 of seconds", "E302", "write `99%`"),
    ];
    check(&rows, |assert| File { assert, ..GOOD }.text());
}

#[test]
fn processes_that_nobody_knows() {
    let rows = [
        ("server(docs).rss.max < 1GiB", "E206", "`pid 1234`"),
        ("server.fds.max < 100", "E206", "let mcpl start it with `launch`"),
    ];
    let server = "http \"http://localhost:1/mcp\"";
    check(&rows, |assert| File { server, assert, ..GOOD }.text());
}

#[test]
fn in_parameters_and_the_guard() {
    let rows = [
        ("param a = b\nparam b = 5", "E201", "use `b` below"),
        ("param a = a", "E201", "use `a` below"),
        ("param a = latency", "E305", "use literals"),
        ("param a = uuid()", "E305", "use literals"),
        ("param a = secret(\"A\")\nguard { allow hosts [a] }", "E308", "in `auth`, a `header`"),
        ("param a = env(\"A\", \"b\")", "E306", "default:"),
        ("param a = 1\nparam a = 2", "E204", "`a_2`"),
        ("guard { }\nguard { }", "E404", "remove one"),
        ("guard { allow hosts \"a.com\" }", "E301", "a list of host names"),
        ("guard { allow hosts [\"http://a.com\"] }", "E301", "a list of host names"),
        ("guard { allow hosts [\"a.com:80\"] }", "E301", "a list of host names"),
        ("guard { deny tools [1] }", "E301", "a list of tool names"),
        ("guard { max rate 5 }", "E302", "write `5/s`"),
        ("guard { max rate 0/s }", "E303", "from 0.001/s"),
        ("guard { max users 1 }", "E302", "write `1 user`"),
        ("guard { max rate 1.5/s }", "E503", "`max rate 5/s`"),
        ("report { html \"a\"\njunit \"a\" }", "E404", "remove one"),
        ("report { html \"\" }", "E301", "a path"),
    ];
    check(&rows, |items| File { items, ..GOOD }.text());
}
