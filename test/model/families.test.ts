/** Every family: what its real names are recognised as, and that recipe filters pick what the mixer shows. */
import { describe, expect, test } from "vitest";
import { recognise } from "../../core/model/families.ts";
import { nameAt } from "../../core/model/family.ts";
import { type Family, type Kind, LANES } from "../../core/model/model.ts";
import { DECODERS, ENCODERS, type Fixture, VISION } from "./fixtures.ts";
import { expand } from "./names.ts";

const namesOf = (fixture: Fixture): string[] => expand(Object.values(fixture.kinds).flat());

/** What a recipe's list of conditions, in lane order, would select the tensor for. */
function filtered(family: Family, name: string): Kind {
  return LANES.find((kind) => family.filters[kind]?.some((filter) => name.includes(filter))) ?? "other";
}

describe.each([...DECODERS, ...ENCODERS, ...VISION])("$title", (fixture) => {
  const names = namesOf(fixture);
  const { family, stacks } = recognise(names, fixture.config);

  test("is recognised by config and by bare names", () => {
    expect(family.id).toBe(fixture.id);
    expect(recognise(names, null).family.id).toBe(fixture.bare ?? fixture.id);
  });

  test("has its stacks and their config keys", () => {
    expect(Object.fromEntries(stacks.map(({ prefix, layers }) => [prefix, layers]))).toEqual(fixture.stacks);
    expect(family.layerKeys).toEqual(fixture.layerKeys);
  });

  test.each(Object.entries(fixture.kinds))("has its %s tensors", (kind, patterns) => {
    const wrong = expand(patterns).filter((name) => family.place(name).kind !== kind);
    expect(wrong).toEqual([]);
  });

  test("has filters that pick what place says", () => {
    for (const name of names) expect([name, filtered(family, name)]).toEqual([name, family.place(name).kind]);
    for (const filters of Object.values(family.filters)) expect(filters.length).toBeGreaterThan(0);
    if (fixture.filters !== undefined) expect(family.filters).toMatchObject(fixture.filters);
  });

  test("splits names so that they can be put together again", () => {
    for (const name of names) {
      const { stack, layer, part, end } = family.place(name);
      if (stack === null || layer === null) expect([part, end === null]).toEqual([name, false]);
      else expect([nameAt(stack, layer, part), end]).toEqual([name, null]);
    }
  });

  test("knows what comes after the layers", () => {
    const after = names.filter((name) => family.place(name).end === "after");
    expect(after.sort()).toEqual(expand(fixture.after).sort());
  });
});

test("the language model is the main stack of a model with vision", () => {
  const wrapped = DECODERS.find(({ title }) => title.startsWith("Gemma 3 with vision"));
  const names = namesOf(wrapped!);
  expect(recognise(names, wrapped!.config).stacks[0]?.prefix).toBe("language_model.model.layers");
});

test("a wrapper of an unlisted type is known by its text model", () => {
  const names = expand([
    "model.vision_tower.encoder.layers.{0..1}.self_attn.q_proj.weight",
    "model.language_model.layers.{0..3}.self_attn.{q,o}_proj.weight",
    "model.language_model.embed_tokens.weight",
  ]);
  const config = { model_type: "llava_next", text_config: { model_type: "mistral", num_hidden_layers: 4 } };
  const { family, stacks } = recognise(names, config);
  expect(family.id).toBe("mistral");
  expect(stacks.map(({ prefix }) => prefix)).toEqual([
    "model.language_model.layers",
    "model.vision_tower.encoder.layers",
  ]);
  expect(family.layerKeys).toEqual({ "model.language_model.layers": "text_config.num_hidden_layers" });
});

test("a name with a leading zero or a huge number is in no layer", () => {
  const { family, stacks } = recognise(["model.layers.00.w", "model.layers.99999999.w", "model.layers.1.w"], null);
  expect(family.place("model.layers.00.w").layer).toBeNull();
  expect(family.place("model.layers.99999999.w").layer).toBeNull();
  expect(stacks.every(({ layers }) => layers < 10_000)).toBe(true);
});
