/**
 * Extraction: the approximation against numpy's singular values (make.py), and round trips, where an adapter
 * taken from an adapted model must adapt the base to the same model. That PEFT loads the result is checked by verify.py.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { decode, encode } from "../../core/bytes/convert.ts";
import { isFloat } from "../../core/bytes/dtype.ts";
import { plainProducts } from "../../core/bytes/lowrank.ts";
import { createSimdProducts } from "../../core/bytes/simd.ts";
import { memoryFolder } from "../../core/bytes/sink.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import { eigenOf } from "../../core/extract/eigen.ts";
import { type ExtractOptions, extractAdapter } from "../../core/extract/extract.ts";
import { approximate, transposed } from "../../core/extract/svd.ts";
import { adapterConfig, writeAdapter } from "../../core/extract/write.ts";
import type { TensorInfo } from "../../core/formats/checkpoint.ts";
import { openSafetensors } from "../../core/formats/safetensors.ts";
import { adaptModel } from "../../core/model/adapt.ts";
import { openAdapter } from "../../core/model/adapter.ts";
import type { Model } from "../../core/model/model.ts";
import { openModel } from "../../core/model/open.ts";
import { loadKernels } from "../cpu/kernels.ts";
import { filesIn } from "../support/model.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const products = await createSimdProducts(await loadKernels());
const modelAt = (name: string) => openModel(name, filesIn(join(fixtures, name)));

async function valuesOf({ dtype, source, range }: TensorInfo): Promise<Float32Array<ArrayBuffer>> {
  if (!isFloat(dtype)) throw new Error(dtype);
  return decode(dtype, await source.read(range));
}

describe("the approximation", async () => {
  const file = await openSafetensors(fromBytes("spectrum", readFileSync(join(fixtures, "spectrum.safetensors"))));
  const matrix = await valuesOf(file.tensors.get("matrix")!);
  const values: number[] = JSON.parse(readFileSync(join(fixtures, "spectrum.json"), "utf8"));
  const [rows, columns] = [210, 150];

  /** Frobenius norm of what left x right leaves of the matrix, computed here. */
  function leftOver(of: Float32Array, m: number, n: number, left: Float32Array, right: Float32Array): number {
    const rank = left.length / m;
    let sum = 0;
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let product = 0;
        for (let k = 0; k < rank; k++) product += left[i * rank + k]! * right[k * n + j]!;
        sum += (of[i * n + j]! - product) ** 2;
      }
    return Math.sqrt(sum);
  }

  test.each([1, 4, 8, 12, 30, 140, 150])("rank %i is within a hundredth of the best", async (rank) => {
    const best = Math.sqrt(values.slice(rank).reduce((sum, value) => sum + value * value, 0));
    for (const wide of [false, true]) {
      const [m, n] = wide ? [columns, rows] : [rows, columns];
      const turned = wide ? transposed(matrix, rows, columns) : matrix;
      const found = await approximate(turned, m, n, { rank, products });
      expect(found.rank).toBe(rank);
      const error = leftOver(turned, m, n, found.left, found.right);
      expect(error).toBeLessThan(1.01 * best + 1e-4);
      expect(Math.sqrt(found.rest)).toBeCloseTo(error, 3);
      expect(found.values[0]).toBeCloseTo(values[0]!, 4);
      // Both sides carry the same share of the scale.
      expect(Math.hypot(...found.left)).toBeCloseTo(Math.hypot(...found.right), 3);
    }
  });

  test("a threshold leaves small directions out, and a matrix of low rank has no more", async () => {
    const over = values.filter((value) => value > 1).length;
    expect((await approximate(matrix, rows, columns, { rank: 20, threshold: 1, products })).rank).toBe(over);
    const { left, right } = await approximate(matrix, rows, columns, { rank: 3, products });
    const low = new Float32Array(rows * columns);
    plainProducts.multiply(low, { left, right, rows, columns, rank: 3, scale: 1 });
    const again = await approximate(low, rows, columns, { rank: 16, threshold: 1e-4, products });
    expect(again.rank).toBe(3);
    expect(Math.sqrt(again.rest)).toBeLessThan(1e-4);
  });

  test("is the same without SIMD, and stops when told to", async () => {
    const one = await approximate(matrix, rows, columns, { rank: 8, products });
    const other = await approximate(matrix, rows, columns, { rank: 8, products: plainProducts });
    expect(other).toEqual(one);
    const signal = AbortSignal.abort();
    await expect(approximate(matrix, rows, columns, { rank: 8, products, signal })).rejects.toThrow(/Cancelled/);
  });

  test("eigenvectors are orthonormal and diagonalise", () => {
    const n = 5;
    const a = Float64Array.from({ length: 25 }, (_, i) => {
      const [r, c] = [Math.floor(i / n), i % n];
      return 1 / (r + c + 1);
    });
    const { values: found, vectors } = eigenOf(a, n);
    const at = (i: number, j: number) => vectors[i * n + j]!;
    for (let p = 0; p < n; p++)
      for (let q = 0; q < n; q++) {
        let [inner, outer] = [0, 0];
        for (let i = 0; i < n; i++) {
          inner += at(i, p) * at(i, q);
          for (let j = 0; j < n; j++) outer += at(i, p) * a[i * n + j]! * at(j, q);
        }
        expect(inner).toBeCloseTo(p === q ? 1 : 0, 12);
        expect(outer).toBeCloseTo(p === q ? found[p]! : 0, 12);
      }
  });
});

