// What is said to who does not see: politely, and not more than once in a while. A room
// that boots changes a thousand times a minute; what was not said yet is replaced by what
// is newer of the same kind.

const pause = 5000;
const waiting = new Map();
let timer = 0;
let last = 0;

// announce says a text in its turn. Of one kind only the newest is said.
export function announce(text, kind = 'progress') {
  waiting.set(kind, text);
  if (timer) return;
  timer = setTimeout(speak, Math.max(0, last + pause - Date.now()));
}

// answer says at once what follows from what somebody has just done.
export function answer(text) {
  waiting.delete('answer');
  put(text);
}

function speak() {
  timer = 0;
  const text = [...waiting.values()].join('. ');
  waiting.clear();
  if (text) put(text);
}

function put(text) {
  last = Date.now();
  const region = document.getElementById('said');
  region.textContent = region.textContent === text ? text + '\u00a0' : text; // the same is said again
}

document.addEventListener('bos-say', (e) => answer(e.detail));
