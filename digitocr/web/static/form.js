// A template by clicking: fields over the empty form, their properties, rules, and a filled sheet to try it on.

import { get, giveSheet, post } from "./form_calls.js";
import {
  asTable, boxOf, freshName, grouped, inOrder, nameOf, nudged, placed, renamed, ruled, split, sum, withCells,
} from "./form_model.js";
import { Paper } from "./form_paper.js";

const CHECK_MS = 500;
const MOST_UNDONE = 200;

const $ = (id) => document.getElementById(id);
const { form } = $("settings").dataset;
const KEPT = "digitocr.form." + form;

let model = { version: "1", fields: [], rules: [] };
let size = [1, 1];
let stamp = "";
let past = [];
let future = [];
let chosen = new Set();
let fault = null;
let isSaved = true;
let summing = null;
let read = null;
let ticket = "";
let checking = 0;
let lastId = 0;

const paper = new Paper($("whole"), $("picture-of-form"), {
  choose(ids, { add }) {
    if (!add) chosen = new Set(ids);
    else for (const id of ids) if (!chosen.delete(id) || ids.length > 1) chosen.add(id);
    draw();
  },
  move: (fields) => change({ fields }),
  draw(box) {
    const field = { id: 0, name: freshName(names()), keys: { box } };
    change({ fields: [...model.fields, field] }, [field]);
  },
  click: (id) => summing !== null && finishSum(id),
});

// --- what there is, and its changes

const names = () => new Set(model.fields.map((field) => field.name));
const selected = () => model.fields.filter((field) => chosen.has(field.id));
const isOne = () => chosen.size === 1;

function numbered(fields) {
  for (const field of fields) {
    lastId = Math.max(lastId, field.id || 0);
    field.id ||= lastId += 1;
  }
  return fields;
}

// `next` stands for what it names; the fields of `choose` are chosen afterwards.
function change(next, choose = null) {
  past = [...past, JSON.stringify(model)].slice(-MOST_UNDONE);
  future = [];
  become({ ...model, ...next });
  if (choose) chosen = new Set(choose.map((field) => field.id));
  draw();
}

function become(next) {
  model = { ...next, fields: numbered(next.fields) };
  const ids = new Set(model.fields.map((field) => field.id));
  chosen = new Set([...chosen].filter((id) => ids.has(id)));
  isSaved = false;
  read = null;
  try {
    localStorage.setItem(KEPT, JSON.stringify({ stamp, model }));
  } catch { /* the browser keeps nothing: all is still on the page */ }
  clearTimeout(checking);
  checking = setTimeout(check, CHECK_MS);
}

function undo(from, to) {
  if (!from.length) return;
  to.push(JSON.stringify(model));
  become(JSON.parse(from.pop()));
  draw();
}

// The chosen fields one by one, changed.
function each(how) {
  change({ fields: model.fields.map((field) => (chosen.has(field.id) ? how(field) : field)) });
}

function withKeys(field, keys) {
  const all = { ...field.keys, ...keys };
  for (const key of Object.keys(all)) if (all[key] === undefined) delete all[key];
  return { ...field, keys: all };
}

// The chosen fields replaced by others, in the place of the first.
function replaced(fields) {
  const at = model.fields.findIndex((field) => chosen.has(field.id));
  const kept = model.fields.filter((field) => !chosen.has(field.id));
  change({ fields: kept.toSpliced(at, 0, ...fields) }, fields);
}

function tabled(fields) {
  const taken = new Set(model.fields.filter((field) => !chosen.has(field.id)).map((field) => field.name));
  return asTable(fields, taken);
}

