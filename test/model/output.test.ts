/** config.json of the result: types, layer counts, and everything that speaks of single layers. */
import { describe, expect, test } from "vitest";
import { fromBytes } from "../../core/bytes/source.ts";
import { recognise } from "../../core/model/families.ts";
import type { JsonObject } from "../../core/model/model.ts";
import { type ConfigDonor, carriedFiles, carriedNotes, outputConfig } from "../../core/model/output.ts";
import { expand } from "./names.ts";

const LAYERS = (count: number) =>
  expand([`model.layers.{0..${count - 1}}.self_attn.{q,o}_proj.weight`, "model.embed_tokens.weight"]);

function donorOf(config: JsonObject | null, names: readonly string[]): ConfigDonor {
  return { config, ...recognise(names, config) };
}

/** The result when layers of the donor itself are put in this order. */
function arrange(donor: ConfigDonor, layers: readonly number[], prefix = "model.layers") {
  return outputConfig(donor, {
    dtype: null,
    stacks: [{ prefix, origins: layers.map((layer) => ({ model: donor, layer })) }],
  });
}

const F = "full_attention";
const S = "sliding_attention";

describe("layers", () => {
  const qwen3 = donorOf(
    {
      model_type: "qwen3",
      num_hidden_layers: 4,
      hidden_size: 64,
      layer_types: [F, S, S, F],
      max_window_layers: 4,
      eos_token_id: [1, 2, 3, 4],
      architectures: ["Qwen3ForCausalLM"],
    },
    LAYERS(4),
  );

  test("an untouched stack leaves the config as it was", () => {
    const { config, notes } = arrange(qwen3, [0, 1, 2, 3]);
    expect(config).toEqual(qwen3.config);
    expect(notes).toEqual([]);
  });

  test("Qwen3 stacked: the count and the list of layer types follow", () => {
    const { config, notes } = arrange(qwen3, [0, 1, 2, 1, 2, 3]);
    expect(config).toMatchObject({ num_hidden_layers: 6, layer_types: [F, S, S, S, S, F], max_window_layers: 6 });
    expect(config.eos_token_id).toEqual([1, 2, 3, 4]);
    expect(notes).toEqual([]);
  });

  test("Qwen3 cut: the same number of entries as layers", () => {
    expect(arrange(qwen3, [0, 3]).config).toMatchObject({ num_hidden_layers: 2, layer_types: [F, F] });
    expect(arrange(qwen3, [0, 1]).config).toMatchObject({ num_hidden_layers: 2, layer_types: [F, S] });
  });

  test("layers of another model bring its entries", () => {
    const other = { ...qwen3.config, layer_types: [S, S, S, S] };
    const { config } = outputConfig(qwen3, {
      dtype: null,
      stacks: [
        {
          prefix: "model.layers",
          origins: [
            { model: qwen3, layer: 0 },
            { model: { config: other }, layer: 0 },
            { model: { config: other }, layer: 3 },
          ],
        },
      ],
    });
    expect(config).toMatchObject({ num_hidden_layers: 3, layer_types: [F, S, S] });
  });

  test("a model without the list is noted, and the donor's entries stand in", () => {
    const bare = { config: { model_type: "qwen3", num_hidden_layers: 4 } };
    const { config, notes } = outputConfig(qwen3, {
      dtype: null,
      stacks: [{ prefix: "model.layers", origins: [0, 1, 2].map((layer) => ({ model: bare, layer })) }],
    });
    expect(config.layer_types).toEqual([F, S, S]);
    expect(notes.join()).toMatch(/layer_types .* for 3 of 3 layers/);
  });

  test("Gemma 3 with vision: the nested text config changes, the tower does not", () => {
    const names = expand([
      "language_model.model.layers.{0..5}.self_attn.{q,k}_norm.weight",
      "vision_tower.vision_model.encoder.layers.{0..5}.self_attn.q_proj.weight",
    ]);
    const vision_config = { num_hidden_layers: 6, list: [1, 2, 3, 4, 5, 6] };
    const donor = donorOf(
      {
        model_type: "gemma3",
        text_config: { num_hidden_layers: 6, layer_types: [S, S, S, S, S, F], sliding_window_pattern: 6 },
        vision_config,
      },
      names,
    );
    const { config, notes } = arrange(donor, [0, 1, 2, 3, 4, 5, 4, 5], "language_model.model.layers");
    expect(config.text_config).toMatchObject({ num_hidden_layers: 8, layer_types: [S, S, S, S, S, F, S, F] });
    expect(config.vision_config).toEqual(vision_config);
    expect(notes).toEqual([]);
  });

  test("a pattern without a list is left and noted only when layers change their position in it", () => {
    const donor = donorOf({ model_type: "gemma3_text", num_hidden_layers: 12, sliding_window_pattern: 6 }, LAYERS(12));
    const moved = arrange(donor, [0, 1, 2, 3, 6, 7]);
    expect(moved.config).toMatchObject({ num_hidden_layers: 6, sliding_window_pattern: 6 });
    expect(moved.notes.join()).toMatch(/sliding_window_pattern repeats every 6 .* 2 of 6 layers/);
    expect(arrange(donor, [6, 7, 8, 9, 10, 11]).notes).toEqual([]);
    const gemma2 = donorOf({ model_type: "gemma2", num_hidden_layers: 4 }, LAYERS(4));
    expect(arrange(gemma2, [1, 2]).notes).toHaveLength(1);
    expect(arrange(gemma2, [2, 3]).notes).toEqual([]);
  });

  test("lists of flags and of numbers: no_rope_layers, mlp_only_layers, and any list of one entry per layer", () => {
    const donor = donorOf(
      {
        model_type: "smollm3",
        num_hidden_layers: 4,
        no_rope_layers: [1, 1, 1, 0],
        mlp_only_layers: [0, 3],
        attention_chunks: ["a", "b", "c", "d"],
        short_list: [1, 2],
      },
      LAYERS(4),
    );
    expect(arrange(donor, [3, 0, 3]).config).toEqual({
      model_type: "smollm3",
      num_hidden_layers: 3,
      no_rope_layers: [0, 1, 0],
      mlp_only_layers: [0, 1, 2],
      attention_chunks: ["d", "a", "d"],
      short_list: [1, 2],
    });
  });

  test("bounds on leading layers: past the end, inside, and broken", () => {
    const bound = (value: number, layers: readonly number[], use = true) => {
      const config = { model_type: "qwen2", num_hidden_layers: 4, max_window_layers: value, use_sliding_window: use };
      return arrange(donorOf(config, LAYERS(4)), layers);
    };
    expect(bound(4, [0, 1, 2, 3, 2, 3]).config.max_window_layers).toBe(6);
    expect(bound(28, [0, 1]).config.max_window_layers).toBe(28);
    expect(bound(2, [0, 2, 3]).config.max_window_layers).toBe(1);
    expect(bound(2, [0, 2, 3]).notes).toEqual([]);
    expect(bound(2, [0, 2, 1]).notes).toHaveLength(1);
    expect(bound(2, [0, 2, 1], false).notes).toEqual([]);
  });

  test("GPT-2 counts n_layer", () => {
    const donor = donorOf(
      { model_type: "gpt2", n_layer: 3, n_head: 2 },
      expand(["transformer.h.{0..2}.attn.c_attn.weight", "transformer.wte.weight"]),
    );
    expect(arrange(donor, [0, 1, 1, 2], "transformer.h").config).toEqual({ model_type: "gpt2", n_layer: 4, n_head: 2 });
  });

  test("T5 counts both stacks, each by its own key", () => {
    const names = expand([
      "encoder.block.{0..2}.layer.0.SelfAttention.q.weight",
      "decoder.block.{0..2}.layer.0.SelfAttention.q.weight",
      "decoder.block.{0..2}.layer.2.DenseReluDense.wo.weight",
    ]);
    const donor = donorOf({ model_type: "t5", num_layers: 3, num_decoder_layers: 3 }, names);
    const origins = (layers: readonly number[]) => layers.map((layer) => ({ model: donor, layer }));
    const { config } = outputConfig(donor, {
      dtype: null,
      stacks: [
        { prefix: "encoder.block", origins: origins([0, 2]) },
        { prefix: "decoder.block", origins: origins([0, 1, 1, 2]) },
      ],
    });
    expect(config).toEqual({ model_type: "t5", num_layers: 2, num_decoder_layers: 4 });
    const old = donorOf({ model_type: "t5", num_layers: 3 }, names);
    expect(arrange(old, [0, 1], "decoder.block").config).toEqual({
      model_type: "t5",
      num_layers: 3,
      num_decoder_layers: 2,
    });
  });

  test("a stack nobody counts is noted", () => {
    const donor = donorOf({ model_type: "new" }, expand(["body.parts.{0..2}.deep.weight"]));
    const counted = { ...donor, family: { layerKeys: {} } };
    const { config, notes } = arrange(counted, [0, 1], "body.parts");
    expect(config).toEqual({ model_type: "new" });
    expect(notes.join()).toMatch(/no key is known .* body\.parts.* has 2/);
  });
});

