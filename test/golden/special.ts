/**
 * Vectors that give something else than a merged tensor (masks, rescalers, chances of staying, the authors' form),
 * asked for in this project's words.
 */
import { input, type Tensor, total } from "../../core/graph/tensor.ts";
import { tallMask } from "../../methods/consensus_ta.ts";
import { magPrune } from "../../methods/sparse.ts";
import { taskVector } from "../../methods/steps.ts";
import { type Ask, expression, f32, type Input } from "../support/merge.ts";

export interface Vector {
  readonly id: string;
  readonly inputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: readonly number[] }>>;
  readonly method: string;
  readonly base: string | null;
  readonly models: readonly { readonly tensor: string; readonly params: Readonly<Record<string, number | boolean>> }[];
  readonly params: Readonly<Record<string, number | boolean>>;
  readonly dtype: "float32" | "bfloat16";
  readonly expected: readonly number[];
  /** A chain of slerps: result, base, other, t. */
  readonly steps?: readonly (readonly [string, string, string, number])[];
  /** A given DARE mask, since torch's random stream exists nowhere else. */
  readonly mask?: readonly (readonly number[])[];
  readonly layers?: number;
}

export interface Asked {
  readonly id: string;
  /** The vector it belongs to, where that has several parts. */
  readonly of?: string;
  /** Inputs and result are bfloat16. */
  readonly half: boolean;
  readonly merged: Tensor;
  readonly inputs: readonly Input[];
  readonly expected: readonly number[];
}

/** Null: an ordinary vector, or one of a method that is not here. */
export function special(vector: Vector): readonly Asked[] | null {
  const { id, params } = vector;
  const one = (ask: Ask, expected = vector.expected): readonly Asked[] => [
    { id, half: false, ...expression(ask), expected },
  ];
  switch (vector.method) {
    // The authors' code keeps one element more than half of the eight: five.
    case "ties_authors": {
      const sum = String(params.merge) === "sum";
      const own = { trim_over: "model", normalize: !sum, lambda: sum ? Number(params.lambda) : 1 };
      return one(askFor(vector, "ties", own, { weight: 1, density: 5 / 8 }));
    }
    case "tall": {
      const { consensus } = vector.expected as unknown as { consensus: readonly number[] };
      const own = { k: Number(params.k), lambda: Number(params.alpha) };
      return [
        ...one(askFor(vector, "consensus_ta", own, { tall_lambda: Number(params.lambda) }), consensus),
        ...tallMasks(vector),
      ];
    }
    case "emr":
      return emrParts(vector);
    case "pcb":
      return one(askFor(vector, "pcb", { ...params, clip: 0 }));
    case "neuromerging": {
      // The parallel part alone: nothing is dropped, and only what lies along counts.
      const ask = askFor(vector, "neuromerging", { density: 1, parallel: 1, orthogonal: 0 });
      return one(
        ask,
        vector.expected.map((part, i) => part + values(vector, "O")[i]!),
      );
    }
    default:
      return id.startsWith("della-keep") ? chances(vector) : null;
  }
}

const values = (vector: Vector, name: string) => vector.inputs[name]?.values ?? [];

function askFor(vector: Vector, method: string, params: Ask["params"] = {}, each: Ask["params"] = {}): Ask {
  return {
    method,
    base: f32(values(vector, "O")),
    models: vector.models.map(({ tensor }) => ({ tensor: f32(values(vector, tensor)), params: each })),
    params,
    shape: vector.inputs.O?.shape ?? [],
  };
}

function tallMasks(vector: Vector): Asked[] {
  const { masks } = vector.expected as unknown as { masks: Readonly<Record<string, string>> };
  const inputs = ["O", ...vector.models.map(({ tensor }) => tensor)].map((name) => f32(values(vector, name)));
  const deltas = vector.models.map((_, i) => taskVector(input(i + 1), input(0)));
  return vector.models.map(({ tensor }, i) => ({
    id: `tall mask ${tensor}`,
    of: vector.id,
    half: false,
    merged: tallMask(deltas[i]!, total(deltas), Number(vector.params.lambda)),
    inputs,
    expected: [...(masks[tensor] ?? "")].map(Number),
  }));
}

function emrParts(vector: Vector): Asked[] {
  const { unified, rescalers } = vector.expected as unknown as Record<"unified" | "rescalers", readonly number[]>;
  const base = values(vector, "O");
  const whole = askFor(vector, "emr");
  const expected = base.map((value, i) => value + unified[i]!);
  return [
    { id: vector.id, half: false, ...expression(whole), expected },
    ...vector.models.map(({ tensor }, m): Asked => {
      const models = whole.models.map((model, i) => ({ ...model, params: { task: i === m } }));
      const task = base.map((value, i) => {
        const agrees = (values(vector, tensor)[i]! - value) * unified[i]! > 0;
        return value + (agrees ? rescalers[m]! * unified[i]! : 0);
      });
      const made = expression({ ...whole, models });
      return { id: `emr task ${tensor}`, of: vector.id, half: false, ...made, expected: task };
    }),
  ];
}

/** DELLA's chances of staying: of a model's change, or of any row of four in ascending order. */
function chances({ id, inputs, models, params, expected }: Vector): Asked[] {
  const [model] = models;
  const of =
    model === undefined
      ? [
          [0, 0, 0, 0],
          [1, -2, 3, -4],
        ]
      : [inputs.O!.values, inputs[model.tensor]!.values];
  const { probability } = magPrune(taskVector(input(1), input(0)), {
    density: Number(params.density),
    epsilon: Number(params.epsilon),
    stream: 0,
    columns: 4,
    name: "x",
  });
  if (typeof probability === "number") throw new Error("the chances do not depend on size");
  return [{ id, half: false, merged: probability, inputs: of.map(f32), expected }];
}