const actions = {
  select: () => use("select"),
  draw: () => use("draw"),
  group() {
    if (chosen.size < 2) return say("Choose the boxes that are the cells of one field: drag a frame around them, or click them with Shift.");
    return replaced([grouped(selected())]);
  },
  async table() {
    if (!chosen.size) return say("Choose the fields of the table, or draw a frame around it and choose that.");
    let cells = selected();
    if (isOne()) {
      const grid = await asked();
      if (!grid || !isOne()) return undefined;
      cells = ruled(cells[0], ...grid, names());
      return replaced(tabled(cells));
    }
    const now = tabled(cells);
    const to = new Map(cells.map((field, i) => [field.name, now[i].name]));
    const by = new Map(now.map((field) => [field.id, field]));
    return change({ fields: model.fields.map((field) => by.get(field.id) || field), rules: renamed(model.rules, to) });
  },
  split() {
    const some = selected().filter((field) => field.keys.cells?.length > 1);
    if (!some.length) return say("Only a field with cells can be split. Give it a number of cells, or make a table of it.");
    chosen = new Set(some.map((field) => field.id));
    const taken = names();
    return replaced(some.flatMap((field) => split(field, taken)));
  },
  sum() {
    if (!chosen.size) return say("Choose the parts of the sum first: drag a frame around them. Then press Sum.");
    summing = selected();
    say("");
    return draw();
  },
  delete() {
    if (chosen.size) change({ fields: model.fields.filter((field) => !chosen.has(field.id)) });
  },
  undo: () => undo(past, future),
  redo: () => undo(future, past),
  smaller: () => paper.enlarge(1 / 1.4),
  larger: () => paper.enlarge(1.4),
  again: () => tryIt(),
  shown: () => show($("picture-of-form").dataset.filled === "" ? "" : ticket && $("shown").dataset.picture),
  save,
  "add-rule"() {
    change({ rules: [...model.rules, { name: "rule " + (model.rules.length + 1), text: "" }] });
    $("rules").lastElementChild.querySelector(".text").focus();
  },
};

function use(tool) {
  paper.use(tool);
  for (const one of ["select", "draw"]) $(one).setAttribute("aria-pressed", one === tool);
}

function finishSum(id) {
  const parts = summing;
  summing = null;
  const total = model.fields.find((field) => field.id === id);
  if (parts.includes(total)) say("A field cannot be a part of its own sum. Choose the parts without it.");
  else change({ rules: [...model.rules, sum(total, parts, model.rules)] }, [total]);
  draw();
  return true;
}

function asked() {
  const grid = $("grid");
  grid.returnValue = "";
  grid.showModal();
  return new Promise((done) => {
    grid.addEventListener("close", () => {
      const counts = [$("grid-rows"), $("grid-columns")].map((input) => Number(input.value));
      done(grid.returnValue === "make" && counts.every((count) => count >= 1) ? counts : null);
    }, { once: true });
  });
}

// --- the program's word

const draft = () => ({
  form, version: model.version, size, rules: model.rules,
  fields: model.fields.map(({ name, keys }) => ({ name, keys })),
});

async function check() {
  const asked = JSON.stringify(model);
  try {
    const { error } = await post("/api/forms/check", draft());
    if (asked === JSON.stringify(model)) blame(error);
  } catch (error) {
    say(error.message);
  }
}

function blame(error) {
  fault = error;
  draw();
}

// What is wrong is shown where it is wrong.
function refused(error) {
  if (error.part === "field") chosen = new Set([model.fields[error.index].id]);
  blame(error);
  say(error.message);
  if (error.part === "rule") $("rules").children[error.index]?.scrollIntoView({ block: "nearest" });
  return null;
}

async function save() {
  const sent = JSON.stringify(model);
  try {
    const said = await post("/api/forms/save", { draft: draft(), stamp });
    if (said.error) return refused(said.error);
    stamp = said.stamp;
    if (sent === JSON.stringify(model)) {
      isSaved = true;
      localStorage.removeItem(KEPT);
    } else {
      localStorage.setItem(KEPT, JSON.stringify({ stamp, model }));
    }
    fault = null;
    say("");
  } catch (error) {
    say(error.message);
  }
  return draw();
}

