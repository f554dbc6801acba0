// The form with its boxes: drawn over the picture, and what a pointer does there.

import { around, boxOf, boxesOf, nudged, placed, within } from "./form_model.js";

const SVG = "http://www.w3.org/2000/svg";
const SLIP_PX = 4;
const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const LEAST = 4;

function made(name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

function written(text, high, attributes) {
  const element = made("text", attributes, text);
  element.style.fontSize = high + "px";
  return element;
}

const rectangle = ([x, y, width, height], more) => made("rect", { x, y, width, height, ...more });

// `does`: choose(ids, {add}), move(fields), draw(box), click(id) -> whether it was taken.
export class Paper {
  constructor(whole, image, does) {
    Object.assign(this, { whole, image, does, tool: "select", zoom: 1, size: [1, 1], fields: [], chosen: new Set() });
    this.over = made("svg", { id: "over", preserveAspectRatio: "none" });
    whole.append(this.over);
    this.drag = null;
    this.over.addEventListener("pointerdown", (event) => this.down(event));
    this.over.addEventListener("pointermove", (event) => this.moved(event));
    this.over.addEventListener("pointerup", (event) => this.up(event));
    this.over.addEventListener("pointercancel", () => this.stop());
    addEventListener("resize", () => this.draw());
  }

  use(tool) {
    this.tool = tool;
    this.over.dataset.tool = tool;
  }

  // Pixels of the form to one of the screen.
  get scale() {
    return this.size[0] / (this.over.clientWidth || this.size[0]);
  }

  enlarge(factor) {
    this.zoom = Math.max(0.35, Math.min(5, this.zoom * factor));
    this.whole.style.width = this.zoom * 100 + "%";
    this.draw();
  }

  show({ size, fields, chosen, bad, read }) {
    Object.assign(this, { size, fields, chosen, bad, read });
    this.draw();
  }

  draw(fields = this.fields, frame = null) {
    this.over.setAttribute("viewBox", "0 0 " + this.size.join(" "));
    this.image.style.aspectRatio = this.size.join("/");
    const parts = fields.flatMap((field) => this.boxes(field));
    const only = this.chosen.size === 1 ? fields.find((field) => this.chosen.has(field.id)) : null;
    this.over.replaceChildren(...parts, ...(only ? this.handles(boxOf(only)) : []), ...(frame ? [rectangle(frame, { class: "frame" })] : []));
  }

  boxes(field) {
    const box = boxOf(field);
    const read = this.read?.get(field.name);
    const classes = ["field", this.chosen.has(field.id) && "chosen", this.bad === field.id && "bad", read?.status];
    const group = made("g", { class: classes.filter(Boolean).join(" "), "data-id": field.id });
    group.append(rectangle(box, {}));
    if (field.keys.cells) for (const cell of boxesOf(field)) group.append(rectangle(cell, { class: "cell" }));
    const high = Math.max(8 * this.scale, Math.min(13 * this.scale, box[3] * 0.6));
    group.append(written(field.name, high, { x: box[0], y: box[1] - 2 * this.scale }));
    if (read) {
      const large = Math.max(10 * this.scale, Math.min(box[3] * 0.5, 40));
      group.append(written(read.text || "–", large, { x: box[0] + box[2], y: box[1] + box[3] + large * 0.7, "text-anchor": "end", class: "read" }));
    }
    return [group];
  }

  handles([x, y, width, height]) {
    const finger = matchMedia("(pointer: coarse)").matches ? 11 : 5;
    const half = Math.max(2 * this.scale, Math.min(finger * this.scale, Math.min(width, height) / 5));
    return HANDLES.map((side) => {
      const cx = x + (side.includes("w") ? 0 : side.includes("e") ? width : width / 2);
      const cy = y + (side.includes("n") ? 0 : side.includes("s") ? height : height / 2);
      return rectangle([cx - half, cy - half, 2 * half, 2 * half], { class: "handle " + side, "data-side": side });
    });
  }

  at(event) {
    const { left, top, width, height } = this.over.getBoundingClientRect();
    const x = ((event.clientX - left) / width) * this.size[0];
    const y = ((event.clientY - top) / height) * this.size[1];
    return [Math.max(0, Math.min(this.size[0], x)), Math.max(0, Math.min(this.size[1], y))];
  }

  down(event) {
    if (event.button || !event.isPrimary) return;
    document.activeElement?.blur(); // what was typed belongs to what was chosen until now
    const { side } = event.target.dataset;
    const id = Number(event.target.closest("[data-id]")?.dataset.id);
    if (!side && id && this.does.click(id)) return;
    const drag = { from: this.at(event), x: event.clientX, y: event.clientY, id, adds: event.shiftKey || event.ctrlKey || event.metaKey };
    if (side) Object.assign(drag, { what: "resize", side });
    else if (this.tool === "draw") drag.what = "draw";
    else if (id) drag.what = "move";
    else if (event.pointerType === "touch") drag.what = "scroll";
    else drag.what = "choose";
    this.drag = drag;
    if (drag.what === "scroll") return;
    if (drag.what === "move" && !drag.adds && !this.chosen.has(id)) this.does.choose([id], {});
    event.preventDefault();
    this.over.setPointerCapture(event.pointerId);
  }

  moved(event) {
    const { drag } = this;
    if (!drag || drag.what === "scroll") return;
    drag.far ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > SLIP_PX;
    if (!drag.far) return;
    drag.to = this.at(event);
    if (drag.what === "draw" || drag.what === "choose") this.draw(this.fields, frameOf(drag));
    else this.draw(this.dragged(drag));
  }

  up(event) {
    const { drag } = this;
    if (!drag) return;
    this.stop();
    if (!drag.far) {
      if (drag.id && drag.what !== "resize") this.does.choose([drag.id], { add: drag.adds });
      else if (drag.what === "choose" || drag.what === "scroll") this.does.choose([], { add: drag.adds });
      return;
    }
    drag.to = this.at(event);
    const frame = frameOf(drag);
    if (drag.what === "choose") this.does.choose(within(this.fields, frame).map((field) => field.id), { add: drag.adds });
    else if (drag.what !== "draw") this.does.move(this.dragged(drag));
    else if (frame[2] >= LEAST && frame[3] >= LEAST) this.does.draw(frame);
    else this.draw();
  }

  stop() {
    this.drag = null;
  }

  // The fields as a drag would leave them.
  dragged({ what, side, from, to }) {
    const by = [Math.round(to[0] - from[0]), Math.round(to[1] - from[1])];
    const chosen = this.fields.filter((field) => this.chosen.has(field.id));
    if (what === "resize") return this.fields.map((field) => (this.chosen.has(field.id) ? placed(field, resized(boxOf(field), side, by)) : field));
    const all = around(chosen.map(boxOf));
    const there = nudged(all, by, this.size);
    const step = [there[0] - all[0], there[1] - all[1]];
    return this.fields.map((field) => (this.chosen.has(field.id) ? placed(field, nudged(boxOf(field), step, this.size)) : field));
  }
}

function frameOf({ from, to }) {
  const [x1, x2] = [from[0], to[0]].sort((a, b) => a - b).map(Math.round);
  const [y1, y2] = [from[1], to[1]].sort((a, b) => a - b).map(Math.round);
  return [x1, y1, x2 - x1, y2 - y1];
}

function resized([x, y, width, height], side, [dx, dy]) {
  let [left, top, right, bottom] = [x, y, x + width, y + height];
  if (side.includes("w")) left = Math.min(left + dx, right - LEAST);
  if (side.includes("e")) right = Math.max(right + dx, left + LEAST);
  if (side.includes("n")) top = Math.min(top + dy, bottom - LEAST);
  if (side.includes("s")) bottom = Math.max(bottom + dy, top + LEAST);
  return [left, top, right - left, bottom - top];
}
