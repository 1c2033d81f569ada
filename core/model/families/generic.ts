/**
 * Any other model. The numbered layers are found in the names alone: every number in a name could be a
 * layer, and the outermost one that varies over a module's tensors is. `blocks.3.heads.1.w` is in layer 3
 * of `blocks`; a lone `net.0.weight`, `net.2.weight` is no stack unless the model has nothing better.
 */
import type { FamilyBlank, Locator, Spot } from "../family.ts";

interface Run {
  readonly numbers: Set<number>;
  /** True when some layer holds more than a weight and a bias. */
  deep: boolean;
}

/** Every way to read a name as stack, layer and part, outermost first. A number at either end is never a layer. */
function* readings(name: string): Generator<Spot> {
  const words = name.split(".");
  for (const [index, word] of words.entries()) {
    if (index === 0 || !/^(0|[1-9]\d{0,3})$/.test(word)) continue;
    const part = words.slice(index + 1).join(".");
    if (part !== "") yield { stack: words.slice(0, index).join("."), layer: Number(word), part };
  }
}

/** Finds the stacks of a list of names. */
export function findLayers(names: readonly string[]): Locator {
  const runs = new Map<string, Run>();
  for (const name of names) {
    for (const { stack, layer, part } of readings(name)) {
      const run = runs.get(stack) ?? { numbers: new Set<number>(), deep: false };
      run.numbers.add(layer);
      run.deep ||= part.includes(".");
      runs.set(stack, run);
    }
  }
  const varying = [...runs].filter(([, run]) => run.numbers.size > 1);
  const deep = varying.filter(([, run]) => run.deep);
  const stacks = new Set((deep.length > 0 ? deep : varying).map(([stack]) => stack));
  return (name) => {
    for (const spot of readings(name)) if (stacks.has(spot.stack)) return spot;
    return null;
  };
}

export const generic: FamilyBlank = {
  id: "generic",
  title: "Other model",
  types: [],
  architectures: [],
  signature: [],
  lanes: {
    norm: ["norm", "Norm", "ln_", ".ln"],
    embedding: ["embed", "wte", "wpe", "token_emb", "pos_emb"],
    head: ["lm_head", "classifier", "head.weight", "head.bias", "logits"],
    attention: ["attn", "attention", "Attention"],
    mlp: ["mlp", "ffn", "feed_forward", "experts", "intermediate", "fc1", "fc2"],
  },
  depth: [
    { where: "decoder", keys: ["num_decoder_layers", "decoder_layers", "num_hidden_layers"] },
    { where: "encoder", keys: ["num_encoder_layers", "encoder_layers", "num_hidden_layers", "num_layers"] },
    { where: "", keys: ["num_hidden_layers", "n_layer", "n_layers", "num_layers", "depth", "num_blocks"] },
  ],
  tied: [["lm_head.weight", "embed_tokens.weight"]],
  locate: findLayers,
};
