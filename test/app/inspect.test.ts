/** What the inspector and the heat strips make of surveys: rows found, cells, strips; and the worker's side of them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { heatOf, hottest, layoutOf, scaleOf, valueIn } from "../../app/inspect/cells.ts";
import { metricOf } from "../../app/inspect/metrics.ts";
import { found, indexOf, wordsOf } from "../../app/inspect/rows.ts";
import { heatRows, saidOf, spotsOf } from "../../app/mixer/strip.ts";
import { partyOf } from "../../app/state/heat.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import { createLocalEngine } from "../../core/engine/cpu/pool.ts";
import { openModel } from "../../core/model/open.ts";
import type { ModelSummary, Moves, SurveyRow, TensorRow } from "../../workers/api.ts";
import { createHost } from "../../workers/host.ts";
import { createInspector } from "../../workers/inspect.ts";
import { loadKernels } from "../cpu/kernels.ts";

const samples = join(import.meta.dirname, "../../public/samples");
const NAMES = ["base", "adder", "sorter"] as const;

async function studio() {
  const host = createHost({
    engine: () => Promise.reject(new Error("not in this test")),
    measuring: async () => createLocalEngine(await loadKernels()),
    storage: () => Promise.reject(new Error("not in this test")),
  });
  const opened: ModelSummary[] = [];
  for (const name of NAMES) {
    const files = readdirSync(join(samples, name)).map((file) => ({
      path: `${name}/${file}`,
      file: new File([readFileSync(join(samples, name, file))], file, { lastModified: 5 }),
    }));
    opened.push(await host.open({ id: name, name, files }));
  }
  return { host, opened };
}

let host: Awaited<ReturnType<typeof studio>>["host"];
let base: ModelSummary;
let opened: ModelSummary[];
const survey = new Map<string, SurveyRow>();
beforeAll(async () => {
  ({ host, opened } = await studio());
  [base] = opened as [ModelSummary];
  const ask = { job: "test", reference: "base", models: ["adder", "sorter"], most: 65_536, isPatient: true };
  await host.survey(ask, (rows) => {
    for (const row of rows) survey.set(row.name, row);
  });
});

describe("the worker's side", () => {
  test("a survey has every tensor once", () => {
    expect([...survey.keys()].sort()).toEqual(base.tensors.map(({ name }) => name).sort());
    for (const row of survey.values()) expect(row.apart).toBeNull();
  });

  test("figures of a pair: the model minus the other, with the other as reference", async () => {
    const tensor = "model.layers.2.mlp.up_proj.weight";
    const ask = { job: "one", model: "adder", against: "base", tensor, exact: false };
    const { own, difference, elements, apart } = await host.figures(ask, () => {});
    expect(apart).toBeNull();
    expect(own.looked).toBe(elements);
    const moves = survey.get(tensor)?.moves as Moves;
    expect(metricOf(difference?.moves ?? null, "change")).toBeCloseTo(metricOf(moves, "change") ?? 0, 6);
    expect(difference?.figures.norm).toBeCloseTo(Math.sqrt(moves.models[0]?.change ?? 0), 4);
  });

  test("what is not there or not open is said in a sentence", async () => {
    const ask = { job: "one", model: "adder", against: null, tensor: "nothing.weight", exact: false };
    await expect(host.figures(ask, () => {})).rejects.toThrow('adder has no tensor "nothing.weight". Choose one');
    await expect(host.figures({ ...ask, model: "gone" }, () => {})).rejects.toThrow("is not open any more");
    await expect(host.document("adder", "absent.json")).rejects.toThrow("absent.json: the model has no such file");
  });

  test("a job is stopped by its name, and by another of the same name", async () => {
    const ask = { job: "again", reference: "base", models: ["adder"], most: 4096, isPatient: false };
    const first = host.survey(ask, () => {});
    const second = host.survey(ask, () => {});
    await expect(first).rejects.toMatchObject({ name: "AbortError" });
    await host.stop("again");
    await expect(second).rejects.toMatchObject({ name: "AbortError" });
    await host.stop("again");
  });

  test("papers: config first, metadata, long files cut", async () => {
    const { documents, metadata } = await host.papers("base");
    expect(documents[0]?.name).toBe("config.json");
    expect(metadata).toContainEqual(["format", "pt"]);
    const { text, isWhole } = await host.document("base", "config.json");
    expect(isWhole).toBe(true);
    expect(JSON.parse(text)).toMatchObject({ model_type: "llama" });
  });

  test("the same files have the same identity, others another", async () => {
    const again = await studio();
    expect(again.opened.map(({ identity }) => identity)).toEqual(opened.map(({ identity }) => identity));
    expect(new Set(opened.map(({ identity }) => identity)).size).toBe(NAMES.length);
  });
});

describe("large tensors and merges", () => {
  const count = 1_300_000;
  const large = async () => {
    const header = Buffer.from(
      JSON.stringify({ "big.weight": { dtype: "F32", shape: [count], data_offsets: [0, 4 * count] } }),
    );
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    // One number stands out, where no sample looks: just before the last stretch.
    const values = Float32Array.from({ length: count }, (_, i) => (i === count - 4500 ? 9 : Math.sin(i)));
    const bytes = Buffer.concat([length, header, Buffer.from(values.buffer)]);
    const model = await openModel("large", new Map([["model.safetensors", fromBytes("model.safetensors", bytes)]]));
    return { name: "large", model, files: new Map(), adapter: null, identity: "large", hub: null };
  };
  const figuresAsk = { job: "big", model: "large", against: null, tensor: "big.weight" };

  test("are sampled and say so, and looked at whole when asked", async () => {
    const opened = await large();
    const inspector = createInspector({
      opened: () => opened,
      engine: async () => createLocalEngine(await loadKernels()),
      isMerging: () => true,
    });
    const part = await inspector.figures({ ...figuresAsk, exact: false }, () => {});
    expect(part).toMatchObject({ elements: count, own: { looked: 2 ** 20 } });
    expect(part.own.magnitude).toBeLessThan(1.01);
    const shares: number[] = [];
    const whole = await inspector.figures({ ...figuresAsk, exact: true }, (share) => shares.push(share));
    expect(whole.own).toMatchObject({ looked: count, magnitude: 9, greatest: 9 });
    for (const share of shares) expect(share).toBeLessThanOrEqual(1);
  });

  test("a patient survey waits while a merge runs, and can be stopped meanwhile; another does not wait", async () => {
    const opened = await large();
    let isMerging = true;
    const inspector = createInspector({
      opened: () => opened,
      engine: async () => createLocalEngine(await loadKernels()),
      isMerging: () => isMerging,
    });
    const rows: string[] = [];
    const ask = { job: "s", reference: "large", models: ["large"], most: 4096, isPatient: true };
    const note = (found: readonly SurveyRow[]) => void rows.push(...found.map(({ name }) => name));
    const stopped = inspector.survey(ask, note);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(rows).toEqual([]);
    const rejected = expect(stopped).rejects.toMatchObject({ name: "AbortError" });
    await inspector.stop("s");
    await rejected;
    await inspector.survey({ ...ask, isPatient: false }, note);
    expect(rows).toEqual(["big.weight"]);
    const waiting = inspector.survey(ask, note);
    isMerging = false;
    await waiting;
    expect(rows).toHaveLength(2);
  });
});

describe("the table", () => {
  const index = () => indexOf(base.tensors);
  const names = (query: string, column = "name" as Parameters<typeof found>[2]["column"], isDown = false) =>
    found(index(), query, { column, isDown }, survey).map((row) => base.tensors[row]?.name);

  test("words are looked for in name, kind, type, shape and layer", () => {
    expect(wordsOf("Layer 3  mlp")).toEqual(["layer=3;", "mlp"]);
    expect(names("layer 3 mlp")).toEqual(
      ["down_proj", "gate_proj", "up_proj"].map((part) => `model.layers.3.mlp.${part}.weight`),
    );
    expect(names("norm layer 1")).toHaveLength(2);
    expect(names("256 × 96 layer 0")).toHaveLength(2);
    expect(names("f32")).toEqual([]);
    expect(names("")).toHaveLength(base.tensors.length);
  });

  test("every column sorts, both ways, numbers in names as numbers", () => {
    const many: TensorRow[] = [10, 9, 1].map((layer) => ({ ...(base.tensors[0] as TensorRow), name: `l.${layer}.w` }));
    const rows = found(indexOf(many), "", { column: "name", isDown: false });
    expect(rows.map((row) => many[row]?.name)).toEqual(["l.1.w", "l.9.w", "l.10.w"]);
    for (const column of ["name", "kind", "dtype", "shape", "bytes", "change", "cosine", "flips"] as const) {
      const up = names("", column);
      expect(up).toHaveLength(base.tensors.length);
      expect(names("", column, true)).toEqual(up.toReversed());
    }
    const change = names("", "change").map((name) => metricOf(survey.get(name ?? "")?.moves ?? null, "change") ?? 0);
    expect(change).toEqual(change.toSorted((a, b) => a - b));
    const bytes = names("", "bytes").map((name) => base.tensors.find((one) => one.name === name)?.bytes ?? 0);
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b));
  });
});

describe("the heat map", () => {
  test("a row per module, a column per layer, and what is outside", () => {
    const { layers, modules, outside } = layoutOf(base, "model.layers");
    expect(layers).toBe(8);
    expect(modules).toHaveLength(9);
    for (const { cells } of modules) expect(cells.every((cell) => cell?.tensors.length === 1)).toBe(true);
    expect(outside.map(({ tensors }) => tensors[0]?.name).sort()).toEqual([
      "lm_head.weight",
      "model.embed_tokens.weight",
      "model.norm.weight",
    ]);
  });

  test("experts share a cell, whose value is that of all their weights and which leads to the hottest", () => {
    const [some] = base.tensors as [TensorRow];
    const expert = (number: number): TensorRow => ({
      ...some,
      name: `model.layers.0.mlp.experts.${number}.up_proj.weight`,
      stack: "model.layers",
      layer: 0,
      part: `mlp.experts.${number}.up_proj.weight`,
    });
    const model = { ...base, tensors: [expert(0), expert(1), expert(2)] };
    const { modules } = layoutOf(model, "model.layers");
    expect(modules.map(({ title }) => title)).toEqual(["mlp.experts.*.up_proj"]);
    const cell = modules[0]?.cells[0];
    if (cell == null) throw new Error("no cell");
    const moves = (change: number, looked: number): Moves => ({
      elements: 100,
      looked,
      square: looked,
      sum: 0,
      zeros: 0,
      models: [{ change: change * looked, own: looked, dot: 0, both: looked, flips: 0 }],
      pairs: [],
    });
    const rows = new Map<string, SurveyRow>(
      [0.01, 0.09, 0.02].map((change, i) => {
        const { name } = expert(i);
        return [name, { name, moves: moves(change, i === 1 ? 100 : 50), apart: null }];
      }),
    );
    expect(valueIn(cell, rows, "change")).toBeCloseTo(Math.sqrt(0.04), 12);
    expect(hottest(cell, rows, "change")?.name).toBe(expert(1).name);
    expect(valueIn(cell, new Map(), "change")).toBeNull();
  });

  test("scales leave odd cells out, and run down where small is hot", () => {
    const values = [...Array.from({ length: 99 }, (_, i) => i), 10_000];
    const scale = scaleOf(values, "change");
    expect(scale).toEqual({ cold: 0, hot: 97 });
    expect(heatOf(10_000, scale ?? { cold: 0, hot: 1 })).toBe(1);
    const falling = scaleOf([1, 0.9, 0.5], "cosine");
    expect(falling?.cold).toBe(1);
    expect(heatOf(1, falling ?? { cold: 0, hot: 1 })).toBe(0);
    expect(scaleOf([], "change")).toBeNull();
    expect(heatOf(3, { cold: 3, hot: 3 })).toBe(0);
  });
});

describe("heat strips", () => {
  const tensorsOf = (kind: string, layer: number) =>
    base.tensors.filter((one) => one.kind === kind && one.layer === layer).map(({ name }) => name);

  test("a column's figures are those of its tensors together", () => {
    const columns = [0, 1].map((layer) => ({ id: layer, name: `layer ${layer}`, tensors: tensorsOf("mlp", layer) }));
    const spots = spotsOf(columns, survey);
    const all = columns[1]?.tensors.map((name) => survey.get(name)?.moves as Moves) ?? [];
    const sum = (of: (moves: Moves) => number) => all.reduce((total, moves) => total + of(moves), 0);
    const spot = spots.get(1);
    expect(spot?.tensors).toBe(3);
    expect(spot?.moved[0]).toBeCloseTo(Math.sqrt(sum((m) => m.models[0]?.change ?? 0) / sum((m) => m.square)), 10);
    expect(spot?.conflicts).toBeCloseTo(sum((m) => m.pairs[0]?.conflicts ?? 0) / sum((m) => m.pairs[0]?.both ?? 0), 10);
    const rows = heatRows(spots, 2);
    expect(rows.map(({ kind }) => kind)).toEqual(["moved", "moved", "agrees", "conflicts"]);
    expect(Math.max(...rows.slice(0, 2).flatMap(({ heat }) => [...heat.values()]))).toBe(1);
    const names = ["adder", "sorter"];
    const said = (row: number) =>
      saidOf(rows[row] as (typeof rows)[number], spot as NonNullable<typeof spot>, names, "base");
    expect(said(1)).toMatch(/^sorter moved [\d.]+ % from base\.$/);
    expect(said(2)).toMatch(/^Cosine of the changes: adder and sorter -?[\d.]+\./);
    expect(said(3)).toMatch(/^Of the weights both changed, the signs conflict in: adder and sorter \d+ %\./);
  });

  test("what has not been looked at is not drawn, and one model has nobody to agree with", () => {
    const columns = [{ id: 0, name: "layer 0", tensors: ["absent.weight"] }];
    expect(spotsOf(columns, survey).size).toBe(0);
    expect(heatRows(new Map(), 1).map(({ kind }) => kind)).toEqual(["moved"]);
  });

  test("ends hotter than all layers do not dim them", () => {
    const spot = (moved: number) => ({
      moved: [moved],
      agreement: [],
      conflict: [],
      agrees: null,
      conflicts: null,
      tensors: 1,
    });
    const [row] = heatRows(
      new Map([
        [-1, spot(4)],
        [0, spot(1)],
        [1, spot(2)],
      ]),
      1,
      new Set([-1, 2]),
    );
    expect([...(row?.heat ?? [])]).toEqual([
      [-1, 1],
      [0, 0.5],
      [1, 1],
    ]);
  });

  test("who is compared: fine-tunes with the base, else with the first; nobody while a model is missing", () => {
    const recipe = { merge_method: "ties", base_model: "base", models: [{ model: "adder" }, { model: "sorter" }] };
    expect(partyOf(recipe, opened)).toMatchObject({ reference: { name: "base" }, isBased: true });
    expect(partyOf(recipe, opened)?.models.map(({ name }) => name)).toEqual(["adder", "sorter"]);
    const { base_model: _, ...unbased } = recipe;
    expect(partyOf(unbased, opened)).toMatchObject({ reference: { name: "adder" }, isBased: false });
    expect(partyOf({ ...recipe, models: [{ model: "absent" }] }, opened)).toBeNull();
    expect(partyOf({ ...recipe, models: [] }, opened)).toBeNull();
  });
});
