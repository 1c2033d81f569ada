/** Every folder in extract/ holds what mergekit-extract-lora found between two models; factors are compared by their products. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openModels, openProducts } from "../../cli/models.ts";
import { decode } from "../../core/bytes/convert.ts";
import { isOutput } from "../../core/bytes/dtype.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import { type AdapterTensor, extractAdapter } from "../../core/extract/extract.ts";
import { openSafetensors } from "../../core/formats/safetensors.ts";
import { GOLDEN } from "../support/golden.ts";

interface Case {
  readonly model: string;
  readonly base: string;
  readonly rank: number;
  readonly options: readonly string[];
  /** Distance of mergekit's products from the best of that rank, over the largest singular value. */
  readonly error: number;
  readonly modules: Readonly<Record<string, { readonly rank: number; readonly values: readonly number[] }>>;
  readonly whole: readonly string[];
}

const after = (options: readonly string[], flag: string) =>
  options.includes(flag) ? options[options.indexOf(flag) + 1] : undefined;

async function extracted({ model, base, rank, options }: Case) {
  const { models, close } = await openModels([model, base], join(GOLDEN, "recipe.yml"));
  const include = after(options, "-i");
  const found = await extractAdapter(models.get(model)!, models.get(base)!, {
    rank,
    threshold: Number(after(options, "--sv-epsilon") ?? 0),
    embeddings: options.includes("--embed-lora"),
    saved: [],
    include: include === undefined ? [] : [new RegExp(include)],
    exclude: [],
    products: await openProducts(),
  });
  const tensors = new Map<string, number[]>();
  for (const one of found.tensors) tensors.set(one.name.replace("base_model.model.", ""), await valuesOf(one));
  await close();
  return { found, tensors };
}

async function valuesOf({ dtype, content }: AdapterTensor): Promise<number[]> {
  if (!isOutput(dtype)) throw new Error(`a factor is ${dtype}`);
  return [...decode(dtype, content instanceof Uint8Array ? content : await content.source.read(content.range))];
}

/** B A, row-major, rows x columns. */
function product(
  left: readonly number[],
  right: readonly number[],
  rank: number,
  rows: number,
  columns: number,
): number[] {
  return Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += left[row * rank + k]! * right[k * columns + column]!;
    return sum;
  });
}

const norm = (values: readonly number[]) => Math.hypot(...values);
const cases = readdirSync(join(GOLDEN, "extract"));

test.each(cases)("%s", async (name) => {
  const rule = JSON.parse(readFileSync(join(GOLDEN, "extract", name, "case.json"), "utf8")) as Case;
  const expected = await openSafetensors(
    fromBytes(name, readFileSync(join(GOLDEN, "extract", name, "expected.safetensors"))),
  );
  const wanted = async (tensor: string) => {
    const info = expected.tensors.get(tensor)!;
    if (!isOutput(info.dtype)) throw new Error(`${tensor} is ${info.dtype}`);
    return { shape: info.shape, values: [...decode(info.dtype, await info.source.read(info.range))] };
  };
  const { found, tensors } = await extracted(rule);
  for (const [tensor, { rank, values }] of Object.entries(rule.modules)) {
    const module = tensor.replace(/\.weight$/, "");
    const want = await wanted(tensor);
    const [rows = 0, columns = 0] = want.shape;
    const ours = found.modules.find((one) => one.module === module);
    const largest = values[0] ?? 0;
    if (ours === undefined || ours.rank === 0) {
      expect([tensor, norm(want.values) === 0 || rank === 0]).toEqual([tensor, true]);
      continue;
    }
    expect([tensor, ours.rank]).toEqual([tensor, rank]);
    const [left, right] =
      ours.kind === "embedding"
        ? [
            transposed(tensors.get(`${module}.lora_embedding_A`)!, rank, rows),
            transposed(tensors.get(`${module}.lora_embedding_B`)!, columns, rank),
          ]
        : [tensors.get(`${module}.lora_B.weight`)!, tensors.get(`${module}.lora_A.weight`)!];
    const got = product(left, right, rank, rows, columns);
    const apart = norm(got.map((value, i) => value - want.values[i]!));
    expect(apart / largest, tensor).toBeLessThanOrEqual(1.5 * rule.error + 1e-5);
  }
  // mergekit stores modules whole that did not change as well, and embeddings whatever is included; what we store is equal.
  expect(found.saved.map((module) => `${module}.weight`).filter((tensor) => !rule.whole.includes(tensor))).toEqual([]);
  if (!rule.options.includes("-i")) expect(found.saved.length).toBeGreaterThan(0);
  for (const module of found.saved) {
    expect([module, tensors.get(`${module}.weight`)]).toEqual([module, (await wanted(`${module}.weight`)).values]);
  }
});

/** rows x columns becomes columns x rows. */
function transposed(values: readonly number[], rows: number, columns: number): number[] {
  return Array.from({ length: rows * columns }, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
}
