// A number that waits: what was read, what is said of it, and how both are shown.

import { flush, picture, post, settings, unsent } from "./common.js";

const WHY = JSON.parse(settings.reasons);

const LONGEST = 40;
const turns = new Map();

// Quarter turns by which a person turned a page, counter-clockwise.
export function turnOf(place) {
  return turns.get(pageOf(place)) || 0;
}

export function turnPage(place) {
  turns.set(pageOf(place), (turnOf(place) + 3) % 4);
}

export function pageOf(place) {
  return place.split("-").slice(0, 2).join("-");
}

export class Item {
  constructor(task) {
    this.task = task;
    this.place = task.place;
    this.blind = task.look === "second" || task.look === "audit";
    this.unsure = task.digits.flatMap((digit, i) => (digit.waits ? [i] : []));
    this.whole = this.unsure.length === 0;
    this.typed = "";
    this.said = new Map();
    this.mark = this.unsure[0] ?? 0;
    this.stored = task.stored;
    this.pictures = new Map();
  }

  load(name, alt) {
    const turn = turnOf(this.place);
    const key = name + turn;
    if (!this.pictures.has(key)) {
      this.pictures.set(key, picture(this.place, name, this.task.read_at, alt, turn));
    }
    return this.pictures.get(key);
  }

  get around() {
    return this.load("around.jpg", "The page around it");
  }

  get crop() {
    const position = this.whole || this.blind ? 0 : this.mark + 1;
    return this.load("number-" + position + ".png", "The number as written");
  }

  value(i) {
    return this.said.get(i) ?? (this.task.digits[i].said || this.task.digits[i].value);
  }

  get open() {
    return this.unsure.filter((i) => !this.said.has(i));
  }

  get isTouched() {
    return this.typed !== "" || this.said.size > 0;
  }

  get read() {
    return this.task.digits.map((digit) => digit.value).join("");
  }

  // What is said as a whole text; "" where that is still to be typed.
  get text() {
    if (this.whole) return this.typed;
    return this.task.digits.map((_, i) => this.value(i)).join("").replaceAll("-", "") || "-";
  }

  // What is kept: digits where only unsure ones were settled, else the whole text.
  get decision() {
    const { place, look, last_word, read_at } = this.task;
    const common = { place, look, last_word, read_at };
    const changed = [...this.said].some(([i, text]) => !this.unsure.includes(i) && text !== this.task.digits[i].value);
    if (this.whole || changed) return { ...common, text: this.text };
    return { ...common, digits: Object.fromEntries(this.unsure.map((i) => [i + 1, this.value(i)])) };
  }

  // True once nothing is left to be said digit by digit.
  put(sign) {
    if (sign === "?") {
      this.whole = true;
      this.typed = "?";
      return true;
    }
    if (sign === ".") {
      if (this.whole && /^[0-9]+$/.test(this.typed)) this.typed += ".";
      return false;
    }
    if (this.whole) {
      if (sign === "-" || this.typed === "-" || this.typed === "?") this.typed = sign;
      else if (this.typed.length < LONGEST) this.typed += sign;
      return false;
    }
    this.said.set(this.mark, sign);
    const next = this.open.find((i) => i > this.mark) ?? this.open[0];
    if (next !== undefined) this.mark = next;
    return next === undefined;
  }

  back() {
    if (this.whole) {
      this.typed = this.typed.slice(0, -1);
      return;
    }
    const last = this.said.has(this.mark) ? this.mark : [...this.said.keys()].at(-1);
    if (last === undefined) return;
    this.said.delete(last);
    this.mark = last;
  }

  move(step) {
    if (!this.whole) this.mark = Math.min(Math.max(0, this.mark + step), this.task.digits.length - 1);
  }

  edit() {
    this.whole = true;
    this.typed = "";
  }

  leave() {
    if (this.unsure.length) this.whole = false;
    this.typed = "";
  }
}

// What accepting a number as it is shown says of it: what was typed, else what was read; null where a person must say it.
export function answer(item) {
  if (item.text) return item.text;
  if (item.read) return item.read;
  const onlyRules = item.task.reasons.length && item.task.reasons.every((code) => code.startsWith("rule-broken:"));
  return onlyRules ? "-" : null;
}

