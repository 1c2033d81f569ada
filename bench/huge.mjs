/**
 * `npm run bench -- huge`: a merge of 70 B models, 140 GB each: two fine-tunes of a base in 29 shards as transformers
 * saves them, through the command line. Their weights are zero and take no disk but for spots in four shards; so it is with the
 * result (`holes.mjs`). Told is the peak memory of the process tree; compared is every value of the spots, with what
 * plain arithmetic here makes of them, and a thousand places elsewhere.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { makeSparse, SHAPES, tensorsOf } from "./checkpoints.mjs";
import { timed } from "./run.mjs";

/** Elements of a spot: enough for tiles to begin and end inside it. */
const SPOT = 3 * 2 ** 20 + 12_345;
const [WEIGHT_A, WEIGHT_B, DENSITY] = [0.7139, 0.4537, 0.004];

const RECIPES = {
  linear: `merge_method: linear\nmodels:\n  - {model: a, parameters: {weight: ${WEIGHT_A}}}\n  - {model: b, parameters: {weight: ${WEIGHT_B}}}\n`,
  ties: `merge_method: ties\nbase_model: base\nmodels:\n  - {model: a, parameters: {weight: ${WEIGHT_A}, density: ${DENSITY}}}\n  - {model: b, parameters: {weight: ${WEIGHT_B}, density: ${DENSITY}}}\n`,
};

/** @param only names of methods; both when empty */
export async function hugeBench(root, { size = "70B", shards = 29, only = [] } = {}) {
  const work = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "weightloom-bench-"));
  try {
    const models = ["base", "a", "b"];
    let bytes = 0;
    for (const name of models) bytes = makeSparse(join(work, name), size, shards);
    const spots = spotsOf(join(work, "base"), size);
    const values = spots.map((spot, s) => fill(work, spot, s + 1));
    const rows = [];
    for (const [method, text] of Object.entries(RECIPES)) {
      if (only.length > 0 && !only.includes(method)) continue;
      writeFileSync(join(work, "recipe.yml"), text);
      const holes = pathToFileURL(join(root, "bench/holes.mjs")).href;
      const program = ["--import", holes, join(root, "bin/weightloom.mjs")];
      const options = { cwd: work };
      const sharded = ["--shard-size", `${Math.ceil(bytes / shards / 1e6)}MB`];
      const done = await timed(
        process.execPath,
        [...program, "merge", "recipe.yml", "out", "--engine", "cpu", "--json", ...sharded],
        options,
      );
      if (done.code !== 0) throw new Error(`The merge failed: ${done.errors.slice(-2000)}`);
      const report = JSON.parse(done.output.trim().split("\n").at(-1));
      const compared = spots.map((spot, s) => compare(join(work, "out"), method, spot, values[s]));
      const elsewhere = emptyPlaces(join(work, "out"), spots, 1000);
      const checked = await timed(
        process.execPath,
        [join(root, "bin/weightloom.mjs"), "verify", "out", "--json"],
        options,
      );
      if (checked.code !== 0)
        throw new Error(`The check failed: ${checked.output.slice(-2000)} ${checked.errors.slice(-2000)}`);
      rows.push({
        method,
        bytes,
        seconds: done.seconds,
        peak: done.peak,
        buffers: report.peakBytes,
        read: report.readBytes,
        written: report.writtenBytes,
        files: report.files.length,
        compared: compared.reduce((sum, { elements }) => sum + elements, 0),
        changed: compared.reduce((sum, { changed }) => sum + changed, 0),
        worst: Math.max(...compared.map(({ worst }) => worst)),
        elsewhere,
        checkSeconds: checked.seconds,
        checkPeak: checked.peak,
      });
      rmSync(join(work, "out"), { recursive: true, force: true });
      console.error(JSON.stringify(rows.at(-1)));
    }
    return rows;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** In four shards, the first and the last among them: the beginning, the middle and the end of a matrix. */
function spotsOf(folder, size) {
  const map = JSON.parse(readFileSync(join(folder, "model.safetensors.index.json"), "utf8")).weight_map;
  const files = [...new Set(Object.values(map))];
  const tensors = tensorsOf(SHAPES[size]);
  return [0, 0.4, 0.7, 1].map((shard, s) => {
    const inside = tensors.filter(({ name }) => map[name] === files[Math.floor(shard * (files.length - 1))]);
    const { name, shape } = inside.reduce((most, one) => (one.bytes > most.bytes ? one : most));
    const count = shape.reduce((a, b) => a * b, 1);
    const length = Math.min(SPOT, count);
    const first = [0, Math.floor((count - length) / 2) + 7, count - length, 4096 * 3 + 5][s] ?? 0;
    return { name, count, length, first: Math.min(first, count - length) };
  });
}

/** Where a tensor lies in a folder, by its own index and headers. */
function placeOf(folder, name) {
  const index = JSON.parse(readFileSync(join(folder, "model.safetensors.index.json"), "utf8"));
  const path = join(folder, index.weight_map[name]);
  const file = openSync(path, "r");
  const length = Buffer.alloc(8);
  readSync(file, length, 0, 8, 0);
  const header = Buffer.alloc(Number(length.readBigUInt64LE()));
  readSync(file, header, 0, header.length, 8);
  closeSync(file);
  const [start, end] = JSON.parse(header.toString())[name].data_offsets;
  return { path, start: 8 + header.length + start, bytes: end - start };
}

const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);
const toBf16 = (value) => {
  floats[0] = value;
  return (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) >>> 16;
};
const fromBf16 = (half) => {
  bits[0] = half << 16;
  return floats[0];
};

