// Every view, filter and selection is a URL: what is behind the # of the page, so that no
// service and no proxy is told what somebody looks at. A link shows to another what it
// showed here.

// read takes a URL apart: #/sessions/NAME?state=failed is the view sessions with a name.
export function read(hash = location.hash) {
  const [path, query] = cut(hash.replace(/^#\/?/, ''), '?');
  const [view, ...rest] = path.split('/');
  return { view: view || 'sessions', name: plain(rest.join('/')), query: new URLSearchParams(query) };
}

function cut(text, at) {
  const i = text.indexOf(at);
  return i < 0 ? [text, ''] : [text.slice(0, i), text.slice(i + 1)];
}

function plain(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

// href is the URL of a view. Parameters that are empty are left out. The tenant that one
// looks for goes along, unless another is named.
export function href(view, name = '', query = {}) {
  const all = new URLSearchParams();
  const tenant = 'tenant' in query ? query.tenant : read().query.get('tenant');
  for (const [key, value] of Object.entries({ ...query, tenant })) {
    if (value !== '' && value !== null && value !== undefined && value !== false) all.set(key, value === true ? '1' : value);
  }
  const text = all.toString().replaceAll('%2C', ',');
  return '#/' + view + (name ? '/' + encodeURIComponent(name) : '') + (text ? '?' + text : '');
}

const listeners = new Set();

export function onRoute(listener) { listeners.add(listener); }

function tell() { for (const listener of listeners) listener(read()); }

// go goes to a URL of the page. With quiet it takes the place of the one of now, for what
// nobody wants to go back through, such as each cell that a selection passed.
export function go(url, { quiet = false } = {}) {
  if (url === location.hash) return;
  history[quiet ? 'replaceState' : 'pushState'](null, '', url);
  tell();
}

// change goes to the URL of now with some parameters changed.
export function change(parameters, options) {
  const now = read();
  const query = Object.fromEntries(now.query);
  for (const [key, value] of Object.entries(parameters)) query[key] = value;
  go(href(now.view, now.name, { tenant: now.query.get('tenant'), ...query }), options);
}

addEventListener('popstate', tell);
addEventListener('hashchange', tell);
