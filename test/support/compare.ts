/** How a result is held against numbers that something else produced. */
import { decode } from "../../core/bytes/convert.ts";
import { bytesPer, type OutputDtype } from "../../core/bytes/dtype.ts";
import type { MergePlan } from "../../core/plan/plan.ts";

export interface Tolerance {
  /** Share of the tensor's largest magnitude. */
  readonly rel: number;
  /** Units in the last place of the output type. */
  readonly ulp: number;
}

export interface Misfit {
  readonly index: number;
  readonly got: number;
  readonly want: number;
}

/** Elements that are neither within `rel` of the largest magnitude nor within `ulp` last places. */
export function misfits(
  dtype: OutputDtype,
  got: Uint8Array,
  want: Uint8Array,
  { rel, ulp }: Tolerance,
  excused?: Set<number>,
): Misfit[] {
  const [a, b] = [decode(dtype, got), decode(dtype, want)];
  if (a.length !== b.length) throw new Error(`${a.length} values where ${b.length} were expected`);
  const [x, y] = [ordered(dtype, got), ordered(dtype, want)];
  const largest = b.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const found: Misfit[] = [];
  for (let i = 0; i < a.length; i++) {
    if (excused?.has(i) === true) continue;
    const near = Math.abs(a[i]! - b[i]!) <= rel * largest || Math.abs(x(i) - y(i)) <= ulp;
    if (!near) found.push({ index: i, got: a[i]!, want: b[i]! });
  }
  return found;
}

/** Bits as whole numbers in the order of the floats, so that a difference counts last places. */
function ordered(dtype: OutputDtype, bytes: Uint8Array): (i: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const width = bytesPer(dtype);
  const half = 2 ** (8 * width - 1);
  return (i) => {
    const bits = width === 4 ? view.getUint32(4 * i, true) : view.getUint16(2 * i, true);
    return bits >= half ? half - bits : bits;
  };
}

/**
 * Elements whose fate a magnitude sort leaves open: in some model their change has exactly the magnitude of the
 * last one kept, and not all of that magnitude are.
 */
export async function arbitrary(plan: MergePlan): Promise<Set<number>> {
  const values = await Promise.all(
    plan.inputs.map(async ({ info, start, dtype }) =>
      decode(dtype, await info.source.read({ start, end: start + plan.count * bytesPer(dtype) })),
    ),
  );
  const [base, ...models] = values;
  const open = new Set<number>();
  models.forEach((model, m) => {
    const density = Number(plan.params.models[plan.inputs[m + 1]!.ref]?.density ?? 1);
    if (base === undefined || density >= 1) return;
    const size = Array.from(model, (value, i) => Math.abs(Math.fround(value - base[i]!)));
    const k = Math.floor(density * plan.count);
    const threshold = [...size].sort((a, b) => b - a)[k - 1] ?? 0;
    const above = size.filter((s) => s > threshold).length;
    const equal = size.filter((s) => s === threshold).length;
    if (k - above < equal) for (const [i, s] of size.entries()) if (s === threshold) open.add(i);
  });
  return open;
}
