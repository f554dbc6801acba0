// A new form: its sheet is sent, laid flat and opened.

import { giveSheet, post } from "./form_calls.js";
import { nameOf } from "./form_model.js";

const $ = (id) => document.getElementById(id);
const form = $("begin");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  const said = button.textContent;
  button.disabled = true;
  button.textContent = "Finding its fields…";
  try {
    const name = nameOf($("name").value);
    const { file } = form.dataset;
    const source = file ? { file: Number(file), page: Number(form.dataset.page) } : { sheet: await giveSheet($("sheet").files[0]), page: Number($("page").value) || 1 };
    await post("/api/forms/begin", { form: name, ...source });
    location.href = "/forms/edit?form=" + encodeURIComponent(name);
  } catch (error) {
    $("notice").textContent = error.message;
    $("notice").hidden = false;
    button.disabled = false;
    button.textContent = said;
  }
});
