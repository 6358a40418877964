// One session live: how far it is, what failed and why, what is slow, and what one can do.

import { announce } from './announce.js';
import { get } from './api.js';
import { copyable, count, fill, h, keep, plural, say, show, span, timeOf, when, attribute } from './dom.js';
import { act } from './dialogs.js';
import { filterOf, tally } from './filters.js';
import { NodeTable, Chips, search } from './nodetable.js';
import { Bar, Status, etaOf, failedOf, inWords, over, panel, toggleFull } from './parts.js';
import { mark } from './kinds.js';
import { change, go, href, read } from './router.js';
import './map.js';

export class SessionView {
  constructor(model, name) {
    this.model = model;
    this.name = name;
    this.title = name;
    this.query = '?session=' + encodeURIComponent(name);
    this.status = new Status();
    this.bar = new Bar();
    this.actions = h('div', { class: 'actions' });
    this.about = h('p', { class: 'about' });
    this.figures = h('dl', { class: 'figures' });
    this.note = h('div', { class: 'note', hidden: true });
    this.failures = panel('Failed, by cause', { id: 'failures' }, this.failureList = h('ul', { class: 'causes' }), this.retry = h('div', { class: 'retry', 'data-key': 'c' }));
    this.waits = panel('Waiting for', { id: 'waits' }, this.waitList = h('ul', { class: 'causes' }));
    this.late = panel('Slower than the others', { id: 'late' }, this.lateText = h('p', {}), this.lateButton = h('button', { type: 'button', class: 'link', onclick: () => toggle('late', '1') }, 'Show them'));
    this.batches = panel('Rollout', { id: 'rollout' }, this.rolloutText = h('p', {}), h('div', { class: 'scroll' }, h('table', {}, h('caption', { class: 'unseen' }, 'Batches of the rollout'),
      h('thead', {}, h('tr', {}, ['Batch', 'Nodes', 'Waiting', 'In flight', 'Done', 'Failed'].map((t, i) => h('th', { scope: 'col', class: i && 'num' }, t)))), this.batchRows = h('tbody', {}))));
    this.left = panel('Left out', { id: 'left' }, this.leftList = h('ul', { class: 'causes' }));
    this.map = h('cabinet-map', {});
    this.map.addEventListener('pick', (e) => this.pick(e.detail));
    this.map.addEventListener('open', (e) => go(href('nodes', model.id[e.detail], { session: name })));
    this.chips = new Chips();
    this.search = search();
    this.table = new NodeTable(model, { caption: 'Nodes of the session', session: false, of: name });
    this.filterText = h('span', { class: 'filter-text' });
    this.clear = h('button', { type: 'button', class: 'link', onclick: () => change({ state: '', cause: '', wait: '', late: '', batch: '', q: '', page: '' }) }, 'Show all');
    this.picked = h('p', { class: 'picked' });
    const side = h('div', { class: 'side' }, this.failures, this.waits, this.late, this.batches, this.left);
    const field = h('section', { class: 'panel field', 'aria-label': 'Nodes' }, h('div', { class: 'tools' }, this.chips.element, h('span', { class: 'grow' }), this.search),
      h('div', { class: 'filter' }, this.filterText, this.clear), this.map, this.picked, h('div', { class: 'twin' }, this.table.element));
    this.element = h('div', { class: 'view session' },
      h('div', { class: 'head' }, h('a', { class: 'up', href: href('sessions'), 'data-key': 'u', 'aria-label': 'All sessions' }, '‹'), h('h1', { tabindex: '-1' }, name), this.status.element, h('span', { class: 'grow' }), this.actions),
      this.about, this.note, h('section', { class: 'panel summary', 'aria-label': 'Progress' }, this.figures, this.bar.element), h('div', { class: 'columns' }, side, field));
    this.missing = h('p', { class: 'empty', hidden: true });
    this.element.append(this.missing);
  }

  session() { return this.model.sessionNamed(this.name, read().query.get('tenant')) || this.model.sessionNamed(this.name, null); }

