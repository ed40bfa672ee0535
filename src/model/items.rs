//! The items of a file by kind, and whether their names are unique.

use std::collections::BTreeMap;

use super::lower::Lowering;
use crate::diag::{Diagnostic, errors};
use crate::plan::ReportFile;
use crate::syntax::ast::{self, Item};
use crate::text::Span;

/// The items of a file.
#[derive(Default)]
pub(super) struct Items {
    pub(super) params: Vec<ast::Param>,
    pub(super) servers: Vec<ast::Server>,
    pub(super) guards: Vec<ast::Guard>,
    pub(super) data: Vec<ast::Data>,
    pub(super) scenarios: Vec<ast::Scenario>,
    pub(super) flows: Vec<ast::Flow>,
    pub(super) asserts: Vec<ast::Assert>,
    pub(super) baselines: Vec<ast::Baseline>,
    pub(super) report_items: Vec<ast::Report>,
    /// Whether the parser rejected an item: then what seems to be missing may
    /// be in it, and nothing is said about what is missing.
    pub(super) any_rejected: bool,
    /// Behind the last item.
    pub(super) end: Span,
}

impl Items {
    pub(super) fn collect(files: &[ast::File], out: &mut Vec<Diagnostic>) -> Items {
        let mut items = Items::default();
        for (number, item) in
            files.iter().enumerate().flat_map(|(n, file)| file.items().into_iter().map(move |i| (n, i)))
        {
            let span = item.span();
            if number == 0 {
                items.end = Span { start: span.end, end: span.end };
            }
            match item {
                // Its items are among the others.
                Item::Include(_) => {}
                Item::Data(item) => items.data.push(item),
                Item::Baseline(item) => items.baselines.push(item),
                Item::Param(item) => items.params.push(item),
                Item::Server(item) => items.servers.push(item),
                Item::Guard(item) => items.guards.push(item),
                Item::Scenario(item) => items.scenarios.push(item),
                Item::Flow(item) => items.flows.push(item),
                Item::Assert(item) => items.asserts.push(item),
                Item::Report(item) => items.report_items.push(item),
                Item::Broken(_) => items.any_rejected = true,
            }
        }
        unique("param", items.params.iter().map(ast::Param::name), out);
        unique("server", items.servers.iter().map(ast::Server::name), out);
        unique("data", items.data.iter().map(ast::Data::name), out);
        unique("baseline", items.baselines.iter().map(ast::Baseline::name), out);
        unique("scenario", items.scenarios.iter().map(ast::Scenario::name), out);
        unique("flow", items.flows.iter().map(ast::Flow::name), out);
        if let [first, second, ..] = items.guards.as_slice() {
            out.push(errors::load::repeated("guard", second.keyword_span(), first.keyword_span()));
        }
        items
    }

    /// Files to write after the run.
    pub(super) fn reports(&self, lowering: &mut Lowering<'_>) -> Vec<ReportFile> {
        let mut files: Vec<ReportFile> = Vec::new();
        let mut places: Vec<Span> = Vec::new();
        for statement in self.report_items.iter().flat_map(ast::Report::statements) {
            let (format, value) = match &statement {
                ast::ReportStmt::Html(attr) => ("html", attr.value()),
                ast::ReportStmt::Markdown(attr) => ("markdown", attr.value()),
                ast::ReportStmt::Junit(attr) => ("junit", attr.value()),
                ast::ReportStmt::Template(template) => ("template", template.to()),
                ast::ReportStmt::Broken(_) => continue,
            };
            let path = value.and_then(|value| lowering.said_text(&value, "a path", "report.html"));
            let template = match &statement {
                ast::ReportStmt::Template(template) => {
                    let path = template.template().and_then(|path| lowering.said_text(&path, "a path", "mine.j2"));
                    if path.is_none() {
                        continue;
                    }
                    path
                }
                _ => None,
            };
            if let Some(path) = path {
                let same = files.iter().position(|file| file.path == path);
                if let Some(first) = same.and_then(|index| places.get(index)) {
                    lowering.out.push(errors::load::repeated(&path, statement.span(), *first));
                    continue;
                }
                places.push(statement.span());
                files.push(ReportFile { format: format.to_owned(), template, path });
            }
        }
        files
    }
}

/// A name that says nothing.
pub(super) fn check_name(name: &ast::Name, out: &mut Vec<Diagnostic>) -> Option<()> {
    if name.text().trim().is_empty() {
        out.push(errors::types::wrong_kind("a name", "search", "an empty text", name.span()));
        return None;
    }
    Some(())
}

fn unique(kind: &str, names: impl Iterator<Item = Option<ast::Name>>, out: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<String, Span> = BTreeMap::new();
    for name in names.flatten() {
        // What is wrong with the name is said once, here; uses of it bind.
        let _ = check_name(&name, out);
        if let Some(before) = first.insert(name.text(), name.span()) {
            out.push(errors::names::duplicate(kind, &name.text(), name.span(), before));
        }
    }
}
