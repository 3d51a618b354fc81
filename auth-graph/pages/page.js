// The page that the links in mails open. It reads the token after the #, asks what the token is for, and sends the
// mutation when the user confirms. Opening a link has no effect by itself, because mail scanners run scripts too.
// Without a token, the page asks for a new link where that is possible.
'use strict';

const OPERATIONS = {{operations}};
const TEXTS = {{texts}};

const { signIn, registration } = document.body.dataset;
const service = document.querySelector('header').textContent;
const shown = (id) => document.getElementById(id);

// The texts of `texts.json` in the first language of the browser that there is.
const wanted = navigator.languages.map((tag) => tag.split('-')[0].toLowerCase());
const language = wanted.find((language) => Object.hasOwn(TEXTS, language)) ?? 'en';
const text = (name, values = {}) => TEXTS[language][name].replace(/{(\w+)}/g, (_, key) => values[key]);

const email = (value) => ({
  name: 'email',
  label: text('email'),
  type: 'email',
  autocomplete: 'username',
  maxLength: 254,
  required: true,
  ...(value ? { value, readOnly: true } : {}),
});
const name = (name, autocomplete) => ({ name, label: text(name), type: 'text', autocomplete, maxLength: 150 });
const names = [name('firstName', 'given-name'), name('lastName', 'family-name')];
const password = (name) => ({
  name,
  label: text(name),
  hint: text('passwordHint'),
  type: 'password',
  autocomplete: 'new-password',
  required: true,
  minLength: 8,
  maxLength: 256,
});

// Each form has a title, an explanation, fields, and what is sent and shown. The address is among the fields so that a
// password manager knows whose password it keeps.
const confirm = (token, address) => ({
  title: text('confirmTitle'),
  explanation: address ? text('confirmAddress', { email: address }) : text('confirmAnyAddress'),
  button: text('confirmButton'),
  fields: [
    ...(address ? [email(address)] : []),
    { name: 'password', label: text('password'), type: 'password', autocomplete: 'current-password' },
  ],
  operation: 'verifyEmail',
  // Only an account that an administrator has created can have none.
  variables: ({ password }) => ({ token, password: password || null }),
  done: ({ email }) => ({ message: text('confirmDone', { email }), signIn: true }),
});

const reset = (token, address) => ({
  title: text('resetTitle'),
  explanation: text('resetExplanation'),
  button: text('resetButton'),
  fields: [...(address ? [email(address)] : []), password('newPassword')],
  operation: 'resetPassword',
  variables: ({ newPassword }) => ({ input: { token, newPassword } }),
  done: () => ({ message: text('resetDone'), signIn: true }),
});

const accept = (invitation, address) => ({
  title: text('createTitle'),
  explanation: address ? '' : text('createInvited'),
  button: text('createButton'),
  fields: [email(address), ...names, password('password')],
  operation: 'register',
  variables: (typed) => ({ input: { invitation, ...typed } }),
  done: () => ({ message: text('createDone'), signIn: true }),
});

const register = () => ({
  title: text('createTitle'),
  explanation: '',
  button: text('createButton'),
  fields: [email(), ...names, password('password')],
  operation: 'register',
  variables: (typed) => ({ input: { ...typed, locale: language } }),
  done: (_, { email }) => ({ message: text('createSent', { email }) }),
});

const forgotten = (explanation) => ({
  title: text('forgottenTitle'),
  explanation,
  button: text('forgottenButton'),
  fields: [email()],
  operation: 'requestPasswordReset',
  variables: ({ email }) => ({ email }),
  done: (_, { email }) => ({ message: text('forgottenDone', { email }) }),
});

const notice = (title, explanation) => ({ title: text(title), explanation, links: ['signIn', 'register'] });
const gone = (name) => `${text('gone')} ${text(name)}`;
const mayRegister = registration === 'open';

