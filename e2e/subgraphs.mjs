// The subgraphs as they tell themselves, and supergraphs of them.
import { composeServices as compose } from '@theguild/federation-composition';
import { parse } from 'graphql';
import { ask } from './graphql.mjs';

/** Our two, read from the running services. */
export async function ours() {
  const urls = { 'auth-graph': process.env.AUTH_URL, 'client-graph': process.env.CLIENT_URL };
  return Promise.all(
    Object.entries(urls).map(async ([name, url]) => {
      const { _service } = await ask(url, '{ _service { sdl } }');
      return { name, url: new URL('/graphql', url).href, sdl: _service.sdl };
    }),
  );
}

/** The supergraph of the subgraphs. */
export function supergraphOf(subgraphs) {
  const { supergraphSdl, errors } = compose(subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })));
  if (!supergraphSdl) throw new Error(`the subgraphs do not compose: ${errors.map(({ message }) => message).join('\n')}`);
  return supergraphSdl;
}
