/** Merges on the command line that are killed, stopped, starved of disk or robbed of their files, and how they go on. */
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BIN, claimedIn, differing, JOURNAL, prepare, start, until, when } from "../faults/kills.mjs";

const work = mkdtempSync(join(tmpdir(), "weightloom-faults-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const SHAPE = { hidden: 384, layers: 8, inner: 1024, vocab: 2048, kv: 128 };
const SHARDS = ["--shard-size", "3MB"];
/** On a disk that takes its time, for what happens in the middle of a merge: by itself one this small is over in a moment. */
const SLOWLY = {
  env: { ...process.env, NODE_OPTIONS: `--import ${new URL("../faults/slow.mjs", import.meta.url).href}` },
};
let size = 0;

const at = (...path: string[]) => join(work, ...path);
const weightloom = (...args: string[]) => spawnSync(process.execPath, [BIN, ...args], { cwd: work, encoding: "utf8" });

beforeAll(async () => {
  for (const recipe of ["ties", "whole"]) {
    prepare(work, SHAPE, recipe);
    const done = await start(work, [`${recipe}.yml`, `expected/${recipe}/out`, ...SHARDS]).ended;
    expect(done.stderr).toContain("Wrote");
    size = readdirSync(at("expected", recipe, "out"))
      .filter((name) => name.endsWith(".safetensors"))
      .reduce((sum, name) => sum + statSync(at("expected", recipe, "out", name)).size, 0);
  }
  // To whole seconds, so that a test can put the time back.
  utimesSync(at("b/model.safetensors"), 1e9, 1e9);
  const one = await start(work, ["ties.yml", "expected/one/out"]).ended;
  expect(one.code).toBe(0);
}, 120_000);

/** Merges, and ends the process in some way when so much is written. */
async function endAt(out: string, share: number, args: readonly string[], how: NodeJS.Signals) {
  const { child, ended } = start(work, args, SLOWLY);
  await until(child, at(out), share * size);
  child.kill(how);
  return ended;
}

const unfinished = (out: string) => existsSync(at(out, JOURNAL));

describe("kill -9", () => {
  test.each([
    { recipe: "ties", shares: [0.02] },
    { recipe: "ties", shares: [0.3, 0.6, 0.9] },
    { recipe: "whole", shares: [0.001, 0.5] },
  ])(
    "$recipe killed at $shares of the bytes ends as if it never was",
    { timeout: 60_000 },
    async ({ recipe, shares }) => {
      const out = `killed/${recipe}-${shares.length}/out`;
      const args = [`${recipe}.yml`, out, ...SHARDS];
      for (const [n, share] of shares.entries()) {
        const done = await endAt(out, share, n === 0 ? args : [...args, "--resume"], "SIGKILL");
        expect(done.signal).toBe("SIGKILL");
        // Unfinished, it is no model, whatever lies there.
        expect(unfinished(out)).toBe(true);
        expect(existsSync(at(out, "config.json"))).toBe(false);
      }
      const before = readdirSync(at(out)).filter((name) => name.endsWith(".safetensors"));
      const stamps = before.map((name) => statSync(at(out, name), { bigint: true }).mtimeNs);
      const { report, stderr, code } = await start(work, [...args, "--resume"]).ended;
      expect([code, stderr]).toEqual([0, expect.stringContaining("Wrote")]);
      expect(differing(at(out), at("expected", recipe, "out"))).toEqual([]);
      // What was finished was not touched.
      expect(before.map((name) => statSync(at(out, name), { bigint: true }).mtimeNs)).toEqual(stamps);
      const closed = before.reduce((sum, name) => sum + statSync(at(out, name)).size, 0);
      expect(report.keptBytes).toBeGreaterThanOrEqual(closed);
    },
  );

  test("in the middle of the only file goes on inside it, and reads nothing finished again", {
    timeout: 60_000,
  }, async () => {
    const args = ["ties.yml", "one/out"];
    const { child, ended } = start(work, args, SLOWLY);
    await until(child, at("one/out"), 0.3 * size);
    // The disk is asked for what is finished after a quarter of a second, which a fast machine would not take.
    child.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 400));
    child.kill("SIGCONT");
    await when(child, () => (claimedIn(at("one/out"))?.tensors ?? 0) > 0);
    child.kill("SIGKILL");
    expect((await ended).signal).toBe("SIGKILL");
    const left = statSync(at("one/out/model.safetensors.partial")).size;
    const { report } = await start(work, [...args, "--resume"]).ended;
    expect(differing(at("one/out"), at("expected/one/out"))).toEqual([]);
    expect(report.keptBytes).toBeGreaterThan(0);
    expect(report.keptBytes).toBeLessThanOrEqual(left);
    // Base, a and b, once each: they fit the memory between sweeps.
    expect(report.readBytes).toBeLessThan(3 * (size - report.keptBytes) + 1e6);
  });
});

