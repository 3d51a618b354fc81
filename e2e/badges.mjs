// A subgraph of another team: GraphQL Yoga, without a package of this project. It extends `User`, names one user to all
// callers, and protects nothing itself: a gateway must enforce its directives.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { createYoga } from 'graphql-yoga';

const marked = readFileSync(new URL('badges.graphql', import.meta.url), 'utf8');
const plain = marked.replace(/ @(authenticated|requiresScopes\(.*\))$/gm, '');

/** Starts the subgraph with or without the directives. `seen` collects the headers of all requests, `champion` is the id of a user. */
export async function startBadges({ directives }, champion) {
  const seen = [];
  const sdl = directives ? marked : plain;
  const resolvers = {
    Query: { badgeCount: () => 1, champion: () => champion && { id: champion } },
    User: { badges: ({ id }) => [`badge of ${id}`], reports: () => ['a report'] },
  };
  const yoga = createYoga({ schema: buildSubgraphSchema({ typeDefs: parse(sdl), resolvers }), logging: false });
  const server = createServer((request, response) => {
    seen.push(request.headers);
    yoga(request, response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/graphql`;
  return { name: 'badges', url, sdl, seen, stop: () => (server.closeAllConnections(), server.close()) };
}
