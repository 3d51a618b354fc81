// The supergraph of the committed subgraphs: `node e2e/supergraph.mjs` writes schema/supergraph.graphql.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { supergraphOf } from './subgraphs.mjs';

const schema = (file) => new URL(`../schema/${file}`, import.meta.url);

/** File of the supergraph. */
export const committed = schema('supergraph.graphql');

/** Composes the supergraph of the committed subgraphs, with the addresses of the demo. */
export function supergraph() {
  const subgraphs = { 'auth-graph': 8000, 'client-graph': 8001 };
  const parts = Object.entries(subgraphs).map(([name, port]) => {
    const sdl = readFileSync(schema(`${name.replace('-graph', '')}.subgraph.graphql`), 'utf8');
    return { name, url: `http://127.0.0.1:${port}/graphql`, sdl };
  });
  return `${supergraphOf(parts).trim()}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(committed, supergraph());
