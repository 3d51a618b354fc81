// A subgraph that others could write: GraphQL Yoga, without any package of ours. It extends `User`, and protects nothing
// itself: what its directives forbid is up to a gateway.
import { createServer } from 'node:http';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { createYoga } from 'graphql-yoga';

const sdl = (directives) => `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.6", import: ["@key", "@authenticated", "@requiresScopes"])
  type Query { badgeCount: Int! }
  type User @key(fields: "id") {
    id: ID!
    badges: [String!]! ${directives ? '@authenticated' : ''}
    reports: [String!]! ${directives ? '@requiresScopes(scopes: [["users:read"]])' : ''}
  }`;

/** Start it, with the directives or without; `seen` is the headers of all requests to it. */
export async function startBadges({ directives }) {
  const seen = [];
  const typeDefs = parse(sdl(directives));
  const resolvers = {
    Query: { badgeCount: () => 1 },
    User: { badges: ({ id }) => [`badge of ${id}`], reports: () => ['a report'] },
  };
  const yoga = createYoga({ schema: buildSubgraphSchema({ typeDefs, resolvers }), logging: false });
  const server = createServer((request, response) => {
    seen.push(request.headers);
    yoga(request, response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/graphql`;
  return { name: 'badges', url, sdl: sdl(directives), seen, stop: () => (server.closeAllConnections(), server.close()) };
}
