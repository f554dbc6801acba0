// One number at a time. The next ones are here, with their pictures, before they are asked for.

import {
  askName, decide, flush, flushed, isForeign, person, picture, post, say, session, settings, token,
  unsentPlaces,
} from "./common.js";

const AHEAD = 20;
const ENOUGH = 14;
const BEAT = 60000;
const AGAIN = 3000;
const WHY = {
  "low-confidence": "not sure enough",
  "close-alternative": "another reading is nearly as likely",
  "neighbour": "may be part of the number beside it",
  "decimal-mark": "a dot or comma looks like a decimal mark",
  "readers-disagree": "two readers disagree",
  "unreadable": "no digit could be made out",
  "orientation": "which way up the page is, is not certain",
  "page-quality": "the page is blurred, faint or too small",
  "nothing-found": "nothing that looks like a number was found",
};

const $ = (id) => document.getElementById(id);
const help = $("help");

let items = [];
let at = 0;
let loading = null;
let over = false;
let zoomed = false;
let pressed = 0;
const skipping = new Set();
const done = JSON.parse(sessionStorage.getItem("digitocr.done") || "[]");

class Item {
  constructor(task) {
    this.task = task;
    this.place = task.place;
    this.blind = task.look === "second" || task.look === "audit";
    this.unsure = task.digits.flatMap((digit, i) => (digit.waits ? [i] : []));
    this.whole = this.unsure.length === 0;
    this.typed = "";
    this.said = new Map();
    this.mark = this.unsure[0] ?? 0;
    this.pictures = new Map();
    this.around = this.load("around.jpg", "The page around it");
    for (const i of this.unsure) this.crop(i + 1);
    if (this.whole) this.crop(0);
  }

  load(name, alt) {
    return picture(this.place, name, this.task.read_at, alt);
  }

  crop(position) {
    const name = "number-" + position + ".png";
    if (!this.pictures.has(name)) this.pictures.set(name, this.load(name, "The number as written"));
    return this.pictures.get(name);
  }

  get current() {
    return this.crop(this.whole || this.blind ? 0 : this.mark + 1);
  }

  value(i) {
    return this.said.get(i) ?? (this.task.digits[i].said || this.task.digits[i].value);
  }

  get open() {
    return this.unsure.filter((i) => !this.said.has(i));
  }

  // What is kept: digits where only unsure ones were settled, else the whole text.
  get decision() {
    const { place, look, last_word, read_at } = this.task;
    const common = { place, look, last_word, read_at };
    if (this.whole) return { ...common, text: this.typed };
    const changed = [...this.said].some(([i, text]) => !this.unsure.includes(i) && text !== this.task.digits[i].value);
    if (!changed) {
      return { ...common, digits: Object.fromEntries(this.unsure.map((i) => [i + 1, this.value(i)])) };
    }
    const text = this.task.digits.map((_, i) => this.value(i)).join("").replaceAll("-", "");
    return { ...common, text: text || "-" };
  }
}

// --- having something to show

function fill() {
  if (loading || items.length - at > ENOUGH) return loading;
  loading = take().catch((error) => {
    say(items.length ? "" : "No connection to the program: " + error.message + ". Trying again.");
    setTimeout(fill, 1000);
  }).finally(() => { loading = null; });
  return loading;
}

async function take() {
  const said = await post("/api/next", {
    session, who: person(), order: settings.order, field: settings.field ?? null, look: settings.look ?? null,
    count: AHEAD, have: [...items.map((item) => item.place), ...unsentPlaces(), ...skipping],
  });
  const here = new Set(items.map((item) => item.place));
  const fresh = said.tasks.filter((task) => !here.has(task.place)).map((task) => new Item(task));
  const empty = at >= items.length;
  items.push(...fresh);
  over = items.length <= at;
  if (empty) draw();
  // pictures that are decoded in time appear at once
  for (const item of fresh) for (const image of [item.current, item.around]) image.decode?.().catch(() => {});
}

// --- showing

