// All sessions, the newest first, each with how far it is.

import { announce } from './announce.js';
import { count, h, keep, say, show, when, attribute, span } from './dom.js';
import { Bar, Status, etaOf, failedOf, over } from './parts.js';
import { change, href, read } from './router.js';

const filters = [['', 'All'], ['running', 'Open'], ['failed', 'With failures'], ['complete', 'Over']];

export class SessionsView {
  constructor(model) {
    this.model = model;
    this.query = '?nodes=no';
    this.title = 'Sessions';
    this.chips = h('div', { class: 'chips', role: 'group', 'aria-label': 'Which sessions' }, filters.map(([id, word]) =>
      h('button', { type: 'button', class: 'chip', 'data-filter': id, onclick: () => change({ show: id }) }, word)));
    this.search = h('input', { type: 'search', class: 'search', placeholder: 'Name or template', 'aria-label': 'Find sessions', maxlength: '200', oninput: () => change({ q: this.search.value }, { quiet: true }) });
    this.body = h('tbody', {});
    this.none = h('p', { class: 'empty', hidden: true });
    this.table = h('table', { class: 'sessions' }, h('caption', { class: 'unseen' }, 'Sessions, the newest first'),
      h('thead', {}, h('tr', {}, ['Session', 'State'].map((t) => h('th', { scope: 'col' }, t)), h('th', { scope: 'col', class: 'wide' }, 'Does'), h('th', { scope: 'col', class: 'progress' }, 'Progress'),
        h('th', { scope: 'col', class: 'num' }, 'Failed'), h('th', { scope: 'col', class: 'num' }, 'Ready in'), h('th', { scope: 'col', class: 'wide' }, 'Started'), h('th', { scope: 'col', class: 'wide' }, 'By'))), this.body);
    this.element = h('div', { class: 'view' }, h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, 'Sessions'), h('span', { class: 'grow' }), this.chips, this.search),
      h('div', { class: 'panel flush scroll' }, this.table, this.none));
    this.failed = new Map();
  }

  route({ query }) {
    for (const chip of this.chips.children) attribute(chip, 'aria-pressed', String((query.get('show') || '') === chip.dataset.filter));
    if (document.activeElement !== this.search) this.search.value = query.get('q') || '';
    this.update();
  }

  update() {
    if (!this.model.has) return;
    const { query } = read();
    const wanted = query.get('show') || '', text = (query.get('q') || '').toLowerCase();
    const all = [...this.model.sessions.values()].sort((a, b) => (b.start - a.start) || b.n - a.n);
    const list = all.filter((s) => (!wanted || (wanted === 'failed' ? failedOf(s) > 0 || s.error : wanted === 'complete' ? s.status === 'complete' : s.status !== 'complete')) &&
      (!text || s.name.toLowerCase().includes(text) || (s.template || '').toLowerCase().includes(text)));
    show(this.table, list.length > 0);
    show(this.none, !list.length);
    say(this.none, all.length ? 'No session is like this.' : 'There is no session yet. terraform apply, or POST /v2/sessions, creates one; it is seen here at once.');
    keep(this.body, list, (s) => s.n, (s) => this.row(s), (row, s) => this.refresh(row, s));
    this.announce(all);
  }

  row(s) {
    const c = { status: new Status(), bar: new Bar(), done: h('span', { class: 'of' }), failed: h('td', { class: 'num' }), eta: h('td', { class: 'num' }) };
    const row = h('tr', { 'data-row': s.name },
      h('th', { scope: 'row' }, h('a', { href: href('sessions', s.name, { tenant: s.tenant || read().query.get('tenant') }) }, s.name), s.tenant && h('span', { class: 'tenant' }, s.tenant)),
      h('td', {}, c.status.element), h('td', { class: 'wide' }, `${s.operation} ${s.template}`), h('td', { class: 'progress' }, h('div', { class: 'progress-cell' }, c.bar.element, c.done)),
      c.failed, c.eta, h('td', { class: 'wide' }, when(s.start * 1000)), h('td', { class: 'wide' }, s.by || ''));
    row.c = c;
    return row;
  }

  refresh(row, s) {
    const c = row.c;
    c.status.update(s);
    c.bar.update(s);
    say(c.done, s.total ? `${count(over(s))} / ${count(s.total)}` : '');
    const failed = failedOf(s);
    say(c.failed, failed ? count(failed) : '');
    attribute(c.failed, 'data-bad', failed > 0);
    attribute(row, 'data-failed', failed > 0);
    say(c.eta, s.status === 'complete' ? (s.end && s.start ? 'took ' + span(s.end - s.start) : 'over') : etaOf(s, this.model.now()).text);
  }

  announce(all) {
    for (const s of all) {
      const before = this.failed.get(s.n), now = failedOf(s);
      if (before !== undefined && now > before) announce(`Session ${s.name}: ${now} failed`, 'failed ' + s.n);
      this.failed.set(s.n, now);
    }
  }
}
