// Parts that several views show.

import { count, fill, h, keep, say, span, attribute } from './dom.js';
import { mark } from './kinds.js';
import { change, read } from './router.js';

// How a session's nodes are counted, in the order of the bar: what is over first.
const counted = [
  ['done', 'done', 'done'], ['failed', 'failed', 'failed'], ['configuring', 'conf', 'configuring'], ['booting', 'boot', 'booting'], ['powering_on', 'on', 'powering on'],
  ['powering_off', 'off', 'powering off'], ['pending', 'wait', 'pending'], ['staged', 'staged', 'staged'], ['left', 'left', 'left the session'],
];

// Bar is the nodes of a session as shares of a bar.
export class Bar {
  constructor() {
    this.element = h('div', { class: 'bar-shares', role: 'img' });
  }

  update(session) {
    const shares = counted.filter(([name]) => session.counts?.[name] > 0);
    keep(this.element, shares, (s) => s[0], ([, kind]) => h('span', { class: 'share b-' + kind }), (made, [name]) => {
      made.style.flexGrow = session.counts[name];
    });
    attribute(this.element, 'aria-label', inWords(session));
  }
}

export function inWords(session) {
  const shares = counted.filter(([name]) => session.counts?.[name] > 0).map(([name, , word]) => `${count(session.counts[name])} ${word}`);
  return shares.length ? `Of ${count(session.total)} nodes: ${shares.join(', ')}` : 'No nodes yet';
}

// over is how many nodes of a session nothing is done to any more.
export function over(session) {
  const c = session.counts || {};
  return (c.done || 0) + (c.failed || 0) + (c.left || 0);
}

// etaOf says when a session is expected to be over, and by what that is known.
export function etaOf(session, now) {
  if (session.status === 'complete') return { text: 'over', hint: '' };
  if (session.pause?.paused) return { text: 'paused', hint: '' };
  if (session.rollout?.held_by) return { text: 'held', hint: session.rollout.held_by.replaceAll('_', ' ') };
  if (!session.eta) return { text: 'not known yet', hint: '' };
  const left = session.eta - now;
  const hint = session.eta_from === 'template' ? 'by earlier sessions of its template' : 'by the nodes that are done';
  return { text: left > 0 ? span(left) : 'any moment', hint };
}

// statusOf is the state of a session in a word, with what is more urgent first.
function statusOf(s) {
  if (s.status === 'complete') {
    if (s.error) return ['failed', 'ended early'];
    return s.counts?.failed ? ['failed', 'complete, with failures'] : ['done', 'complete'];
  }
  if (s.pause?.paused) return ['held', 'paused'];
  if (s.rollout?.phase === 'halted') return ['failed', 'rollout halted'];
  if (s.rollout?.held_by) return ['wait', 'held: ' + s.rollout.held_by.replaceAll('_', ' ')];
  if (s.status === 'pending') return ['wait', 'pending'];
  return ['boot', 'running'];
}

// Status is that word with its shape.
export class Status {
  constructor() {
    this.icon = h('span', { class: 'icon' });
    this.word = h('span', {});
    this.element = h('span', { class: 'status' }, this.icon, this.word);
  }

  update(session) {
    const [kind, word] = statusOf(session);
    if (this.kind !== kind) fill(this.icon, mark(kind));
    this.kind = kind;
    say(this.word, word);
    attribute(this.element, 'data-kind', kind);
  }
}

// panel is a part of a view with a heading.
export function panel(title, { id, key, className = '' } = {}, ...children) {
  const head = h('h2', { id: id && id + '-title' }, title);
  const made = h('section', { class: 'panel ' + className, 'aria-labelledby': id && id + '-title', 'data-key': key }, head, children);
  made.head = head;
  return made;
}

// toggleFull makes the page one for a wall, and back.
export function toggleFull() {
  const on = read().query.get('full') !== '1';
  change({ full: on ? '1' : '' });
  if (on) document.documentElement.requestFullscreen?.().catch(() => {});
  else if (document.fullscreenElement) document.exitFullscreen();
}

export function failedOf(session) { return session.counts?.failed || 0; }
