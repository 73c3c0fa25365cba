// The canvas: what a person does with it, and what that changes. A hover stays here; a click and a lasso go to Python.

const DRAG = 5;
const SPANS = 50;
const FEWEST = 10;
const instances = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let instance = instances.get(parentElement);
  if (!instance) {
    instance = begin(parentElement);
    instances.set(parentElement, instance);
  }
  instance.send = setTriggerValue;
  instance.state = data;
  arrive(instance);
  return () => {
    instance.observer.disconnect();
    store().waiting.delete(instance.arrived);
    instances.delete(parentElement);
  };
}

function begin(root) {
  const map = root.querySelector(".map");
  const part = (name) => {
    const figure = root.querySelector(`figure.${name}`);
    const words = (kind) => figure.querySelector(`.${kind}`);
    return { figure, picture: words("head").nextElementSibling, head: words("head"), where: words("where"),
      q: words("q"), p: words("p") };
  };
  const instance = {
    root, map, base: document.createElement("canvas"), cursor: null, drag: null, times: [], queued: false,
    parts: { cursor: part("cursor"), fixed: part("fixed") }, viewId: null, modelId: null,
  };
  instance.arrived = () => arrive(instance);
  store().waiting.add(instance.arrived);
  instance.observer = new ResizeObserver(() => redraw(instance));
  instance.observer.observe(map.parentElement);
  map.onpointermove = (event) => moved(instance, event);
  map.onpointerdown = (event) => pressed(instance, event);
  map.onpointerup = (event) => released(instance, event);
  map.onpointerleave = () => { instance.cursor = null; later(instance); };
  map.onkeydown = (event) => typed(instance, event);
  map.addEventListener("wheel", (event) => wheeled(instance, event), { passive: false });
  root.querySelector(".save").onclick = () => save(instance);
  return instance;
}

// Python has sent a state, or the bytes that a state waits for are there.
function arrive(instance) {
  const { kept } = store();
  const { state } = instance;
  if (!state) return;
  // Only what is new has to be there: what is drawn already may have given way to others.
  const [newModel, newView] = [instance.modelId !== state.model, instance.viewId !== state.view];
  if ((newModel && !kept.has(state.model)) || (newView && !kept.has(state.view))) return;
  if (newModel) instance.model = makeModel(kept.get(state.model));
  if (newView) {
    instance.view = prepared(kept.get(state.view));
    instance.window = { ...instance.view.meta.window };
    instance.cursor = null;
  }
  [instance.modelId, instance.viewId] = [state.model, state.view];
  instance.region = state.region;
  instance.map.setAttribute("aria-label", state.alt);
  instance.root.querySelector(".note").textContent = instance.model.decode ? state.note : state.why;
  redraw(instance);
  instance.map.dataset.ready = state.view;
}

// The field is a picture of its own: it is scaled, not drawn again, when the map is zoomed.
function prepared({ meta, arrays }) {
  let field = null;
  if (arrays.field) {
    field = new OffscreenCanvas(meta.cells, meta.cells);
    field.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(arrays.field), meta.cells, meta.cells), 0, 0);
  }
  return { meta, arrays, field };
}

function redraw(instance) {
  const { map, base, view } = instance;
  if (!view || !map.clientWidth) return;
  const ratio = globalThis.devicePixelRatio || 1;
  const width = map.clientWidth;
  const height = Math.round(width - MARGIN.left - MARGIN.right + MARGIN.top + MARGIN.bottom);
  map.style.height = `${height}px`;
  for (const canvas of [map, base]) [canvas.width, canvas.height] = [width * ratio, height * ratio];
  instance.ratio = ratio;
  instance.axes = axesOf(instance.window, width, height);
  const style = getComputedStyle(map);
  const pen = base.getContext("2d");
  pen.scale(ratio, ratio);
  pen.font = `13px ${style.fontFamily}`;
  instance.chosen = instance.region ? insidePolygon(view.arrays.points, instance.region) : null;
  const began = performance.now();
  drawBase(pen, instance.axes, view, instance.chosen, ratio);
  map.dataset.drawn = (performance.now() - began).toFixed(2);
  drawFrame(pen, instance.axes, instance.window, view.meta.axes, style.color, instance.state.colours.neutral);
  drawLegend(instance);
  render(instance);
}

