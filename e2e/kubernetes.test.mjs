// The Helm chart and the base for kustomize: rendered by helm and kubectl, and checked by the schemas of Kubernetes and by
// auth-graph. With UPDATE=1 the base is written.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import { parse, parseAllDocuments } from 'yaml';
import { binary } from './auth-graph.mjs';
import { tools } from './tools.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'auth-graph-kubernetes-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const chart = join(root, 'deploy', 'helm', 'auth-graph');
const base = join(root, 'deploy', 'kubernetes', 'base', 'auth-graph.yaml');
const required = { publicUrl: 'https://auth.example.com', existingSecret: 'auth-graph' };
const everything = {
  ...required,
  image: { repository: 'registry.example.com/auth-graph', tag: '1', pullPolicy: 'Always' },
  imagePullSecrets: [{ name: 'registry' }],
  replicas: 3,
  mail: { from: 'Example <no-reply@example.com>' },
  trustedProxies: ['10.0.0.0/8', '192.168.0.1'],
  settings: { AUTH_GRAPH_LOG__REQUESTS: 'true', AUTH_GRAPH_ACCOUNTS__REGISTRATION: 'open' },
  podAnnotations: { a: 'b' },
  nodeSelector: { disk: 'fast' },
  tolerations: [{ key: 'a', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  networkPolicy: { from: [{ namespaceSelector: {} }], metricsFrom: [{ podSelector: {} }], ports: [5432] },
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
};

function helm(values, ...args) {
  const file = join(folder, 'values.json');
  writeFileSync(file, JSON.stringify(values));
  const env = { ...process.env, HOME: folder };
  return spawnSync(join(tools, 'helm'), ['template', 'auth-graph', chart, '--values', file, ...args], { encoding: 'utf8', env });
}

function rendered(values, ...args) {
  const { status, stdout, stderr } = helm(values, ...args);
  assert.equal(status, 0, stderr);
  return parseAllDocuments(stdout).map((document) => document.toJS());
}

const ajv = new Ajv({ strict: false, validateFormats: false });
for (const file of readdirSync(join(tools, 'schemas'))) {
  const schema = JSON.parse(readFileSync(join(tools, 'schemas', file), 'utf8'));
  ajv.addSchema({ ...schema, $id: `file:///api/${file}`, $schema: undefined });
}

/** Checks a resource by its strict schema, which knows every field. */
function check(resource) {
  const [group, version] = resource.apiVersion.includes('/') ? resource.apiVersion.split('/') : ['', resource.apiVersion];
  const name = [resource.kind.toLowerCase(), ...(group ? [group.split('.')[0]] : []), version].join('-');
  const validate = ajv.getSchema(`file:///api/${name}.json`);
  assert.ok(validate, `there is no schema ${name}`);
  assert.ok(validate(resource), `${resource.kind}: ${JSON.stringify(validate.errors)}`);
}

const byKind = (resources) => Object.fromEntries(resources.map((resource) => [resource.kind, resource]));

for (const [title, values] of Object.entries({ 'only what is required': required, 'every value': everything })) {
  test(`the chart with ${title} makes resources that Kubernetes knows`, () => {
    const resources = rendered(values);
    const kinds = byKind(resources);
    for (const resource of resources.filter(({ kind }) => kind !== 'ServiceMonitor')) check(resource);
    const expected = ['Deployment', 'Job', 'NetworkPolicy', 'PodDisruptionBudget', 'Service'];
    assert.deepEqual(Object.keys(kinds).sort(), values.serviceMonitor ? [...expected, 'ServiceMonitor'].sort() : expected);

    const { Deployment, Job, Service } = kinds;
    for (const { spec } of [Deployment.spec.template, Job.spec.template]) {
      const [container] = spec.containers;
      assert.equal(spec.enableServiceLinks, false);
      assert.equal(spec.automountServiceAccountToken, false);
      assert.ok(spec.securityContext.runAsNonRoot && container.securityContext.readOnlyRootFilesystem);
      assert.deepEqual(container.securityContext.capabilities.drop, ['ALL']);
      assert.ok(container.resources.requests.memory && container.resources.limits.memory);
    }
    const [{ ports, startupProbe, livenessProbe, readinessProbe }] = Deployment.spec.template.spec.containers;
    const named = ports.map(({ name }) => name);
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) assert.ok(named.includes(probe.httpGet.port));
    for (const port of Service.spec.ports) assert.ok(named.includes(port.targetPort));
    const labels = Object.entries(Deployment.spec.template.metadata.labels);
    for (const pair of Object.entries(Service.spec.selector)) assert.ok(labels.some((label) => `${label}` === `${pair}`));
    assert.equal(Job.metadata.annotations['helm.sh/hook'], 'pre-install,pre-upgrade');
    const selected = Object.entries(Service.spec.selector).every(([key, value]) => Job.spec.template.metadata.labels[key] === value);
    assert.ok(!selected, 'the service sends nothing to the job');
  });

  test(`auth-graph accepts the settings of the chart with ${title}`, () => {
    const { Deployment } = byKind(rendered(values));
    const [{ env, volumeMounts }] = Deployment.spec.template.spec.containers;
    const mount = volumeMounts.find(({ name }) => name === 'secrets').mountPath;
    writeFileSync(join(folder, 'secret'), execFileSync('openssl', ['rand', '-base64', '32']));
    writeFileSync(join(folder, 'database_url'), 'postgres://auth_graph@database/auth_graph');
    writeFileSync(join(folder, 'smtp_url'), 'smtps://mail.example.com');
    const given = env.map(({ name, value }) => [name, value.replace(mount, folder)]);
    // Those of the image, which the chart relies on.
    const image = readFileSync(join(root, 'deploy', 'Dockerfile'), 'utf8').matchAll(/(AUTH_GRAPH_\w+)=(\S+)/g);
    const settings = { ...Object.fromEntries([...image].map(([, name, value]) => [name, value])), ...Object.fromEntries(given) };
    const strict = values.mail ? ['--strict'] : [];
    const { status, stdout, stderr } = spawnSync(binary('auth-graph'), ['config', 'check', ...strict], { env: settings, encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
  });
}

for (const [what, values] of Object.entries({
  'without publicUrl': { existingSecret: 'a' },
  'without existingSecret': { publicUrl: 'https://auth.example.com' },
  'with http': { ...required, publicUrl: 'http://auth.example.com' },
  'with a value that it does not know': { ...required, replicaCount: 3 },
  'with a setting of another program': { ...required, settings: { PATH: '/' } },
})) {
  test(`the chart refuses values ${what}`, () => {
    const { status, stderr } = helm(values);
    assert.notEqual(status, 0);
    assert.match(stderr, /values don't meet the specifications of the schema/);
  });
}

test('the schemas notice a field with a wrong name', () => {
  const { Deployment } = byKind(rendered(required));
  Deployment.spec.template.spec.containers[0].readynessProbe = {};
  assert.throws(() => check(Deployment), /readynessProbe/);
});

test('the chart is in order, and its version is that of the product', () => {
  const env = { ...process.env, HOME: folder };
  const args = ['lint', '--strict', chart, '--set', 'publicUrl=https://a.example.com,existingSecret=a'];
  const { status, stdout } = spawnSync(join(tools, 'helm'), args, { encoding: 'utf8', env });
  assert.equal(status, 0, stdout);
  const version = /\nversion = "(.*)"/.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))[1];
  const { appVersion } = parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8'));
  assert.equal(appVersion, version);
});

test('the base for kustomize is what the chart renders', () => {
  const { stdout, status, stderr } = helm(required, '--set', 'migrate.enabled=false');
  assert.equal(status, 0, stderr);
  const current = `# Written by: UPDATE=1 node e2e/run.mjs kubernetes.test.mjs\n${stdout.replace(/\n.*managed-by: Helm/g, '')}`;
  if (process.env.UPDATE) writeFileSync(base, current);
  assert.ok(existsSync(base) && readFileSync(base, 'utf8') === current, 'run UPDATE=1 node e2e/run.mjs kubernetes.test.mjs');
});

test('the example for kustomize changes the image, the replicas and the address', () => {
  const output = execFileSync(join(tools, 'kubectl'), ['kustomize', join(root, 'deploy', 'kubernetes', 'example')], { encoding: 'utf8' });
  const resources = parseAllDocuments(output).map((document) => document.toJS());
  resources.forEach(check);
  const { Deployment } = byKind(resources);
  assert.equal(Deployment.spec.replicas, 3);
  const [{ image, env }] = Deployment.spec.template.spec.containers;
  assert.equal(image, 'registry.example.com/auth-graph:0.1.0');
  const value = (wanted) => env.find(({ name }) => name === wanted)?.value;
  assert.equal(value('AUTH_GRAPH_SERVER__PUBLIC_URL'), 'https://login.example.com');
  assert.ok(value('AUTH_GRAPH_SECRET_FILE') && value('AUTH_GRAPH_SERVER__TRUSTED_PROXIES'));
});
