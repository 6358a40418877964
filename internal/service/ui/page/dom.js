// How elements are made and kept. Text is only ever set as text: what an upstream wrote
// into an error is shown and never read as markup.

const svgNames = new Set(['svg', 'path']);

// h makes an element. Of the properties, those that begin with "on" listen, "class",
// "data-*", "aria-*" and the like are attributes, true is an empty attribute, and null and
// false are none.
export function h(name, properties, ...children) {
  const svg = svgNames.has(name);
  const made = svg ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
  for (const [key, value] of Object.entries(properties || {})) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else attribute(made, key, value);
  }
  add(made, children);
  return made;
}

function add(to, children) {
  for (const child of children.flat(3)) {
    if (child !== null && child !== undefined && child !== false) to.append(child);
  }
}

// fill replaces what an element holds.
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
}

// attribute sets an attribute where it is another.
export function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

// say sets a text where it is another: what does not change is not read out again, and a
// selection in it stays.
export function say(element, text) {
  const wanted = text === null || text === undefined ? '' : String(text);
  if (element.textContent !== wanted) element.textContent = wanted;
}

export function show(element, shown) {
  if (element.hidden === !!shown) element.hidden = !shown;
}

// keep brings the children of an element in line with a list: those of the same key stay
// the same elements, so that focus and selection stay where they are.
export function keep(parent, list, key, make, update) {
  const had = parent.kept || (parent.kept = new Map());
  const now = new Map();
  let at = parent.firstChild;
  for (const item of list) {
    const name = key(item);
    if (now.has(name)) continue;
    let element = had.get(name);
    if (!element || element.parentNode !== parent) element = make(item);
    now.set(name, element);
    update?.(element, item);
    if (element === at) at = at.nextSibling;
    else parent.insertBefore(element, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
  parent.kept = now;
}

const locale = 'en-GB';
const whole = new Intl.NumberFormat(locale);
const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
const dated = new Intl.DateTimeFormat(locale, { year: 'numeric', month: 'short', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });

export function count(n) { return whole.format(n); }

export function plural(n, one, many) { return count(n) + ' ' + (n === 1 ? one : many || one + 's'); }

// span is how long something took, short: two units at most.
export function span(seconds) {
  if (!Number.isFinite(seconds)) return '–';
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return s + 's';
  const m = Math.floor(s / 60);
  if (m < 60) return m + 'm ' + String(s % 60).padStart(2, '0') + 's';
  const hours = Math.floor(m / 60);
  if (hours < 48) return hours + 'h ' + String(m % 60).padStart(2, '0') + 'm';
  return Math.floor(hours / 24) + 'd ' + (hours % 24) + 'h';
}

export function when(time) {
  const t = new Date(time);
  if (!time || Number.isNaN(t.getTime())) return '–';
  return t.toDateString() === new Date().toDateString() ? clock.format(t) : dated.format(t);
}

// timeOf is a time with all that is known of it for who looks twice.
export function timeOf(time) {
  if (!time) return '–';
  return h('time', { datetime: time, title: time }, when(time));
}

export function seconds(time, now = Date.now()) {
  return time ? (now - Date.parse(time)) / 1000 : NaN;
}

// copyable is a command with a button that copies it.
export function copyable(text, label) {
  const button = h('button', { type: 'button', class: 'copy', 'aria-label': 'Copy: ' + (label || text), onclick: () => copy(text, button) }, 'Copy');
  return h('div', { class: 'command' }, h('code', { tabindex: '0', role: 'textbox', 'aria-readonly': 'true', 'aria-label': label || 'Command' }, text), button);
}

async function copy(text, button) {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch { // over plain http there is no clipboard: an old way there is
    const area = h('textarea', { class: 'unseen', 'aria-hidden': 'true' });
    area.value = text;
    (button.closest('dialog') || document.body).append(area);
    area.select();
    done = document.execCommand('copy');
    area.remove();
    button.focus();
  }
  button.textContent = done ? 'Copied' : 'Select it and copy';
  document.dispatchEvent(new CustomEvent('bos-say', { detail: done ? 'Copied: ' + text : 'It could not be copied' }));
  setTimeout(() => { button.textContent = 'Copy'; }, 2000);
}
