//! The steps of a flow and the statements of a request.

use super::super::kind::Kind;
use super::super::string;
use super::statement::{Attr, NameStmt, Tag, WordStmt, rejected, statements};
use super::{Expr, Name, blocks, expr_at, keyword_span, named, tokens, views};
use crate::text::Span;

views! {
    /// A step that sends a request: `call search { … }`.
    Request;
    /// `think 300ms..1.2s`
    Think;
    /// `take ROW from DATA`
    Take;
    /// A block of steps with a head: `repeat 3 { … }`, `parallel { … }`,
    /// `group "open" { … }`, a branch of `choose`.
    Steps;
    /// `if CONDITION { … } else { … }`
    If;
    /// `choose { 70% { … } 30% { … } }`
    Choose;
    /// `argument "page" value "in"`
    Argument;
    /// `task on`, or a block.
    Task;
    /// `let NAME = VALUE` or `save NAME = VALUE`.
    Binding;
    /// `expect CONDITION as "label"`
    Expectation;
}

blocks!(Request, Steps, If, Choose, Task);
named!(Steps);

statements! {
    /// A step of a flow.
    Step {
        /// `call TOOL { … }`
        Call => Call(Request),
        /// `read URI { … }`
        Read => Read(Request),
        /// `prompt NAME { … }`
        Prompt => Prompt(Request),
        /// `list tools { … }`
        List => List(Request),
        /// `complete prompt NAME { … }`
        Complete => Complete(Request),
        /// `subscribe URI for D { … }`
        Subscribe => Subscribe(Request),
        /// `request "method/name" { … }`
        Request => Request(Request),
        /// `think 1s`
        Think => Think(Think),
        /// `pace 2s`
        Pace => Pace(Attr),
        /// `take ROW from DATA`
        Take => Take(Take),
        /// `repeat 3 { … }`
        Repeat => Repeat(Steps),
        /// `if CONDITION { … } else { … }`
        IfStep => If(If),
        /// `choose { 70% { … } 30% { … } }`
        Choose => Choose(Choose),
        /// `parallel { … }`
        Parallel => Parallel(Steps),
        /// `group "open" { … }`
        Group => Group(Steps),
        /// `run FLOW`
        Run => Run(NameStmt),
        /// `stop iteration`
        Stop => Stop(WordStmt),
        /// `log VALUE`
        Log => Log(Attr),
        /// `let NAME = VALUE`
        Binding => Let(Binding),
    }
}

statements! {
    /// A statement of a request.
    RequestStmt {
        /// `as "label"`
        AsLabel => As(Attr),
        /// `args { … }`
        Args => Args(Attr),
        /// `params { … }`
        Params => Params(Attr),
        /// `argument "page" value "in"`
        Argument => Argument(Argument),
        /// `tag key = VALUE`
        Tag => Tag(Tag),
        /// `cancel after 500ms`
        Cancel => Cancel(Attr),
        /// `progress on`
        Progress => Progress(Attr),
        /// `task on`, or `task { ttl 60s }`.
        Task => Task(Task),
        /// `measure NAME = VALUE`
        Measure => Measure(Binding),
        /// `timeout 10s`
        Timeout => Timeout(Attr),
        /// `pages 1`
        Pages => Pages(Attr),
        /// `expect CONDITION`
        Expect => Expect(Expectation),
        /// `require CONDITION`
        Require => Require(Expectation),
        /// `save NAME = VALUE`
        Save => Save(Binding),
    }
}

statements! {
    /// A statement of `task`.
    TaskStmt {
        /// `ttl 60s`
        Ttl => Ttl(Attr),
    }
}

impl Task {
    /// The switch behind the keyword; `None` where a block stands there.
    #[must_use]
    pub fn switch(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// What its block says.
    #[must_use]
    pub fn statements(&self) -> Vec<TaskStmt> {
        self.0.children().filter_map(TaskStmt::cast).collect()
    }
}

impl Request {
    /// The tool, prompt or method.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        matches!(self.0.kind(), Kind::Call | Kind::Prompt | Kind::Complete | Kind::Request)
            .then(|| Name::of(&self.0))
            .flatten()
    }

    /// The address in `read`, `subscribe` and `complete resource`.
    #[must_use]
    pub fn uri(&self) -> Option<Expr> {
        matches!(self.0.kind(), Kind::Read | Kind::Complete | Kind::Subscribe).then(|| expr_at(&self.0, 0)).flatten()
    }

