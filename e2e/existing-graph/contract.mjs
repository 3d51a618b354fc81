// node contract.mjs auth.full.graphql
import { readFileSync, writeFileSync } from 'node:fs';
import { composeSchemaContract } from '@theguild/federation-composition';
import { parse } from 'graphql';

const read = (file) => parse(readFileSync(file, 'utf8'));
const subgraphs = [
  { name: 'auth-graph', url: 'http://127.0.0.1:8000/graphql', typeDefs: read(process.argv[2]) },
  { name: 'orders', url: 'http://127.0.0.1:4002/graphql', typeDefs: read('orders.graphql') },
];
// The public variant: without the fields for administrators and for services, and without types that only these have.
const { supergraphSdl, errors } = composeSchemaContract(subgraphs, { include: new Set(), exclude: new Set(['admin', 'feed']) }, true);
if (errors) throw new Error(errors.map(({ message }) => message).join('\n'));
writeFileSync('public.graphql', supergraphSdl);
console.log('public.graphql was written');
