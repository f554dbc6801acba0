// A page at a time: all that waits on it over its picture, settled together.

import {
  askName, decide, desk, flush, flushed, inOrder, keyOf, moreContrast, person, picture, post, say, session, settings,
  showHeld, stayCurrent, takeKeys, token, unsentPlaces,
} from "./common.js";
import {
  Item, answer, cells, decision, doubts, pageOf, preview, question, rules, storedText, turnOf, turnPage, why,
} from "./item.js";

const QUARTER = [
  ([x, y, w, h]) => [x, y, w, h],
  ([x, y, w, h]) => [y, 1 - x - w, h, w],
  ([x, y, w, h]) => [1 - x - w, 1 - y - h, w, h],
  ([x, y, w, h]) => [1 - y - h, x, h, w],
];

const $ = (id) => document.getElementById(id);
const help = $("help");

let sheets = [];
let loading = null;
let over = false;
let pressed = 0;
let warned = "";
const done = JSON.parse(sessionStorage.getItem("digitocr.pages") || "[]");

class Sheet {
  constructor(page) {
    this.page = page;
    this.items = page.tasks.map((task) => new Item(task));
    this.at = 0;
    this.scans = new Map();
  }

  get item() {
    return this.items[this.at];
  }

  get turn() {
    return turnOf(this.page.place);
  }

  get scan() {
    if (!this.scans.has(this.turn)) {
      const scan = picture(this.page.place, "sheet.jpg", this.page.read_at, "The page", this.turn);
      const [width, height] = this.page.size;
      scan.style.aspectRatio = this.turn % 2 ? height + "/" + width : width + "/" + height;
      this.scans.set(this.turn, scan);
    }
    return this.scans.get(this.turn);
  }

  get signature() {
    return this.items.map((item) => item.place + answer(item)).join();
  }
}

desk.holding = () => [];

// --- having something to show

function fill() {
  if (loading || sheets.length > 1) return loading;
  loading = take().catch((error) => {
    say(sheets.length ? "" : "No connection to the program: " + error.message + ". Trying again.");
    setTimeout(fill, 1000);
  }).finally(() => { loading = null; });
  return loading;
}

async function take(place = null) {
  const held = sheets.flatMap((sheet) => sheet.items.map((item) => item.place));
  const said = await post("/api/page", {
    session, who: person(), order: settings.order, field: settings.field || null,
    file: settings.file ? Number(settings.file) : null, at: place, have: [...held, ...unsentPlaces()],
  });
  const isEmpty = sheets.length === 0;
  if (said.page) {
    const sheet = new Sheet(said.page);
    if (place) sheets.unshift(sheet);
    else sheets.push(sheet);
    sheet.scan.decode?.().catch(() => {});
    sheet.item.crop.decode?.().catch(() => {});
  }
  over = sheets.length === 0;
  if (over) showHeld(said.held, fill);
  if (isEmpty || place) draw(true);
  if (sheets.length === 1 && said.page) setTimeout(fill);
}

// --- showing

function draw(moved = false) {
  const sheet = sheets[0];
  $("sheet").hidden = !sheet;
  $("empty").hidden = Boolean(sheet) || !over;
  if (!sheet) return;
  const { page, item } = sheet;
  $("where").textContent = page.file + " · page " + page.page + (page.form ? " · " + page.form : "");
  $("rules").replaceChildren(...rules(page.rules));
  if ($("scan").firstChild !== sheet.scan) $("scan").replaceChildren(sheet.scan);
  $("boxes").replaceChildren(
    ...page.others.map((other) => box(other.box, other.text, other.label, other.status, sheet.turn)),
    ...sheet.items.map((one, i) => waitingBox(sheet, one, i)),
  );
  placeTags();
  $("label").textContent = item.task.label || "Number " + item.task.number;
  $("picture").replaceChildren(item.crop);
  $("question").textContent = answer(item) === null || item.whole && item.typed ? question(item) : "";
  $("other").hidden = !item.task.other;
  $("other").querySelector("b").textContent = item.task.other;
  $("cells").replaceChildren(...(asRead(item) ? readCells(item) : cells(item, (i) => { item.mark = i; draw(); })));
  $("stored").textContent = storedText(item);
  $("why").textContent = why(item);
  $("fields").replaceChildren(...sheet.items.map((one, i) => line(sheet, one, i)));
  $("count").textContent = sheet.items.length === 1 ? "1 number waits on this page" : sheet.items.length + " numbers wait on this page";
  if (moved) {
    $("boxes").querySelector(".current").scrollIntoView({ block: "center", inline: "center" });
    $("fields").querySelector("[aria-current]").scrollIntoView({ block: "nearest" });
    if (!matchMedia("(max-width: 900px)").matches) scrollTo(0, 0);
    else $("panel").scrollIntoView({ block: "start" });
  }
  measured();
}

