// What the pages of forms ask the program; every error has a message for the person.

async function answer(reply) {
  const text = await reply.text();
  let said;
  try { said = JSON.parse(text); } catch { said = { message: text }; }
  if (!reply.ok) throw new Error(said.message || "that did not work (" + reply.status + ")");
  return said;
}

async function ask(path, options) {
  let reply;
  try {
    reply = await fetch(path, options);
  } catch {
    throw new Error("no connection to the program");
  }
  return answer(reply);
}

export const get = (path) => ask(path, {});

export function post(path, body) {
  return ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

export async function giveSheet(file) {
  const headers = { "content-type": "application/octet-stream" };
  return (await ask("/api/forms/sheet", { method: "PUT", headers, body: file })).sheet;
}