// For each page: the purposes of its tokens, the form for a good token, and what is shown for another token or none.
const PAGES = {
  'verify-email': {
    purposes: ['CONFIRM_REGISTRATION', 'VERIFY_EMAIL', 'CHANGE_EMAIL'],
    form: confirm,
    gone: () => notice('confirmTitle', gone(mayRegister ? 'confirmGoneOpen' : 'confirmGone')),
    empty: () => notice('confirmTitle', text('byMail')),
  },
  'reset-password': {
    purposes: ['RESET_PASSWORD'],
    form: reset,
    gone: () => forgotten(gone('resetGone')),
    empty: () => forgotten(text('forgottenExplanation')),
  },
  register: {
    purposes: ['INVITATION'],
    form: accept,
    gone: () => notice('createTitle', gone(mayRegister ? 'createGoneOpen' : 'createGone')),
    empty: () => mayRegister ? register() : notice('createTitle', text('byMail')),
  },
};
const page = PAGES[location.pathname.split('/').at(-1)];

/** Returns the message of an error, with the label of its field in place of the name in the schema. */
function messageOf({ message, extensions }, fields) {
  if (extensions?.code === 'RATE_LIMITED') return text('tooMany');
  const refused = fields.find(({ name }) => name === extensions?.field);
  return refused ? message.replace(`${refused.name}:`, refused.label) : message;
}

async function send(operation, variables, fields = []) {
  let answer;
  try {
    const response = await fetch('graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      credentials: 'omit',
      body: JSON.stringify({ query: OPERATIONS[operation], variables }),
    });
    answer = await response.json();
  } catch {
    throw new Error(text('unreachable'));
  }
  const { data, errors } = answer;
  if (errors) {
    throw Object.assign(new Error(messageOf(errors[0], fields)), { code: errors[0].extensions?.code });
  }
  return data[operation];
}

function element(name, attributes, ...content) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...content);
  return made;
}

function field({ label, hint, ...attributes }) {
  const input = element('input', { id: attributes.name, ...attributes });
  const help = hint ? [element('small', { id: `${attributes.name}-hint`, textContent: hint })] : [];
  if (hint) input.setAttribute('aria-describedby', `${attributes.name}-hint`);
  const name = element('label', { htmlFor: input.id, textContent: label });
  return element('div', { className: 'field' }, name, input, ...help);
}

/** Shows links to the pages that lead on, as far as there are such pages. */
function showLinks(wanted) {
  const links = {
    signIn: signIn && element('a', { href: signIn, className: 'button', textContent: text('signIn') }),
    register: mayRegister && element('a', { href: 'register', textContent: text('createLink') }),
  };
  const found = (wanted ?? []).map((name) => links[name]).filter(Boolean);
  shown('further').replaceChildren(...found);
}

function show({ title, explanation, button, fields, links, ...action }) {
  document.title = `${title} · ${service}`;
  shown('title').textContent = title;
  shown('explanation').textContent = explanation;
  shown('problem').textContent = '';
  showLinks(links);
  const form = shown('form');
  form.hidden = !button;
  form.replaceChildren(...(button ? [...fields.map(field), element('button', { textContent: button })] : []));
  form.onsubmit = (event) => submit(event, { fields, ...action });
}

async function submit(event, { fields, operation, variables, done }) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector('button');
  const typed = Object.fromEntries(new FormData(form));
  button.disabled = true;
  shown('problem').textContent = '';
  try {
    const { message, signIn: mayLeave } = done(await send(operation, variables(typed), fields), typed);
    form.hidden = true;
    form.reset();
    shown('explanation').textContent = message;
    showLinks(mayLeave ? ['signIn'] : []);
  } catch (error) {
    if (error.code === 'ONE_TIME_TOKEN_INVALID') show(page.gone());
    else shown('problem').textContent = error.message;
  } finally {
    button.disabled = false;
  }
}

/** Returns the form for a token. When it cannot be checked now, the form is shown without the address. */
async function formFor(token) {
  try {
    const found = await send('inspectOneTimeToken', { token });
    return page.purposes.includes(found?.purpose) ? page.form(token, found.email) : page.gone();
  } catch {
    return page.form(token);
  }
}

/** Reads the token and removes it from the address, so that neither the history nor the screen shows it. */
async function begin() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  history.replaceState(null, '', location.pathname);
  show(token ? await formFor(token) : page.empty());
}

document.documentElement.lang = language;
window.addEventListener('hashchange', begin);
begin();