function draw() {
  const item = items[at];
  $("item").hidden = !item;
  $("empty").hidden = Boolean(item) || !over;
  if (!item) return;
  const { task } = item;
  $("picture").replaceChildren(item.current);
  $("around").replaceChildren(zoomed ? page(item) : item.around);
  document.body.classList.toggle("zoomed", zoomed);
  $("question").textContent = question(item);
  $("other").hidden = !task.other;
  $("other").querySelector("b").textContent = task.other;
  $("cells").replaceChildren(...(item.whole ? typedCells(item) : task.digits.map((_, i) => cell(item, i))));
  $("why").textContent = why(item);
  $("where").textContent = where(task);
  document.querySelector('[data-key="Enter"] small').textContent = item.whole ? "done" : "accept";
  measured();
}

function page(item) {
  item.page = item.page || item.load("page.jpg", "The whole page");
  return item.page;
}

function question(item) {
  const { look, texts } = item.task;
  if (look === "second") return "Second reading: type the number as you see it.";
  if (look === "audit") return "Spot check: type the number as you see it.";
  if (look === "third") return "Two looks differ: " + texts.map((text) => text || "nothing").join(" or ") + ". What is it?";
  if (item.whole) return "Type the number as you see it; - if it is none.";
  return item.unsure.length > 1 ? "Are these digits right?" : "Is this digit right?";
}

function cell(item, i) {
  const digit = item.task.digits[i];
  const box = document.createElement("button");
  box.className = "cell";
  box.tabIndex = -1;
  box.classList.toggle("unsure", digit.waits);
  box.classList.toggle("mark", i === item.mark);
  box.classList.toggle("said", item.said.has(i));
  const value = document.createElement("b");
  value.textContent = item.value(i);
  box.append(value);
  if (digit.waits) {
    const note = document.createElement("small");
    note.textContent = item.said.has(i)
      ? "was " + digit.value
      : percent(digit.confidence) + ", or " + digit.runner_up + ": " + percent(digit.runner_up_confidence);
    box.append(note);
  }
  box.setAttribute("aria-label", "digit " + (i + 1) + ": " + item.value(i) + (digit.waits ? ", unsure" : ""));
  if (i === item.mark) box.setAttribute("aria-current", "true");
  box.addEventListener("click", () => { item.mark = i; draw(); });
  return box;
}

function typedCells(item) {
  const cells = [...item.typed, ""].map((sign) => {
    const box = document.createElement("span");
    box.className = "cell";
    const value = document.createElement("b");
    value.textContent = sign || "\u00a0";
    box.append(value);
    return box;
  });
  cells.at(-1).classList.add("mark");
  return cells;
}

function why(item) {
  const parts = item.task.reasons.map((code) => reason(code, item.task));
  if (item.task.marks) parts.push("signs seen: " + item.task.marks);
  return parts.length ? "Why: " + parts.join("; ") + "." : "";
}

function reason(code, { digits, other }) {
  const [kind] = code.split(":");
  if (kind !== "readers-disagree") return WHY[code] || code;
  return WHY[kind] + (other && ": " + digits.map((digit) => digit.value).join("") + " or " + other);
}

function where(task) {
  const parts = [task.file, "page " + task.page];
  if (task.field) parts.unshift(task.field);
  if (task.number) parts.push("number " + task.number);
  return parts.join(" · ");
}

function percent(share) {
  return share < 0.005 ? "<1 %" : Math.round(100 * share) + " %";
}

// From the key to the picture of what comes next, for those who measure.
function measured() {
  const since = pressed;
  if (!since || !items[at]) return;
  pressed = 0;
  requestAnimationFrame(() => setTimeout(() => {
    performance.measure("key-to-shown", { start: since, end: performance.now() });
    performance.clearMeasures("key-to-shown");
  }));
}

// --- deciding

function settle() {
  const item = items[at];
  if (!person()) return askName();
  if (item.whole && !item.typed) {
    say("Type the number first; - if it is none.");
    return undefined;
  }
  say("");
  done.push(decide([item.decision]));
  if (done.length > 500) done.shift();
  sessionStorage.setItem("digitocr.done", JSON.stringify(done));
  drop();
  return undefined;
}

function drop() {
  items.splice(at, 1);
  at = Math.min(at, Math.max(0, items.length - 1));
  if (at && !items[at]) at = 0;
  zoomed = false;
  draw();
  fill();
}

