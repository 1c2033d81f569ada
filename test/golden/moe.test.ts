/** Every folder in moe/ is a mixture of experts and what mergekit-moe made of it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { decode } from "../../core/bytes/convert.ts";
import { isFloat, isOutput } from "../../core/bytes/dtype.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import { openSafetensors } from "../../core/formats/safetensors.ts";
import { buildMoePlan } from "../../core/moe/build.ts";
import { prepareGates } from "../../core/moe/gates.ts";
import type { Plan, TensorPlan } from "../../core/plan/plan.ts";
import { modelsOfDocument, parseDocument } from "../../core/recipe/document.ts";
import { computeTensor } from "../../core/run/compute.ts";
import { METHODS } from "../../methods/index.ts";
import { misfits } from "../support/compare.ts";
import { modelAt } from "../support/model.ts";

const here = import.meta.dirname;
const cases = readdirSync(join(here, "moe"));
const engine = createPlainEngine();

interface Case {
  readonly rel: number;
  readonly ulp: number;
  /** Tensors that depend on the seed, and their distribution: mean and deviation, or lowest and highest. */
  readonly random?: Readonly<
    Record<string, { readonly normal?: readonly [number, number]; readonly uniform?: readonly [number, number] }>
  >;
}

async function planOfCase(name: string, seed = 7): Promise<Plan> {
  const text = readFileSync(join(here, "moe", name, "moe.yml"), "utf8");
  const { document, diagnostics } = parseDocument(text, METHODS);
  if (document?.kind !== "moe")
    throw new Error(diagnostics.map((d) => `${d.line}:${d.column} ${d.message}`).join("\n"));
  const models = new Map(
    await Promise.all(
      modelsOfDocument(document).map(async (ref) => [ref, await modelAt(ref, join(here, ref))] as const),
    ),
  );
  const gates = await prepareGates(document.moe, models, { seed });
  const shardBytes = Number.POSITIVE_INFINITY;
  return buildMoePlan(document.moe, models, gates, {
    shardBytes,
    memory: 1e8,
    maxTileBytes: 1e7,
    lanes: 2,
    seed,
    text,
  });
}

const bytesOf = (tensor: TensorPlan) =>
  tensor.action === "merge" ? computeTensor(tensor, engine) : tensor.from.source.read(tensor.from.range);

test("mergekit's mixtures are here", () => {
  expect(cases.length).toBeGreaterThanOrEqual(9);
});

describe.each(cases)("%s", (name) => {
  const folder = join(here, "moe", name);
  const rule = JSON.parse(readFileSync(join(folder, "case.json"), "utf8")) as Case;

  test("the weights", async () => {
    const plan = await planOfCase(name);
    const expected = await openSafetensors(fromBytes(name, readFileSync(join(folder, "expected.safetensors"))));
    expect(plan.tensors.map((t) => t.name).sort()).toEqual([...expected.tensors.keys()].sort());
    for (const tensor of plan.tensors) {
      const want = expected.tensors.get(tensor.name)!;
      expect([tensor.name, tensor.dtype, tensor.shape]).toEqual([want.name, want.dtype, want.shape]);
      if (rule.random?.[tensor.name] !== undefined) continue;
      const [got, wanted] = [
        Uint8Array.from(await bytesOf(tensor)),
        Uint8Array.from(await want.source.read(want.range)),
      ];
      // Nothing is computed but routers and what is scaled; all else is the same bytes.
      const computed = isOutput(tensor.dtype) && (/gate\.weight$/.test(tensor.name) || tensor.action === "merge");
      if (!computed || !isOutput(tensor.dtype)) expect([tensor.name, got]).toEqual([tensor.name, wanted]);
      else
        expect([tensor.name, misfits(tensor.dtype, got, wanted, rule, new Set()).slice(0, 3)]).toEqual([
          tensor.name,
          [],
        ]);
    }
  });

  test.runIf(rule.random !== undefined)("random routers, over many seeds", async () => {
    const values = new Map<string, number[]>();
    for (let seed = 0; seed < 40; seed++) {
      for (const tensor of (await planOfCase(name, seed)).tensors) {
        if (rule.random?.[tensor.name] === undefined || !isFloat(tensor.dtype)) continue;
        const drawn = decode(tensor.dtype, await bytesOf(tensor));
        values.set(tensor.name, [...(values.get(tensor.name) ?? []), ...drawn]);
      }
    }
    expect([...values.keys()].sort()).toEqual(Object.keys(rule.random ?? {}).sort());
    for (const [tensor, { normal, uniform }] of Object.entries(rule.random ?? {})) {
      const drawn = values.get(tensor) ?? [];
      const [low, high] = uniform ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      const [mean, deviation] = normal ?? [(low + high) / 2, (high - low) / Math.sqrt(12)];
      const found = drawn.reduce((a, b) => a + b, 0) / drawn.length;
      const spread = Math.sqrt(drawn.reduce((sum, v) => sum + (v - found) ** 2, 0) / drawn.length);
      expect(Math.abs(found - mean)).toBeLessThan((5 * deviation) / Math.sqrt(drawn.length));
      expect(Math.abs(spread / deviation - 1)).toBeLessThan(5 / Math.sqrt(drawn.length));
      // BF16 may round the bound up by half a unit.
      expect(Math.max(...drawn)).toBeLessThanOrEqual(high * (1 + 2 ** -8));
      expect(Math.min(...drawn)).toBeGreaterThanOrEqual(low * (1 + 2 ** -8));
    }
  });

  test("config.json says what mergekit's does", async () => {
    const plan = await planOfCase(name);
    const made = plan.extras.find((extra) => extra.name === "config.json")?.content;
    if (!(made instanceof Uint8Array)) throw new Error("no config.json was planned");
    const found: Record<string, unknown> = JSON.parse(new TextDecoder().decode(made));
    const wanted: Record<string, unknown> = JSON.parse(readFileSync(join(folder, "expected-config.json"), "utf8"));
    for (const [key, value] of Object.entries(wanted)) {
      if (found[key] !== undefined) expect([key, found[key]]).toEqual([key, value]);
    }
    const missing = Object.keys(wanted).filter((key) => found[key] === undefined);
    // Defaults of the classes, and what only dense ones ask for. A jitter of 0.0 would be written as 0, which
    // transformers 5 refuses for not being a float.
    const allowed = [
      "router_jitter_noise",
      "attention_bias",
      "mlp_bias",
      "pretraining_tp",
      "max_window_layers",
      "use_sliding_window",
    ];
    expect(missing.filter((key) => !allowed.includes(key))).toEqual([]);
  });
});