describe("told to stop", () => {
  test.each([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("by %s it keeps what is finished and says how to go on", { timeout: 30_000 }, async (signal, code) => {
    const out = `stopped-${signal}/out`;
    const done = await endAt(out, 0.4, ["ties.yml", out, ...SHARDS], signal);
    expect(done.code).toBe(code);
    expect(done.stderr).toMatch(/keeps what is done \(\d+ tensors, \d+ of \d+ weight files finished\).*--resume/);
    expect(unfinished(out)).toBe(true);
    expect((await start(work, ["ties.yml", out, "--resume"]).ended).code).toBe(0);
    expect(differing(at(out), at("expected/ties/out"))).toEqual([]);
  });

  test("by Ctrl-C, a resumed one leaves nothing either", { timeout: 30_000 }, async () => {
    const args = ["ties.yml", "cancelled/out", ...SHARDS];
    await endAt("cancelled/out", 0.4, args, "SIGKILL");
    const done = await endAt("cancelled/out", 0.7, [...args, "--resume"], "SIGINT");
    expect([done.code, done.stderr]).toEqual([130, expect.stringContaining("Nothing was left behind")]);
    expect(existsSync(at("cancelled/out"))).toBe(false);
  });
});

describe("resuming", () => {
  const args = ["ties.yml", "again/out", ...SHARDS];
  const resumed = (...more: string[]) => weightloom("merge", ...args, "--engine", "cpu", "--resume", ...more);
  beforeAll(async () => {
    await endAt("again/out", 0.5, args, "SIGKILL");
  });

  test("is offered, not done unasked", () => {
    const refused = weightloom("merge", ...args, "--engine", "cpu");
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/holds an unfinished merge \(\d+ tensors, .*Add --resume .* or --overwrite/);
    expect(refused.stderr).not.toContain("weightloom merge RECIPE.yml");
  });

  test("is the only use of what is there", () => {
    for (const command of [
      ["inspect", "again/out"],
      ["verify", "again/out"],
      ["diff", "again/out", "a"],
      ["publish", "again/out", "ann/mix"],
    ])
      expect(weightloom(...command).stderr).toContain("holds a merge that is not finished");
    writeFileSync(
      at("uses.yml"),
      "merge_method: linear\nparameters: {weight: 1}\nmodels:\n  - model: again/out\n  - model: a\n",
    );
    expect(weightloom("merge", "uses.yml", "uses", "--engine", "cpu").stderr).toContain("not finished");
  });

  test.each([
    [["--seed", "7"], "The seed was 42 and is 7."],
    [["--shard-size", "1GB"], "The largest weight file was 3.00 MB and is 1.00 GB."],
  ])("with %o is refused with what differs", (more, sentence) => {
    const refused = resumed(...more);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining(sentence)]);
  });

  test("with another recipe is refused with the line", () => {
    const text = readFileSync(at("ties.yml"), "utf8");
    writeFileSync(at("ties.yml"), text.replace("0.4", "0.5"));
    expect(resumed().stderr).toContain(
      'line 3 was "parameters: {weight: 0.6, density: 0.4}" and is "parameters: {weight: 0.6, density: 0.5}"',
    );
    writeFileSync(at("ties.yml"), text);
  });

  test("with another config beside a model is refused", () => {
    const text = readFileSync(at("base/config.json"), "utf8");
    writeFileSync(at("base/config.json"), text.replace('"vocab_size":2048', '"vocab_size":2048,"rope_theta":1'));
    expect(resumed().stderr).toContain("a config or another small file of a model changed");
    writeFileSync(at("base/config.json"), text);
  });

  test("with a model that changed is refused by the file's name", () => {
    const path = at("b/model.safetensors");
    utimesSync(path, 1e9, 1e9 + 1);
    const refused = resumed();
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringContaining("b: model.safetensors was changed since"),
    ]);
    utimesSync(path, 1e9, 1e9);
  });

  test("with --overwrite too is refused", () => {
    expect(resumed("--overwrite").stderr).toContain("Say one of them");
  });

  test("where nothing is to be resumed begins", { timeout: 30_000 }, () => {
    expect(weightloom("merge", "ties.yml", "fresh/out", ...SHARDS, "--engine", "cpu", "--resume").status).toBe(0);
    expect(differing(at("fresh/out"), at("expected/ties/out"))).toEqual([]);
    expect(weightloom("merge", "ties.yml", "fresh/out", "--resume").stderr).toContain("already holds a model");
  });

  test("with a torn journal, a journal cut to nothing, and after it all", { timeout: 60_000 }, async () => {
    cpSync(at("again"), at("torn"), { recursive: true, preserveTimestamps: true });
    const journal = at("torn/out", JOURNAL);
    appendFileSync(journal, '1234abcd {"tensors":999,"se');
    const torn = await start(work, ["ties.yml", "torn/out", "--resume"]).ended;
    expect([torn.code, torn.stderr]).toEqual([0, expect.stringContaining("Going on")]);
    expect(differing(at("torn/out"), at("expected/ties/out"))).toEqual([]);

    cpSync(at("again"), at("empty"), { recursive: true, preserveTimestamps: true });
    truncateSync(at("empty/out", JOURNAL), 30);
    expect(weightloom("merge", "ties.yml", "empty/out", "--resume").stderr).toContain("journal cannot be read");

    cpSync(at("again"), at("cut"), { recursive: true, preserveTimestamps: true });
    truncateSync(at("cut/out", JOURNAL), statSync(journal.replace("torn", "again")).size - 20);
    expect((await start(work, ["ties.yml", "cut/out", "--resume"]).ended).code).toBe(0);
    expect(differing(at("cut/out"), at("expected/ties/out"))).toEqual([]);
  });

  test("with --overwrite it begins anew, and nothing of the old one stays", { timeout: 30_000 }, async () => {
    cpSync(at("again"), at("anew"), { recursive: true, preserveTimestamps: true });
    const done = await start(work, ["ties.yml", "anew/out", "--overwrite"]).ended;
    expect(done.report.keptBytes).toBe(0);
    expect(differing(at("anew/out"), at("expected/one/out"))).toEqual([]);
  });

  test("by two at once is refused", { timeout: 30_000 }, async () => {
    const first = start(work, [...args, "--resume"], SLOWLY);
    await until(first.child, at("again/out"), 0.6 * size);
    first.child.kill("SIGSTOP");
    expect(resumed().stderr).toContain(`is being written by process ${first.child.pid}`);
    first.child.kill("SIGCONT");
    expect((await first.ended).code).toBe(0);
    expect(differing(at("again/out"), at("expected/ties/out"))).toEqual([]);
  });
});

