// The dots, the names, and the card of one image. One of three parts of one script; page.py joins them.

// ---- drawing -----------------------------------------------------------------------------------------------------
const color = new Array(n), size = new Array(n);
let painting = null, again = false;
async function paint() {
  if (!plot) return;
  if (painting) { again = true; return; }
  const layers = [[], [], [], []], few = state.active && state.chosen.length <= 2000; // few would drown among the others
  for (let i = 0; i < n; i++) {
    const large = target[i] >= 0 || added[i] || (few && on[i]) ? 1 : 0;
    color[i] = colorOf(i);
    size[i] = large;
    layers[state.active && !on[i] ? large : 2 + large].push(i);
  }
  const pointOrder = layers.flat(), labeled = layers[1].length + layers[3].length, small = n > 20000 ? 2 : n > 4000 ? 3.2 : 5;
  plot.set({
    backgroundColor: style("--field"), pointColor: palette(), pointColorHover: style("--ink"), pointColorActive: style("--ink"),
    lassoColor: style("--accent"), pointSize: [small, labeled > 4000 ? small + 2 : Math.max(8, small + 2)], pointOrder,
  });
  painting = plot.draw({ x, y, z: color, w: size }, { spatialIndex, zDataType: "categorical", wDataType: "categorical" });
  await painting;
  if (!spatialIndex) plot.set({ pointOrder }); // the first drawing forgets it
  spatialIndex ??= plot.get("spatialIndex");
  painting = null;
  if (again) { again = false; await paint(); }
  overlay();
}
let labels = [];
function nameSpots() { // the labeled image nearest to the middle of its class carries the name
  labels = [];
  $("names").replaceChildren();
  for (const c of rank.keys()) {
    const own = [];
    for (let i = 0; i < n; i++) if (on[i] && target[i] === c) own.push(i);
    if (!own.length) continue;
    const middle = (v) => own.map((i) => v[i]).sort((a, b) => a - b)[own.length >> 1];
    const mx = middle(x), my = middle(y);
    const at = own.reduce((best, i) => (Math.hypot(x[i] - mx, y[i] - my) < Math.hypot(x[best] - mx, y[best] - my) ? i : best));
    const name = classes[c]; // both ends of a long one: names of one kind often begin alike
    const span = el("span", { textContent: name.length > 24 ? `${name.slice(0, 10)}…${name.slice(-12)}` : name });
    $("names").append(span);
    labels.push([span, at, span.offsetWidth + 6]);
  }
}
function overlay() {
  if (!plot) return;
  const card = $("card"), { clientWidth: w, clientHeight: h } = $("map"); // read before anything is moved: once per frame
  const { offsetWidth: wide, offsetHeight: high } = card;
  const taken = [];
  for (const [span, at, long] of labels) {
    const [px, py] = plot.getScreenPosition(at) ?? [-99, -99];
    const covers = taken.some(([ox, oy, other]) => Math.abs(px - ox) < (long + other) / 2 && Math.abs(py - oy) < 19);
    span.style.visibility = covers ? "hidden" : "";
    span.style.transform = `translate(${px}px, ${py}px) translate(-50%, -150%)`;
    if (!covers) taken.push([px, py, long]);
  }
  const spot = state.focus >= 0 ? plot.getScreenPosition(state.focus) : null;
  $("ring").hidden = !spot;
  if (!spot) return;
  $("ring").style.transform = `translate(${spot[0]}px, ${spot[1]}px)`;
  const left = spot[0] + 20 + wide < w ? spot[0] + 20 : Math.max(8, spot[0] - 20 - wide);
  const top = Math.max(8, Math.min(spot[1] - high / 2, h - high - 8));
  card.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
}

// ---- one image ---------------------------------------------------------------------------------------------------
function facts(i) {
  const later = added[i] ? ", added later" : "";
  if (target[i] >= 0) return [className(target[i]), `Labeled${later}`];
  return [className(answer[i]), `Answer, status ${statuses[status[i]]}, confidence ${percent(i)}${later}`];
}
function nearest(i) {
  const found = [];
  for (let r = 0; r < near; r++) if (neighbor[i * near + r] >= 0) found.push([neighbor[i * near + r], distance[i * near + r]]);
  return found;
}
function focus(i, pinned = false, say = false) {
  state.focus = i;
  state.pinned = pinned && i >= 0;
  const card = $("card");
  card.hidden = i < 0;
  card.classList.toggle("pinned", state.pinned);
  if (i >= 0) {
    const [title, line] = facts(i), around = nearest(i);
    const top = el("div", { className: "top" });
    if (sheets.count) top.append(thumb(i, phone.matches ? 64 : 96));
    top.append(el("div", {}, el("strong", { textContent: title }), el("div", { textContent: line }), el("div", { className: "name", textContent: names[i] })));
    const row = el("div", { className: "near" }, el("p", { textContent: "Nearest labeled images, with distance" }));
    for (const [j, d] of around) {
      const button = el("button", { type: "button", title: names[j], tabIndex: state.pinned ? 0 : -1, onclick: () => go(j, true) });
      if (sheets.count) button.append(thumb(j, phone.matches ? 44 : 56));
      button.append(el("span", { textContent: className(target[j]) }), el("span", { textContent: d.toPrecision(3) }));
      row.append(button);
    }
    card.replaceChildren(top, ...(around.length ? [row] : []));
    if (state.pinned) card.append(el("button", { type: "button", className: "close", textContent: "×", ariaLabel: "Close", onclick: () => { focus(-1); $("map").focus(); } }));
    if (say) $("said").textContent = `${names[i]}: ${title}. ${line}. Nearest labeled: ${around.map(([j]) => className(target[j])).join(", ")}.`;
  }
  overlay();
}
function go(i, pinned) {
  focus(i, pinned, true);
  const [px, py] = plot.getScreenPosition(i) ?? [-1, -1], { clientWidth: w, clientHeight: h } = $("map");
  const low = phone.matches ? h - $("card").offsetHeight : h;
  if (px < 20 || py < 20 || px > w - 20 || py > low - 20) look([x[i], y[i] - (h - low) / h * plot.get("cameraDistance")], plot.get("cameraDistance"));
}
function walk(dx, dy) {
  const center = plot.get("cameraTarget"), from = state.focus;
  const ox = from >= 0 ? x[from] : center[0], oy = from >= 0 ? y[from] : center[1];
  let best = -1, least = Infinity;
  for (let i = 0; i < n; i++) {
    if (i === from || !on[i]) continue;
    const ax = x[i] - ox, ay = y[i] - oy, along = ax * dx + ay * dy, aside = Math.abs(ax * dy - ay * dx);
    const cost = from < 0 ? Math.hypot(ax, ay) : along > 0 && aside <= along ? along + aside : Infinity;
    if (cost < least) { least = cost; best = i; }
  }
  if (best >= 0) go(best, state.pinned);
}
