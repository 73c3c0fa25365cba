// Takes apart what core/bundle.py packs, and keeps it for every canvas of the page.

const KINDS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };
const KEPT = { model: 3, view: 6 };

// A model is sent once and drawn with many views: it must not give way to them.
const kindOf = ({ meta }) => ("window" in meta ? "view" : "model");

function unpack(bytes) {
  const block = bytes.byteOffset % 4 ? bytes.slice() : bytes; // typed arrays start at multiples of four
  const start = 4 + new DataView(block.buffer, block.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(block.subarray(4, start)));
  const arrays = {};
  for (const [name, told] of Object.entries(header.arrays)) {
    const count = told.shape.reduce((product, size) => product * size, 1);
    arrays[name] = new KINDS[told.dtype](block.buffer, block.byteOffset + start + told.offset, count);
  }
  return { meta: header.meta, arrays };
}

// Weights and views come by a component of their own, once each: a click does not send them again.
function store() {
  globalThis.priorscopeBundles ??= { kept: new Map(), waiting: new Set() };
  return globalThis.priorscopeBundles;
}

function keepBundle(bytes) {
  const { kept, waiting } = store();
  const bundle = unpack(bytes);
  kept.delete(bundle.meta.id);
  kept.set(bundle.meta.id, bundle);
  const alike = [...kept].filter(([, one]) => kindOf(one) === kindOf(bundle)).map(([id]) => id);
  for (const id of alike.slice(0, -KEPT[kindOf(bundle)])) kept.delete(id);
  for (const arrived of [...waiting]) arrived();
}
