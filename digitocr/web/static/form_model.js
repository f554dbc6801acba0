// What a template is while it is drawn: fields with the keys of its file, and rules. Nothing here touches the page.

export const boxesOf = (field) => field.keys.cells || [field.keys.box];

export function around(boxes) {
  const left = Math.min(...boxes.map((b) => b[0]));
  const top = Math.min(...boxes.map((b) => b[1]));
  const right = Math.max(...boxes.map((b) => b[0] + b[2]));
  const bottom = Math.max(...boxes.map((b) => b[1] + b[3]));
  return [left, top, right - left, bottom - top];
}

export const boxOf = (field) => around(boxesOf(field));

// Side by side, their widths differing by at most 1, as the program divides them.
export function divided([x, y, width, height], count) {
  const edges = Array.from({ length: count + 1 }, (_, i) => x + Math.floor((width * i) / count));
  return edges.slice(1).map((right, i) => [edges[i], y, right - edges[i], height]);
}

function stacked([x, y, width, height], count) {
  return divided([y, x, height, width], count).map(([top, left, high, wide]) => [left, top, wide, high]);
}

// Another box for a field: its cells go with it.
export function placed(field, [x, y, width, height]) {
  const [left, top, wide, high] = boxOf(field);
  const at = ([bx, by, bw, bh]) => {
    const [x1, x2] = [bx, bx + bw].map((v) => Math.round(x + ((v - left) * width) / wide));
    const [y1, y2] = [by, by + bh].map((v) => Math.round(y + ((v - top) * height) / high));
    return [x1, y1, Math.max(1, x2 - x1), Math.max(1, y2 - y1)];
  };
  const { keys } = field;
  return { ...field, keys: keys.cells ? { ...keys, cells: keys.cells.map(at) } : { ...keys, box: at(keys.box) } };
}

// A number of cells for a field; 0 for one box to write in freely.
export function withCells(field, count) {
  const { box, cells, length, ...rest } = field.keys;
  const whole = boxOf(field);
  return { ...field, keys: count ? { cells: divided(whole, count), ...rest } : { box: whole, ...rest } };
}

const middle = ([x, y, width, height]) => [x + width / 2, y + height / 2];

// Rows from the top, each from left to right.
export function inRows(fields) {
  const left = [...fields].sort((a, b) => middle(boxOf(a))[1] - middle(boxOf(b))[1]);
  const rows = [];
  for (const field of left) {
    const [, y, , height] = boxOf(field);
    const row = rows.at(-1);
    const first = row && boxOf(row[0]);
    const isLevel = first && y + height / 2 < first[1] + first[3] / 2 + Math.min(height, first[3]) / 2;
    if (isLevel) row.push(field);
    else rows.push([field]);
  }
  return rows.map((row) => row.sort((a, b) => boxOf(a)[0] - boxOf(b)[0]));
}

export const inOrder = (fields) => inRows(fields).flat();

// One field of many boxes, which become its cells; it keeps the name and kind of the first.
export function grouped(fields) {
  const [first] = inOrder(fields);
  const cells = fields.flatMap(boxesOf).sort((a, b) => a[0] - b[0]);
  const { box, cells: old, length, ...rest } = first.keys;
  return { ...first, keys: { cells, ...rest } };
}

// Each cell a field of its own; a box without cells cannot be split.
export function split(field, names) {
  return boxesOf(field).map((box, i) => ({ id: i ? 0 : field.id, name: i ? freshName(names) : field.name, keys: { box } }));
}

// A box that frames a table, as its cells.
export function ruled(field, rows, columns, names) {
  return stacked(boxOf(field), rows)
    .flatMap((row) => divided(row, columns))
    .map((box) => ({ id: 0, name: freshName(names), keys: { box } }));
}

// Names r1_c1 and so on by where the fields stand; a second table of a form is t2_r1_c1.
export function asTable(fields, taken) {
  const rows = inRows(fields);
  const columns = columnsOf(fields);
  const at = new Map();
  rows.forEach((row, r) => row.forEach((field) => at.set(field, [r + 1, columns.get(field)])));
  for (let t = 1; ; t += 1) {
    const prefix = t > 1 ? "t" + t + "_" : "";
    const named = fields.map((field) => {
      const [r, c] = at.get(field);
      return { ...field, name: prefix + "r" + r + "_c" + c };
    });
    if (!named.some((field) => taken.has(field.name))) return named;
  }
}

function columnsOf(fields) {
  const columns = [];
  const of = new Map();
  for (const field of [...fields].sort((a, b) => middle(boxOf(a))[0] - middle(boxOf(b))[0])) {
    const [x, , width] = boxOf(field);
    const last = columns.at(-1);
    if (!last || x + width / 2 > last.right) columns.push({ right: x + width });
    else last.right = Math.min(last.right, x + width);
    of.set(field, columns.length);
  }
  return of;
}

// A name that nobody has yet, which is taken from then on.
export function freshName(names) {
  let i = 1;
  while (names.has("field" + i)) i += 1;
  names.add("field" + i);
  return "field" + i;
}

// What a person typed, as a name that rules and tables can use.
export function nameOf(typed) {
  const name = typed.normalize("NFKC").trim().replace(/[^\p{L}\p{N}_]+/gu, "_").replace(/^_+|_+$/g, "");
  return /^\p{N}/u.test(name) ? "n" + name : name;
}

const titleOf = (name) => name.replaceAll("_", " ");

// Rules after fields have got other names; a sum is called like its field.
export function renamed(rules, names) {
  const words = /[\p{L}_][\p{L}\p{N}_]*/gu;
  const titles = new Map([...names].map(([from, to]) => [titleOf(from), titleOf(to)]));
  return rules.map(({ name, text }) => ({
    name: titles.get(name) ?? name,
    text: text.replace(words, (word) => names.get(word) ?? word),
  }));
}

export function sum(total, parts, rules) {
  const names = new Set(rules.map((rule) => rule.name));
  let name = titleOf(total.name);
  for (let i = 2; names.has(name); i += 1) name = titleOf(total.name) + " " + i;
  return { name, text: total.name + " == " + inOrder(parts).map((field) => field.name).join(" + ") };
}

const meets = (a, b) => a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3];

// The fields that a dragged frame has in it: those whose middle it holds.
export function within(fields, frame) {
  return fields.filter((field) => meets([...middle(boxOf(field)), 0.01, 0.01], frame));
}

export function nudged(box, [dx, dy], [width, height]) {
  const [x, y, w, h] = box;
  return [Math.max(0, Math.min(width - w, x + dx)), Math.max(0, Math.min(height - h, y + dy)), w, h];
}