function put(text) {
  const item = items[at];
  if (item.whole) {
    if (text === "-") item.typed = "-";
    else if (item.typed === "-") item.typed = text;
    else if (item.typed.length < 40) item.typed += text;
    return draw();
  }
  item.said.set(item.mark, text);
  const next = item.open.find((i) => i > item.mark) ?? item.open[0];
  if (next === undefined) return settle();
  item.mark = next;
  return draw();
}

function back() {
  const item = items[at];
  if (item.whole) item.typed = item.typed.slice(0, -1);
  else if (item.said.has(item.mark)) item.said.delete(item.mark);
  else {
    const last = [...item.said.keys()].at(-1);
    if (last !== undefined) {
      item.said.delete(last);
      item.mark = last;
    }
  }
  draw();
}

function turn(step) {
  const item = items[at];
  if (item.whole) return;
  item.mark = Math.min(Math.max(0, item.mark + step), item.task.digits.length - 1);
  draw();
}

function go(step) {
  at = Math.min(Math.max(0, at + step), items.length - 1);
  draw();
  fill();
}

function edit() {
  const item = items[at];
  if (item.whole) return;
  item.whole = true;
  item.typed = "";
  draw();
}

// As if the whole number were typed.
function takeOther() {
  const item = items[at];
  if (!item.task.other) return undefined;
  item.whole = true;
  item.typed = item.task.other;
  return settle();
}

function leave() {
  const item = items[at];
  if (!item.whole || item.unsure.length === 0) return;
  item.whole = false;
  draw();
}

function skip() {
  const { place } = items[at];
  skipping.add(place);
  post("/api/skip", { session, place }).catch(() => {}).finally(() => {
    skipping.delete(place);
    fill();
  });
  drop();
}

async function undo() {
  if (!person()) return askName();
  const last = done.at(-1);
  if (!last) return say("There is nothing to undo.");
  try {
    await flushed();
    const said = await post("/api/undo", { token: last, undoing: token(), session, who: person() });
    done.pop();
    const places = new Set(said.tasks.map((task) => task.place));
    items = items.filter((item) => !places.has(item.place));
    at = Math.min(at, items.length);
    items.splice(at, 0, ...said.tasks.map((task) => new Item(task)));
    say(said.refused.length ? "Not undone: " + said.refused.join("; ") + "." : "");
  } catch (error) {
    return say("Cannot undo now: no connection.");
  } finally {
    sessionStorage.setItem("digitocr.done", JSON.stringify(done));
  }
  return draw();
}

function zoom() {
  zoomed = !zoomed;
  draw();
}

const KEYS = {
  Enter: settle, Backspace: back, ArrowLeft: () => turn(-1), ArrowRight: () => turn(1), ArrowUp: () => go(-1),
  ArrowDown: () => go(1), Escape: leave, "-": () => put("-"), e: edit, o: takeOther, s: skip, z: zoom,
};

function press(key, at_time) {
  pressed = at_time;
  if (key === "?") return help.showModal();
  if (key === "u") return undo();
  if (!items[at]) return undefined;
  if (/^[0-9]$/.test(key)) return put(key);
  return KEYS[key]?.();
}

addEventListener("keydown", (event) => {
  if (help.open) {
    if (event.key !== "Tab" && event.key !== "Enter") {
      event.preventDefault();
      help.close();
    }
    return;
  }
  if (isForeign(event)) return;
  // a link or button in focus keeps its own keys
  const control = event.target.closest("a, button");
  if (control?.checkVisibility() && (event.key === "Enter" || event.key === " ")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!/^[0-9?u]$/.test(key) && !(key in KEYS)) return;
  event.preventDefault();
  press(key, event.timeStamp);
});

for (const button of document.querySelectorAll("button[data-key]")) {
  button.addEventListener("click", (event) => {
    // a button used with the pointer does not keep the focus, so that Enter goes on to mean accept
    if (event.detail) button.blur();
    press(button.dataset.key, event.timeStamp);
  });
}

// what others give back, or what is read meanwhile
setInterval(() => { if (!items.length && !document.hidden) fill(); }, AGAIN);
addEventListener("focus", () => { if (!items.length) fill(); });
setInterval(() => {
  const have = items.map((item) => item.place);
  post("/api/next", { session, who: person(), count: 0, have }).catch(() => {});
}, BEAT);

await flush();
fill();
