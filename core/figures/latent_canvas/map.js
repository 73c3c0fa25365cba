// The map: field, lines and points drawn once for each view, and what moves drawn over them.

const MARGIN = { left: 54, right: 10, top: 10, bottom: 44 };
const POLYGONS = {
  square: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
  diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
  "triangle-up": [[0, -1.25], [1.2, 0.9], [-1.2, 0.9]],
  "triangle-down": [[0, 1.25], [1.2, -0.9], [-1.2, -0.9]],
  bowtie: [[-1.2, -1], [1.2, 1], [1.2, -1], [-1.2, 1]],
  cross: [[-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4], [0.4, 1.2], [-0.4, 1.2],
    [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4]],
};

function regular(corners, inner) {
  return Array.from({ length: corners }, (_, k) => {
    const angle = (2 * Math.PI * k) / corners - Math.PI / 2;
    const radius = inner && k % 2 ? inner : 1.3;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}
POLYGONS.hexagon = regular(6);
POLYGONS.star = regular(10, 0.55);
POLYGONS.x = POLYGONS.cross.map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2]);

function traceSymbol(pen, symbol, x, y, size) {
  pen.beginPath();
  if (POLYGONS[symbol]) {
    POLYGONS[symbol].forEach(([a, b], k) => pen[k ? "lineTo" : "moveTo"](x + a * size, y + b * size));
    pen.closePath();
  } else pen.arc(x, y, size * 1.1, 0, 2 * Math.PI);
}

// One point of a style as a small picture: 20,000 of them are 20,000 copies and no paths.
function sprite(style, size, ratio) {
  const side = Math.ceil(4 * size * ratio);
  const picture = new OffscreenCanvas(side, side);
  const pen = picture.getContext("2d");
  pen.scale(ratio, ratio);
  traceSymbol(pen, style.symbol, (2 * size), (2 * size), size);
  pen.lineWidth = style.hollow ? 1.2 : 0.6;
  pen.strokeStyle = style.hollow ? style.colour : style.edge;
  pen.fillStyle = style.colour;
  if (!style.hollow) pen.fill();
  pen.stroke();
  return picture;
}

// From places to pixels of the canvas and back, for a window {x: [low, high], y: [low, high]}.
function axesOf(window, width, height) {
  const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  const across = inner.width / (window.x[1] - window.x[0]);
  const up = inner.height / (window.y[1] - window.y[0]);
  return {
    inner, across, up,
    pixel: (x, y) => [MARGIN.left + (x - window.x[0]) * across, MARGIN.top + (window.y[1] - y) * up],
    place: (px, py) => [window.x[0] + (px - MARGIN.left) / across, window.y[1] - (py - MARGIN.top) / up],
  };
}

function ticks([low, high]) {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((one) => one >= rough);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) found.push(Number((k * step).toPrecision(6)));
  return found;
}

function clip(pen, axes) {
  pen.beginPath();
  pen.rect(MARGIN.left, MARGIN.top, axes.inner.width, axes.inner.height);
  pen.clip();
}

// Field, highest-density lines and points. `chosen` says of each point whether it is inside the region; null: no region.
function drawBase(pen, axes, view, chosen, ratio) {
  pen.save();
  clip(pen, axes);
  if (view.field) {
    const { x, y } = view.meta.field_window;
    const [left, top] = axes.pixel(x[0], y[1]);
    pen.imageSmoothingEnabled = true;
    pen.drawImage(view.field, left, top, (x[1] - x[0]) * axes.across, (y[1] - y[0]) * axes.up);
  }
  for (const line of view.meta.lines) drawLine(pen, axes, view.arrays[line.array], line);
  drawPoints(pen, axes, view, chosen, ratio);
  pen.restore();
}

function drawPoints(pen, axes, view, chosen, ratio) {
  const { points, style } = view.arrays;
  const size = view.meta.point_size;
  const sprites = view.meta.styles.map((one) => sprite(one, size, ratio));
  const order = view.arrays.order;
  for (const k of order) {
    const [x, y] = axes.pixel(points[2 * k], points[2 * k + 1]);
    pen.globalAlpha = chosen && !chosen[k] ? view.meta.unpicked_alpha : view.meta.alpha;
    pen.drawImage(sprites[style[k]], x - 2 * size, y - 2 * size, 4 * size, 4 * size);
  }
  pen.globalAlpha = 1;
}

