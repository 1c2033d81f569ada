/**
 * `diff A B`: how far B moved from A, per layer and kind, computed by the engine itself: three sums per
 * tensor (change squared, A squared, dot product), everything read once.
 */
import { isFloat } from "../core/bytes/dtype.ts";
import type { Engine } from "../core/engine/engine.ts";
import { throwIfAborted } from "../core/errors.ts";
import { countOf, type TensorInfo } from "../core/formats/checkpoint.ts";
import { dot, input, sub } from "../core/graph/tensor.ts";
import type { InputPlan } from "../core/plan/plan.ts";
import { measure } from "../core/run/measure.ts";
import type { Invocation } from "./args.ts";
import { openEngine } from "./engine.ts";
import { openModels } from "./models.ts";

interface Row {
  readonly name: string;
  readonly kind: string;
  readonly layer: number | null;
  /** Squared norms of the change, of A and of B, and the dot product of A and B. */
  readonly sums: readonly [number, number, number, number];
}

export async function diffCommand(invocation: Invocation, signal: AbortSignal): Promise<unknown> {
  const [refA = "", refB = ""] = invocation.operands;
  const { models, close } = await openModels([refA, refB], null);
  const a = models.get(refA)!;
  const b = models.get(refB)!;
  const { engine } = await openEngine(invocation.engine, invocation.lanes);
  const rows: Row[] = [];
  const apart: string[] = [];
  try {
    for (const info of a.checkpoint.tensors.values()) {
      throwIfAborted(signal);
      const other = b.checkpoint.tensors.get(info.name);
      if (other === undefined || other.shape.join() !== info.shape.join()) {
        apart.push(`${info.name}: ${other === undefined ? `only in ${refA}` : `[${info.shape}] and [${other.shape}]`}`);
        continue;
      }
      const sums = await compare(info, other, engine, signal);
      if (sums === null) continue;
      const { kind, layer } = a.family.place(info.name);
      rows.push({ name: info.name, kind, layer, sums });
    }
    for (const name of b.checkpoint.tensors.keys())
      if (!a.checkpoint.tensors.has(name)) apart.push(`${name}: only in ${refB}`);
  } finally {
    await engine.close();
    await close();
  }
  const tensors = rows.map(({ name, kind, layer, sums }) => ({ name, kind, layer, ...figures(sums) }));
  const whole = figures(total(rows));
  if (!invocation.json) print(rows, apart, refA, refB);
  return { a: refA, b: refB, ...whole, tensors, apart };
}

async function compare(a: TensorInfo, b: TensorInfo, engine: Engine, signal: AbortSignal): Promise<Row["sums"] | null> {
  if (!isFloat(a.dtype) || !isFloat(b.dtype)) return null;
  const inputs: InputPlan[] = [
    { ref: "A", info: a, dtype: a.dtype, start: a.range.start },
    { ref: "B", info: b, dtype: b.dtype, start: b.range.start },
  ];
  const [x, y] = [input(0), input(1)];
  const change = sub(y, x);
  const found = await measure(
    inputs,
    countOf(a.shape),
    [dot(change, change), dot(x, x), dot(y, y), dot(x, y)],
    engine,
    signal,
  );
  return [found[0]!, found[1]!, found[2]!, found[3]!];
}

const total = (rows: readonly Row[]): Row["sums"] =>
  rows.reduce<Row["sums"]>(
    (sum, { sums }) => [sum[0] + sums[0], sum[1] + sums[1], sum[2] + sums[2], sum[3] + sums[3]],
    [0, 0, 0, 0],
  );

/** Relative change |B - A| / |A| and the cosine between A and B. */
function figures([change, a, b, product]: Row["sums"]): { change: number | null; cosine: number | null } {
  return {
    change: a === 0 ? null : Math.sqrt(change / a),
    cosine: a === 0 || b === 0 ? null : product / Math.sqrt(a * b),
  };
}

function print(rows: readonly Row[], apart: readonly string[], refA: string, refB: string): void {
  const show = (label: string, sums: Row["sums"]) => {
    const { change, cosine } = figures(sums);
    console.log(
      `${label.padEnd(28)} ${(change === null ? "-" : `${(100 * change).toFixed(3)} %`).padStart(12)} ${(cosine?.toFixed(6) ?? "-").padStart(12)}`,
    );
  };
  console.log(`${`${refA} -> ${refB}`.padEnd(28)} ${"moved".padStart(12)} ${"cosine".padStart(12)}`);
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const label = row.layer === null ? row.name : `layer ${row.layer} ${row.kind}`;
    groups.set(label, [...(groups.get(label) ?? []), row]);
  }
  for (const [label, group] of groups) show(label, total(group));
  show("everything", total(rows));
  for (const line of apart) console.log(`not compared: ${line}`);
}