const options = (changes: Partial<ExtractOptions> = {}): ExtractOptions => ({
  rank: 16,
  threshold: 1e-5,
  embeddings: false,
  saved: [],
  include: [],
  exclude: [],
  products,
  ...changes,
});

async function adapted(base: string, adapter: string): Promise<Model> {
  const files = filesIn(join(fixtures, adapter));
  return adaptModel(await modelAt(base), await openAdapter(adapter, files), `${base}+${adapter}`, products);
}

async function written(fine: Model, base: Model, changes: Partial<ExtractOptions> = {}) {
  const extraction = await extractAdapter(fine, base, options(changes));
  const folder = memoryFolder();
  const bytes = await writeAdapter(extraction, fine, base, { folder, title: "x", made: "weightloom extract-lora" });
  expect(bytes).toBe([...folder.files.values()].reduce((sum, file) => sum + file.length, 0));
  const files = new Map([...folder.files].map(([name, content]) => [name, fromBytes(name, content)]));
  return { extraction, adapter: await openAdapter("extracted", files), files: folder.files };
}

async function furthest(a: Model, b: Model): Promise<number> {
  let most = 0;
  expect([...a.checkpoint.tensors.keys()]).toEqual([...b.checkpoint.tensors.keys()]);
  for (const [name, info] of a.checkpoint.tensors) {
    const [x, y] = [await valuesOf(info), await valuesOf(b.checkpoint.tensors.get(name)!)];
    for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i]! - y[i]!));
  }
  return most;
}

