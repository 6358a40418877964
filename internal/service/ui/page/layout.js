// Where each node is on the map: cabinets side by side, in each its chassis, in these the
// slots as columns and the nodes of a slot one above the other. It follows from the names
// alone. Pure: numbers in, rectangles out.

const xname = /^x(\d+)c(\d+)s(\d+)b(\d+)n(\d+)$/;
const widest = 8; // slots side by side in a chassis; more go on in the next row

// cabinets groups nodes, which are in order, by where they are. What is named otherwise is
// in a cabinet of its own, without a place in it.
export function cabinets(ids, order) {
  const all = new Map();
  for (const n of order) {
    const at = xname.exec(ids[n]);
    const name = at ? 'x' + at[1] : 'others';
    let cabinet = all.get(name);
    if (!cabinet) all.set(name, cabinet = { name, chassis: new Map(), nodes: 0 });
    cabinet.nodes++;
    const c = at ? Number(at[2]) : 0;
    let slots = cabinet.chassis.get(c);
    if (!slots) cabinet.chassis.set(c, slots = new Map());
    const s = at ? Number(at[3]) : Math.floor(cabinet.nodes / 4);
    const slot = slots.get(s);
    if (slot) slot.push(n);
    else slots.set(s, [n]);
  }
  return [...all.values()].map((cabinet) => measure(cabinet));
}

// measure makes a cabinet a grid of cells, with a gap between chassis.
function measure({ name, chassis, nodes }) {
  const blocks = [...chassis.values()].map((slots) => {
    const lists = [...slots.values()];
    const high = Math.max(...lists.map((list) => list.length));
    const wide = Math.min(widest, lists.length);
    const cells = [];
    lists.forEach((list, i) => list.forEach((n, j) => cells.push({ n, x: i % widest, y: Math.floor(i / widest) * high + j })));
    return { wide, high: high * Math.ceil(lists.length / widest), cells };
  });
  const across = blocks.length > 4 ? 2 : 1;
  const cells = [];
  let y = 0, wide = 0, gaps = 0;
  for (let i = 0; i < blocks.length; i += across) {
    const row = blocks.slice(i, i + across);
    let x = 0, gapX = 0;
    for (const block of row) {
      for (const cell of block.cells) cells.push({ n: cell.n, x: x + cell.x, y: y + cell.y, gapX, gapY: gaps });
      x += block.wide;
      gapX++;
    }
    wide = Math.max(wide, x);
    y += Math.max(...row.map((block) => block.high));
    gaps++;
  }
  return { name, nodes, cells, wide, high: y, gapsX: across - 1, gapsY: gaps - 1 };
}

export const label = 18; // above each cabinet, for its name
const pad = 6, between = 12, gap = 4;

// place puts cabinets into rows of a width, with cells of a size.
export function place(list, width, size) {
  const boxes = [];
  let x = 0, y = 0, row = 0, used = 0;
  for (const cabinet of list) {
    const w = Math.max(56, cabinet.wide * size + cabinet.gapsX * gap + 2 * pad);
    const high = label + cabinet.high * size + cabinet.gapsY * gap + 2 * pad;
    if (x > 0 && x + w > width) { x = 0; y += row + between; row = 0; }
    boxes.push({ cabinet, x, y, w, h: high });
    x += w + between;
    used = Math.max(used, x - between);
    row = Math.max(row, high);
  }
  return { boxes, width: used, height: y + row, size };
}

// fit finds the largest cells with which all is seen in a space, and at least the
// smallest that can be told apart, with which one scrolls.
export function fit(list, width, height, { least = 7, most = 20 } = {}) {
  let low = least, high = most;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const placed = place(list, width, middle);
    if (placed.height <= height && placed.width <= width) low = middle;
    else high = middle - 1;
  }
  return place(list, width, low);
}

// rectangles are the cells of all nodes: x and y by the number of the node.
export function rectangles(placed) {
  const x = [], y = [];
  for (const box of placed.boxes) {
    for (const cell of box.cabinet.cells) {
      x[cell.n] = box.x + pad + cell.x * placed.size + cell.gapX * gap;
      y[cell.n] = box.y + label + pad + cell.y * placed.size + cell.gapY * gap;
    }
  }
  return { x, y };
}

// neighbour is the nearest cell from one in a direction; itself where there is none.
export function neighbour(cells, order, from, dx, dy) {
  let best = from, least = Infinity;
  for (const n of order) {
    if (n === from || cells.x[n] === undefined) continue;
    const x = cells.x[n] - cells.x[from], y = cells.y[n] - cells.y[from];
    const along = x * dx + y * dy, beside = Math.abs(x * dy) + Math.abs(y * dx);
    if (along <= 0) continue;
    const far = along + beside * 3;
    if (far < least) { least = far; best = n; }
  }
  return best;
}
