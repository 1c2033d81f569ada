/** Adapters through the studio's host, and through the models the command line opens. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openModels } from "../../cli/models.ts";
import type { Recipe } from "../../core/recipe/recipe.ts";
import type { OutputOptions } from "../../workers/api.ts";
import { createHost } from "../../workers/host.ts";
import { loadKernels } from "../cpu/kernels.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const filesOf = (name: string) =>
  readdirSync(join(fixtures, name)).map((file) => ({
    path: `${name}/${file}`,
    file: new File([readFileSync(join(fixtures, name, file))], file),
  }));

const never = () => Promise.reject(new Error("not in this test"));
const studio = () => createHost({ engine: never, storage: never, kernels: loadKernels });
const options: OutputOptions = { shardBytes: null, memory: 1e8, seed: 1, title: "x", engine: "cpu" };
const mix = (model: string): Recipe => ({
  merge_method: "task_arithmetic",
  base_model: "llama",
  models: [{ model, parameters: { weight: 1 } }],
});

describe("the studio", () => {
  test("an adapter dropped after its base is a model called base+adapter", async () => {
    const host = studio();
    await host.open({ id: "1", name: "llama", files: filesOf("llama") });
    const adapted = await host.open({ id: "2", name: "plain", files: filesOf("adapter-plain") });
    expect(adapted).toMatchObject({ name: "llama+plain", parameters: 5424, dtypes: ["F32"] });
    expect(await host.plan(mix("llama+plain"), options)).toMatchObject({ merged: 35, copied: 0 });
    const again = { id: "3", name: "plain", files: filesOf("adapter-plain") };
    await expect(host.open(again)).rejects.toThrow("llama+plain is open already.");
  });

  test("one that is opened again keeps its whole name", async () => {
    const host = studio();
    await host.open({ id: "1", name: "copy", files: filesOf("llama") });
    await host.open({ id: "2", name: "mine", files: filesOf("llama") });
    const { name } = await host.open({ id: "3", name: "mine+plain", files: filesOf("adapter-plain") });
    expect(name).toBe("mine+plain");
  });

  test("a recipe names any base with any adapter that are open", async () => {
    const host = studio();
    await host.open({ id: "1", name: "llama", files: filesOf("llama") });
    await host.open({ id: "2", name: "plain", files: filesOf("adapter-plain") });
    await host.open({ id: "3", name: "gpt2", files: filesOf("gpt2") });
    await host.rename("1", "other");
    const recipe = { ...mix("other+plain"), base_model: "other" };
    expect(await host.plan(recipe, options)).toMatchObject({ merged: 35 });
    expect(await host.plan({ ...mix("other+absent"), base_model: "other" }, options)).toMatchObject({
      missing: ["other+absent"],
    });
    expect(await host.plan({ ...mix("gpt2+plain"), base_model: "gpt2" }, options)).toMatchObject({
      errors: [expect.stringMatching(/12 of its 12 tensors have no place in gpt2/)],
    });
  });

  test("the base its config names is taken among several that fit", async () => {
    const host = studio();
    await host.open({ id: "1", name: "copy", files: filesOf("llama") });
    await host.open({ id: "2", name: "llama", files: filesOf("llama") });
    const { name } = await host.open({ id: "3", name: "plain", files: filesOf("adapter-plain") });
    expect(name).toBe("llama+plain");
    await host.rename("2", "another");
    await expect(host.open({ id: "4", name: "saved", files: filesOf("adapter-saved") })).rejects.toThrow(
      /it fits 2 of the open models, none or several of them called like llama/,
    );
  });

  test("without a base: a sentence", async () => {
    const host = studio();
    const adapter = { id: "9", name: "plain", files: filesOf("adapter-plain") };
    await expect(host.open(adapter)).rejects.toThrow(
      "plain: this is a LoRA adapter, and no model is open. Add llama first, then the adapter again.",
    );
    await host.open({ id: "1", name: "gpt2", files: filesOf("gpt2") });
    await expect(host.open(adapter)).rejects.toThrow(/12 of its 12 tensors have no place in gpt2/);
    await host.open({ id: "2", name: "gpt2-b", files: filesOf("gpt2") });
    await expect(host.open(adapter)).rejects.toThrow(/it fits none of the 2 open models. Add llama first/);
  });
});

describe("the command line", () => {
  const work = mkdtempSync(join(tmpdir(), "weightloom-lora-"));
  afterAll(() => rmSync(work, { recursive: true, force: true }));
  const base = join(fixtures, "llama");

  test("opens model+adapter; what the two share is the same tensor", async () => {
    const ref = `${base}+${join(fixtures, "adapter-plain")}`;
    const { models, close } = await openModels([base, ref], null);
    const [plain, adapted] = [models.get(base), models.get(ref)];
    expect(adapted?.ref).toBe(ref);
    const norm = adapted?.checkpoint.tensors.get("model.norm.weight");
    expect(norm).toBeDefined();
    expect(plain?.checkpoint.tensors.get("model.norm.weight")).toBe(norm);
    await close();
  });

  test("looks beside the recipe, and says what is missing or no adapter", async () => {
    const recipe = join(fixtures, "recipe.yml");
    const { models, close } = await openModels(["llama+adapter-plain"], recipe);
    expect(models.size).toBe(1);
    await close();
    await expect(openModels(["llama+nowhere"], recipe)).rejects.toThrow(/Adapter "nowhere" was not found/);
    await expect(openModels(["llama+gpt2"], recipe)).rejects.toThrow(/gpt2: there is no adapter_config.json/);
    await expect(openModels(["adapter-plain"], recipe)).rejects.toThrow(/Write "base\+adapter"/);
  });

  test.each(["llama@main", "llama@main+adapter-plain", "llama+adapter-plain@main"])("refuses %s", async (ref) => {
    await expect(openModels([ref], join(fixtures, "recipe.yml"))).rejects.toThrow(/asks for revision "main"/);
  });

  test("a path that has the sign in it is a path", async () => {
    writeFileSync(join(work, "a+b.safetensors"), readFileSync(join(base, "model.safetensors")));
    const { models, close } = await openModels([join(work, "a+b.safetensors")], null);
    expect([...models.values()][0]?.parameters).toBe(5424);
    await close();
  });
});