function later(instance) {
  if (instance.queued) return;
  instance.queued = true;
  requestAnimationFrame(() => { instance.queued = false; render(instance); });
}

function render(instance) {
  const { map, base, axes, state, ratio, parts } = instance;
  if (!axes) return;
  const pen = map.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, map.width, map.height);
  pen.drawImage(base, 0, 0);
  pen.scale(ratio, ratio);
  pen.save();
  clip(pen, axes);
  drawOver(pen, instance);
  pen.restore();
  const fixed = state.marker ?? state.start;
  parts.fixed.head.textContent = state.marker ? "Fixed place" : state.start_name;
  parts.cursor.head.textContent = instance.cursor ? "Under the cursor" : "Move over the map";
  describe(parts.fixed, instance, fixed);
  const spent = describe(parts.cursor, instance, instance.cursor ?? fixed);
  if (instance.cursor) note(instance, spent);
}

function drawOver(pen, instance) {
  const { axes, state, region, drag, cursor } = instance;
  const { colours } = state;
  for (const ellipse of state.ellipses) drawEllipse(pen, axes, ellipse, colours.data);
  for (const way of state.ways) drawLine(pen, axes, way.places.flat(), way);
  const outline = drag?.corners ?? region;
  if (outline) {
    pen.globalAlpha = 0.9;
    drawLine(pen, axes, [...outline, outline[0]].flat(), { colour: colours.halo, width: 4, dash: [] });
    drawLine(pen, axes, [...outline, outline[0]].flat(), { colour: colours.picked, width: 1.6, dash: [6, 4] });
    pen.globalAlpha = 1;
  }
  const cross = { ink: colours.picked, halo: colours.halo };
  if (state.upload) {
    if (state.upload.l) drawEllipse(pen, axes, state.upload, colours.upload);
    drawMarker(pen, axes.pixel(...state.upload.at), { ink: colours.upload, halo: colours.halo, kind: "upload" });
  }
  if (state.end) drawMarker(pen, axes.pixel(...state.end), { ...cross, kind: "end" });
  drawMarker(pen, axes.pixel(...(state.marker ?? state.start)), { ...cross, kind: "place" });
  if (cursor) drawMarker(pen, axes.pixel(...cursor), { ...cross, kind: "cursor" });
}

// Middle of the last decodes, so that the number can be read while it changes.
function note(instance, spent) {
  const { times } = instance;
  times.push(spent);
  if (times.length > 60) times.shift();
  instance.map.dataset.spent = spent.toFixed(3);
  if (times.length < FEWEST) return; // the first ones are slow: the code is compiled while it runs
  const middle = [...times].sort((a, b) => a - b)[times.length >> 1];
  instance.root.querySelector(".spent").textContent = `In this browser, without the server: ${middle.toFixed(1)} ms a place.`;
}

// Each mark with its name, and where a region is chosen how many of its draws lie in it.
function drawLegend(instance) {
  const { view, chosen, root } = instance;
  const list = root.querySelector(".legend");
  const totals = new Map();
  view.arrays.style.forEach((k, at) => {
    const [inside, all] = totals.get(k) ?? [0, 0];
    totals.set(k, [inside + (chosen ? chosen[at] : 0), all + 1]);
  });
  list.replaceChildren(...view.meta.legend.map(({ name, style, counted }) => {
    const [inside, all] = totals.get(style) ?? [0, 0];
    const item = document.createElement("li");
    const mark = document.createElement("canvas");
    [mark.width, mark.height] = [32, 32];
    mark.getContext("2d").drawImage(sprite(view.meta.styles[style], 5, 1.6), 0, 0);
    item.append(mark, chosen && counted ? `${name}: ${inside} / ${all}` : name);
    return item;
  }));
}

