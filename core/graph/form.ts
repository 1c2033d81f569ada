/**
 * Expressions that differ only in their numbers have the same sweeps, as the same tensor of thirty layers does: what is
 * decided for the first holds for the others. An expression's form is its text with every node numbered in the order in
 * which it is met, without the values of constants (but those of the formula) and the functions of the host; a node of one expression stands
 * for the node of the same number in every other of that form.
 */
import type { Cut, Fused, Mass, Overall, OverallKth, Pass, Reduced, SumScalar, Uniform, Window } from "./passes.ts";
import type { Scalar, Selection, Tensor, Vector } from "./tensor.ts";

type Node = Tensor | Scalar | Selection | Vector;

export interface Form {
  readonly text: string;
  /** By number. */
  readonly nodes: readonly Node[];
}

const forms = new WeakMap<Tensor, { readonly watched: readonly Scalar[]; readonly form: Form }>();

/** The form of an output and the numbers that are watched beside it. */
export function formOf(output: Tensor, watched: readonly Scalar[]): Form {
  const known = forms.get(output);
  const isKnown = known?.watched.length === watched.length && known.watched.every((one, i) => one === watched[i]);
  if (known !== undefined && isKnown) return known.form;
  const form = spell([output, ...watched]);
  forms.set(output, { watched, form });
  return form;
}

function spell(roots: readonly Node[]): Form {
  const numbers = new Map<Node, number>();
  const nodes: Node[] = [];
  let text = "";
  function visit(node: Node): number {
    const known = numbers.get(node);
    if (known !== undefined) return known;
    // What it is made of comes first.
    const own = line(node);
    text += `${own}\n`;
    numbers.set(node, nodes.length);
    return nodes.push(node) - 1;
  }
  function line(node: Node): string {
    if (node.type === "selection") return `selection ${visit(node.key)} ${visit(node.k)}`;
    if (node.type === "vector") {
      const { op, axis, columns } = node;
      if (op === "map") return `vector ${axis} ${columns} ${node.args.map(visit).join()}`;
      return `reduce ${node.how} ${axis} ${columns} ${visit(node.tensor)}`;
    }
    switch (node.op) {
      case "constant":
        return node.fixed ? `constant ${node.value}` : "constant";
      case "input":
        return `input ${node.index}`;
      case "random":
        return `random ${node.stream} ${node.seed?.join() ?? ""}`;
      case "fill":
        return `fill ${visit(node.value)}`;
      case "top":
      case "kth":
        return `${node.op} ${visit(node.selection)}`;
      case "sum":
        return `sum ${visit(node.tensor)}`;
      case "overall":
        return `overall ${visit(node.part)}`;
      case "overallKth":
        return `overallKth ${visit(node.key)}`;
      case "map":
        return `map ${node.args.map(visit).join()}`;
      case "where":
        return `where ${visit(node.a)} ${visit(node.b)} ${visit(node.c)}`;
      case "along":
        return `along ${visit(node.vector)}`;
      case "rank":
        return `rank ${node.columns} ${visit(node.key)}`;
      case "outranks": {
        const { stream, seed, least, per } = node.drawn;
        const drawn = `${stream} ${seed?.join() ?? ""} ${visit(least)} ${visit(per)}`;
        return `outranks ${node.columns} ${visit(node.key)} ${drawn}`;
      }
      default:
        return "b" in node ? `${node.op} ${visit(node.a)} ${visit(node.b)}` : `${node.op} ${visit(node.a)}`;
    }
  }
  const ends = roots.map(visit);
  return { text: `${text}${ends.join()}`, nodes };
}

/** The passes of one expression as those of another that has the same form. */
export function moved(passes: readonly Pass[], from: Form, to: Form): Pass[] {
  const twins = new Map(from.nodes.map((node, number) => [node, to.nodes[number]!]));
  /** A node's twin is of its kind, since the texts are equal. */
  const twin = <T extends Node>(node: T): T => (twins.get(node) ?? lost()) as T;

  const uniform = (one: Uniform): Uniform => {
    if (one.kind === "key") return one;
    if (one.kind === "value") return { kind: one.kind, scalar: twin(one.scalar) };
    return { ...one, selection: twin(one.selection) } as Uniform;
  };
  const fused = ({ program, uniforms, vectors }: Fused): Fused => ({
    program,
    uniforms: uniforms.map(uniform),
    vectors: vectors.map((vector) => twin(vector)),
  });
  const window = ({ selection, sample, digits }: Window): Window => ({
    selection: twin(selection),
    sample: fused(sample),
    digits: () => {
      const { high, low } = digits();
      return { high: fused(high), low: fused(low) };
    },
  });
  const mass = ({ sum, selection, explicit }: Mass): Mass => ({
    sum: twin(sum),
    selection: twin(selection),
    explicit: () => fused(explicit()),
  });
  const cut = ({ selection, count, value }: Cut): Cut => ({
    selection: twin(selection),
    count: fused(count),
    value: fused(value),
  });
  return passes.map((pass) => ({
    ...fused(pass),
    round: pass.round,
    sums: pass.sums.map((one: SumScalar) => twin(one)),
    masses: pass.masses.map(mass),
    high: pass.high.map((one: Tensor) => twin(one)),
    low: pass.low.map((one: Selection | OverallKth) => twin(one)),
    windows: pass.windows.map(window),
    reduced: pass.reduced.map((one: Reduced) => twin(one)),
    cuts: pass.cuts.map(cut),
    parts: pass.parts.map((one: Overall | OverallKth) => twin(one)),
  }));
}

function lost(): never {
  throw new Error("Internal error: a sweep asks for what its expression does not have.");
}
