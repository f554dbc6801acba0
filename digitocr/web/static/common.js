// What both pages share: names, pictures, and the outbox from which no decision is lost.

export const session = await ownSession();
export const settings = document.getElementById("settings").dataset;

const who = document.getElementById("who");
const state = document.getElementById("state");
const notice = document.getElementById("notice");

const PREFIX = "digitocr.out.";
let sending = null;
let waiting = null;
let newest = 0;
let failed = false;

who.value = localStorage.getItem("digitocr.who") || who.value;
who.addEventListener("change", () => localStorage.setItem("digitocr.who", who.value.trim()));
who.addEventListener("keydown", (event) => {
  if (event.key === "Enter") who.blur();
});

export function token() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A reload goes on with what the page had in hand. A copy of the tab finds the name taken, and makes up its own.
async function ownSession() {
  const name = sessionStorage.getItem("digitocr.session") || token();
  if (!(await taken("digitocr." + name))) {
    sessionStorage.setItem("digitocr.session", name);
    return name;
  }
  return token();
}

function taken(name) {
  // browsers lock names only where a page cannot have been tampered with: on this machine, or with encryption
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((done) => {
    const options = { signal: AbortSignal.timeout(500) };
    navigator.locks.request(name, options, () => {
      done(false);
      return new Promise(() => {}); // held as long as the page is there
    }).catch(() => done(true));
  });
}

export function person() {
  return who.value.trim();
}

export function askName() {
  say("Please give your name first: every decision is kept with it.");
  who.focus();
}

export function say(text) {
  notice.textContent = text;
  notice.hidden = !text;
}

// What a page has in hand, and what it does when some of that was settled beside it.
export const desk = { holding: () => [], settled: () => {} };

export class Refused extends Error {}

// Refused: the server understood and said no. Any other error: it did not hear us.
export async function post(path, body) {
  const reply = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    keepalive: true,
  });
  if (reply.status >= 500) throw new Error(String(reply.status));
  const said = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Refused(said.message || "refused (" + reply.status + ")");
  // replies may overtake each other
  if (said.newest >= newest) ({ waiting, newest } = said);
  show();
  return said;
}

// Decisions lie in the browser's own store until the server has them, through reloads and restarts.
export function decide(decisions) {
  const name = token();
  const body = { token: name, session, who: person(), decisions };
  const order = String(Date.now()).padStart(15, "0") + "." + String(performance.now()).padStart(20, "0");
  localStorage.setItem(PREFIX + order + "." + name, JSON.stringify(body));
  flush();
  return name;
}

export function unsent() {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).sort();
}

export function unsentPlaces() {
  return unsent().flatMap((key) => {
    const body = JSON.parse(localStorage.getItem(key));
    return body ? body.decisions.map((one) => one.place) : [];
  });
}

// Resolves once all is sent; rejects where the server does not answer.
export function flush() {
  sending = sending || send().finally(() => { sending = null; });
  return sending.catch(() => {
    setTimeout(() => flush().catch(() => {}), 1000);
  });
}

export async function flushed() {
  for (;;) {
    await flush();
    if (!unsent().length) return;
    if (failed) throw new Error("not sent");
  }
}

async function send() {
  for (;;) {
    const key = unsent()[0];
    show();
    if (!key) return;
    const body = JSON.parse(localStorage.getItem(key));
    try {
      const said = body ? await post("/api/decide", { ...body, have: desk.holding() }) : { refused: [], settled: [] };
      failed = false;
      if (said.settled.length) desk.settled(new Set(said.settled));
      if (said.refused.length) say("Not taken over: " + said.refused.map((one) => one.message).join("; ") + ".");
    } catch (error) {
      failed = !(error instanceof Refused);
      if (failed) {
        show();
        throw error;
      }
      say("Not taken over: " + error.message + ".");
    }
    localStorage.removeItem(key);
  }
}

function show() {
  const left = unsent().length;
  const parts = [];
  if (waiting !== null) parts.push(waiting + " waiting");
  if (failed) parts.push("no connection: " + left + " kept here, sent when it is back");
  else parts.push(left ? "saving…" : "all saved");
  state.textContent = parts.join(" · ");
  state.classList.toggle("trouble", failed);
}

