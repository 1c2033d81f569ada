/**
 * Every folder in cases/ is a recipe and what mergekit made of it. Each is planned here and merged by every engine.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { decode } from "../../core/bytes/convert.ts";
import { isOutput } from "../../core/bytes/dtype.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import { openSafetensors } from "../../core/formats/safetensors.ts";
import { buildPlan } from "../../core/plan/build.ts";
import type { Plan, TensorPlan } from "../../core/plan/plan.ts";
import { parseRecipe } from "../../core/recipe/parse.ts";
import { modelsOf } from "../../core/recipe/recipe.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { METHODS } from "../../methods/index.ts";
import { arbitrary, misfits } from "../support/compare.ts";
import { engines } from "../support/engines.ts";
import { modelAt } from "../support/model.ts";

const here = import.meta.dirname;
const cases = readdirSync(join(here, "cases")).filter((name) => existsSync(join(here, "cases", name, "case.json")));

interface Case {
  readonly compare: "exact" | "close" | "ties" | "dare";
  readonly rel: number;
  readonly ulp: number;
  /** Wider than `rel`, by tensor: what F32 arithmetic loses there. */
  readonly wide?: Readonly<Record<string, number>>;
  /** Elements, by tensor, that rounding or an unstable sort may decide otherwise. */
  readonly open?: Readonly<Record<string, readonly number[]>>;
  readonly masked?: Readonly<
    Record<string, { readonly changed: readonly [number, number]; readonly l1: readonly [number, number] }>
  >;
}

async function planOfCase(name: string, seed = 7): Promise<Plan> {
  const text = readFileSync(join(here, "cases", name, "recipe.yml"), "utf8");
  const { recipe, diagnostics } = parseRecipe(text, METHODS);
  if (recipe === null) throw new Error(diagnostics.map((d) => `${d.line}:${d.column} ${d.message}`).join("\n"));
  const models = new Map(
    await Promise.all(modelsOf(recipe).map(async (ref) => [ref, await modelAt(ref, join(here, ref))] as const)),
  );
  return buildPlan(recipe, models, {
    methods: METHODS,
    shardBytes: Number.POSITIVE_INFINITY,
    memory: 1e8,
    maxTileBytes: 1e7,
    lanes: 2,
    seed,
    text,
  });
}

/**
 * Where a case needs more room on one engine, and why. Its tensor pair is nearly antiparallel (cosine -0.9987): 1 / sin^2
 * of the angle multiplies the rounding of the GPU's f32 partial sums by 370.
 */
const WIDER: Readonly<Record<string, number>> = { "WebGPU slerp-slices-stacked": 2e-5 };

test("mergekit's cases are here", () => {
  expect(cases.length).toBeGreaterThanOrEqual(60);
});

