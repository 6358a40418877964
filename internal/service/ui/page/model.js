// What is known of the site: the nodes as columns, as the stream sends them, and the
// sessions. It holds what the stream said and derives what is shown of it.

import { kindOf } from './kinds.js';

const kindByState = {
  idle: 'idle', pending: 'wait', powering_off: 'off', powering_on: 'on', booting: 'boot', configuring: 'conf', done: 'done', failed: 'failed', staged: 'staged', left: 'left',
};
const columns = ['state', 'since', 'session', 'wait', 'cause', 'attempts', 'held'];

export class Model {
  constructor() {
    this.listeners = new Set();
    this.clear();
  }

  clear() {
    this.has = false; // whether a snapshot has come
    this.revision = 0;
    this.skew = 0;
    this.legend = { states: [], waits: [], causes: [] };
    this.pause = { paused: false };
    this.id = [];
    for (const c of columns) this[c] = [];
    this.alive = [];
    this.numbers = new Map();
    this.sessions = new Map();
    this.inOrder = null;
    this.kindCodes = [];
  }

  // on listens to what changed: {all, nodes: numbers, sessions: bool, members: bool}.
  on(listener) { this.listeners.add(listener); }

  off(listener) { this.listeners.delete(listener); }

  tell(news) { for (const listener of this.listeners) listener(news); }

  // now is the time of the service in seconds.
  now() { return Date.now() / 1000 + this.skew; }

  take(kind, data) {
    if (kind === 'reset') return;
    if (data.at) this.skew = data.at - Date.now() / 1000;
    if (kind === 'snapshot') this.snapshot(data);
    else if (kind === 'delta') this.delta(data);
  }

  snapshot(data) {
    const { skew } = this;
    this.clear();
    Object.assign(this, { skew, has: true, revision: data.revision, legend: data.legend, pause: data.pause || this.pause });
    this.kindCodes = data.legend.states.map((s) => kindOf[kindByState[s.name] || 'idle'].index);
    if (data.nodes) {
      this.id = data.nodes.id;
      for (const c of columns) this[c] = data.nodes[c];
      this.alive = this.id.map((id) => id !== ''); // one without a name is a number that nobody has any more
      this.id.forEach((id, n) => { if (id) this.numbers.set(id, n); });
    }
    for (const s of data.sessions || []) this.sessions.set(s.n, s);
    this.tell({ all: true, nodes: null, sessions: true, members: true });
  }

  delta(data) {
    let members = false;
    this.revision = data.revision;
    const added = data.new || { n: [], id: [] };
    added.n.forEach((n, i) => {
      this.id[n] = added.id[i];
      for (const c of columns) this[c][n] = c === 'session' ? -1 : 0;
      this.alive[n] = true;
      this.numbers.set(added.id[i], n);
      members = true;
    });
    for (const n of data.gone || []) {
      if (this.numbers.get(this.id[n]) === n) this.numbers.delete(this.id[n]);
      this.alive[n] = false;
      members = true;
    }
    const changed = data.nodes?.n || [];
    for (const c of columns) {
      const from = data.nodes?.[c], to = this[c];
      if (from) for (let i = 0; i < changed.length; i++) to[changed[i]] = from[i];
    }
    for (const s of data.sessions || []) this.sessions.set(s.n, s);
    for (const n of data.sessions_gone || []) this.sessions.delete(n);
    if (data.pause) this.pause = data.pause;
    if (members) this.inOrder = null;
    this.tell({ all: false, nodes: changed, sessions: !!(data.sessions || data.sessions_gone || data.pause), members });
  }

  // order is the numbers of all nodes as people sort their names.
  order() {
    if (!this.inOrder) {
      const keys = new Map();
      const list = [];
      for (let n = 0; n < this.id.length; n++) if (this.alive[n]) { list.push(n); keys.set(n, sortKey(this.id[n])); }
      list.sort((a, b) => (keys.get(a) < keys.get(b) ? -1 : 1));
      this.inOrder = list;
    }
    return this.inOrder;
  }

  // kind is how a node is shown, as an index of kinds.
  kind(n) {
    const code = this.kindCodes[this.state[n]];
    if (this.held[n] && code !== kindOf.failed.index) return kindOf.held.index;
    return code === undefined ? kindOf.idle.index : code;
  }

  why(n) { return this.legend.causes[this.cause[n]] || none; }

  waits(n) { return this.legend.waits[this.wait[n]] || none; }

  sessionOf(n) { return this.sessions.get(this.session[n]); }

  sessionNamed(name, tenant) {
    for (const s of this.sessions.values()) if (s.name === name && (tenant === null || (s.tenant || '') === tenant)) return s;
    return null;
  }

  age(n) { return this.since[n] ? this.now() - this.since[n] : NaN; }
}

const none = { name: '', sentence: '' };

// sortKey makes names that differ in a number sort by it.
function sortKey(id) { return id.replace(/\d+/g, (digits) => digits.padStart(8, '0')); }

// unfold reads a folded list: x1000c0s[0-3,7]b0n0,x2. It stops at most.
export function unfold(text, most = 100_000) {
  const all = [];
  let depth = 0, from = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (c === '[') depth++;
    else if (c === ']') depth--;
    else if ((c === ',' && depth === 0) || i === text.length) {
      const part = text.slice(from, i).trim();
      if (part) spread(part, all, most);
      from = i + 1;
    }
  }
  return all;
}

function spread(part, all, most) {
  let names = [''];
  for (const piece of part.split(/(\[[^\]]*\])/, 64)) { // no name has more numbers
    if (piece[0] !== '[') { names = names.map((name) => name + piece); continue; }
    const values = [];
    for (const range of piece.slice(1, -1).split(',')) {
      const [low, high] = range.split('-');
      if (high === undefined) { values.push(low); continue; }
      for (let v = Number(low); v <= Number(high) && values.length < most; v++) values.push(String(v).padStart(low.length, '0'));
    }
    const next = []; // a list of two ranges is their product, and a link may have any
    for (const name of names) {
      for (const v of values) {
        if (next.length === most) break;
        next.push(name + v);
      }
      if (next.length === most) break;
    }
    names = next;
  }
  for (const name of names) if (all.length < most) all.push(name);
}
