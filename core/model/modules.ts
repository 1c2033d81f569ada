/**
 * The parts of a model with several stacks of layers, by the names mergekit gives them: a language model beside a
 * vision tower, an encoder beside a decoder. Names of tensors decide; what no part claims belongs to the language
 * model, or is shared by all parts where each stack has a part of its own.
 */
import type { Model, Stack } from "./model.ts";

export interface Module {
  readonly name: string;
  /** None for a projector. */
  readonly stacks: readonly Stack[];
}

export interface Modules {
  /** Every part that has a tensor. */
  readonly list: readonly Module[];
  /** The part of a tensor, whether or not the model has it. */
  of(tensor: string): string;
}

interface Part {
  readonly name: string;
  readonly tensors: RegExp;
  /** Other names people use for it. */
  readonly aliases?: readonly string[];
}

/** In this order: a vision tower may have an encoder, and the projector may be in the vision tower. */
const PARTS: readonly Part[] = [
  { name: "talker", tensors: /^talker\./ },
  { name: "token2wav", tensors: /^token2wav\./ },
  { name: "mtp", tensors: /^(model\.)?mtp\./ },
  {
    name: "multi_modal_projector",
    tensors:
      /(^|\.)(multi_modal_projector|mm_projector|connector|resampler|mlp1|visual_projection|visual\.(merger|deepstack_merger_list))\./,
    aliases: ["projector", "connector", "merger"],
  },
  {
    name: "vision_tower",
    tensors: /(^|\.)(vision_tower|vision_model|vision_encoder|vision_embed_tokens|visual|vpm)\./,
    aliases: ["vision_model", "vision_encoder", "visual", "vision"],
  },
  {
    name: "audio_tower",
    tensors: /(^|\.)(audio_tower|audio_model|audio_encoder|speech_encoder|apm)\./,
    aliases: ["audio_model", "audio_encoder", "audio"],
  },
  { name: "encoder", tensors: /^(model\.)?encoder\./ },
  { name: "decoder", tensors: /^(model\.)?decoder\./ },
];
const TEXT: Omit<Part, "tensors"> = {
  name: "text_decoder",
  aliases: ["language_model", "text_model", "text_encoder", "text", "default"],
};

/** A model with one stack has one module, "default". */
export function modulesOf({ stacks, checkpoint }: Pick<Model, "stacks" | "checkpoint">): Modules {
  if (stacks.length < 2) return { list: [{ name: "default", stacks }], of: () => "default" };
  const claimed = (name: string) => PARTS.find(({ tensors }) => tensors.test(name))?.name;
  const stackPart = (stack: Stack) => claimed(`${stack.prefix}.0.`);
  const free = stacks.filter((stack) => stackPart(stack) === undefined);
  const rest = free.length === 0 ? "shared" : free.length < stacks.length ? TEXT.name : "default";
  const of = (tensor: string) => claimed(tensor) ?? rest;
  const names = new Set([
    ...stacks.map((stack) => stackPart(stack) ?? rest),
    ...[...checkpoint.tensors.keys()].map(of),
  ]);
  const list = [...names].map((name) => ({
    name,
    stacks: stacks.filter((stack) => (stackPart(stack) ?? rest) === name),
  }));
  return { list, of };
}

/** The module a recipe means by a word: its name, or another name for it. */
export function moduleNamed({ list }: Modules, word: string): Module | null {
  const own = list.find(({ name }) => name === word);
  if (own !== undefined) return own;
  const meant = [...PARTS, TEXT].find(({ aliases = [] }) => aliases.includes(word));
  return list.find(({ name }) => name === meant?.name) ?? null;
}
