"""The page that `page.py` fills, in the style of the live page."""

SLOT = "/*SUBJECTS*/[]"
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Turned eyes</title>
<style>
  :root {
    --ground: #0f1014; --panel: #17181e; --edge: #26272f; --text: #ece8e0; --quiet: #8d8a84; --warm: #f0883e;
    font: 15px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif; color: var(--text); background: var(--ground);
  }
  * { box-sizing: border-box; }
  body { margin: 0 auto; max-width: 1100px; padding: 20px clamp(12px, 2vw, 32px); }
  h1 { margin: 0 0 4px; font-size: 22px; letter-spacing: 0.28em; font-weight: 600; }
  p { margin: 0 0 18px; color: var(--quiet); font-size: 13px; }
  form { display: grid; gap: 10px; margin-bottom: 20px; padding: 14px 16px; border: 1px solid var(--edge);
    border-radius: 12px; background: var(--panel); }
  label { display: flex; gap: 12px; align-items: center; }
  label span { min-width: 5.5em; color: var(--quiet); font-size: 13px; }
  input { flex: 1; accent-color: var(--warm); }
  output { min-width: 4em; text-align: right; font-variant-numeric: tabular-nums; }
  [hidden] { display: none !important; }
  main { display: grid; gap: 12px; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); }
  canvas { display: block; width: 100%; border-radius: 12px; border: 1px solid var(--edge); background: var(--panel); }
</style>
<h1>EYES</h1>
<p>Every frame is the same picture, whose pixels a network has moved. The middle is the picture as it was.</p>
<form autocomplete="off">
  <label id="up"><span>down, up</span><input type="range"><output></output></label>
  <label id="right"><span>left, right</span><input type="range"><output></output></label>
</form>
<main></main>
<script>
"use strict";
const WIDEST = 30;
const subjects = /*SUBJECTS*/[];

const drawn = subjects.map((subject) => {
  const canvas = document.createElement("canvas");
  canvas.width = subject.width;
  canvas.height = subject.height;
  document.querySelector("main").append(canvas);
  const sheet = new Image();
  sheet.addEventListener("load", draw);
  sheet.src = subject.sheet;
  return { subject, canvas, sheet };
});

const sliders = ["up", "right"].map((name) => {
  const label = document.getElementById(name);
  const frames = subjects.length ? subjects[0][name] : 1;
  const slider = label.querySelector("input");
  label.hidden = frames < 2;
  slider.max = frames - 1;
  slider.value = (frames - 1) / 2;
  slider.addEventListener("input", draw);
  return { slider, output: label.querySelector("output"), frames };
});

function draw() {
  for (const { slider, output, frames } of sliders) {
    output.textContent = `${Math.round(frames < 2 ? 0 : WIDEST * (2 * slider.value / (frames - 1) - 1))}°`;
  }
  const [up, right] = sliders.map(({ slider }) => Number(slider.value));
  for (const { subject: { width, height }, canvas, sheet } of drawn) {
    if (sheet.complete) {
      canvas.getContext("2d").drawImage(sheet, right * width, up * height, width, height, 0, 0, width, height);
    }
  }
}
draw();
</script>
</html>
"""
