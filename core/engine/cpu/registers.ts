/** What kernels put into registers before a step's loop. */
import type { FloatDtype } from "../../bytes/dtype.ts";
import { looksAtRows } from "../../graph/program.ts";
import { neededBy } from "../stages.ts";
import { malformed } from "./operations.ts";
import { address, COUNTER, INDEX, type Kernel, offset, type Step, sum } from "./step.ts";
import { i32 } from "./wasm.ts";

const DECODED: Readonly<Partial<Record<FloatDtype, readonly [kernel: Kernel, shift: number]>>> = {
  F64: ["decodeF64", 3],
  F16: ["decodeF16", 1],
  F8_E4M3: ["decodeE4M3", 0],
  F8_E5M2: ["decodeE5M2", 0],
};
const ALONG = { rows: "alongRows", columns: "alongColumns" } as const;

/** Registers that kernels fill before the loop, by value of the program. */
export function fillRegisters(
  step: Step & { readonly bytes: number; call(kernel: Kernel): void },
): Map<number, number> {
  const { body, shape, layout, at, n, bytes, call } = step;
  const { program, dtypes } = shape;
  const filled = new Map<number, number>();
  const take = (value: number): number => {
    const register = layout.register();
    filled.set(value, register);
    return register;
  };
  const endOf = (register: number) => {
    address(body, register);
    body.get(bytes);
    body.put(i32.add);
  };
  for (const value of neededBy(program)) {
    const op = program.ops[value]!;
    if (op.op === "random") {
      const register = take(value);
      address(body, register);
      endOf(register);
      address(body, layout.uniforms.at + 4 * op.word);
      address(body, layout.uniforms.at + 4 * op.word + 4);
      body.get(COUNTER);
      body.get(at);
      body.i32(3);
      body.put(i32.shrU, i32.add);
      call("random");
    } else if (op.op === "along") {
      const table = program.tables[op.table];
      const area = layout.tables[op.table];
      if (table === undefined || area === undefined) throw malformed(program, `there is no table ${op.table}`);
      address(body, take(value));
      body.get(n);
      address(body, area.at);
      body.i32(table.columns);
      sum(body, INDEX, at);
      call(ALONG[table.axis]);
    } else if (op.op === "input") {
      const dtype = dtypes[op.slot];
      if (dtype === undefined) throw malformed(program, `input ${op.slot} has no dtype`);
      const decoding = DECODED[dtype];
      if (decoding === undefined) continue;
      const register = take(value);
      address(body, register);
      offset(body, layout, op.slot, at, decoding[1]);
      endOf(register);
      call(decoding[0]);
    } else if (looksAtRows(op)) throw malformed(program, "it has a rank that was not taken apart");
  }
  return filled;
}
