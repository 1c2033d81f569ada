/**
 * `diff A B`: how far B moved from A, per layer and kind, computed by the engine itself: sums per tensor,
 * everything read once.
 */
import { throwIfAborted } from "../core/errors.ts";
import type { TensorInfo } from "../core/formats/checkpoint.ts";
import { inputOf, movesOf } from "../core/run/moves.ts";
import { cosineOf, type Moves, relativeChange, totalMoves } from "../core/run/sums.ts";
import type { Invocation } from "./args.ts";
import { openEngine } from "./engine.ts";
import { openModels } from "./models.ts";

interface Row {
  readonly name: string;
  readonly kind: string;
  readonly layer: number | null;
  readonly moves: Moves;
}

export async function diffCommand(invocation: Invocation, signal: AbortSignal): Promise<unknown> {
  const [refA = "", refB = ""] = invocation.operands;
  const { models, close } = await openModels([refA, refB], null, { ...invocation, signal });
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
      const inputs = both(info, other);
      if (inputs === null) continue;
      const moves = await movesOf(inputs, engine, { signal });
      const { kind, layer } = a.family.place(info.name);
      rows.push({ name: info.name, kind, layer, moves });
    }
    for (const name of b.checkpoint.tensors.keys())
      if (!a.checkpoint.tensors.has(name)) apart.push(`${name}: only in ${refB}`);
  } finally {
    await engine.close();
    await close();
  }
  const tensors = rows.map(({ name, kind, layer, moves }) => ({ name, kind, layer, ...figures(moves) }));
  const whole = figures(total(rows));
  if (!invocation.json) print(rows, apart, refA, refB);
  return { a: refA, b: refB, ...whole, tensors, apart };
}

/** Floats can be compared, whatever their types. */
function both(a: TensorInfo, b: TensorInfo) {
  const [first, second] = [inputOf("A", a), inputOf("B", b)];
  return first === null || second === null ? null : [first, second];
}

const total = (rows: readonly Row[]) => totalMoves(rows.map(({ moves }) => moves));

/** Relative change |B - A| / |A| and the cosine between A and B. */
function figures(moves: Moves | null): { change: number | null; cosine: number | null } {
  const [move] = moves?.models ?? [];
  if (moves === null || move === undefined) return { change: null, cosine: null };
  return { change: relativeChange(moves, move), cosine: cosineOf(moves, move) };
}

function print(rows: readonly Row[], apart: readonly string[], refA: string, refB: string): void {
  const show = (label: string, moves: Moves | null) => {
    const { change, cosine } = figures(moves);
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
