//! The file and its items.

use super::super::kind::Kind;
use super::super::tree::Node;
use super::server::ServerStmt;
use super::statement::{AssertLine, Attr, DataStmt, GuardStmt, ReportStmt, ScenarioStmt, WithinLine};
use super::{Expr, Step, blocks, exprs, named, span_of, token_span, tokens, views};
use crate::text::Span;

views! {
    /// A whole file.
    File;
    /// `mcpl 1`
    Edition;
    /// `param NAME = VALUE`
    Param;
    /// `server NAME { … }`
    Server;
    /// `guard { … }`
    Guard;
    /// `data NAME { … }`
    Data;
    /// `scenario NAME { … }`
    Scenario;
    /// `flow NAME { … }`
    Flow;
    /// `assert { … }`
    Assert;
    /// `baseline NAME { … }`
    Baseline;
    /// `report { … }`
    Report;
}

blocks!(Param, Server, Guard, Data, Scenario, Flow, Assert, Baseline, Report);
named!(Param, Server, Data, Scenario, Flow, Baseline);

impl File {
    /// `mcpl 1`, when the file starts with it.
    #[must_use]
    pub fn edition(&self) -> Option<Edition> {
        self.0.children().find(|node| node.kind() == Kind::Edition).map(Edition)
    }

    /// What the file says, in order.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        self.0.children().filter_map(Item::cast).collect()
    }
}

impl Edition {
    /// What stands where the number belongs, and where.
    #[must_use]
    pub fn number(&self) -> Option<(String, Span)> {
        tokens(&self.0)
            .find(|token| token.kind() == Kind::EditionNumber)
            .map(|token| (token.text().to_owned(), token_span(&token)))
    }
}

/// One thing at the top of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `param NAME = VALUE`
    Param(Param),
    /// `include "common.mcpl"`
    Include(Attr),
    /// `server NAME { … }`
    Server(Server),
    /// `guard { … }`
    Guard(Guard),
    /// `data NAME { … }`
    Data(Data),
    /// `scenario NAME { … }`
    Scenario(Scenario),
    /// `flow NAME { … }`
    Flow(Flow),
    /// `assert { … }`
    Assert(Assert),
    /// `baseline NAME { … }`
    Baseline(Baseline),
    /// `report { … }`
    Report(Report),
    /// What the parser rejected.
    Broken(Span),
}

impl Item {
    fn cast(node: Node) -> Option<Item> {
        Some(match node.kind() {
            Kind::Param => Item::Param(Param(node)),
            Kind::Include => Item::Include(Attr(node)),
            Kind::Server => Item::Server(Server(node)),
            Kind::Guard => Item::Guard(Guard(node)),
            Kind::Data => Item::Data(Data(node)),
            Kind::Scenario => Item::Scenario(Scenario(node)),
            Kind::Flow => Item::Flow(Flow(node)),
            Kind::Assert => Item::Assert(Assert(node)),
            Kind::Baseline => Item::Baseline(Baseline(node)),
            Kind::Report => Item::Report(Report(node)),
            Kind::Rejected | Kind::StrayClose => Item::Broken(span_of(&node)),
            _ => return None,
        })
    }

    /// Where it stands.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Item::Param(item) => item.span(),
            Item::Include(item) => item.span(),
            Item::Server(item) => item.span(),
            Item::Guard(item) => item.span(),
            Item::Data(item) => item.span(),
            Item::Scenario(item) => item.span(),
            Item::Flow(item) => item.span(),
            Item::Assert(item) => item.span(),
            Item::Baseline(item) => item.span(),
            Item::Report(item) => item.span(),
            Item::Broken(span) => *span,
        }
    }
}

impl Param {
    /// The value behind `=`.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        exprs(&self.0).next()
    }
}

impl Server {
    /// Its statements.
    #[must_use]
    pub fn statements(&self) -> Vec<ServerStmt> {
        self.0.children().filter_map(ServerStmt::cast).collect()
    }
}

impl Guard {
    /// Its statements.
    #[must_use]
    pub fn statements(&self) -> Vec<GuardStmt> {
        self.0.children().filter_map(GuardStmt::cast).collect()
    }
}

impl Data {
    /// Its statements.
    #[must_use]
    pub fn statements(&self) -> Vec<DataStmt> {
        self.0.children().filter_map(DataStmt::cast).collect()
    }
}

impl Baseline {
    /// Its conditions; rejected lines are left out.
    #[must_use]
    pub fn lines(&self) -> Vec<WithinLine> {
        self.0.children().filter(|node| node.kind() == Kind::WithinLine).map(WithinLine).collect()
    }
}

impl Scenario {
    /// Its statements.
    #[must_use]
    pub fn statements(&self) -> Vec<ScenarioStmt> {
        self.0.children().filter_map(ScenarioStmt::cast).collect()
    }
}

impl Flow {
    /// Its steps.
    #[must_use]
    pub fn statements(&self) -> Vec<Step> {
        self.0.children().filter_map(Step::cast).collect()
    }
}

impl Assert {
    /// Its conditions; rejected lines are left out.
    #[must_use]
    pub fn lines(&self) -> Vec<AssertLine> {
        self.0.children().filter(|node| node.kind() == Kind::AssertLine).map(AssertLine).collect()
    }
}

impl Report {
    /// Its statements.
    #[must_use]
    pub fn statements(&self) -> Vec<ReportStmt> {
        self.0.children().filter_map(ReportStmt::cast).collect()
    }
}
