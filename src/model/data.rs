//! `data NAME { … }`

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::items::Items;
use super::lower::Lowering;
use super::types::Type;
use crate::data::{CellType, Format, Table};
use crate::diag::errors;
use crate::expr::Value;
use crate::plan::rows::{AtEnd, Order};
use crate::plan::{Data, DataSource};
use crate::syntax::ast::{self, DataStmt};
use crate::text::Span;

/// Data by its name.
pub(super) struct DataItem {
    pub(super) name: String,
    pub(super) span: Span,
    /// Columns and what they hold; `None` where only the rows can tell.
    pub(super) columns: Option<Vec<(String, Type)>>,
    pub(super) table: Option<Table>,
    pub(super) used: bool,
    /// `None` when it is broken.
    pub(super) plan: Option<Data>,
}

/// Lowers all data that has a name.
pub(super) fn lower_all(lowering: &mut Lowering<'_>, items: &Items) {
    for item in &items.data {
        let Some(name) = item.name() else { continue };
        let mut draft = Draft::default();
        let mut whole = !item.is_broken();
        for statement in item.statements() {
            whole &= draft.statement(lowering, &statement).is_some();
        }
        let found = if whole { draft.finish(lowering, &name) } else { None };
        let mut data =
            DataItem { name: name.text(), span: name.span(), columns: None, table: None, used: false, plan: None };
        if let Some((table, plan)) = found {
            data.columns = table.columns().map(|columns| typed(columns, &draft, &plan.source));
            data.table = Some(table);
            data.plan = Some(plan);
        }
        lowering.data.push(data);
    }
}

/// The columns with what is known of their cells.
fn typed(columns: &[String], draft: &Draft, source: &DataSource) -> Vec<(String, Type)> {
    let of = |column: &String| match draft.types.iter().find(|(name, ..)| name == column) {
        Some((_, CellType::Text, _)) => Type::Text,
        Some((_, CellType::Int | CellType::Number, _)) => Type::NUMBER,
        Some((_, CellType::Bool, _)) => Type::Bool,
        Some((_, CellType::Json, _)) => Type::Any,
        None if matches!(source, DataSource::Csv(_)) => Type::Text,
        None => Type::Any,
    };
    columns.iter().map(|column| (column.clone(), of(column))).collect()
}

impl Lowering<'_> {
    /// The data that a `take` names. `None` after a diagnostic, or where it may
    /// be in a broken item.
    pub(super) fn data_by_name(&mut self, name: &ast::Name) -> Option<usize> {
        let found = self.data.iter().position(|data| data.name == name.text());
        match found.and_then(|index| self.data.get_mut(index)) {
            Some(data) => data.used = true,
            None if !self.any_rejected => {
                let known: Vec<String> = self.data.iter().map(|data| data.name.clone()).collect();
                self.out.push(errors::names::unknown_data(&name.text(), name.span(), &known));
            }
            None => {}
        }
        found
    }

    /// What a column of a row holds. `None` after a diagnostic.
    pub(super) fn column(&mut self, data: usize, field: &ast::Name) -> Option<Type> {
        let Some(data) = self.data.get(data) else { return Some(Type::Any) };
        let Some(columns) = &data.columns else { return Some(Type::Any) };
        let found = columns.iter().find(|(name, _)| *name == field.text()).map(|(_, ty)| *ty);
        if found.is_none() {
            let known: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
            self.out.push(errors::names::unknown_column(&field.text(), &data.name, field.span(), &known));
        }
        found
    }
}

