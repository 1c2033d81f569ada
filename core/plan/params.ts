/**
 * The numbers a method gets for one tensor: every level of the recipe looked up, gradients and filters
 * applied, types checked.
 */
import { WeightloomError } from "../errors.ts";
import type { AnyMethod, Param } from "../method.ts";
import { resolve } from "../recipe/evaluate.ts";
import type { Settings } from "../recipe/recipe.ts";
import type { OutputTensor, Source } from "./outputs.ts";
import type { ParamValues } from "./plan.ts";

/** Values of the parameters that exist once per output tensor. Filters see the output's name. */
export function mergeParams(method: AnyMethod, tensor: OutputTensor, top: Settings | undefined): ParamValues {
  return valuesOf(method, "merge", [tensor.slice, tensor.module, top], tensor.t, tensor.name, null);
}

/** Values of the parameters that exist per model. Filters see the name in that model. */
export function modelParams(
  method: AnyMethod,
  tensor: OutputTensor,
  source: Source,
  top: Settings | undefined,
): ParamValues {
  const levels = [source.parameters, tensor.slice, tensor.module, top];
  return valuesOf(method, "model", levels, tensor.t, source.name, source.label);
}

/** True when every per-model parameter that must be given is found for this model. */
export function hasParams(method: AnyMethod, tensor: OutputTensor, source: Source, top: Settings | undefined): boolean {
  const needed = Object.entries<Param>(method.params).filter(([, p]) => p.per === "model" && p.default === null);
  const levels = [source.parameters, tensor.slice, tensor.module, top];
  return needed.every(([name]) => lookUp(name, levels, tensor.t, source.name) !== undefined);
}

/** All levels see the tensor under the same name: the output's for merge parameters, the model's own for its own. */
const lookUp = (param: string, levels: readonly (Settings | undefined)[], t: number, name: string) =>
  resolve(
    param,
    levels.map((settings) => ({ settings, name })),
    t,
  );

function valuesOf(
  method: AnyMethod,
  scope: "merge" | "model",
  levels: readonly (Settings | undefined)[],
  t: number,
  name: string,
  model: string | null,
): ParamValues {
  const values: Record<string, number | boolean | string | null> = {};
  for (const [id, param] of Object.entries<Param>(method.params)) {
    if (param.per !== scope) continue;
    const found = lookUp(id, levels, t, name) ?? param.default;
    values[id] = check(id, param, found, method, name, model);
  }
  return values;
}

function check(
  id: string,
  param: Param,
  value: unknown,
  method: AnyMethod,
  name: string,
  model: string | null,
): number | boolean | string {
  const whose = model === null ? "" : ` of ${model}`;
  if (value === null) {
    throw new WeightloomError(
      "PlanError",
      `${method.id} needs ${id}${whose} for ${name}, and no value or filter gives one. Add ${id} under parameters.`,
    );
  }
  if (param.kind === "flag") {
    if (typeof value === "boolean") return value;
    if (value === 0 || value === 1) return value === 1;
    throw new WeightloomError(
      "PlanError",
      `${id}${whose} for ${name} is ${JSON.stringify(value)}; it must be true or false.`,
    );
  }
  if (param.kind === "choice") {
    const words = param.options.map((option) => option.value);
    if (typeof value === "string" && words.includes(value)) return value;
    throw new WeightloomError(
      "PlanError",
      `${id}${whose} for ${name} is ${JSON.stringify(value)}; it must be one of ${words.join(", ")}.`,
    );
  }
  const numeric = typeof value === "boolean" ? Number(value) : value;
  if (typeof numeric !== "number" || !Number.isFinite(numeric)) {
    throw new WeightloomError(
      "PlanError",
      `${id}${whose} for ${name} is ${JSON.stringify(value)}; it must be a number.`,
    );
  }
  if (param.hard === true && (numeric < param.min || numeric > param.max)) {
    throw new WeightloomError(
      "PlanError",
      `${id}${whose} for ${name} is ${numeric}; it must lie between ${param.min} and ${param.max}.`,
    );
  }
  return numeric;
}
