// What stands beside the map: the picture under the cursor, the one at the fixed place, and how usual both places are.

const signed = (value, digits = 2) => value.toFixed(digits).replace("-", "−");

// Pixels in [0, 1], channel by channel, as squares: 0 is black and 1 is white, nothing is stretched.
function paint(canvas, pixels, [channels, height, width]) {
  const side = Math.max(1, Math.floor(232 / Math.max(height, width)));
  if (canvas.width !== width * side || canvas.height !== height * side) {
    canvas.width = width * side;
    canvas.height = height * side;
  }
  const picture = new ImageData(width, height);
  const area = height * width;
  for (let k = 0; k < area; k++) {
    for (let c = 0; c < 3; c++) picture.data[4 * k + c] = Math.round(255 * pixels[channels === 3 ? c * area + k : k]);
    picture.data[4 * k + 3] = 255;
  }
  const small = new OffscreenCanvas(width, height);
  small.getContext("2d").putImageData(picture, 0, 0);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
}

// The code at a place of the view: of a plane origin + x d1 + y d2; of a map that of the nearest draw.
function codeAt(state, view, [x, y]) {
  if (view.meta.kind === "plane") {
    const [across, up] = state.directions;
    return { z: state.origin.map((value, j) => value + x * across[j] + y * up[j]), nearest: null };
  }
  const { points, codes } = view.arrays;
  let nearest = 0;
  for (let k = 0, best = Infinity; k < points.length / 2; k++) {
    const distance = (points[2 * k] - x) ** 2 + (points[2 * k + 1] - y) ** 2;
    if (distance < best) [nearest, best] = [k, distance];
  }
  const dim = codes.length / (points.length / 2);
  return { z: Array.from(codes.subarray(nearest * dim, (nearest + 1) * dim)), nearest };
}

// The value of a grid's cell at a place of its window; null outside.
function cellOf(view, name, [x, y]) {
  const grid = view.arrays[name];
  if (!grid) return null;
  const { field_window: window, cells } = view.meta;
  const column = Math.floor(((x - window.x[0]) / (window.x[1] - window.x[0])) * cells);
  const row = Math.floor(((y - window.y[0]) / (window.y[1] - window.y[0])) * cells);
  return column >= 0 && row >= 0 && column < cells && row < cells ? grid[row * cells + column] : null;
}

// A line of words on log q or log p: exact where the mixture is here, of the cell where only a grid is.
function density(model, view, name, place, z) {
  const exact = model[name]?.(z);
  const value = exact?.log ?? cellOf(view, `${name}_cells`, place);
  if (value === null || value === undefined) return view.meta.unknown[name];
  const reference = model.arrays[`${name}_reference`];
  const whose = name === "q" ? "the data’s codes" : "the prior’s draws";
  const share = reference ? `, higher than at ${Math.round(100 * shareBelow(reference, exact?.others ?? value))} % of ${whose}` : "";
  const without = share && exact?.own ? " (an image is encoded here: without its own posterior)" : "";
  return `log ${name} = ${signed(value)}${exact === undefined ? " (of the cell)" : ""}${share}${without}`;
}

// Decodes and describes one place; returns the milliseconds of decoding and densities, null where nothing is decoded.
function describe(elements, instance, place) {
  const { state, view, model } = instance;
  const began = performance.now();
  const { z, nearest } = codeAt(state, view, place);
  const lines = [density(model, view, "q", place, z), density(model, view, "p", place, z)];
  if (model.decode) paint(elements.picture, model.decode(z, state.drawn), model.meta.decoder.image_shape);
  const spent = performance.now() - began;
  const coordinates = `(${signed(place[0])}, ${signed(place[1])})`;
  elements.where.textContent =
    nearest === null ? `${view.meta.place_name} = ${coordinates}` : `nearest draw: ${view.meta.whose[view.arrays.klass[nearest] + 1]}`;
  elements.q.textContent = lines[0];
  elements.p.textContent = lines[1];
  elements.picture.setAttribute("aria-label", `${model.decode ? state.made : "nothing"} decoded at ${coordinates}`);
  elements.picture.hidden = !model.decode;
  return spent;
}
