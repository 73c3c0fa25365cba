// A component without a face: the bytes it is given are kept for the canvas.
export default function ({ data }) {
  if (data instanceof Uint8Array && data.length) keepBundle(data);
}
