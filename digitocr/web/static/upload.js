// Files are put into the inbox, three at a time, and asked after until they are read.

const AT_ONCE = 3;
const TRIES = 5;
const POLL_MS = 1500;
const ASKED = 200;
const OPEN = new Set(["waits", "seen", "claimed", "abandoned", "gone"]);
const SAYS = { waits: "waits to be read", seen: "waits to be read", claimed: "is being read", abandoned: "waits to be read", gone: "waits to be read" };

const $ = (id) => document.getElementById(id);
const uploads = [];
const queue = [];
let running = 0;
let polling = false;

function add(files) {
  for (const file of files) {
    const row = document.createElement("tr");
    const upload = { file, row, name: "", state: "", id: 0, tries: 0 };
    for (let i = 0; i < 3; i += 1) row.append(document.createElement("td"));
    row.cells[0].textContent = file.name;
    row.cells[1].textContent = "waits to be sent";
    $("uploads").tBodies[0].append(row);
    uploads.push(upload);
    queue.push(upload);
  }
  $("uploads").hidden = uploads.length === 0;
  tell();
  next();
}

function next() {
  while (running < AT_ONCE && queue.length) {
    running += 1;
    send(queue.shift()).finally(() => { running -= 1; next(); });
  }
  tell();
}

async function send(upload) {
  let said;
  try {
    said = await put(upload);
  } catch (error) {
    upload.tries += 1;
    if (upload.tries < TRIES) {
      show(upload, "is tried again", error.message);
      await new Promise((done) => setTimeout(done, 1000 * upload.tries));
      return send(upload);
    }
    said = { message: error.message };
  }
  upload.file = null;
  if (said.file === undefined) {
    upload.state = "refused";
    show(upload, "refused", said.message || "it could not be sent");
  } else {
    upload.name = said.file;
    upload.state = "waits";
    show(upload, SAYS.waits, said.file === upload.row.cells[0].textContent ? "" : "as " + said.file);
    poll();
  }
  return undefined;
}

// fetch() does not tell how much was sent.
function put(upload) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("PUT", "/api/upload?name=" + encodeURIComponent(upload.file.name));
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) show(upload, "is sent, " + Math.floor((100 * event.loaded) / event.total) + " %", "");
    });
    request.addEventListener("load", () => {
      let said = {};
      try { said = JSON.parse(request.responseText); } catch { said.message = request.responseText; }
      if (request.status === 409 || request.status === 503) failed(new Error(said.message || "not now"));
      else done(said);
    });
    request.addEventListener("error", () => failed(new Error("no connection to the program")));
    request.send(upload.file);
  });
}

function show(upload, state, what) {
  upload.row.cells[1].textContent = state;
  upload.row.cells[2].textContent = what;
}

async function poll() {
  if (polling) return;
  polling = true;
  for (;;) {
    const open = uploads.filter((upload) => upload.name && OPEN.has(upload.state));
    if (!open.length) break;
    await ask(open.slice(0, ASKED)).catch(() => {});
    tell();
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
  polling = false;
}

async function ask(open) {
  const reply = await fetch("/api/uploaded", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ names: open.map((upload) => upload.name) }),
  });
  const said = await reply.json();
  said.files.forEach((one, i) => settle(open[i], one));
}

function settle(upload, one) {
  upload.state = one.state;
  if (OPEN.has(one.state)) {
    show(upload, SAYS[one.state], "");
    return;
  }
  show(upload, one.state, one.said);
  const link = document.createElement("a");
  link.href = "/file/" + one.id;
  link.textContent = upload.row.cells[0].textContent;
  upload.row.cells[0].replaceChildren(link);
  if (one.state === "failed") upload.row.cells[2].append(" ", again(upload, one.id));
}

function again(upload, id) {
  const button = document.createElement("button");
  button.textContent = "Read it again";
  button.addEventListener("click", async () => {
    button.disabled = true;
    const reply = await fetch("/api/retry", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ file: id }),
    }).catch(() => null);
    if (reply?.ok) {
      upload.state = "waits";
      show(upload, SAYS.waits, "");
      poll();
    } else {
      button.disabled = false;
      $("notice").textContent = (await reply?.json().catch(() => ({})))?.message || "That did not work.";
      $("notice").hidden = false;
    }
  });
  return button;
}

function tell() {
  const count = (states) => uploads.filter((upload) => states.includes(upload.state)).length;
  const parts = [
    [count(["done", "empty", "partial", "duplicate"]), "read"],
    [count(["failed", "refused"]), "failed"],
    [uploads.filter((upload) => upload.state === "" || OPEN.has(upload.state)).length, "to go"],
  ];
  $("total").textContent = uploads.length
    ? uploads.length + (uploads.length === 1 ? " file: " : " files: ") + parts.filter(([n]) => n).map(([n, what]) => n + " " + what).join(", ")
    : "";
}

$("choose").addEventListener("change", (event) => { add(event.target.files); event.target.value = ""; });
addEventListener("dragover", (event) => { event.preventDefault(); $("drop").classList.add("over"); });
addEventListener("dragleave", () => $("drop").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  add(event.dataTransfer.files);
});
addEventListener("beforeunload", (event) => { if (running || queue.length) event.preventDefault(); });
