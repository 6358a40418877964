// The page begins here: it shows the view of the URL, and gives it what the stream says.

import { answer } from './announce.js';
import { forget, onAsk, signedIn } from './api.js';
import { askToken } from './dialogs.js';
import { attribute, fill, h, say, show, when } from './dom.js';
import { showKeys } from './keys.js';
import { Model } from './model.js';
import { change, href, onRoute, read } from './router.js';
import { Stream } from './stream.js';
import { NodeView } from './view-node.js';
import { NodesView } from './view-nodes.js';
import { SessionView } from './view-session.js';
import { SessionsView } from './view-sessions.js';

const model = new Model();
const main = document.getElementById('main');
const views = [['sessions', 'Sessions'], ['map', 'Map'], ['nodes', 'Nodes']];
const often = 250; // what is written is written anew at most so often
let view = null;
let stream = null;
let shown = '';
let alive = { state: 'connecting', detail: '', since: 0 };

function make({ view: name, name: of }) {
  if (name === 'sessions') return of ? new SessionView(model, of) : new SessionsView(model);
  if (name === 'map') return new NodesView(model, true);
  if (name === 'nodes') return of ? new NodeView(model, of) : new NodesView(model, false);
  return { query: '?nodes=no', title: 'Not here', element: h('div', { class: 'view' }, h('h1', { tabindex: '-1' }, 'There is nothing here'), h('p', {}, h('a', { href: href('sessions') }, 'Sessions'))), route() {}, update() {} };
}

function route(now) {
  attribute(document.documentElement, 'data-full', now.query.get('full') === '1' ? 'on' : null);
  for (const link of document.getElementById('views').children) {
    attribute(link, 'aria-current', link.dataset.view === now.view ? 'page' : null);
    link.href = href(link.dataset.view);
  }
  const key = [now.view, now.name, now.query.get('tenant')].join('/');
  if (key !== shown) {
    const first = shown === '';
    view?.end?.();
    shown = key;
    view = make(now);
    fill(main, view.element);
    document.title = `${view.title} – BOS`;
    follow(view.query);
    view.route(now);
    if (model.has) view.changed?.({ all: true });
    if (!first) {
      scrollTo(0, 0);
      main.querySelector('h1')?.focus({ preventScroll: true });
      answer(view.title);
    }
    return;
  }
  view.route(now);
}

// follow opens the stream of a view, unless it is the one that is open.
function follow(query) {
  const key = query + '@' + (read().query.get('tenant') || '');
  if (stream?.key === key) return;
  stream?.end();
  model.clear();
  stream = new Stream(query, { event: (kind, data) => model.take(kind, data), state: (state, detail) => tellLive(state, detail) });
  stream.key = key;
}

// known are the states in which what is shown is so, but for seconds.
function known(state) { return state === 'live' || state === 'asked'; }

function tellLive(state, detail = '') {
  if (alive.state === state && alive.detail === detail) return;
  const before = alive.state;
  alive = { state, detail, since: known(before) && !known(state) ? Date.now() : alive.since };
  if (state !== 'live' && before === 'live') answer('No longer live');
  if (state === 'live' && before !== 'connecting' && before !== 'live') answer('Live again');
  paintLive();
}

function paintLive() {
  const { state, detail, since } = alive;
  const words = { live: 'Live', asked: 'Every few seconds', lost: 'Not live', refused: 'Refused', connecting: 'Connecting', signed: 'No token' };
  attribute(document.getElementById('live'), 'data-live', state);
  say(document.getElementById('live-text'), words[state]);
  const banner = document.getElementById('banner');
  const lost = (state === 'lost' || state === 'signed') && Date.now() - since > 1500;
  const text = state === 'refused' ? detail
    : state === 'asked' ? `This is not live, and asked for anew every few seconds: ${detail.split(';')[0]}.`
    : lost && !since ? (state === 'lost' ? `The service does not answer, and is asked again: ${detail}` : '')
      : lost ? `What is shown is what was known at ${when(since)}; it is not known since. The service is asked again. ${detail}`
        : model.pause?.paused ? `The site is paused${model.pause.actor ? ' by ' + model.pause.actor : ''}${model.pause.reason ? ': ' + model.pause.reason : ''}. Nothing is sent to any node.` : '';
  show(banner, text);
  say(banner, text);
  attribute(banner, 'data-bad', !known(state));
  show(document.getElementById('leave'), signedIn());
}

let writing = 0, wrote = 0;
function write() {
  writing = 0;
  wrote = Date.now();
  view?.update();
  paintLive();
}

model.on((news) => {
  view?.changed?.(news);
  if (!writing) writing = setTimeout(write, Math.max(0, wrote + often - Date.now()));
});
setInterval(() => { if (!document.hidden && Date.now() - wrote > 900) write(); }, 1000); // ages go on

function theme() {
  const order = ['', 'light', 'dark'];
  const button = document.getElementById('theme');
  const set = (value) => {
    attribute(document.documentElement, 'data-theme', value || null);
    say(button, { '': 'Theme: system', light: 'Theme: light', dark: 'Theme: dark' }[value]);
    document.dispatchEvent(new CustomEvent('bos-theme'));
  };
  let now = localStorage.getItem('bos.theme') || '';
  set(order.includes(now) ? now : '');
  button.addEventListener('click', () => {
    now = order[(order.indexOf(now) + 1) % order.length];
    localStorage.setItem('bos.theme', now);
    set(now);
  });
}

onAsk(async (why, had) => {
  tellLive('signed', '');
  const token = await askToken(why, had);
  if (alive.state === 'signed') tellLive('connecting');
  return token;
});

document.getElementById('brand').href = href('sessions');
document.getElementById('views').append(...views.map(([id, word]) => h('a', { 'data-view': id, href: href(id) }, word)));
document.getElementById('help').addEventListener('click', showKeys);
document.getElementById('leave').addEventListener('click', () => {
  forget();
  stream?.end();
  stream = null;
  model.clear();
  location.reload();
});
document.querySelector('.skip').addEventListener('click', (e) => { e.preventDefault(); main.focus(); });
document.addEventListener('fullscreenchange', () => { if (!document.fullscreenElement && read().query.get('full') === '1') change({ full: '' }); });
theme();
onRoute(route);
route(read());
