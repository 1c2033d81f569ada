/** The field's terms in plain words: one place, read by the hover help, the glossary and the search for actions. */

export interface Entry {
  readonly term: string;
  /** Other forms it has in sentences. */
  readonly forms?: readonly string[];
  readonly means: string;
}

export const GLOSSARY: readonly Entry[] = [
  {
    term: "adapter",
    forms: ["adapters", "LoRA"],
    means:
      "A small file of changes (LoRA) that is added to a model's weights. Here it opens as a model of its own: the base with the changes made.",
  },
  {
    term: "ancestor",
    means:
      "The model that fine-tunes were trained from. Models with one ancestor lie close to each other and merge well; strangers seldom do.",
  },
  {
    term: "base",
    forms: ["base model"],
    means: "The model the others were fine-tuned from. Methods with a base merge what each model changed in it.",
  },
  {
    term: "checkpoint",
    forms: ["checkpoints"],
    means: "The saved weights of a model: one or more files and the small ones beside them.",
  },
  {
    term: "copied",
    means:
      "Tensors that are the same bytes in the result: integers, tensors only one model has, or what the recipe passes through.",
  },
  {
    term: "density",
    means:
      "The share of a model's changes that is kept, from 0 to 1. At 0.3 the other 70 % are set back to the base before merging.",
  },
  {
    term: "dtype",
    means:
      "How each number is stored. BF16 and F16 take two bytes, F32 four. BF16 has the range of F32 with fewer digits.",
  },
  {
    term: "embedding",
    forms: ["embeddings"],
    means: "The table with one row of numbers per token, at the model's entrance.",
  },
  {
    term: "epsilon",
    means: "In DELLA: how far the chance of being dropped varies between a row's smallest and largest changes.",
  },
  {
    term: "filter",
    forms: ["filters"],
    means: "A piece of a tensor's name. A value with a filter holds for the tensors whose names contain it.",
  },
  {
    term: "fine-tune",
    forms: ["fine-tunes", "fine-tuned"],
    means: "A model that was trained further from another, usually for one task or style.",
  },
  {
    term: "geodesic",
    means: "The shortest way on the surface of a sphere. Models are mixed along it so that their length is kept.",
  },
  {
    term: "gradient",
    forms: ["gradients"],
    means:
      "A list of values spread over the layers, first to last, with straight lines between them. The mixer draws these. It has nothing to do with training.",
  },
  {
    term: "lambda",
    means: "A factor for everything the models add to the base. Below 1 the result stays nearer to the base.",
  },
  {
    term: "layer",
    forms: ["layers"],
    means: "One of the equal blocks a model is a stack of. Early ones read words, late ones prepare the answer.",
  },
  {
    term: "memory",
    means:
      "What this tab takes while it merges: pieces of tensors on their way, and the studio itself. It does not grow with the size of the models.",
  },
  {
    term: "merged",
    means: "Tensors that are computed from several models by the method.",
  },
  {
    term: "mixture of experts",
    forms: ["experts", "MoE"],
    means: "A model with several feed-forward parts and a router that sends each token to a few of them.",
  },
  {
    term: "normalize",
    forms: ["normalised", "normalized"],
    means: "Divides by the sum of the weights, so that only their proportions count.",
  },
  {
    term: "outliers",
    forms: ["outlier"],
    means: "The few changes that are far larger than the rest. Some methods take them off before merging.",
  },
  {
    term: "passthrough",
    means: "Layers taken as they are, without blending, to stack models of another depth.",
  },
  {
    term: "seed",
    means: "The number that random choices start from. The same seed gives the same bytes on any machine.",
  },
  {
    term: "shard",
    forms: ["shards"],
    means: "One of several files that a large model is cut into. An index file says which tensor is where.",
  },
  {
    term: "sign",
    forms: ["signs", "sign conflict"],
    means:
      "Whether a change goes up or down. Where models pull in opposite directions they cancel; TIES and others elect one sign first.",
  },
  {
    term: "slice",
    forms: ["slices"],
    means: "A run of neighbouring layers of one model, such as layers 8 to 23. Slices are stacked to a new model.",
  },
  {
    term: "SLERP",
    forms: ["sphere"],
    means: "Mixes two models along an arc instead of a straight line, which keeps the size of the weights.",
  },
  {
    term: "t",
    means: "How far to go from the first model (0) to the second (1).",
  },
  {
    term: "task vector",
    forms: ["task vectors", "changes"],
    means:
      "What fine-tuning changed: the model's weights minus the base's. Task vectors can be added, scaled and trimmed.",
  },
  {
    term: "tensor",
    forms: ["tensors"],
    means: "A named table of numbers in a model, such as the weights of one projection in one layer.",
  },
  {
    term: "tokenizer",
    means:
      "The list of word pieces a model reads and writes, and how text is cut into them. Models with different ones have rows of the embedding in different order.",
  },
  {
    term: "vocabulary",
    means: "All tokens a model knows. The embedding and the head have a row for each.",
  },
  {
    term: "weight",
    forms: ["weights"],
    means:
      "As a parameter: how much of a model, or of its changes, goes into the result. In a model: one of the numbers it consists of.",
  },
];

const BY_WORD: ReadonlyMap<string, Entry> = new Map(
  GLOSSARY.flatMap((entry) => [entry.term, ...(entry.forms ?? [])].map((form) => [form.toLowerCase(), entry] as const)),
);

export const entryOf = (word: string): Entry | undefined => BY_WORD.get(word.toLowerCase());

/** Words that mean something else in everyday sentences are explained only where they are asked for by name. */
const PLAIN = new Set([
  "t",
  "base",
  "weight",
  "weights",
  "sign",
  "signs",
  "layer",
  "layers",
  "changes",
  "merged",
  "copied",
  "filter",
  "sphere",
]);

const TERMS = new RegExp(
  `\\b(${[...BY_WORD.keys()]
    .filter((word) => !PLAIN.has(word))
    .sort((a, b) => b.length - a.length)
    .map((word) => word.replace(/[-\s]/g, "[-\\s]"))
    .join("|")})\\b`,
  "gi",
);

export interface Span {
  readonly text: string;
  readonly entry: Entry | null;
}

/** A sentence in pieces, with the first mention of each term marked. */
export function spansOf(sentence: string): Span[] {
  const spans: Span[] = [];
  const met = new Set<Entry>();
  let at = 0;
  for (const match of sentence.matchAll(TERMS)) {
    const entry = entryOf(match[0].replace(/\s/g, " "));
    if (entry === undefined || met.has(entry)) continue;
    met.add(entry);
    if (match.index > at) spans.push({ text: sentence.slice(at, match.index), entry: null });
    spans.push({ text: match[0], entry });
    at = match.index + match[0].length;
  }
  if (at < sentence.length) spans.push({ text: sentence.slice(at), entry: null });
  return spans;
}
