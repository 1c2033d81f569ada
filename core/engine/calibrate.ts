/**
 * How fast an engine is on a typical piece of work: two bf16 models mixed linearly, a few MiB a
 * tile, as many tiles in flight as the engine has lanes. Two tries, one per engine, fit in half a second.
 */
import type { Program } from "../graph/program.ts";
import type { Engine, TileJob } from "./engine.ts";

const LINEAR: Program = {
  key: "calibrate",
  inputs: [0, 1],
  ops: [
    { op: "input", slot: 0 },
    { op: "input", slot: 1 },
    { op: "uniform", word: 0 },
    { op: "uniform", word: 1 },
    { op: "mul", a: 0, b: 2 },
    { op: "mul", a: 1, b: 3 },
    { op: "add", a: 4, b: 5 },
  ],
  words: 2,
  sums: [],
  histograms: [],
  tables: [],
  reductions: [],
  output: 6,
};

const TILE_BYTES = 4 * 2 ** 20;

/**
 * Bytes of output per second. Runs for `budget` milliseconds after a first round that is not
 * counted (compiling, allocating), and until every lane has done at least one tile.
 */
export async function calibrate(engine: Engine, budget = 200): Promise<number> {
  const count = Math.floor(Math.min(TILE_BYTES, engine.maxTileBytes / 4) / 2 / 4096) * 4096;
  // Weights of ordinary size: bf16 bits of about 0.01, signs mixed.
  const weights = () =>
    new Uint8Array(new Uint16Array(count).map((_, i) => 0x3c00 | ((i * 2654435761) & 0x80ff)).buffer);
  const first = Array.from({ length: engine.lanes }, () => [weights(), weights()] as const);
  const words = new Uint32Array(new Float32Array([0.4, 0.6]).buffer);
  const once = (inputs: TileJob["inputs"]) =>
    engine.run({
      program: LINEAR,
      dtypes: ["BF16", "BF16"],
      encode: "BF16",
      words,
      tables: [],
      first: 0,
      count,
      inputs,
    });

  const warm = await Promise.all(first.map(once));
  const start = performance.now();
  const tiles = await Promise.all(
    warm.map(async (result) => {
      let { inputs } = result;
      let done = 0;
      do {
        ({ inputs } = await once(inputs));
        done++;
      } while (performance.now() - start < budget);
      return done;
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  return (tiles.reduce((sum, done) => sum + done, 0) * count * 2) / seconds;
}
