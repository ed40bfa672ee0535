; What is what in a scenario file, for editors that use tree-sitter.

(comment) @comment
(doc_comment) @comment.documentation

(string) @string
(format_string) @string
(format_string (hole "{" @punctuation.special "}" @punctuation.special))
(escape) @string.escape
(brace) @string.escape

(number) @number
[
  (percent)
  (duration)
  (rate)
  (size)
  (users)
  (revision)
  (percentile)
] @number

(constant) @constant.builtin

; Names.
(reference) @variable
(key) @property
(key (string) @property)
(field) @property
(tag_name) @property
(argument_name) @variable.parameter
(callee) @function
(word) @constant
(name) @variable
(setting name: (name) @property)
(cell_type name: (name) @property)
(cell_type type: (word) @type)
(param name: (name) @variable.parameter)
(server name: (name) @type)
(scenario name: (name) @type)
(data name: (name) @type)
(flow name: (name) @function)
(run name: (name) @function)
(share name: (name) @function)
(call name: (name) @function)
(prompt name: (name) @function)
(label (string) @label)
(expectation label: (string) @label)

; Items.
[
  "mcpl"
  "param"
  "include"
  "server"
  "guard"
  "data"
  "scenario"
  "flow"
  "assert"
  "baseline"
  "report"
] @keyword

; Statements.
[
  "http"
  "stdio"
  "sse"
  "builtin"
  "header"
  "protocol"
  "timeout"
  "connect_timeout"
  "env"
  "cwd"
  "launch"
  "tls"
  "ca"
  "cert"
  "insecure"
  "auth"
  "token_url"
  "client_id"
  "client_secret"
  "client_key"
  "key_id"
  "audience"
  "scopes"
  "proxy"
  "environment"
  "quickack"
  "pid"
  "answer"
  "capabilities"
  "allow"
  "deny"
  "max"
  "abort"
  "csv"
  "json"
  "jsonl"
  "rows"
  "order"
  "at_end"
  "types"
  "target"
  "warmup"
  "stages"
  "mix"
  "run"
  "start"
  "sessions"
  "close"
  "hold"
  "lost"
  "ids"
  "persona"
  "before"
  "tag"
  "ramp"
  "seek"
  "iterations"
  "drain"
  "arrivals"
  "call"
  "read"
  "prompt"
  "list"
  "complete"
  "subscribe"
  "request"
  "think"
  "pace"
  "let"
  "take"
  "group"
  "log"
  "args"
  "params"
  "argument"
  "cancel"
  "progress"
  "task"
  "ttl"
  "expect"
  "require"
  "save"
  "measure"
  "pages"
  "html"
  "markdown"
  "junit"
  "template"
] @keyword
[
  "repeat"
  "parallel"
] @keyword.repeat
[
  "if"
  "else"
  "choose"
] @keyword.conditional
"stop" @keyword.return
(on_abort "on" @keyword)

; Joints inside statements.
[
  "as"
  "at"
  "after"
  "bearer"
  "by"
  "confirm"
  "duration"
  "each"
  "every"
  "exponential"
  "for"
  "from"
  "hosts"
  "in_flight"
  "key"
  "oauth"
  "over"
  "per"
  "rate"
  "ready"
  "requests"
  "resource"
  "session"
  "shared"
  "step"
  "stream"
  "cache"
  "hints"
  "to"
  "tools"
  "up"
  "user"
  "users"
  "value"
  "when"
  "while"
  "within"
] @keyword
(window) @keyword

; Operators.
[
  "and"
  "or"
  "not"
  "exists"
  "contains"
  "matches"
  "in"
] @keyword.operator
[
  "=="
  "!="
  "<"
  "<="
  ">"
  ">="
  "+"
  "-"
  "*"
  "/"
  ".."
  "->"
  "="
] @operator

[
  "{"
  "}"
  "["
  "]"
  "("
  ")"
] @punctuation.bracket
[
  ","
  ":"
  "."
] @punctuation.delimiter