#[derive(Default)]
struct Draft {
    /// The keyword, where it stands, and the path or the rows.
    source: Option<(&'static str, Span, Rows)>,
    order: Option<(Order, Span)>,
    at_end: Option<(AtEnd, Span)>,
    types: Vec<(String, CellType, Span)>,
    types_span: Option<Span>,
}

enum Rows {
    File(String, Span),
    Inline(Vec<serde_json::Map<String, Json>>, Span),
}

impl Draft {
    /// `None` when the statement is broken.
    fn statement(&mut self, lowering: &mut Lowering<'_>, statement: &DataStmt) -> Option<()> {
        match statement {
            DataStmt::Csv(attr) => self.file(lowering, "csv", attr),
            DataStmt::Json(attr) => self.file(lowering, "json", attr),
            DataStmt::Jsonl(attr) => self.file(lowering, "jsonl", attr),
            DataStmt::Rows(attr) => {
                self.only(lowering, "rows", attr.keyword_span())?;
                let value = attr.value()?;
                let rows = inline(lowering, &value)?;
                self.source = Some(("rows", attr.keyword_span(), Rows::Inline(rows, value.span())));
                Some(())
            }
            DataStmt::Order(word) => {
                let known = [("sequential", Order::Sequential), ("shuffle", Order::Shuffle), ("random", Order::Random)];
                let order = chosen(lowering, "order of rows", word, self.order.map(|(_, span)| span), &known)?;
                self.order = Some((order, word.keyword_span()));
                Some(())
            }
            DataStmt::AtEnd(word) => {
                let known = [("wrap", AtEnd::Wrap), ("stop", AtEnd::Stop), ("error", AtEnd::Error)];
                let at_end = chosen(lowering, "end of data", word, self.at_end.map(|(_, span)| span), &known)?;
                self.at_end = Some((at_end, word.keyword_span()));
                Some(())
            }
            DataStmt::Types(types) => self.types(lowering, types),
            DataStmt::Broken(_) => None,
        }
    }

    fn file(&mut self, lowering: &mut Lowering<'_>, keyword: &'static str, attr: &ast::Attr) -> Option<()> {
        self.only(lowering, keyword, attr.keyword_span())?;
        let path = lowering.text_attr(attr, "a path", &format!("queries.{keyword}"))?;
        self.source = Some((keyword, attr.keyword_span(), Rows::File(path, attr.value()?.span())));
        Some(())
    }

    /// Rows come from one place.
    fn only(&self, lowering: &mut Lowering<'_>, keyword: &str, span: Span) -> Option<()> {
        let Some((first, first_span, _)) = &self.source else { return Some(()) };
        lowering.out.push(if *first == keyword {
            errors::load::repeated(keyword, span, *first_span)
        } else {
            errors::load::contradicting(first, keyword, span, *first_span)
        });
        None
    }

    fn types(&mut self, lowering: &mut Lowering<'_>, item: &ast::Types) -> Option<()> {
        if let Some(first) = self.types_span {
            lowering.out.push(errors::load::repeated("types", item.keyword_span(), first));
            return None;
        }
        self.types_span = Some(item.keyword_span());
        let mut whole = !item.is_broken();
        for column in item.columns() {
            let (Some(name), Some(word)) = (column.column(), column.word()) else {
                whole = false;
                continue;
            };
            if let Some((_, _, first)) = self.types.iter().find(|(known, ..)| *known == name.text()) {
                lowering.out.push(errors::load::repeated(&name.text(), name.span(), *first));
                whole = false;
            } else if let Some(ty) = CellType::ALL.into_iter().find(|ty| ty.word() == word.text()) {
                self.types.push((name.text(), ty, name.span()));
            } else {
                let known: Vec<String> = CellType::ALL.into_iter().map(|ty| ty.word().to_owned()).collect();
                lowering.out.push(errors::names::unknown_word("type of cells", &word.text(), word.span(), &known));
                whole = false;
            }
        }
        whole.then_some(())
    }

    fn finish(&mut self, lowering: &mut Lowering<'_>, name: &ast::Name) -> Option<(Table, Data)> {
        let Some((keyword, keyword_span, rows)) = self.source.take() else {
            let help = "say where the rows are: `csv \"queries.csv\"`, `json …`, `jsonl …` or `rows [ … ]`";
            let owner = format!("data `{}`", name.text());
            lowering.out.push(errors::load::missing("rows", &owner, name.span(), help));
            return None;
        };
        if let Some(types) = self.types_span.filter(|_| keyword != "csv") {
            let (beside, why) = (format!("beside `{keyword}`"), "of use for `csv` only: JSON has types of its own");
            lowering.out.push(errors::load::no_effect("types", &beside, why, "remove `types`", types, keyword_span));
            return None;
        }
        let order = self.order.map_or(Order::Sequential, |(order, _)| order);
        if let (Order::Random, Some((_, order_span)), Some((_, span))) = (order, self.order, self.at_end) {
            let (beside, why) = ("beside `order random`", "rows that are drawn by chance never end");
            lowering.out.push(errors::load::no_effect("at_end", beside, why, "remove `at_end`", span, order_span));
            return None;
        }
        let (table, source, sha256) = self.table(lowering, keyword, rows)?;
        let at_end = self.at_end.map_or(AtEnd::Error, |(at_end, _)| at_end);
        let rows = table.len();
        Some((table, Data { name: name.text(), source, rows, sha256, order, at_end }))
    }

