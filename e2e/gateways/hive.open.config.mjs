// hive-gateway supergraph supergraph.graphql --config-path hive.open.config.mjs
// Passes the header on and checks nothing: all that protects is the services themselves.
import { defineConfig } from '@graphql-hive/gateway';

export const gatewayConfig = defineConfig({
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => ({
      authorization: request.headers.get('authorization') ?? undefined,
    }),
  },
  // Subscriptions go to the services as server-sent events, by POST.
  transportEntries: { '*.http': { options: { method: 'POST' } } },
});
