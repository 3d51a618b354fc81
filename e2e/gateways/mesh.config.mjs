// mesh-compose --config-path mesh.config.mjs --output supergraph.graphql
import { defineConfig, loadGraphQLHTTPSubgraph } from '@graphql-mesh/compose-cli';

const subgraph = (name, endpoint, source) => ({
  sourceHandler: loadGraphQLHTTPSubgraph(name, { endpoint, source, federation: true }),
});

export const composeConfig = defineConfig({
  subgraphs: [
    subgraph('auth-graph', 'http://127.0.0.1:8000/graphql', 'schema/auth.subgraph.graphql'),
    subgraph('client-graph', 'http://127.0.0.1:8001/graphql', 'schema/client.subgraph.graphql'),
  ],
});
