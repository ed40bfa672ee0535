// A server on the official TypeScript SDK, version 2: `own.mjs PORT`.
import { createServer } from 'node:http';
import { McpServer, ResourceTemplate, createMcpHandler } from '@modelcontextprotocol/server';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { z } from 'zod';

const annotations = { readOnlyHint: true };
const text = (text) => [{ type: 'text', text }];

function make() {
  const server = new McpServer({ name: 'own-typescript', version: '1.0.0' });
  const numbers = z.object({ a: z.number().int(), b: z.number().int() });
  server.registerTool('add', { inputSchema: numbers, outputSchema: z.object({ sum: z.number() }), annotations },
    ({ a, b }) => ({ content: text(String(a + b)), structuredContent: { sum: a + b } }));
  server.registerTool('refuse', { inputSchema: z.object({ word: z.string() }), annotations },
    ({ word }) => ({ content: text(`not ${word}`), isError: true }));
  server.registerResource('word', new ResourceTemplate('own://words/{word}', { list: undefined }), {},
    (uri, { word }) => ({ contents: [{ uri: uri.href, text: `the word ${word}` }] }));
  server.registerPrompt('greet', { argsSchema: z.object({ name: z.string() }) },
    ({ name }) => ({ messages: [{ role: 'user', content: { type: 'text', text: `Say hello to ${name}.` } }] }));
  return server;
}

createServer(toNodeHandler(createMcpHandler(make))).listen(Number(process.argv[2]), '127.0.0.1');
