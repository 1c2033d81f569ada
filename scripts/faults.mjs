/**
 * `npm run faults [N]`: kills a merge at N random moments, resumes it after each, and counts what was lost. A round begins a
 * merge, kills it, resumes it, kills that, until it is complete; then its bytes are compared with those of a merge that
 * nobody disturbed. Figures go to standard output as JSON; docs/reliability.md has those of the last time.
 */
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, statSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { claimedIn, differing, JOURNAL, prepare, start, writtenIn } from "../test/faults/kills.mjs";
import { build } from "./build.mjs";

const wanted = Number(process.argv[2] ?? 100);
const seed = Number(process.argv[3] ?? Date.now() % 1e6);
const SHAPE = { hidden: 768, layers: 16, inner: 2048, vocab: 8192, kv: 256 };
const LAYOUTS = { shards: ["--shard-size", "20MB"], one: [] };

await build("cli", { quiet: true });
const work = mkdtempSync(join(tmpdir(), "weightloom-kills-"));

/** mulberry32 */
let state = seed;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

const totals = { kills: 0, merges: 0, same: 0, lost: [], early: 0, closing: 0, reread: [], recipes: {} };

async function round(recipe, layout, number) {
  const expected = join(work, "expected", `${recipe}-${layout}`, "out");
  const out = join(work, "round", String(number), "out");
  const args = [`${recipe}.yml`, out, ...LAYOUTS[layout]];
  const { seconds, readBytes, size } = await reference(recipe, layout, expected);
  for (let resumed = false; ; resumed = true) {
    const isLast = totals.kills >= wanted;
    // From the start of the process to a little after its end.
    const wait = isLast ? Number.POSITIVE_INFINITY : random() * seconds * 1.02;
    const before = resumed ? keptIn(out) : 0;
    const { child, ended } = start(work, resumed ? [...args, "--resume"] : args);
    const timer = Number.isFinite(wait) ? setTimeout(() => child.kill("SIGKILL"), wait * 1000) : undefined;
    const done = await ended;
    clearTimeout(timer);
    if (done.signal === "SIGKILL") {
      totals.kills++;
      totals.recipes[recipe] = (totals.recipes[recipe] ?? 0) + 1;
      const claims = claimedIn(out);
      if (claims === null && !readdirSafe(out).includes("config.json")) totals.early++;
      else totals.lost.push(Math.max(0, writtenIn(out) - keptIn(out)));
      const names = readdirSafe(out);
      if (
        !names.includes(JOURNAL) &&
        names.some((name) => name.endsWith(".safetensors")) &&
        differing(out, expected).length > 0
      )
        throw new Error(`${out} looks complete and is not.`);
      continue;
    }
    if (done.code === 2 && done.stderr.includes("already holds a model")) {
      // Killed after the last file, before it could say goodbye.
      totals.closing++;
    } else if (done.code !== 0) throw new Error(done.stderr);
    else if (resumed && before > 0) {
      // What is left to write has to be read, in every sweep; more than its share would be read again.
      const share = 1 - done.report.keptBytes / size;
      totals.reread.push(Math.max(0, done.report.readBytes - readBytes * share));
      if (done.report.keptBytes < before)
        throw new Error(`${out} had ${before} bytes finished, and ${done.report.keptBytes} were kept.`);
    }
    break;
  }
  totals.merges++;
  const odd = differing(out, expected);
  if (odd.length > 0) throw new Error(`${out} differs from ${expected}: ${odd.join(", ")}`);
  totals.same++;
  rmSync(join(work, "round"), { recursive: true, force: true });
}

const readdirSafe = (folder) => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/** Bytes of weights that a resumed run would not write again: closed files, and the open one's finished tensors. */
function keptIn(out) {
  const closed = readdirSafe(out)
    .filter((name) => name.endsWith(".safetensors"))
    .reduce((sum, name) => sum + statSync(join(out, name)).size, 0);
  return closed + openIn(out);
}

/** Of the open file: up to the end of the last tensor that the journal claims, read off the files' own headers. */
function openIn(out) {
  const names = readdirSafe(out).filter((name) => /\.safetensors(\.partial)?$/.test(name));
  const open = names.find((name) => name.endsWith(".partial"));
  const claims = claimedIn(out);
  if (open === undefined || claims === null) return 0;
  const before = names
    .filter((name) => name !== open)
    .reduce((sum, name) => sum + tensorsOf(join(out, name)).ends.length, 0);
  if (claims.tensors <= before) return 0;
  return tensorsOf(join(out, open)).ends[claims.tensors - before - 1] ?? 0;
}

/** Where each tensor of a file ends, in order. */
function tensorsOf(path) {
  const file = openSync(path, "r");
  try {
    const length = Buffer.alloc(8);
    if (readSync(file, length) < 8) return { ends: [] };
    const header = Buffer.alloc(Number(length.readBigUInt64LE()));
    readSync(file, header);
    const { __metadata__, ...tensors } = JSON.parse(header.toString());
    return { ends: Object.values(tensors).map((tensor) => 8 + header.length + tensor.data_offsets[1]) };
  } finally {
    closeSync(file);
  }
}

const references = new Map();
async function reference(recipe, layout, out) {
  const key = `${recipe} ${layout}`;
  if (!references.has(key)) {
    prepare(work, SHAPE, recipe);
    const done = await start(work, [`${recipe}.yml`, out, ...LAYOUTS[layout]]).ended;
    if (done.code !== 0) throw new Error(done.stderr);
    references.set(key, { seconds: done.seconds, readBytes: done.report.readBytes, size: done.report.writtenBytes });
  }
  return references.get(key);
}

try {
  for (let number = 0; totals.kills < wanted; number++) {
    const recipe = ["ties", "whole", "slerp"][number % 3];
    await round(recipe, number % 2 === 0 ? "shards" : "one", number);
    process.stderr.write(`\r${totals.kills} kills, ${totals.merges} merges complete, all the same bytes `);
  }
  const { size, seconds } = references.get("ties shards");
  const mean = (list) => (list.length === 0 ? 0 : Math.round(list.reduce((sum, one) => sum + one, 0) / list.length));
  console.log(
    JSON.stringify(
      {
        date: new Date().toISOString().slice(0, 10),
        machine: `${cpus().length} x ${cpus()[0].model}, Node ${process.version}`,
        seed,
        result: { bytes: size, seconds },
        kills: totals.kills,
        byRecipe: totals.recipes,
        beforeTheFirstByte: totals.early,
        afterTheLastFile: totals.closing,
        mergesCompleted: totals.merges,
        byteIdentical: totals.same,
        lostBytes: { mean: mean(totals.lost), most: Math.max(0, ...totals.lost) },
        rereadBytes: { mean: mean(totals.reread), most: Math.round(Math.max(0, ...totals.reread)) },
      },
      null,
      2,
    ),
  );
} finally {
  process.stderr.write("\n");
  rmSync(work, { recursive: true, force: true });
}
