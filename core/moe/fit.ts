/**
 * Whether models make a mixture, and which: the target, the layers, the width, checked against every tensor the
 * result will have. Reads headers and configs only.
 */
import { WeightloomError } from "../errors.ts";
import type { TensorInfo } from "../formats/checkpoint.ts";
import { isObject, numberAt, stringAt } from "../model/config.ts";
import type { JsonObject, Model } from "../model/model.ts";
import type { Note } from "../plan/plan.ts";
import type { MoeExpert, MoeRecipe } from "../recipe/moe.ts";
import { checkRecipe } from "./check.ts";
import { MATRICES, type Matrix, TARGETS, type Target } from "./target.ts";

/** A model's part in the mixture: its entry, and its feed-forward matrices by layer. */
export interface Member {
  readonly entry: MoeExpert;
  readonly model: Model;
  /** Rows of its gate and up projections. */
  readonly width: number;
  readonly layers: readonly Readonly<Record<Matrix, TensorInfo>>[];
}

export interface Fit {
  readonly target: Target;
  readonly base: Model;
  readonly config: JsonObject;
  readonly layers: number;
  /** Width of the residual stream. */
  readonly hidden: number;
  /** Rows of the base's embedding. */
  readonly vocabulary: number;
  readonly experts: readonly Member[];
  readonly shared: Member | null;
  readonly perToken: number;
  readonly notes: readonly Note[];
}

export const EMBEDDING = "model.embed_tokens.weight";
const STACK = "model.layers";

const refuse = (text: string) => new WeightloomError("PlanError", text);

/**
 * @param models opened models by the names the document uses
 * @throws PlanError with what does not fit
 */
export function fitMoe(moe: MoeRecipe, models: ReadonlyMap<string, Model>): Fit {
  const notes: Note[] = [];
  const perToken = checkRecipe(moe, notes);
  const lookup = (ref: string): Model => {
    const model = models.get(ref);
    if (model === undefined)
      throw refuse(`Model "${ref}" is named in the recipe but not open. Add it, or take it out of the recipe.`);
    return model;
  };
  const base = lookup(moe.base_model);
  const entries = [...moe.experts, ...(moe.shared_experts ?? [])];
  const parties = entries.map((entry) => ({ entry, model: lookup(entry.source_model) }));
  const target = targetFor(moe, [base, ...parties.map(({ model }) => model)]);

  const embedding = base.checkpoint.tensors.get(EMBEDDING);
  const [vocabulary, hidden] = embedding?.shape ?? [];
  if (vocabulary === undefined || hidden === undefined)
    throw refuse(
      `${base.ref} has no tensor ${EMBEDDING} of two axes, which a ${target.title} needs from its base. Take a causal language model as saved by transformers.`,
    );
  const layers = base.stacks.find(({ prefix }) => prefix === STACK)?.layers ?? 0;
  if (layers === 0)
    throw refuse(`${base.ref} has no layers under ${STACK}, which a ${target.title} is made of. Take another base.`);
  checkBase(base, target, layers, hidden);

  const members = parties.map(({ entry, model }) => member(entry, model, base, layers, hidden));
  const experts = members.slice(0, moe.experts.length);
  const shared = members[moe.experts.length] ?? null;
  checkWidths(experts);
  for (const model of new Set(members.map((one) => one.model))) remarkOn(model, base, vocabulary, notes);
  const config = base.config ?? {};
  if (target.id !== "mixtral" && config.model_type === "mistral" && typeof config.sliding_window === "number") {
    notes.push({
      severity: "warning",
      text: `${base.ref} attends within a window of ${config.sliding_window.toLocaleString("en")} tokens; ${target.title} has no such setting for all layers, so the result attends to everything.`,
    });
  }
  return { target, base, config, layers, hidden, vocabulary, experts, shared, perToken, notes };
}

/** The first target that takes these models, or the one that is asked for. */
function targetFor(moe: MoeRecipe, models: readonly Model[]): Target {
  const types = models.map((model) => typeOf(model));
  if (moe.architecture === "deepseek") {
    throw refuse(
      `architecture is deepseek, which is not written; there are ${TARGETS.map(({ id }) => id).join(", ")}. Choose one of these, or leave architecture out.`,
    );
  }
  const shared = moe.shared_experts?.length ?? 0;
  const asked = TARGETS.filter(({ id }) => moe.architecture === undefined || id === moe.architecture);
  const byType = asked.filter((target) => types.every((type) => target.types.includes(type)) && sameType(types));
  if (byType.length === 0) {
    const said = models.map((model, i) => `${model.ref} is ${types[i]}`);
    const allowed = asked.map((target) => `${target.title} of ${target.types.join(" or ")}`).join(", ");
    throw refuse(
      `No mixture can be made of these models: ${[...new Set(said)].join(", ")}. There are: ${allowed}, all models of one type. Take models of one of these types.`,
    );
  }
  const found = byType.find((target) => (target.shared === null ? 0 : 1) === shared);
  if (found !== undefined) return found;
  const options = byType.map(
    ({ title, shared: names }) => `${title} has ${names === null ? "no shared expert" : "exactly one"}`,
  );
  throw refuse(
    `shared_experts lists ${shared}, but for ${types[0]} models ${options.join(" and ")}. Change shared_experts to fit.`,
  );
}

const sameType = (types: readonly string[]) => types.every((type) => type === types[0]);