describe("element type", () => {
  const typed = (config: JsonObject) => outputConfig(donorOf(config, []), { dtype: "BF16", stacks: [] }).config;

  test("goes under the key the config uses", () => {
    expect(typed({ torch_dtype: "float16", transformers_version: "4.44.0" })).toEqual({
      torch_dtype: "bfloat16",
      transformers_version: "4.44.0",
    });
    expect(typed({ dtype: "float32" })).toEqual({ dtype: "bfloat16" });
    expect(typed({})).toEqual({ dtype: "bfloat16" });
    expect(typed({ transformers_version: "5.1.0", torch_dtype: "float32" })).toEqual({
      transformers_version: "5.1.0",
      torch_dtype: "bfloat16",
      dtype: "bfloat16",
    });
  });

  test("is kept right in nested configs, and nowhere else", () => {
    const config = { torch_dtype: "float32", text_config: { torch_dtype: "float32", n: 1 }, vision_config: { n: 2 } };
    expect(typed(config)).toEqual({
      torch_dtype: "bfloat16",
      text_config: { torch_dtype: "bfloat16", n: 1 },
      vision_config: { n: 2 },
    });
  });

  test("stays when none is asked for", () => {
    const config = { torch_dtype: "float32" };
    expect(outputConfig(donorOf(config, []), { dtype: null, stacks: [] }).config).toEqual(config);
  });
});

