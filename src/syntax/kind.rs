//! The kinds of nodes and tokens of the tree.
//!
//! Invariant: each rule of the grammar has its kind here, by a match without a
//! wildcard, so a new rule does not compile until it has one. No rule leaves
//! this file and `parser`.

use super::parser::Rule;

macro_rules! kinds {
    (rules { $($rule:ident => $kind:ident,)* } hidden { $($hidden:ident,)* } own { $($own:ident => $name:literal,)* }) => {
        /// What a node or token of the tree is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub(super) enum Kind {
            $($kind,)*
            $($own,)*
            /// A rule that leaves no pair.
            Hidden,
        }

        impl Kind {
            /// All of them, at the index of their number.
            pub(super) const ALL: &[Kind] = &[$(Kind::$kind,)* $(Kind::$own,)* Kind::Hidden];

            /// The name in tree dumps: the rule's, or one of our own.
            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Kind::$kind => stringify!($rule),)*
                    $(Kind::$own => $name,)*
                    Kind::Hidden => "hidden",
                }
            }

            /// The rule that makes it.
            pub(super) fn rule(self) -> Option<Rule> {
                match self {
                    $(Kind::$kind => Some(Rule::$rule),)*
                    $(Kind::$own => None,)*
                    Kind::Hidden => None,
                }
            }
        }

        impl From<Rule> for Kind {
            fn from(rule: Rule) -> Kind {
                match rule {
                    $(Rule::$rule => Kind::$kind,)*
                    $(Rule::$hidden => Kind::Hidden,)*
                    // A statement ends with the file, too.
                    Rule::EOI => Kind::End,
                }
            }
        }
    };
}

