// One node: what it waits for, what happens next and when, and all that was done to it.

import { announce } from './announce.js';
import { get, path, Problem } from './api.js';
import { copyable, fill, h, keep, plural, say, show, span, timeOf, attribute } from './dom.js';
import { kinds, mark } from './kinds.js';
import { panel } from './parts.js';
import { href, read } from './router.js';

const most = 200;
const pause = 2000; // between two looks at what changed

export class NodeView {
  constructor(model, name) {
    this.model = model;
    this.name = name;
    this.title = name;
    const of = read().query.get('session');
    this.query = of ? '?session=' + encodeURIComponent(of) : '';
    this.icon = h('span', { class: 'icon' });
    this.word = h('span', {});
    this.age = h('span', { class: 'hint' });
    this.sentence = h('p', { class: 'lead' });
    this.next = h('p', { class: 'next' });
    this.facts = h('dl', { class: 'facts' });
    this.commands = h('div', { 'data-key': 'c' });
    this.rows = h('ol', { class: 'timeline' });
    this.more = h('p', { class: 'hint' });
    this.wrong = h('p', { class: 'wrong', role: 'alert', hidden: true });
    this.up = h('a', { class: 'up', 'data-key': 'u', href: of ? href('sessions', of) : href('nodes'), 'aria-label': of ? 'Session ' + of : 'All nodes' }, '‹');
    this.of = h('span', {});
    this.element = h('div', { class: 'view node' },
      h('div', { class: 'head' }, this.up, h('h1', { class: 'xname', tabindex: '-1' }, name), h('span', { class: 'status' }, this.icon, this.word), this.age, h('span', { class: 'grow' }), this.of),
      this.wrong,
      h('div', { class: 'columns even' },
        h('div', { class: 'side' }, panel('Why', { id: 'why' }, this.sentence, this.next, this.commands), panel('What is known', { id: 'facts' }, this.facts)),
        panel('What was done, the newest first', { id: 'timeline', className: 'field' }, this.rows, this.more)));
    this.look();
  }

  route() { document.title = `${this.name} – BOS`; this.update(); }

  changed(news) {
    const n = this.model.numbers.get(this.name);
    if (news.all || (n !== undefined && news.nodes?.includes(n)) || news.sessions) this.stale = true;
    if (this.stale) this.later();
  }

  update() {
    const m = this.model, n = m.numbers.get(this.name);
    if (n !== undefined) {
      const kind = kinds[m.kind(n)];
      if (this.kind !== kind.id) {
        if (this.kind) announce(`${this.name}: ${kind.label}`, 'node');
        this.kind = kind.id;
        fill(this.icon, mark(kind.id));
        say(this.word, kind.label);
      }
      say(this.age, m.since[n] ? 'for ' + span(m.age(n)) : '');
    }
    if (this.why?.next) this.sayNext();
  }

  later() {
    if (this.timer || this.ended) return;
    this.timer = setTimeout(() => { this.timer = 0; this.look(); }, Math.max(0, (this.looked || 0) + pause - Date.now()));
  }

  async look() {
    this.looked = Date.now();
    this.stale = false;
    const [why, history] = await Promise.allSettled([
      get(path('x', 'v1', 'components', this.name, 'why')), get(`x/v1/events?component=${encodeURIComponent(this.name)}&newest=true&limit=${most}`).catch(optional),
    ]);
    if (this.ended) return;
    // A service that cannot say why has said the cause with the node's state.
    const unsaid = why.reason instanceof Problem && why.reason.status === 404 && this.model.numbers.has(this.name);
    const problem = (unsaid ? null : why.reason) || history.reason;
    if (unsaid) this.tell({ waits_for: { sentence: this.known() } });
    say(this.wrong, problem?.message);
    show(this.wrong, problem);
    if (why.value) {
      this.why = why.value;
      this.tell(why.value);
    }
    if (history.value) this.line(history.value);
    if (problem && !(problem instanceof Problem)) this.later();
  }

  // known is what the stream says of why the node is as it is.
  known() {
    const n = this.model.numbers.get(this.name);
    return this.model.why(n).sentence || this.model.waits(n).sentence;
  }

