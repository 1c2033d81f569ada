/** An extraction as the folder PEFT loads: adapter_model.safetensors, adapter_config.json, README.md. */
import { type Folder, join } from "../bytes/sink.ts";
import { throwIfAborted } from "../errors.ts";
import { headerOf } from "../formats/write.ts";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from "../model/adapter.ts";
import { at, isList } from "../model/config.ts";
import type { JsonObject, Model } from "../model/model.ts";
import type { AdapterTensor, Extraction } from "./extract.ts";

export interface WriteOptions {
  readonly folder: Folder;
  /** What the command or recipe was, for the card. */
  readonly made: string;
  readonly title: string;
  readonly signal?: AbortSignal;
}

/** Writes the files, the config last, so that a folder left half way is no adapter. Returns bytes written. */
export async function writeAdapter(
  extraction: Extraction,
  fine: Model,
  base: Model,
  { folder, made, title, signal }: WriteOptions,
): Promise<number> {
  const config = adapterConfig(extraction, fine, base.ref);
  const text = (content: string) => new TextEncoder().encode(content);
  const done: string[] = [];
  let bytes = 0;
  const write = async (name: string, chunks: AsyncIterable<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer>[]) => {
    const sink = await folder.create(name);
    try {
      for await (const chunk of chunks) {
        throwIfAborted(signal);
        await sink.write(chunk);
        bytes += chunk.length;
      }
      await sink.close();
      done.push(name);
    } catch (error) {
      await sink.abort();
      throw error;
    }
  };
  try {
    await write(ADAPTER_WEIGHTS, contentOf(extraction.tensors, signal));
    await write("README.md", [text(adapterCard(extraction, fine, base, title, made))]);
    await write(ADAPTER_CONFIG, [text(`${JSON.stringify(config, null, 2)}\n`)]);
  } catch (error) {
    for (const name of done) await folder.remove(name);
    throw error;
  }
  return bytes;
}

const CHUNK = 8 * 1024 * 1024;

async function* contentOf(tensors: readonly AdapterTensor[], signal: AbortSignal | undefined) {
  const sizeOf = ({ content }: AdapterTensor) =>
    content instanceof Uint8Array ? content.length : content.range.end - content.range.start;
  yield join([
    headerOf(
      tensors.map((tensor) => ({ ...tensor, bytes: sizeOf(tensor) })),
      { format: "pt" },
    ),
  ]);
  for (const { content } of tensors) {
    if (content instanceof Uint8Array) yield content;
    else
      for (let start = content.range.start; start < content.range.end; start += CHUNK)
        yield await content.source.read({ start, end: Math.min(start + CHUNK, content.range.end) }, signal);
  }
}

/**
 * adapter_config.json. `r` is the commonest rank and equals alpha, so that the scale is 1 everywhere; other ranks are
 * listed by module.
 */
export function adapterConfig(extraction: Extraction, fine: Model, base: string): JsonObject {
  const modules = extraction.modules.filter(({ rank }) => rank > 0);
  const counts = new Map<number, number>();
  for (const { rank } of modules) counts.set(rank, (counts.get(rank) ?? 0) + 1);
  const [r = 1] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0]).map(([rank]) => rank);
  const odd = Object.fromEntries(modules.filter(({ rank }) => rank !== r).map(({ module, rank }) => [module, rank]));
  const architectures = fine.config === null ? undefined : at(fine.config, "architectures");
  const [architecture] = isList(architectures) ? architectures : [];
  const causal = typeof architecture === "string" && /ForCausalLM$|LMHeadModel$/.test(architecture);
  return {
    peft_type: "LORA",
    task_type: causal ? "CAUSAL_LM" : null,
    base_model_name_or_path: base,
    r,
    lora_alpha: r,
    rank_pattern: odd,
    alpha_pattern: odd,
    target_modules: targets(
      modules.map(({ module }) => module),
      fine,
    ),
    modules_to_save: extraction.saved.length === 0 ? null : [...extraction.saved],
    bias: extraction.biases > 0 ? "all" : "none",
    fan_in_fan_out: extraction.fanInFanOut,
    lora_dropout: 0,
    use_rslora: false,
    use_dora: false,
    inference_mode: true,
    init_lora_weights: true,
  };
}

/** The last word of their names where it means exactly these modules, whole names otherwise. */
function targets(modules: readonly string[], { checkpoint }: Model): string[] {
  const last = (name: string) => name.slice(name.lastIndexOf(".") + 1);
  const having = new Set(modules);
  const all = [...checkpoint.tensors.keys()]
    .filter((name) => name.endsWith(".weight"))
    .map((name) => name.slice(0, -7));
  const partly = new Set(all.filter((module) => !having.has(module)).map(last));
  return [...new Set(modules.map((module) => (partly.has(last(module)) ? module : last(module))))];
}

function adapterCard(extraction: Extraction, fine: Model, base: Model, title: string, made: string): string {
  const ranks = extraction.modules.map(({ rank }) => rank).filter((rank) => rank > 0);
  const norm = Math.hypot(...extraction.modules.map((one) => one.norm));
  const rest = Math.hypot(...extraction.modules.map((one) => one.rest));
  const plain = (text: string) => text.replace(/[\p{Cc}\p{Cf}]+/gu, " ").replace(/[\\`*_[\]{}<>#|~!&]/g, "\\$&");
  const lines = [
    "---\nlibrary_name: peft\ntags:\n  - lora\n  - weightloom\n---",
    `# ${plain(title)}`,
    `A LoRA adapter that turns ${plain(base.ref)} into about ${plain(fine.ref)}, extracted with Weightloom from the difference of their weights by truncated singular value decomposition.`,
    ranks.length === 0
      ? "It has no low-rank updates."
      : `${ranks.length} updates of rank ${Math.min(...ranks)} to ${Math.max(...ranks)}; what they leave of the difference is ${norm === 0 ? 0 : ((100 * rest) / norm).toFixed(2)} % of it (Frobenius norm).`,
    ...(extraction.saved.length === 0 ? [] : [`Saved whole: ${extraction.saved.length} modules.`]),
    ...extraction.notes.map(plain),
    `\`\`\`\n${made.replace(/`{3,}/g, "``")}\n\`\`\``,
  ];
  return `${lines.join("\n\n")}\n`;
}
