// The page around GraphiQL. Tokens, passwords and typed text stay in this page; nothing is stored.
(async () => {
  'use strict';

  const { endpoint, signIn } = document.body.dataset;
  const element = (selector) => document.querySelector(selector);
  const shared = await (await fetch('/playground/operations.json')).json();
  const tabs = [
    ...JSON.parse(document.body.dataset.shared).map((name) => shared[name]),
    ...JSON.parse(document.body.dataset.examples).map((query) => ({ query })),
  ];

  /** Access token of the requests, if there is one. */
  let accessToken;
  /** Token pair in the last response, if it is not in use yet. */
  let foundToken;
  let expiry;

  const sockets = graphqlWs.createClient({
    url: new URL(endpoint, location.href.replace(/^http/, 'ws')).href,
    connectionParams: () => (accessToken ? { authorization: `Bearer ${accessToken}` } : {}),
  });

  /** Adds the access token to a request without one, and looks for a token pair in the response. */
  async function signedFetch(url, options) {
    const headers = new Headers(options.headers);
    if (accessToken && !headers.has('authorization')) headers.set('authorization', `Bearer ${accessToken}`);
    const response = await fetch(url, { ...options, headers });
    const found = response.clone().json().then(tokenIn, () => undefined);
    found.then((pair) => pair && pair.accessToken !== accessToken && offer(pair));
    return response;
  }

  /** Returns the token pair at the root of a response. */
  function tokenIn(answer) {
    return Object.values(answer?.data ?? {}).find((value) => typeof value?.accessToken === 'string');
  }

  function offer(pair) {
    foundToken = pair;
    element('#found').hidden = false;
  }

  function use(pair) {
    accessToken = pair?.accessToken;
    foundToken = undefined;
    // A socket keeps the token that it was opened with.
    sockets.terminate();
    clearTimeout(expiry);
    if (pair) expiry = setTimeout(() => use(undefined), pair.expiresIn * 1000);
    element('#found').hidden = true;
    element('#token').hidden = !pair;
    element('#sign-in').hidden = Boolean(pair);
    const until = pair && new Date(Date.now() + pair.expiresIn * 1000).toLocaleTimeString();
    element('#token span').textContent = pair ? `Signed in as ${pair.user?.email ?? 'a user'} until ${until}.` : '';
    element('#problem').textContent = '';
  }

  async function signInWith(form) {
    const { email, password } = Object.fromEntries(new FormData(form));
    const response = await fetch(signIn, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query: shared.Login.query, variables: { input: { email, password } } }),
    });
    const answer = await response.json();
    const pair = tokenIn(answer);
    if (pair) {
      form.reset();
      use(pair);
    } else {
      element('#problem').textContent = answer.errors?.[0]?.message ?? 'This account needs a second step: use the Login tab.';
    }
  }

  element('#sign-in').addEventListener('submit', (event) => {
    event.preventDefault();
    signInWith(event.target).catch(() => {
      element('#problem').textContent = 'The service does not answer.';
    });
  });
  element('#found button').addEventListener('click', () => use(foundToken));
  element('#token button').addEventListener('click', () => use(undefined));

  /** Storage for GraphiQL that ends with the page, because its editors contain passwords and tokens. */
  // The variables of the first tab come from this form and not from the tab.
  const values = new Map([['graphiql:variables', tabs[0]?.variables ?? '']]);
  const storage = {
    getItem: (name) => values.get(name) ?? null,
    setItem: (name, value) => values.set(name, String(value)),
    removeItem: (name) => values.delete(name),
    clear: () => values.clear(),
    get length() {
      return values.size;
    },
  };

  const fetcher = GraphiQL.createFetcher({
    url: endpoint,
    fetch: signedFetch,
    wsClient: sockets,
    enableIncrementalDelivery: false,
  });
  ReactDOM.createRoot(element('#graphiql')).render(
    React.createElement(GraphiQL, { fetcher, storage, defaultTabs: tabs, defaultEditorToolsVisibility: true }),
  );
})();
