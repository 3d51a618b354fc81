// node apollo.mjs supergraph.graphql
import { readFileSync } from 'node:fs';
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';

// The services verify the token themselves. auth-graph counts log-ins for the address of the client, if this gateway is
// one of its server.trusted_proxies. Nothing else of a request is passed on.
class Subgraph extends RemoteGraphQLDataSource {
  willSendRequest({ request, context }) {
    if (context.authorization) request.http.headers.set('authorization', context.authorization);
    if (context.addresses) request.http.headers.set('x-forwarded-for', context.addresses);
  }
}

const gateway = new ApolloGateway({
  supergraphSdl: readFileSync(process.argv[2], 'utf8'),
  buildService: ({ url }) => new Subgraph({ url }),
});
const { url } = await startStandaloneServer(new ApolloServer({ gateway }), {
  listen: { host: '127.0.0.1', port: Number(process.env.PORT ?? 4000) },
  context: async ({ req }) => ({
    authorization: req.headers.authorization,
    addresses: [req.headers['x-forwarded-for'], req.socket.remoteAddress].filter(Boolean).join(', '),
  }),
});
console.log(`listening at ${url}`);
