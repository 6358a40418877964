// In which state a node is shown: each has a colour and a shape of its own, so that
// nobody needs to tell colours apart, and a word for who sees neither.

import { h } from './dom.js';

export const kinds = [
  { id: 'failed', label: 'Failed', shape: 'cross' },
  { id: 'off', label: 'Powering off', shape: 'down' },
  { id: 'on', label: 'Powering on', shape: 'up' },
  { id: 'boot', label: 'Booting', shape: 'play' },
  { id: 'conf', label: 'Configuring', shape: 'diamond' },
  { id: 'wait', label: 'Pending', shape: 'ring' },
  { id: 'held', label: 'Held', shape: 'bars' },
  { id: 'staged', label: 'Staged', shape: 'half' },
  { id: 'done', label: 'Done', shape: 'square' },
  { id: 'idle', label: 'Idle', shape: 'dot' },
  { id: 'left', label: 'Left the session', shape: 'dash' },
];

export const kindOf = Object.fromEntries(kinds.map((k, i) => [k.id, { ...k, index: i }]));

// draw puts the shape of a kind into a square of a canvas, in the colour of its fill.
export function draw(context, shape, x, y, size) {
  const c = context;
  const gap = size > 9 ? Math.max(1, size * 0.08) : 0.5;
  const a = x + gap, b = y + gap, s = size - 2 * gap, m = s / 2;
  const thick = Math.max(1, s * 0.22);
  c.beginPath();
  switch (shape) {
    case 'square': c.rect(a, b, s, s); break;
    case 'cross': {
      c.lineWidth = Math.max(1.5, s * 0.3);
      c.strokeStyle = c.fillStyle;
      const i = c.lineWidth * 0.36;
      c.moveTo(a + i, b + i); c.lineTo(a + s - i, b + s - i);
      c.moveTo(a + s - i, b + i); c.lineTo(a + i, b + s - i);
      c.stroke();
      return;
    }
    case 'up': c.moveTo(a + m, b); c.lineTo(a + s, b + s); c.lineTo(a, b + s); break;
    case 'down': c.moveTo(a, b); c.lineTo(a + s, b); c.lineTo(a + m, b + s); break;
    case 'play': c.moveTo(a, b); c.lineTo(a + s, b + m); c.lineTo(a, b + s); break;
    case 'diamond': c.moveTo(a + m, b); c.lineTo(a + s, b + m); c.lineTo(a + m, b + s); c.lineTo(a, b + m); break;
    case 'ring':
      c.rect(a, b, s, s);
      c.rect(a + thick, b + thick, s - 2 * thick, s - 2 * thick);
      c.fill('evenodd');
      return;
    case 'bars': c.rect(a + s * 0.12, b, s * 0.28, s); c.rect(a + s * 0.6, b, s * 0.28, s); break;
    case 'half': c.moveTo(a, b + s); c.lineTo(a, b); c.lineTo(a + s, b + s); break;
    case 'dash': c.rect(a, b + m - thick / 2, s, thick); break;
    default: c.arc(a + m, b + m, Math.max(1, s * 0.22), 0, 7);
  }
  c.fill();
}

const paths = {
  square: 'M1 1h10v10H1z',
  cross: 'M1 2.8 2.8 1 6 4.2 9.2 1 11 2.8 7.8 6 11 9.2 9.2 11 6 7.8 2.8 11 1 9.2 4.2 6z',
  up: 'M6 1 11 11H1z',
  down: 'M1 1h10L6 11z',
  play: 'M1 1 11 6 1 11z',
  diamond: 'M6 1 11 6 6 11 1 6z',
  ring: 'M1 1h10v10H1zM3.2 3.2v5.6h5.6V3.2z',
  bars: 'M2.2 1h2.8v10H2.2zM7 1h2.8v10H7z',
  half: 'M1 1 11 11H1z',
  dot: 'M6 3.8a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4z',
  dash: 'M1 4.9h10v2.2H1z',
};

// mark is the shape of a kind beside a text; the text says what it is.
export function mark(id) {
  return h('svg', { viewBox: '0 0 12 12', class: 'mark k-' + id, 'aria-hidden': 'true' }, h('path', { d: paths[kindOf[id].shape], 'fill-rule': 'evenodd' }));
}
