/** Reads a mixture of experts, and says what is wrong with it. */
import { isScalar, type Node } from "yaml";
import { find, given, readCount, readDtype, readList, readRef, readWord } from "./fields.ts";
import type { GateMode, MoeArchitecture, MoeExpert, MoeRecipe } from "./moe.ts";
import { described, type Entry, type Range, type Reader, unknownKey } from "./reader.ts";
import { choices, didYouMean } from "./words.ts";

const KEYS = [
  "base_model",
  "experts",
  "gate_mode",
  "dtype",
  "experts_per_token",
  "shared_experts",
  "architecture",
] as const;
const EXPERT_KEYS = ["source_model", "positive_prompts", "negative_prompts", "noise_scale", "residual_scale"];
const GATES = ["random", "uniform_random", "cheap_embed"] as const;
const HIDDEN_GATES = ["hidden", "hidden_avg", "hidden_last"];
/** By the beginning of the name, as mergekit has it; more particular ones first. */
const ARCHITECTURES: readonly (readonly [string, MoeArchitecture])[] = [
  ["mixtral", "mixtral"],
  ["deepseek", "deepseek"],
  ["qwen3", "qwen3"],
  ["qwen", "qwen"],
];
const MOST_EXPERTS = 1024;

type Draft = { -readonly [K in keyof MoeRecipe]?: MoeRecipe[K] | undefined };

/** The mixture a document describes; null, and diagnostics, when there is none. */
export function readMoe(reader: Reader): MoeRecipe | null {
  const entries = reader.entries(reader.root, reader.whole, "a mixture of experts");
  if (entries === null) return null;
  const draft: Draft = {};
  for (const entry of entries) {
    if (entry.key === "experts" || entry.key === "shared_experts") {
      draft[entry.key] = readList(reader, entry, (node) => readExpert(reader, node, entry.at))?.items;
    } else if (entry.node === null) continue;
    else if (entry.key === "base_model") draft.base_model = readRef(reader, entry);
    else if (entry.key === "gate_mode") draft.gate_mode = readGate(reader, entry);
    else if (entry.key === "dtype") draft.dtype = readDtype(reader, entry);
    else if (entry.key === "experts_per_token") draft.experts_per_token = readCount(reader, entry, 1, MOST_EXPERTS);
    else if (entry.key === "architecture") draft.architecture = readArchitecture(reader, entry);
    else unknownKey(reader, entry, "a mixture of experts", KEYS);
  }
  const at = entries[0]?.at ?? reader.whole;
  if (!find(entries, "base_model")?.node) {
    reader.error(at, `The mixture has no base_model, which gives all but the experts. Add "base_model: name".`);
  }
  if (!find(entries, "experts")?.node) {
    reader.error(at, `The mixture has no experts. Add "experts:" with one "- source_model: ..." for each.`);
  }
  if (!find(entries, "gate_mode")?.node)
    reader.error(at, hiddenGate(`The mixture has no gate_mode, which means "hidden"`));
  const { base_model: base, experts, gate_mode: gate, ...rest } = draft;
  if (base === undefined || experts === undefined || gate === undefined) return null;
  const moe: MoeRecipe = { base_model: base, experts, gate_mode: gate, ...given(rest) };
  checkMoe(reader, moe, entries);
  return moe;
}

function readExpert(reader: Reader, node: Node, at: Range): MoeExpert | null {
  const here = reader.range(node, at);
  const entries = reader.entries(node, here, "an expert");
  if (entries === null) return null;
  const draft: { -readonly [K in keyof MoeExpert]?: MoeExpert[K] | undefined } = {};
  for (const entry of entries) {
    if (entry.key === "source_model") draft.source_model = readRef(reader, entry);
    else if (entry.node === null) continue;
    else if (entry.key === "positive_prompts" || entry.key === "negative_prompts") {
      const prompt = (one: Node) => reader.text(one, entry.at, `A prompt of "${entry.key}"`);
      draft[entry.key] = readList(reader, entry, prompt)?.items;
    } else if (entry.key === "noise_scale" || entry.key === "residual_scale") {
      draft[entry.key] = readScale(reader, entry);
    } else unknownKey(reader, entry, "an expert", EXPERT_KEYS);
  }
  if (find(entries, "source_model") === undefined) {
    reader.error(here, `This is an expert without a model. Add "source_model: name".`);
  }
  return draft.source_model === undefined ? null : { ...given(draft), source_model: draft.source_model };
}

