// The nodes of the site: on a map, with the same as a table beneath, or as a table alone.

import { attribute, count, h, keep, plural, say, show } from './dom.js';
import { filterOf, tally } from './filters.js';
import { kinds, kindOf } from './kinds.js';
import { Chips, choose, NodeTable, search } from './nodetable.js';
import { cabinets } from './layout.js';
import { toggleFull } from './parts.js';
import { change, go, href, read } from './router.js';
import './map.js';

export class NodesView {
  constructor(model, mapped) {
    this.model = model;
    this.mapped = mapped;
    this.query = '';
    this.title = mapped ? 'Map' : 'Nodes';
    this.chips = new Chips();
    this.search = search();
    this.filterText = h('span', { class: 'filter-text' });
    this.clear = h('button', { type: 'button', class: 'link', onclick: () => change({ state: '', cause: '', wait: '', session: '', q: '', page: '' }) }, 'Show all');
    this.causes = h('select', { 'aria-label': 'Cause', onchange: () => change({ cause: this.causes.value, page: '' }) });
    this.sessions = h('select', { 'aria-label': 'Session', onchange: () => change({ session: this.sessions.value, page: '' }) });
    this.table = new NodeTable(model, { caption: 'Nodes' });
    const full = mapped && h('button', { type: 'button', class: 'plain', 'data-key': 'w', 'aria-keyshortcuts': 'w', onclick: toggleFull }, 'Full screen');
    const parts = [h('div', { class: 'tools' }, this.chips.element, h('span', { class: 'grow' }), this.causes, this.sessions, this.search), h('div', { class: 'filter' }, this.filterText, this.clear)];
    if (mapped) {
      this.map = h('cabinet-map', {});
      this.map.addEventListener('pick', (e) => this.pick(e.detail));
      this.map.addEventListener('open', (e) => go(href('nodes', model.id[e.detail])));
      this.picked = h('p', { class: 'picked' });
      this.rows = h('tbody', {});
      parts.push(this.map, this.picked);
    }
    this.element = h('div', { class: 'view nodes-view' }, h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, this.title), h('span', { class: 'grow' }), full),
      h('section', { class: 'panel field', 'aria-label': mapped ? 'Map' : 'Nodes' }, parts, !mapped && this.table.element),
      mapped && h('section', { class: 'panel twin', 'aria-label': 'The same as tables' },
        h('div', { class: 'scroll' }, h('table', { class: 'cabinets' }, h('caption', {}, 'Cabinets'), h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Cabinet'), h('th', { scope: 'col', class: 'num' }, 'Nodes'),
          kinds.filter((k) => k.id !== 'left' && k.id !== 'staged').map((k) => h('th', { scope: 'col', class: 'num' }, k.label)))), this.rows)), this.table.element));
  }

  route({ query }) {
    if (document.activeElement !== this.search) this.search.value = query.get('q') || '';
    if (this.full !== query.get('full')) this.map?.later?.('layout');
    this.full = query.get('full');
    this.map?.filtered?.(filterOf(query, this.model));
    this.update();
    const n = this.model.numbers.get(query.get('sel') || '');
    if (n !== undefined && this.map && n !== this.map.chosen) this.map.select(n, { scroll: false });
  }

  changed(news) {
    if (!this.map) return;
    if (news.all || news.members) {
      this.map.show(this.model, this.model.order(), filterOf(read().query, this.model));
      const n = this.model.numbers.get(read().query.get('sel') || '');
      if (n !== undefined) this.map.select(n, { scroll: false });
    } else if (news.nodes?.length) {
      this.map.changed(news.nodes);
      if (this.strong) this.map.filtered(this.strong);
    }
  }

  update() {
    const m = this.model, { query } = read();
    if (!m.has) return;
    const order = m.order();
    this.strong = filterOf(query, m);
    const shown = this.strong ? order.filter(this.strong) : order;
    this.chips.update(tally(m, order), query);
    choices(this.causes, 'Any cause', m.legend.causes.filter((c) => c.name).map((c) => [c.name, c.name.replaceAll('_', ' ')]), query.get('cause'));
    choices(this.sessions, 'Any session', [...m.sessions.values()].filter((s) => s.status !== 'complete' || s.name === query.get('session')).map((s) => [s.name, s.name]), query.get('session'));
    say(this.filterText, this.strong ? `${plural(shown.length, 'node')} of ${count(order.length)}` : '');
    show(this.filterText.parentNode, this.strong);
    this.table.update(shown, query);
    if (this.map) this.cabinetRows(order, query);
    document.title = `${this.title} – BOS`;
  }

  cabinetRows(order, query) {
    const m = this.model;
    if (this.arranged !== order) {
      this.arranged = order;
      this.list = cabinets(m.id, order).map((c) => ({ name: c.name, nodes: c.cells.map((cell) => cell.n) }));
    }
    const columns = kinds.filter((k) => k.id !== 'left' && k.id !== 'staged');
    keep(this.rows, this.list, (c) => c.name, (c) => {
      const cells = columns.map(() => h('td', { class: 'num' }));
      const made = h('tr', {}, h('th', { scope: 'row' }, h('a', { href: href('map', '', { q: c.name }) }, c.name)), h('td', { class: 'num' }, count(c.nodes.length)), cells);
      made.numbers = cells;
      return made;
    }, (made, c) => {
      const counts = tally(m, c.nodes);
      columns.forEach((k, i) => say(made.numbers[i], counts[kindOf[k.id].index] ? count(counts[kindOf[k.id].index]) : ''));
      attribute(made.numbers[0], 'data-bad', counts[0] > 0);
      attribute(made, 'data-failed', counts[0] > 0);
    });
    const n = m.numbers.get(query.get('sel') || '');
    say(this.picked, n === undefined ? '' : this.map.told(n));
  }

  pick(n) {
    clearTimeout(this.picking); // browsers bound how often a URL changes
    this.picking = setTimeout(() => change({ sel: this.model.id[n] }, { quiet: true }), 150);
  }

  end() { clearTimeout(this.picking); }
}

// choices are what a filter offers. Those that stay are the same elements, so that a list
// that is open, and what is chosen in it, stay too. What the URL says is chosen; while
// somebody is about to choose, only where that is another than before.
function choices(select, all, list, chosen = '') {
  const before = select.value;
  keep(select, [['', all], ...list], ([value]) => value, ([value, text]) => h('option', { value }, text));
  choose(select, chosen || '', select.value !== before);
}