test("vocabulary and ties are set where the config has them", () => {
  const edits = { dtype: null, stacks: [], vocabulary: 64, tied: false } as const;
  const flat = donorOf({ vocab_size: 70, tie_word_embeddings: true }, []);
  expect(outputConfig(flat, edits).config).toEqual({ vocab_size: 64, tie_word_embeddings: false });
  const nested = donorOf({ text_config: { vocab_size: 70 }, tie_word_embeddings: true }, []);
  expect(outputConfig(nested, edits).config).toEqual({ text_config: { vocab_size: 64 }, tie_word_embeddings: false });
});

test("the donor's config is not changed in place", () => {
  const config = Object.freeze({ num_hidden_layers: 2, layer_types: Object.freeze([F, S]) });
  const donor = donorOf(config, LAYERS(2));
  arrange(donor, [1, 0, 1]);
  expect(config).toEqual({ num_hidden_layers: 2, layer_types: [F, S] });
});

describe("carried files", () => {
  const extras = new Map(
    [
      "tokenizer.json",
      "merges.txt",
      "chat_template.jinja",
      "generation_config.json",
      "README.md",
      "modeling.py",
      "x.txt",
    ].map((name) => [name, fromBytes(name, new Uint8Array(1))]),
  );
  const names = (config: JsonObject | null) => carriedFiles({ ref: "base", extras, config }).map(({ name }) => name);

  test("tokenizer and settings, not the card and not code nobody runs", () => {
    expect(names(null)).toEqual(["tokenizer.json", "merges.txt", "chat_template.jinja", "generation_config.json"]);
    expect(carriedNotes({ ref: "base", extras, config: null })).toEqual([]);
    expect(carriedFiles({ ref: "base", extras, config: null })[0]?.from).toBe("base");
  });

  test("code of models that run their own, with a note", () => {
    const config = { auto_map: { AutoModel: "modeling.X" } };
    expect(names(config)).toContain("modeling.py");
    expect(carriedNotes({ ref: "base", extras, config }).join()).toMatch(/base .*modeling\.py.*trust_remote_code/);
  });
});
