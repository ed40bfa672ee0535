use super::peer::{PATIENCE, Server, http, json};
use crate::transport::{
    Failure, Hints, List, ListError, Listed, PromptArgument, PromptInfo, ResourceInfo, Revision, TaskSupport,
    TemplateInfo, ToolInfo, list_all, list_tools,
};

/// What a server that answers with these pages is found to have, and the
/// parameters of the requests.
async fn list(pages: &[String]) -> (Result<Vec<ToolInfo>, Failure>, Vec<serde_json::Value>) {
    let server = Server::start().await;
    let mut client = server.client(Revision::V2025_11_25);
    tokio::join!(list_tools(&mut client, PATIENCE), async {
        let mut peer = server.accept().await;
        let mut params = Vec::new();
        for (id, page) in (1..).zip(pages) {
            let request = peer.answer(json(&page.replace("ID", &format!("{id}")))).await.json();
            assert_eq!(request["method"], "tools/list");
            params.push(request["params"].clone());
        }
        params
    })
}

fn page(result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":ID,"result":{result}}}"#)
}

#[tokio::test]
async fn all_pages_are_read_and_an_empty_cursor_is_a_cursor() {
    let pages = [
        page(r#"{"tools":[{"name":"a","inputSchema":{"type":"object"}}],"nextCursor":"x\"y"}"#),
        page(r#"{"tools":[],"nextCursor":""}"#),
        page(
            r#"{"tools":[{"name":"b","description":"d","outputSchema":{},"annotations":{"readOnlyHint":true},"execution":{"taskSupport":"required"}}],"ttlMs":5}"#,
        ),
    ];
    let (tools, params) = list(&pages).await;
    let tools = tools.unwrap();
    assert_eq!(
        tools[0],
        ToolInfo {
            name: "a".into(),
            description: None,
            input_schema: serde_json::json!({"type": "object"}),
            output_schema: None,
            hints: Hints::default(),
            task_support: TaskSupport::Forbidden,
        }
    );
    assert_eq!(
        tools[1],
        ToolInfo {
            name: "b".into(),
            description: Some("d".into()),
            input_schema: serde_json::Value::Null,
            output_schema: Some(serde_json::json!({})),
            hints: Hints { read_only: true, ..Hints::default() },
            task_support: TaskSupport::Required,
        }
    );
    assert_eq!(tools.len(), 2);
    assert_eq!(
        params,
        [serde_json::json!({}), serde_json::json!({"cursor": "x\"y"}), serde_json::json!({"cursor": ""})]
    );
}

#[tokio::test]
async fn only_a_hint_that_is_true_makes_a_tool_read_only() {
    let table = [
        ("", false),
        (r#","annotations":null"#, false),
        (r#","annotations":{}"#, false),
        (r#","annotations":{"readOnlyHint":false}"#, false),
        (r#","annotations":{"readOnlyHint":"true"}"#, false),
        (r#","annotations":{"readOnlyHint":true,"destructiveHint":true}"#, true),
    ];
    let tools: Vec<_> = table.iter().map(|(more, _)| format!(r#"{{"name":"t"{more}}}"#)).collect();
    let (tools, _) = list(&[page(&format!(r#"{{"tools":[{}]}}"#, tools.join(",")))]).await;
    let found: Vec<_> = tools.unwrap().iter().map(|tool| tool.hints.read_only).collect();
    assert_eq!(found, table.map(|(_, expected)| expected));
}

#[tokio::test]
async fn a_list_without_end_is_an_error() {
    let endless = vec![page(r#"{"tools":[],"nextCursor":"again"}"#); 100];
    let (tools, params) = list(&endless).await;
    assert_eq!(tools.unwrap_err().to_string(), "the list of tools has more than 100 pages");
    assert_eq!(params.len(), 100);
}

#[tokio::test]
async fn refusals_and_nonsense_are_errors() {
    let refused = r#"{"id":ID,"error":{"code":-32601,"message":"no tools"}}"#.to_owned();
    let (tools, _) = list(&[refused]).await;
    assert_eq!(tools.unwrap_err().to_string(), "the server refused tools/list: no tools (-32601)");
    let (tools, _) = list(&[page(r#"{"tools":[{}]}"#)]).await;
    let error = tools.unwrap_err().to_string();
    assert!(error.starts_with("the result of tools/list is malformed: missing field `name`"), "{error}");
}

#[tokio::test]
async fn failures_are_passed_on() {
    let server = Server::start().await;
    let mut client = server.client(Revision::V2025_11_25);
    let (tools, _) =
        tokio::join!(list_tools(&mut client, PATIENCE), server.answer_once(http("500 Oops", "text/plain", "x")));
    assert_eq!(tools.unwrap_err().class(), "http");
}

/// The first pages of a list of some kind, and how many were asked for.
async fn some<T: Listed>(answers: &[String], pages: usize) -> (Result<List<T>, ListError>, usize) {
    let server = Server::start().await;
    let mut client = server.client(Revision::V2025_11_25);
    tokio::join!(list_all(&mut client, PATIENCE, pages), async {
        let mut peer = server.accept().await;
        for (id, answer) in (1..).zip(answers) {
            let request = peer.answer(json(&answer.replace("ID", &format!("{id}")))).await.json();
            assert_eq!(request["method"], T::METHOD);
        }
        answers.len()
    })
}

#[tokio::test]
async fn a_list_is_cut_after_so_many_pages() {
    let pages = vec![page(r#"{"resources":[{"uri":"x://1","name":"one","size":null}],"nextCursor":"more"}"#); 2];
    let (list, _) = some::<ResourceInfo>(&pages, 2).await;
    let item = ResourceInfo { uri: "x://1".into() };
    assert_eq!(list.unwrap(), List { items: vec![item.clone(), item], complete: false });
}

#[tokio::test]
async fn prompts_and_templates_are_read_leniently() {
    let answer = page(
        r#"{"prompts":[{"name":"a"},{"name":"b","arguments":null},{"name":"c","arguments":[{"name":"x","required":true},{"name":"y","required":null},{"name":"z"}]}],"nextCursor":null}"#,
    );
    let (list, _) = some::<PromptInfo>(&[answer], 1).await;
    let argument = |name: &str, required| PromptArgument { name: name.into(), required };
    let prompt = |name: &str, arguments| PromptInfo { name: name.into(), arguments };
    let items = vec![
        prompt("a", vec![]),
        prompt("b", vec![]),
        prompt("c", vec![argument("x", true), argument("y", false), argument("z", false)]),
    ];
    assert_eq!(list.unwrap(), List { items, complete: true });
    let (list, _) = some::<TemplateInfo>(&[page(r#"{"resourceTemplates":[{"uriTemplate":"x://{a}"}]}"#)], 1).await;
    assert_eq!(list.unwrap().items, [TemplateInfo { uri_template: "x://{a}".into() }]);
}

#[tokio::test]
async fn a_method_that_is_not_known_is_told_from_other_refusals() {
    for (code, unsupported) in [(-32601, true), (-32603, false)] {
        let refused = format!(r#"{{"jsonrpc":"2.0","id":ID,"error":{{"code":{code},"message":"no"}}}}"#);
        let (list, _) = some::<PromptInfo>(&[refused], 3).await;
        assert_eq!(list.unwrap_err().is_unsupported(), unsupported);
    }
    let (list, _) = some::<PromptInfo>(&[page(r#"{"tools":[]}"#)], 3).await;
    let error = list.unwrap_err();
    assert!(!error.is_unsupported());
    assert_eq!(error.to_string(), "the result of prompts/list is malformed: missing field `prompts`");
}
