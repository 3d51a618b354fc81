// The subgraphs of the running services, and supergraphs of them.
import { readFileSync } from 'node:fs';
import { composeServices as compose } from '@theguild/federation-composition';
import { parse } from 'graphql';
import { ask } from './graphql.mjs';

/**
 * Returns our two subgraphs, from the running services or as exported for gateways that reject directives. `part` is the
 * one that auth-graph is configured to serve.
 */
export async function ours({ directives = true } = {}, part = 'account') {
  const urls = { 'auth-graph': process.env.AUTH_URL, 'client-graph': process.env.CLIENT_URL };
  return Promise.all(
    Object.entries(urls).map(async ([name, url]) => {
      const sdl = directives ? (await ask(url, '{ _service { sdl } }'))._service.sdl : withoutDirectives(name, part);
      return { name, url: new URL('/graphql', url).href, sdl };
    }),
  );
}

function withoutDirectives(name, part) {
  const whole = name === 'auth-graph' && part === 'full' ? '.full' : '';
  const file = `../schema/${name.replace('-graph', '')}.subgraph${whole}.plain.graphql`;
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}

/** Composes subgraphs to a supergraph. */
export function supergraphOf(subgraphs) {
  const { supergraphSdl, errors } = compose(subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })));
  if (!supergraphSdl) throw new Error(`the subgraphs do not compose: ${errors.map(({ message }) => message).join('\n')}`);
  return supergraphSdl;
}