function typeOf(model: Model): string {
  const type = stringAt(model.config, "model_type");
  if (type !== null) return type;
  throw refuse(
    `${model.ref} has no config.json with a model_type, and a mixture's config is made from it. Open the model's whole folder.`,
  );
}

/** Every tensor of the base has a place in the target, and none is missing. */
function checkBase(base: Model, target: Target, layers: number, hidden: number): void {
  const { tensors } = base.checkpoint;
  for (let layer = 0; layer < layers; layer++) {
    for (const part of target.needs) {
      const name = `${STACK}.${layer}.${part}`;
      if (!tensors.has(name))
        throw refuse(`${base.ref} has no tensor ${name}, which a ${target.title} needs. Take another base.`);
    }
  }
  const homeless = [...tensors.keys()].find((name) => !hasPlace(base, name, target));
  if (homeless !== undefined) {
    const why = homeless.endsWith(".bias") ? `${target.title} has no bias there` : `${target.title} has no such tensor`;
    const allowed = TARGETS.filter((other) => other !== target && hasPlace(base, homeless, other));
    const else_ = allowed.length === 0 ? "" : ` (${allowed.map(({ title }) => title).join(", ")} would have)`;
    throw refuse(`${base.ref} has a tensor ${homeless}, but ${why}${else_}. Take a base without it.`);
  }
  const heads = numberAt(base.config, "num_attention_heads");
  const rows = tensors.get(`${STACK}.0.self_attn.q_proj.weight`)?.shape[0];
  if (target.id === "qwen" && heads !== null && rows !== hidden) {
    throw refuse(
      `${base.ref} has attention heads of ${rows === undefined ? "unknown" : rows / heads} numbers, ${rows} in all, but ${target.title} demands as many as the hidden size, ${hidden}. Leave out shared_experts to make another mixture, or take another base.`,
    );
  }
}

function hasPlace(base: Model, name: string, target: Target): boolean {
  const { stack, part } = base.family.place(name);
  if (stack === null) return [EMBEDDING, "model.norm.weight", "lm_head.weight"].includes(name);
  if (stack !== STACK) return false;
  return isRecomputed(part) || isMatrix(part) || target.needs.includes(part) || target.takes.includes(part);
}

/** Old checkpoints store the rotary frequencies, which every class computes anew. */
export const isRecomputed = (part: string): boolean => part.endsWith("rotary_emb.inv_freq");
export const isMatrix = (part: string): boolean => MATRICES.some((matrix) => part === `mlp.${matrix}.weight`);

function member(entry: MoeExpert, model: Model, base: Model, layers: number, hidden: number): Member {
  const { tensors } = model.checkpoint;
  const depth = model.stacks.find(({ prefix }) => prefix === STACK)?.layers ?? 0;
  if (depth !== layers)
    throw refuse(`${model.ref} has ${depth} layers and ${base.ref} has ${layers}; experts need the base's number.`);
  const bias = [...tensors.keys()].find((name) => /\.mlp\.\w+\.bias$/.test(name));
  if (bias !== undefined)
    throw refuse(`${model.ref} has a tensor ${bias}, but experts have no bias. Take an expert without it.`);
  const width = tensors.get(`${STACK}.0.mlp.gate_proj.weight`)?.shape[0] ?? 0;
  const all = Array.from({ length: layers }, (_, layer) => {
    const find = (matrix: Matrix) => {
      const name = `${STACK}.${layer}.mlp.${matrix}.weight`;
      const info = tensors.get(name);
      if (info === undefined) throw refuse(`${model.ref} has no tensor ${name}, which an expert needs.`);
      const wanted = matrix === "down_proj" ? [hidden, width] : [width, hidden];
      if (info.shape.join() !== wanted.join())
        throw refuse(
          `${model.ref}: ${name} has the shape [${info.shape.join(", ")}], but next to ${base.ref} (hidden size ${hidden}) it must be [${wanted.join(", ")}]. Experts need the base's hidden size.`,
        );
      return info;
    };
    return { gate_proj: find("gate_proj"), up_proj: find("up_proj"), down_proj: find("down_proj") };
  });
  return { entry, model, width, layers: all };
}

function checkWidths(experts: readonly Member[]): void {
  const odd = experts.find(({ width }) => width !== experts[0]?.width);
  if (odd === undefined) return;
  throw refuse(
    `${odd.model.ref} has feed-forward blocks ${odd.width} wide and ${experts[0]?.model.ref} ${experts[0]?.width}; all experts need the same width. Leave one of them out.`,
  );
}

/** Differences that do not show in the shapes but do in what the experts compute. */
function remarkOn(model: Model, base: Model, vocabulary: number, notes: Note[]): void {
  if (model === base) return;
  const rows = model.checkpoint.tensors.get(EMBEDDING)?.shape[0];
  if (rows !== undefined && rows !== vocabulary) {
    notes.push({
      severity: "warning",
      text: `${model.ref} has a vocabulary of ${rows.toLocaleString("en")} and ${base.ref} one of ${vocabulary.toLocaleString("en")}. The result has the base's embeddings and tokenizer, so this expert may meet tokens it does not know.`,
    });
  }
  for (const key of ["hidden_act", "rms_norm_eps", "rope_theta"] as const) {
    const [mine, theirs] = [base.config?.[key], model.config?.[key]];
    if (mine === undefined || theirs === undefined || isObject(mine) || mine === theirs) continue;
    notes.push({
      severity: "warning",
      text: `${key} is ${JSON.stringify(theirs)} in ${model.ref} and ${JSON.stringify(mine)} in ${base.ref}; the result has the base's.`,
    });
  }
}
