// One number at a time. The next ones are here, with their pictures, before they are asked for.

import {
  askName, decide, desk, flush, flushed, inOrder, moreContrast, person, post, say, session, settings, showHeld,
  stayCurrent, takeKeys, token, unsentPlaces,
} from "./common.js";
import {
  Item, answer, cells, decision, doubts, pageOf, preview, question, rules, storedText, turnPage, why,
} from "./item.js";

const AHEAD = 3;

const $ = (id) => document.getElementById(id);
const help = $("help");

let items = [];
let at = 0;
let loading = null;
let over = false;
let zoomed = false;
let pressed = 0;
let warned = "";
const skipping = new Set();
const done = JSON.parse(sessionStorage.getItem("digitocr.done") || "[]");

desk.holding = () => items.filter((item) => item.task.look === "first").map((item) => item.place);
desk.settled = (places) => {
  const current = items[at];
  items = items.filter((item) => !places.has(item.place) || item.isTouched);
  at = Math.max(0, Math.min(items.indexOf(current) < 0 ? at : items.indexOf(current), items.length - 1));
  draw();
  fill();
};

// --- having something to show

function fill() {
  if (loading || items.length - at >= AHEAD) return loading;
  loading = take().catch((error) => {
    say(items.length ? "" : "No connection to the program: " + error.message + ". Trying again.");
    setTimeout(fill, 1000);
  }).finally(() => { loading = null; });
  return loading;
}

async function take() {
  const said = await post("/api/next", {
    session, who: person(), order: settings.order, field: settings.field || null, look: settings.look ?? null,
    file: settings.file ? Number(settings.file) : null, count: AHEAD - (items.length - at), have: [...items.map((item) => item.place), ...unsentPlaces(), ...skipping],
  });
  const here = new Set(items.map((item) => item.place));
  const fresh = said.tasks.filter((task) => !here.has(task.place)).map((task) => new Item(task));
  const empty = at >= items.length;
  items.push(...fresh);
  over = items.length <= at;
  if (over) showHeld(said.held, fill);
  if (empty) draw();
  // pictures that are decoded in time appear at once
  for (const item of fresh) for (const image of [item.crop, item.around]) image.decode?.().catch(() => {});
}

// --- showing

function draw() {
  const item = items[at];
  $("item").hidden = !item;
  $("empty").hidden = Boolean(item) || !over;
  if (!item) return;
  const { task } = item;
  $("picture").replaceChildren(item.crop);
  $("around").replaceChildren(zoomed ? item.load("page.jpg", "The whole page") : item.around);
  document.body.classList.toggle("zoomed", zoomed);
  $("label").textContent = task.label;
  $("rules").replaceChildren(...rules(task.rules));
  $("question").textContent = question(item);
  $("other").hidden = !task.other;
  $("other").querySelector("b").textContent = task.other;
  $("cells").replaceChildren(...cells(item, (i) => { item.mark = i; draw(); }));
  $("upright").hidden = !item.task.reasons.includes("orientation");
  $("stored").textContent = storedText(item);
  $("why").textContent = why(item);
  $("where").textContent = where(task);
  document.querySelector('[data-key="Enter"] small').textContent = item.whole ? "done" : "accept";
  measured();
}

function where(task) {
  const parts = [task.file, "page " + task.page];
  if (task.number) parts.push("number " + task.number);
  return parts.join(" · ");
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

async function settle() {
  const item = items[at];
  if (!person()) return askName();
  if (item.whole && !item.typed) return say("Type the number first; - if it is none, ? if nobody can read it.");
  const answer = item.place + item.text;
  const found = warned === answer || item.blind ? [] : await doubts([[item, item.text]]);
  if (found.length) {
    warned = answer;
    say(found.map((one) => one.text).join("; ") + ". Enter again if that is what the paper says.");
    return draw();
  }
  say("");
  done.push(decide([item.decision]));
  if (done.length > 500) done.shift();
  sessionStorage.setItem("digitocr.done", JSON.stringify(done));
  return drop();
}

function drop() {
  items.splice(at, 1);
  at = Math.min(at, Math.max(0, items.length - 1));
  if (at && !items[at]) at = 0;
  zoomed = false;
  draw();
  fill();
}

function put(sign) {
  const item = items[at];
  if (item.put(sign)) return settle();
  draw();
  preview(item, draw);
  return undefined;
}

function change(how) {
  return () => {
    const item = items[at];
    how(item);
    draw();
    preview(item, draw);
  };
}

function go(step) {
  at = Math.min(Math.max(0, at + step), items.length - 1);
  draw();
  fill();
}

// As if the whole number were typed.
function takeOther() {
  const item = items[at];
  if (!item.task.other) return undefined;
  item.whole = true;
  item.typed = item.task.other;
  return settle();
}

// The page is the right way up: what waits on it for nothing else is as it was read.
async function upright() {
  const item = items[at];
  if (!item.task.reasons.includes("orientation")) return undefined;
  if (!person()) return askName();
  const said = await post("/api/page", { session, who: person(), at: item.place });
  const found = said.page ? said.page.tasks.map((task) => new Item(task)) : [];
  const settled = found.filter((one) => one.task.reasons.join() === "orientation" && answer(one) !== null);
  const here = new Set(items.map((one) => one.place));
  const free = found.filter((one) => !settled.includes(one) && !here.has(one.place));
  const keep = [...here, ...settled.map((one) => one.place)];
  if (free.length) post("/api/release", { session, keep }).catch(() => {});
  if (!settled.length) return say("Every number of this page waits for something else, too.");
  say("");
  done.push(decide(settled.map(decision)));
  sessionStorage.setItem("digitocr.done", JSON.stringify(done));
  const places = new Set(settled.map((one) => one.place));
  items = items.filter((one) => !places.has(one.place));
  at = Math.min(at, Math.max(0, items.length - 1));
  draw();
  return fill();
}

function skip() {
  const { place } = items[at];
  say("");
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
    warned = "";
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

function turnOver() {
  turnPage(items[at].place);
  draw();
}

async function wholePage() {
  await flushed();
  location.href = "/pages?file=" + pageOf(items[at].place).split("-")[0];
}

const KEYS = {
  Enter: settle, Backspace: change((item) => item.back()), ArrowLeft: change((item) => item.move(-1)),
  ArrowRight: change((item) => item.move(1)), ArrowUp: () => go(-1), ArrowDown: () => go(1),
  Escape: change((item) => item.leave()), "-": () => put("-"), "?": () => put("?"), ".": () => put("."),
  ",": () => put("."), e: change((item) => item.edit()), o: takeOther, s: skip, z: zoom, t: turnOver, p: wholePage,
  w: upright,
};
const ALWAYS = { u: undo, h: () => help.showModal(), F1: () => help.showModal(), c: () => moreContrast() };

const press = inOrder((key, at_time) => {
  pressed = at_time;
  if (key in ALWAYS) return ALWAYS[key]();
  if (!items[at]) return undefined;
  if (/^[0-9]$/.test(key)) return put(key);
  return KEYS[key]?.();
});

takeKeys({ ...KEYS, ...ALWAYS }, press);
stayCurrent(fill, () => items);

await flush();
fill();