export function decision(item) {
  const { place, look, last_word, read_at } = item.task;
  return item.text ? item.decision : { place, look, last_word, read_at, text: answer(item) };
}

// What speaks against answers about numbers of one page, and how they would be stored; null where nobody answers.
export async function look(answers) {
  try {
    return await post("/api/check", { answers: answers.map(([item, text]) => ({ place: item.place, text })) });
  } catch (error) {
    return null;
  }
}

export async function doubts(answers) {
  const asked = answers.filter(([item]) => item.task.kind);
  if (asked.length && unsent().length) await flush(); // what was decided beside it counts
  const said = asked.length ? await look(asked) : null;
  if (!said) return [];
  const own = said.answers.filter((one) => one.doubt).map((one) => {
    const [item, text] = asked.find(([other]) => other.place === one.place);
    return { place: one.place, text: item.task.label + " " + text + ": " + one.doubt };
  });
  return [...own, ...said.rules.map((text) => ({ place: null, text }))];
}

// Show how an amount or a date would be stored as it is typed.
export async function preview(item, show) {
  const { text } = item;
  if (!["amount", "date"].includes(item.task.kind) || text === "") return;
  const said = await look([[item, text]]);
  if (!said || item.text !== text) return;
  item.stored = said.answers[0].stored;
  show();
}

export function storedText(item) {
  if (!["amount", "date"].includes(item.task.kind) || item.text === "" || !item.stored) return "";
  return "stored as " + item.stored;
}

// --- showing

export function cells(item, pick) {
  return item.whole ? typedCells(item) : item.task.digits.map((_, i) => cell(item, i, pick));
}

function cell(item, i, pick) {
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
    note.textContent = item.said.has(i) ? "was " + digit.value : percent(digit.confidence) + "or " + digit.runner_up;
    box.append(note);
  }
  box.setAttribute("aria-label", "digit " + (i + 1) + ": " + item.value(i) + (digit.waits ? ", unsure" : ""));
  if (i === item.mark) box.setAttribute("aria-current", "true");
  box.addEventListener("click", () => pick(i));
  return box;
}

function typedCells(item) {
  const boxes = [...item.typed, ""].map((sign) => {
    const box = document.createElement("span");
    box.className = "cell";
    const value = document.createElement("b");
    value.textContent = sign || "\u00a0";
    box.append(value);
    return box;
  });
  boxes.at(-1).classList.add("mark");
  return boxes;
}

// Where a digit is sure by itself, something else speaks against its number.
function percent(share) {
  if (share >= 0.995) return "";
  return (share < 0.005 ? "<1" : Math.round(100 * share)) + " % sure, ";
}

export function question(item) {
  const { look: kind, texts } = item.task;
  if (kind === "second") return "Second reading: type the number as you see it.";
  if (kind === "audit") return "Spot check: type the number as you see it.";
  if (kind === "third") return "Two looks differ: " + texts.map((text) => text || "nothing").join(" or ") + ". What is it?";
  if (item.whole && item.task.kind) return "Type what is written; - if the field is blank, ? if nobody can read it.";
  if (item.whole) return "Type the number as you see it; - if it is none, ? if nobody can read it.";
  return item.unsure.length > 1 ? "Are these digits right?" : "Is this digit right?";
}

export function why(item) {
  const codes = item.task.reasons.filter((code) => !code.startsWith("rule-broken:"));
  const parts = codes.map((code) => reason(code, item));
  if (item.task.marks) parts.push("signs seen: " + item.task.marks);
  return parts.length ? "Why: " + parts.join("; ") + "." : "";
}

function reason(code, item) {
  const [kind] = code.split(":");
  if (kind !== "readers-disagree") return WHY[code] || code;
  return WHY[kind] + (item.task.other && ": " + item.read + " or " + item.task.other);
}

export function rules(told) {
  return told.map((text) => {
    const line = document.createElement("p");
    line.className = "rule";
    line.textContent = text;
    return line;
  });
}
