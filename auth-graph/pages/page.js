// The page that the links in mails open. It reads the token after the #, and sends the mutation when the user confirms.
// Opening a link has no effect by itself, because mail scanners run scripts too.
'use strict';

const OPERATIONS = {{operations}};

const email = { name: 'email', label: 'E-mail', type: 'email', autocomplete: 'username', required: true };
const firstName = { name: 'firstName', label: 'First name', type: 'text', autocomplete: 'given-name', maxLength: 150 };
const lastName = { name: 'lastName', label: 'Last name', type: 'text', autocomplete: 'family-name', maxLength: 150 };
const password = (name, label) =>
  ({ name, label, type: 'password', autocomplete: 'new-password', required: true, minLength: 8, maxLength: 256 });

const PAGES = {
  'verify-email': {
    title: 'Confirm your e-mail address',
    explanation: 'Confirm that this e-mail address belongs to you.',
    button: 'Confirm',
    fields: [],
    operation: 'verifyEmail',
    variables: (token) => ({ token }),
    done: ({ email }) => `${email} is confirmed. You can sign in.`,
  },
  'reset-password': {
    title: 'Choose a new password',
    explanation: 'All your sessions will end.',
    button: 'Set the password',
    fields: [password('newPassword', 'New password')],
    operation: 'resetPassword',
    variables: (token, typed) => ({ input: { token, ...typed } }),
    done: () => 'Your password was set. Sign in with the new password.',
  },
  register: {
    title: 'Create your account',
    explanation: 'Use the e-mail address that received the invitation.',
    button: 'Create the account',
    fields: [email, firstName, lastName, password('password', 'Password')],
    operation: 'register',
    variables: (invitation, typed) => ({ input: { invitation, ...typed } }),
    done: () => 'Your account was created. You can sign in.',
  },
};

const shown = (id) => document.getElementById(id);
const page = PAGES[location.pathname.split('/').at(-1)];
let token = null;

function field({ label, ...attributes }) {
  const [line, input] = [document.createElement('label'), document.createElement('input')];
  Object.assign(input, attributes);
  line.append(label, input);
  return line;
}

/** Returns the message of an error, with the label of its field in place of the name in the schema. */
function messageOf({ message, extensions }) {
  const refused = page.fields.find(({ name }) => name === extensions?.field);
  return refused ? message.replace(`${refused.name}:`, refused.label) : message;
}

async function send(operation, variables) {
  const answer = await fetch('graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    credentials: 'omit',
    body: JSON.stringify({ query: OPERATIONS[operation], variables }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(messageOf(errors[0]));
  return data[operation];
}

async function submit(event) {
  event.preventDefault();
  const [form, button] = [event.target, event.target.querySelector('button')];
  button.disabled = true;
  shown('problem').textContent = '';
  try {
    const done = await send(page.operation, page.variables(token, Object.fromEntries(new FormData(form))));
    form.hidden = true;
    form.reset();
    shown('explanation').textContent = page.done(done);
  } catch (error) {
    shown('problem').textContent = error.message;
  } finally {
    button.disabled = false;
  }
}

/** Reads the token and removes it from the address, so that neither the history nor the screen shows it. */
function begin() {
  token = new URLSearchParams(location.hash.slice(1)).get('token');
  history.replaceState(null, '', location.pathname);
  shown('problem').textContent = '';
  shown('form').hidden = !token;
  shown('explanation').textContent = token ? page.explanation : 'Open this page with the link in your mail.';
}

document.title = page.title;
document.querySelector('h1').textContent = page.title;
const button = document.createElement('button');
button.textContent = page.button;
shown('form').append(...page.fields.map(field), button);
shown('form').addEventListener('submit', submit);
window.addEventListener('hashchange', begin);
begin();