function asRead(item) {
  return item.whole && !item.typed && answer(item) !== null;
}

function readCells(item) {
  const value = document.createElement("b");
  value.textContent = item.read || "blank";
  const cell = document.createElement("span");
  cell.className = "cell";
  cell.append(value);
  return [cell];
}

function box(place, text, label, status, turn) {
  const element = document.createElement("div");
  const [x, y, width, height] = QUARTER[turn](place);
  element.className = "box " + status;
  Object.assign(element.style, {
    left: 100 * x + "%", top: 100 * y + "%", width: 100 * width + "%", height: 100 * height + "%",
  });
  element.title = label;
  const tag = document.createElement("span");
  tag.textContent = text;
  element.append(tag);
  return element;
}

function waitingBox(sheet, item, i) {
  const element = box(item.task.box, shownText(item), item.task.label, item.isTouched ? "said" : "waits", sheet.turn);
  element.classList.toggle("current", i === sheet.at);
  element.addEventListener("click", () => { sheet.at = i; draw(true); });
  return element;
}

// A tag stands where it hides the least of other numbers: below its own, or beside, or above it.
const SIDES = {
  below: (box, tag) => [box.right - tag.width, box.bottom],
  right: (box, tag) => [box.right, (box.top + box.bottom - tag.height) / 2],
  left: (box, tag) => [box.left - tag.width, (box.top + box.bottom - tag.height) / 2],
  above: (box, tag) => [box.right - tag.width, box.top - tag.height],
};

function placeTags() {
  const all = [...$("boxes").children];
  const places = all.map((element) => element.getBoundingClientRect());
  const tags = all.map((element) => element.firstChild.getBoundingClientRect());
  const whole = $("whole").getBoundingClientRect();
  const taken = [...places];
  all.forEach((element, i) => {
    const { width, height } = tags[i];
    const [side, place] = Object.entries(SIDES)
      .map(([name, corner]) => [name, new DOMRect(...corner(places[i], tags[i]), width, height)])
      .map(([name, rect]) => [name, rect, hidden(rect, taken, i) + width * height - shared(rect, whole)])
      .reduce((best, one) => (one[2] < best[2] - 1 ? one : best));
    element.dataset.side = side;
    taken.push(place);
  });
}

function hidden(rect, taken, own) {
  return taken.reduce((sum, other, i) => (i === own ? sum : sum + shared(rect, other)), 0);
}

function shared(a, b) {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return Math.max(0, width) * Math.max(0, height);
}

addEventListener("resize", () => { if (sheets[0]) placeTags(); });

function shownText(item) {
  const text = answer(item);
  return text === null ? "…" : text === "-" ? "blank" : text;
}

function line(sheet, item, i) {
  const entry = document.createElement("li");
  const button = document.createElement("button");
  button.tabIndex = -1;
  if (i === sheet.at) button.setAttribute("aria-current", "true");
  const label = document.createElement("span");
  label.textContent = item.task.label || "Number " + item.task.number;
  const text = document.createElement("b");
  text.textContent = shownText(item);
  text.classList.toggle("said", item.isTouched);
  button.append(label, text);
  button.addEventListener("click", () => { button.blur(); sheet.at = i; draw(true); });
  entry.append(button);
  return entry;
}

// From the key to what comes next, for those who measure.
function measured() {
  const since = pressed;
  if (!since || !sheets[0]) return;
  pressed = 0;
  requestAnimationFrame(() => setTimeout(() => {
    performance.measure("key-to-shown", { start: since, end: performance.now() });
    performance.clearMeasures("key-to-shown");
  }));
}

// --- deciding

