" Vim syntax file for mcpl, the language of scenario files for MCP servers.
"
" A keyword is one only where it may stand: items and statements at the start of a line or
" of a block, joints behind a value. Everywhere else the same word is a name.

if exists("b:current_syntax")
  finish
endif

" Words that begin an item, begin a statement, and join the parts of a statement.
let s:items = split("
      \ assert baseline data flow guard include mcpl param report scenario server ")
let s:statements = split("
      \ abort after allow answer args argument arrivals as at_end audience auth before builtin ca cache call
      \ cancel capabilities cert choose client_id client_key client_secret close complete connect_timeout csv
      \ cwd deny drain else env expect group header hold html http ids if insecure iterations json
      \ jsonl junit key_id launch let list log lost markdown max measure mix order pace pages parallel params
      \ persona pid progress prompt protocol proxy quickack ramp read repeat request require rows run save
      \ scopes seek sessions sse stages start stdio stop subscribe tag take target task template think timeout
      \ tls token_url ttl types warmup ")
let s:joints = split("
      \ abort after as at bearer before by call confirm duration each environment every exponential for from hints
      \ hosts in_flight key oauth of over per prompt rate ready requests resource seconds session shared step
      \ stream to tools up user users value when while within ")
let s:operators = split("and contains exists in matches not or")
let s:constants = split("false null off on true")

syntax match mcplName "\<\h\w*\>"
syntax match mcplMember "\.\h\w*"
syntax match mcplPercentile "\.p\d\+\(\.\d\+\)\?\>"
syntax match mcplFunction "\<\h\w*("me=e-1
syntax match mcplOperator "->\|==\|!=\|<=\|>=\|\.\.\|[-<>=+*/]"

let s:start = '\%(^\|[{}]\)\s*\zs\%('
let s:end = '\)\>\%([.([-]\|\s*[:,)=]\|\]\)\@!'
execute 'syntax match mcplWordOperator "\.\@1<!\<\%(' . join(s:operators, '\|') . '\)\>"'
execute 'syntax match mcplConstant "\.\@1<!\<\%(' . join(s:constants, '\|') . '\)\>"'
execute 'syntax match mcplJoint +\%([[:alnum:]_%)}\]"]\s\+\)\@<=\%(' . join(s:joints, '\|') . '\)\>\ze\s\+[[:alnum:]_({\["\+-]+'
execute 'syntax match mcplStatement "' . s:start . join(s:statements, '\|') . s:end . '"'
execute 'syntax match mcplItem "' . s:start . join(s:items, '\|') . s:end . '"'

syntax match mcplJoint "\%(\<of\s\+\)\@<=seconds\>"
syntax match mcplNumber "\%(\w\|\.\w*\)\@<!-\?\d\+\%(\.\d\+\)\?\%([eE][-+]\?\d\+\)\?\>"
syntax match mcplNumber "\<\d\+\%(\.\d\+\)\?%"
syntax match mcplNumber "\<\d\+\%(\.\d\+\)\?/[smh]\>"
syntax match mcplNumber "\<\d\+\%(\.\d\+\)\?\%([KMG]i\|[kKMG]\)\?B\>"
syntax match mcplNumber "\<\d\+\%(\.\d\+\)\?\s\+users\?\>"
syntax match mcplNumber "\<\%(\d\+\%(\.\d\+\)\?\%(ms\|us\|ns\|h\|m\|s\)\)\+\>"
syntax match mcplNumber "\<\d\{4}-\d\d-\d\d\>"

syntax match mcplEscape contained +\\\(["\\/bfnrt]\|u\x\{4}\)+
syntax match mcplBrace contained "{{\|}}"
syntax region mcplString start=+"+ skip=+\\.+ end=+"+ oneline contains=mcplEscape
syntax match mcplKey +"\%([^"\\]\|\\.\)*"\ze\s*:+
syntax region mcplFormat matchgroup=mcplString start=+\<f"+ skip=+\\.+ end=+"+ oneline contains=mcplEscape,mcplBrace,mcplHole
syntax region mcplHole contained matchgroup=mcplDelimiter start="{{\@!" end="}" oneline contains=mcplString,mcplFormat,mcplNumber,mcplFunction,mcplMember,mcplName,mcplOperator,mcplWordOperator,mcplConstant

syntax match mcplComment "#.*$"
syntax match mcplDoc "##.*$"

highlight default link mcplItem Keyword
highlight default link mcplStatement Statement
highlight default link mcplJoint Keyword
highlight default link mcplWordOperator Operator
highlight default link mcplOperator Operator
highlight default link mcplConstant Boolean
highlight default link mcplNumber Number
highlight default link mcplString String
highlight default link mcplFormat String
highlight default link mcplEscape SpecialChar
highlight default link mcplBrace SpecialChar
highlight default link mcplDelimiter Delimiter
highlight default link mcplKey Identifier
highlight default link mcplMember Identifier
highlight default link mcplPercentile Special
highlight default link mcplFunction Function
highlight default link mcplComment Comment
highlight default link mcplDoc SpecialComment

let b:current_syntax = "mcpl"
