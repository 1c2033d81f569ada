/** A small merge with all that a run has to remember, to be killed, stopped and robbed of power again and again. */
import { type ByteSource, fromBytes } from "../../core/bytes/source.ts";
import type { CopyPlan, MergePlan, Plan, TensorPlan } from "../../core/plan/plan.ts";
import { METHODS } from "../../methods/index.ts";
import { expression, f32, planOf, UNCOUNTED } from "./merge.ts";

/** One number of each is NaN, so that what is not finite has to be remembered too. */
const wave = (count: number, speed: number) =>
  f32(Array.from({ length: count }, (_, i) => (i === 99 ? Number.NaN : Math.fround(Math.sin(i * speed)))));

export interface JobOptions {
  /** Stands between the run and every input. */
  readonly wrap?: (source: ByteSource) => ByteSource;
  readonly method?: string;
  /** Elements of the smallest tensors are this and five more. */
  readonly unit?: number;
  /** Merged tensors; in threes. */
  readonly tensors?: number;
  /** All in one file instead of three. */
  readonly single?: boolean;
}

/** Twelve merged tensors, if nothing else is said, and a copied one in three files. */
export function planned({
  wrap = (source) => source,
  method = "ties",
  unit = 4096,
  single = false,
  tensors: many = 12,
}: JobOptions = {}): Plan {
  const header = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
  const tensors: TensorPlan[] = [];
  const sizes: number[] = [];
  const place = (file: number, bytes: number) => {
    const start = sizes[file] ?? header.length;
    sizes[file] = start + bytes;
    return { file, range: { start, end: start + bytes } };
  };
  for (let i = 0; i < many; i++) {
    const count = unit * (1 + (i % 3)) + 5;
    const models = [0.1, 0.2].map((speed) => ({ tensor: wave(count, speed + i), params: { density: 0.4 } }));
    const { merged, inputs, watched } = expression({ method, base: wave(count, 0.3), models, name: `t${i}` });
    const plan: MergePlan = { ...planOf(merged, inputs, { tile: unit, name: `t${i}` }), watched };
    tensors.push({
      ...plan,
      inputs: plan.inputs.map((input) => ({ ...input, info: { ...input.info, source: wrap(input.info.source) } })),
      output: place(single ? 0 : Math.floor((3 * i) / many), 4 * count),
    });
  }
  const copy: Omit<CopyPlan, "output"> = {
    action: "copy",
    name: "ids",
    dtype: "U8",
    shape: [777],
    from: { ref: null, source: wrap(fromBytes("raw", new Uint8Array(777).fill(7))), range: { start: 0, end: 777 } },
    because: "integers",
  };
  tensors.push({ ...copy, output: place(single ? 0 : 2, 777) });
  const text = (content: string) => new TextEncoder().encode(content);
  return {
    recipe: { merge_method: method },
    method: METHODS.get(method)!,
    tensors,
    files: sizes.map((size, i) => ({ name: `model-${i + 1}.safetensors`, header, size })),
    extras: [
      { name: "README.md", content: text("# made"), from: "made" },
      ...(single ? [] : [{ name: "model.safetensors.index.json", content: text("{}"), from: "made" } as const]),
      { name: "config.json", content: text("{}"), from: "made" },
    ],
    ...UNCOUNTED,
  };
}

/** So that the record is among the bytes that are compared. */
export const asked = { seed: 1, shardBytes: null };
export const WISH = { engine: "cpu", recipe: "a: 1", seed: 1, shardBytes: null, title: "t", inputs: [] };
