// The page that the links in mails open. It reads the token after the #, asks what the token is for, and sends the
// mutation when the user confirms. Opening a link has no effect by itself, because mail scanners run scripts too.
// Without a token, the page asks for a new link where that is possible.
'use strict';

const OPERATIONS = {{operations}};

const { signIn, registration } = document.body.dataset;
const service = document.querySelector('header').textContent;
const shown = (id) => document.getElementById(id);

const email = (value) => ({
  name: 'email',
  label: 'E-mail address',
  type: 'email',
  autocomplete: 'username',
  maxLength: 254,
  required: true,
  ...(value ? { value, readOnly: true } : {}),
});
const name = (name, label, autocomplete) => ({ name, label, type: 'text', autocomplete, maxLength: 150 });
const names = [name('firstName', 'First name', 'given-name'), name('lastName', 'Last name', 'family-name')];
const password = (name, label) => ({
  name,
  label,
  hint: 'At least 8 characters that are hard to guess, such as four unrelated words.',
  type: 'password',
  autocomplete: 'new-password',
  required: true,
  minLength: 8,
  maxLength: 256,
});

// Each form has a title, an explanation, fields, and what is sent and shown. The address is among the fields so that a
// password manager knows whose password it keeps.
const confirm = (token, address) => ({
  title: 'Confirm your e-mail address',
  explanation: address ? `Does ${address} belong to you?` : 'Confirm that this e-mail address belongs to you.',
  button: 'Confirm address',
  fields: [],
  operation: 'verifyEmail',
  variables: () => ({ token }),
  done: ({ email }) => ({ text: `${email} is confirmed. You can sign in.`, signIn: true }),
});

const reset = (token, address) => ({
  title: 'Choose a new password',
  explanation: 'You will be signed out on all devices.',
  button: 'Set password',
  fields: [...(address ? [email(address)] : []), password('newPassword', 'New password')],
  operation: 'resetPassword',
  variables: ({ newPassword }) => ({ input: { token, newPassword } }),
  done: () => ({ text: 'Your password was changed. Sign in with the new password.', signIn: true }),
});

const accept = (invitation, address) => ({
  title: 'Create your account',
  explanation: address ? '' : 'Use the e-mail address that received the invitation.',
  button: 'Create account',
  fields: [email(address), ...names, password('password', 'Password')],
  operation: 'register',
  variables: (typed) => ({ input: { invitation, ...typed } }),
  done: () => ({ text: 'Your account was created. You can sign in.', signIn: true }),
});

const register = () => ({
  title: 'Create your account',
  explanation: '',
  button: 'Create account',
  fields: [email(), ...names, password('password', 'Password')],
  operation: 'register',
  variables: (input) => ({ input }),
  done: (_, { email }) => ({ text: `We sent a mail to ${email}. Open the link in it to continue.` }),
});

const forgotten = (explanation) => ({
  title: 'Forgot your password?',
  explanation: explanation ?? 'Enter the e-mail address of your account. We will send you a link to choose a new password.',
  button: 'Send link',
  fields: [email()],
  operation: 'requestPasswordReset',
  variables: ({ email }) => ({ email }),
  done: (_, { email }) => ({ text: `If ${email} has an account, we sent a mail with a link to it. Check your spam folder too.` }),
});

const notice = (title, explanation, links) => ({ title, explanation, links });

const GONE = 'This link has expired or was already used.';
const BY_MAIL = 'Please open this page from the link in your e-mail.';
const mayRegister = registration === 'open';

// For each page: the purposes of its tokens, the form for a good token, and what is shown for another token or none.
const PAGES = {
  'verify-email': {
    purposes: ['CONFIRM_REGISTRATION', 'VERIFY_EMAIL', 'CHANGE_EMAIL'],
    form: confirm,
    gone: () => notice(
      'Confirm your e-mail address',
      `${GONE} If you have confirmed your address before, you can sign in. Otherwise ${
        mayRegister ? 'register again, or sign in and ' : ''}ask for a new link.`,
      ['signIn', 'register'],
    ),
    empty: () => notice('Confirm your e-mail address', BY_MAIL, ['signIn']),
  },
  'reset-password': {
    purposes: ['RESET_PASSWORD'],
    form: reset,
    gone: () => forgotten(`${GONE} Enter your e-mail address to get a new one.`),
    empty: () => forgotten(),
  },
  register: {
    purposes: ['INVITATION'],
    form: accept,
    gone: () => notice(
      'Create your account',
      `${GONE} If you have created your account before, you can sign in. Otherwise ${
        mayRegister ? 'register without an invitation, or ' : ''}ask for a new invitation.`,
      ['signIn', 'register'],
    ),
    empty: () => mayRegister ? register() : notice('Create your account', BY_MAIL, ['signIn']),
  },
};
const page = PAGES[location.pathname.split('/').at(-1)];

/** Returns the message of an error, with the label of its field in place of the name in the schema. */
function messageOf({ message, extensions }, fields) {
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
    throw new Error('The service cannot be reached. Try again in a moment.');
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
  return element('label', {}, label, input, ...help);
}

/** Shows links to the pages that lead on, as far as there are such pages. */
function showLinks(wanted) {
  const links = {
    signIn: signIn && element('a', { href: signIn, className: 'button', textContent: 'Sign in' }),
    register: mayRegister && element('a', { href: 'register', textContent: 'Create an account' }),
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
    const { text, signIn: mayLeave } = done(await send(operation, variables(typed), fields), typed);
    form.hidden = true;
    form.reset();
    shown('explanation').textContent = text;
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

window.addEventListener('hashchange', begin);
begin();