/** Writes a spot of all three models; the fine-tunes are near the base. */
function fill(work, { name, first, length }, seed) {
  let state = seed * 2654435761;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const base = Uint16Array.from({ length }, () => toBf16(next() * 0.08));
  const near = () => base.map((half) => toBf16(fromBf16(half) + next() * 0.01));
  const all = { base, a: near(), b: near() };
  for (const [model, halves] of Object.entries(all)) {
    const { path, start } = placeOf(join(work, model), name);
    const file = openSync(path, "r+");
    writeSync(file, new Uint8Array(halves.buffer), 0, 2 * length, start + 2 * first);
    closeSync(file);
  }
  return all;
}

/** What the formulas in docs/methods.md make of a spot, in f64; everything outside it is zero in all models. */
const FORMULAS = {
  linear: ({ a, b }) =>
    Float64Array.from(a, (half, i) => (WEIGHT_A * fromBf16(half) + WEIGHT_B * fromBf16(b[i])) / (WEIGHT_A + WEIGHT_B)),
  ties: ({ base, a, b }, count) => {
    const deltas = [a, b].map((model) =>
      trimmed(
        Float64Array.from(model, (half, i) => fromBf16(half) - fromBf16(base[i])),
        Math.floor(DENSITY * count),
      ),
    );
    const weights = [WEIGHT_A, WEIGHT_B];
    return Float64Array.from(base, (half, i) => {
      const own = deltas.map((delta, m) => weights[m] * delta[i]);
      // Where the two cancel, the last bit of f32 elects the sign: either is right.
      if (own[0] !== 0 && Math.abs(own[0] + own[1]) < 1e-6 * Math.abs(own[0])) return Number.NaN;
      const sign = own[0] + own[1] >= 0 ? 1 : -1;
      let [sum, over] = [0, 0];
      own.forEach((value, m) => {
        if (value * sign > 0) {
          sum += value;
          over += weights[m];
        }
      });
      return fromBf16(half) + (over === 0 ? 0 : sum / over);
    });
  },
};

/** The k largest magnitudes, of equal ones those that come first. */
function trimmed(delta, k) {
  const order = Uint32Array.from(delta, (_, i) => i).sort((x, y) => Math.abs(delta[y]) - Math.abs(delta[x]) || x - y);
  for (const i of order.subarray(k)) delta[i] = 0;
  return delta;
}

/** Largest difference, in last places of BF16. */
function compare(out, method, { name, count, first, length }, values) {
  const { path, start } = placeOf(out, name);
  const file = openSync(path, "r");
  const found = new Uint16Array(length);
  readSync(file, new Uint8Array(found.buffer), 0, 2 * length, start + 2 * first);
  closeSync(file);
  const wanted = FORMULAS[method](values, count);
  let [worst, changed] = [0, 0];
  for (let i = 0; i < length; i++) {
    if (Number.isNaN(wanted[i])) continue;
    const place = 2 ** (Math.floor(Math.log2(Math.max(Math.abs(wanted[i]), 2 ** -126))) - 7);
    // Where a change cancels its weight, what is left has the last bits of f32 arithmetic on them.
    const slack = 2 ** -22 * Math.max(...Object.values(values).map((halves) => Math.abs(fromBf16(halves[i]))));
    worst = Math.max(worst, (Math.abs(fromBf16(found[i]) - wanted[i]) - slack) / place);
    if (found[i] !== values.base[i]) changed++;
  }
  if (!(worst <= 1)) throw new Error(`${method}: ${name} is ${worst} last places off what the formula makes.`);
  return { elements: length, worst, changed };
}

/** Reads so many places of the result, spread over all files, where there is nothing in any model. */
function emptyPlaces(out, spots, places) {
  const index = JSON.parse(readFileSync(join(out, "model.safetensors.index.json"), "utf8")).weight_map;
  const names = Object.keys(index).filter((name) => !spots.some((spot) => spot.name === name));
  const step = names.length / places;
  const block = Buffer.alloc(4096);
  for (let i = 0; i < places; i++) {
    const { path, start, bytes } = placeOf(out, names[Math.floor(i * step)]);
    const file = openSync(path, "r");
    const most = Math.min(block.length, bytes);
    const at = Math.floor(((i % 10) / 10) * (bytes - most));
    const length = readSync(file, block, 0, most, start + at);
    if (length !== most) throw new Error(`${path} ends too early.`);
    closeSync(file);
    if (block.subarray(0, length).some((byte) => byte !== 0))
      throw new Error(`${path}: something was written where nothing is.`);
  }
  return places;
}
