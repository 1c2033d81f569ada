/** The built command line and the Hub: stopped while it downloads, stopped while it publishes, and a folder that may only be read. */
import type { ChildProcess } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { claimedIn, differing, JOURNAL } from "../faults/kills.mjs";
import { commandLine } from "../support/hub/command.ts";
import { hubHere, sample, sha256 } from "../support/hub/here.ts";

const here = hubHere();
const work = mkdtempSync(join(tmpdir(), "weightloom-hubfaults-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const weightloom = commandLine(here, work);
const at = (...path: string[]) => join(work, ...path);
/** Waits until something is so, or the process ends. The Hub lives in this process, so there is time between two looks. */
async function when(child: ChildProcess, isSo: () => boolean): Promise<void> {
  while (child.exitCode === null && child.signalCode === null && !isSo())
    await new Promise((resolve) => setTimeout(resolve, 10));
}

const ANN = { HF_TOKEN: "hf_ann" };

test("a merge that is stopped while it downloads goes on, and downloads nothing finished again", {
  timeout: 60_000,
}, async () => {
  writeFileSync(
    at("far.yml"),
    "merge_method: linear\nmodels:\n  - model: size/one\n    parameters: { weight: 0.3 }\n  - model: size/two\n    parameters: { weight: 0.7 }\ndtype: bfloat16\n",
  );
  const far = (out: string, ...more: string[]) => [
    "merge",
    "far.yml",
    out,
    "--engine",
    "cpu",
    "--shard-size",
    "1MB",
    "--no-cache",
    "--json",
    ...more,
  ];
  const whole = await weightloom(far("whole/out"));
  expect(whole.status).toBe(0);
  const all = here.mock.sent();

  // Every file stops coming behind its first megabyte and a half: the first shard is finished then, and no other will be.
  here.mock.clear();
  here.mock.set({ kind: "silent", where: "cdn", bytes: 1_500_000 });
  const stopped = await weightloom(far("stopped/out"), {}, async (child) => {
    await when(child, () => (claimedIn(at("stopped/out"))?.files ?? 0) > 0);
    child.kill("SIGTERM");
  });
  expect([stopped.status, stopped.stderr]).toEqual([143, expect.stringContaining("--resume")]);
  expect(existsSync(at("stopped/out", JOURNAL))).toBe(true);

  here.mock.set();
  here.mock.clear();
  const resumed = await weightloom(far("stopped/out", "--resume"));
  expect([resumed.status, resumed.stderr]).toEqual([0, expect.stringContaining("Going on with")]);
  expect(differing(at("stopped/out"), at("whole/out"))).toEqual([]);
  const { keptBytes } = JSON.parse(resumed.stdout) as { keptBytes: number };
  expect(keptBytes).toBeGreaterThan(0);
  // Of two models.
  expect(here.mock.sent()).toBeLessThan(all - 2 * keptBytes + 200_000);
});

/** A folder with weights that the Hub has never seen, in many files. */
async function fresh(name: string, weight: number): Promise<string> {
  writeFileSync(
    at(`${name}.yml`),
    `merge_method: linear\nmodels:\n  - model: ${sample("adder")}\n    parameters: { weight: ${weight} }\n  - model: ${sample("sorter")}\n    parameters: { weight: ${1 - weight} }\n`,
  );
  const { status } = await weightloom(["merge", `${name}.yml`, name, "--engine", "cpu", "--shard-size", "250KB"]);
  expect(status).toBe(0);
  return name;
}

/** Names, times and contents. */
const shown = (folder: string) =>
  readdirSync(at(folder))
    .sort()
    .map((name) => {
      const { mtimeNs, ctimeNs, mode } = statSync(at(folder, name), { bigint: true });
      return `${name} ${mtimeNs} ${ctimeNs} ${mode} ${sha256(readFileSync(at(folder, name)))}`;
    });

const repo = (name: string) => here.mock.repos.get(name);
const filesOf = (name: string) => repo(name)?.commits.get(repo(name)?.branches.get("main") ?? "") ?? new Map();

function expectWhole(name: string, folder: string): void {
  const got = filesOf(name);
  for (const file of readdirSync(at(folder)).filter((one) => !one.startsWith("."))) {
    const { size, read } = got.get(file) ?? { size: 0, read: () => Buffer.alloc(0) };
    expect(sha256(read(0, size)), file).toBe(sha256(readFileSync(at(folder, file))));
  }
}

/** Hashes of whole files that the storage has, and what was asked of it. */
const puts = () => here.mock.log.filter(({ method, path }) => method === "PUT" && path.startsWith("/_upload/"));
const oidOf = (path: string) => path.split("/")[2] ?? "";
const arrived = () => puts().filter(({ path, status }) => status === 200 && path.split("/").length === 3);

beforeEach(() => {
  here.mock.repos.delete("ann/parts");
});

test.each([
  {
    signal: "SIGINT",
    code: 130,
    weight: 0.3,
    says: /^Cancelled\. Nothing was published to ann\/parts\. Publish .* again/m,
  },
  { signal: "SIGTERM", code: 143, weight: 0.4, says: /^Stopped from outside\. Nothing was published to ann\/parts\./m },
  { signal: "SIGKILL", code: null, weight: 0.6, says: /^$/ },
] as const)(
  "publishing that is ended by $signal in the middle goes on: what arrived is not sent again",
  { timeout: 60_000 },
  async ({ signal, code, weight, says }) => {
    const folder = await fresh(`parts-${signal}`, weight);
    const before = shown(folder);
    const publish = ["publish", folder, "ann/parts"];
    here.mock.clear();
    here.mock.set({ kind: "silent", where: "upload", every: 4 });
    const ended = await weightloom(publish, ANN, async (child) => {
      await when(
        child,
        () => arrived().length >= 3 && puts().some(({ taken, status }) => taken !== undefined && status === 0),
      );
      child.kill(signal);
    });
    expect([ended.status, ended.signal]).toEqual([code, code === null ? signal : null]);
    expect(ended.stderr).toMatch(says);
    expect([...filesOf("ann/parts").keys()]).toEqual([".gitattributes"]);
    expect(repo("ann/parts")?.commits.size).toBe(1);

    const there = new Set(arrived().map(({ path }) => oidOf(path)));
    here.mock.set();
    here.mock.clear();
    const again = await weightloom(publish, ANN);
    expect([again.status, again.stderr]).toEqual([0, expect.stringContaining("/ann/parts published:")]);
    expect(puts().length).toBeGreaterThan(0);
    expect(puts().filter(({ path }) => there.has(oidOf(path)))).toEqual([]);
    expectWhole("ann/parts", folder);
    expect(repo("ann/parts")?.commits.size).toBe(2);
    expect(shown(folder)).toEqual(before);
  },
);

test("a folder that may only be read is published, and nothing is written in it", { timeout: 60_000 }, async () => {
  const folder = await fresh("parts-locked", 0.7);
  for (const name of readdirSync(at(folder))) chmodSync(at(folder, name), 0o444);
  chmodSync(at(folder), 0o555);
  chmodSync(work, 0o755);
  const before = shown(folder);
  // Root may write everywhere, so nobody publishes it then; and has no other place to write to either.
  const who = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const home = { HOME: at(folder), TMPDIR: at(folder) };
  const done = await weightloom(["publish", folder, "ann/parts"], { ...ANN, ...home }, undefined, who);
  expect([done.status, done.stderr]).toEqual([0, expect.stringContaining("/ann/parts published, private")]);
  expectWhole("ann/parts", folder);
  expect(shown(folder)).toEqual(before);
  chmodSync(at(folder), 0o755);
});
