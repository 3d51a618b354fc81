// hive-gateway supergraph supergraph.graphql --config-path hive.config.mjs
import { createRemoteJwksSigningKeyProvider, defineConfig } from '@graphql-hive/gateway';

const issuer = process.env.AUTH_URL ?? 'http://127.0.0.1:8000';

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
  jwt: {
    signingKeyProviders: [createRemoteJwksSigningKeyProvider({ jwksUri: `${issuer}/.well-known/jwks.json` })],
    tokenVerification: { algorithms: ['ES256'], issuer, audience: 'graph' },
    // A caller who signs in has no token, or an old one. The services say what is wrong with a token, by a code.
    reject: { missingToken: false, invalidToken: false },
    forward: { payload: false, token: false },
  },
  // An additional protection: @authenticated and @requiresScopes are enforced here too.
  genericAuth: {
    mode: 'protect-granular',
    resolveUserFn: (context) => context.jwt?.payload,
    extractScopes: (claims) => claims?.scope?.split(' ') ?? [],
  },
});
