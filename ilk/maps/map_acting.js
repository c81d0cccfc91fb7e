// Filters, search, selection, keys and pointer. One of three parts of one script; page.py joins them.

// ---- filters, search, selection --------------------------------------------------------------------------------
// What a search asks for: the words together if they are a class or a status, else each word by itself. A word that is a
// status or a class means just that; any other means a part of a class's or a file's name.
function asked() {
  const whole = state.query.trim().toLowerCase(), lower = classes.map((c) => c.toLowerCase());
  const words = kindNames.includes(whole) || lower.includes(whole) ? [whole] : whole.split(/\s+/).filter(Boolean);
  return words.map((word) => {
    if (kindNames.includes(word)) return (i) => kindNames[kindOf(i)] === word;
    if (lower.includes(word)) return (i) => lower[classOf(i)] === word;
    const part = lower.map((c) => c.includes(word));
    return (i) => part[classOf(i)] || names[i].toLowerCase().includes(word);
  });
}
function refresh() {
  const tests = asked();
  let count = 0;
  for (let i = 0; i < n; i++) {
    const c = classOf(i), kind = kindOf(i);
    const found = tests.every((test) => test(i));
    on[i] = (c < 0 || showClass[c]) && showKind[kind] && found && (!state.drawn || state.drawn[i]) ? 1 : 0;
    count += on[i];
  }
  state.active = count < n || !!tests.length || !!state.drawn;
  rankClasses();
  paintLegend();
  nameSpots();
  listChosen(count);
  return paint();
}
function listChosen(count) {
  state.chosen = [];
  if (state.active) for (let i = 0; i < n; i++) if (on[i]) state.chosen.push(i);
  $("count").textContent = state.active ? `${plural(count)} of ${n.toLocaleString("en")}` : "No selection";
  $("said").textContent = state.active ? `${plural(count)} selected.` : "Nothing selected.";
  $("act").hidden = !state.active;
  $("copy").disabled = $("save").disabled = !count;
  const shown = state.chosen.slice(0, 200);
  $("hint").hidden = state.active && count <= shown.length;
  $("hint").textContent = state.active ? `The first ${shown.length} are shown; copy and save take all.`
    : "Filter, search or draw around images: those keep their color, the rest turns gray.";
  $("list").className = sheets.count ? "" : "wordy";
  $("list").replaceChildren(...shown.map((i) => {
    const button = el("button", { type: "button", title: `${names[i]}: ${facts(i)[0]}`, onclick: () => go(i, true) });
    button.append(sheets.count ? thumb(i, 48) : names[i]);
    return el("li", {}, button);
  }));
}
const cell = (text) => (/[",\r\n]/.test(text) ? `"${String(text).replaceAll('"', '""')}"` : String(text));
function save() {
  const lines = state.chosen.map((i) => [names[i], target[i] >= 0 ? classes[target[i]] : "", className(answer[i]), (confidence[i] / 10000).toFixed(4), kindNames[kindOf(i)]].map(cell).join(","));
  const url = URL.createObjectURL(new Blob([["filename,label,answer,confidence,status", ...lines, ""].join("\n")], { type: "text/csv" }));
  el("a", { href: url, download: "ilk-selection.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
async function copy() {
  const text = state.chosen.map((i) => names[i]).join("\n");
  try {
    await navigator.clipboard.writeText(text);
  } catch { // a browser that keeps the clipboard from files
    const area = el("textarea", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  $("said").textContent = $("copy").textContent = "Copied";
  setTimeout(() => { $("copy").textContent = "Copy names"; }, 1500);
}
function clear() {
  state.drawn = null;
  state.query = $("search").value = "";
  showClass.fill(1);
  showKind.fill(1);
  for (const box of document.querySelectorAll(".row input")) box.checked = true;
  return refresh();
}

// ---- the legend is the filter ------------------------------------------------------------------------------------
const legend = [];
function row(word, many, shown, index, dotOf) {
  const box = el("input", { type: "checkbox", checked: true, onchange: () => { shown[index] = box.checked ? 1 : 0; refresh(); } });
  const holder = el("span"), text = el("span", { className: "word", textContent: word, title: word });
  legend.push(() => { const index = dotOf(); holder.replaceChildren(...(index === null ? [] : [swatch(index)])); });
  return el("label", { className: "row" }, box, holder, text, el("span", { className: "many", textContent: many.toLocaleString("en") }));
}
function buildLegend() {
  const kinds = new Int32Array(kindNames.length), all = rankClasses();
  for (let i = 0; i < n; i++) kinds[kindOf(i)]++;
  kindNames.forEach((kind, k) => kinds[k] && $("kinds").append(row(kind, kinds[k], showKind, k, () => (state.mode === "status" ? KIND + k : state.mode === "label" && k && k < ADDED ? PLAIN : null))));
  $("rows").append(...classes.map((name, c) => row(name, all[c], showClass, c, () => (["label", "answer"].includes(state.mode) ? rank.get(c) ?? K : null))));
  const pick = (value) => () => { showClass.fill(value); for (const box of $("rows").querySelectorAll("input")) box.checked = !!value; refresh(); };
  $("all").onclick = pick(1);
  $("none").onclick = pick(0);
}
function paintLegend() {
  for (const draw of legend) draw();
  $("scale").hidden = state.mode !== "confidence";
  $("scale").replaceChildren(...BINS.map(([, word], b) => { const bar = el("i"); bar.style.background = palette()[BIN + b]; return el("span", {}, bar, word); }));
}

// ---- view, keys, pointer -----------------------------------------------------------------------------------------
const motion = () => ({ transition: !still.matches, transitionDuration: 220 });
const look = (spot, far) => plot.zoomToLocation(spot, far, motion());
const home = () => { const { clientWidth: w, clientHeight: h } = $("map"); return look([0, 0], Math.max(1, h / w)); };
const zoom = (factor) => look(plot.get("cameraTarget"), plot.get("cameraDistance") * factor);
function tool(name) {
  state.tool = state.tool === name ? "panZoom" : name;
  $("lasso").setAttribute("aria-pressed", state.tool === "lasso");
  $("box").setAttribute("aria-pressed", state.tool === "box");
  plot.set({ mouseMode: state.tool === "panZoom" ? "panZoom" : "lasso", lassoType: state.tool === "box" ? "rectangle" : "freeform" });
  $("canvas").style.cursor = state.tool === "panZoom" ? "" : "crosshair";
}
function escape() {
  if ($("keys").open) return;
  if (state.tool !== "panZoom") tool(state.tool);
  if (state.focus >= 0) focus(-1); else if (state.active) clear();
}
const toggleNames = () => { const hide = !$("names").hidden; $("names").hidden = hide; $("named").setAttribute("aria-pressed", !hide); };
const help = () => $("keys").showModal();
const KEYS = {
  ArrowLeft: () => walk(-1, 0), ArrowRight: () => walk(1, 0), ArrowUp: () => walk(0, 1), ArrowDown: () => walk(0, -1),
  Enter: () => state.focus >= 0 && focus(state.focus, true, true), "+": () => zoom(1 / 1.5), "=": () => zoom(1 / 1.5), "-": () => zoom(1.5),
  0: home, l: () => tool("lasso"), b: () => tool("box"), n: toggleNames,
};
function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "radio" && event.target.type !== "checkbox";
  if (event.key === "Escape") return escape();
  if (typing) return;
  const inMap = event.target === $("map") || event.target === document.body;
  const act = event.key === "?" ? help : event.key === "/" ? () => $("search").focus() : inMap ? KEYS[event.key] : null;
  if (act) { event.preventDefault(); act(); }
}
function touches() { // the component listens to a mouse: one finger is its button, two are its wheel
  const canvas = $("canvas");
  let apart = 0, start = null;
  const mouse = (type, t, buttons) => canvas.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true, view: window, clientX: t.clientX, clientY: t.clientY, buttons }));
  const gap = (t) => Math.hypot(t[0].clientX - t[1].clientX, t[0].clientY - t[1].clientY);
  canvas.addEventListener("touchstart", (event) => {
    event.preventDefault();
    $("map").focus({ preventScroll: true });
    const t = event.touches;
    if (t.length === 1) { start = t[0]; mouse("mouseenter", start, 0); mouse("mousemove", start, 0); mouse("mousedown", start, 1); }
    else { mouse("mouseup", t[0], 0); start = null; apart = gap(t); }
  }, { passive: false });
  canvas.addEventListener("touchmove", (event) => {
    event.preventDefault();
    const t = event.touches;
    if (t.length === 1 && start) return mouse("mousemove", t[0], 1);
    if (t.length !== 2) return;
    const wide = gap(t), clientX = (t[0].clientX + t[1].clientX) / 2, clientY = (t[0].clientY + t[1].clientY) / 2;
    mouse("mousemove", { clientX, clientY }, 0);
    canvas.dispatchEvent(new WheelEvent("wheel", { bubbles: true, cancelable: true, clientX, clientY, deltaY: (apart - wide) * 3 }));
    apart = wide;
  }, { passive: false });
  canvas.addEventListener("touchend", (event) => {
    event.preventDefault();
    if (!start || event.touches.length) return;
    const t = event.changedTouches[0];
    mouse("mouseup", t, 0);
    mouse("click", t, 0);
    start = null;
  }, { passive: false });
}
function listen() {
  let down = null;
  plot.subscribe("pointOver", (i) => { if (!state.pinned) focus(i); });
  plot.subscribe("pointOut", () => { if (!state.pinned) focus(-1); });
  plot.subscribe("view", overlay);
  plot.subscribe("select", ({ points }) => {
    const drawing = state.tool !== "panZoom" || points.length > 1 || down?.shift;
    plot.deselect({ preventEvent: true });
    if (!drawing) return go(points[0], true);
    state.drawn = new Uint8Array(n);
    for (const i of points) state.drawn[i] = 1;
    refresh();
  });
  $("canvas").addEventListener("mousedown", (event) => { down = { x: event.clientX, y: event.clientY, shift: event.shiftKey, over: plot.get("hoveredPoint") }; });
  $("canvas").addEventListener("click", (event) => {
    $("map").focus({ preventScroll: true });
    const moved = !down || Math.hypot(event.clientX - down.x, event.clientY - down.y) > 4;
    if (!moved && state.pinned && state.tool === "panZoom") setTimeout(() => { if (state.pinned && down.was === state.focus) focus(-1); });
    if (down) down.was = state.focus;
  });
  $("in").onclick = KEYS["+"];
  $("out").onclick = KEYS["-"];
  $("home").onclick = home;
  $("lasso").onclick = KEYS.l;
  $("box").onclick = KEYS.b;
  $("named").onclick = toggleNames;
  $("help").onclick = help;
  $("copy").onclick = copy;
  $("save").onclick = save;
  $("clear").onclick = clear;
  document.addEventListener("keydown", keys);
  for (const radio of document.querySelectorAll("[name=mode]")) radio.onchange = () => { state.mode = radio.value; paintLegend(); paint(); };
  let wait = 0;
  $("search").oninput = () => { clearTimeout(wait); wait = setTimeout(() => { state.query = $("search").value; refresh(); }, 150); };
  dark.addEventListener("change", () => { paintLegend(); paint(); });
  new ResizeObserver(() => requestAnimationFrame(overlay)).observe($("map"));
  touches();
}

// ---- begin -------------------------------------------------------------------------------------------------------
async function begin() {
  // As large as the map, not as the window, and without smoothing that the dots have anyway: a third of the work.
  const dots = $("dots"), gl = dots.getContext("webgl", { antialias: false });
  if (!gl || !gl.getExtension("OES_texture_float")) throw new Error("no WebGL");
  document.body.classList.add("live");
  // Straight to the canvas that is seen: the library's way through a second picture, for translucent dots, takes twice as long.
  const render = { value: (draw) => { renderer.regl.clear({ color: [0, 0, 0, 0], depth: 1 }); draw(); } };
  const renderer = Object.create(IlkScatterplot.createRenderer({ canvas: dots }), { render });
  const fit = () => $("map").clientWidth && renderer.resize($("map").clientWidth, $("map").clientHeight);
  fit();
  new ResizeObserver(fit).observe($("map"));
  plot = IlkScatterplot.createScatterplot({
    renderer, canvas: $("canvas"), colorBy: "valueA", sizeBy: "valueB", opacity: 1, spatialIndexUseWorker: false, pointSizeSelected: 0,
    pointOutlineWidth: 0, deselectOnDblClick: false, deselectOnEscape: false, lassoInitiator: false, actionKeyMap: { lasso: "shift" },
  });
  listen();
  buildLegend();
  await refresh();
  const { clientWidth: w, clientHeight: h } = $("map");
  if (h > w) await plot.zoomToLocation([0, 0], h / w);
  overlay();
  window.ilkMap.ready = true;
}
window.ilkMap = {
  ready: false,
  get count() { return plot ? plot.get("points").length : 0; },
  get selected() { return state.active ? state.chosen.slice() : []; },
  get focused() { return state.focus; },
  get pinned() { return state.pinned; },
  colorOf: (i) => palette()[colorOf(i)],
  spotOf: (i) => { const r = $("canvas").getBoundingClientRect(), s = plot.getScreenPosition(i); return [r.left + s[0], r.top + s[1]]; },
  view: () => [...plot.get("cameraTarget"), plot.get("cameraDistance")],
};
begin().catch((error) => {
  document.body.classList.remove("live");
  $("why").textContent = `The map needs WebGL, which this browser does not offer (${error.message}). Here it stands still; the table above counts each class.`;
  $("table").open = true;
});
