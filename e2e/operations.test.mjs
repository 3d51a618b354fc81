// The metrics of both services, and what the guide, the dashboard and the alerts say about them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { tools } from './tools.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const guide = readFileSync(join(root, 'docs', 'guides', 'production.md'), 'utf8');
const rules = parse(readFileSync(join(root, 'deploy/prometheus/alerts.yaml'), 'utf8')).groups.flatMap(({ rules }) => rules);
const board = JSON.parse(readFileSync(join(root, 'deploy/grafana/auth-graph.json'), 'utf8'));
const queries = board.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

/** The metrics by name: type, and the values of each label. */
const metrics = {};

before(async () => {
  for (const url of [process.env.AUTH_URL, process.env.CLIENT_URL]) {
    for (const line of (await (await fetch(`${url}/metrics`)).text()).split('\n').filter(Boolean)) {
      const [, declared, type] = /^# TYPE (\w+) (\w+)/.exec(line) ?? [];
      if (declared) metrics[declared] = { type, labels: {} };
      if (line.startsWith('#')) continue;
      const [, name, , labels = ''] = /^(\w+?)(_bucket|_sum|_count)?(?:\{(.*)\})? \S+$/.exec(line);
      const metric = metrics[name] ?? metrics[`${name}${/_(sum|count)$/.exec(line)?.[0] ?? ''}`];
      for (const [, label, value] of labels.matchAll(/(\w+)="([^"]*)"/g)) (metric.labels[label] ??= new Set()).add(value);
    }
  }
  assert.ok(Object.keys(metrics).length > 15);
});

test('the table of the guide has every metric, with its type, its labels and their values', () => {
  const rows = [...guide.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \|(.*?)\|/gm)];
  const told = Object.fromEntries(
    rows.map(([, name, type, cell]) => {
      const [label, values] = cell.split(':').map((part) => [...part.matchAll(/`([^`]+)`/g)].map(([, word]) => word));
      return [name, { type, label: label[0], values: values?.sort() }];
    }),
  );
  assert.deepEqual(Object.keys(told).sort(), Object.keys(metrics).sort());
  for (const [name, { type, labels }] of Object.entries(metrics)) {
    assert.equal(told[name].type, type, name);
    assert.deepEqual([told[name].label].filter(Boolean), Object.keys(labels), name);
    if (told[name].values) assert.deepEqual(told[name].values, [...labels[told[name].label]].sort(), name);
  }
});

/** Checks that an expression reads metrics, labels and values that exist. */
function reads(expression) {
  const names = [...expression.matchAll(/\b((?:auth|client)_graph_\w+?)(_bucket)?\b(?:\{([^}]*)\})?/g)];
  assert.ok(names.length > 0, expression);
  for (const [, name, , matchers = ''] of names) {
    assert.ok(metrics[name], `${name} is not in /metrics: ${expression}`);
    for (const [, label, , value] of matchers.matchAll(/(\w+)(=~?)"([^"]*)"/g)) {
      for (const wanted of value.split('|')) assert.ok(metrics[name].labels[label]?.has(wanted), `${name} has no ${label}="${wanted}"`);
    }
  }
}

test('the alerts read metrics that exist, and the guide says what to do about each', () => {
  rules.forEach(({ expr }) => reads(expr));
  const told = [...guide.matchAll(/^\| `((?:Auth|Client)Graph\w+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(told, rules.map(({ alert }) => alert));
});

test('the alerts fire when they should, and are quiet otherwise', () => {
  const folder = join(root, 'deploy', 'prometheus');
  const promtool = (...args) => execFileSync(join(tools, 'promtool'), args, { cwd: folder, stdio: 'pipe', encoding: 'utf8' });
  promtool('check', 'rules', 'alerts.yaml');
  assert.match(promtool('test', 'rules', 'alerts.test.yaml'), /SUCCESS/);
  const tested = readFileSync(join(folder, 'alerts.test.yaml'), 'utf8');
  for (const { alert } of rules) assert.match(tested, new RegExp(`alertname: ${alert}\\n\\s+exp_alerts`), `${alert} is tested`);
});

test('the dashboard shows every metric, by queries that Prometheus understands', () => {
  queries.forEach(reads);
  for (const name of Object.keys(metrics).filter((name) => !/notes_added|client_graph_(http|graphql)/.test(name))) {
    assert.ok(queries.some((query) => query.includes(name)), `${name} is on the dashboard`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'auth-graph-operations-'));
  const file = join(folder, 'rules.json');
  const recorded = queries.map((query, number) => ({ record: `query:${number}`, expr: query.replaceAll('$__rate_interval', '5m') }));
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules: recorded }] }));
  execFileSync(join(tools, 'promtool'), ['check', 'rules', file], { stdio: 'pipe' });
  rmSync(folder, { recursive: true });
});