async function settle() {
  const sheet = sheets[0];
  if (!person()) return askName();
  const missing = sheet.items.findIndex((item) => answer(item) === null);
  if (missing >= 0) {
    sheet.at = missing;
    draw(true);
    return say((sheet.item.task.label || "This number") + ": type it first; - if there is none, ? if nobody can read it.");
  }
  const found = warned === sheet.signature ? [] : await doubts(sheet.items.map((item) => [item, answer(item)]));
  if (found.length) {
    warned = sheet.signature;
    const first = sheet.items.findIndex((item) => found.some((one) => one.place === item.place));
    if (first >= 0) sheet.at = first;
    draw(true);
    return say(found.map((one) => one.text).join("; ") + ". Enter again if that is what the paper says.");
  }
  say("");
  done.push([decide(sheet.items.map(decision)), sheet.page.place]);
  if (done.length > 200) done.shift();
  sessionStorage.setItem("digitocr.pages", JSON.stringify(done));
  return drop();
}

function drop() {
  sheets.shift();
  document.body.classList.remove("zoomed");
  draw(true);
  fill();
}

function put(sign) {
  const sheet = sheets[0];
  const { item } = sheet;
  if (item.put(sign)) {
    if (sheet.items.length === 1) return settle();
    if (sheet.at < sheet.items.length - 1) sheet.at += 1;
    draw(true);
    return undefined;
  }
  draw();
  preview(item, draw);
  return undefined;
}

function change(how) {
  return () => {
    const { item } = sheets[0];
    how(item);
    draw();
    preview(item, draw);
  };
}

function go(step) {
  const sheet = sheets[0];
  sheet.at = Math.min(Math.max(0, sheet.at + step), sheet.items.length - 1);
  draw(true);
}

function takeOther() {
  const sheet = sheets[0];
  const { item } = sheet;
  if (!item.task.other) return undefined;
  item.whole = true;
  item.typed = item.task.other;
  if (sheet.items.length === 1) return settle();
  return go(1);
}

function skip() {
  const places = sheets[0].items.map((item) => item.place);
  Promise.all(places.map((place) => post("/api/skip", { session, place }).catch(() => {}))).then(fill);
  sheets.shift();
  say("");
  draw(true);
}

async function undo() {
  if (!person()) return askName();
  const last = done.at(-1);
  if (!last) return say("There is nothing to undo.");
  try {
    await flushed();
    await loading;
    const said = await post("/api/undo", { token: last[0], undoing: token(), session, who: person() });
    done.pop();
    warned = "";
    say(said.refused.length ? "Not undone: " + said.refused.join("; ") + "." : "");
    if (said.tasks.length) {
      sheets = sheets.filter((sheet) => pageOf(sheet.page.place) !== pageOf(last[1]));
      await take(last[1]);
    }
  } catch (error) {
    return say("Cannot undo now: no connection.");
  } finally {
    sessionStorage.setItem("digitocr.pages", JSON.stringify(done));
  }
  return undefined;
}

function zoom() {
  document.body.classList.toggle("zoomed");
  draw(true);
}

function turnOver() {
  turnPage(sheets[0].page.place);
  draw(true);
}

const KEYS = {
  Enter: settle, Backspace: change((item) => item.back()), ArrowLeft: change((item) => item.move(-1)),
  ArrowRight: change((item) => item.move(1)), ArrowUp: () => go(-1), ArrowDown: () => go(1),
  Escape: change((item) => item.leave()), "-": () => put("-"), "?": () => put("?"), ".": () => put("."),
  ",": () => put("."), e: change((item) => item.edit()), o: takeOther, s: skip, z: zoom, t: turnOver,
  Tab: () => go(1), BackTab: () => go(-1),
};
const ALWAYS = { u: undo, h: () => help.showModal(), F1: () => help.showModal(), c: () => moreContrast() };

const press = inOrder((key, at_time) => {
  pressed = at_time;
  if (key in ALWAYS) return ALWAYS[key]();
  if (!sheets[0]) return undefined;
  if (/^[0-9]$/.test(key)) return put(key);
  return KEYS[key]?.();
});

// Tab goes from field to field, and beyond the last one to what else is on the page.
function leaves(event) {
  const sheet = sheets[0];
  if (!sheet || !(event.target === document.body || event.target.closest("#main"))) return true;
  return event.shiftKey ? sheet.at === 0 : sheet.at === sheet.items.length - 1;
}

takeKeys({ ...KEYS, ...ALWAYS }, press, {
  passes: (event) => event.key === "Tab" && leaves(event),
  named: (event) => (event.key === "Tab" && event.shiftKey ? "BackTab" : keyOf(event)),
});
stayCurrent(fill, () => sheets.flatMap((sheet) => sheet.items));

await flush();
fill();