describe.each(await engines())("$name", ({ name: engineName, engine }) => {
  afterAll(() => engine.close());

  const bytesOf = (tensor: TensorPlan) =>
    tensor.action === "merge" ? computeTensor(tensor, engine) : tensor.from.source.read(tensor.from.range);

  test.each(cases)("%s", async (name) => {
    const folder = join(here, "cases", name);
    const rule = JSON.parse(readFileSync(join(folder, "case.json"), "utf8")) as Case;
    const plan = await planOfCase(name);
    const expected = await openSafetensors(fromBytes(name, readFileSync(join(folder, "expected.safetensors"))));
    expect(plan.tensors.map((t) => t.name).sort()).toEqual([...expected.tensors.keys()].sort());
    if (rule.masked !== undefined) await expectAlike(name, rule.masked, bytesOf);
    for (const tensor of plan.tensors) {
      if (rule.masked?.[tensor.name] !== undefined) continue;
      const want = expected.tensors.get(tensor.name)!;
      expect([tensor.name, tensor.dtype, tensor.shape]).toEqual([want.name, want.dtype, want.shape]);
      const got = await bytesOf(tensor);
      const wanted = await want.source.read(want.range);
      if (!isOutput(tensor.dtype)) {
        expect(got).toEqual(wanted);
      } else {
        const excused =
          rule.compare === "ties" && tensor.action === "merge"
            ? await arbitrary(tensor)
            : new Set(rule.open?.[tensor.name] ?? []);
        const tolerance =
          rule.compare === "exact"
            ? { rel: 0, ulp: 0 }
            : {
                ulp: rule.ulp,
                rel: Math.max(rule.rel, rule.wide?.[tensor.name] ?? 0, WIDER[`${engineName} ${name}`] ?? 0),
              };
        expect([tensor.name, misfits(tensor.dtype, got, wanted, tolerance, excused).slice(0, 3)]).toEqual([
          tensor.name,
          [],
        ]);
      }
    }
  });

  test.each(cases)("%s: config.json", async (name) => {
    const file = join(here, "cases", name, "expected-config.json");
    const plan = await planOfCase(name);
    const made = plan.extras.find((extra) => extra.name === "config.json")?.content;
    if (!(made instanceof Uint8Array)) throw new Error("no config.json was planned");
    const ours = JSON.parse(new TextDecoder().decode(made)) as Record<string, unknown>;
    const theirs = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    expect(ours.num_hidden_layers).toBe(theirs.num_hidden_layers);
    expect(ours.vocab_size).toBe(theirs.vocab_size);
    // Where the recipe is silent mergekit keeps the donor's word, even for tensors of another type; ours tells the weights'.
    const stored = plan.tensors.map((tensor) => tensor.dtype);
    const declared = plan.recipe.out_dtype ?? plan.recipe.dtype;
    const said =
      declared === undefined && stored.every((dtype) => dtype === "F32")
        ? "float32"
        : (theirs.dtype ?? theirs.torch_dtype);
    expect(ours.dtype ?? ours.torch_dtype).toBe(said);
  });
});

/**
 * DARE's masks are random. mergekit's mean share of changed elements and mean total change over 32 seeds are held
 * against ours over 8 seeds: the means may differ by 4 standard errors.
 */
async function expectAlike(
  name: string,
  masked: NonNullable<Case["masked"]>,
  bytesOf: (tensor: TensorPlan) => Promise<Uint8Array<ArrayBuffer>>,
): Promise<void> {
  const runs = 8;
  const shares = new Map<string, number[]>();
  const totals = new Map<string, number[]>();
  for (let seed = 1; seed <= runs; seed++) {
    for (const tensor of (await planOfCase(name, seed)).tensors) {
      if (masked[tensor.name] === undefined) continue;
      if (tensor.action !== "merge" || !isOutput(tensor.dtype)) throw new Error(`${tensor.name} was not merged`);
      const base = tensor.inputs[0]!;
      const values = decode(tensor.dtype, await bytesOf(tensor));
      const before = decode(base.dtype, await base.info.source.read(base.info.range));
      const apart = Array.from(values, (value, i) => Math.abs(value - before[i]!));
      shares.set(tensor.name, [...(shares.get(tensor.name) ?? []), apart.filter((d) => d > 0).length / apart.length]);
      totals.set(tensor.name, [...(totals.get(tensor.name) ?? []), apart.reduce((sum, d) => sum + d, 0)]);
    }
  }
  const mean = (values: readonly number[] = []) => values.reduce((a, b) => a + b, 0) / values.length;
  // Sigma is itself an estimate, and the total of a few rescaled elements has a long tail: small tensors get 6.
  const error = (sigma: number, times = 4) => times * sigma * Math.sqrt(1 / runs + 1 / 32);
  for (const [tensor, { changed, l1 }] of Object.entries(masked)) {
    const share = mean(shares.get(tensor));
    const total = mean(totals.get(tensor));
    const few = tensor.includes("norm");
    expect(Math.abs(share - changed[0]), `${tensor}: share changed ${share}, mergekit ${changed}`).toBeLessThanOrEqual(
      error(changed[1]) + 1e-6,
    );
    expect(Math.abs(total - l1[0]), `${tensor}: total change ${total}, mergekit ${l1}`).toBeLessThanOrEqual(
      error(l1[1], few ? 6 : 4) + 1e-5 * l1[0],
    );
  }
}
