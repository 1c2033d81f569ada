/**
 * Which row of which model every row of a new embedding is. A model keeps the rows of the tokens it has; for the others it
 * borrows: from the model the recipe names, the only model that has the token, the base, or the mean of all that have it.
 */
import type { RowPart, RowRecipe } from "../bytes/rows.ts";
import { WeightloomError } from "../errors.ts";
import { quote } from "../formats/json.ts";
import type { TokenRule, TokenSource } from "../recipe/recipe.ts";

/** A model's rows for the tokens of the result. */
export interface Owner {
  readonly ref: string;
  /** Tokens of its own tokenizer. */
  readonly ids: ReadonlyMap<string, number>;
  /** Rows its embeddings have. */
  readonly size: number;
  /** True when its tensors are merged, not only its tokenizer used. */
  readonly merged: boolean;
  /** Per token of the result, by id: its row, or -1. */
  readonly rows: Int32Array;
}

/** A borrowed row before any tensor is chosen: the rows to average; none is zeros. */
export type Loan = readonly { readonly owner: Owner; readonly row: number }[];

export interface RowPlan {
  /** Tokens of the result, by id; undefined where an id has none. */
  readonly tokens: readonly (string | undefined)[];
  /** Rows with the padding. */
  readonly rows: number;
  readonly owners: readonly Owner[];
  readonly forced: ReadonlySet<number>;
  /** Ids whose row the recipe names. */
  readonly named: ReadonlySet<number>;
  /** What a model without the token, or a forced one, gets at this id. */
  loan(id: number): Loan;
  /** Tokens no model has and no rule fills. */
  readonly unfilled: readonly string[];
}

/** An owner's rows, in the order of the result's tokens. */
export function ownRows(
  tokens: readonly (string | undefined)[],
  ids: ReadonlyMap<string, number>,
  size: number,
): Int32Array {
  return Int32Array.from(tokens, (token) => {
    const id = token === undefined ? undefined : ids.get(token);
    return id !== undefined && id < size ? id : -1;
  });
}

export function planRows(
  tokens: readonly (string | undefined)[],
  rows: number,
  owners: readonly Owner[],
  base: Owner | null,
  rules: ReadonlyMap<string, TokenRule>,
): RowPlan {
  const merged = owners.filter((owner) => owner.merged);
  const explicit = new Map<number, Loan>();
  const forced = new Set<number>();
  tokens.forEach((token, id) => {
    const rule = token === undefined ? undefined : rules.get(token);
    if (token === undefined || rule === undefined) return;
    if (rule.force === true) forced.add(id);
    if (rule.source !== undefined) explicit.set(id, lent(token, id, rule.source, owners));
  });
  const loan = (id: number): Loan => {
    const said = explicit.get(id);
    if (said !== undefined) return said;
    const having = merged.filter((owner) => owner.rows[id]! >= 0);
    const chosen = base !== null && having.includes(base) ? [base] : having;
    return chosen.map((owner) => ({ owner, row: owner.rows[id]! }));
  };
  const unfilled = tokens.filter(
    (token, id): token is string =>
      token !== undefined && !explicit.has(id) && merged.every((owner) => owner.rows[id]! < 0),
  );
  return { tokens, rows, owners, forced, named: new Set(explicit.keys()), loan, unfilled };
}

/** What `tokens.T.source` asks for. */
function lent(token: string, id: number, source: TokenSource, owners: readonly Owner[]): Loan {
  const at = `tokenizer.tokens[${quote(token)}].source`;
  if (typeof source === "string") {
    const owner = ownerOf(source, at, owners);
    const row = owner.rows[id]!;
    if (row >= 0) return [{ owner, row }];
    throw new WeightloomError(
      "PlanError",
      `${at} is ${source}, which has no such token. Name a model that has it, or a token of ${source} with kind: model_token.`,
    );
  }
  if (source.kind === "zero") return [];
  const owner = ownerOf(source.model, `${at}.model`, owners);
  return [{ owner, row: tokenRow(source, at, owner) }];
}

function ownerOf(ref: string, at: string, owners: readonly Owner[]): Owner {
  const owner = owners.find((one) => one.ref === ref);
  if (owner !== undefined) return owner;
  const known = owners.map((one) => one.ref).join(", ");
  throw new WeightloomError("PlanError", `${at} is ${quote(ref)}, which is not one of the models: ${known}.`);
}

function tokenRow(
  { token, token_id: id }: Extract<TokenSource, { kind: "model_token" }>,
  at: string,
  { ref, ids, size }: Owner,
): number {
  if ((token === undefined) === (id === undefined)) {
    throw new WeightloomError("PlanError", `${at} must have exactly one of token and token_id.`);
  }
  const row = token === undefined ? id : ids.get(token);
  if (row === undefined) {
    throw new WeightloomError("PlanError", `${at}.token is ${quote(token ?? "")}, which ${ref} does not have.`);
  }
  if (Number.isSafeInteger(row) && row >= 0 && row < size) return row;
  const what = token === undefined ? "token_id" : `token ${quote(token)} has the id`;
  throw new WeightloomError(
    "PlanError",
    `${at}: ${what} ${row}, but ${ref} has ${size.toLocaleString("en")} rows, numbered from 0.`,
  );
}

/** The rows of one model's matrix. `part` makes a row of an owner's matrix a part, or null where it has no such matrix. */
export function recipesFor(
  plan: RowPlan,
  owner: Owner,
  part: (owner: Owner, row: number) => RowPart | null,
): RowRecipe[] {
  const recipes: RowRecipe[] = plan.tokens.map((token, id): RowRecipe => {
    if (token === undefined) return [];
    const row = owner.rows[id]!;
    if (row >= 0 && !plan.forced.has(id)) {
      const own = part(owner, row);
      return own === null ? [] : [own];
    }
    const loan = plan.loan(id);
    const parts = loan.flatMap((one) => part(one.owner, one.row) ?? []);
    if (parts.length === 0 && loan.length > 0 && plan.named.has(id)) throw noRow(token, loan);
    return parts;
  });
  while (recipes.length < plan.rows) recipes.push("mean");
  return recipes;
}

function noRow(token: string, loan: Loan): WeightloomError {
  const refs = loan.map(({ owner, row }) => `row ${row} of ${owner.ref}`).join(", ");
  return new WeightloomError(
    "PlanError",
    `tokenizer.tokens[${quote(token)}] takes ${refs}, but one of its tensors has no such row. Name another model, or leave the source out.`,
  );
}