async function tryIt() {
  say("");
  $("hint").textContent = "Reading the sheet…";
  const asked = JSON.stringify(model);
  try {
    const said = await post("/api/forms/try", { draft: draft(), sheet: ticket });
    if (said.error) return refused(said.error);
    show(said.picture);
    if (asked === JSON.stringify(model)) read = said;
  } catch (error) {
    say(error.message);
  }
  return draw();
}

// The filled sheet of a ticket under the boxes; '' for the empty form.
function show(picture) {
  const image = $("picture-of-form");
  image.src = picture ? "/forms/tried/" + picture + ".jpg" : "/forms/empty.png?form=" + encodeURIComponent(form);
  if (picture) {
    image.dataset.filled = "";
    $("shown").dataset.picture = picture;
  } else {
    delete image.dataset.filled;
  }
  $("shown").textContent = picture ? "Show the empty form" : "Show the filled sheet";
  $("shown").hidden = !$("shown").dataset.picture;
}

// --- showing

function say(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

function draw() {
  const some = selected();
  const badField = fault?.part === "field" ? model.fields[fault.index] : null;
  const texts = read && new Map(read.fields.map((one) => [one.name, one]));
  paper.show({ size, fields: model.fields, chosen, bad: badField?.id, read: texts });
  $("state").textContent = isSaved ? "saved" : "not saved yet";
  $("undo").disabled = !past.length;
  $("redo").disabled = !future.length;
  $("again").hidden = !ticket;
  $("hint").textContent = hint(some);
  fillProperties(some, badField);
  $("count").textContent = model.fields.length === 1 ? "1 field" : model.fields.length + " fields";
  $("fields").replaceChildren(...inOrder(model.fields).map((field) => line(field, badField)));
  $("rules").replaceChildren(...model.rules.map(ruleLine));
  showRead();
}

function hint(some) {
  if (summing) return "Click the field that holds the sum of the " + summing.length + " chosen; Esc ends this.";
  if (!model.fields.length) return "No boxes were found. Draw them: press Draw, then drag over each.";
  if (!some.length) return "Click a box, or drag a frame around some. Enter names a chosen box and goes on to the next.";
  return some.length === 1 ? "" : some.length + " fields are chosen; what is set here is set for all of them.";
}

function line(field, badField) {
  const button = document.createElement("button");
  const kind = document.createElement("small");
  kind.textContent = [field.keys.kind || "number", field.keys.cells && field.keys.cells.length + (field.keys.cells.length === 1 ? " cell" : " cells"), field.keys.blank && "optional"].filter(Boolean).join(", ");
  button.append(field.name, kind);
  if (chosen.has(field.id)) button.setAttribute("aria-current", "true");
  if (field === badField) button.className = "bad";
  button.addEventListener("click", () => { chosen = new Set([field.id]); draw(); reveal(); });
  const item = document.createElement("li");
  item.append(button);
  return item;
}

function reveal() {
  $("whole").querySelector("g.chosen")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function ruleLine(rule, i) {
  const item = document.createElement("li");
  const input = (key, label) => {
    const box = document.createElement("input");
    box.value = rule[key];
    box.className = key;
    box.setAttribute("aria-label", label);
    box.spellcheck = false;
    box.addEventListener("change", () => change({ rules: model.rules.with(i, { ...model.rules[i], [key]: box.value }) }));
    return box;
  };
  const gone = document.createElement("button");
  gone.textContent = "Remove";
  gone.addEventListener("click", () => change({ rules: model.rules.toSpliced(i, 1) }));
  item.append(input("name", "Name of the rule"), gone, input("text", "Rule, such as total == a + b"));
  if (fault?.part === "rule" && fault.index === i) item.append(told(fault.message));
  return item;
}

function told(text) {
  const paragraph = document.createElement("p");
  paragraph.className = "bad";
  paragraph.textContent = text;
  return paragraph;
}

function showRead() {
  $("tried").hidden = !read;
  if (!read) return;
  $("broken").replaceChildren(...read.broken.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
  $("tried").querySelector("tbody").replaceChildren(...read.fields.map((one) => {
    const row = document.createElement("tr");
    for (const text of [one.name, one.text || "–", one.status]) row.insertCell().textContent = text;
    row.cells[1].className = "read";
    if (one.why.length) {
      const why = document.createElement("small");
      why.textContent = one.why.join("; ");
      row.cells[2].append(why);
    }
    return row;
  }));
}

// --- properties of what is chosen

// What all of them have, '' where they differ.
function common(some, value) {
  const [first, ...rest] = some.map(value);
  return rest.every((one) => one === first) ? first : "";
}

const lengths = ({ keys }) => {
  if (Array.isArray(keys.length)) return keys.length;
  return keys.length === undefined ? ["", ""] : [keys.length, keys.length];
};

function fillProperties(some, badField) {
  $("properties").hidden = !some.length;
  if (!some.length) return;
  const put = (id, value) => { if (document.activeElement !== $(id) || $(id).value === "") $(id).value = common(some, value) ?? ""; };
  for (const label of $("properties").querySelectorAll(".alone")) label.hidden = some.length > 1;
  put("f-name", (field) => field.name);
  put("f-label", ({ keys }) => keys.label ?? "");
  put("f-kind", ({ keys }) => keys.kind || "number");
  put("f-format", ({ keys }) => keys.format ?? "");
  put("f-decimals", ({ keys }) => keys.decimals ?? 2);
  put("f-cells", ({ keys }) => keys.cells?.length ?? 0);
  put("f-least", (field) => lengths(field)[0]);
  put("f-most", (field) => lengths(field)[1]);
  put("f-blank", ({ keys }) => (keys.blank ? "yes" : "no"));
  put("f-low", ({ keys }) => keys.range?.[0] ?? "");
  put("f-high", ({ keys }) => keys.range?.[1] ?? "");
  put("f-checksum", ({ keys }) => keys.checksum ?? "");
  put("f-pattern", ({ keys }) => keys.pattern ?? "");
  $("of-date").hidden = $("f-kind").value !== "date";
  $("of-amount").hidden = $("f-kind").value !== "amount";
  $("fault").hidden = !(badField && some.includes(badField));
  $("fault").textContent = $("fault").hidden ? "" : fault.message;
}

function setName(typed) {
  const [field] = selected();
  const name = nameOf(typed);
  if (!field || name === field.name) return;
  const label = field.keys.label || (name === typed.trim() ? undefined : typed.trim() || undefined);
  const fields = model.fields.map((one) => (one === field ? { ...withKeys(field, { label }), name } : one));
  change({ fields, rules: renamed(model.rules, new Map([[field.name, name]])) });
}

const OF_KIND = { date: ({ format }) => ({ format: format || "DDMMYYYY", length: undefined, decimals: undefined }) };

function setKind(kind) {
  const others = () => ({ format: undefined, decimals: undefined });
  each((field) => withKeys(field, { kind: kind === "number" ? undefined : kind, ...(OF_KIND[kind] || others)(field.keys) }));
}

// Both ends of a span from their inputs: `whole` turns them into the key of the template.
function setSpan(ids, whole) {
  const ends = ids.map((id) => ($(id).value.trim() === "" ? NaN : Number($(id).value.replace(",", "."))));
  each((field) => withKeys(field, whole(ends)));
}

const setLength = () => setSpan(["f-least", "f-most"], ([least, most]) => {
  if (Number.isNaN(least) && Number.isNaN(most)) return { length: undefined };
  return { length: [Number.isNaN(least) ? Math.min(1, most) : least, Number.isNaN(most) ? least : most] };
});

const setRange = () => setSpan(["f-low", "f-high"], (ends) => ({ range: ends.some(Number.isNaN) ? undefined : ends }));

const setters = {
  "f-name": setName,
  "f-label": (text) => each((field) => withKeys(field, { label: text.trim() || undefined })),
  "f-kind": setKind,
  "f-format": (format) => each((field) => withKeys(field, { format })),
  "f-decimals": (text) => each((field) => withKeys(field, { decimals: Number(text) || undefined })),
  "f-cells": (text) => each((field) => withCells(field, Math.max(0, Math.min(20, Math.floor(Number(text)) || 0)))),
  "f-least": setLength,
  "f-most": setLength,
  "f-blank": (text) => each((field) => withKeys(field, { blank: text === "yes" || undefined })),
  "f-low": setRange,
  "f-high": setRange,
  "f-checksum": (text) => each((field) => withKeys(field, { checksum: text || undefined })),
  "f-pattern": (text) => each((field) => withKeys(field, { pattern: text || undefined })),
};

for (const [id, set] of Object.entries(setters)) $(id).addEventListener("change", (event) => set(event.target.value));
$("properties").addEventListener("submit", (event) => event.preventDefault());

function nameNext(step) {
  const order = inOrder(model.fields);
  const at = order.findIndex((field) => chosen.has(field.id)) + step;
  if (!order[at]) return;
  chosen = new Set([order[at].id]);
  draw();
  reveal();
  $("f-name").focus();
  $("f-name").select();
}

$("f-name").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  $("f-name").blur(); // takes the name
  nameNext(event.shiftKey ? -1 : 1);
});

// --- keys and buttons

for (const [id, act] of Object.entries(actions)) {
  $(id).addEventListener("click", (event) => {
    if (event.detail) $(id).blur();
    if (id !== "sum") summing = null;
    say("");
    act();
  });
}

const KEYS = { s: "select", d: "draw", g: "group", t: "table", x: "split", "+": "sum", Delete: "delete", Backspace: "delete" };
const WITH_CTRL = { z: "undo", y: "redo", s: "save" };
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function nudge([dx, dy], times) {
  each((field) => placed(field, nudged(boxOf(field), [dx * times, dy * times], size)));
}

addEventListener("keydown", (event) => {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const isTyping = event.target.closest("input, select, textarea, dialog[open]") !== null;
  const act = (event.ctrlKey || event.metaKey) && !event.altKey ? WITH_CTRL[event.shiftKey && key === "z" ? "y" : key] : null;
  if (act === "save" || (act && !isTyping)) {
    event.preventDefault();
    document.activeElement.blur();
    actions[act]();
  } else if (key === "Escape" && !event.target.closest("dialog")) {
    summing = null;
    if (isTyping) document.activeElement.blur();
    else chosen = new Set();
    draw();
  } else if (!isTyping && (event.ctrlKey || event.metaKey) && key === "a") {
    event.preventDefault();
    chosen = new Set(model.fields.map((field) => field.id));
    draw();
  } else if (!isTyping && !event.ctrlKey && !event.altKey && !event.metaKey) {
    if (key in KEYS) {
      event.preventDefault();
      actions[KEYS[key]]();
    } else if (key in STEPS && chosen.size) {
      event.preventDefault();
      nudge(STEPS[key], event.shiftKey ? 10 : 1);
    } else if (key === "Enter" && isOne() && !event.target.closest("button, a, summary")) {
      event.preventDefault();
      nameNext(0);
    }
  }
});

$("filled").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  $("hint").textContent = "Sending the sheet…";
  try {
    ticket = await giveSheet(file);
    await tryIt();
  } catch (error) {
    say(error.message);
    draw();
  }
});

addEventListener("beforeunload", (event) => {
  if (!isSaved && !localStorage.getItem(KEPT)) event.preventDefault();
});

async function open() {
  const said = await get("/api/forms/open?form=" + encodeURIComponent(form));
  ({ size, stamp } = said);
  const kept = JSON.parse(localStorage.getItem(KEPT) || "null");
  model = { version: said.version, fields: numbered(said.fields), rules: said.rules };
  isSaved = said.saved;
  if (kept?.stamp === stamp) {
    past.push(JSON.stringify(model));
    become(kept.model);
    say("What you had not saved is here again; Undo goes back to what is saved.");
  } else {
    checking = setTimeout(check);
  }
  show("");
  use(model.fields.length ? "select" : "draw");
  draw();
}

open().catch((error) => say(error.message));
