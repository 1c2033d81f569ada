/** The worker's object without a worker: advice from a sample, chains, mixtures. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { createLocalEngine } from "../../core/engine/cpu/pool.ts";
import type { Document } from "../../core/recipe/document.ts";
import { parseDocument } from "../../core/recipe/file.ts";
import { METHODS } from "../../methods/index.ts";
import type { OutputOptions, StudioHost } from "../../workers/api.ts";
import { createHost } from "../../workers/host.ts";
import { loadKernels } from "../cpu/kernels.ts";

const samples = join(import.meta.dirname, "../../public/samples");
const options: OutputOptions = { shardBytes: null, memory: 1e8, seed: 1, title: "x", engine: "cpu" };

const documentOf = (text: string): Document => {
  const { document, diagnostics } = parseDocument(text, METHODS);
  expect(diagnostics).toEqual([]);
  return document as Document;
};

async function studio(...names: readonly (readonly [name: string, folder: string])[]): Promise<StudioHost> {
  const engine = await createLocalEngine(await loadKernels());
  const host = createHost({
    engine: async () => ({ engine, speed: null, because: "It is the only one here." }),
    storage: () => Promise.reject(new Error("not in this test")),
    kernels: loadKernels,
  });
  for (const [name, folder] of names) {
    const files = readdirSync(join(samples, folder)).map((file) => ({
      path: `${folder}/${file}`,
      file: new File([readFileSync(join(samples, folder, file))], file),
    }));
    await host.open({ id: name, name, files });
  }
  return host;
}

let host: StudioHost;
beforeAll(async () => {
  host = await studio(["base", "base"], ["adder", "adder"], ["sorter", "sorter"], ["copy", "base"]);
});

const onto = (model: string) =>
  documentOf(
    `merge_method: task_arithmetic\nbase_model: base\nmodels:\n  - {model: ${model}, parameters: {weight: 1}}\n`,
  );

describe("a sample of the weights", () => {
  test("tells a model that is the base again", async () => {
    expect(await host.preflight(onto("copy"), options)).toContainEqual({
      severity: "warning",
      text: expect.stringContaining('"copy" equals the base "base"'),
    });
  });

  test("is given up when something else is asked for", async () => {
    const first = host.preflight(onto("adder"), options);
    const second = host.preflight(onto("copy"), options);
    await expect(first).rejects.toMatchObject({ name: "AbortError" });
    expect(await second).toHaveLength(1);
    const third = host.preflight(onto("adder"), options);
    await host.plan(onto("adder"), options);
    await expect(third).rejects.toMatchObject({ name: "AbortError" });
  });
});

test("a chain is planned as one, and misses only what nobody makes", async () => {
  const chain = documentOf(
    "name: pair\nmerge_method: linear\nmodels:\n  - {model: adder, parameters: {weight: 0.5}}\n  - {model: sorter, parameters: {weight: 0.5}}\n---\n" +
      "merge_method: task_arithmetic\nbase_model: base\nmodels:\n  - {model: pair, parameters: {weight: 1}}\n",
  );
  expect(await host.plan(chain, options)).toMatchObject({ merged: 75, vocabulary: 43 });
  const other = documentOf("merge_method: linear\nmodels:\n  - {model: absent, parameters: {weight: 1}}\n");
  expect(await host.plan(other, options)).toMatchObject({ missing: ["absent"] });
});

test("padding and a tokenizer show in the plan", async () => {
  const padded = documentOf(
    "merge_method: linear\nmodels:\n  - {model: adder, parameters: {weight: 0.5}}\n  - {model: sorter, parameters: {weight: 0.5}}\ntokenizer: {source: adder, pad_to_multiple_of: 64}\n",
  );
  expect(await host.plan(padded, options)).toMatchObject({ vocabulary: 64 });
});

test("a mixture of experts is planned, and not sampled", async () => {
  const mixture = documentOf(
    "base_model: base\ngate_mode: random\nexperts:\n  - source_model: adder\n  - source_model: sorter\n",
  );
  expect(await host.plan(mixture, options)).toMatchObject({ layers: 8, vocabulary: 43 });
  expect(await host.preflight(mixture, options)).toEqual([]);
});