kinds! {
    rules {
        COMMENT => Comment,
        nl => Nl,
        bom => Bom,
        end => End,
        file => File,
        edition => Edition,
        edition_number => EditionNumber,
        param => Param,
        server => Server,
        guard => Guard,
        scenario => Scenario,
        flow => Flow,
        assert => Assert,
        report => Report,
        no_name => NoName,
        late_open => LateOpen,
        no_open => NoOpen,
        no_close => NoClose,
        http => Http,
        stdio => Stdio,
        builtin => Builtin,
        setting => Setting,
        header => Header,
        text_value => TextValue,
        protocol => Protocol,
        timeout => Timeout,
        connect_timeout => ConnectTimeout,
        env => Env,
        cwd => Cwd,
        allow_hosts => AllowHosts,
        allow_tools => AllowTools,
        deny_tools => DenyTools,
        max_rate => MaxRate,
        max_users => MaxUsers,
        target => Target,
        warmup => Warmup,
        run => Run,
        stages => Stages,
        ramp => Ramp,
        hold => Hold,
        drain => Drain,
        arrivals => Arrivals,
        mix => Mix,
        share => Share,
        amount => Amount,
        call => Call,
        read => Read,
        prompt => Prompt,
        list => List,
        think => Think,
        binding => Binding,
        no_request_open => NoRequestOpen,
        as_label => AsLabel,
        args => Args,
        expect => Expect,
        require => Require,
        save => Save,
        pages => Pages,
        label => Label,
        assert_line => AssertLine,
        html => Html,
        markdown => Markdown,
        junit => Junit,
        include => Include,
        data => Data,
        baseline => Baseline,
        sse => Sse,
        revision_share => RevisionShare,
        launch => Launch,
        tls => Tls,
        ca => Ca,
        cert => Cert,
        insecure => Insecure,
        auth_bearer => AuthBearer,
        auth_oauth => AuthOauth,
        token_url => TokenUrl,
        client_id => ClientId,
        client_secret => ClientSecret,
        scopes => Scopes,
        quickack => Quickack,
        answer => Answer,
        capabilities => Capabilities,
        max_in_flight => MaxInFlight,
        max_duration => MaxDuration,
        max_requests => MaxRequests,
        abort => Abort,
        on_abort => OnAbort,
        csv => Csv,
        json => Json,
        jsonl => Jsonl,
        rows => Rows,
        order => Order,
        at_end => AtEnd,
        types => Types,
        cell_type => CellType,
        column => Column,
        column_word => ColumnWord,
        start_at => StartAt,
        start_after => StartAfter,
        sessions_per => SessionsPer,
        sessions_shared => SessionsShared,
        close_sessions => CloseSessions,
        hold_stream => HoldStream,
        before_user => BeforeUser,
        after_user => AfterUser,
        tag => Tag,
        seek => Seek,
        iterations => Iterations,
        complete => Complete,
        subscribe => Subscribe,
        request => Request,
        pace => Pace,
        take => Take,
        repeat => Repeat,
        if_step => IfStep,
        else_if => ElseIf,
        else_step => ElseStep,
        choose => Choose,
        branch => Branch,
        parallel => Parallel,
        group => Group,
        stop => Stop,
        log => Log,
        params => Params,
        argument => Argument,
        cancel => Cancel,
        progress => Progress,
        measure => Measure,
        within_line => WithinLine,
        margin_sign => MarginSign,
        template => Template,
        expr => Expr,
        free => Free,
        access => Access,
        field => Field,
        select => Select,
        tag_name => TagName,
        index => Index,
        paren => Paren,
        array => Array,
        object => Object,
        entry => Entry,
        key => Key,
        bare_key => BareKey,
        function => Function,
        callee => Callee,
        arg => Arg,
        arg_name => ArgName,
        name_ref => NameRef,
        revision => Revision,
        percent => Percent,
        duration => Duration,
        rate => Rate,
        size => Size,
        users => Users,
        number => Number,
        percentile => Percentile,
        bad_quantity => BadQuantity,
        spaced_quantity => SpacedQuantity,
        string => String,
        loose_str => LooseStr,
        open_str => OpenStr,
        wrong_str => WrongStr,
        fstr => Fstr,
        f_text => FText,
        hole => Hole,
        loose_fstr => LooseFstr,
        open_fstr => OpenFstr,
        name => Name,
        plain_name => PlainName,
        bad_name => BadName,
        word => Word,
        other_word => OtherWord,
        stray_close => StrayClose,
        bad_head => BadHead,
        rejected => Rejected,
        bad_text => BadText,
        bad_block => BadBlock,
        skipped => Skipped,
        L_BRACE => LBrace,
        R_BRACE => RBrace,
        L_BRACKET => LBracket,
        R_BRACKET => RBracket,
        L_PAREN => LParen,
        R_PAREN => RParen,
        COMMA => Comma,
        COLON => Colon,
        ASSIGN => Assign,
        DOT => Dot,
        ARROW => Arrow,
        F_QUOTE => FQuote,
        QUOTE => Quote,
        EQ_EQ => EqEq,
        NOT_EQ => NotEq,
        LT_EQ => LtEq,
        GT_EQ => GtEq,
        LT => Lt,
        GT => Gt,
        PLUS => Plus,
        MINUS => Minus,
        NEG => Neg,
        STAR => Star,
        SLASH => Slash,
        DOT_DOT => DotDot,
        IN_OP => InOp,
        KW_MCPL => KwMcpl,
        KW_PARAM => KwParam,
        KW_SERVER => KwServer,
        KW_GUARD => KwGuard,
        KW_SCENARIO => KwScenario,
        KW_FLOW => KwFlow,
        KW_ASSERT => KwAssert,
        KW_REPORT => KwReport,
        KW_HTTP => KwHttp,
        KW_STDIO => KwStdio,
        KW_BUILTIN => KwBuiltin,
        KW_HEADER => KwHeader,
        KW_PROTOCOL => KwProtocol,
        KW_TIMEOUT => KwTimeout,
        KW_CONNECT_TIMEOUT => KwConnectTimeout,
        KW_ENV => KwEnv,
        KW_CWD => KwCwd,
        KW_ALLOW => KwAllow,
        KW_DENY => KwDeny,
        KW_HOSTS => KwHosts,
        KW_TOOLS => KwTools,
        KW_MAX => KwMax,
        KW_RATE => KwRate,
        KW_USERS => KwUsers,
        KW_TARGET => KwTarget,
        KW_WARMUP => KwWarmup,
        KW_STAGES => KwStages,
        KW_MIX => KwMix,
        KW_RUN => KwRun,
        KW_RAMP => KwRamp,
        KW_OVER => KwOver,
        KW_HOLD => KwHold,
        KW_FOR => KwFor,
        KW_DRAIN => KwDrain,
        KW_UP => KwUp,
        KW_TO => KwTo,
        KW_ARRIVALS => KwArrivals,
        KW_CALL => KwCall,
        KW_READ => KwRead,
        KW_PROMPT => KwPrompt,
        KW_LIST => KwList,
        KW_THINK => KwThink,
        KW_EXPONENTIAL => KwExponential,
        KW_LET => KwLet,
        KW_AS => KwAs,
        KW_ARGS => KwArgs,
        KW_EXPECT => KwExpect,
        KW_REQUIRE => KwRequire,
        KW_SAVE => KwSave,
        KW_PAGES => KwPages,
        KW_HTML => KwHtml,
        KW_MARKDOWN => KwMarkdown,
        KW_JUNIT => KwJunit,
        KW_INCLUDE => KwInclude,
        KW_DATA => KwData,
        KW_BASELINE => KwBaseline,
        KW_CSV => KwCsv,
        KW_JSON => KwJson,
        KW_JSONL => KwJsonl,
        KW_ROWS => KwRows,
        KW_ORDER => KwOrder,
        KW_AT_END => KwAtEnd,
        KW_TYPES => KwTypes,
        KW_WITHIN => KwWithin,
        KW_TEMPLATE => KwTemplate,
        KW_SSE => KwSse,
        KW_LAUNCH => KwLaunch,
        KW_READY => KwReady,
        KW_QUICKACK => KwQuickack,
        KW_TLS => KwTls,
        KW_CA => KwCa,
        KW_CERT => KwCert,
        KW_KEY => KwKey,
        KW_INSECURE => KwInsecure,
        KW_AUTH => KwAuth,
        KW_BEARER => KwBearer,
        KW_OAUTH => KwOauth,
        KW_TOKEN_URL => KwTokenUrl,
        KW_CLIENT_ID => KwClientId,
        KW_CLIENT_SECRET => KwClientSecret,
        KW_SCOPES => KwScopes,
        KW_ANSWER => KwAnswer,
        KW_CAPABILITIES => KwCapabilities,
        KW_IN_FLIGHT => KwInFlight,
        KW_DURATION => KwDuration,
        KW_REQUESTS => KwRequests,
        KW_ABORT => KwAbort,
        KW_WHEN => KwWhen,
        KW_START => KwStart,
        KW_AT => KwAt,
        KW_AFTER => KwAfter,
        KW_SESSIONS => KwSessions,
        KW_PER => KwPer,
        KW_SHARED => KwShared,
        KW_CLOSE => KwClose,
        KW_STREAM => KwStream,
        KW_BEFORE => KwBefore,
        KW_USER => KwUser,
        KW_TAG => KwTag,
        KW_ITERATIONS => KwIterations,
        KW_EACH => KwEach,
        KW_BY => KwBy,
        KW_SEEK => KwSeek,
        KW_STEP => KwStep,
        KW_EVERY => KwEvery,
        KW_WHILE => KwWhile,
        KW_CONFIRM => KwConfirm,
        KW_COMPLETE => KwComplete,
        KW_RESOURCE => KwResource,
        KW_ARGUMENT => KwArgument,
        KW_VALUE => KwValue,
        KW_SUBSCRIBE => KwSubscribe,
        KW_REQUEST => KwRequest,
        KW_PARAMS => KwParams,
        KW_TAKE => KwTake,
        KW_FROM => KwFrom,
        KW_PACE => KwPace,
        KW_REPEAT => KwRepeat,
        KW_IF => KwIf,
        KW_ELSE => KwElse,
        KW_CHOOSE => KwChoose,
        KW_PARALLEL => KwParallel,
        KW_GROUP => KwGroup,
        KW_STOP => KwStop,
        KW_LOG => KwLog,
        KW_CANCEL => KwCancel,
        KW_PROGRESS => KwProgress,
        KW_MEASURE => KwMeasure,
        KW_IN => KwIn,
        KW_OF => KwOf,
        KW_SECONDS => KwSeconds,
        KW_AND => KwAnd,
        KW_OR => KwOr,
        KW_NOT => KwNot,
        KW_EXISTS => KwExists,
        KW_CONTAINS => KwContains,
        KW_MATCHES => KwMatches,
        KW_TRUE => KwTrue,
        KW_FALSE => KwFalse,
        KW_NULL => KwNull,
        KW_ON => KwOn,
        KW_OFF => KwOff,
    }
    hidden {
        WHITESPACE, blank, word_char, line, item, item_name, item_open, close, server_stmt, guard_stmt,
        scenario_stmt, stages_line, scenario_word, stage, step, request_rest, request_line, step_word,
        request_word, request_stmt, report_stmt, operand, free_operand, op_start, operator, prefix, prefix_start,
        postfix, primary, reserved, word_literal, quantity, decimal, hours, minutes, seconds, millis, micros, nanos, per_word, foreign_unit,
        plain_string, any_string, string_char, escape, format_string, loose_hole, ident, bad_chunk,
        any_stmt, at_item, item_word, tls_stmt, oauth_stmt, data_stmt, hold_stream_word, steps,
    }
    own {
        Files => "files",
        Blank => "blank",
        Doc => "doc",
        Literal => "literal",
        Reference => "reference",
        Binary => "binary",
        Range => "range",
        Unary => "unary",
        Unparsed => "unparsed",
        DuplicateKey => "duplicate_key",
        TooLong => "too_long",
    }
}

