/** The folders of test/golden and what their case.json says. README.md there explains the rules. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBytes } from "../../core/bytes/source.ts";
import type { Checkpoint } from "../../core/formats/checkpoint.ts";
import { openSafetensors } from "../../core/formats/safetensors.ts";
import type { Plan } from "../../core/plan/plan.ts";
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
