/**
 * The list of families, and which one a model is: by the type in its config, by the architecture in its
 * config, by its tensor names, in this order. Nothing is refused: what nobody knows is "generic".
 */
import { at, isList, stringAt } from "./config.ts";
import {
  decoder,
  gemma,
  gemma2,
  gemma3,
  gpt2,
  gptNeox,
  llama,
  mistral,
  mixtral,
  phi3,
  qwen2,
  qwen3,
} from "./families/decoder.ts";
import { bart, bert, distilbert, roberta, t5 } from "./families/encoder.ts";
import { flux, fluxDiffusers } from "./families/flux.ts";
import { generic } from "./families/generic.ts";
import { sd, sdOriginal, sdxl, sdxlOriginal } from "./families/unet.ts";
import { clip, openClip, timm, vit } from "./families/vision.ts";
import type { FamilyBlank } from "./family.ts";
import { fitFamily } from "./family.ts";
import type { Family, JsonObject, Stack } from "./model.ts";

/** More particular names first: the first whose signature matches is taken. */
export const FAMILIES: readonly FamilyBlank[] = [
  sdxl,
  sdxlOriginal,
  sd,
  sdOriginal,
  flux,
  fluxDiffusers,
  gemma3,
  gemma2,
  gemma,
  mixtral,
  qwen3,
  qwen2,
  phi3,
  llama,
  mistral,
  decoder,
  gpt2,
  gptNeox,
  roberta,
  bert,
  distilbert,
  t5,
  bart,
  vit,
  timm,
  clip,
  openClip,
];

/** The family of a model, fitted to it, and its stacks of layers. Never throws. */
export function recognise(
  names: readonly string[],
  config: JsonObject | null,
): { readonly family: Family; readonly stacks: readonly Stack[] } {
  const blank = byConfig(config) ?? byNames(names, config) ?? generic;
  return fitFamily(blank, names, config);
}

function byConfig(config: JsonObject | null): FamilyBlank | null {
  if (config === null) return null;
  const type = stringAt(config, "model_type");
  const architectures = at(config, "architectures");
  const architecture = isList(architectures) ? architectures[0] : undefined;
  const inner = ["text_config", "llm_config", "language_config"].map((key) => stringAt(config, `${key}.model_type`));
  const ofType = (wanted: string | null) =>
    wanted === null ? undefined : FAMILIES.find(({ types }) => types.includes(wanted));
  const ofArchitecture = FAMILIES.find(
    (family) =>
      typeof architecture === "string" && family.architectures.some((start) => architecture.startsWith(start)),
  );
  return ofType(type) ?? ofArchitecture ?? inner.map(ofType).find((family) => family !== undefined) ?? null;
}

/** With a config of an unlisted type, a "general" family is truer than one that merely has the same names. */
function byNames(names: readonly string[], config: JsonObject | null): FamilyBlank | null {
  const occurs = (text: string) => names.some((name) => name.includes(text));
  const fits = ({ signature, without = [] }: FamilyBlank) =>
    signature.length > 0 && signature.every(occurs) && !without.some(occurs);
  const typed = stringAt(config, "model_type") !== null;
  const general = typed ? FAMILIES.find((family) => family.general === true && fits(family)) : undefined;
  return general ?? FAMILIES.find(fits) ?? null;
}