  route({ query }) {
    if (document.activeElement !== this.search) this.search.value = query.get('q') || '';
    const full = query.get('full') === '1';
    if (full !== this.full) this.map.later?.('layout');
    this.full = full;
    this.update();
    this.refilter();
    const n = this.model.numbers.get(query.get('sel') || '');
    if (n !== undefined && n !== this.map.chosen) this.map.select(n, { scroll: false });
  }

  refilter() {
    const s = this.session();
    this.map.filtered?.(filterOf(read().query, this.model, s));
    this.list();
  }

  changed(news) {
    if (news.all || news.members) {
      this.map.show(this.model, this.model.order(), filterOf(read().query, this.model, this.session()));
      const n = this.model.numbers.get(read().query.get('sel') || '');
      if (n !== undefined) this.map.select(n, { scroll: false });
    } else if (news.nodes?.length) {
      this.map.changed(news.nodes);
      if (this.strong) this.map.filtered(this.strong);
    }
    if (news.all) this.excluded();
  }

  update() {
    const s = this.session();
    show(this.missing, this.model.has && !s);
    if (this.model.has && !s) say(this.missing, `There is no session ${this.name} here. It was deleted, or your token does not reach it.`);
    if (!s) return;
    this.status.update(s);
    this.bar.update(s);
    this.say(s);
    this.offer(s);
    this.count(s);
    this.fail(s);
    this.wait(s);
    this.roll(s);
    this.list();
    this.announce(s);
    if (this.was !== s.status) {
      this.was = s.status;
      this.excluded();
    }
  }

  say(s) {
    const key = [s.operation, s.template, s.by, s.start, s.reason, s.plan].join('|');
    if (key === this.saidKey) return;
    this.saidKey = key;
    fill(this.about, h('b', {}, s.operation), ' with template ', h('b', {}, s.template), s.stage && ', staged', s.tenant && `, tenant ${s.tenant}`, s.by && `, by ${s.by}`, ', since ', timeOf(new Date(s.start * 1000).toISOString()),
      s.reason && ` – ${s.reason}`, s.plan && h('span', { class: 'pin', title: 'The plan that it carries out: ' + s.plan }, 'plan ' + s.plan.slice(0, 12)));
  }

  // offer shows what one can do now.
  offer(s) {
    const open = s.status !== 'complete', paused = s.pause?.paused, halted = s.rollout?.phase === 'halted';
    const list = [];
    if (open && s.rollout?.held_by === 'promotion') list.push(['promote', 'Promote…', '']);
    if (open && (paused || halted)) list.push(['resume', 'Resume…', 'p']);
    else if (open) list.push(['pause', 'Pause…', 'p']);
    if (open && s.rollout && !['complete', 'failed', 'cancelled'].includes(s.rollout.phase)) list.push(['fail', 'End rollout…', '']);
    if (open) list.push(['cancel', 'Cancel…', 'x']);
    list.push(['full', this.full ? 'Leave full screen' : 'Full screen', 'w']);
    keep(this.actions, list, (v) => v[0] + v[1], ([verb, word, key]) => h('button', {
      type: 'button', class: verb === 'cancel' ? 'danger-quiet' : verb === 'promote' ? 'primary' : 'plain', 'data-key': key || null, 'data-verb': verb, 'aria-keyshortcuts': key || null,
      onclick: () => (verb === 'full' ? toggleFull() : act(verb, this.session())),
    }, word));
    const said = s.error || (paused && `Paused${s.pause.actor ? ' by ' + s.pause.actor : ''}${s.pause.reason ? ': ' + s.pause.reason : ''}. Nothing is sent to its nodes.`) ||
      (s.rollout?.detail && (s.rollout.held_by || halted) && s.rollout.detail);
    show(this.note, said);
    say(this.note, said);
    attribute(this.note, 'data-bad', !!s.error || halted);
  }

