// Which nodes are shown: what the URL says of state, cause, wait and name, as a function.

import { kindOf } from './kinds.js';
import { unfold } from './model.js';

// filterOf is the filter that a query says; strong is null where all are shown.
export function filterOf(query, model, session) {
  const tests = [];
  const states = (query.get('state') || '').split(',').map((id) => kindOf[id]?.index).filter((i) => i !== undefined);
  if (states.length) tests.push((n) => states.includes(model.kind(n)));
  const cause = query.get('cause');
  if (cause) tests.push((n) => model.why(n).name === cause && model.kind(n) === kindOf.failed.index);
  const wait = query.get('wait');
  if (wait) tests.push((n) => model.waits(n).name === wait);
  const of = query.get('session');
  if (of) tests.push((n) => model.sessionOf(n)?.name === of);
  if (query.get('late') && session) {
    const late = new Set(unfold(session.stragglers?.nodes || ''));
    tests.push((n) => late.has(model.id[n]));
  }
  const batch = session?.rollout?.batches?.find((b) => b.name === query.get('batch'));
  if (batch) {
    const of = new Set(unfold(batch.nodes));
    tests.push((n) => of.has(model.id[n]));
  }
  const name = nameTest((query.get('q') || '').trim());
  if (name) tests.push((n) => name(model.id[n]));
  return tests.length ? (n) => tests.every((test) => test(n)) : null;
}

// nameTest is what is looked for in a name: a part of it, or a folded list.
function nameTest(text) {
  if (!text) return null;
  if (/[,[]/.test(text)) {
    const all = new Set(unfold(text));
    return (id) => all.has(id);
  }
  const wanted = text.toLowerCase();
  // x1000 is that cabinet and not x10001.
  const exact = /\d$/.test(wanted) ? new RegExp('(^|[^0-9a-z])' + wanted.replace(/[^0-9a-z]/g, '\\$&') + '(?!\\d)') : null;
  return (id) => (exact && exact.test(id)) || (!exact && id.includes(wanted));
}

// tally counts nodes by kind.
export function tally(model, order) {
  const counts = new Array(Object.keys(kindOf).length).fill(0);
  for (const n of order) counts[model.kind(n)]++;
  return counts;
}