function at(instance, event) {
  const box = instance.map.getBoundingClientRect();
  return instance.axes.place(event.clientX - box.left, event.clientY - box.top);
}

function within({ window }, [x, y]) {
  return x >= window.x[0] && x <= window.x[1] && y >= window.y[0] && y <= window.y[1];
}

function moved(instance, event) {
  if (!instance.axes) return;
  const place = at(instance, event);
  const { drag } = instance;
  if (drag) {
    drag.moved ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > DRAG;
    if (drag.moved && event.shiftKey) {
      const [[x0, y0], [x1, y1]] = [drag.from, place];
      drag.corners = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
    } else if (drag.moved) drag.corners = [...(drag.corners ?? [drag.from]), place];
  }
  instance.cursor = within(instance, place) ? place : null;
  later(instance);
}

function pressed(instance, event) {
  if (!instance.axes || event.button !== 0) return;
  const from = at(instance, event);
  if (!within(instance, from)) return;
  instance.map.setPointerCapture(event.pointerId);
  instance.drag = { x: event.clientX, y: event.clientY, from, moved: false, corners: null };
}

function released(instance, event) {
  const { drag } = instance;
  instance.drag = null;
  if (!drag) return;
  if (!drag.moved) pick(instance, at(instance, event));
  else if (drag.corners?.length >= 3) {
    instance.region = drag.corners;
    redraw(instance);
    instance.send("outlined", drag.corners);
  } else later(instance);
}

function pick(instance, place) {
  if (!instance.state.sets_end) instance.state = { ...instance.state, marker: place };
  instance.send("picked", place);
  render(instance);
  say(instance, "Fixed. ");
}

function say(instance, before) {
  const { where, q, p } = instance.parts.cursor;
  instance.root.querySelector(".live").textContent = `${before}${where.textContent}. ${q.textContent}. ${p.textContent}`;
}

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const ZOOMS = { "+": 0.8, "=": 0.8, "-": 1.25 };

function typed(instance, event) {
  if (!instance.axes) return;
  const { window, state } = instance;
  const current = instance.cursor ?? state.marker ?? state.start;
  if (STEPS[event.key]) {
    const span = (window.x[1] - window.x[0]) / (event.shiftKey ? 5 * SPANS : SPANS);
    instance.cursor = current.map((value, k) => value + STEPS[event.key][k] * span);
    render(instance);
    say(instance, "");
  } else if (event.key === "Enter" || event.key === " ") pick(instance, current);
  else if (event.key === "Escape") { instance.cursor = null; later(instance); }
  else if (ZOOMS[event.key]) zoom(instance, ZOOMS[event.key], current);
  else if (event.key === "0") { instance.window = { ...instance.view.meta.window }; redraw(instance); }
  else return;
  event.preventDefault();
}

function wheeled(instance, event) {
  if (!event.ctrlKey || !instance.axes) return;
  event.preventDefault();
  zoom(instance, event.deltaY > 0 ? 1.15 : 1 / 1.15, at(instance, event));
}

function zoom(instance, factor, [x, y]) {
  const around = ([low, high], middle) => [middle + (low - middle) * factor, middle + (high - middle) * factor];
  instance.window = { x: around(instance.window.x, x), y: around(instance.window.y, y) };
  redraw(instance);
}

// The map as it is drawn, on the page's own ground.
function save({ map, state }) {
  const picture = document.createElement("canvas");
  [picture.width, picture.height] = [map.width, map.height];
  const pen = picture.getContext("2d");
  pen.fillStyle = getComputedStyle(map).getPropertyValue("--st-background-color");
  pen.fillRect(0, 0, picture.width, picture.height);
  pen.drawImage(map, 0, 0);
  picture.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${state.file}.png`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
}
