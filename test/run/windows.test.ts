/**
 * Thresholds by windows against thresholds by digits: the same bytes, for methods whose thresholds lie where samples
 * are good, and for tensors made so that a sample must mislead.
 */
import { afterAll, expect, test } from "vitest";
import { encode } from "../../core/bytes/convert.ts";
import { createLocalEngine } from "../../core/engine/cpu/pool.ts";
import type { Engine } from "../../core/engine/engine.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import { createSettlement } from "../../core/graph/settle.ts";
import { spotsOf } from "../../core/plan/spots.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { asideHost, streamTensor } from "../../core/run/tiles.ts";
import { kernels } from "../support/engines.ts";
import { type Ask, expression, type Input, planOf } from "../support/merge.ts";

const engine = await createLocalEngine(await kernels());
afterAll(() => engine.close());

const COLUMNS = 320;
const COUNT = COLUMNS * 1000;
const TILE = 4096 * 20;

function noise(count: number, seed: number): Float32Array {
  let state = (seed * 2654435761 + 1) >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length: count }, () => next() + next() + next() - 1.5);
}

const stored = (values: Float32Array): Input => ({ dtype: "BF16", bytes: encode("BF16", values) });

/** A base and two fine-tunes; changes are `scale` times noise. */
function family(scale: (i: number) => number): Pick<Ask, "base" | "models"> & { readonly base: Input } {
  const base = noise(COUNT, 1).map((value) => value / 20);
  const tunes = [2, 3].map((seed) => noise(COUNT, seed).map((value, i) => base[i]! + scale(i) * value));
  return { base: stored(base), models: tunes.map((tensor) => ({ tensor: stored(tensor) })) };
}

/** The engine, and how many tiles counted by windows and by high digits. */
function counting(): { engine: Engine; counts: { window: number; high: number } } {
  const counts = { window: 0, high: 0 };
  const run: Engine["run"] = (job, signal) => {
    for (const { digit } of job.program.histograms) if (digit !== "low") counts[digit]++;
    return engine.run(job, signal);
  };
  return { engine: { ...engine, run }, counts };
}

/** By digits; by windows of a tensor that stays in memory; by windows of one that is read again for every sweep. */
async function both(ask: Ask, tile = TILE) {
  const { merged, inputs } = expression({ ...ask, shape: [COUNT / COLUMNS, COLUMNS] });
  const plan = (windowed: boolean, resident: boolean) =>
    planOf(merged, inputs, { dtype: "BF16", tile, keeps: true, windowed, resident });
  const byDigits = counting();
  const wanted = await computeTensor(plan(false, true), byDigits.engine);
  expect(byDigits.counts.window).toBe(0);
  const byWindows = async (resident: boolean) => {
    const { engine, counts } = counting();
    expect(Buffer.compare(wanted, await computeTensor(plan(true, resident), engine))).toBe(0);
    return counts;
  };
  const counts = [await byWindows(true), await byWindows(false)];
  return { counts, tiles: Math.ceil(COUNT / tile) };
}

const METHODS = [
  { method: "ties", own: { density: 0.5 }, windows: 2 },
  { method: "ties", own: { density: 0.03 }, windows: 2 },
  { method: "breadcrumbs", own: { density: 0.5 }, windows: 4 },
  { method: "neuromerging", own: {}, windows: 2 },
  { method: "pcb", own: {}, windows: 8 },
  { method: "sce", own: {}, params: { select_topk: 0.5 }, windows: 1 },
] as const;

test.each(METHODS)(
  "$method, $own: the same bytes, without counting digits",
  async ({ method, own, windows, ...rest }) => {
    const { base, models } = family(() => 0.01);
    const of = (params: typeof own) => ({ base, models: models.map(({ tensor }) => ({ tensor, params })) });
    const { counts, tiles } = await both({ method, ...of(own), ...rest });
    for (const { window, high } of counts) {
      expect(window).toBe(windows * tiles);
      expect(high).toBeLessThanOrEqual(tiles);
    }
  },
);