describe("what goes wrong on the way", () => {
  test("a model that changes while it is read stops the merge by its name", { timeout: 30_000 }, async () => {
    cpSync(at("b"), at("c"), { recursive: true });
    writeFileSync(at("changing.yml"), readFileSync(at("ties.yml"), "utf8").replace("model: b\n", "model: c\n"));
    const { child, ended } = start(work, ["changing.yml", "changing/out", ...SHARDS], {
      env: { ...SLOWLY.env, HELD_AFTER: "120" },
    });
    const path = at("c/model.safetensors");
    const file = openSync(path, "r+");
    await when(child, () => (claimedIn(at("changing/out"))?.tensors ?? 0) > 0);
    writeSync(file, new Uint8Array(1000), 0, 1000, statSync(path).size - 1000);
    closeSync(file);
    writeFileSync(at("go"), "");
    const done = await ended;
    expect([done.code, done.stderr]).toEqual([
      1,
      expect.stringContaining("model.safetensors changed while it was being read"),
    ]);
    expect(existsSync(at("changing/out/config.json"))).toBe(false);
    expect(weightloom("merge", "changing.yml", "changing/out", "--engine", "cpu", "--resume").stderr).toContain(
      "c: model.safetensors was changed since",
    );
  });

  test("an output folder that goes away stops it with a sentence", { timeout: 30_000 }, async () => {
    const { child, ended } = start(work, ["ties.yml", "gone/out", ...SHARDS], SLOWLY);
    await until(child, at("gone/out"), 0.4 * size);
    renameSync(at("gone/out"), at("gone/elsewhere"));
    const done = await ended;
    expect([done.code, done.stderr]).toEqual([1, expect.stringContaining("The folder is not there any more")]);
    // Found again, it goes on.
    renameSync(at("gone/elsewhere"), at("gone/out"));
    expect((await start(work, ["ties.yml", "gone/out", "--resume"]).ended).code).toBe(0);
    expect(differing(at("gone/out"), at("expected/ties/out"))).toEqual([]);
  });

  // Root may write everywhere, so the merge runs as nobody then.
  const isRoot = process.getuid?.() === 0;
  const nobody = isRoot ? { uid: 65534, gid: 65534 } : {};
  test("an output folder that may not be written any more stops it with a sentence", { timeout: 30_000 }, async () => {
    mkdirSync(at("locked/out"), { recursive: true });
    chmodSync(work, 0o755);
    if (isRoot) chownSync(at("locked/out"), 65534, 65534);
    const { child, ended } = start(work, ["ties.yml", "locked/out", ...SHARDS], { ...SLOWLY, ...nobody });
    await until(child, at("locked/out"), 0.4 * size);
    chmodSync(at("locked/out"), 0o555);
    const done = await ended;
    expect([done.code, done.stderr]).toEqual([1, expect.stringContaining("may not be written any more")]);
    chmodSync(at("locked/out"), 0o755);
    expect((await start(work, ["ties.yml", "locked/out", "--resume"]).ended).code).toBe(0);
    expect(differing(at("locked/out"), at("expected/ties/out"))).toEqual([]);
  });

  // A small disk of its own, where the system lets anybody mount one in a namespace.
  const canMount = spawnSync("unshare", ["-Urm", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;
  test.skipIf(!canMount)("a full disk stops it with a sentence; with room, it goes on", { timeout: 60_000 }, () => {
    mkdirSync(at("full"));
    const merge = `"${process.execPath}" "${BIN}" merge ties.yml full/out --shard-size 3MB --engine cpu`;
    const megabytes = Math.round(size / 2e6);
    const script = [
      `mount -t tmpfs -o size=${megabytes}m none full`,
      `${merge}; echo "first $?"`,
      "ls -a full/out",
      "mount -o remount,size=400m none full",
      `${merge} --resume; echo "second $?"`,
      "cp -r full/out filled",
    ].join("\n");
    const { stdout, stderr } = spawnSync("unshare", ["-Urm", "sh", "-c", script], { cwd: work, encoding: "utf8" });
    expect(stderr).toContain("The disk is full: free some space");
    expect(stdout).toContain("first 1");
    expect(stdout).toContain(JOURNAL);
    expect(stdout).not.toContain("config.json");
    expect(stdout).toContain("second 0");
    expect(stderr).toMatch(/Going on with .* weight files finished/);
    expect(differing(at("filled"), at("expected/ties/out"))).toEqual([]);
  });
});

test("an overwritten model is no model until the new one is whole", { timeout: 30_000 }, async () => {
  cpSync(at("expected/ties"), at("over"), { recursive: true });
  const { child } = start(work, ["whole.yml", "over/out", ...SHARDS, "--overwrite"], SLOWLY);
  await when(child, () => (claimedIn(at("over/out"))?.files ?? 0) > 1);
  child.kill("SIGKILL");
  expect(unfinished("over/out")).toBe(true);
  expect(readdirSync(at("over/out")).filter((name) => /config\.json|index\.json/.test(name))).toEqual([]);
  expect((await start(work, ["whole.yml", "over/out", "--resume"]).ended).code).toBe(0);
  expect(differing(at("over/out"), at("expected/whole/out"))).toEqual([]);
});

test("a chain's intermediate results are not made again", { timeout: 60_000 }, async () => {
  writeFileSync(
    at("chain.yml"),
    `${readFileSync(at("ties.yml"), "utf8")}name: first\n---\nmerge_method: slerp\nbase_model: first\nparameters: {t: 0.5}\nmodels:\n  - model: first\n  - model: a\n`,
  );
  const args = ["chain.yml", "chain/out", "--intermediates", "parts", ...SHARDS];
  const { child } = start(work, args, SLOWLY);
  await until(child, at("chain/out"), 0.3 * size);
  child.kill("SIGKILL");
  const made = statSync(at("parts/first/config.json"), { bigint: true }).mtimeNs;
  const done = await start(work, [...args, "--resume"]).ended;
  expect([done.code, done.stderr]).toEqual([0, expect.stringContaining("Going on")]);
  expect(statSync(at("parts/first/config.json"), { bigint: true }).mtimeNs).toBe(made);
  rmSync(at("parts"), { recursive: true });
  expect((await start(work, ["chain.yml", "chain-again/out", ...SHARDS]).ended).code).toBe(0);
  expect(differing(at("chain/out"), at("chain-again/out"))).toEqual([]);
});
