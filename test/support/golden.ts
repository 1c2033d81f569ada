/** The folders of test/golden and what their case.json says. README.md there explains the rules. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isOutput } from "../../core/bytes/dtype.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import type { Checkpoint } from "../../core/formats/checkpoint.ts";
import { openSafetensors } from "../../core/formats/safetensors.ts";
import type { Plan, TensorPlan } from "../../core/plan/plan.ts";
import { arbitrary, type Misfit, misfits } from "./compare.ts";
import { planner } from "./plan.ts";

export const GOLDEN = join(import.meta.dirname, "../golden");

type MeanAndDeviation = readonly [number, number];

export interface Rule {
  readonly compare: "exact" | "close" | "ties" | "dare" | "refused";
  readonly rel: number;
  readonly ulp: number;
  /** Wider than `rel`, by tensor: what F32 arithmetic loses there. */
  readonly wide?: Readonly<Record<string, number>>;
  /** Elements, by tensor, that rounding or an unstable sort may decide otherwise. */
  readonly open?: Readonly<Record<string, readonly number[]>>;
  /** Tensors that depend on the seed. */
  readonly masked?: Readonly<Record<string, { readonly changed: MeanAndDeviation; readonly l1: MeanAndDeviation }>>;
  /** Tensors that mergekit drops and we keep. */
  readonly kept?: readonly string[];
  /** About planning rather than arithmetic: one engine is enough. */
  readonly once?: boolean;
  /** Where our config.json differs from mergekit's, on purpose. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly kind?: "tokenizer" | "lora" | "multi";
  /** What the sentence of a refusal mentions. */
  readonly says?: string;
  /** Of mixtures: routers drawn from a distribution. */
  readonly random?: Readonly<
    Record<string, { readonly normal?: MeanAndDeviation; readonly uniform?: readonly [number, number] }>
  >;
}

export interface Golden {
  readonly name: string;
  readonly folder: string;
  readonly text: string;
  readonly rule: Rule;
}

/** @param kind "cases" or "moe" */
export function goldens(kind: string, document: string): Golden[] {
  return readdirSync(join(GOLDEN, kind))
    .filter((name) => existsSync(join(GOLDEN, kind, name, "case.json")))
    .map((name) => {
      const folder = join(GOLDEN, kind, name);
      return {
        name,
        folder,
        text: readFileSync(join(folder, document), "utf8"),
        rule: JSON.parse(readFileSync(join(folder, "case.json"), "utf8")) as Rule,
      };
    });
}

const { plan, close } = planner(GOLDEN);
const planned = new Map<string, Promise<Plan>>();

/** Planned once per seed and test file. */
export function planOf({ name, text }: Golden, seed = 7): Promise<Plan> {
  const key = `${name} ${seed}`;
  const known = planned.get(key) ?? plan(text, seed);
  planned.set(key, known);
  return known;
}

export const closeModels = close;

export const expectedOf = ({ name, folder }: Golden): Promise<Checkpoint> =>
  openSafetensors(fromBytes(name, readFileSync(join(folder, "expected.safetensors"))));

/** A JSON file of the case, null when it has none of that name. */
export function jsonOf({ folder }: Golden, file: string): Record<string, unknown> | null {
  const path = join(folder, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>) : null;
}

/**
 * Where tensors need more room on one engine: the GPU's partial sums are f32. In the first the pair is nearly antiparallel
 * (cosine -0.9987), and 1 / sin^2 of the angle multiplies their rounding by 370. The Karcher mean takes angles from
 * cosines; near one their last place is worth 3e-4 of a radian, and norms are nearly parallel (mergekit's own F32 is as
 * far from F64 there).
 */
const WIDER: readonly (readonly [pattern: RegExp, rel: number])[] = [
  [/^WebGPU slerp-slices-stacked /, 2e-5],
  [/^WebGPU karcher-/, 5e-5],
  [/^WebGPU karcher-.*norm/, 5e-4],
];
const widerOn = (place: string) => Math.max(0, ...WIDER.map(([where, rel]) => (where.test(place) ? rel : 0)));

/** Where one tensor of a result is not what mergekit made, by the case's rule; empty when all is well. */
export async function faults(
  { name, rule }: Golden,
  engine: string,
  tensor: TensorPlan,
  got: Uint8Array<ArrayBuffer>,
  wanted: Uint8Array<ArrayBuffer>,
): Promise<readonly Misfit[]> {
  if (!isOutput(tensor.dtype)) {
    const index = got.findIndex((byte, i) => byte !== wanted[i]);
    return index < 0 && got.length === wanted.length ? [] : [{ index, got: got[index] ?? 0, want: wanted[index] ?? 0 }];
  }
  const excused =
    rule.compare === "ties" && tensor.action === "merge"
      ? await arbitrary(tensor)
      : new Set(rule.open?.[tensor.name] ?? []);
  const rel = Math.max(rule.rel, rule.wide?.[tensor.name] ?? 0, widerOn(`${engine} ${name} ${tensor.name}`));
  const tolerance = rule.compare === "exact" ? { rel: 0, ulp: 0 } : { ulp: rule.ulp, rel };
  return misfits(tensor.dtype, got, wanted, tolerance, excused);
}

/** A small file of the plan as text, null when there is none of that name. */
export async function extraOf(plan: Plan, name: string): Promise<string | null> {
  const extra = plan.extras.find((one) => one.name === name);
  if (extra === undefined) return null;
  const { content } = extra;
  const bytes = content instanceof Uint8Array ? content : await content.read({ start: 0, end: content.size });
  return new TextDecoder().decode(bytes);
}

/**
 * Keys of `tokens` that a tokenizer has. mergekit gives every key to the library as a plain added token: text is cut
 * there from then on, and a special token is special no more. Ours leaves the tokens that are there alone.
 */
export const REDEFINED: Readonly<Record<string, readonly string[]>> = {
  "tokenizer-force": ["the", "th", "q"],
  "tokenizer-model-token": ["ing", "er"],
  "tokenizer-new-token": ["<|im_end|>"],
};