    /// The time behind `for` in `subscribe`.
    #[must_use]
    pub fn duration(&self) -> Option<Expr> {
        (self.0.kind() == Kind::Subscribe).then(|| expr_at(&self.0, 1)).flatten()
    }

    /// What `list` lists.
    #[must_use]
    pub fn what(&self) -> Option<Name> {
        (self.0.kind() == Kind::List).then(|| Name::of(&self.0)).flatten()
    }

    /// What its block says.
    #[must_use]
    pub fn statements(&self) -> Vec<RequestStmt> {
        self.0.children().filter_map(RequestStmt::cast).collect()
    }
}

impl Take {
    /// The name that the row gets.
    #[must_use]
    pub fn row(&self) -> Option<Name> {
        self.name_at(0)
    }

    /// The data it comes from.
    #[must_use]
    pub fn data(&self) -> Option<Name> {
        self.name_at(1)
    }

    fn name_at(&self, index: usize) -> Option<Name> {
        let holder = self.0.children().filter(|child| child.kind() == Kind::Name).nth(index)?;
        Name::in_node(&holder)
    }
}

impl Steps {
    /// The value in its head: a number of times, or a share.
    #[must_use]
    pub fn head(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// Its steps.
    #[must_use]
    pub fn statements(&self) -> Vec<Step> {
        self.0.children().filter_map(Step::cast).collect()
    }
}

/// A condition and the steps behind it; without a condition, those of `else`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// What must hold; `None` for `else`, and where it is broken.
    pub condition: Option<Expr>,
    /// The steps.
    pub steps: Vec<Step>,
    /// Whether it is an `else` without a condition.
    pub is_else: bool,
    /// Whether its head is broken.
    pub is_broken: bool,
}

impl If {
    /// `if`, each `else if`, and `else`, in order.
    #[must_use]
    pub fn branches(&self) -> Vec<Branch> {
        let more = self.0.children().filter(|child| matches!(child.kind(), Kind::ElseIf | Kind::ElseStep));
        std::iter::once(self.0.clone())
            .chain(more)
            .map(|node| Branch {
                condition: expr_at(&node, 0),
                steps: node.children().filter_map(Step::cast).collect(),
                is_else: node.kind() == Kind::ElseStep,
                is_broken: super::is_broken(&node),
            })
            .collect()
    }
}

impl Choose {
    /// Its branches; rejected lines are left out.
    #[must_use]
    pub fn branches(&self) -> Vec<Steps> {
        self.0.children().filter(|node| node.kind() == Kind::Branch).map(Steps).collect()
    }

    /// The lines that the parser rejected.
    #[must_use]
    pub fn rejected(&self) -> Vec<Span> {
        rejected(&self.0)
    }
}

impl Argument {
    /// The keyword it starts with.
    #[must_use]
    pub fn keyword_span(&self) -> Span {
        keyword_span(&self.0)
    }

    /// The name of the argument.
    #[must_use]
    pub fn name(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// What is typed of it.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 1)
    }
}

impl Think {
    /// The keyword `think`, with `exponential` where it stands.
    #[must_use]
    pub fn keyword_span(&self) -> Span {
        keyword_span(&self.0)
    }

    /// Whether the pause is drawn from an exponential distribution.
    #[must_use]
    pub fn is_exponential(&self) -> bool {
        tokens(&self.0).any(|token| token.kind() == Kind::KwExponential)
    }

    /// The pause, its range, or its mean.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }
}

impl Binding {
    /// The keyword it starts with.
    #[must_use]
    pub fn keyword_span(&self) -> Span {
        keyword_span(&self.0)
    }

    /// The name being given.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        Name::of(&self.0)
    }

    /// The value behind `=`.
    #[must_use]
    pub fn value(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }
}

impl Expectation {
    /// The keyword it starts with.
    #[must_use]
    pub fn keyword_span(&self) -> Span {
        keyword_span(&self.0)
    }

    /// What must hold.
    #[must_use]
    pub fn condition(&self) -> Option<Expr> {
        expr_at(&self.0, 0)
    }

    /// The string behind `as`, and where it stands.
    #[must_use]
    pub fn label(&self) -> Option<(String, Span)> {
        let label = self.0.children().find(|node| node.kind() == Kind::Label)?;
        let token = tokens(&label).next()?;
        Some((string::value(token.text()), super::token_span(&token)))
    }
}
