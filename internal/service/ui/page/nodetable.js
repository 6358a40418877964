// The nodes as a table, a page at a time: what the map shows, for who reads it. And the
// filters over both.

import { count, fill, h, keep, plural, say, show, span, attribute } from './dom.js';
import { kinds, kindOf, mark } from './kinds.js';
import { change, href, read } from './router.js';

const perPage = 50;

// chips are the states as filters, each with how many nodes are in it.
export class Chips {
  constructor() {
    this.element = h('div', { class: 'chips', role: 'group', 'aria-label': 'States' });
  }

  update(counts, query) {
    const chosen = new Set((query.get('state') || '').split(',').filter(Boolean));
    const list = kinds.filter((k) => counts[kindOf[k.id].index] > 0 || chosen.has(k.id));
    keep(this.element, list, (k) => k.id, (k) => {
      const n = h('span', { class: 'chip-count' });
      const made = h('button', { type: 'button', class: 'chip', onclick: () => this.toggle(k.id) }, mark(k.id), h('span', {}, k.label), n);
      made.number = n;
      return made;
    }, (made, k) => {
      say(made.number, count(counts[kindOf[k.id].index]));
      attribute(made, 'aria-pressed', String(chosen.has(k.id)));
    });
  }

  toggle(id) {
    const chosen = new Set((read().query.get('state') || '').split(',').filter(Boolean));
    if (!chosen.delete(id)) chosen.add(id);
    change({ state: [...chosen].join(','), page: '' });
  }
}

// search is the field for names; it becomes the URL while somebody types.
export function search(label = 'Find nodes') {
  let timer = 0;
  const input = h('input', {
    type: 'search', class: 'search', placeholder: 'Name or folded list', 'aria-label': label, spellcheck: 'false', autocomplete: 'off', maxlength: '4000',
    oninput: () => { clearTimeout(timer); timer = setTimeout(() => change({ q: input.value, page: '' }, { quiet: true }), 200); },
  });
  return input;
}

// choose has a list of choices show what the URL says, unless somebody is about to choose
// another.
export function choose(select, chosen, anyway = false) {
  if (select.said === chosen && !anyway && document.activeElement === select) return;
  select.said = chosen;
  if (select.value !== chosen) select.value = chosen;
}

// NodeTable shows pages of nodes.
export class NodeTable {
  constructor(model, { caption, session = true, of = '' }) {
    this.model = model;
    this.of = of;
    this.session = session;
    this.caption = h('caption', {}, caption);
    this.body = h('tbody', {});
    this.where = h('span', { class: 'pager-where' });
    this.back = h('button', { type: 'button', class: 'quiet', onclick: () => this.turn(-1) }, '‹ Previous');
    this.on = h('button', { type: 'button', class: 'quiet', onclick: () => this.turn(1) }, 'Next ›');
    this.sort = h('select', { 'aria-label': 'Order', onchange: () => change({ sort: this.sort.value, page: '' }) },
      h('option', { value: '' }, 'by name'), h('option', { value: 'age' }, 'longest in its state first'));
    this.none = h('p', { class: 'empty', hidden: true }, 'No node is like this.');
    this.table = h('table', { class: 'nodes' }, this.caption,
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Node'), h('th', { scope: 'col' }, 'State'), h('th', { scope: 'col', class: 'num' }, 'For'),
        h('th', { scope: 'col', class: 'num wide' }, 'Attempts'), session && h('th', { scope: 'col', class: 'wide' }, 'Session'), h('th', { scope: 'col' }, 'Why'))),
      this.body);
    this.element = h('div', {}, h('div', { class: 'pager' }, this.where, h('span', { class: 'grow' }), this.sort, this.back, this.on), h('div', { class: 'scroll' }, this.table), this.none);
  }

  turn(by) {
    change({ page: Math.max(1, this.page + by) });
    this.table.scrollIntoView({ block: 'nearest' });
  }

  // update shows the page of the URL of these nodes.
  update(list, query) {
    const m = this.model;
    const sorted = query.get('sort') === 'age' ? [...list].sort((a, b) => (m.since[a] || Infinity) - (m.since[b] || Infinity)) : list;
    const pages = Math.max(1, Math.ceil(sorted.length / perPage));
    this.page = Math.min(pages, Math.max(1, Number(query.get('page')) || 1));
    const from = (this.page - 1) * perPage;
    const shown = sorted.slice(from, from + perPage);
    say(this.where, list.length ? `${count(from + 1)}–${count(from + shown.length)} of ${plural(list.length, 'node')}` : 'No nodes');
    this.back.disabled = this.page <= 1;
    this.on.disabled = this.page >= pages;
    show(this.back, pages > 1);
    show(this.on, pages > 1);
    choose(this.sort, query.get('sort') || '');
    show(this.none, !list.length);
    show(this.table, list.length > 0);
    keep(this.body, shown, (n) => n, (n) => this.row(n), (row, n) => this.refresh(row, n, query));
  }

  row(n) {
    const id = this.model.id[n];
    const cells = { state: h('span', {}), icon: h('span', { class: 'icon' }), age: h('td', { class: 'num' }), attempts: h('td', { class: 'num wide' }), session: h('td', { class: 'wide' }), why: h('td', { class: 'why' }) };
    const row = h('tr', { 'data-row': id }, h('th', { scope: 'row' }, h('a', { class: 'xname', href: href('nodes', id, { session: this.of }) }, id)),
      h('td', { class: 'state' }, cells.icon, cells.state), cells.age, cells.attempts, this.session && cells.session, cells.why);
    row.cells_ = cells;
    return row;
  }

  refresh(row, n, query) {
    const m = this.model, c = row.cells_, kind = kinds[m.kind(n)];
    if (row.kind !== kind.id) {
      row.kind = kind.id;
      fill(c.icon, mark(kind.id));
      say(c.state, kind.label);
    }
    say(c.age, m.since[n] ? span(m.age(n)) : '–');
    say(c.attempts, m.attempts[n] || '');
    if (this.session) {
      const s = m.sessionOf(n);
      if (row.of !== s?.name) {
        row.of = s?.name;
        fill(c.session, s && h('a', { href: href('sessions', s.name, { tenant: s.tenant || read().query.get('tenant') }) }, s.name));
      }
    }
    const why = kind.id === 'failed' || m.why(n).name ? m.why(n) : m.waits(n);
    say(c.why, why.name ? why.name.replaceAll('_', ' ') : '');
    attribute(c.why, 'title', why.sentence || null);
    attribute(row, 'aria-current', query.get('sel') === m.id[n] ? 'true' : null);
  }
}
