/**
 * The UNet of Stable Diffusion, under both of its namings. Its blocks have an order (in, middle, out:
 * 25 in SD, 19 in SDXL) but different shapes, so they make one fixed stack called "unet". Diffusers'
 * `down_blocks.1.resnets.0` and the original `input_blocks.4` come out as the same layer.
 */
import type { FamilyBlank, Locator } from "../family.ts";
import { byWord } from "../family.ts";

export const UNET = "unet";

const NUMBER = "(0|[1-9]\\d{0,2})";
/** Diffusers, then original. The first group keeps a VAE's own `encoder.down_blocks` out. */
const CONV_IN = /^(?:unet\.)?conv_in\.(.+)$/;
const DOWN = new RegExp(`^(?:unet\\.)?down_blocks\\.${NUMBER}\\.(resnets|attentions|downsamplers)\\.${NUMBER}\\.(.+)$`);
const MID = /^(?:unet\.)?mid_block\.(.+)$/;
const UP = new RegExp(`^(?:unet\\.)?up_blocks\\.${NUMBER}\\.(resnets|attentions|upsamplers)\\.${NUMBER}\\.(.+)$`);
const INPUT = new RegExp(`^(?:model\\.diffusion_model\\.)?input_blocks\\.${NUMBER}\\.(.+)$`);
const MIDDLE = /^(?:model\.diffusion_model\.)?middle_block\.(.+)$/;
const OUTPUT = new RegExp(`^(?:model\\.diffusion_model\\.)?output_blocks\\.${NUMBER}\\.(.+)$`);

/** A block's place in the order, as numbers to compare: side, block, unit. */
type Rank = readonly [side: number, block: number, unit: number];

function rankOf(name: string): { readonly rank: Rank; readonly part: string } | null {
  let found = INPUT.exec(name);
  if (found !== null) return { rank: [0, Number(found[1]), 0], part: found[2] ?? "" };
  found = MIDDLE.exec(name) ?? MID.exec(name);
  if (found !== null) return { rank: [1, 0, 0], part: found[1] ?? "" };
  found = OUTPUT.exec(name);
  if (found !== null) return { rank: [2, Number(found[1]), 0], part: found[2] ?? "" };
  found = CONV_IN.exec(name);
  if (found !== null) return { rank: [0, -1, 0], part: `conv_in.${found[1]}` };
  found = DOWN.exec(name);
  if (found !== null) {
    // A downsampler is a block of its own, after all the resnets.
    const unit = found[2] === "downsamplers" ? Number.POSITIVE_INFINITY : Number(found[3]);
    return { rank: [0, Number(found[1]), unit], part: `${found[2]}.${found[4]}` };
  }
  found = UP.exec(name);
  if (found !== null) {
    return { rank: [2, Number(found[1]), Number(found[3])], part: `${found[2]}.${found[4]}` };
  }
  return null;
}

/** The blocks that are there, in order. */
function ranksIn(names: readonly string[]): Rank[] {
  const ranks = new Map<string, Rank>();
  for (const name of names) {
    const block = rankOf(name);
    if (block !== null && !block.part.startsWith("upsamplers.")) ranks.set(block.rank.join(), block.rank);
  }
  return [...ranks.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : 1));
}

/** "IN00" ... "IN11", "M00", "OUT00" ... "OUT11". */
function blocks(names: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const count = [0, 0, 0];
  const called = ranksIn(names).map(([side]) => {
    const number = count[side] ?? 0;
    count[side] = number + 1;
    return `${["IN", "M", "OUT"][side]}${String(number).padStart(2, "0")}`;
  });
  return { [UNET]: called };
}

/** Numbers the blocks that are there. An upsampler has number 0 and belongs to its block's last resnet. */
function locate(names: readonly string[]): Locator {
  const ordered = ranksIn(names);
  const layers = new Map(ordered.map((rank, layer) => [rank.join(), layer]));
  const lastOf = new Map(ordered.map((rank, layer) => [`${rank[0]},${rank[1]}`, layer]));
  return (name) => {
    const block = rankOf(name);
    if (block === null) return byWord(name)?.stack.match(TEXT_TOWER) ? byWord(name) : null;
    const { rank, part } = block;
    const layer = part.startsWith("upsamplers.") ? lastOf.get(`${rank[0]},${rank[1]}`) : layers.get(rank.join());
    return layer === undefined ? null : { stack: UNET, layer, part };
  };
}

/** Text encoders inside a whole checkpoint; the VAE's blocks stay outside every stack. */
const TEXT_TOWER = /(text_model|transformer).*\.(layers|resblocks)$/;

const LATENT_UNET = {
  types: [],
  architectures: [],
  lanes: {
    norm: ["norm", "in_layers.0.", "out_layers.0.", "diffusion_model.out.0.", ".ln_"],
    embedding: ["time_embedding", "add_embedding", "time_embed.", "label_emb", "token_embedding", "position"],
    head: ["conv_out", "diffusion_model.out.2.", "text_projection"],
    attention: ["attn", ".proj_in.", ".proj_out."],
    mlp: [".ff.", ".mlp."],
  },
  depth: [],
  locate,
  blocks,
  fixed: [UNET],
  wordless: true,
} as const satisfies Partial<FamilyBlank>;

export const sdxl: FamilyBlank = {
  id: "sdxl-unet",
  title: "Stable Diffusion XL",
  signature: ["down_blocks.", "up_blocks.", "add_embedding."],
  ...LATENT_UNET,
};

export const sdxlOriginal: FamilyBlank = {
  id: "sdxl-unet",
  title: "Stable Diffusion XL",
  signature: ["input_blocks.", "output_blocks.", "label_emb."],
  ...LATENT_UNET,
};

export const sd: FamilyBlank = {
  id: "sd-unet",
  title: "Stable Diffusion",
  signature: ["down_blocks.", "up_blocks.", "time_embedding."],
  ...LATENT_UNET,
};

export const sdOriginal: FamilyBlank = {
  id: "sd-unet",
  title: "Stable Diffusion",
  signature: ["input_blocks.", "output_blocks.", "time_embed."],
  ...LATENT_UNET,
};
