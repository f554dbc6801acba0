// All that was read as one digit, side by side.

import {
  askName, decide, flush, flushed, isForeign, keyOf, person, picture, post, say, session, settings, token,
} from "./common.js";

const digit = settings.digit;
const tiles = document.getElementById("tiles");
const confirm = document.getElementById("confirm");
const empty = document.getElementById("empty");
const done = JSON.parse(sessionStorage.getItem("digitocr.walls") || "[]");

let tasks = [];

async function load() {
  const said = await post("/api/wall", { session, who: person(), digit });
  tasks = said.tasks;
  tiles.replaceChildren(...tasks.flatMap((task) => task.digits.flatMap((one, i) =>
    (one.waits && one.value === digit ? [tile(task, i)] : []))));
  empty.hidden = tiles.children.length > 0;
  confirm.hidden = tiles.children.length === 0;
  tiles.firstElementChild?.focus();
  count();
}

function tile(task, i) {
  const button = document.createElement("button");
  button.className = "tile";
  button.dataset.place = task.place;
  button.dataset.position = i + 1;
  button.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-label", "digit " + (i + 1) + " of number " + task.number + " in " + task.file);
  button.title = task.file;
  const label = document.createElement("b");
  button.append(picture(task.place, "digit-" + (i + 1) + ".png", task.read_at, ""), label);
  button.addEventListener("click", () => mark(button, button.ariaPressed === "true" ? null : ""));
  return button;
}

// '' marks it odd, a digit says what it is, null takes the mark away
function mark(button, text) {
  button.ariaPressed = String(text !== null);
  button.dataset.said = text || "";
  button.querySelector("b").textContent = text || (text === "" ? "?" : "");
  count();
}

function count() {
  const odd = tiles.querySelectorAll('[aria-pressed="true"]').length;
  const left = tiles.children.length - odd;
  const rest = left === 1 ? "1 is " : left + " are ";
  confirm.textContent = odd ? (left ? "The other " + rest + digit : "None is " + digit) : (left === 1 ? "It is " : "All " + rest) + digit;
}

async function settle() {
  if (!person()) return askName();
  const decisions = tasks.flatMap((task) => {
    const digits = {};
    for (const button of tiles.querySelectorAll('[data-place="' + task.place + '"]')) {
      const said = button.ariaPressed === "true" ? button.dataset.said : digit;
      if (said) digits[button.dataset.position] = said;
    }
    const { place, last_word, read_at } = task;
    return Object.keys(digits).length ? [{ place, look: "wall", digits, last_word, read_at }] : [];
  });
  if (decisions.length) {
    done.push(decide(decisions));
    sessionStorage.setItem("digitocr.walls", JSON.stringify(done));
  }
  const settled = new Set(decisions.map((one) => one.place));
  const odd = tasks.filter((task) => !settled.has(task.place));
  confirm.hidden = true;
  tiles.replaceChildren();
  // what was marked is for the queue, not for the next wall
  await Promise.all(odd.map(({ place }) => post("/api/skip", { session, place }).catch(() => {})));
  await again();
  return undefined;
}

async function again() {
  try {
    await flushed();
    await load();
  } catch (error) {
    setTimeout(again, 1000);
  }
}

async function undo() {
  const last = done.at(-1);
  if (!last) return say("There is nothing to undo.");
  try {
    await flushed();
    const said = await post("/api/undo", { token: last, undoing: token(), session, who: person() });
    say(said.refused.length ? "Not undone: " + said.refused.join("; ") + "." : "");
  } catch (error) {
    return say("Cannot undo now: no connection.");
  }
  done.pop();
  sessionStorage.setItem("digitocr.walls", JSON.stringify(done));
  return load();
}

function move(step) {
  const all = [...tiles.children];
  const here = all.indexOf(document.activeElement);
  all[Math.min(Math.max(0, here + step), all.length - 1)]?.focus();
}

function columns() {
  return getComputedStyle(tiles).gridTemplateColumns.split(" ").length;
}

const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: () => -columns(), ArrowDown: columns };

addEventListener("keydown", (event) => {
  if (isForeign(event)) return;
  const focused = document.activeElement?.closest(".tile");
  const key = keyOf(event);
  if (key in STEPS) move(STEPS[key]());
  else if (key === "Enter" && (focused || event.target === document.body)) settle();
  else if (/^[0-9-]$/.test(key) && focused) mark(focused, key === digit ? null : key);
  else if (key === "u") undo();
  else return;
  event.preventDefault();
});

confirm.addEventListener("click", settle);
document.getElementById("undo").addEventListener("click", undo);
setInterval(() => post("/api/next", { session, who: person(), count: 0 }).catch(() => {}), 60000);

await flush();
load().catch(again);
