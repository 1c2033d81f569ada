/**
 * Flux, under both of its namings. First the double blocks, in which image and text have weights of their own, then the
 * single ones, in which they share them: one fixed stack called "flux", since the two kinds have different shapes.
 */
import type { FamilyBlank, Locator } from "../family.ts";
import { byWord } from "../family.ts";

export const FLUX = "flux";

const NUMBER = "(0|[1-9]\\d{0,2})";
const DOUBLE = new RegExp(
  `^(?:model\\.diffusion_model\\.|transformer\\.)?(?:double|transformer)_blocks\\.${NUMBER}\\.(.+)$`,
);
const SINGLE = new RegExp(
  `^(?:model\\.diffusion_model\\.|transformer\\.)?single_(?:transformer_)?blocks\\.${NUMBER}\\.(.+)$`,
);
/** Text encoders inside a whole checkpoint. */
const TEXT_TOWER = /^text_encoders?/;

const countOf = (names: readonly string[], kind: RegExp) =>
  names.reduce((most, name) => Math.max(most, Number(kind.exec(name)?.[1] ?? -1) + 1), 0);

function locate(names: readonly string[]): Locator {
  const doubles = countOf(names, DOUBLE);
  return (name) => {
    const double = DOUBLE.exec(name);
    if (double !== null) return { stack: FLUX, layer: Number(double[1]), part: double[2] ?? "" };
    const single = SINGLE.exec(name);
    if (single !== null) return { stack: FLUX, layer: doubles + Number(single[1]), part: single[2] ?? "" };
    return TEXT_TOWER.test(name) ? byWord(name) : null;
  };
}

/** "D00" ... "D18", "S00" ... "S37", as they are called where block weights are passed around. */
function blocks(names: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const named = (letter: string, kind: RegExp) =>
    Array.from({ length: countOf(names, kind) }, (_, i) => `${letter}${String(i).padStart(2, "0")}`);
  return { [FLUX]: [...named("D", DOUBLE), ...named("S", SINGLE)] };
}

const BLANK = {
  title: "Flux",
  types: [],
  architectures: ["FluxTransformer2DModel"],
  lanes: {
    norm: ["norm"],
    embedding: ["img_in.", "txt_in.", "time_in.", "vector_in.", "guidance_in.", "_embedder.", "time_text_embed."],
    head: ["final_layer."],
    attention: ["attn"],
    mlp: ["_mlp.", ".ff.", ".ff_context.", "proj_mlp"],
  },
  depth: [],
  locate,
  blocks,
  fixed: [FLUX],
  wordless: true,
} as const satisfies Partial<FamilyBlank>;

export const flux: FamilyBlank = {
  id: "flux",
  signature: ["double_blocks.", "single_blocks.", "img_in."],
  ...BLANK,
};

export const fluxDiffusers: FamilyBlank = {
  id: "flux",
  signature: ["single_transformer_blocks.", "transformer_blocks.", "context_embedder."],
  ...BLANK,
};
