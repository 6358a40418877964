// The keys. All that they do there is a button or a link for, too; who dictates or reads
// with a screen reader switches single keys off.

import { help } from './dialogs.js';
import { change, go, href, read } from './router.js';

const stored = 'bos.keys';
let single = localStorage.getItem(stored) !== 'off';
let began = '';

const list = [
  ['g s', 'Sessions'], ['g m', 'Map'], ['g n', 'Nodes'],
  ['j k', 'Next or previous row'], ['Enter', 'Open it'],
  ['f', 'First failure, by cause'], ['c', 'Copy the command that retries'],
  ['m', 'Go to the map; arrow keys move in it, n is the next that failed'],
  ['/', 'Find nodes'], ['p', 'Pause or resume the session'], ['x', 'Cancel the session'],
  ['w', 'Full screen, as on a wall'], ['u', 'Back up'], ['Esc', 'Take filters off'], ['?', 'These keys'],
];

export function showKeys() {
  help(list, single, (on) => {
    single = on;
    localStorage.setItem(stored, on ? 'on' : 'off');
  });
}

// toRow focuses the link of the row before or after the one that has it.
function toRow(step) {
  const rows = [...document.querySelectorAll('main tbody tr a:first-of-type')].filter((a) => a.closest('th') && a.offsetParent);
  if (!rows.length) return;
  const here = rows.indexOf(document.activeElement?.closest?.('tr')?.querySelector('th a'));
  rows[Math.min(rows.length - 1, Math.max(0, here < 0 ? 0 : here + step))].focus();
}

function press(selector) {
  const found = [...document.querySelectorAll(selector)].find((e) => e.offsetParent && !e.disabled);
  if (found) found.click();
  return !!found;
}

function focus(selector) {
  const found = [...document.querySelectorAll(selector)].find((e) => e.offsetParent);
  found?.focus();
  found?.scrollIntoView({ block: 'nearest' });
  return !!found;
}

const does = {
  j: () => toRow(1), k: () => toRow(-1),
  f: () => focus('[data-key=f]') || focus('main tbody tr[data-failed] a'),
  c: () => press('[data-key=c] .copy'),
  m: () => focus('cabinet-map .map-field') || go(href('map')),
  '/': () => focus('.search'),
  p: () => press('[data-key=p]'), x: () => press('[data-key=x]'), w: () => press('[data-key=w]'),
  u: () => press('[data-key=u]'),
  '?': showKeys,
  Escape: () => change({ state: '', cause: '', wait: '', late: '', batch: '', q: '', full: '', page: '' }),
};
const goes = { s: 'sessions', m: 'map', n: 'nodes' };

addEventListener('keydown', (e) => {
  if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || document.querySelector('dialog[open]')) return;
  const typing = e.target.closest?.('input, textarea, select');
  if (typing) {
    if (e.key === 'Escape') typing.blur();
    return;
  }
  if (!single && e.key !== 'Escape') return;
  if (began === 'g' && goes[e.key]) {
    began = '';
    e.preventDefault();
    go(href(goes[e.key]));
    return;
  }
  began = e.key === 'g' ? 'g' : '';
  if (!does[e.key]) return;
  if (e.key === 'Escape' && !read().query.size) return;
  e.preventDefault();
  does[e.key]();
});