// A line of places (x, y, x, y, ...) with gaps where they are nan.
function drawLine(pen, axes, places, { colour, width, dash }) {
  pen.beginPath();
  for (let k = 0, pending = true; k < places.length; k += 2) {
    if (Number.isNaN(places[k])) { pending = true; continue; }
    pen[pending ? "moveTo" : "lineTo"](...axes.pixel(places[k], places[k + 1]));
    pending = false;
  }
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.setLineDash(dash);
  pen.stroke();
  pen.setLineDash([]);
}

function drawFrame(pen, axes, window, names, ink, faint) {
  pen.strokeStyle = faint;
  pen.lineWidth = 1;
  pen.strokeRect(MARGIN.left, MARGIN.top, axes.inner.width, axes.inner.height);
  pen.fillStyle = ink;
  pen.textAlign = "center";
  pen.textBaseline = "top";
  const bottom = MARGIN.top + axes.inner.height;
  for (const value of ticks(window.x)) pen.fillText(minus(value), axes.pixel(value, 0)[0], bottom + 6);
  pen.fillText(names[0], MARGIN.left + axes.inner.width / 2, bottom + 24);
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const value of ticks(window.y)) pen.fillText(minus(value), MARGIN.left - 6, axes.pixel(0, value)[1]);
  pen.save();
  pen.translate(12, MARGIN.top + axes.inner.height / 2);
  pen.rotate(-Math.PI / 2);
  pen.textAlign = "center";
  pen.fillText(names[1], 0, 0);
  pen.restore();
}

const minus = (value) => String(value).replace("-", "−");

// A cross in a halo: seen on any ground.
function drawMarker(pen, [x, y], { ink, halo, kind }) {
  const reach = kind === "cursor" ? 6 : 10;
  for (const [colour, width] of [[halo, 5], [ink, 2]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.beginPath();
    if (kind === "end") pen.rect(x - reach / 1.5, y - reach / 1.5, reach * 1.33, reach * 1.33);
    else if (kind === "upload") traceSymbol(pen, "star", x, y, 8);
    else {
      pen.moveTo(x - reach, y); pen.lineTo(x + reach, y);
      pen.moveTo(x, y - reach); pen.lineTo(x, y + reach);
    }
    if (kind === "place") {
      pen.moveTo(x + reach / 1.6, y); // else a line leads from the cross to the circle
      pen.arc(x, y, reach / 1.6, 0, 2 * Math.PI);
    }
    pen.stroke();
  }
}

// mean + L (cos a, sin a): the rim of a region of a Gaussian, L lower triangular and already as wide as that region.
function drawEllipse(pen, axes, { at, l }, colour) {
  pen.beginPath();
  for (let k = 0; k <= 48; k++) {
    const [a, b] = [Math.cos((k * Math.PI) / 24), Math.sin((k * Math.PI) / 24)];
    pen[k ? "lineTo" : "moveTo"](...axes.pixel(at[0] + l[0] * a, at[1] + l[1] * a + l[2] * b));
  }
  pen.strokeStyle = colour;
  pen.lineWidth = 1.4;
  pen.stroke();
}

// Which of the places lie in a polygon: an odd number of its sides to the right, as core/region.py has it.
function insidePolygon(points, corners) {
  const found = new Uint8Array(points.length / 2);
  for (let k = 0; k < found.length; k++) {
    const [x, y] = [points[2 * k], points[2 * k + 1]];
    for (let j = 0; j < corners.length; j++) {
      const [[x0, y0], [x1, y1]] = [corners[j], corners[(j + 1) % corners.length]];
      if (y0 !== y1 && y0 > y !== y1 > y && x < x0 + ((y - y0) * (x1 - x0)) / (y1 - y0)) found[k] ^= 1;
    }
  }
  return found;
}