  count(s) {
    const c = s.counts || {}, now = this.model.now();
    const eta = etaOf(s, now);
    const working = (c.powering_off || 0) + (c.powering_on || 0) + (c.booting || 0) + (c.configuring || 0);
    const figures = [
      ['Done', count(c.done || 0), 'of ' + count(s.total), 'done'],
      ['Failed', count(c.failed || 0), s.total ? share(c.failed, s.total) : '', c.failed ? 'failed' : ''],
      ['At work', count(working), s.rate ? `${s.rate < 10 ? s.rate.toFixed(1) : Math.round(s.rate)} done a second` : '', ''],
      ['Pending', count(c.pending || 0), '', ''],
      s.status === 'complete' ? ['Took', span((s.end || now) - s.start), 'ended ' + when(s.end * 1000), ''] : ['Ready in', eta.text, eta.hint, ''],
      s.status === 'complete' ? null : ['Going for', span(now - s.start), '', ''],
    ].filter(Boolean);
    keep(this.figures, figures, (f) => f[0] + f[3], ([word, , , kind]) => {
      const made = h('div', { class: 'figure' }, h('dt', {}, kind && mark(kind), word), h('dd', {}, h('span', { class: 'value' }), h('span', { class: 'hint' })));
      return made;
    }, (made, [, value, hint, kind]) => {
      say(made.querySelector('.value'), value);
      say(made.querySelector('.hint'), hint);
      attribute(made, 'data-kind', kind || null);
    });
  }

  fail(s) {
    const { query } = read();
    const list = s.failures || [];
    show(this.failures, list.length > 0);
    keep(this.failureList, list, (f) => f.cause, (f) => {
      const n = h('span', { class: 'n' }), nodes = h('span', { class: 'folded' });
      const button = h('button', { type: 'button', class: 'cause', 'data-key': 'f', onclick: () => toggle('cause', f.cause) }, mark('failed'), h('span', { class: 'name' }, f.cause ? f.cause.replaceAll('_', ' ') : 'no cause is known'), n);
      const made = h('li', {}, button, h('p', { class: 'sentence' }, f.sentence), nodes);
      Object.assign(made, { n, nodes, button });
      return made;
    }, (made, f) => {
      say(made.n, count(f.count));
      say(made.nodes, short(f.nodes));
      attribute(made.nodes, 'title', f.nodes);
      attribute(made.button, 'aria-pressed', String(query.get('cause') === f.cause));
    });
    const commands = s.retry?.commands || [];
    if (this.commands !== commands.join('\n')) {
      this.commands = commands.join('\n');
      fill(this.retry, commands.length && h('h3', {}, `Try ${s.retry.count === 1 ? 'it' : 'these ' + count(s.retry.count)} again, and no other`), commands.map((c) => copyable(c, 'Command that retries what failed')));
    }
    show(this.retry, commands.length);
  }

  wait(s) {
    const { query } = read();
    const list = Object.entries(s.waiting || {}).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
    show(this.waits, list.length);
    keep(this.waitList, list, (w) => w[0], ([reason]) => {
      const n = h('span', { class: 'n' });
      const button = h('button', { type: 'button', class: 'cause', onclick: () => toggle('wait', reason) }, mark('wait'), h('span', { class: 'name' }, reason.replaceAll('_', ' ')), n);
      const sentence = this.model.legend.waits.find((w) => w.name === reason)?.sentence || '';
      const made = h('li', {}, button, h('p', { class: 'sentence' }, sentence.replaceAll('/NAME/', `/${this.name}/`)));
      Object.assign(made, { n, button });
      return made;
    }, (made, [reason, n]) => {
      say(made.n, count(n));
      attribute(made.button, 'aria-pressed', String(query.get('wait') === reason));
    });
    const late = s.stragglers?.count || 0;
    show(this.late, late);
    if (late) {
      say(this.lateText, `${plural(late, 'node')} longer at it than 99 of 100 (${span(s.stragglers.beyond)}): ${short(s.stragglers.nodes)}`);
      attribute(this.lateButton, 'aria-pressed', String(query.get('late') === '1'));
    }
  }

