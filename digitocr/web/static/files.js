// Failed files are put back, to be read by the next run.

const notice = document.getElementById("notice");

async function putBack(button) {
  button.disabled = true;
  const reply = await fetch("/api/retry", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ file: Number(button.dataset.retry) }),
  }).catch(() => null);
  const said = reply ? await reply.json().catch(() => ({})) : { message: "No connection to the program." };
  if (reply?.ok) {
    button.textContent = "The next run reads it";
    return;
  }
  notice.textContent = said.message || "That did not work.";
  notice.hidden = false;
  button.disabled = false;
}

for (const button of document.querySelectorAll("[data-retry]")) {
  button.addEventListener("click", () => putBack(button));
}
