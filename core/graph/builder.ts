/**
 * Writes one program: turns lazy tensors into a straight line of operations, each written once.
 * Operations are shared when they are the same operation on the same values. Constants are shared
 * only when they are the same object, so that a program's text never depends on a parameter's value.
 */
import type { Fused, OverallKth, Uniform } from "./passes.ts";
import type { Histogram, Op, PlaneRef, Program, Reduction } from "./program.ts";
import type { Scalar, Selection, Tensor, Vector } from "./tensor.ts";

export interface Builder {
  /** The number of the value that holds this tensor. */
  value(tensor: Tensor): number;
  /** The value that marks elements equal to the selection's threshold. */
  tied(selection: Selection): number;
  /** The uniform word with the high digit of the selection's threshold. */
  digit(selection: Selection | OverallKth): number;
  /** The first of two uniform words with the bounds of the selection's window. */
  window(selection: Selection): number;
  /** The value that is the key's magnitude above the selection's window, else 0 (of NaN and infinity NaN or infinity). */
  above(selection: Selection): number;
  finish(results: Pick<Program, "sums" | "exact" | "histograms" | "reductions" | "keeps" | "output">): Fused;
}

/** Tensors of a kind have the same programs: one object for all of them, of the last so many. */
const programs = new Map<string, Program>();
const REMEMBERED = 1000;

function shared(program: Program): Program {
  const known = programs.get(program.key);
  // Which inputs are decoded is not part of the key.
  if (known !== undefined && String(known.inputs) === String(program.inputs)) return known;
  if (programs.size >= REMEMBERED) programs.clear();
  programs.set(program.key, program);
  return program;
}

/** The program, with its inputs of which `isWatched` and its output looked at for NaN and infinity, and the output digested. */
export function watching(program: Program, isWatched: (input: number) => boolean): Program {
  const { ops, inputs, output } = program;
  const watched = ops.flatMap((op, value) => (op.op === "input" && isWatched(inputs[op.slot]!) ? [value] : []));
  if (output !== null && !watched.includes(output)) watched.push(output);
  if (watched.length === 0) return program;
  const digest = output === null ? null : "output";
  return shared({ ...program, key: `${program.key} ${watched.join()}`, watched, digest });
}

/** @param planeOf the plane that holds a tensor already, or null */
export function createBuilder(planeOf: (tensor: Tensor) => PlaneRef | null = () => null): Builder {
  const ops: Op[] = [];
  const seen = new Map<string, number>();
  const values = new Map<Tensor, number>();
  const inputs: number[] = [];
  const uniforms: Uniform[] = [];
  const words = new Map<unknown, number>();
  const vectors: Vector[] = [];

  function emit(op: Op): number {
    const text = JSON.stringify(op);
    const known = seen.get(text);
    if (known !== undefined) return known;
    ops.push(op);
    seen.set(text, ops.length - 1);
    return ops.length - 1;
  }

  /** The first of one or two adjacent words, made once per owner and purpose. */
  function word(owner: Scalar | Selection | number, purpose: string, make: readonly Uniform[]): number {
    const slot = typeof owner === "number" ? `${purpose}${owner}` : owner;
    const key = typeof slot === "string" ? slot : identify(slot) + purpose;
    const known = words.get(key);
    if (known !== undefined) return known;
    const at = uniforms.length;
    uniforms.push(...make);
    words.set(key, at);
    return at;
  }

  const keyOf = (stream: number, seed: readonly [number, number] | null): number => {
    const key = ([0, 1] as const).map((half) => ({ kind: "key", stream, half, seed }) as const);
    return word(stream, seed === null ? "key" : `key ${seed.join(" ")} `, key);
  };
  const wordOf = (scalar: Scalar): number => word(scalar, "value", [{ kind: "value", scalar }]);

  const identities = new Map<object, number>();
  function identify(object: object): string {
    const id = identities.get(object) ?? identities.size;
    identities.set(object, id);
    return `#${id}`;
  }

  function value(tensor: Tensor): number {
    const known = values.get(tensor);
    if (known !== undefined) return known;
    const plane = planeOf(tensor);
    const made = emit(plane === null ? operation(tensor) : { op: "kept", ...plane });
    values.set(tensor, made);
    return made;
  }

  function operation(tensor: Tensor): Op {
    switch (tensor.op) {
      case "input": {
        const slot = inputs.includes(tensor.index) ? inputs.indexOf(tensor.index) : inputs.push(tensor.index) - 1;
        return { op: "input", slot };
      }
      case "fill": {
        const { value: scalar } = tensor;
        return {
          op: "uniform",
          word: wordOf(scalar),
          ...(scalar.op === "constant" && scalar.fixed ? { is: scalar.value } : {}),
        };
      }
      case "random":
        return { op: "random", word: keyOf(tensor.stream, tensor.seed ?? null) };
      case "top": {
        const { selection } = tensor;
        const a = value(selection.key);
        const pair = [{ kind: "threshold", selection } as const, { kind: "cut", selection } as const];
        return { op: "top", a, word: word(selection, "top", pair) };
      }
      case "where":
        return { op: "where", a: value(tensor.a), b: value(tensor.b), c: value(tensor.c) };
      case "neg":
      case "abs":
      case "sign":
      case "sqrt":
      case "exp":
      case "log":
      case "tanh":
        return { op: tensor.op, a: value(tensor.a) };
      case "along": {
        const { vector } = tensor;
        return { op: "along", table: vectors.includes(vector) ? vectors.indexOf(vector) : vectors.push(vector) - 1 };
      }
      case "rank":
        return { op: "rank", a: value(tensor.key), columns: tensor.columns };
      case "outranks": {
        const { columns, drawn } = tensor;
        const a = value(tensor.key);
        const key = keyOf(drawn.stream, drawn.seed ?? null);
        return { op: "outranks", a, columns, word: key, least: wordOf(drawn.least), per: wordOf(drawn.per) };
      }
      default:
        return { op: tensor.op, a: value(tensor.a), b: value(tensor.b) };
    }
  }

  function window(selection: Selection): number {
    const pair = (["low", "high"] as const).map((end) => ({ kind: "bound", selection, end }) as const);
    return word(selection, "window", pair);
  }

  return {
    value,
    tied: (selection) => {
      const a = value(selection.key);
      return emit({ op: "tied", a, word: word(selection, "tied", [{ kind: "threshold", selection }]) });
    },
    digit: (selection) => word(selection, "digit", [{ kind: "digit", selection }]),
    window,
    above: (selection) => {
      const a = emit({ op: "abs", a: value(selection.key) });
      // The bound's bits are those of a number.
      const b = emit({ op: "uniform", word: window(selection) + 1 });
      return emit({ op: "mul", a, b: emit({ op: "gt", a, b }) });
    },
    finish: ({ sums, exact = [], histograms, reductions, keeps = [], output }) => {
      const tables = vectors.map(({ axis, columns }) => ({ axis, columns }));
      const text: readonly [Op[], readonly number[], readonly Histogram[], readonly Reduction[], number | null] = [
        ops,
        sums,
        histograms,
        reductions,
        output,
      ];
      const program: Program = {
        key: JSON.stringify([inputs.length, uniforms.length, tables, ...text, exact, keeps]),
        inputs,
        ops,
        words: uniforms.length,
        sums,
        ...(exact.length > 0 ? { exact } : {}),
        histograms,
        tables,
        reductions,
        ...(keeps.length > 0 ? { keeps } : {}),
        output,
      };
      return { program: shared(program), uniforms, vectors };
    },
  };
}
