/** A written model, held against what the merge wrote down of it: every fault that a disk, a hand or a bug can bring. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memoryFolder } from "../../core/bytes/sink.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import { createLocalEngine } from "../../core/engine/cpu/pool.ts";
import type { Engine } from "../../core/engine/engine.ts";
import { createPlainEngine } from "../../core/engine/plain/plain.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { RECORD } from "../../core/run/record.ts";
import { run } from "../../core/run/run.ts";
import { verify } from "../../core/run/verify.ts";
import { kernels } from "../support/engines.ts";
import { planner } from "../support/plan.ts";

const { plan: planFor, close } = planner("public/samples");
afterAll(close);

const based = (method: string, own: string) =>
  `merge_method: ${method}\nbase_model: base\nmodels:\n  - {model: adder, parameters: {${own}}}\n  - {model: sorter, parameters: {${own}}}\ndtype: bfloat16\n`;
const RECIPES = {
  linear:
    "merge_method: linear\nmodels:\n  - {model: adder, parameters: {weight: 0.4}}\n  - {model: sorter, parameters: {weight: 0.6}}\n",
  ties: based("ties", "weight: 0.6, density: 0.4"),
  della: based("della", "weight: 0.6, density: 0.4"),
  "whole model": based("emr", ""),
  copies: "merge_method: passthrough\nmodels:\n  - model: adder\n",
};
const asked = { seed: 7, shardBytes: 400_000 };

let engine: Engine;
beforeAll(async () => {
  engine = await createLocalEngine(await kernels());
});

const planOf = (recipe: keyof typeof RECIPES) => planFor(RECIPES[recipe], asked.seed, asked.shardBytes);

async function written(plan: Plan, by: Engine = engine): Promise<Map<string, Uint8Array>> {
  const folder = memoryFolder();
  await run(plan, { engine: by, folder, memory: 1e8, asked });
  return folder.files;
}

async function check(files: ReadonlyMap<string, Uint8Array>, plan?: Plan) {
  const sources = new Map([...files].map(([name, bytes]) => [name, fromBytes(name, bytes)]));
  const report = await verify(sources, {
    ...(plan === undefined ? {} : { plan }),
    engine: createPlainEngine(),
    numbers: engine,
  });
  const [good, wrong] = [true, false].map((ok) => report.checks.filter((one) => one.ok === ok).map(({ text }) => text));
  return { good: good!.join("\n"), wrong: wrong!.join("\n"), ok: report.ok };
}

describe("a result as it was written", () => {
  test.each(Object.keys(RECIPES) as (keyof typeof RECIPES)[])("%s", async (recipe) => {
    const plan = await planOf(recipe);
    const files = await written(plan);
    expect(plan.files.length).toBeGreaterThan(2);
    const { ok, good, wrong } = await check(files, plan);
    expect(wrong).toBe("");
    expect(ok).toBe(true);
    expect(good).toMatch(/All \d+ files that the merge wrote are there; the small ones are unchanged\./);
    expect(good).toMatch(/All \d+ tensors have the checksums that were taken as they were computed\./);
    expect(good).toContain("types, shapes and places");
    if (recipe !== "copies") expect(good).toMatch(/Recomputed .+ merged tensors, chosen at random: /);
    // The same, as far as can be told, without the models and without the plan.
    expect((await check(files)).ok).toBe(true);
  });

  test("its record is the same from every engine", async () => {
    const plan = await planOf("linear");
    const [one, other] = [await written(plan), await written(plan, createPlainEngine())];
    expect(new TextDecoder().decode(one.get(RECORD))).toBe(new TextDecoder().decode(other.get(RECORD)));
  });

  test("a result without a record is checked for what can be told without", async () => {
    const plan = await planOf("ties");
    const files = await written(plan);
    files.delete(RECORD);
    const { ok, good } = await check(files, plan);
    expect(ok).toBe(true);
    expect(good).not.toContain("checksums");
    expect(good).toContain("Recomputed");
  });
});

describe("faults", () => {
  const [SHARD, OTHER] = [2, 3].map(
    (n) => (files: ReadonlyMap<string, Uint8Array>) =>
      [...files.keys()].filter((name) => name.endsWith(".safetensors"))[n]!,
  ) as [(files: ReadonlyMap<string, Uint8Array>) => string, (files: ReadonlyMap<string, Uint8Array>) => string];
  type Files = Map<string, Uint8Array>;
  const edit = (files: Files, name: string, change: (bytes: Uint8Array) => Uint8Array | undefined) => {
    const bytes = files.get(name)!.slice();
    files.set(name, change(bytes) ?? bytes);
  };
  const flip = (bytes: Uint8Array, at: number, bits: number): undefined => {
    bytes[at] = bytes[at]! ^ bits;
  };
  /** Where a file's data begins. */
  const dataAt = (bytes: Uint8Array) => 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));

  const FAULTS: Readonly<Record<string, readonly [(files: Files) => void, RegExp]>> = {
    "the lowest bit of a weight": [
      (files) => edit(files, SHARD(files), (bytes) => flip(bytes, dataAt(bytes) + 1000, 1)),
      /1 of \d+ tensors are not what was computed: model\.layers\.\d+\./,
    ],
    "the last byte of a file": [
      (files) => edit(files, SHARD(files), (bytes) => flip(bytes, bytes.length - 1, 0x80)),
      /1 of \d+ tensors are not what was computed/,
    ],
    "two weights that changed places": [
      (files) =>
        edit(files, SHARD(files), (bytes) => {
          const at = dataAt(bytes);
          const first = bytes.slice(at, at + 16);
          bytes.copyWithin(at, at + 16, at + 32);
          bytes.set(first, at + 16);
          return undefined;
        }),
      /1 of \d+ tensors are not what was computed/,
    ],
    "a file cut short": [
      (files) => edit(files, SHARD(files), (bytes) => bytes.slice(0, -100)),
      /but the file has [\d,]+ bytes/,
    ],
    "a shard in another's place": [
      (files) => {
        const [a, b] = [SHARD(files), OTHER(files)];
        const [one, other] = [files.get(a)!, files.get(b)!];
        files.set(a, other).set(b, one);
      },
      /model-0000\d-of-0000\d\.safetensors/,
    ],
    "a shard of another merge": [
      (files) => edit(files, SHARD(files), (bytes) => bytes.fill(1, dataAt(bytes) + 512, dataAt(bytes) + 1024)),
      /tensors are not what was computed/,
    ],
    "a shard that is gone": [(files) => void files.delete(SHARD(files)), /model-00003-of/],
    "an edited config": [
      (files) =>
        edit(files, "config.json", (bytes) =>
          new TextEncoder().encode(
            new TextDecoder()
              .decode(bytes)
              .replace(/"rope_theta": [\d.]+/, '"rope_theta": 1.0')
              .replace(/\}\s*$/, "}  "),
          ),
        ),
      /Since the merge: config\.json was changed\./,
    ],
    "a tokenizer that is gone": [
      (files) => void files.delete("tokenizer.json"),
      /Since the merge: tokenizer\.json is missing\./,
    ],
    "a damaged record": [
      (files) => edit(files, RECORD, (bytes) => bytes.slice(0, 100)),
      /weightloom\.json: it is not JSON/,
    ],
  };

  test.each(Object.entries(FAULTS))("%s", async (_, [damage, sentence]) => {
    const plan = await planOf("ties");
    const files = await written(plan);
    damage(files);
    const { ok, wrong } = await check(files, plan);
    expect(ok).toBe(false);
    expect(wrong).toMatch(sentence);
  });

  test.each(["linear", "ties"] as const)(
    "%s: weights that were computed wrongly, whatever the record says of them",
    async (recipe) => {
      const plan = await planOf(recipe);
      const plain = createPlainEngine();
      const wrongly: Engine = {
        ...plain,
        run: async (job, signal) => {
          const result = await plain.run(job, signal);
          if (job.program.digest === "output") result.output?.fill(0x3e);
          return result;
        },
      };
      const files = await written(plan, wrongly);
      const { ok, good, wrong } = await check(files, plan);
      expect(good).toContain("have the checksums");
      expect(ok).toBe(false);
      expect(wrong).toMatch(
        /Recomputed .+, chosen at random: (model|lm_head)\..+ values differ, the first is 0\.1\d+ and not /,
      );
    },
  );
});
