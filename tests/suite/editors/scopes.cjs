// Tokenises texts with the engine that VS Code uses.
//
// Arguments: the grammar. Standard input: a JSON list of `{name, text}`. Standard output: a JSON
// list of `{name, open, scopes}`, where `open` is the first line (from 1) behind which a string is
// still open, or null, and `scopes` is the text line by line with the scopes of its parts.
'use strict';
const fs = require('node:fs');
const { createRequire } = require('node:module');

const [grammarFile] = process.argv.slice(2);
// The packages are below the working directory, not beside this file.
const load = createRequire(`${process.cwd()}/`);
const oniguruma = load('vscode-oniguruma');
const { Registry, parseRawGrammar, INITIAL } = load('vscode-textmate');

function tokenise(grammar, text) {
  let state = INITIAL;
  let open = null;
  const scopes = [];
  text.split(/\r?\n/).forEach((line, index) => {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
    state = ruleStack;
    scopes.push(line === '' ? '' : `| ${line}`);
    for (const { startIndex, endIndex, scopes: names } of tokens) {
      const part = line.slice(startIndex, endIndex);
      const inner = names.slice(1).map((name) => name.replace(/\.mcpl$/, ''));
      if (part.trim() !== '') scopes.push(`    ${JSON.stringify(part)} ${inner.join(' ') || '-'}`);
    }
    if (open === null && state.depth !== 1) open = index + 1;
  });
  return { open, scopes: `${scopes.join('\n').trimEnd()}\n` };
}

async function main() {
  await oniguruma.loadWASM(fs.readFileSync(load.resolve('vscode-oniguruma/release/onig.wasm')).buffer);
  const registry = new Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (string) => new oniguruma.OnigString(string),
    }),
    loadGrammar: async () => parseRawGrammar(fs.readFileSync(grammarFile, 'utf8'), grammarFile),
  });
  const grammar = await registry.loadGrammar('source.mcpl');
  const texts = JSON.parse(fs.readFileSync(0, 'utf8'));
  process.stdout.write(JSON.stringify(texts.map(({ name, text }) => ({ name, ...tokenise(grammar, text) }))));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
