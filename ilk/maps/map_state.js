// What the page holds and what the person has chosen. One of three parts of one script; page.py joins them.

// ---- what the page holds -------------------------------------------------------------------------------------
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const columns = JSON.parse($("columns").textContent);
const numbers = (name, Type) => new Type(Uint8Array.from(atob(columns[name]), (c) => c.charCodeAt(0)).buffer);
const x = numbers("x", Float32Array), y = numbers("y", Float32Array);
const target = numbers("target", Int32Array), answer = numbers("answer", Int32Array);
const confidence = numbers("confidence", Uint16Array), status = numbers("status", Uint8Array);
const neighbor = numbers("neighbor", Int32Array), distance = numbers("distance", Float32Array);
const added = numbers("added", Uint8Array);
const { names, classes, statuses, sheets, near } = data;
const n = names.length;
const classOf = (i) => (target[i] >= 0 ? target[i] : answer[i]);
const className = (c) => (c < 0 ? "unknown" : classes[c]);
const ADDED = statuses.length + 1;
const kindOf = (i) => (added[i] ? ADDED : target[i] >= 0 ? 0 : 1 + status[i]);
const kindNames = ["labeled", ...statuses, "added later"];

// ---- what the person has chosen ------------------------------------------------------------------------------
const state = { mode: "label", drawn: null, query: "", focus: -1, pinned: false, tool: "panZoom", chosen: [], active: false };
const showClass = new Uint8Array(classes.length).fill(1), showKind = new Uint8Array(kindNames.length).fill(1);
const on = new Uint8Array(n).fill(1);
const dark = matchMedia("(prefers-color-scheme: dark)"), still = matchMedia("(prefers-reduced-motion: reduce)");
const phone = matchMedia("(max-width: 48rem)");
let plot = null, spatialIndex = null;

function el(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const percent = (i) => { const p = confidence[i] / 100; return p > 99 ? "over 99%" : `${Math.round(p)}%`; };
const plural = (count) => `${count.toLocaleString("en")} image${count === 1 ? "" : "s"}`;

// ---- thumbnails: a sheet is decoded when the first picture of it is wanted --------------------------------------
const loaded = new Map();
function sheet(k) {
  if (!loaded.has(k)) {
    const image = new Image();
    image.src = $(`sheet-${k}`).textContent;
    loaded.set(k, image.decode().then(() => image));
  }
  return loaded.get(k);
}
function thumb(i, longest) {
  const { width, height, each } = sheets, scale = longest / Math.max(width, height);
  const canvas = el("canvas", { className: sheets.exact && scale > 1 ? "thumb exact" : "thumb", width, height });
  canvas.style.width = `${width * scale}px`;
  canvas.style.height = `${height * scale}px`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", names[i]);
  const place = i % each, k = (i - place) / each;
  sheet(k).then((image) => {
    const left = (place % sheets.columns) * width, top = Math.floor(place / sheets.columns) * height;
    canvas.getContext("2d").drawImage(image, left, top, width, height, 0, 0, width, height);
    canvas.dataset.drawn = "1";
  });
  return canvas;
}

// ---- colors ----------------------------------------------------------------------------------------------------
const STATUS = { light: ["#1d1c1a", "#0072b2", "#c07800", "#a04a86", "#00806a"], dark: ["#ffffff", "#56a8e0", "#e69f00", "#d789bd", "#2fbf9f"] };
const BINS = [[5000, "under 50%"], [7500, "to 75%"], [9000, "to 90%"], [9900, "to 99%"], [10001, "above"]];
const RAMP = { light: ["#c44601", "#e69f00", "#9db7cc", "#4a8fc2", "#08519c"], dark: ["#e8703a", "#f0b840", "#6f8796", "#5aa5d8", "#bfe0ff"] };
const shade = () => (dark.matches ? "dark" : "light");
const K = data.colors.light.length, PLAIN = K + 1, FAINT = K + 2, KIND = K + 3, BIN = KIND + 5;
let rank = new Map(); // class -> its color; ten at most
function rankClasses() {
  const labels = new Int32Array(classes.length), all = new Int32Array(classes.length);
  for (let i = 0; i < n; i++) {
    if (!on[i]) continue;
    if (target[i] >= 0) labels[target[i]]++;
    if (classOf(i) >= 0) all[classOf(i)]++;
  }
  const shown = classes.map((_, c) => c).filter((c) => all[c]);
  shown.sort((a, b) => labels[b] - labels[a] || all[b] - all[a] || a - b);
  // Ten or fewer classes keep their colors; of more, the most frequent ones that are selected share them.
  const few = classes.length <= K ? classes.map((_, c) => c) : shown.slice(0, K).sort((a, b) => a - b);
  rank = new Map(few.map((c, place) => [c, place]));
  return all;
}
const palette = () => [...data.colors[shade()], data.rest, style(state.active ? "--ink" : "--plain"), style("--faint"), ...STATUS[shade()], ...RAMP[shade()]];
const bin = (i) => BINS.findIndex(([limit]) => confidence[i] < limit);
function colorOf(i) {
  if (state.active && !on[i]) return FAINT;
  if (state.mode === "status") return KIND + kindOf(i);
  if (state.mode === "confidence") return BIN + bin(i);
  const c = state.mode === "label" ? target[i] : classOf(i);
  return c < 0 ? PLAIN : rank.has(c) ? rank.get(c) : K;
}
const swatch = (index) => { const dot = el("span", { className: "dot" }); dot.style.background = palette()[index]; return dot; };
