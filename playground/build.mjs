// Assembles the files that the crate embeds: the published GraphiQL and React, the page around them, the shared
// operations as examples, and the licences. No bundler is needed.
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');
const modules = join(here, 'node_modules');
const operations = join(here, '..', 'schema', 'operations');

// The variables of the example operations. They must not hold a real password.
const variables = {
  Login: { input: { email: '', password: '' } },
  Logout: { everywhere: false },
  Refresh: { refreshToken: '' },
  Verify: { token: '' },
};

const scripts = {
  'react.js': 'react/umd/react.production.min.js',
  'react-dom.js': 'react-dom/umd/react-dom.production.min.js',
  'graphql-ws.js': 'graphql-ws/umd/graphql-ws.min.js',
  'graphiql.js': 'graphiql/graphiql.min.js',
};

await rm(dist, { recursive: true, force: true });
await mkdir(join(dist, 'fonts'), { recursive: true });
for (const [name, from] of Object.entries(scripts)) {
  const text = await readFile(join(modules, from), 'utf8');
  // The source map is not served, and a browser that requests it would report an error.
  await writeFile(join(dist, name), text.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '\n'));
}
await writeFile(join(dist, 'graphiql.css'), await withFontFiles(await readFile(join(modules, 'graphiql/graphiql.min.css'), 'utf8')));
await cp(join(here, 'web'), dist, { recursive: true });
await writeFile(join(dist, 'operations.json'), JSON.stringify(await sharedOperations(), null, 2) + '\n');
await writeFile(join(dist, 'LICENSES.txt'), await licences());

/** Moves the fonts in the style sheet to files, because the policy of the page does not allow embedded fonts. */
async function withFontFiles(css) {
  const files = [];
  const text = css.replace(/url\(data:font\/(woff2?);base64,([A-Za-z0-9+/=]+)\)/g, (_, format, data) => {
    const name = `${files.length + 1}.${format}`;
    files.push({ name, bytes: Buffer.from(data, 'base64') });
    return `url(fonts/${name})`;
  });
  if (files.length === 0 || text.includes('data:font')) {
    throw new Error('the fonts in the style sheet of GraphiQL are not where they were');
  }
  await Promise.all(files.map(({ name, bytes }) => writeFile(join(dist, 'fonts', name), bytes)));
  return text;
}

/** Returns the operations in `schema/operations`, by their names. */
async function sharedOperations() {
  const shared = {};
  for (const file of (await readdir(operations)).filter((name) => name.endsWith('.graphql')).sort()) {
    const query = await readFile(join(operations, file), 'utf8');
    const name = /^\s*(?:query|mutation|subscription)\s+(\w+)/m.exec(query)?.[1];
    if (!name) throw new Error(`${file} has no operation with a name`);
    shared[name] = { query, variables: variables[name] ? JSON.stringify(variables[name], null, 2) : '' };
  }
  return shared;
}

/** Returns the licences of all installed packages, because the scripts above contain parts of them. */
async function licences() {
  const lock = JSON.parse(await readFile(join(here, 'package-lock.json'), 'utf8'));
  const texts = [];
  for (const path of Object.keys(lock.packages).filter(Boolean).sort()) {
    const folder = join(here, path);
    // The lock file also lists packages for other platforms, which are not installed.
    if (!existsSync(folder)) continue;
    const about = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name));
    const text = file ? (await readFile(join(folder, file), 'utf8')).trim() : 'See the package.';
    texts.push(`${about.name} ${about.version} (${about.license ?? 'unknown'})\n\n${text}\n`);
  }
  return texts.join('\n' + '-'.repeat(80) + '\n\n');
}
