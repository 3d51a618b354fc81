// The gateway of deploy/compose.yaml. Other configurations, and what each of them checks, are in docs/guides/gateways.md.
import { defineConfig } from '@graphql-hive/gateway';

const service = (location) => ({ location, options: { method: 'POST' } });

export const gatewayConfig = defineConfig({
  // The services verify the token themselves. auth-graph counts log-ins for the address of the client, if this gateway is
  // one of its server.trusted_proxies. Nothing else of a request is passed on.
  propagateHeaders: {
    fromClientToSubgraphs: ({ request, context }) => ({
      authorization: request.headers.get('authorization'),
      'x-forwarded-for': [request.headers.get('x-forwarded-for'), context.req.socket.remoteAddress].filter(Boolean).join(', '),
    }),
  },
  // The supergraph of this repository has the addresses of the demo.
  transportEntries: {
    'auth-graph': service('http://auth-graph:8000/graphql'),
    'client-graph': service('http://client-graph:8001/graphql'),
  },
});