function readScale(reader: Reader, { key, node, at }: Entry): number | undefined {
  const value = isScalar(node) ? node.value : null;
  const least = key === "noise_scale" ? 0 : Number.NEGATIVE_INFINITY;
  if (typeof value === "number" && Number.isFinite(value) && value >= least) return value;
  const wanted = key === "noise_scale" ? "a number from 0 up" : "a number";
  reader.error(reader.range(node, at), `"${key}" must be ${wanted}; found ${described(node)}. Write such a number.`);
  return undefined;
}

function readGate(reader: Reader, entry: Entry): GateMode | undefined {
  const value = isScalar(entry.node) ? entry.node.value : null;
  if (typeof value !== "string" || !HIDDEN_GATES.includes(value)) return readWord(reader, entry, GATES);
  reader.error(reader.range(entry.node, entry.at), hiddenGate(`The gate_mode is "${value}"`));
  return undefined;
}

const hiddenGate = (found: string) =>
  `${found}: it needs the base model run on every prompt, and Weightloom reads weights without running models. ` +
  `Write "gate_mode: cheap_embed", which needs only the prompts' token embeddings, or "random" if you train it after.`;

function readArchitecture(reader: Reader, { node, at }: Entry): MoeArchitecture | undefined {
  const word = reader.text(node, at, '"architecture"')?.toLowerCase();
  const found = ARCHITECTURES.find(([start]) => word?.startsWith(start))?.[1];
  if (found !== undefined || word === undefined) return found;
  const known = ARCHITECTURES.map(([start]) => start);
  const wanted = `"architecture" must be ${choices(known)}; found ${described(node)}.${didYouMean(word, known)}`;
  reader.error(reader.range(node, at), `${wanted} Remove the line to have it chosen.`);
  return undefined;
}

/** What takes the whole mixture to see. */
function checkMoe(reader: Reader, moe: MoeRecipe, entries: readonly Entry[]): void {
  const { experts, shared_experts: shared = [], experts_per_token: active = 2 } = moe;
  const at = find(entries, "experts")?.at ?? reader.whole;
  if (experts.length < active) {
    const advice = 'Add experts, or lower "experts_per_token" (2 when absent)';
    reader.error(at, `Each token is sent to ${active} experts, but the mixture has ${experts.length}. ${advice}.`);
  }
  const [first, ...others] = experts;
  if (first !== undefined && others.length > 0 && others.every((one) => one.source_model === first.source_model)) {
    const what = `All experts are "${first.source_model}", so the mixture says what one of them says until it is trained`;
    reader.warn(at, `${what}. Name different models, unless that is the plan.`);
  }
  if (moe.gate_mode !== "cheap_embed") return;
  const prompted = (one: MoeExpert) => one.positive_prompts !== undefined;
  const silent = experts.filter((one) => !prompted(one));
  for (const { source_model: model } of silent) {
    const advice = "Add what it should be asked, or use gate_mode random";
    reader.error(at, `Expert "${model}" has no positive_prompts, from which cheap_embed makes its router. ${advice}.`);
  }
  if (silent.length === 0 && others.length > 0 && new Set(experts.map(promptsOf)).size === 1) {
    reader.error(at, "All experts have the same prompts, so the router cannot tell them apart. Give each its own.");
  }
  if (shared.some(prompted) && !shared.every(prompted)) {
    const place = find(entries, "shared_experts")?.at ?? at;
    reader.error(
      place,
      "Some shared experts have prompts and some have none. Give prompts to all of them, or to none.",
    );
  }
}

const promptsOf = ({ positive_prompts: yes, negative_prompts: no = [] }: MoeExpert) => JSON.stringify([yes, no]);
