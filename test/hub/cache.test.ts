/** What was downloaded is kept, up to a size; what is damaged or gone is downloaded again. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { diskRanges } from "../../cli/ranges.ts";
import { createCache, type Hub, type RangeCache } from "../../core/hub/hub.ts";
import { hubHere, sha256, small } from "../support/hub/here.ts";
import { memoryFile } from "../support/hub/repos.mjs";

const here = hubHere();
const work = mkdtempSync(join(tmpdir(), "weightloom-ranges-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const SHARD = "model-00002-of-00003.safetensors";
const WEIGHTS = /safetensors$/;

function truth() {
  const repo = here.mock.repos.get("size/one");
  const file = repo?.commits.get(repo.branches.get("main") ?? "")?.get(SHARD);
  if (file === undefined) throw new Error("The shard is not there.");
  return file;
}

async function readAll(hub: Hub): Promise<void> {
  const { files } = await hub.open({ repo: "size/one" });
  const source = files.get(SHARD)!;
  const { size, read } = truth();
  expect(sha256(await source.read({ start: 0, end: size }))).toBe(sha256(read(0, size)));
  expect(sha256(await source.read({ start: 300_001, end: 900_007 }))).toBe(sha256(read(300_001, 900_007)));
}

const weightBytes = () =>
  here.mock.log.filter(({ path }) => WEIGHTS.test(path)).reduce((sum, { bytes }) => sum + bytes, 0);

const cacheAt = (place: string, limit: number): RangeCache => createCache(diskRanges(join(work, place)), limit);

const stored = (place: string) =>
  readdirSync(join(work, place, "ranges")).flatMap((folder) =>
    readdirSync(join(work, place, "ranges", folder)).map((name) => join(work, place, "ranges", folder, name)),
  );

test("the second time nothing of the weights is downloaded, in another process too", async () => {
  await readAll(here.client({ cache: cacheAt("twice", 100e6) }));
  expect(weightBytes()).toBeGreaterThan(truth().size);
  here.mock.clear();
  const again = cacheAt("twice", 100e6);
  await readAll(here.client({ cache: again }));
  expect(weightBytes()).toBe(0);
  // A new commit that changes only the card costs nothing either.
  here.mock.replace("size/one", new Map(small("one")).set("README.md", memoryFile("README.md", "# New\n")));
  here.mock.clear();
  await readAll(here.client({ cache: again }));
  expect(weightBytes()).toBe(0);
  // Another Hub that calls something by the same hash is not believed.
  const { startHub } = await import("../support/hub/server.mjs");
  const other = await startHub({ repos: here.mock.repos });
  await readAll(here.client({ endpoint: other.endpoint, cache: again }));
  expect(other.log.some(({ path }) => WEIGHTS.test(path))).toBe(true);
  await other.close();
  await again.clear();
  expect(await again.size()).toBe(0);
  expect(stored("twice")).toEqual([]);
});

test("what is damaged is noticed and downloaded again", async () => {
  await readAll(here.client({ cache: cacheAt("damaged", 100e6) }));
  const paths = stored("damaged");
  for (const [i, path] of paths.entries()) {
    const bytes = readFileSync(path);
    bytes[i % bytes.length] = 255 - bytes[i % bytes.length]!;
    writeFileSync(path, i % 2 === 0 ? bytes : bytes.subarray(0, bytes.length - 5));
  }
  here.mock.clear();
  await readAll(here.client({ cache: cacheAt("damaged", 100e6) }));
  expect(weightBytes()).toBeGreaterThan(truth().size / 2);
  here.mock.clear();
  await readAll(here.client({ cache: cacheAt("damaged", 100e6) }));
  expect(weightBytes()).toBe(0);
});

test("no more than the limit is kept, and what was used last stays", async () => {
  const cache = cacheAt("limited", 7e6);
  const hub = here.client({ cache });
  await readAll(hub);
  for (const repo of ["size/two", "weft/base", "weft/adder", "weft/sorter"]) {
    const { files } = await hub.open({ repo });
    for (const [path, source] of files) if (WEIGHTS.test(path)) await source.read({ start: 0, end: source.size });
    const sizes = stored("limited").map((path) => readFileSync(path).length);
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(7e6);
  }
  here.mock.clear();
  const { files } = await here.client({ cache: cacheAt("limited", 7e6) }).open({ repo: "weft/sorter" });
  const last = files.get("model.safetensors")!;
  await last.read({ start: 0, end: last.size });
  expect(weightBytes()).toBe(0);
});

test("a store that fails, or is too small for the file, costs nothing but itself", async () => {
  const fails = () => Promise.reject(new Error("the disk is full"));
  const full = createCache({ list: async () => [], read: fails, write: fails, touch: fails, remove: fails }, 100e6);
  await readAll(here.client({ cache: full }));
  const none = createCache({ list: fails, read: fails, write: fails, touch: fails, remove: fails }, 100e6);
  await readAll(here.client({ cache: none }));
  const tiny = cacheAt("tiny", 1e6);
  await readAll(here.client({ cache: tiny }));
  // Its beginning is kept, so opening it again is quick.
  expect(await tiny.size()).toBeGreaterThan(60_000);
  expect(await tiny.size()).toBeLessThan(1e6);
});

test("through faults the cache holds what is right", async () => {
  const cache = cacheAt("faults", 100e6);
  here.mock.set({ kind: "reset", where: "cdn", bytes: 200_000, every: 2 }, { kind: "expired", where: "cdn", every: 5 });
  await readAll(here.client({ cache }));
  here.mock.set();
  here.mock.clear();
  await readAll(here.client({ cache }));
  expect(weightBytes()).toBe(0);
});
