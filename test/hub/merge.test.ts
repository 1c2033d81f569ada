/** Models of the Hub through the same door as folders: opened by headers, planned, merged; byte for byte what the folders give. */
import { expect, test } from "vitest";
import { memoryFolder } from "../../core/bytes/sink.ts";
import { fromBytes } from "../../core/bytes/source.ts";
import { createLocalEngine } from "../../core/engine/cpu/pool.ts";
import type { Hub } from "../../core/hub/hub.ts";
import { parseHubName } from "../../core/hub/name.ts";
import type { Model } from "../../core/model/model.ts";
import { openModel } from "../../core/model/open.ts";
import { planDocument } from "../../core/prepare.ts";
import { modelsOfDocument } from "../../core/recipe/document.ts";
import { parseDocument } from "../../core/recipe/file.ts";
import { run } from "../../core/run/run.ts";
import { METHODS } from "../../methods/index.ts";
import { kernels } from "../support/engines.ts";
import { hubHere, sha256 } from "../support/hub/here.ts";
import type { Fault, MockHub } from "../support/hub/server.mjs";

const here = hubHere();
const engine = await createLocalEngine(await kernels());

const TIES = `merge_method: ties
base_model: weft/base
models:
  - model: weft/adder
    parameters: { weight: 0.7, density: 0.5 }
  - model: weft/sorter
    parameters: { weight: 0.4, density: 0.5 }
dtype: bfloat16
`;
const LINEAR = `merge_method: linear
models:
  - model: size/one
    parameters: { weight: 0.5 }
  - model: size/two
    parameters: { weight: 0.5 }
dtype: bfloat16
`;

async function fromHub(hub: Hub, refs: readonly string[]): Promise<Map<string, Model>> {
  const models = new Map<string, Model>();
  for (const ref of refs) models.set(ref, await openModel(ref, (await hub.open(parseHubName(ref)!)).files));
  return models;
}

/** The same files, read without a network. */
async function fromMock(mock: MockHub, refs: readonly string[]): Promise<Map<string, Model>> {
  const models = new Map<string, Model>();
  for (const ref of refs) {
    const repo = mock.repos.get(ref);
    const files = [...(repo?.commits.get(repo.branches.get("main") ?? "") ?? [])];
    const sources = files.map(([path, { size, read }]) => [path, fromBytes(path, read(0, size))] as const);
    models.set(ref, await openModel(ref, new Map(sources)));
  }
  return models;
}

async function merged(
  text: string,
  open: (refs: readonly string[]) => Promise<Map<string, Model>>,
  signal?: AbortSignal,
) {
  const { document } = parseDocument(text, METHODS);
  if (document === null) throw new Error("The recipe is wrong.");
  const models = await open(modelsOfDocument(document));
  const plan = await planDocument(document, models, {
    methods: METHODS,
    shardBytes: 4e6,
    memory: 16e6,
    maxTileBytes: 1e6,
    lanes: 1,
    seed: 42,
    text,
    title: "merged",
  });
  here.mock.clear();
  const folder = memoryFolder("out");
  await run(plan, { engine, folder, memory: 16e6, ...(signal === undefined ? {} : { signal }) });
  const sums = [...folder.files].map(([name, bytes]) => `${name} ${sha256(bytes)}`).sort();
  return { sums, plan };
}

test("opening reads headers and small files only, and says what the folder says", async () => {
  const [model] = (await fromHub(here.client(), ["size/one"])).values();
  const [same] = (await fromMock(here.mock, ["size/one"])).values();
  expect(here.mock.sent()).toBeLessThan(0.1 * (model?.bytes ?? 0));
  const plain = ({ checkpoint, extras, ...rest }: Model) => ({
    ...rest,
    family: rest.family.id,
    tensors: [...checkpoint.tensors.values()].map(({ name, dtype, shape, range }) => ({ name, dtype, shape, range })),
    extras: [...extras.keys()].sort(),
  });
  expect(plain(model!)).toEqual(plain(same!));
});

test("a merge from the Hub is the merge from disk, byte for byte, in few requests", async () => {
  for (const text of [TIES, LINEAR]) {
    const want = await merged(text, (refs) => fromMock(here.mock, refs));
    const got = await merged(text, (refs) => fromHub(here.client(), refs));
    expect(got.sums).toEqual(want.sums);
    const weights = here.mock.log.filter(({ host }) => host === "storage");
    // One request per shard, however many tensors it holds.
    expect(weights.length).toBeLessThanOrEqual(text === TIES ? 9 : 8);
    expect(here.mock.sent()).toBeLessThan(1.02 * got.plan.readBytes + 100_000);
  }
});

test("little room to read ahead: more requests, the same bytes", async () => {
  const want = await merged(LINEAR, (refs) => fromMock(here.mock, refs));
  const got = await merged(LINEAR, (refs) => fromHub(here.client({ aheadBytes: 3e6 }), refs));
  expect(got.sums).toEqual(want.sums);
  expect(here.mock.sent()).toBeLessThan(1.02 * got.plan.readBytes + 100_000);
});

const FAULTS: Readonly<Record<string, readonly Fault[]>> = {
  busy: [{ kind: "busy", every: 3, after: 0.02 }],
  broken: [{ kind: "broken", every: 3 }],
  reset: [{ kind: "reset", bytes: 300_000, times: 12 }],
  short: [{ kind: "short", bytes: 300_000, times: 12 }],
  part: [{ kind: "part", bytes: 150_000 }],
  shifted: [{ kind: "shifted", every: 2 }],
  whole: [{ kind: "whole", every: 2 }],
  expired: [{ kind: "expired", every: 3 }],
  offline: [{ kind: "offline", every: 4 }],
  silent: [{ kind: "silent", where: "cdn", times: 1 }],
  slow: [{ kind: "slow", rate: 8_000_000 }],
  hidden: [{ kind: "hidden" }],
  "all at once": [
    { kind: "reset", bytes: 200_000, every: 3 },
    { kind: "busy", every: 5, after: 0.01 },
    { kind: "expired", every: 4 },
    { kind: "broken", every: 7 },
  ],
};

test.each(Object.entries(FAULTS))("a merge through faults is the same: %s", async (_, faults) => {
  const want = await merged(LINEAR, (refs) => fromMock(here.mock, refs));
  here.mock.set(...faults);
  const got = await merged(LINEAR, (refs) => fromHub(here.client({ token: () => "hf_bob" }), refs));
  expect(got.sums).toEqual(want.sums);
});

test("a file that changes under a merge stops it with a sentence", async () => {
  const hub = here.client({ aheadBytes: 3e6 });
  const models = await fromHub(hub, ["size/one", "size/two"]);
  here.mock.set({ kind: "etag", where: "cdn" });
  await expect(merged(LINEAR, async () => models)).rejects.toThrow(/is not the file it was.*open the model again/);
});

test("a cancelled merge stops downloading", async () => {
  const hub = here.client();
  const models = await fromHub(hub, ["size/one", "size/two"]);
  here.mock.set({ kind: "slow", where: "cdn", rate: 200_000 });
  const controller = new AbortController();
  setTimeout(() => controller.abort(new DOMException("Cancelled.", "AbortError")), 200);
  await expect(merged(LINEAR, async () => models, controller.signal)).rejects.toThrow("Cancelled.");
  await new Promise((next) => setTimeout(next, 80));
  const sent = here.mock.sent();
  await new Promise((next) => setTimeout(next, 200));
  expect(here.mock.sent()).toBe(sent);
});
