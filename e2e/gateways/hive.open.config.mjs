// hive-gateway supergraph supergraph.graphql --config-path hive.open.config.mjs
// Passes on the header and checks nothing: only the services themselves protect.
import { defineConfig } from '@graphql-hive/gateway';

export const gatewayConfig = defineConfig({
  // The services verify the token themselves. auth-graph counts log-ins for the address of the client, if this gateway is
  // one of its server.trusted_proxies. Nothing else of a request is passed on.
  propagateHeaders: {
    fromClientToSubgraphs: ({ request, context }) => ({
      authorization: request.headers.get('authorization'),
      'x-forwarded-for': [request.headers.get('x-forwarded-for'), context.req.socket.remoteAddress].filter(Boolean).join(', '),
    }),
  },
  // Subscriptions go to the services as server-sent events, by POST.
  transportEntries: { '*.http': { options: { method: 'POST' } } },
});
