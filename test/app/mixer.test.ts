/** The mixer without a screen: boards and lanes of models, curves drawn, locked, copied, and read back from YAML. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockPresets } from "../../app/mixer/block-presets.ts";
import { arranged, readBlockWeights, writeBlockWeights } from "../../app/mixer/blocks.ts";
import { type Board, boardOf, type LaneView } from "../../app/mixer/board.ts";
import { copied, doubled, flipped, painted, ramped, readLane, reversed, withValues } from "../../app/mixer/curve.ts";
import { ruleInWords, sharesAt } from "../../app/mixer/effect.ts";
import { geometryOf, scaleOf, ticksOf } from "../../app/mixer/geometry.ts";
import { intentionOf } from "../../app/mixer/keys.ts";
import { type Drawing, dialsOf, fieldOf, lockedTensors, voicesOf, withCurve } from "../../app/mixer/lanes.ts";
import { placesIn, placesInWords } from "../../app/mixer/places.ts";
import { SHAPES, shaped } from "../../app/mixer/shapes.ts";
import { methodOf } from "../../app/state/edits.ts";
import { NO_LOCKS } from "../../app/state/mixer.ts";
import type { NumberParam, Param } from "../../core/method.ts";
import { recognise } from "../../core/model/families.ts";
import { parseRecipe } from "../../core/recipe/parse.ts";
import { printRecipe } from "../../core/recipe/print.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import { METHODS } from "../../methods/index.ts";
import type { ModelSummary } from "../../workers/api.ts";
import { expand } from "../model/names.ts";

/** What the page knows of a model with these tensors. */
function summaryOf(names: readonly string[], config: Parameters<typeof recognise>[1] = null): ModelSummary {
  const { family, stacks } = recognise(names, config);
  const tensors = names.map((name) => {
    const { kind, stack, layer, part } = family.place(name);
    return {
      name,
      kind,
      stack,
      layer,
      part,
      dtype: "BF16" as const,
      shape: [2],
      bytes: 4,
      start: 0,
      file: "model.safetensors",
    };
  });
  const { id, title, filters } = family;
  const facts = { parameters: 1, bytes: 1, dtypes: [], hidden: 2, vocabulary: 2, licence: null, tokenizer: null };
  return {
    id: "m1",
    identity: "m1",
    name: "base",
    family: { id, title },
    stacks,
    files: [],
    filters,
    tensors,
    ...facts,
  };
}

const llama = (layers: number) =>
  boardOf(
    summaryOf(
      expand([
        "model.embed_tokens.weight",
        `model.layers.{0..${layers - 1}}.self_attn.{k,o,q,v}_proj.weight`,
        `model.layers.{0..${layers - 1}}.mlp.{down,gate,up}_proj.weight`,
        `model.layers.{0..${layers - 1}}.{input,post_attention}_layernorm.weight`,
        "model.norm.weight",
        "lm_head.weight",
      ]),
    ),
    null,
  )!;

const UNET = expand([
  "model.diffusion_model.time_embed.0.weight",
  "model.diffusion_model.input_blocks.0.0.weight",
  "model.diffusion_model.input_blocks.{1..11}.0.{in_layers.2,emb_layers.1}.weight",
  "model.diffusion_model.input_blocks.{1,2,4,5,7,8}.1.transformer_blocks.0.attn1.to_{q,k,v}.weight",
  "model.diffusion_model.middle_block.{0,2}.in_layers.0.weight",
  "model.diffusion_model.output_blocks.{0..11}.0.in_layers.0.weight",
  "model.diffusion_model.out.{0,2}.weight",
  "cond_stage_model.transformer.text_model.encoder.layers.{0,1}.self_attn.q_proj.weight",
]);

const start: Recipe = {
  merge_method: "ties",
  base_model: "base",
  models: [
    { model: "a", parameters: { weight: 1 } },
    { model: "b", parameters: { weight: 1, density: 0.5 } },
  ],
};

