// <cabinet-map>: all nodes where they stand, on one canvas. A cell has the colour and the
// shape of its node's state. What changed is drawn anew with the next frame, and nothing
// else. Arrow keys go from node to node; the table beneath says the same.

import { answer } from './announce.js';
import { h, say, show, span } from './dom.js';
import { draw, kindOf, kinds } from './kinds.js';
import { cabinets, fit, label, neighbour, rectangles } from './layout.js';

// A frame draws so many cells, and for so many milliseconds, at most.
const portion = 2000, slice = 12;
const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class CabinetMap extends HTMLElement {
  connectedCallback() {
    if (this.canvas) return;
    this.pending = new Set();
    this.shown = null;
    this.canvas = h('canvas', { 'aria-hidden': 'true' });
    this.cursor = h('div', { class: 'map-cursor', hidden: true });
    this.tip = h('div', { class: 'map-tip', hidden: true, 'aria-hidden': 'true' });
    this.field = h('div', { class: 'map-field', tabindex: '0', role: 'application', 'aria-roledescription': 'map of cabinets', 'aria-label': 'Map of cabinets', 'aria-describedby': 'map-keys' },
      this.canvas, this.cursor, this.tip);
    this.append(this.field, h('p', { class: 'unseen', id: 'map-keys' }, 'Arrow keys go from node to node, N to the next that failed, Enter opens it. The table beneath says the same.'));
    this.field.addEventListener('keydown', (e) => this.key(e));
    this.field.addEventListener('pointermove', (e) => this.hover(e));
    this.field.addEventListener('pointerleave', () => show(this.tip, false));
    this.field.addEventListener('click', (e) => this.click(e));
    this.field.addEventListener('dblclick', () => this.open());
    this.sized = new ResizeObserver(() => this.later('layout'));
    this.sized.observe(this);
    this.dark = matchMedia('(prefers-color-scheme: dark)');
    this.themed = () => { this.sprites = null; this.later('all'); };
    this.dark.addEventListener('change', this.themed);
    document.addEventListener('bos-theme', this.themed);
  }

  disconnectedCallback() {
    this.sized?.disconnect();
    this.dark?.removeEventListener('change', this.themed);
    document.removeEventListener('bos-theme', this.themed);
    cancelAnimationFrame(this.frame);
    this.canvas = null;
    this.replaceChildren();
  }

  // show gives it the nodes that it has: a model, their numbers in order, and which of
  // them are shown strong.
  show(model, order, strong) {
    this.model = model;
    this.order = order;
    this.strong = strong;
    this.later('layout');
  }

  // changed says which nodes are another now.
  changed(numbers) {
    for (const n of numbers) this.pending.add(n);
    this.later('cells');
  }

  // filtered says that other nodes are shown strong.
  filtered(strong) {
    this.strong = strong;
    this.later('all');
  }

  select(n, { scroll = true, quiet = true } = {}) {
    this.chosen = n;
    this.moveCursor(scroll);
    if (!quiet) {
      answer(this.told(n));
      this.dispatchEvent(new CustomEvent('pick', { detail: n }));
    }
  }

  open() {
    if (this.chosen !== undefined && this.chosen >= 0) this.dispatchEvent(new CustomEvent('open', { detail: this.chosen }));
  }

  later(what) {
    this.due = this.due === 'layout' || what === 'layout' ? 'layout' : this.due === 'all' || what === 'all' ? 'all' : 'cells';
    if (this.frame || !this.canvas) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const due = this.due;
      this.due = '';
      if (!this.model || !this.canvas) return;
      if (due === 'layout') this.layout();
      if (due === 'layout' || !this.sprites) this.paintBoxes();
      if (due !== 'cells') for (const n of this.order) this.pending.add(n);
      this.paintSome();
      if (this.pending.size) this.later('cells');
      else this.dispatchEvent(new CustomEvent('drawn'));
    });
  }

  layout() {
    const width = this.field.clientWidth;
    if (!width) return;
    if (this.arranged !== this.order) {
      this.list = cabinets(this.model.id, this.order);
      this.arranged = this.order;
    }
    const full = document.documentElement.dataset.full === 'on';
    const room = full ? innerHeight - this.getBoundingClientRect().top - scrollY - 16 : Math.max(300, innerHeight * 0.62);
    this.placed = fit(this.list, width, room, { least: width < 500 ? 8 : 7, most: full ? 32 : 20 });
    this.cells = rectangles(this.placed);
    const ratio = Math.min(devicePixelRatio || 1, 2);
    if (ratio !== this.ratio || this.placed.size !== this.drawnSize) this.sprites = null;
    this.ratio = ratio;
    this.drawnSize = this.placed.size;
    const w = Math.max(this.placed.width, 1), high = Math.max(this.placed.height, 1);
    if (this.canvas.width !== Math.ceil(w * ratio) || this.canvas.height !== Math.ceil(high * ratio)) {
      this.canvas.width = Math.ceil(w * ratio);
      this.canvas.height = Math.ceil(high * ratio);
      this.canvas.style.width = w + 'px';
      this.canvas.style.height = high + 'px';
    }
    this.context = this.canvas.getContext('2d');
    this.moveCursor(false);
  }

  // palette draws each shape once, strong and weak.
  palette() {
    const size = Math.round(this.placed.size * this.ratio);
    const sheet = new OffscreenCanvas(size * kinds.length, size * 2);
    const c = sheet.getContext('2d');
    const probe = h('span', {});
    this.append(probe);
    kinds.forEach((kind, i) => {
      probe.className = 'k-' + kind.id;
      c.fillStyle = getComputedStyle(probe).color;
      c.globalAlpha = 1;
      draw(c, kind.shape, i * size, 0, size);
      c.globalAlpha = 0.22;
      draw(c, kind.shape, i * size, size, size);
    });
    probe.className = 'map-frame';
    const style = getComputedStyle(probe);
    this.colours = { frame: style.borderTopColor, fill: style.backgroundColor, text: style.color, failed: '' };
    probe.className = 'k-failed';
    this.colours.failed = getComputedStyle(probe).color;
    probe.remove();
    this.sprites = sheet.transferToImageBitmap(); // a canvas would be copied for each cell
    this.spriteSize = size;
  }

  // paintBoxes draws the cabinets without what is in them.
  paintBoxes() {
    if (!this.context) return;
    if (!this.sprites) this.palette();
    const c = this.context;
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    c.clearRect(0, 0, this.placed.width, this.placed.height);
    for (const box of this.placed.boxes) {
      c.fillStyle = this.colours.fill;
      c.strokeStyle = this.colours.frame;
      c.lineWidth = 1;
      c.beginPath();
      c.roundRect(box.x + 0.5, box.y + label - 0.5, box.w - 1, box.h - label, 4);
      c.fill();
      c.stroke();
    }
  }

  paintLabel(box) {
    const c = this.context;
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    c.clearRect(box.x, box.y, box.w, label - 2);
    c.font = '600 11px system-ui, sans-serif';
    c.textBaseline = 'middle';
    c.fillStyle = this.colours.text;
    c.fillText(box.cabinet.name, box.x + 1, box.y + 8);
    let failed = 0;
    for (const cell of box.cabinet.cells) if (this.model.kind(cell.n) === kindOf.failed.index) failed++;
    if (failed) {
      c.fillStyle = this.colours.failed;
      c.textAlign = 'right';
      c.fillText('✕ ' + failed, box.x + box.w - 1, box.y + 8);
      c.textAlign = 'left';
    }
  }

  // paintSome draws what is pending for as long as a frame may take; the rest is drawn with
  // the next.
  paintSome() {
    if (!this.context) return;
    const c = this.context;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.fillStyle = this.colours.fill;
    const size = this.spriteSize, until = performance.now() + slice;
    let drawn = 0;
    for (const n of this.pending) {
      this.pending.delete(n);
      if (this.cells.x[n] === undefined) continue;
      c.fillRect(Math.round(this.cells.x[n] * this.ratio), Math.round(this.cells.y[n] * this.ratio), size, size);
      this.paint(c, n);
      if (++drawn % 200 === 0 && (drawn >= portion || performance.now() > until)) break;
    }
    if (!this.pending.size) for (const box of this.placed.boxes) this.paintLabel(box);
  }

  paint(c, n) {
    const x = this.cells.x[n];
    if (x === undefined) return;
    const size = this.spriteSize;
    const weak = this.strong && !this.strong(n) ? size : 0;
    c.drawImage(this.sprites, this.model.kind(n) * size, weak, size, size, Math.round(x * this.ratio), Math.round(this.cells.y[n] * this.ratio), size, size);
  }

  moveCursor(scroll) {
    const n = this.chosen;
    const known = n !== undefined && this.cells?.x[n] !== undefined;
    show(this.cursor, known);
    if (!known) return;
    const s = this.placed.size;
    Object.assign(this.cursor.style, { width: s + 4 + 'px', height: s + 4 + 'px', transform: `translate(${this.cells.x[n] - 2}px, ${this.cells.y[n] - 2}px)` });
    if (scroll) this.cursor.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  // told is a node in a sentence.
  told(n) {
    const m = this.model;
    const kind = kinds[m.kind(n)];
    const parts = [m.id[n], kind.label];
    if (m.age(n) > 0) parts.push('for ' + span(m.age(n)));
    const why = m.why(n).name || m.waits(n).name;
    if (why) parts.push(why.replaceAll('_', ' '));
    return parts.join(', ');
  }

  at(e) {
    if (!this.cells) return -1;
    const box = this.canvas.getBoundingClientRect();
    const x = e.clientX - box.left, y = e.clientY - box.top, s = this.placed.size;
    const near = this.placed.boxes.find((b) => x >= b.x - 4 && x <= b.x + b.w + 4 && y >= b.y && y <= b.y + b.h + 4);
    if (!near) return -1;
    let best = -1, least = (e.pointerType === 'touch' ? 2.5 : 1) * s;
    for (const { n } of near.cabinet.cells) {
      const far = Math.max(Math.abs(this.cells.x[n] + s / 2 - x), Math.abs(this.cells.y[n] + s / 2 - y));
      if (far < least) { least = far; best = n; }
    }
    return best;
  }

  hover(e) {
    const n = this.at(e);
    show(this.tip, n >= 0 && e.pointerType !== 'touch');
    if (n < 0) return;
    say(this.tip, this.told(n));
    const left = Math.min(this.cells.x[n] + 12, this.field.clientWidth - this.tip.offsetWidth - 4);
    this.tip.style.transform = `translate(${Math.max(0, left)}px, ${this.cells.y[n] + this.placed.size + 6}px)`;
  }

  click(e) {
    const n = this.at(e);
    if (n >= 0) this.select(n, { scroll: false, quiet: false });
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey || !this.cells) return;
    const first = this.order.find((n) => this.cells.x[n] !== undefined);
    let to = this.chosen;
    if (arrows[e.key]) to = to === undefined ? first : neighbour(this.cells, this.order, to, ...arrows[e.key]);
    else if (e.key === 'Home') to = first;
    else if (e.key === 'End') to = this.order.at(-1);
    else if (e.key === 'n' || e.key === 'N') to = this.nextFailed(e.shiftKey ? -1 : 1);
    else if (e.key === 'Enter') { e.preventDefault(); this.open(); return; }
    else return;
    e.preventDefault();
    e.stopPropagation();
    if (to === undefined) answer('No node has failed');
    else this.select(to, { quiet: false });
  }

  // nextFailed is the next node that failed, from the one that is chosen.
  nextFailed(step) {
    const count = this.order.length;
    const here = this.order.indexOf(this.chosen);
    for (let i = 1; i <= count; i++) {
      const n = this.order[(here + step * i + count * 2) % count];
      if (this.model.kind(n) === kindOf.failed.index) return n;
    }
    return undefined;
  }
}

customElements.define('cabinet-map', CabinetMap);