  tell(w) {
    say(this.sentence, w.waits_for?.sentence || w.error || 'Nothing is waited for.');
    this.sayNext();
    if (!this.model.numbers.has(this.name)) {
      say(this.word, (w.phase || '').replaceAll('_', ' '));
    }
    fill(this.of, w.session && ['session ', h('a', { href: href('sessions', w.session, { tenant: w.tenant || read().query.get('tenant') }) }, w.session)]);
    const left = (a) => (a ? `${a.used} used, ${a.left} left` : null);
    const facts = [
      ['Error', !(w.waits_for?.sentence || '').includes(w.error) && w.error], ['Cause', w.cause && w.cause.replaceAll('_', ' ')], ['Last answer', w.last_answer], ['Detail', w.waits_for?.detail],
      ['In this state since', w.since && timeOf(w.since)], ['Waits since', w.waits_for?.since && timeOf(w.waits_for.since)],
      ['Last action', w.last_action?.action && [w.last_action.action.replaceAll('_', ' '), w.last_action.failed && ', which had no effect', w.last_action.at && [', ', timeOf(w.last_action.at)]]],
      ['Power-ons', left(w.attempts?.power_on)], ['Graceful power-offs', left(w.attempts?.power_off_graceful)], ['Forced power-offs', left(w.attempts?.power_off_forceful)],
      ['Booted', w.booted?.at && [timeOf(w.booted.at), w.booted.matches ? ', what it should' : ', something else than it should']],
      ['Held', w.held && [w.held.reason || 'without a reason', w.held.actor && ` by ${w.held.actor}`, w.held.since && [', ', timeOf(w.held.since)]]],
    ].filter(([, value]) => value);
    keepFacts(this.facts, facts);
    const commands = (w.commands || []).join('\n');
    if (this.commandsNow !== commands) {
      this.commandsNow = commands;
      fill(this.commands, w.commands?.length && h('h3', {}, 'What you can type'), (w.commands || []).map((c) => copyable(c, 'Command')));
    }
  }

  sayNext() {
    const next = this.why?.next;
    if (!next || next.what === 'none') { say(this.next, next?.sentence || ''); return; }
    const left = next.at ? Date.parse(next.at) / 1000 - this.model.now() : NaN;
    say(this.next, `Next: ${next.sentence || next.what.replaceAll('_', ' ')}${Number.isNaN(left) ? '' : left > 0 ? `, in ${span(left)}` : ', any moment'}`);
  }

  line(history) {
    if (history.refused) {
      say(this.more, 'The history cannot be shown: ' + history.refused);
      return;
    }
    const events = [...history.events].sort((a, b) => b.id - a.id);
    keep(this.rows, events, (e) => e.id, (e) => this.entry(e));
    say(this.more, events.length === 0 ? 'The history has nothing of this node.' : events.length >= most ? `The newest ${most}. terraform-provider-bos history ${this.name} has all.` : plural(events.length, 'entry', 'entries'));
  }

  entry(e) {
    const bad = /fail|gave_up|exhaust/.test(e.kind) || e.to_state === 'failed';
    const moved = e.from_state && e.to_state && e.from_state !== e.to_state;
    return h('li', { 'data-bad': bad },
      h('div', { class: 'entry-head' }, timeOf(e.time), h('b', {}, e.kind.replaceAll('_', ' ')), moved && h('span', { class: 'moved' }, `${e.from_state.replaceAll('_', ' ')} → ${e.to_state.replaceAll('_', ' ')}`), e.attempt > 0 && h('span', { class: 'hint' }, 'attempt ' + e.attempt)),
      e.detail && h('p', {}, e.detail), e.answer && e.answer !== e.detail && h('p', { class: 'answer' }, e.answer),
      h('p', { class: 'hint' }, [e.actor && 'by ' + e.actor, e.session && ['session ', h('a', { href: href('sessions', e.session) }, e.session)], e.workspace && 'workspace ' + e.workspace, e.run && 'run ' + e.run, e.plan && 'plan ' + e.plan.slice(0, 12), e.request_id && 'request ' + e.request_id]
        .filter(Boolean).flatMap((part, i) => (i ? [' · ', part] : [part]))));
  }

  end() { this.ended = true; clearTimeout(this.timer); }
}

function optional(problem) {
  if (problem instanceof Problem && problem.status === 403) return { events: [], refused: problem.message };
  throw problem;
}

function keepFacts(list, facts) {
  keep(list, facts, (f) => f[0], ([word]) => h('div', {}, h('dt', {}, word), h('dd', {})), (made, [, value]) => {
    const text = JSON.stringify(value, (k, v) => (v instanceof Node ? v.textContent : v));
    if (made.text === text) return;
    made.text = text;
    fill(made.lastChild, value);
    attribute(made, 'data-long', text.length > 80);
  });
}
