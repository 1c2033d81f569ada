/** Models nobody listed: layers are found in the names alone, and nothing is dropped. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { recognise } from "../../core/model/families.ts";
import { nameAt } from "../../core/model/family.ts";
import type { JsonObject } from "../../core/model/model.ts";
import { expand } from "./names.ts";

const look = (patterns: readonly string[], config: JsonObject | null = null) => recognise(expand(patterns), config);
const stacksOf = (patterns: readonly string[]) =>
  Object.fromEntries(look(patterns).stacks.map(({ prefix, layers }) => [prefix, layers]));

test("a model nobody listed has the stacks its names show", () => {
  const names = [
    "joint_blocks.{0..3}.x_block.attn.qkv.weight",
    "joint_blocks.{0..3}.context_block.mlp.{fc1,fc2}.weight",
    "refiner.{0..6}.linear{1,2}.weight",
    "x_in.weight",
    "final_layer.linear.weight",
  ];
  expect(stacksOf(names)).toEqual({ joint_blocks: 4, refiner: 7 });
  const { family } = look(names);
  expect(family.id).toBe("generic");
  expect(family.place("joint_blocks.3.x_block.attn.qkv.weight")).toEqual({
    kind: "attention",
    stack: "joint_blocks",
    layer: 3,
    part: "x_block.attn.qkv.weight",
    end: null,
  });
  expect(family.place("joint_blocks.1.context_block.mlp.fc2.weight")).toMatchObject({ kind: "mlp", layer: 1 });
  expect(family.place("x_in.weight")).toMatchObject({ kind: "other", stack: null, end: "before" });
});

test("Mamba's layer count is found in its config", () => {
  const names = [
    "backbone.layers.{0..4}.mixer.{A_log,D}",
    "backbone.layers.{0..4}.norm.weight",
    "backbone.embeddings.weight",
  ];
  const { family } = look(names, { model_type: "mamba", n_layer: 64, num_hidden_layers: 5 });
  expect(family.layerKeys).toEqual({ "backbone.layers": "num_hidden_layers" });
});

test("of several numbers the outermost that varies is the layer", () => {
  expect(stacksOf(["net.0.stage.{0..2}.block.{0..1}.conv.weight"])).toEqual({ "net.0.stage": 3 });
  expect(stacksOf(["towers.{0..1}.layers.{0..3}.a.weight"])).toEqual({ towers: 2 });
});

test("a short row of plain layers is no stack beside real ones, and one where there is nothing better", () => {
  const stem = ["stem.{0,2}.weight", "stem.{0,2}.bias"];
  expect(stacksOf([...stem, "body.{0..3}.conv1.weight"])).toEqual({ body: 4 });
  expect(stacksOf(stem)).toEqual({ stem: 3 });
});

test("names without numbers, empty names and odd names are all placed", () => {
  const names = ["", ".", "0.weight", "1.weight", "__proto__", "constructor.0.x", "constructor.1.x", "a..b.0"];
  const { family, stacks } = recognise(names, null);
  expect(stacks).toEqual([{ prefix: "constructor", layers: 2 }]);
  expect(names.map((name) => family.place(name).kind)).toEqual(names.map(() => "other"));
  expect(family.layerKeys).toEqual({ constructor: "num_hidden_layers" });
});

test("any names at all give layers that can be put together again", () => {
  const word = fc.constantFrom(
    "layers",
    "h",
    "block",
    "0",
    "1",
    "12",
    "007",
    "attn",
    "weight",
    "",
    "down_blocks",
    "resnets",
  );
  const name = fc.array(word, { maxLength: 7 }).map((words) => words.join("."));
  fc.assert(
    fc.property(fc.array(name, { maxLength: 30 }), (names) => {
      const { family, stacks } = recognise(names, null);
      const layers = new Map(stacks.map((stack) => [stack.prefix, stack]));
      for (const one of names) {
        const { stack, layer, part, end } = family.place(one);
        if (stack === null || layer === null) expect([part, end === null]).toEqual([one, false]);
        else {
          expect(layer).toBeLessThan(layers.get(stack)?.layers ?? 0);
          if (layers.get(stack)?.fixed !== true) expect(nameAt(stack, layer, part)).toBe(one);
        }
      }
    }),
  );
});
