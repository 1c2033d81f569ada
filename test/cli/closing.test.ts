/**
 * Stopped, cancelled or killed while closing: the last bytes of a weight file, its rename, the small files, the end of the journal.
 * Real processes get real signals; only their moment is arranged (test/faults/moment.mjs).
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BIN, differing, JOURNAL, start } from "../faults/kills.mjs";

const work = mkdtempSync(join(tmpdir(), "weightloom-closing-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const at = (...path: string[]) => join(work, ...path);
const SAMPLES = join(import.meta.dirname, "../../public/samples");
const MOMENT = pathToFileURL(join(import.meta.dirname, "../faults/moment.mjs")).href;
const OPTIONS = ["--shard-size", "600KB"];
const LAST = "model-00003-of-00003.safetensors";
let lastBytes = 0;

beforeAll(async () => {
  writeFileSync(
    at("ties.yml"),
    `merge_method: ties\nbase_model: ${SAMPLES}/base\nparameters: {weight: 0.6, density: 0.4}\nmodels:\n  - model: ${SAMPLES}/adder\n  - model: ${SAMPLES}/sorter\n`,
  );
  const done = await start(work, ["ties.yml", "expected/out", ...OPTIONS]).ended;
  expect([done.code, done.stderr]).toEqual([0, expect.stringContaining("Wrote")]);
  lastBytes = statSync(at("expected/out", LAST)).size;
}, 60_000);

const MOMENTS = {
  "the last bytes": () => `bytes ${lastBytes} of ${LAST}`,
  "the last rename of weights": () => `rename ${LAST}`,
  "the first small file": () => "rename tokenizer.json",
  "the config": () => "rename config.json",
  "the record": () => "rename weightloom.json",
} as const;
const THE_END = `rm ${JOURNAL}`;

/** Merges in a process that gets a signal at a moment. */
function signalled(out: string, moment: string, signal: NodeJS.Signals) {
  const env = {
    PATH: process.env.PATH,
    HOME: work,
    MOMENT: moment,
    SIGNAL: signal,
    NODE_OPTIONS: `--import=${MOMENT}`,
  };
  return start(work, ["ties.yml", out, ...OPTIONS], { env }).ended;
}

const stamps = (out: string) =>
  readdirSync(at(out))
    .filter((name) => name.endsWith(".safetensors"))
    .map((name) => `${name} ${statSync(at(out, name), { bigint: true }).mtimeNs}`);

const SIGTERM = { signal: "SIGTERM", code: 143 } as const;
const SIGHUP = { signal: "SIGHUP", code: 129 } as const;
const SIGKILL = { signal: "SIGKILL", code: null } as const;

const CASES = [
  { moment: "the last bytes", ...SIGTERM },
  { moment: "the last rename of weights", ...SIGHUP },
  { moment: "the first small file", ...SIGTERM },
  { moment: "the config", ...SIGHUP },
  { moment: "the record", ...SIGTERM },
  { moment: "the last rename of weights", ...SIGKILL },
] as const;

test.each(CASES)("at $moment, $signal loses nothing", { timeout: 30_000 }, async ({ moment, signal, code }) => {
  const out = `${moment}-${signal}/out`.replaceAll(" ", "-");
  const stopped = await signalled(out, MOMENTS[moment](), signal);
  expect([stopped.code, stopped.signal]).toEqual([code, code === null ? signal : null]);
  expect(existsSync(at(out, JOURNAL))).toBe(true);
  if (code !== null) expect(stopped.stderr).toMatch(/keeps what is done .*--resume/);
  const before = stamps(out);
  expect(before.length).toBeGreaterThanOrEqual(2);
  const { code: done, stderr, report } = await start(work, ["ties.yml", out, "--resume"]).ended;
  expect([done, stderr]).toEqual([0, expect.stringContaining("Going on")]);
  expect(differing(at(out), at("expected/out"))).toEqual([]);
  // No weights are written or computed again; those whose rename was not said were told of before it.
  expect(stamps(out)).toEqual(expect.arrayContaining(before));
  if (before.length === 3) expect(report.readBytes).toBe(0);
});

test.each(Object.entries(MOMENTS))("at %s, Ctrl-C leaves nothing", { timeout: 30_000 }, async (moment, when) => {
  const out = `${moment}-cancelled/out`.replaceAll(" ", "-");
  const { code, stderr } = await signalled(out, when(), "SIGINT");
  expect([code, stderr]).toEqual([130, expect.stringContaining("Nothing was left behind")]);
  expect(existsSync(at(out))).toBe(false);
});

test.each(["SIGTERM", "SIGHUP", "SIGINT"] as const)(
  "at the end of the journal, %s comes too late: the result is whole, and said to be",
  { timeout: 30_000 },
  async (signal) => {
    const out = `end-${signal}/out`;
    const { code, stderr } = await signalled(out, THE_END, signal);
    expect([code, stderr]).toEqual([0, expect.stringContaining("Wrote")]);
    expect(differing(at(out), at("expected/out"))).toEqual([]);
  },
);

// A small disk of its own, where the system lets anybody mount one in a namespace.
const canMount = spawnSync("unshare", ["-Urm", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;
test.skipIf(!canMount)(
  "a disk that is full but for the small files keeps the weights, and with room it goes on",
  {
    timeout: 30_000,
  },
  async () => {
    // What it takes up before the last rename, in pages; two pages more are too few for eight small files.
    await signalled("measured/out", MOMENTS["the last rename of weights"](), "SIGKILL");
    const PAGE = 4096;
    const pages = readdirSync(at("measured/out")).reduce(
      (sum, name) => sum + Math.ceil(statSync(at("measured/out", name)).size / PAGE),
      2,
    );
    mkdirSync(at("full"));
    const merge = `"${process.execPath}" "${BIN}" merge ties.yml full/out --shard-size 600KB --engine cpu`;
    const script = [
      `mount -t tmpfs -o size=${pages * PAGE} none full`,
      `${merge}; echo "first $?"`,
      "ls -a full/out",
      "mount -o remount,size=40m none full",
      `${merge} --resume --json; echo "second $?"`,
      "cp -r full/out filled",
    ].join("\n");
    const { stdout, stderr } = spawnSync("unshare", ["-Urm", "sh", "-c", script], { cwd: work, encoding: "utf8" });
    expect(stderr).toContain("The disk is full: free some space");
    const [, first = "", second = ""] = /first 1\n([^{]*)(\{.*\})\nsecond 0/.exec(stdout) ?? [];
    expect(first.split("\n")).toEqual(expect.arrayContaining([JOURNAL, LAST]));
    expect(first).not.toContain("weightloom.json");
    expect(stderr).toMatch(/Going on with .* 3 of 3 weight files finished/);
    expect(JSON.parse(second)).toMatchObject({ ok: true, readBytes: 0 });
    expect(differing(at("filled"), at("expected/out"))).toEqual([]);
  },
);