const lane = (board: Board, key: string): LaneView =>
  [...board.lanes.all, ...board.lanes.kinds, ...board.lanes.parts].find((one) => one.key === key)!;
const dialOf = (recipe: Recipe, id: string) => dialsOf(recipe).find((dial) => dial.id === id)!;
const how = (board: Board, locks = NO_LOCKS): Drawing => ({
  board,
  dial: dialOf(start, "weight"),
  locked: lockedTensors(board, locks),
  exact: false,
});
const A = { model: "a", role: "A" };
const reading = (recipe: Recipe, board: Board, one: LaneView, voice = A) =>
  readLane(fieldOf(recipe, board, dialOf(recipe, "weight"), voice), one);
const weightOf = (recipe: Recipe) => recipe.models?.[0]?.parameters?.weight;

describe("lanes", () => {
  const board = llama(4);

  test("all, kinds, and every projection in the order of data, ends at the ends", () => {
    const titles = (detail: keyof Board["lanes"]) => board.lanes[detail].map(({ title }) => title);
    expect(titles("all")).toEqual(["All layers"]);
    expect(titles("kinds")).toEqual(["Attention", "MLP", "Norms", "Embeddings, final norm and head"]);
    expect(titles("parts")).toEqual([
      ...["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
      ...["input_layernorm", "post_attention_layernorm", "Embeddings, final norm and head"],
    ]);
    expect(lane(board, "all").columns.map(({ short }) => short)).toEqual(["embed", "0", "1", "2", "3", "norm", "head"]);
    expect(lane(board, "attention").columns).toHaveLength(4);
  });

  test("names of modules are as long as tells them apart", () => {
    const gpt2 = boardOf(
      summaryOf(expand(["wte.weight", "h.{0..2}.{attn,mlp}.c_proj.weight", "h.{0..2}.attn.c_attn.weight"]), {
        model_type: "gpt2",
      }),
      null,
    )!;
    expect(gpt2.lanes.parts.map(({ title }) => title)).toEqual([
      ...["c_attn", "attn.c_proj", "mlp.c_proj"],
      "Embeddings, final norm and head",
    ]);
  });

  test("a model with two stacks has a board for each", () => {
    const names = expand(["encoder.layers.{0..2}.self_attn.q.weight", "decoder.layers.{0..4}.self_attn.q.weight"]);
    const encoder = boardOf(summaryOf(names), "encoder.layers")!;
    expect(encoder.stacks.map(({ layers }) => layers)).toEqual([5, 3]);
    const drawn = withCurve(start, how(encoder), A, lane(encoder, "all"), [0.1, 0.2, 0.7]);
    expect(weightOf(drawn)).toEqual([{ filter: "encoder.layers.", value: [0.1, 0.2, 0.7] }, { value: 1 }]);
  });
});

describe("drawing", () => {
  const board = llama(5);
  const all = lane(board, "all");

  test("a single projection is a filter, and leaves the rest alone", () => {
    const q = lane(board, "self_attn.q_proj");
    const drawn = withCurve(start, how(board), A, q, [0, 0.25, 0.5, 0.75, 1]);
    expect(weightOf(drawn)).toEqual([{ filter: "q_proj", value: [0, 1] }, { value: 1 }]);
    expect(reading(drawn, board, lane(board, "mlp")).curve).toEqual([1, 1, 1, 1, 1]);
    expect(reading(drawn, board, lane(board, "attention"))).toMatchObject({
      curve: [null, null, null, null, 1],
      spread: [
        [0, 1],
        [0.25, 1],
        [0.5, 1],
        [0.75, 1],
        [1, 1],
      ],
    });
    expect(drawn.models?.[1]).toBe(start.models?.[1]);
  });

  test("columns that are not drawn keep their differences", () => {
    const q = withCurve(start, how(board), A, lane(board, "self_attn.q_proj"), [0, 0, 0, 0, 0]);
    const before = reading(q, board, all).curve;
    const drawn = withCurve(
      q,
      how(board),
      A,
      all,
      before.map((value, i) => (i === 2 ? 0.6 : value)),
    );
    expect(reading(drawn, board, all).curve).toEqual([1, null, 0.6, null, null, null, 1, 1]);
    expect(reading(drawn, board, lane(board, "self_attn.q_proj")).curve).toEqual([0, 0.6, 0, 0, 0]);
  });

  test("what is locked keeps its values: a lane, a column, whatever lane is drawn on", () => {
    const locks = { lanes: new Set(["mlp"]), columns: new Set([1]) };
    const drawn = withCurve(start, how(board, locks), A, all, withValues(reading(start, board, all).curve, 0, 7, 0.3));
    expect(reading(drawn, board, lane(board, "mlp")).curve).toEqual([1, 1, 1, 1, 1]);
    expect(reading(drawn, board, lane(board, "attention")).curve).toEqual([0.3, 1, 0.3, 0.3, 0.3]);
    const everything = { lanes: new Set(["all"]), columns: new Set<number>() };
    expect(withCurve(start, how(board, everything), A, all, [0, 0, 0, 0, 0, 0, 0, 0])).toBe(start);
  });

  test("a model that goes by the recipe's value says its own once it is drawn, even the method's default", () => {
    const shared: Recipe = { ...start, models: [{ model: "a" }, { model: "b" }], parameters: { weight: 0.5 } };
    const drawn = withCurve(shared, how(board), A, all, new Array(8).fill(1));
    expect(weightOf(drawn)).toBe(1);
    expect(reading(drawn, board, all).curve).toEqual(new Array(8).fill(1));
    expect(drawn.models?.[1]).toEqual({ model: "b" });
  });

  test("filters that leave tensors out let the recipe's value through", () => {
    const partial: Recipe = {
      ...start,
      models: [{ model: "a", parameters: { weight: [{ filter: "mlp", value: 0.2 }] } }],
      parameters: { weight: 0.7 },
    };
    expect(reading(partial, board, lane(board, "mlp")).curve).toEqual([0.2, 0.2, 0.2, 0.2, 0.2]);
    expect(reading(partial, board, lane(board, "attention")).curve).toEqual([0.7, 0.7, 0.7, 0.7, 0.7]);
  });

  test("whatever is drawn in whatever lanes comes back from YAML", () => {
    const boards = [llama(1), llama(5), llama(12), boardOf(summaryOf(UNET), "unet")!];
    const value = fc.integer({ min: -100, max: 200 }).map((n) => n / 100);
    const strokes = fc.array(fc.tuple(fc.nat(), fc.array(value, { minLength: 1, maxLength: 30 })), { maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...boards), strokes, fc.boolean(), (on, drawn, exact) => {
        const lanes = Object.values(on.lanes).flat();
        let recipe = start;
        let wanted = fieldOf(recipe, on, dialOf(start, "weight"), A);
        for (const [at, values] of drawn) {
          const one = lanes[at % lanes.length]!;
          recipe = withCurve(
            recipe,
            { ...how(on), exact },
            A,
            one,
            one.columns.map((_, i) => values[i % values.length]!),
          );
          wanted = wanted.slice();
          for (const [i, { tensors }] of one.columns.entries())
            for (const tensor of tensors) wanted[tensor] = values[i % values.length]!;
        }
        const { recipe: again, diagnostics } = parseRecipe(printRecipe(recipe), METHODS);
        expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
        const found = fieldOf(again!, on, dialOf(start, "weight"), A);
        for (const [i, one] of wanted.entries()) expect(Math.abs(found[i]! - one)).toBeLessThan(2e-6);
      }),
      { numRuns: 120 },
    );
  });
});