  roll(s) {
    const r = s.rollout;
    show(this.batches, r);
    if (!r) return;
    const { query } = read();
    say(this.rolloutText, `${r.phase.replaceAll('_', ' ')}${r.held_by ? ', held by ' + r.held_by.replaceAll('_', ' ') : ''}${r.batch ? ', at ' + r.batch : ''}. ${r.failure_budget ? `It halts beyond ${plural(r.failure_budget, 'failure')}.` : 'It halts at the first failure.'}`);
    keep(this.batchRows, r.batches || [], (b) => b.name, (b) => {
      const cells = [0, 1, 2, 3, 4].map(() => h('td', { class: 'num' }));
      const made = h('tr', {}, h('th', { scope: 'row' }, h('button', { type: 'button', class: 'link', onclick: () => toggle('batch', b.name) }, b.name)), cells);
      made.numbers = cells;
      return made;
    }, (made, b) => {
      [b.count, b.waiting, b.in_flight, b.done, b.failed].forEach((n, i) => say(made.numbers[i], n ? count(n) : ''));
      attribute(made.numbers[4], 'data-bad', b.failed > 0);
      attribute(made, 'data-now', b.name === r.batch);
      attribute(made.querySelector('button'), 'aria-pressed', String(query.get('batch') === b.name));
    });
  }

  list() {
    const m = this.model, { query } = read();
    if (!m.has) return;
    this.strong = filterOf(query, m, this.session());
    const order = m.order();
    const shown = this.strong ? order.filter(this.strong) : order;
    this.chips.update(tally(m, order), query);
    const parts = ['cause', 'wait', 'batch', 'q'].filter((k) => query.get(k)).map((k) => `${k === 'q' ? 'name' : k} ${query.get(k).replaceAll('_', ' ')}`);
    if (query.get('late')) parts.push('slower than the others');
    say(this.filterText, this.strong ? `${plural(shown.length, 'node')} of ${count(order.length)}${parts.length ? ': ' + parts.join(', ') : ''}` : '');
    show(this.filterText.parentNode, this.strong);
    this.table.update(shown, query);
    const n = m.numbers.get(query.get('sel') || '');
    if (n === undefined) fill(this.picked);
    else if (this.pickedNow !== m.id[n] + m.kind(n)) fill(this.picked, h('a', { class: 'xname', href: href('nodes', m.id[n], { session: this.name }) }, m.id[n]), ` ${this.map.told(n).slice(m.id[n].length + 2)}`);
    this.pickedNow = n === undefined ? '' : m.id[n] + m.kind(n);
  }

  pick(n) {
    clearTimeout(this.picking); // browsers bound how often a URL changes
    this.picking = setTimeout(() => change({ sel: this.model.id[n] }, { quiet: true }), 150);
  }

  // excluded shows who was left out, which nothing live tells.
  async excluded() {
    if (this.asking) return;
    this.asking = true;
    try {
      const steps = await get(`x/v1/sessions/${encodeURIComponent(this.name)}/status`);
      const list = steps.boot_sets.flatMap((set) => set.excluded);
      keep(this.leftList, list, (x) => x.boot_set + x.nodes + x.reason, (x) => h('li', {}, h('p', { class: 'sentence' }, x.reason), h('span', { class: 'folded', title: x.nodes }, short(x.nodes))));
      show(this.left, list.length);
    } catch {
      show(this.left, false); // it is told with the session when that is there
    } finally {
      this.asking = false;
    }
  }

  announce(s) {
    const failed = failedOf(s), at = over(s);
    document.title = `${failed ? '✕ ' + failed + ' · ' : ''}${at}/${s.total} · ${s.name} – BOS`;
    if (this.heard && (this.heard.failed !== failed || this.heard.at !== at || this.heard.status !== s.status)) {
      const worse = failed > this.heard.failed ? `, newly failed: ${failed - this.heard.failed}` : '';
      announce(s.status === 'complete' ? `Session over. ${inWords(s)}` : inWords(s) + worse);
    }
    this.heard = { failed, at, status: s.status };
  }

  end() { clearTimeout(this.picking); }
}

function share(part, whole) { return part ? (part / whole < 0.01 ? 'less than 1 %' : Math.round((100 * part) / whole) + ' %') : ''; }

export function short(folded, most = 90) { return folded && folded.length > most ? folded.slice(0, most) + '…' : folded || ''; }

// toggle sets a filter, or takes it off where it is set.
function toggle(name, value) { change({ [name]: read().query.get(name) === value ? '' : value, page: '' }); }
