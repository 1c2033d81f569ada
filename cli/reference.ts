/**
 * docs/methods.md, out of the methods themselves: what is said about them is what they say, and what they cost is
 * counted on the sweeps of an example.
 */
import { passesOf } from "../core/graph/passes.ts";
import { input, type Scalar } from "../core/graph/tensor.ts";
import type { AnyMethod, Param } from "../core/method.ts";

/** Where a parameter must be given, and where its default would leave the interesting part out. */
const EXAMPLE: Readonly<Record<string, number>> = { weight: 0.5, t: 0.5, density: 0.5 };
const SIDE = 64;

export function methodsPage(methods: readonly AnyMethod[]): string {
  return [
    "# Merge methods",
    "",
    "<!-- Made by `weightloom methods --markdown > docs/methods.md`. Change the methods, not this page. -->",
    "",
    `${methods.length} methods. \`model_i\` is the i-th model's tensor, \`base\` the base model's, \`d_i\` what a model changed;`,
    "sums and maxima over `i` go over the models, everything else is element by element. Parameters *per model* can",
    "differ between models, the others hold for the result; both can be gradients over the layers and filtered by",
    "tensor name. Ranges are what the studio's sliders offer; recipes may leave them, except where it says *only*.",
    "",
    "What a method costs is counted for two models (one where it takes one) and a density of 0.5. A sweep reads its",
    "inputs from disk once, or not at all where the tensor fits the memory budget.",
    "",
    "| method | base | models | what it does |",
    "| --- | --- | --- | --- |",
    ...methods.map(
      (one) => `| [\`${one.id}\`](#${one.id}) | ${BASE[one.base]} | ${countOf(one)} | ${cell(one.summary)} |`,
    ),
    "",
    ...methods.flatMap(section),
  ].join("\n");
}

const BASE = { required: "yes", optional: "optional", none: "no" } as const;

function countOf({ models: { min, max } }: AnyMethod): string {
  if (max === undefined) return `${min} or more`;
  return min === max ? `${min}` : `${min} to ${max}`;
}

function section(method: AnyMethod): string[] {
  const params = Object.entries<Param>(method.params);
  return [
    `## ${method.id}`,
    "",
    `**${method.title}.** ${method.summary}`,
    "",
    ...(method.formula === undefined ? [] : ["```text", method.formula, "```", ""]),
    `*When to use it:* ${method.use}`,
    "",
    ...(params.length === 0 ? ["It has no parameters.", ""] : [...table(params), ""]),
    `*Cost:* ${costOf(method)}`,
    "",
    ...(method.differs === undefined ? [] : [`*Beside mergekit:* ${method.differs}`, ""]),
    `*Reference:* ${method.reference}`,
    "",
  ];
}

function table(params: readonly (readonly [string, Param])[]): string[] {
  return [
    "| parameter | per | default | range | meaning |",
    "| --- | --- | --- | --- | --- |",
    ...params.map(([id, param]) => {
      const standard = param.default === null ? "must be given" : `\`${param.default}\``;
      const per = param.per === "model" ? "model" : "merge";
      return `| \`${id}\` | ${per} | ${standard} | ${cell(rangeOf(param))} | ${cell(param.help)} |`;
    }),
  ];
}

function rangeOf(param: Param): string {
  switch (param.kind) {
    case "flag":
      return "`true`, `false`";
    case "choice":
      return param.options.map(({ value, title }) => `\`${value}\`: ${title}`).join("; ");
    case "number": {
      const [low, high] = param.ends ?? [null, null];
      const end = (value: number, word: string | null) => (word === null ? `${value}` : `${value} (${word})`);
      const usual = param.usual === undefined ? "" : `; usual ${param.usual[0]} to ${param.usual[1]}`;
      return `${param.hard === true ? "only " : ""}${end(param.min, low)} to ${end(param.max, high)}${usual}`;
    }
    default:
      return param satisfies never;
  }
}

/** Sweeps of an example, and how often they read each input. */
export function costOf(method: AnyMethod): string {
  const models = Math.max(method.models.min, Math.min(2, method.models.max ?? 2));
  const shift = method.base === "required" ? 1 : 0;
  const values = (per: "merge" | "model") =>
    Object.fromEntries(
      Object.entries<Param>(method.params)
        .filter(([, param]) => param.per === per)
        .map(([id, param]) => [id, EXAMPLE[id] ?? param.default]),
    );
  const watched: Scalar[] = [];
  const merged = method.merge({
    base: shift === 1 ? input(0) : null,
    models: Array.from({ length: models }, (_, i) => ({ tensor: input(i + shift), index: i, params: values("model") })),
    params: values("merge"),
    count: SIDE * SIDE,
    columns: SIDE,
    shape: [SIDE, SIDE],
    depth: 0.5,
    name: "example",
    compat: false,
    watch: (_, value) => watched.push(value),
  });
  if (merged.op === "input") return "none: bytes are copied.";
  const passes = passesOf(merged, watched);
  // Sweeps whose only purpose is to break ties are left out where no equal magnitudes straddle the cut.
  const sure = passes.filter(
    ({ program, sums, high, low, reduced }) =>
      program.output !== null || sums.length + high.length + low.length + reduced.length > 0,
  );
  const reads = Array.from(
    { length: models + shift },
    (_, i) => sure.filter(({ program }) => program.inputs.includes(i)).length,
  );
  const maybe = passes.length - sure.length;
  const own = [...new Set(reads.slice(shift))];
  return [
    times(sure.length, "sweep", "sweeps"),
    maybe === 0 ? "" : `, ${maybe} more where equal magnitudes straddle the cut`,
    `; each model is read ${own.map(often).join(" or ")}`,
    shift === 1 ? `, the base ${often(reads[0] ?? 0)}` : "",
    ".",
  ].join("");
}

const times = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;
const often = (n: number) => (n === 1 ? "once" : n === 2 ? "twice" : `${n} times`);

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
