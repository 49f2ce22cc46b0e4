"""The page of the stepper: HTML, styles and the script that shows a step."""

SCENE = """<section class="scene" id="scene{number}" hidden>
<p class="note">{note}</p>
<div class="picture">{svg}</div>
</section>"""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Backward, step by step</title>
<style>
body { font: 15px/1.45 'DejaVu Sans', Verdana, sans-serif; margin: 0; color: #1B2631; }
header { position: sticky; top: 0; background: #F7F9FA; padding: 10px 20px 8px;
  border-bottom: 1px solid #D5DBE0; z-index: 1; }
h1 { font-size: 18px; margin: 0 18px 0 0; display: inline-block; }
button { font: inherit; border: 1px solid #B3BEC8; background: #fff; cursor: pointer;
  border-radius: 6px; padding: 4px 12px; margin-right: 5px; color: inherit; }
button:hover, button:focus-visible { border-color: #0072B2; }
button[aria-pressed=true] { background: #0072B2; border-color: #0072B2; color: #fff; }
#controls { margin-top: 8px; display: flex; align-items: center; gap: 4px; }
#slider { width: 260px; margin-left: 10px; }
#count { margin-left: 8px; color: #5D6D7E; font-variant-numeric: tabular-nums; }
#panel { min-height: 138px; margin-top: 8px; }
#head { font-weight: bold; font-size: 16px; }
#lines { margin: 4px 0 0; padding: 0; list-style: none; white-space: pre-wrap;
  font: 13px/1.5 'DejaVu Sans Mono', Consolas, monospace; }
.note { margin: 10px 20px 0; max-width: 60em; color: #41505E; }
.picture { overflow: auto; padding: 0 8px; }
.picture svg { max-width: 100%; height: auto; }
.node, .arrow { opacity: .4; transition: opacity .15s; }
.node.known, .node.now, .arrow.past, .arrow.now { opacity: 1; }
.node.now .body { stroke-width: 4; }
.node.gets .body { stroke: #D55E00; stroke-width: 3; }
.arrow.now .edge { stroke: #D55E00; stroke-width: 3; }
.arrow.now .tip { fill: #D55E00; }
text.changed { fill: #C24A00; font-weight: bold; font-style: normal; }
</style></head>
<body>
<header><h1>Backward, step by step</h1>@TABS@
<div id="controls">
<button id="first" title="Home">|◀</button>
<button id="back" title="left arrow">◀ back</button>
<button id="next" title="right arrow">next ▶</button>
<button id="last" title="End">▶|</button>
<button id="play">play</button>
<input id="slider" type="range" min="0" value="0" aria-label="step">
<span id="count"></span></div>
<div id="panel" aria-live="polite"><div id="head"></div><ul id="lines"></ul></div>
</header>
<main>@SCENES@</main>
<script>
"use strict";
const scenes = @DATA@;
const get = id => document.getElementById(id);
const original = {};
let scene = 1, step = 0, timer = null;

function remember(id, element) {
  if (!(id in original))
    original[id] = [element.textContent, element.className.baseVal];
}

function show() {
  const steps = scenes[scene - 1], prefix = "s" + scene;
  step = Math.max(0, Math.min(step, steps.length - 1));
  document.querySelectorAll(".scene").forEach(s => s.hidden = s.id !== "scene" + scene);
  document.querySelectorAll(".tab").forEach(
    t => t.setAttribute("aria-pressed", t.dataset.scene == scene));
  for (const id in original) {
    get(id).textContent = original[id][0];
    get(id).setAttribute("class", original[id][1]);
  }
  document.querySelectorAll(".node, .arrow").forEach(
    e => e.classList.remove("now", "past", "known", "gets"));
  steps.slice(0, step + 1).forEach((each, i) => {
    const current = i === step;
    for (const [id, text] of Object.entries(each.texts)) {
      const element = get(prefix + id);
      remember(prefix + id, element);
      element.textContent = text;
      element.setAttribute("class", current ? "changed" : "value");
      element.parentNode.classList.add("known");
      if (current && each.done) element.parentNode.classList.add("gets");
    }
    each.arrows.forEach(
      id => get(prefix + id).classList.add(current ? "now" : "past"));
  });
  const now = steps[step];
  if (step === 0) document.querySelectorAll("#scene" + scene + " .node").forEach(
    e => e.classList.add("known"));
  else get(prefix + "n" + now.node).classList.add("now");
  get("head").textContent = now.head;
  get("lines").replaceChildren(...now.lines.map(text => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
  get("slider").max = steps.length - 1;
  get("slider").value = step;
  get("count").textContent = "step " + step + " of " + (steps.length - 1);
  history.replaceState(null, "", "#" + scene + "," + step);
}

function go(to) { step = to; show(); }
function end() { return scenes[scene - 1].length - 1; }
function stop() {
  clearInterval(timer);
  timer = null;
  get("play").textContent = "play";
}

get("first").onclick = () => go(0);
get("back").onclick = () => go(step - 1);
get("next").onclick = () => go(step + 1);
get("last").onclick = () => go(end());
get("slider").oninput = event => go(Number(event.target.value));
get("play").onclick = () => {
  if (timer) return stop();
  if (step === end()) step = 0;
  get("play").textContent = "pause";
  timer = setInterval(() => step === end() ? stop() : go(step + 1), 1200);
};
document.querySelectorAll(".tab").forEach(
  t => t.onclick = () => { stop(); scene = Number(t.dataset.scene); go(0); });
document.addEventListener("keydown", event => {
  const keys = { ArrowRight: step + 1, ArrowLeft: step - 1, Home: 0, End: end() };
  const to = keys[event.key];
  if (to === undefined || event.target.id === "slider") return;
  event.preventDefault();
  go(to);
});
function open() {
  const [s, k] = location.hash.slice(1).split(",").map(Number);
  scene = s >= 1 && s <= scenes.length ? s : 1;
  step = k > 0 ? Math.floor(k) : 0;
  show();
}
window.addEventListener("hashchange", open);
open();
</script></body></html>
"""