impl Kind {
    /// Whether it is a keyword token.
    pub(super) fn is_keyword(self) -> bool {
        self.name().starts_with("KW_")
    }

    /// Whether a syntax diagnostic is given wherever it stands.
    pub(super) fn is_error(self) -> bool {
        matches!(
            self,
            Kind::NoName
                | Kind::LateOpen
                | Kind::NoOpen
                | Kind::NoRequestOpen
                | Kind::NoClose
                | Kind::BadHead
                | Kind::BareKey
                | Kind::BadName
                | Kind::BadQuantity
                | Kind::SpacedQuantity
                | Kind::LooseStr
                | Kind::OpenStr
                | Kind::WrongStr
                | Kind::LooseFstr
                | Kind::OpenFstr
                | Kind::Skipped
                | Kind::TooLong
                | Kind::DuplicateKey
        )
    }

    /// Whether it is an item or a statement.
    pub(super) fn is_statement(self) -> bool {
        matches!(
            self,
            Kind::Edition
                | Kind::Param
                | Kind::Server
                | Kind::Guard
                | Kind::Scenario
                | Kind::Flow
                | Kind::Assert
                | Kind::Report
                | Kind::Http
                | Kind::Stdio
                | Kind::Builtin
                | Kind::Setting
                | Kind::Header
                | Kind::Protocol
                | Kind::Timeout
                | Kind::ConnectTimeout
                | Kind::Env
                | Kind::Cwd
                | Kind::AllowHosts
                | Kind::AllowTools
                | Kind::DenyTools
                | Kind::MaxRate
                | Kind::MaxUsers
                | Kind::Target
                | Kind::Warmup
                | Kind::Run
                | Kind::Stages
                | Kind::Ramp
                | Kind::Hold
                | Kind::Drain
                | Kind::Arrivals
                | Kind::Mix
                | Kind::Share
                | Kind::Call
                | Kind::Read
                | Kind::Prompt
                | Kind::List
                | Kind::Think
                | Kind::Binding
                | Kind::AsLabel
                | Kind::Args
                | Kind::Expect
                | Kind::Require
                | Kind::Save
                | Kind::Pages
                | Kind::AssertLine
                | Kind::Html
                | Kind::Markdown
                | Kind::Junit
                | Kind::Include
                | Kind::Data
                | Kind::Baseline
                | Kind::Sse
                | Kind::RevisionShare
                | Kind::Launch
                | Kind::Tls
                | Kind::Ca
                | Kind::Cert
                | Kind::Insecure
                | Kind::AuthBearer
                | Kind::AuthOauth
                | Kind::TokenUrl
                | Kind::ClientId
                | Kind::ClientSecret
                | Kind::Scopes
                | Kind::Quickack
                | Kind::Answer
                | Kind::Capabilities
                | Kind::MaxInFlight
                | Kind::MaxDuration
                | Kind::MaxRequests
                | Kind::Abort
                | Kind::OnAbort
                | Kind::Csv
                | Kind::Json
                | Kind::Jsonl
                | Kind::Rows
                | Kind::Order
                | Kind::AtEnd
                | Kind::Types
                | Kind::CellType
                | Kind::StartAt
                | Kind::StartAfter
                | Kind::SessionsPer
                | Kind::SessionsShared
                | Kind::CloseSessions
                | Kind::HoldStream
                | Kind::BeforeUser
                | Kind::AfterUser
                | Kind::Tag
                | Kind::Seek
                | Kind::Iterations
                | Kind::Complete
                | Kind::Subscribe
                | Kind::Request
                | Kind::Pace
                | Kind::Take
                | Kind::Repeat
                | Kind::IfStep
                | Kind::ElseIf
                | Kind::ElseStep
                | Kind::Choose
                | Kind::Branch
                | Kind::Parallel
                | Kind::Group
                | Kind::Stop
                | Kind::Log
                | Kind::Params
                | Kind::Argument
                | Kind::Cancel
                | Kind::Progress
                | Kind::Measure
                | Kind::WithinLine
                | Kind::Template
        )
    }
}
