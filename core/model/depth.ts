/**
 * Which key of config.json counts the layers of a stack. Wrappers around a language model nest its
 * config (`text_config.num_hidden_layers`), and vision towers have words of their own, so candidates are
 * tried in order and the count in the weights decides between them.
 */

import { at } from "./config.ts";
import type { FamilyBlank } from "./family.ts";
import type { JsonObject, Stack } from "./model.ts";

const TEXT = ["text_config", "llm_config", "language_config", "thinker_config.text_config"] as const;
const VISION = ["vision_config", "vit_config"] as const;
const AUDIO = ["audio_config", "speech_config"] as const;
const TOWER_KEYS = ["num_hidden_layers", "depth", "num_layers", "n_layers", "encoder_layers"] as const;

/** Dotted path of the layer count of a stack, or null when config.json seems not to have one. */
export function layerKey(depth: FamilyBlank["depth"], stack: Stack, config: JsonObject | null): string | null {
  const tower = towerOf(stack.prefix);
  const keys = tower === null ? (depth.find(({ where }) => stack.prefix.includes(where))?.keys ?? []) : TOWER_KEYS;
  if (config === null) return tower === null ? (keys[0] ?? null) : null;
  const homes = (tower ?? TEXT).filter((home) => at(config, home) !== undefined);
  const nested = [...TEXT, ...VISION].some((home) => at(config, home) !== undefined);
  // Beside a nested text model, the outer level counts nothing of a vision tower.
  const paths = homes.flatMap((home) => keys.map((key) => `${home}.${key}`));
  if (tower === null || !nested) paths.push(...keys);
  const numbers = paths.filter((path) => typeof at(config, path) === "number");
  const exact = numbers.find((path) => at(config, path) === stack.layers);
  return exact ?? numbers[0] ?? (tower === null && homes.length === 0 ? (keys[0] ?? null) : null);
}

function towerOf(prefix: string): readonly string[] | null {
  if (/vis(ion|ual)|image/.test(prefix)) return VISION;
  return /audio|speech/.test(prefix) ? AUDIO : null;
}
