// hive-gateway supergraph supergraph.graphql --config-path hive.router.config.mjs
// Plans queries with the planner of Hive Router, which is written in Rust. The rest is as in hive.config.mjs.
import { unifiedGraphHandler } from '@graphql-hive/router-runtime';
import { gatewayConfig as hive } from './hive.config.mjs';

export const gatewayConfig = { ...hive, unifiedGraphHandler };
