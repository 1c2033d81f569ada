/**
 * Merges on the command line that are killed, again and again, until they are complete; and what it took. The suite kills a
 * handful, `npm run faults` a hundred.
 */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFamily } from "../../bench/checkpoints.mjs";

const root = join(import.meta.dirname, "../..");
export const BIN = join(root, "bin/weightloom.mjs");
export const JOURNAL = ".weightloom-journal";

export const RECIPES = {
  ties: "merge_method: ties\nbase_model: base\nparameters: {weight: 0.6, density: 0.4}\nmodels:\n  - model: a\n  - model: b\n",
  whole:
    "merge_method: ties\nbase_model: base\nparameters: {weight: 0.6, density: 0.4, trim_over: model}\nmodels:\n  - model: a\n  - model: b\n",
  slerp: "merge_method: slerp\nbase_model: a\nparameters: {t: 0.3}\nmodels:\n  - model: a\n  - model: b\n",
};

/** Models a, b and base in a folder, and a recipe file beside them. */
export function prepare(work, shape, recipe = "ties") {
  if (!existsSync(join(work, "base"))) makeFamily(work, shape, 2);
  writeFileSync(join(work, `${recipe}.yml`), RECIPES[recipe]);
}

/** One process, from its start to its end. */
export function start(work, args, options = {}) {
  const begun = performance.now();
  const child = spawn(process.execPath, [BIN, "merge", ...args, "--engine", "cpu", "--json"], {
    cwd: work,
    ...options,
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => {
    stdout += data;
  });
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  const ended = new Promise((resolve) => {
    child.on("close", (code, signal) => {
      const last = stdout.trim().split("\n").at(-1);
      const report = code === 0 ? JSON.parse(last) : null;
      resolve({ code, signal, stderr, report, seconds: (performance.now() - begun) / 1000 });
    });
  });
  return { child, ended };
}

/** Bytes of weights in a folder, finished or not. */
export const writtenIn = (out) =>
  existsSync(out)
    ? readdirSync(out).reduce((sum, name) => {
        if (!/\.safetensors(\.partial)?$/.test(name)) return sum;
        try {
          return sum + statSync(join(out, name)).size;
        } catch {
          return sum; // renamed in this moment
        }
      }, 0)
    : 0;

/** Bytes of weights that the journal claims; what is beyond them is lost. */
export function claimedIn(out) {
  const path = join(out, JOURNAL);
  if (!existsSync(path)) return null;
  let claims = { tensors: 0, files: 0 };
  for (const line of readFileSync(path, "utf8").split("\n")) {
    try {
      claims = { ...claims, ...JSON.parse(line.slice(9)) };
    } catch {
      break; // torn
    }
  }
  return { tensors: claims.tensors, files: claims.files };
}

/** Waits until so many bytes are written, or the process ends. */
export const until = (child, out, bytes) => when(child, () => writtenIn(out) >= bytes);

/** Waits until something is so, or the process ends. */
export async function when(child, isSo) {
  while (child.exitCode === null && child.signalCode === null && !isSo())
    await new Promise((resolve) => setImmediate(resolve));
}

/** Names of files that differ, are missing or are too many. */
export function differing(a, b) {
  const names = new Set([...readdirSync(a), ...readdirSync(b)]);
  return [...names].filter((name) => {
    const [one, other] = [join(a, name), join(b, name)];
    return !existsSync(one) || !existsSync(other) || !sameBytes(one, other);
  });
}

function sameBytes(a, b) {
  if (statSync(a).size !== statSync(b).size) return false;
  const [one, other] = [openSync(a, "r"), openSync(b, "r")];
  const [left, right] = [Buffer.alloc(1 << 22), Buffer.alloc(1 << 22)];
  try {
    for (;;) {
      const length = readSync(one, left);
      readSync(other, right);
      if (length === 0) return true;
      if (left.compare(right, 0, length, 0, length) !== 0) return false;
    }
  } finally {
    closeSync(one);
    closeSync(other);
  }
}
