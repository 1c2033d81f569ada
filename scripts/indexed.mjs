/** Pictures with 256 colours: a third of the bytes of true colour, and of a page's screenshot nobody sees the difference. */
import { deflateSync } from "node:zlib";

const COLOURS = 256;

/** Boxes of colours, cut in half at the middle pixel of their widest side until there are enough of them (Heckbert 1982). */
function paletteOf(counts) {
  const all = [...counts].map(([key, count]) => ({ rgb: [(key >> 16) & 255, (key >> 8) & 255, key & 255], count }));
  const boxes = [all];
  const spread = (box, side) => {
    const values = box.map(({ rgb }) => rgb[side]);
    return Math.max(...values) - Math.min(...values);
  };
  const weight = (box) => {
    const widest = Math.max(...[0, 1, 2].map((side) => spread(box, side)));
    return widest * Math.sqrt(box.reduce((sum, { count }) => sum + count, 0));
  };
  const weights = [weight(all)];
  while (boxes.length < COLOURS) {
    const at = weights.indexOf(Math.max(...weights));
    if (!(weights[at] > 0)) break;
    const box = boxes[at];
    const side = [0, 1, 2].sort((a, b) => spread(box, b) - spread(box, a))[0];
    box.sort((a, b) => a.rgb[side] - b.rgb[side]);
    const half = box.reduce((sum, { count }) => sum + count, 0) / 2;
    let cut = 0;
    for (let seen = 0; cut < box.length - 1 && seen < half; cut++) seen += box[cut].count;
    const parts = [box.slice(0, Math.max(1, cut)), box.slice(Math.max(1, cut))];
    boxes.splice(at, 1, ...parts);
    weights.splice(at, 1, ...parts.map(weight));
  }
  // A box stands for its commonest colour, so that grounds and lines stay exactly what they are.
  return boxes.map((box) => box.reduce((best, one) => (one.count > best.count ? one : best)).rgb);
}

const CRC = Int32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  let crc = -1;
  for (const byte of body) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeInt32BE(~crc, body.length + 4);
  return out;
}

/** @param rgba four bytes per pixel, none of them transparent */
export function indexedPng(width, height, rgba) {
  const counts = new Map();
  for (let i = 0; i < rgba.length; i += 4) {
    const key = (rgba[i] << 16) | (rgba[i + 1] << 8) | rgba[i + 2];
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const palette = paletteOf(counts);
  const nearest = new Map();
  for (const key of counts.keys()) {
    const rgb = [(key >> 16) & 255, (key >> 8) & 255, key & 255];
    const away = (to) => 3 * (rgb[0] - to[0]) ** 2 + 6 * (rgb[1] - to[1]) ** 2 + (rgb[2] - to[2]) ** 2;
    let best = 0;
    for (let i = 1; i < palette.length; i++) if (away(palette[i]) < away(palette[best])) best = i;
    nearest.set(key, best);
  }
  const lines = Buffer.alloc(height * (width + 1));
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i += 4)
      lines[y * (width + 1) + 1 + x] = nearest.get((rgba[i] << 16) | (rgba[i + 1] << 8) | rgba[i + 2]);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", head),
    chunk("PLTE", Buffer.from(palette.flat())),
    chunk("IDAT", deflateSync(lines, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
