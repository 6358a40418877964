// The stream of what changes, read by fetch: an EventSource cannot send a token. It is
// taken up again where it ended, and where the service cannot do that it sends all anew:
// there is never a gap that nobody sees.

import { Problem, send } from './api.js';

const silence = 40_000; // the service sends a beat every 15 s
const longest = 10_000;
const between = 5; // seconds between two questions where the service does not say

// Stream follows one query until it is ended.
export class Stream {
  constructor(query, { event, state }) {
    this.query = query;
    this.event = event;
    this.state = state;
    this.last = '';
    this.stop = new AbortController();
    this.run();
  }

  end() { this.stop.abort(); }

  async run() {
    let wait = 0;
    while (!this.stop.signal.aborted) {
      const began = Date.now();
      let problem = null;
      try {
        await this.follow();
      } catch (e) {
        problem = e;
      }
      if (this.stop.signal.aborted) return;
      if (problem instanceof Problem && problem.status < 500 && problem.status !== 429) {
        this.state('refused', problem.message);
        await gone(longest, this.stop.signal); // what is refused may be allowed later
        continue;
      }
      if (problem?.status === 503 && await this.ask(problem)) continue;
      // One that ended in order is taken up at once; others a little later each time.
      wait = Date.now() - began > 5000 ? 0 : Math.min(longest, Math.max(500, wait * 2));
      const pause = Math.max(wait * (0.75 + Math.random() / 2), (problem?.retryAfter || 0) * 1000);
      if (problem || wait > 500) this.state('lost', problem?.message || 'the stream ended');
      if (pause) await gone(pause, this.stop.signal);
    }
  }

  // ask asks for all, where the service has no place for a stream more, and waits until it
  // may be asked again. It is false where that is not answered either.
  async ask(full) {
    try {
      const response = await send('GET', 'x/v1/stream' + this.query, {
        signal: AbortSignal.any([this.stop.signal, AbortSignal.timeout(silence)]),
        headers: { Accept: 'application/json', ...(this.last && { 'If-None-Match': `"${this.last}"` }) },
      });
      if (response.status !== 304) {
        const all = await response.json();
        if (this.stop.signal.aborted) return true;
        this.event('snapshot', all);
        this.last = (response.headers.get('ETag') || '').replaceAll('"', '');
      }
    } catch {
      return false;
    }
    if (this.stop.signal.aborted) return true;
    this.state('asked', full.message);
    await gone((full.retryAfter || between) * 1000 * (0.75 + Math.random() / 2), this.stop.signal);
    return true;
  }

  async follow() {
    const cut = new AbortController();
    const stop = () => cut.abort();
    this.stop.signal.addEventListener('abort', stop);
    let timer = setTimeout(stop, silence);
    try {
      const response = await send('GET', 'x/v1/stream' + this.query, {
        signal: cut.signal, headers: { Accept: 'text/event-stream', ...(this.last && { 'Last-Event-ID': this.last }) },
      });
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      const parse = parser((kind, id, data) => {
        if (id) this.last = id;
        this.event(kind, JSON.parse(data));
      });
      this.state('live');
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(stop, silence);
        parse(decoder.decode(value, { stream: true }));
      }
    } finally {
      clearTimeout(timer);
      this.stop.signal.removeEventListener('abort', stop);
    }
  }
}

// parser takes a text of server-sent events in pieces, and tells each event.
function parser(tell) {
  let pieces = [];
  let kind = '', id = '', data = [];
  const line = (text) => {
    if (text === '') {
      if (data.length) tell(kind || 'message', id, data.join('\n'));
      kind = ''; data = [];
      return;
    }
    if (text[0] === ':') return;
    const i = text.indexOf(':');
    const field = i < 0 ? text : text.slice(0, i);
    const value = i < 0 ? '' : text.slice(text[i + 1] === ' ' ? i + 2 : i + 1);
    if (field === 'event') kind = value;
    else if (field === 'id') id = value;
    else if (field === 'data') data.push(value);
  };
  return (chunk) => {
    let from = 0;
    for (let at; (at = chunk.indexOf('\n', from)) >= 0; from = at + 1) {
      pieces.push(chunk.slice(from, at));
      const whole = pieces.length === 1 ? pieces[0] : pieces.join('');
      pieces = [];
      line(whole.endsWith('\r') ? whole.slice(0, -1) : whole);
    }
    if (from < chunk.length) pieces.push(chunk.slice(from));
  };
}

function gone(time, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, time);
    signal.addEventListener('abort', () => { clearTimeout(timer); done(); }, { once: true });
    document.addEventListener('bos-token', () => { clearTimeout(timer); done(); }, { once: true });
  });
}