test.each([1, 1e-12])(
  "a sum of what is kept is the same where windows tell it and where they do not: steps of %d",
  async (small) => {
    const base = { dtype: "F32", bytes: new Uint8Array(4 * COUNT) } as const;
    const tunes = [2, 3].map((seed) => noise(COUNT, seed).map((value, i) => (i % 3 === 0 ? value * small : value)));
    const models = tunes.map((values) => ({
      tensor: { dtype: "F32", bytes: new Uint8Array(values.buffer) } as const,
      params: { density: 0.8 },
    }));
    const sums = { jobs: 0 };
    const { merged, inputs } = expression({ method: "ties", base, models, params: { rescale: true } });
    const plan = (windowed: boolean) =>
      planOf(merged, inputs, { dtype: "F32", tile: 4096 * 20, keeps: true, windowed });
    const run: Engine["run"] = (job, signal) => {
      if (job.program.sums.length > 0) sums.jobs++;
      return engine.run(job, signal);
    };
    const wanted = await computeTensor(plan(false), engine);
    expect(Buffer.compare(wanted, await computeTensor(plan(true), { ...engine, run }))).toBe(0);
    const tiles = Math.ceil(COUNT / (4096 * 20));
    // The sweep with the windows; then, where f64 would round, each model's sum by itself.
    expect(sums.jobs).toBe(small === 1 ? tiles : 3 * tiles);
  },
);

test("arcee_fusion, whose numbers belong to rows", async () => {
  const { base, models } = family((i) => 0.002 * (1 + (Math.floor(i / COLUMNS) % 7) / 20));
  const { counts, tiles } = await both({ method: "arcee_fusion", base, models: models.slice(0, 1) });
  for (const { window, high } of counts) {
    expect(window).toBe(3 * tiles);
    expect(high).toBeLessThanOrEqual(tiles);
  }
});

test("changes where no sample is taken: windows miss, digits are counted, the bytes are the same", async () => {
  const sampled = new Set(
    [true, false].flatMap((resident) => {
      const { first, length } = spotsOf({ count: COUNT, tile: TILE, resident });
      return first.flatMap((at) => Array.from({ length }, (_, i) => at + i));
    }),
  );
  const { base, models } = family((i) => (sampled.has(i) ? 1e-4 : 0.01));
  const ask = { base, models: models.map(({ tensor }) => ({ tensor, params: { density: 0.3 } })) };
  const { counts, tiles } = await both({ method: "ties", ...ask });
  for (const { high } of counts) expect(high).toBeGreaterThanOrEqual(tiles);
});

test("NaN and infinity are the largest magnitudes either way", async () => {
  const { base, models } = family(() => 0.01);
  const broken = new Uint16Array(models[0]!.tensor.bytes.slice().buffer);
  for (let i = 0; i < broken.length; i += 1001) broken[i] = i % 2 === 0 ? 0x7fc0 : 0xff80;
  const tensors = [{ dtype: "BF16", bytes: new Uint8Array(broken.buffer) } as const, models[1]!.tensor];
  await both({ method: "ties", base, models: tensors.map((tensor) => ({ tensor, params: { density: 0.002 } })) });
});

test("the plain engine finds the same, and a pass that is recalled needs no tile", async () => {
  const { base, models } = family(() => 0.01);
  const ask = { method: "ties", base, models: models.map(({ tensor }) => ({ tensor, params: { density: 0.4 } })) };
  const { merged, inputs } = expression(ask);
  const plan = planOf(merged, inputs, { dtype: "BF16", keeps: true, windowed: true });
  const wanted = await computeTensor(plan, engine);
  expect(Buffer.compare(wanted, await computeTensor(plan, createPlainEngine()))).toBe(0);

  const [first, last] = plan.passes;
  const [run, recalled] = [createSettlement(COUNT, plan.seed), createSettlement(COUNT, plan.seed)];
  await (
    await streamTensor(
      plan,
      [first!],
      run,
      asideHost(engine, () => {}),
    )
  ).settled;
  recalled.recall(first!, JSON.parse(JSON.stringify(run.keep(first!, [last!]))));
  expect([...recalled.words(last!, 0)]).toEqual([...run.words(last!, 0)]);
});
