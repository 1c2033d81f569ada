/**
 * What is added up to notice NaN and infinity. A sum, a difference or a product of a number that is not finite is not finite
 * either, so one look at a value made that way stands for the watched ones it is made of.
 */
import type { Op, Program } from "../../graph/program.ts";
import { neededBy } from "../stages.ts";

/** Few values of which one is NaN or infinite when a watched one is; now and then, near the largest numbers, when none is. */
export function lookedAt(program: Program): readonly number[] {
  const { ops, output, watched = [] } = program;
  if (watched.length === 0) return [];
  const made = new Set(neededBy(program));
  const carried: ReadonlySet<number>[] = [];
  for (const [value, op] of ops.entries()) {
    const all = carriers(op).flatMap((operand) => [...(carried[operand] ?? [])]);
    carried.push(new Set(watched.includes(value) ? [value, ...all] : all));
  }
  const left = new Set(watched);
  const chosen: number[] = [];
  const choose = (value: number) => {
    chosen.push(value);
    for (const one of carried[value]!) left.delete(one);
  };
  // The output is looked at as it is encoded, whatever it is made of.
  if (output !== null && left.has(output)) choose(output);
  while (left.size > 0) {
    const gains = carried.map((some, value) => (made.has(value) ? [...some].filter((one) => left.has(one)).length : 0));
    choose(gains.indexOf(Math.max(...gains)));
  }
  return chosen;
}

/** The operands that make the result NaN or infinite when they are. */
function carriers(op: Op): readonly number[] {
  switch (op.op) {
    case "add":
    case "sub":
    case "mul":
      return [op.a, op.b];
    case "neg":
    case "abs":
    case "sqrt":
    case "div":
      return [op.a];
    default:
      return [];
  }
}
