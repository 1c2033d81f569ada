/** Which tensors of a model have one row per token, and what each becomes when the result has other tokens. */
import { isFloat, isOutput, type OutputDtype } from "../bytes/dtype.ts";
import { type Matrix, type RowPart, type Run, rowSource, runsOf } from "../bytes/rows.ts";
import { WeightloomError } from "../errors.ts";
import { countOf, type TensorInfo } from "../formats/checkpoint.ts";
import { numberAt } from "../model/config.ts";
import type { Model } from "../model/model.ts";
import { standIn } from "../model/tied.ts";
import { type Owner, type RowPlan, recipesFor } from "./rows.ts";

/** Embeddings of places in a text or picture rather than of tokens. */
const ELSEWHERE = /position|pos_embed|wpe|token_type|patch|class_embed|relative/;

/** Tensors with a row (or, in a head's bias, an element) per token. */
export function vocabularyTensors(model: Pick<Model, "checkpoint" | "family" | "config">): readonly TensorInfo[] {
  const candidates = [...model.checkpoint.tensors.values()].filter((info) => isTall(model, info));
  const rows = rowsOf(model, candidates);
  return candidates.filter(({ shape }) => shape[0] === rows);
}

function isTall({ family }: Pick<Model, "family">, { name, shape }: TensorInfo): boolean {
  const { kind } = family.place(name);
  if (ELSEWHERE.test(name)) return false;
  if (shape.length === 1) return kind === "head" && name.endsWith(".bias");
  return shape.length === 2 && (kind === "embedding" || kind === "head");
}

/** Rows of the embedding: the config's figure where a tensor has it, else those of the tallest. */
function rowsOf({ config }: Pick<Model, "config">, candidates: readonly TensorInfo[]): number {
  const said = numberAt(config, "vocab_size", "text_config.vocab_size", "llm_config.vocab_size");
  const matrices = candidates.filter(({ shape }) => shape.length === 2);
  if (said !== null && matrices.some(({ shape }) => shape[0] === said)) return said;
  return Math.max(0, ...matrices.map(({ shape }) => shape[0] ?? 0));
}

/** Tokens that have a row: what the config says, at most what the embedding has. */
export function vocabularySize(model: Pick<Model, "checkpoint" | "family" | "config">): number {
  return vocabularyTensors(model)[0]?.shape[0] ?? 0;
}

/** Makes tensors of one model have the result's rows. */
export type Permute = (info: TensorInfo, as: string) => TensorInfo;

/**
 * What each tensor of a model becomes. `as` is the name it is used under: a tied embedding that serves as a head borrows
 * the rows of heads. The same tensor under the same name always gives the same object.
 */
export function permuting(model: Model, owner: Owner, plan: RowPlan, models: ReadonlyMap<Owner, Model>): Permute {
  const made = new Map<TensorInfo, Map<string, TensorInfo>>(vocabularyTensors(model).map((info) => [info, new Map()]));
  return (info, as) => {
    const known = made.get(info);
    if (known === undefined) return info;
    const done = known.get(as) ?? permuted(info, as, model, owner, plan, models);
    known.set(as, done);
    return done;
  };
}

function permuted(
  info: TensorInfo,
  as: string,
  model: Model,
  owner: Owner,
  plan: RowPlan,
  models: ReadonlyMap<Owner, Model>,
): TensorInfo {
  const columns = countOf(info.shape.slice(1));
  const own = matrixOf(info, model.ref);
  const matrices = new Map<Owner, Matrix | null>([[owner, own]]);
  const part = (lender: Owner, row: number): RowPart | null => {
    let matrix = matrices.get(lender);
    if (matrix === undefined) {
      const other = models.get(lender);
      matrix = other === undefined ? null : counterpart(info, as, model, other);
      matrices.set(lender, matrix);
    }
    return matrix === null || row >= matrix.rows ? null : { matrix, row };
  };
  const runs = runsOf(recipesFor(plan, owner, part));
  if (plan.rows === info.shape[0] && isIdentity(runs, own)) return info;
  const dtype = stored(info);
  const source = rowSource(`${info.source.name}: ${as} in the result's vocabulary`, dtype, columns, runs);
  return {
    name: info.name,
    dtype,
    shape: [plan.rows, ...info.shape.slice(1)],
    source,
    range: { start: 0, end: source.size },
  };
}

/** True when every row is where it was. */
function isIdentity(runs: readonly Run[], own: Matrix): boolean {
  const [only, ...more] = runs;
  if (only === undefined || more.length > 0 || only.parts === "mean" || only.parts.length !== 1) return false;
  return only.parts[0]?.row === 0 && only.parts[0].matrix === own;
}

/** The same tensor in another model, or what stands in for it; null when it has neither. */
function counterpart(info: TensorInfo, as: string, model: Model, other: Model): Matrix | null {
  const found = other.checkpoint.tensors.get(standIn(other, as) ?? as);
  if (found === undefined) return null;
  if (found.shape.length === info.shape.length && found.shape[1] === info.shape[1]) return matrixOf(found, other.ref);
  throw new WeightloomError(
    "PlanError",
    `${as}: ${model.ref} has [${info.shape.join(", ")}], ${other.ref} has [${found.shape.join(", ")}]. Rows can only be exchanged between embeddings of one width. Leave out the model that differs.`,
  );
}

function matrixOf({ name, dtype, shape, source, range }: TensorInfo, ref: string): Matrix {
  if (!isFloat(dtype)) {
    throw new WeightloomError(
      "PlanError",
      `${ref}: ${name} is stored as ${dtype}, and only float embeddings can be given another vocabulary. Use the model it was made from.`,
    );
  }
  return { source, start: range.start, dtype, rows: shape[0] ?? 0 };
}

/** Stored as it is; what cannot be written becomes the nearest that can. */
const stored = ({ dtype }: TensorInfo): OutputDtype => (isOutput(dtype) ? dtype : dtype === "F64" ? "F32" : "BF16");