describe("strokes and shapes", () => {
  const board = llama(5);
  const all = lane(board, "all");
  const flat = { curve: new Array(8).fill(0.5), spread: new Array(8).fill([0.5, 0.5]) };

  test("a brush pulls neighbours along, never what lies outside the layers", () => {
    const drawn = painted(flat.curve, flat, all, 2, 1, 2);
    expect(drawn).toEqual([0.5, 0.875, 1, 0.875, 0.625, 0.5, 0.5, 0.5]);
    expect(painted(flat.curve, flat, all, 0, 1, 2)).toEqual([1, ...new Array(7).fill(0.5)]);
    // The same stroke twice pulls no further.
    expect(painted(drawn, flat, all, 2, 1, 2)).toEqual(drawn);
  });

  test("a ramp is straight, forwards and backwards", () => {
    expect(ramped(flat.curve, all, 1, 0, 5, 1)).toEqual([0.5, 0, 0.25, 0.5, 0.75, 1, 0.5, 0.5]);
    expect(ramped(flat.curve, all, 5, 1, 1, 0)).toEqual([0.5, 0, 0.25, 0.5, 0.75, 1, 0.5, 0.5]);
  });

  test("shapes by name, over everything or a few columns; flat keeps the mean", () => {
    expect(shaped(flat, all, "V", [0, 1])).toEqual([1, 1, 0.5, 0, 0.5, 1, 1, 1]);
    expect(shaped(flat, all, "ramp up", [0.2, 0.4], [2, 4])).toEqual([0.5, 0.5, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5]);
    const ramp = { ...flat, curve: [0.5, 0, 0.25, 0.5, 0.75, 1, 0.5, 0.5] };
    expect(shaped(ramp, all, "flat", [0, 1])).toEqual(new Array(8).fill(0.5));
    for (const shape of Object.values(SHAPES))
      for (let x = 0; x <= 1; x += 0.125) expect(Math.abs(shape(x) - 0.5)).toBeLessThanOrEqual(0.5 + 1e-12);
  });

  test("turned round, mirrored, upside down, copied", () => {
    const ramp = { ...flat, curve: [0.5, 0, 0.25, 0.5, 0.75, 1, 0.5, 0.5] };
    expect(reversed(ramp, all)).toEqual([0.5, 1, 0.75, 0.5, 0.25, 0, 0.5, 0.5]);
    expect(doubled(ramp, all)).toEqual([0.5, 0, 0.25, 0.5, 0.25, 0, 0.5, 0.5]);
    expect(flipped(ramp, all, 0, 1)).toEqual([0.5, 1, 0.75, 0.5, 0.25, 0, 0.5, 0.5]);
    const mlp = lane(board, "mlp");
    expect(copied(ramp, all, [1, 1, 1, 1, 1], mlp)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(copied({ curve: [0, 0, 0, 0, 0], spread: [] }, mlp, flat.curve, all)).toEqual([
      0.5, 0, 0, 0, 0, 0, 0.5, 0.5,
    ]);
  });
});

describe("blocks of Stable Diffusion", () => {
  const board = boardOf(summaryOf(UNET), "unet")!;
  const all = lane(board, "all");

  test("25 blocks by their names, everything else is the base", () => {
    expect(all.columns.map(({ short }) => short).slice(0, 3)).toEqual(["BASE", "IN00", "IN01"]);
    expect(all.columns.map(({ short }) => short).slice(12, 16)).toEqual(["IN11", "M00", "OUT00", "OUT01"]);
    expect(all.columns).toHaveLength(26);
    expect(all.columns[0]?.tensors.map((i) => board.spots[i]?.name)).toContain(
      "cond_stage_model.transformer.text_model.encoder.layers.0.self_attn.q_proj.weight",
    );
    expect(llama(25).blocks).toBeNull();
    const layout = arranged(board.blocks!);
    expect(layout).toMatchObject({ kind: "u", middle: "M00" });
    expect(layout.kind === "u" && [layout.pairs.length, layout.pairs[0], layout.pairs[11]]).toEqual([
      12,
      ["IN00", "OUT11"],
      ["IN11", "OUT00"],
    ]);
  });

  test("what is drawn is a filter per block, as other tools take it", () => {
    const values = all.columns.map(({ short }) => (short === "IN04" ? 0.25 : short === "BASE" ? 0.5 : 1));
    expect(weightOf(withCurve(start, how(board), A, all, values))).toEqual([
      { filter: "time_embed.", value: 0.5 },
      { filter: "model.diffusion_model.out.0.weight", value: 0.5 },
      { filter: "diffusion_model.out.2.", value: 0.5 },
      { filter: "input_blocks.4.", value: 0.25 },
      { filter: "cond_stage_model.transformer.text_model.encoder.layers.", value: 0.5 },
      { value: 1 },
    ]);
  });

  const blocks = board.blocks!;

  test("strings of numbers, with and without the base, there and back", () => {
    const numbers = Array.from({ length: 26 }, (_, i) => i / 25);
    const ids = ["BASE", ...blocks];
    const text = writeBlockWeights(blocks, new Map(ids.map((id, i) => [id, numbers[i]!])))!;
    const read = readBlockWeights(text, blocks);
    expect([...read.keys()]).toEqual(ids);
    expect([...read.values()]).toEqual(numbers.map((n) => Number(n.toFixed(6))));
    expect([...readBlockWeights(" 1 0.5\n,.25", ["IN00", "M00", "OUT00"])]).toEqual([
      ["IN00", 1],
      ["M00", 0.5],
      ["OUT00", 0.25],
    ]);
    expect(writeBlockWeights(blocks, new Map([["IN00", null]]))).toBeNull();
  });

  test.each([
    ["0,1,x", '"x" is not a number. Write numbers separated by commas.'],
    ["", "There are 0 numbers; this model has 25 blocks, so it takes 25, or 26 with BASE first."],
    [
      new Array(20).fill(0).join(),
      "There are 20 numbers; this model has 25 blocks, so it takes 25, or 26 with BASE first. It looks like block weights of Stable Diffusion XL.",
    ],
  ])("a string that does not fit gets a sentence: %s", (text, sentence) => {
    expect(() => readBlockWeights(text, blocks)).toThrow(sentence);
  });

  test("the 38 presets by their usual names, with the numbers they were published with", () => {
    const sd = blockPresets(25);
    expect(Object.keys(sd)).toHaveLength(38);
    const at = (name: string, ...places: number[]) => places.map((i) => sd[name]?.blocks[i]);
    expect(at("GRAD_V", 0, 6, 12, 18, 24)).toEqual([1, 0.5, 0, 0.5, 1]);
    expect(at("OUT12_5", 11, 12, 13)).toEqual([0, 0.5, 1]);
    expect(sd.RING08_SOFT?.blocks.reduce((a, b) => a + b)).toBe(8);
    expect(sd.RING10_3?.blocks.join("")).toBe("0000001111100011111000000");
    const published: [string, number, number][] = [
      ["SMOOTHSTEP", 1, 0.00506365740740741],
      ["SMOOTHSTEP*2", 13, 0.875289351851852],
      ["SMOOTHSTEP*3", 15, 0.0507812500000004],
      ["R_SMOOTHSTEP*4", 9, 0.265625],
      ["SMOOTHSTEP/3", 9, 0.95703125],
      ["R_SMOOTHSTEP/4", 5, 0.0740740740740742],
      ["COSINE", 7, 0.80438071450436],
      ["TRUE_CUBIC_HERMITE", 1, 0.199031876929012],
      ["TRUE_CUBIC_HERMITE", 12, 0.520833333333333],
      ["TRUE_REVERSE_CUBIC_HERMITE", 23, 0.157365210262345],
      ["FAKE_CUBIC_HERMITE", 8, 0.567901234567901],
      ["FAKE_REVERSE_CUBIC_HERMITE", 23, 0.157576195987653],
    ];
    // The published list counts BASE first.
    for (const [name, place, value] of published) expect(sd[name]?.blocks[place], name).toBeCloseTo(value, 9);
    expect(Object.keys(blockPresets(19))).not.toContain("WRAP08");
    for (const { ends, blocks } of Object.values(sd)) {
      expect(blocks).toHaveLength(25);
      expect([0, 1]).toContain(ends);
    }
  });
});

describe("blocks of Flux", () => {
  const names = expand([
    "double_blocks.{0..18}.img_attn.qkv.weight",
    "single_blocks.{0..37}.linear1.weight",
    "{img_in,txt_in,final_layer.linear}.weight",
    "text_encoders.t5xxl.transformer.encoder.block.{0..1}.layer.0.SelfAttention.q.weight",
  ]);
  const board = boardOf(summaryOf(names), null)!;
  const all = lane(board, "all");

  test("double and single blocks in columns, with what stands around them", () => {
    const shorts = all.columns.map(({ short }) => short);
    expect(shorts.slice(0, 3)).toEqual(["T5", "IN", "D00"]);
    expect(shorts.slice(-2)).toEqual(["S37", "OUT"]);
    expect(all.columns.map(({ id }) => id).slice(0, 2)).toEqual([-2, -1]);
    const layout = arranged(board.blocks!);
    expect(layout.kind === "columns" && layout.columns.map(({ blocks }) => blocks.length)).toEqual([19, 19, 19]);
  });

  test("strings of 57, 59 and 61 numbers", () => {
    const numbers = (count: number) => Array.from({ length: count }, (_, i) => i / 100).join(",");
    const blocks = board.blocks!;
    expect(readBlockWeights(numbers(57), blocks).get("S37")).toBe(0.56);
    expect([...readBlockWeights(numbers(59), blocks)].at(-1)).toEqual(["OUT", 0.58]);
    const whole = readBlockWeights(numbers(61), blocks);
    expect([whole.get("CLIP"), whole.get("T5"), whole.get("IN"), whole.get("D00")]).toEqual([0, 0.01, 0.02, 0.03]);
    // What the file has not is 0.
    const written = writeBlockWeights(blocks, new Map(all.columns.map(({ short }) => [short, 0.5])))!.split(",");
    expect([written.length, written[0], written[1], written[60]]).toEqual([61, "0", "0.5", "0.5"]);
    expect(() => readBlockWeights("1,2", blocks)).toThrow(
      "it takes 57, 59 with IN and OUT around them, or 61 with CLIP, T5, IN first.",
    );
  });

  test("a block is a filter by its name", () => {
    const values = all.columns.map(({ short }) => (short === "S02" ? 0.25 : 1));
    expect(weightOf(withCurve(start, how(board), A, all, values))).toEqual([
      { filter: "single_blocks.2.", value: 0.25 },
      { value: 1 },
    ]);
  });
});

describe("what a value comes to", () => {
  const board = llama(5);
  const spot = board.spots.find(({ name }) => name === "model.layers.2.self_attn.q_proj.weight")!;

  test("shares after normalising", () => {
    const recipe: Recipe = {
      merge_method: "linear",
      models: [
        { model: "a", parameters: { weight: [0, 2] } },
        { model: "b", parameters: { weight: [{ filter: "self_attn", value: 3 }, { value: 0 }] } },
      ],
    };
    expect(sharesAt(recipe, methodOf(recipe)!, spot)).toEqual([0.25, 0.75]);
    const slerp: Recipe = {
      merge_method: "slerp",
      base_model: "a",
      models: [{ model: "b" }],
      parameters: { t: [0, 1] },
    };
    expect(sharesAt(slerp, methodOf(slerp)!, spot)).toEqual([0.5]);
  });

  test.each<[Recipe["parameters"], Recipe["parameters"], string]>([
    [undefined, undefined, "default of TIES"],
    [undefined, { density: 0.5 }, "one value of the recipe"],
    [{ density: 0.5 }, undefined, "one value of a"],
    [{ density: [0, 0.5, 1] }, undefined, "all layers of a, a gradient of 3"],
    [
      { density: [{ filter: "q_proj", value: [0, 1] }, { value: 1 }] },
      undefined,
      "filter q_proj of a, a gradient of 2",
    ],
  ])("the rule behind it: %j, %j", (own, top, words) => {
    const recipe: Recipe = {
      ...start,
      models: [{ model: "a", ...(own === undefined ? {} : { parameters: own }) }],
      ...(top === undefined ? {} : { parameters: top }),
    };
    expect(ruleInWords(recipe, methodOf(recipe)!, dialOf(recipe, "density"), A, spot)).toBe(words);
  });
});

describe("the axis", () => {
  test("every number of every method has words for both of its ends", () => {
    const bare = [...METHODS.values()].flatMap((method) =>
      Object.entries(method.params as Record<string, Param>).flatMap(([id, param]) =>
        param.kind === "number" && param.ends === undefined ? [`${method.id}.${id}`] : [],
      ),
    );
    expect(bare).toEqual([]);
  });

  test("a weight is shown from nothing to all, further where it goes further or all is asked for", () => {
    const { param } = dialOf(start, "weight");
    expect(scaleOf(param, [0.5, 1], false)).toEqual([0, 1]);
    expect(scaleOf(param, [-0.5, 1.5], false)).toEqual([-0.5, 1.5]);
    expect(scaleOf(param, [], true)).toEqual([-1, 2]);
    expect(ticksOf(param, 0, 1).map(({ words }) => words)).toEqual(["base", "full", ""]);
    expect(ticksOf(param, -1, 2).map(({ value, words }) => [value, words])).toEqual([
      [-1, "taken away"],
      [2, "more than all"],
      [0, "base"],
      [1, "full"],
    ]);
    const lambda = dialOf(start, "lambda").param as NumberParam;
    expect(ticksOf(lambda, ...scaleOf(lambda, [1], false)).map(({ words }) => words)).toEqual(["base", "triple", ""]);
  });

  test("columns and places on the screen are inverse", () => {
    const board = llama(80);
    const { columns } = lane(board, "all");
    const geometry = geometryOf(board, [0, 1], 900, 300, true);
    for (const [i, column] of columns.entries()) expect(geometry.nearest(columns, geometry.x(column))).toBe(i);
    for (const value of [0, 0.3, 1]) expect(geometry.valueAt(geometry.y(value))).toBeCloseTo(value, 12);
    expect(geometry.x(columns.at(-1)!)).toBeLessThanOrEqual(900 - 26);
  });

  test("layers by what people write", () => {
    const all = lane(llama(12), "all");
    expect(placesIn(all, "3-7")).toEqual([4, 8]);
    expect(placesIn(all, "7 to 3")).toEqual([4, 8]);
    expect(placesIn(all, "All")).toEqual([0, 14]);
    expect(placesIn(all, "head")).toEqual([14, 14]);
    expect(placesInWords(all, 4, 8)).toBe("3-7");
    expect(placesInWords(all, 0, 14)).toBe("all");
    expect(() => placesIn(all, "12-15")).toThrow(
      '"12-15" names no layers of All layers, which has embed to head. Write one of them, two with a dash between, or all.',
    );
  });
});

test("keys", () => {
  const press = (key: string, shiftKey = false) =>
    intentionOf({ key, shiftKey, ctrlKey: false, metaKey: false, altKey: false }, 3, 5);
  expect(press("ArrowRight")).toEqual({ kind: "go", to: 4, extend: false });
  expect(press("ArrowRight", true)).toEqual({ kind: "go", to: 4, extend: true });
  expect(press("End")).toEqual({ kind: "go", to: 4, extend: false });
  expect(press("ArrowUp", true)).toEqual({ kind: "change", steps: 10 });
  expect(press("PageDown")).toEqual({ kind: "change", steps: -10 });
  expect(press("b")).toEqual({ kind: "role", role: "B" });
  expect(press("L", true)).toEqual({ kind: "lock lane" });
  expect(press("x")).toBeNull();
  expect(intentionOf({ key: "a", shiftKey: false, ctrlKey: true, metaKey: false, altKey: false }, 0, 1)).toBeNull();
});

test("voices: one per model, or one for the merge", () => {
  expect(voicesOf(start, dialOf(start, "weight")).map(({ role }) => role)).toEqual(["A", "B"]);
  expect(voicesOf(start, dialOf(start, "lambda"))).toEqual([{ model: null, role: null }]);
});
