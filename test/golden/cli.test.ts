/**
 * Every golden recipe through the program itself, on both engines: arguments, files on disk, worker threads, shards,
 * a process of its own. The built program is run, as `npm test` has just built it.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeAll, filesAt } from "../../cli/files.ts";
import { openCheckpoint } from "../../core/formats/shards.ts";
import { closeModels, expectedOf, faults, GOLDEN, type Golden, goldens, planOf } from "../support/golden.ts";

const program = join(import.meta.dirname, "../../dist/cli/weightloom.js");
const cases = goldens("cases", "recipe.yml");
const merges = cases.filter(({ rule }) => rule.compare !== "refused");
const refused = cases.filter(({ rule }) => rule.compare === "refused");
const work = mkdtempSync(join(tmpdir(), "weightloom-golden-"));

beforeAll(() => {
  if (!existsSync(program)) throw new Error("dist/cli/weightloom.js is not there. Build it first: npm run build.");
});
afterAll(async () => {
  await closeModels();
  rmSync(work, { recursive: true, force: true });
});

function weightloom({ folder, name }: Golden, engine: string): Promise<{ code: number; out: string; said: string }> {
  const out = join(work, `${engine}-${name}`);
  const args = [program, "merge", join(folder, "recipe.yml"), out, "--engine", engine, "--lanes", "1"];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: GOLDEN, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (text) => {
      said += String(text);
    });
    child.on("close", (code) => resolve({ code: code ?? -1, out, said }));
  });
}

describe.each([
  ["cpu", "CPU"],
  ["gpu", "WebGPU"],
])("%s", (engine, called) => {
  // What no kernel touches, and what is only planned differently, is the same on every engine.
  const here = merges.filter(({ rule }) => engine === "cpu" || (rule.compare !== "exact" && rule.once !== true));
  test.concurrent.each(here)("$name", async (golden) => {
    const { code, out, said } = await weightloom(golden, engine);
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
    const files = await filesAt(out);
    const [{ tensors }, expected, plan] = await Promise.all([
      openCheckpoint(files),
      expectedOf(golden),
      planOf(golden),
    ]);
    expect([...tensors.keys()].sort()).toEqual([...expected.tensors.keys(), ...(golden.rule.kept ?? [])].sort());
    for (const tensor of plan.tensors) {
      const want = expected.tensors.get(tensor.name);
      if (want === undefined || golden.rule.masked?.[tensor.name] !== undefined) continue;
      const got = tensors.get(tensor.name)!;
      expect([tensor.name, got.dtype, got.shape]).toEqual([want.name, want.dtype, want.shape]);
      const bytes = await Promise.all([got, want].map(({ source, range }) => source.read(range)));
      const off = await faults(golden, called, tensor, bytes[0]!, bytes[1]!);
      expect([tensor.name, off.length, off.slice(0, 3)]).toEqual([tensor.name, 0, []]);
    }
    await closeAll(files.values());
    rmSync(out, { recursive: true });
  });
});

test.each(refused)("$name is refused with exit code 2 or 1 and leaves nothing", async (golden) => {
  const { code, out, said } = await weightloom(golden, "cpu");
  expect([1, 2]).toContain(code);
  expect(said).toContain(golden.rule.says);
  expect(existsSync(out)).toBe(false);
});