export function picture(place, name, read, alt, turn = 0) {
  const image = new Image();
  image.src = "/picture/" + place + "/" + name + "?turn=" + turn + "&read=" + encodeURIComponent(read);
  image.alt = alt;
  image.addEventListener("error", () => image.replaceWith(missing(alt)));
  return image;
}

function missing(alt) {
  const text = document.createElement("p");
  text.className = "missing";
  text.textContent = alt + ": the picture is no longer where it was read or archived.";
  return text;
}

// What is leased here is given back when the page is left; what is decided but not sent is kept.
addEventListener("pagehide", () => {
  const body = JSON.stringify({ session, keep: unsentPlaces() });
  navigator.sendBeacon("/api/release", new Blob([body], { type: "application/json" }));
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
addEventListener("online", () => flush());

// True where a key is the browser's or a control's own.
export function isForeign(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.defaultPrevented) return true;
  return event.target.closest("input, select, textarea, dialog[open]") !== null;
}

const PAD = { Decimal: ".", Comma: ".", Subtract: "-", Enter: "Enter" };

// The key that was meant: the keypad means its digits, with NumLock and without.
export function keyOf(event) {
  const pad = /^Numpad(\d|Decimal|Comma|Subtract|Enter)$/.exec(event.code)?.[1];
  if (pad) return PAD[pad] || pad;
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

// Hands the keys that a page knows, and the buttons that stand for them, to `press`. Before it, `passes` may leave a key
// to the browser; `named` may tell keys apart that have one name.
export function takeKeys(known, press, { passes = () => false, named = keyOf } = {}) {
  const help = document.getElementById("help");
  addEventListener("keydown", (event) => {
    if (help.open) {
      if (event.key !== "Tab" && event.key !== "Enter") {
        event.preventDefault();
        help.close();
      }
      return;
    }
    if (isForeign(event) || passes(event)) return;
    const key = named(event);
    // a link or button in focus keeps its own keys
    const control = event.target.closest("a, button");
    if (control?.checkVisibility() && (key === "Enter" || key === " ")) return;
    if (!/^[0-9]$/.test(key) && !(key in known)) return;
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
}

const BEAT = 60000;
const AGAIN = 3000;

// Looks for what others give back, or what is read meanwhile, and keeps what the page has in hand.
export function stayCurrent(fill, held) {
  const isEmpty = () => held().length === 0;
  setInterval(() => { if (isEmpty() && !document.hidden) fill(); }, AGAIN);
  addEventListener("focus", () => { if (isEmpty()) fill(); });
  setInterval(() => {
    post("/api/next", { session, who: person(), count: 0, have: held().map((item) => item.place) }).catch(() => {});
  }, BEAT);
}

// Keys are done in the order in which they were pressed, also where one waits for the program.
export function inOrder(act) {
  let last = Promise.resolve();
  return (...given) => {
    last = last.then(() => act(...given)).catch((error) => { console.error(error); });
    return last;
  };
}

// How much the ink is brought out; the choice stays.
const CONTRASTS = ["", "strong", "reversed"];
let contrast = Number(localStorage.getItem("digitocr.contrast")) || 0;

export function moreContrast(step = 1) {
  contrast = (contrast + step) % CONTRASTS.length;
  localStorage.setItem("digitocr.contrast", contrast);
  document.body.dataset.contrast = CONTRASTS[contrast];
}
moreContrast(0);

// Who has the rest, and a way to take it over.
export function showHeld(held, again) {
  const place = document.getElementById("held");
  place.replaceChildren();
  if (!held.length) return;
  const names = held.map(({ who: name, count, seconds }) => {
    const left = Math.max(0, Math.ceil(seconds));
    const until = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
    return (name || "someone") + " has " + count + " open on another page, free again in " + until + " if that page is closed";
  });
  const text = document.createElement("p");
  text.textContent = names.join("; ") + ".";
  const button = document.createElement("button");
  button.textContent = "Take them over";
  button.addEventListener("click", () => post("/api/take", { session }).then(again).catch((error) => say(error.message)));
  place.append(text, button);
}
