// What asks somebody: for a token, for a reason, or which key does what.

import { copyable, fill, h, show } from './dom.js';
import { answer } from './announce.js';
import { post } from './api.js';

// modal shows a dialog and is done when it is closed. Focus goes back to where it was.
function modal(dialog) {
  const before = document.activeElement;
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      if (before?.isConnected) before.focus();
      done(dialog.returnValue);
    }, { once: true });
  });
}

// askToken asks for a token until there is one: nothing is shown without.
export function askToken(why, had) {
  const field = h('input', { type: 'password', id: 'token', autocomplete: 'off', spellcheck: 'false', required: true, maxlength: '32768' });
  const dialog = h('dialog', { 'aria-labelledby': 'token-title', class: 'ask' },
    h('form', { method: 'dialog' },
      h('h2', { id: 'token-title' }, had ? 'Your token is good no more' : 'Who are you?'),
      had && h('p', { class: 'why-token' }, 'What is shown is what was known until now. With another token it goes on from there.'),
      h('label', { for: 'token' }, 'Token'), field,
      h('div', { class: 'ask-buttons' }, h('button', { class: 'primary' }, had ? 'Go on' : 'Sign in')),
      h('p', { class: 'hint' }, 'On the machine of the service, as its user:'), copyable('terraform-provider-bos token local', 'Command that prints a token'),
      h('p', { class: 'hint' }, 'At a site with an identity provider, paste the access token that it gave you. The token stays in this tab, and is gone when you close it.'),
      h('details', {}, h('summary', {}, 'What the service said'), h('p', { class: 'hint' }, why || 'nothing'))));
  dialog.addEventListener('cancel', (e) => e.preventDefault());
  dialog.querySelector('form').addEventListener('submit', (e) => { if (!field.value.trim()) e.preventDefault(); });
  const closed = modal(dialog);
  field.focus();
  return closed.then(() => field.value.trim());
}

const verbs = {
  pause: {
    title: (s) => `Pause session ${s.name}?`, button: 'Pause it', reason: true,
    says: () => 'Nothing more is sent to its nodes until it is resumed. What was sent already goes on to its end.',
  },
  resume: {
    title: (s) => `Resume session ${s.name}?`, button: 'Resume it', reason: false,
    says: (s) => (s.rollout?.phase === 'halted' ? 'Its rollout goes on. The nodes of the batch that failed are tried again, unless you leave them.' : 'Its work goes on where it was.'),
    skip: (s) => s.rollout?.phase === 'halted',
  },
  promote: {
    title: (s) => `Promote the rollout of ${s.name}?`, button: 'Promote it', reason: false,
    says: () => 'The other batches follow the canary.',
  },
  fail: {
    title: (s) => `End the rollout of ${s.name} as failed?`, button: 'End it', reason: true, danger: true,
    says: () => 'The nodes whose turn has not come are given up. What was started goes on to its end.',
  },
  cancel: {
    title: (s) => `Cancel session ${s.name}?`, button: 'Cancel the session', reason: true, danger: true,
    says: (s) => `${open(s)} of its ${s.total} nodes are not done. They are let go where they stand: on, off, or between the two. This cannot be taken back.`,
  },
};

function open(s) {
  const c = s.counts || {};
  return Math.max(0, s.total - (c.done || 0) - (c.failed || 0) - (c.left || 0));
}

// act asks for a reason, and does it.
export async function act(verb, session) {
  const v = verbs[verb];
  const reason = h('textarea', { id: 'reason', rows: '2', maxlength: '1000', required: v.reason, placeholder: 'It is shown to everybody who waits for these nodes' });
  const wrong = h('p', { class: 'wrong', role: 'alert', hidden: true });
  const skip = v.skip?.(session) && h('label', { class: 'check' }, h('input', { type: 'checkbox', id: 'skip' }), 'Leave the nodes that failed');
  const go = h('button', { type: 'submit', class: v.danger ? 'danger' : 'primary' }, v.button);
  const dialog = h('dialog', { class: 'ask', 'aria-labelledby': 'act-title', 'aria-describedby': 'act-says' },
    h('form', { method: 'dialog', novalidate: true },
      h('h2', { id: 'act-title' }, v.title(session)),
      h('p', { id: 'act-says' }, v.says(session)),
      h('label', { for: 'reason' }, v.reason ? 'Reason' : 'Reason (if you like)'), reason, skip, wrong,
      h('div', { class: 'ask-buttons' }, h('button', { type: 'button', onclick: () => dialog.close() }, 'No'), go)));
  dialog.querySelector('form').addEventListener('submit', async (e) => {
    e.preventDefault();
    const text = reason.value.trim();
    if (v.reason && !text) {
      fill(wrong, 'Say why: the history keeps it.');
      show(wrong, true);
      reason.focus();
      return;
    }
    go.disabled = true;
    try {
      await post(`x/v1/sessions/${encodeURIComponent(session.name)}/${verb}`, { ...(text && { reason: text }), ...(skip?.firstChild?.checked && { skip_failed: true }) });
      dialog.close();
      answer(`${v.button}: done`);
    } catch (problem) {
      fill(wrong, 'It was not done: ' + problem.message);
      show(wrong, true);
      go.disabled = false;
    }
  });
  const closed = modal(dialog);
  reason.focus();
  await closed;
}

// help lists the keys.
export function help(keys, single, setSingle) {
  const dialog = h('dialog', { class: 'ask keys', 'aria-labelledby': 'keys-title' },
    h('form', { method: 'dialog' },
      h('h2', { id: 'keys-title' }, 'Keys'),
      h('table', {}, h('tbody', {}, keys.map(([names, what]) => h('tr', {}, h('th', { scope: 'row' }, names.split(' ').map((k) => h('kbd', {}, k))), h('td', {}, what))))),
      h('label', { class: 'check' }, h('input', { type: 'checkbox', checked: single, onchange: (e) => setSingle(e.target.checked) }), 'Single keys do this'),
      h('div', { class: 'ask-buttons' }, h('button', { class: 'primary' }, 'Close'))));
  return modal(dialog);
}
