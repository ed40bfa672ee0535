/**
 * A tree-sitter grammar of mcpl, edition 1.
 *
 * It follows grammar/mcpl.pest of the repository and accepts a little more: what a
 * value may be is not its business. Errors are left to tree-sitter's own recovery.
 *
 * Newlines end statements, but not inside brackets. So "\n" is white space and a token
 * at once: where a statement may end, the token wins; elsewhere it is skipped.
 *
 * Keywords are reserved nowhere but where they may stand; `word` sees to that.
 */

/// <reference types="tree-sitter-cli/dsl" />
// @ts-check

const PREC = { or: 1, and: 2, not: 3, compare: 4, range: 5, add: 6, multiply: 7, prefix: 8, postfix: 9 };

const BLANK = /[ \t]+/;
const DECIMAL = /[0-9]+(\.[0-9]+)?/;

/** A block of statements, one on each line. */
const lines = (rule) => seq("{", optional(seq(rule, repeat(seq("\n", rule)), optional("\n"))), "}");

/** A block of statements that may end with a block; behind that the line may go on. */
const block = (rule) => seq("{", repeat(seq(rule, optional("\n"))), "}");

const commaSep = (rule) => optional(seq(rule, repeat(seq(",", rule)), optional(",")));

module.exports = grammar({
  name: "mcpl",

  word: ($) => $.identifier,

  extras: ($) => [/\s/, $.comment, $.doc_comment],

  conflicts: ($) => [
    // `else` may stand on the next line, and so may the next step.
    [$.if_step],
  ],

  supertypes: ($) => [$._expression],

  rules: {
    file: ($) => repeat(seq($._item, optional("\n"))),

    // ------------------------------------------------------------ trivia

    doc_comment: () => token(prec(1, /##[^\n\r]*/)),
    comment: () => token(/#[^\n\r]*/),

    // ------------------------------------------------------------- items

    _item: ($) =>
      choice(
        $.edition,
        $.param,
        $.include,
        $.server,
        $.guard,
        $.data,
        $.scenario,
        $.flow,
        $.assert,
        $.baseline,
        $.report,
      ),

    edition: ($) => seq("mcpl", $.number),
    param: ($) => seq("param", field("name", $._name), "=", field("value", $._expression)),
    include: ($) => seq("include", $._expression),
    server: ($) => seq("server", field("name", $._name), block($._server_statement)),
    guard: ($) => seq("guard", lines($._guard_statement)),
    data: ($) => seq("data", field("name", $._name), block($._data_statement)),
    scenario: ($) => seq("scenario", field("name", $._name), block($._scenario_statement)),
    flow: ($) => seq("flow", field("name", $._name), $._steps),
    assert: ($) => seq("assert", lines($.assertion)),
    baseline: ($) => seq("baseline", field("name", $._name), lines($.margin)),
    report: ($) => seq("report", lines($._report_statement)),

    // ------------------------------------------------------------ server

    _server_statement: ($) =>
      choice(
        $.transport,
        $.builtin,
        $.header,
        $.protocol,
        $.timeout,
        $.environment,
        $.launch,
        $.tls,
        $.auth,
        $.proxy,
        $.answer,
        $.switch,
      ),

    transport: ($) => seq(choice("http", "stdio", "sse"), $._expression),
    builtin: ($) => seq("builtin", field("name", $._name), optional(lines($.setting))),
    setting: ($) => seq(field("name", $._name), $._expression),
    header: ($) => seq("header", field("name", choice($.string, $.reference)), $._expression),
    protocol: ($) => seq("protocol", choice($._word, lines($.revision_share))),
    revision_share: ($) => seq($._amount, $._word),
    timeout: ($) => seq(choice("timeout", "connect_timeout"), $._expression),
    environment: ($) => seq(choice("env", "cwd"), $._expression),
    launch: ($) => seq("launch", $._expression, optional(seq("ready", "within", $._expression))),
    tls: ($) => seq("tls", lines($._tls_statement)),
    _tls_statement: ($) => choice($.ca, $.cert, $.insecure),
    ca: ($) => seq("ca", $._expression),
    cert: ($) => seq("cert", $._expression, "key", $._expression),
    insecure: ($) => seq("insecure", $._expression),
    auth: ($) => seq("auth", choice(seq("bearer", $._expression), seq("oauth", lines($.oauth_statement)))),
    oauth_statement: ($) =>
      seq(
        choice("token_url", "client_id", "client_secret", "client_key", "key_id", "audience", "scopes"),
        $._expression,
      ),
    proxy: ($) => seq("proxy", choice("environment", $._expression)),
    answer: ($) => seq("answer", $._word, $._expression),
    switch: ($) => seq(choice("at", "quickack", "pid", "capabilities"), $._expression),

    // ------------------------------------------------------------- guard

    _guard_statement: ($) => choice($.allow, $.deny, $.limit, $.abort, $.on_abort),

    allow: ($) => seq("allow", choice("hosts", "tools"), $._expression),
    deny: ($) => seq("deny", "tools", $._expression),
    limit: ($) => seq("max", choice("rate", "users", "in_flight", "duration", "requests"), $._expression),
    abort: ($) => seq("abort", "when", $._expression, optional(seq("for", $._expression))),
    on_abort: ($) => seq("on", "abort", $._word),

    // -------------------------------------------------------------- data

    _data_statement: ($) => choice($.rows, $.order, $.types),

    rows: ($) => seq(choice("csv", "json", "jsonl", "rows"), $._expression),
    order: ($) => seq(choice("order", "at_end"), $._word),
    types: ($) => seq("types", "{", repeat(seq($.cell_type, optional(choice(",", "\n")))), "}"),
    cell_type: ($) => seq(field("name", $._name), ":", field("type", $._word)),

    // ---------------------------------------------------------- scenario

    _scenario_statement: ($) =>
      choice(
        $.target,
        $.warmup,
        $.stages,
        $.mix,
        $.run,
        $.start,
        $.sessions,
        $.close_sessions,
        $.hold_stream,
        $.cache_hints,
        $.lost_session,
        $.ids,
        $.list_before_call,
        $.persona,
        $.user_steps,
        $.tag,
      ),

    target: ($) => seq("target", choice(field("name", $._name), lines($.share))),
    warmup: ($) => seq("warmup", $._expression),
    run: ($) => seq("run", field("name", $._name)),
    start: ($) => seq("start", choice(seq("at", $._expression), seq("after", field("name", $._name)))),
    sessions: ($) => seq("sessions", choice(seq("per", $._word), seq("shared", $._expression))),
    close_sessions: ($) => seq("close", $._expression),
    hold_stream: ($) => seq("hold", "stream", $._expression),
    cache_hints: ($) => seq("cache", "hints", $._expression),
    lost_session: ($) => seq("lost", "session", $._word),
    ids: ($) => seq("ids", $._word),
    list_before_call: ($) => seq("list", "before", "call", $._expression),
    persona: ($) => seq("persona", $._expression),
    user_steps: ($) => seq(choice("before", "after"), "user", $._steps),
    tag: ($) => seq("tag", field("name", $._name), "=", field("value", $._expression)),

    stages: ($) => seq("stages", lines($._stage)),
    _stage: ($) => choice($.ramp, $.hold, $.seek, $.iterations, $.drain, $.arrivals, $.limit),
    ramp: ($) => seq("ramp", $._expression, "->", $._expression, "over", $._expression),
    hold: ($) => seq("hold", $._expression, "for", $._expression),
    seek: ($) =>
      seq(
        "seek",
        $._expression,
        "->",
        $._expression,
        "step",
        $._expression,
        optional(seq("every", $._expression)),
        "while",
        $._expression,
        optional(seq("confirm", $._expression)),
      ),
    iterations: ($) =>
      seq(
        "iterations",
        $._expression,
        choice("shared", "each"),
        "by",
        $._expression,
        optional(seq("within", $._expression)),
      ),
    drain: ($) => seq("drain", "up", "to", $._expression),
    arrivals: ($) => seq("arrivals", $._word),
    mix: ($) => seq("mix", lines($.share)),
    share: ($) => seq($._amount, field("name", $._name)),
    _amount: ($) => choice($.percent, $.duration, $.rate, $.size, $.number),

    // -------------------------------------------------------------- flow

    _steps: ($) => block($._step),
    _step: ($) =>
      choice(
        $.call,
        $.read,
        $.prompt,
        $.list,
        $.complete,
        $.subscribe,
        $.request,
        $.think,
        $.pace,
        $.let,
        $.take,
        $.repeat,
        $.if_step,
        $.choose,
        $.parallel,
        $.group,
        $.run,
        $.stop,
        $.log,
      ),

    call: ($) => seq("call", field("name", $._name), optional($._request_block)),
    read: ($) => seq("read", $._expression, optional($._request_block)),
    prompt: ($) => seq("prompt", field("name", $._name), optional($._request_block)),
    list: ($) => seq("list", $._word, optional($._request_block)),
    complete: ($) =>
      seq(
        "complete",
        choice(seq("prompt", field("name", $._name)), seq("resource", $._expression)),
        optional($._request_block),
      ),
    subscribe: ($) => seq("subscribe", $._expression, "for", $._expression, optional($._request_block)),
    request: ($) => seq("request", field("name", $._name), optional($._request_block)),
    think: ($) => seq("think", optional("exponential"), $._expression),
    pace: ($) => seq("pace", $._expression),
    let: ($) => seq("let", field("name", $._name), "=", field("value", $._expression)),
    take: ($) => seq("take", field("name", $._name), "from", field("data", $._name)),
    repeat: ($) => seq("repeat", $._expression, $._steps),
    if_step: ($) =>
      seq(
        "if",
        $._expression,
        $._steps,
        repeat(seq(optional("\n"), $.else_if)),
        optional(seq(optional("\n"), $.else_step)),
      ),
    else_if: ($) => seq("else", "if", $._expression, $._steps),
    else_step: ($) => seq("else", $._steps),
    choose: ($) => seq("choose", block($.branch)),
    branch: ($) => seq($._amount, $._steps),
    parallel: ($) => seq("parallel", $._steps),
    group: ($) => seq("group", field("name", $._name), $._steps),
    stop: ($) => seq("stop", $._word),
    log: ($) => seq("log", $._expression),

    _request_block: ($) => lines($._request_statement),
    _request_statement: ($) =>
      choice(
        $.label,
        $.arguments,
        $.argument,
        $.tag,
        $.timeout,
        $.cancel,
        $.progress,
        $.task,
        $.expectation,
        $.save,
        $.pages,
      ),
    label: ($) => seq("as", $._expression),
    arguments: ($) => seq(choice("args", "params"), $._expression),
    argument: ($) => seq("argument", $._expression, "value", $._expression),
    cancel: ($) => seq("cancel", "after", $._expression),
    progress: ($) => seq("progress", $._expression),
    task: ($) => seq("task", choice($.constant, $.reference, lines($.ttl))),
    ttl: ($) => seq("ttl", $._expression),
    expectation: ($) =>
      seq(choice("expect", "require"), $._expression, optional(seq("as", field("label", $.string)))),
    save: ($) => seq(choice("save", "measure"), field("name", $._name), "=", field("value", $._expression)),
    pages: ($) => seq("pages", $._expression),

    // --------------------------------------------------- assert and report

    assertion: ($) => seq($._expression, optional($.window)),
    // One token, because `in` alone would be taken for the operator.
    window: () => token(seq("in", BLANK, DECIMAL, "%", BLANK, "of", BLANK, "seconds")),
    margin: ($) => seq($._expression, "within", optional("+"), $._expression),
    _report_statement: ($) => choice($.report_file, $.template),
    report_file: ($) => seq(choice("html", "markdown", "junit"), $._expression),
    template: ($) => seq("template", $._expression, "to", $._expression),

    // ------------------------------------------------------- expressions

    _expression: ($) =>
      choice(
        $.binary,
        $.unary,
        $.access,
        $.index,
        $.selection,
        $.function,
        $.parenthesized,
        $.array,
        $.object,
        $.string,
        $.format_string,
        $.number,
        $.percent,
        $.duration,
        $.rate,
        $.size,
        $.users,
        $.revision,
        $.percentile,
        $.constant,
        $.reference,
      ),

    binary: ($) => {
      const levels = [
        [PREC.or, "or"],
        [PREC.and, "and"],
        [PREC.compare, choice("==", "!=", "<", "<=", ">", ">=", "contains", "matches", "in")],
        [PREC.range, ".."],
        [PREC.add, choice("+", "-")],
        [PREC.multiply, choice("*", "/")],
      ];
      return choice(
        ...levels.map(([level, operator]) =>
          prec.left(
            level,
            seq(field("left", $._expression), field("operator", operator), field("right", $._expression)),
          ),
        ),
      );
    },
    unary: ($) =>
      choice(prec(PREC.not, seq("not", $._expression)), prec(PREC.prefix, seq(choice("-", "exists"), $._expression))),
    access: ($) => prec(PREC.postfix, seq($._expression, ".", field("field", choice($.field, $.percentile)))),
    field: ($) => $.identifier,
    index: ($) => prec(PREC.postfix, seq($._expression, "[", $._expression, "]")),
    selection: ($) =>
      prec(PREC.postfix, seq($._expression, "[", field("tag", alias($.identifier, $.tag_name)), "=", $._expression, "]")),
    function: ($) =>
      prec(PREC.postfix, seq(field("name", alias($.identifier, $.callee)), "(", commaSep($._argument), ")")),
    _argument: ($) => choice($._expression, $.named_argument),
    named_argument: ($) => seq(field("name", alias($.identifier, $.argument_name)), ":", $._expression),
    parenthesized: ($) => seq("(", $._expression, ")"),
    array: ($) => seq("[", commaSep($._expression), "]"),
    object: ($) => seq("{", commaSep($.entry), "}"),
    entry: ($) => seq(field("key", $.key), ":", field("value", $._expression)),
    key: ($) => choice($.string, $.identifier),
    reference: ($) => $.identifier,
    constant: () => choice("true", "false", "null", "on", "off"),

    // ---------------------------------------------------------- literals

    // Without its sign, which would tear `-5%` apart.
    number: () => token(/(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/),
    percent: () => token(seq(DECIMAL, "%")),
    duration: () => token(repeat1(seq(DECIMAL, choice("h", "m", "s", "ms", "us", "ns")))),
    rate: () => token(seq(DECIMAL, "/", /[smh]/)),
    size: () => token(seq(DECIMAL, optional(/[KMG]i|[kKMG]/), "B")),
    users: () => token(seq(DECIMAL, BLANK, /users?/)),
    revision: () => token(/[0-9]{4}-[0-9]{2}-[0-9]{2}/),
    percentile: () => token(/p[0-9]+\.[0-9]+/),

    string: ($) => seq('"', repeat(choice(token.immediate(prec(1, /[^"\\\n\r]+/)), $.escape)), token.immediate('"')),
    format_string: ($) =>
      seq(
        'f"',
        repeat(choice(token.immediate(prec(1, /[^"\\{}\n\r]+/)), $.brace, $.escape, $.hole)),
        token.immediate('"'),
      ),
    brace: () => token.immediate(choice("{{", "}}")),
    hole: ($) => seq(token.immediate("{"), $._expression, "}"),
    escape: () => token.immediate(/\\(["\\\/bfnrt]|u[0-9a-fA-F]{4})/),

    // ------------------------------------------------------------- names

    _name: ($) => choice($.name, $.string),
    name: ($) => $.identifier,
    _word: ($) => choice(alias($.identifier, $.word), $.string, $.revision),
    identifier: () => /[A-Za-z_][A-Za-z0-9_]*/,
  },
});
