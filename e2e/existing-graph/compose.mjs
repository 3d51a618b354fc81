// node compose.mjs auth.graphql [FIELD...]
import { readFileSync, writeFileSync } from 'node:fs';
import { composeServices } from '@theguild/federation-composition';
import { parse, visit } from 'graphql';

const [file, ...fields] = process.argv.slice(2);
const read = (file) => readFileSync(file, 'utf8');

/** Marks fields of a schema as taken over from another subgraph. They may stay there until it is deployed without them. */
function takenOver(schema, from, fields) {
  const [{ directives }] = parse(`type T @override(from: "${from}")`).definitions;
  return visit(parse(schema.replace('"@key"', '"@key", "@override"')), {
    ObjectTypeDefinition: (type) => ({
      ...type,
      fields: type.fields.map((field) => {
        const isTaken = fields.includes(`${type.name.value}.${field.name.value}`);
        return isTaken ? { ...field, directives: [...field.directives, ...directives] } : field;
      }),
    }),
  });
}

const { supergraphSdl, errors } = composeServices([
  { name: 'auth-graph', url: 'http://127.0.0.1:8000/graphql', typeDefs: takenOver(read(file), 'accounts', fields) },
  { name: 'accounts', url: 'http://127.0.0.1:4001/graphql', typeDefs: parse(read('accounts.graphql')) },
  { name: 'orders', url: 'http://127.0.0.1:4002/graphql', typeDefs: parse(read('orders.graphql')) },
  { name: 'products', url: 'http://127.0.0.1:4003/graphql', typeDefs: parse(read('products.graphql')) },
]);
for (const { message } of errors ?? []) console.log(message);
if (supergraphSdl) {
  writeFileSync('supergraph.graphql', supergraphSdl);
  console.log('supergraph.graphql was written');
}
