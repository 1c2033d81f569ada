/**
 * Readers of strangers' files against files that are almost right: each ends in a result or a sentence, within a second,
 * without asking for memory that the file's own size does not justify. A few hundred files each in `npm test`; `npm run fuzz`
 * goes on for as long as it is told. What was found once lies in `found/` and is read first.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { WeightloomError } from "../../core/errors.ts";
import { almost } from "./edits.ts";
import { TARGETS, type Target } from "./targets.ts";
import { watch } from "./watchdog.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const SECONDS = Number(process.env.FUZZ_SECONDS ?? 0);
const RUNS = 400;
/** Milliseconds a reader may take, on a machine that does other things too. */
const PATIENCE = 1000;
/** Bytes of the heap that a thousand readings may leave behind before garbage is collected. */
const HEAP = 1.5e9;

const found = join(import.meta.dirname, "found");
const watchdog = watch(found, 10);
afterAll(() => watchdog.stop());

/** Reads; what went wrong, or null. What was slow is read again: a busy machine may have stopped the first. */
async function trouble(target: Target, bytes: Bytes, again = 2): Promise<string | null> {
  watchdog.begin(bytes);
  const started = performance.now();
  try {
    await target.read(bytes);
  } catch (error) {
    if (!(error instanceof WeightloomError)) return `threw ${String((error as Error).stack ?? error)}`;
    if (!/[.?!)]$/.test(error.message)) return `said no sentence: ${error.message}`;
  } finally {
    watchdog.end();
  }
  const spent = performance.now() - started;
  if (spent <= PATIENCE) return null;
  return again > 0 ? trouble(target, bytes, again - 1) : `took ${spent.toFixed(0)} ms`;
}

describe.each(TARGETS)("$name", (target) => {
  test("what was found once", async () => {
    for (const name of readdirSync(found).filter((file) => file.startsWith(`${target.name}-`)))
      expect(await trouble(target, new Uint8Array(readFileSync(join(found, name)))), name).toBeNull();
  });

  test("the files that edits begin with are right", async () => {
    for (const seed of target.seeds) await target.read(seed);
  });

  test("files that are almost right", { timeout: 1000 * (SECONDS + 120) }, async () => {
    let runs = 0;
    const property = fc.asyncProperty(almost(target.seeds), async (bytes) => {
      runs++;
      const what = await trouble(target, bytes);
      if (what !== null) throw new Error(what);
      if (runs % 1000 === 0) expect(process.memoryUsage().heapUsed).toBeLessThan(HEAP);
    });
    const limits =
      SECONDS > 0 ? { numRuns: 1e9, interruptAfterTimeLimit: 1000 * SECONDS } : { numRuns: RUNS, seed: 20_261_125 };
    const reporter = (details: { failed: boolean; counterexample: [Bytes] | null; errorInstance?: unknown }) => {
      if (!details.failed || details.counterexample === null) return;
      const [bytes] = details.counterexample;
      throw new Error(
        `${target.name}: a file of ${bytes.length} bytes ${String((details.errorInstance as Error | undefined)?.message)}. In base64: ${Buffer.from(bytes).toString("base64").slice(0, 20_000)}`,
      );
    };
    await fc.assert(property, { ...limits, reporter: reporter as never });
    if (SECONDS > 0) console.log(`${target.name}: ${runs.toLocaleString("en")} files in ${SECONDS} s`);
  });
});