describe("round trips", () => {
  const cases = [
    ["llama", "plain"],
    ["llama", "rslora"],
    ["llama", "saved"],
    ["llama", "biases"],
    ["gpt2", "conv1d"],
    ["tied", "embedding"],
  ] as const;
  test.each(cases)("%s + %s", async (baseName, name) => {
    const base = await modelAt(baseName);
    const fine = await adapted(baseName, `adapter-${name}`);
    for (const embeddings of [false, true]) {
      const { adapter } = await written(fine, base, { embeddings });
      expect(await furthest(adaptModel(base, adapter, "again", products), fine)).toBeLessThan(2e-6);
    }
  });

  test("real ranks, in the config where they differ", async () => {
    const base = await modelAt("llama");
    const fine = await adapted("llama", "adapter-plain");
    const { extraction, adapter, files } = await written(fine, base);
    const ranks = Object.fromEntries(extraction.modules.map(({ module, rank }) => [module, rank]));
    expect(ranks).toEqual({
      "model.layers.0.mlp.down_proj": 4,
      "model.layers.0.self_attn.q_proj": 2,
      "model.layers.0.self_attn.v_proj": 4,
      "model.layers.1.mlp.down_proj": 3,
      "model.layers.1.self_attn.q_proj": 3,
      "model.layers.1.self_attn.v_proj": 3,
    });
    expect(adapterConfig(extraction, fine, "llama")).toMatchObject({
      r: 3,
      lora_alpha: 3,
      rank_pattern: { "model.layers.0.self_attn.q_proj": 2, "model.layers.0.mlp.down_proj": 4 },
      target_modules: ["down_proj", "q_proj", "v_proj"],
      modules_to_save: null,
      bias: "none",
      task_type: "CAUSAL_LM",
    });
    expect(adapter.updates.size).toBe(6);
    expect(new TextDecoder().decode(files.get("README.md"))).toContain("6 updates of rank 2 to 4");
  });

  test("a lower rank keeps the strongest directions", async () => {
    const base = await modelAt("llama");
    const fine = await adapted("llama", "adapter-plain");
    const { extraction } = await written(fine, base, { rank: 1 });
    for (const { rank, norm, rest } of extraction.modules) {
      expect(rank).toBe(1);
      expect(rest).toBeGreaterThan(0.1 * norm);
      expect(rest).toBeLessThan(norm);
    }
  });

  test("what is saved whole, chosen, left out", async () => {
    const base = await modelAt("llama");
    const fine = await adapted("llama", "adapter-saved");
    const whole = await extractAdapter(fine, base, options());
    expect(whole.saved).toEqual([
      "lm_head",
      "model.embed_tokens",
      "model.layers.0.input_layernorm",
      "model.layers.1.input_layernorm",
    ]);
    const low = await extractAdapter(fine, base, options({ embeddings: true }));
    expect(low.modules.map(({ kind, module }) => `${module} ${kind}`)).toEqual(
      expect.arrayContaining(["lm_head update", "model.embed_tokens embedding"]),
    );
    const some = await extractAdapter(
      fine,
      base,
      options({ saved: ["o_proj"], include: [/self_attn/], exclude: [/layers\.1/] }),
    );
    expect([some.saved, some.modules]).toEqual([["model.layers.0.self_attn.o_proj"], []]);
    expect(some.tensors.map(({ name }) => name)).toEqual(
      ["bias", "weight"].map((leaf) => `base_model.model.model.layers.0.self_attn.o_proj.${leaf}`),
    );
  });

  test("says that a tied embedding is also the head", async () => {
    const { notes } = await extractAdapter(
      await adapted("tied", "adapter-embedding"),
      await modelAt("tied"),
      options(),
    );
    expect(notes.join()).toMatch(/uses it as its head too/);
  });
});

describe("refusals", () => {
  test("nothing differs", async () => {
    const base = await modelAt("llama");
    await expect(extractAdapter(base, base, options())).rejects.toThrow("llama does not differ from llama");
  });

  test("other tensors", async () => {
    await expect(extractAdapter(await modelAt("llama"), await modelAt("tied"), options())).rejects.toThrow(
      /do not have the same tensors: 1 is in only one of them, first "lm_head.weight"/,
    );
  });

  /** The base with one tensor replaced. */
  async function changed(name: string, change: (info: TensorInfo, values: Float32Array<ArrayBuffer>) => TensorInfo) {
    const base = await modelAt("llama");
    const info = base.checkpoint.tensors.get(name)!;
    const tensors = new Map(base.checkpoint.tensors).set(name, change(info, await valuesOf(info)));
    return { base, fine: { ...base, ref: "fine", checkpoint: { ...base.checkpoint, tensors } } };
  }

  test("another shape", async () => {
    const { base, fine } = await changed("model.embed_tokens.weight", (info) => ({ ...info, shape: [41, 16] }));
    await expect(extractAdapter(fine, base, options())).rejects.toThrow(
      /is \[41, 16\] in fine and \[40, 16\] in llama/,
    );
  });

  test("a NaN", async () => {
    const { base, fine } = await changed("model.layers.0.self_attn.q_proj.weight", (info, values) => {
      values[3] = Number.NaN;
      const bytes = encode("F32", values);
      return { ...info, source: fromBytes("fine", bytes), range: { start: 0, end: bytes.length } };
    });
    await expect(extractAdapter(fine, base, options())).rejects.toThrow(/q_proj.weight differs by a NaN/);
  });

  test("nothing is left of a cancelled one", async () => {
    const base = await modelAt("llama");
    const fine = await adapted("llama", "adapter-plain");
    const extraction = await extractAdapter(fine, base, options());
    const folder = memoryFolder();
    const signal = AbortSignal.abort();
    await expect(writeAdapter(extraction, fine, base, { folder, title: "", made: "", signal })).rejects.toThrow(
      /Cancelled/,
    );
    expect([...folder.files.keys()]).toEqual([]);
  });
});
