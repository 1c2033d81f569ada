/** What must hold for a method whatever the weights are: copies of one model, copies of the base, order of models. */
import { afterAll, describe, expect, test } from "vitest";
import { METHODS } from "../../methods/index.ts";
import { engines } from "../support/engines.ts";
import { type Ask, mergeValues } from "../support/merge.ts";
import { asInput, base, COLUMNS, ROWS, tuned } from "./invented.ts";

type Params = Readonly<Record<string, number | boolean | string>>;

interface Case {
  readonly method: string;
  /** Models besides the base. */
  readonly models: number;
  readonly base: boolean;
  readonly params?: Params;
  readonly each?: Params;
  /** N copies of a model give that model. */
  readonly copies?: false;
  /** Copies of the base give the base. */
  readonly still?: false;
  /** Order does not matter. */
  readonly symmetric?: false;
}

const third = { weight: 1 / 3 };
const CASES: readonly Case[] = [
  { method: "linear", models: 3, base: false, each: third },
  { method: "slerp", models: 1, base: true, params: { t: 0.5 }, copies: false },
  { method: "nuslerp", models: 2, base: false, each: { weight: 0.5 } },
  { method: "nuslerp", models: 2, base: true, each: { weight: 0.5 } },
  { method: "nuslerp", models: 2, base: false, each: { weight: 0.5 }, params: { nuslerp_flatten: false } },
  {
    method: "nuslerp",
    models: 2,
    base: true,
    each: { weight: 0.5 },
    params: { nuslerp_flatten: false, nuslerp_row_wise: true },
  },
  { method: "multislerp", models: 3, base: false, each: third },
  { method: "multislerp", models: 3, base: true, each: third },
  { method: "karcher", models: 3, base: false },
  { method: "model_stock", models: 3, base: true },
  { method: "model_stock", models: 3, base: true, params: { filter_wise: true } },
  { method: "task_arithmetic", models: 3, base: true, each: third },
  { method: "ties", models: 3, base: true, each: { weight: 1, density: 1 } },
  { method: "dare_linear", models: 3, base: true, each: { ...third, density: 1 } },
  { method: "dare_ties", models: 3, base: true, each: { ...third, density: 1 } },
  // By chance and by rank alike: nothing is left out at full density.
  { method: "della", models: 3, base: true, each: { weight: 1, density: 1 } },
  { method: "della_linear", models: 3, base: true, each: { ...third, density: 1 } },
  { method: "breadcrumbs", models: 3, base: true, each: { ...third, density: 1 } },
  { method: "breadcrumbs_ties", models: 3, base: true, each: { ...third, density: 1 } },
  { method: "sce", models: 3, base: true },
  { method: "sce", models: 3, base: true, params: { uniform_below: 0 } },
  { method: "sce", models: 3, base: true, params: { select_topk: 0.3 }, copies: false },
  { method: "consensus_ta", models: 3, base: true, params: { lambda: 1 }, each: third },
  { method: "emr", models: 3, base: true },
  { method: "magmax", models: 3, base: true, params: { lambda: 1 } },
  { method: "median", models: 3, base: true },
  { method: "median", models: 4, base: true },
  { method: "median", models: 5, base: true },
  { method: "pcb", models: 3, base: true, copies: false },
  { method: "neuromerging", models: 3, base: true, params: { density: 1, parallel: 1 } },
  { method: "neuromerging", models: 3, base: true, copies: false },
  { method: "ram", models: 3, base: true },
  { method: "ramplus_tl", models: 3, base: true },
  { method: "arcee_fusion", models: 1, base: true, copies: false },
  { method: "nearswap", models: 1, base: true, params: { t: 10 } },
  { method: "passthrough", models: 1, base: false },
];

test("every method is here", () => {
  expect([...new Set(CASES.map(({ method }) => method))].sort()).toEqual([...METHODS.keys()].sort());
});

function ask(one: Case, models: readonly (readonly number[])[]): Ask {
  return {
    method: one.method,
    ...(one.base ? { base: asInput(base) } : {}),
    models: models.map((values) => ({ tensor: asInput(values), params: one.each ?? {} })),
    params: one.params ?? {},
    shape: [ROWS, COLUMNS],
  };
}

function expectNear(got: readonly number[], want: readonly number[], within = 1e-6): void {
  const worst = got.reduce((most, value, i) => Math.max(most, Math.abs(value - want[i]!)), 0);
  expect(worst).toBeLessThanOrEqual(within);
  expect(got.every(Number.isFinite)).toBe(true);
}

describe.each(await engines())("$name", ({ engine }) => {
  afterAll(() => engine.close());
  const label = (one: Case) => `${one.method} of ${one.models} ${JSON.stringify({ ...one.params, base: one.base })}`;
  const named = CASES.map((one) => [label(one), one] as const);

  test.each(named.filter(([, { copies }]) => copies !== false))("copies of one model: %s", async (_, one) => {
    const model = tuned(2);
    expectNear(
      await mergeValues(
        ask(
          one,
          Array.from({ length: one.models }, () => model),
        ),
        engine,
      ),
      model,
      2e-6,
    );
  });

  test.each(named.filter(([, one]) => one.base && one.still !== false))("copies of the base: %s", async (_, one) => {
    expectNear(
      await mergeValues(
        ask(
          one,
          Array.from({ length: one.models }, () => base),
        ),
        engine,
      ),
      base,
      0,
    );
  });

  test.each(named.filter(([, { models }]) => models > 1))("in any order: %s", async (_, one) => {
    const models = Array.from({ length: one.models }, (_, i) => tuned(10 + i, 0.05 + 0.05 * i));
    const straight = await mergeValues(ask(one, models), engine);
    const turned = await mergeValues(ask(one, [...models].reverse()), engine);
    expectNear(turned, straight, 3e-6);
    expect(straight).not.toEqual(base);
  });
});