    fn table(&self, lowering: &mut Lowering<'_>, keyword: &str, rows: Rows) -> Option<(Table, DataSource, String)> {
        let (path, span) = match rows {
            Rows::Inline(rows, span) => {
                if rows.is_empty() {
                    lowering.out.push(errors::data::no_rows("this list", "add an object to the list", span));
                    return None;
                }
                let hash = sha256(&serde_json::to_vec(&rows).unwrap_or_default());
                return Some((Table::inline(rows), DataSource::Inline, hash));
            }
            Rows::File(path, span) => (path, span),
        };
        let from = lowering.source.file(span.start).name.to_owned();
        let (shown, bytes) = match lowering.options.files.read(&path, &from) {
            Ok(read) => read,
            Err(reason) => {
                lowering.out.push(errors::data::unreadable(&path, &reason, span));
                return None;
            }
        };
        let hash = sha256(&bytes);
        let (format, source) = match keyword {
            "json" => (Format::Json, DataSource::Json(path)),
            "jsonl" => (Format::Jsonl, DataSource::Jsonl(path)),
            _ => (Format::Csv, DataSource::Csv(path)),
        };
        let types: Vec<(String, CellType)> = self.types.iter().map(|(name, ty, _)| (name.clone(), *ty)).collect();
        match Table::load(bytes, format, &types) {
            Ok(table) => Some((table, source, hash)),
            Err(broken) if broken.empty => {
                lowering.out.push(errors::data::no_rows(&format!("the data file `{shown}`"), &broken.help, span));
                None
            }
            Err(broken) => {
                let (line, column) = (broken.line, broken.column);
                let diagnostic = errors::data::broken_row(&shown, line, column, &broken.what, &broken.help, span);
                lowering.out.push(diagnostic);
                None
            }
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `rows [ { … }, … ]`
fn inline(lowering: &mut Lowering<'_>, expr: &ast::Expr) -> Option<Vec<serde_json::Map<String, Json>>> {
    let (wanted, example) = ("a list of objects", "[{ \"text\": \"rust\" }]");
    let value = lowering.constant(expr)?;
    let Value::Json(Json::Array(elements)) = value else {
        lowering.wrong_kind(wanted, example, &value, expr);
        return None;
    };
    let mut rows = Vec::with_capacity(elements.len());
    for element in elements {
        match element {
            Json::Object(row) => rows.push(row),
            other => {
                let found = format!("a list with {} in it", Type::of(&Value::Json(other)).phrase());
                lowering.out.push(errors::types::wrong_kind(wanted, example, &found, expr.span()));
                return None;
            }
        }
    }
    Some(rows)
}

/// One of several words, said once.
fn chosen<T: Copy>(
    lowering: &mut Lowering<'_>,
    what: &str,
    item: &ast::WordStmt,
    first: Option<Span>,
    known: &[(&str, T)],
) -> Option<T> {
    if let Some(first) = first {
        let keyword = lowering.written(item.keyword_span());
        lowering.out.push(errors::load::repeated(&keyword, item.keyword_span(), first));
        return None;
    }
    let word = item.word()?;
    let found = known.iter().find(|(name, _)| *name == word.text()).map(|(_, value)| *value);
    if found.is_none() {
        let known: Vec<String> = known.iter().map(|(name, _)| (*name).to_owned()).collect();
        lowering.out.push(errors::names::unknown_word(what, &word.text(), word.span(), &known));
    }
    found
}
