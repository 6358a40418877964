// How the page asks the service. The token of who looks is in this tab alone: in the
// memory of the page and in the storage of the tab, which ends with it. It is sent in a
// header, never in a URL, which logs and histories keep.

import { read } from './router.js';

const kept = 'bos.token';
const base = new URL('../', new URL('.', document.baseURI)); // ui/ is beside the API

let token = sessionStorage.getItem(kept) || '';
let asking = null;
let ask = () => Promise.resolve('');

// onAsk sets what asks somebody for a token; it is given why, and says the token.
export function onAsk(asker) { ask = asker; }

export function signedIn() { return token !== ''; }

export function forget() {
  token = '';
  sessionStorage.removeItem(kept);
}

// needToken asks for a token, once for all who need one.
function needToken(why) {
  if (!asking) {
    asking = ask(why, token !== '').then((given) => {
      token = given;
      sessionStorage.setItem(kept, given);
      document.dispatchEvent(new CustomEvent('bos-token'));
    }).finally(() => { asking = null; });
  }
  return asking;
}

// Problem is an answer that is none.
export class Problem extends Error {
  constructor(status, detail) {
    super(detail || 'the service answered with ' + status);
    this.status = status;
  }
}

async function problemOf(response) {
  let detail = '';
  try { detail = (await response.json()).detail; } catch { /* it is no problem document */ }
  return new Problem(response.status, detail);
}

// send makes a request, with a new token where the service wants one. Answers that are
// none are Problems, but that nothing has changed.
export async function send(method, path, { body, signal, headers } = {}) {
  for (;;) {
    const used = token;
    const response = await fetch(new URL(path, base), {
      method, signal, cache: 'no-store', credentials: 'same-origin', redirect: 'error',
      headers: {
        ...(token && { Authorization: 'Bearer ' + token }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(tenant() && { 'Cray-Tenant-Name': tenant() }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (response.status === 401) {
      const why = await problemOf(response);
      if (used === token) await needToken(why.message);
      continue;
    }
    if (!response.ok && response.status !== 304) {
      const p = await problemOf(response);
      p.retryAfter = Number(response.headers.get('Retry-After')) || 0;
      throw p;
    }
    return response;
  }
}

function tenant() { return read().query.get('tenant') || ''; }

export async function get(path, options) { return (await send('GET', path, options)).json(); }

export async function post(path, body) {
  const response = await send('POST', path, { body });
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

export function path(...segments) { return segments.map(encodeURIComponent).join('/'); }
