/** The command line's front: arguments in, exit code out. */
import { setMaxListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { isAbort, messageOf, WeightloomError } from "../core/errors.ts";
import { helpFor, Interrupted, type Invocation, parse, Refused, UsageError } from "./args.ts";
import { diffCommand } from "./diff.ts";
import { extractCommand } from "./extract.ts";
import { inspectCommand } from "./inspect.ts";
import { isPlanTrouble, mergeCommand, planCommand } from "./merge.ts";
import { methodsCommand } from "./methods.ts";
import { averageCommand, pairsCommand, presetsCommand } from "./presets.ts";
import { publishCommand } from "./publish.ts";
import { BadRecipe } from "./recipe.ts";
import { verifyCommand } from "./verify.ts";

// The work is done in WebAssembly. JavaScript around it runs for seconds and gains nothing from being optimised early, but
// compiling it, once per thread, took a tenth of a merge's processor time: this many bytes of it run first, not 132 KB.
setFlagsFromString("--interrupt-budget=1000000");

// Every tile in flight listens to the one signal that cancels a run.
setMaxListeners(0);

const DONE = 0;
const FAILED = 1;
const MISUSED = 2;
const CANCELLED = 130;
const TERMINATED = 143;
const HUNG_UP = 129;

async function command(invocation: Invocation, signal: AbortSignal): Promise<{ code: number; report: unknown }> {
  switch (invocation.command) {
    case "merge":
      return { code: DONE, report: await mergeCommand(invocation, signal) };
    case "plan":
      return { code: DONE, report: await planCommand(invocation, signal) };
    case "inspect":
      return { code: DONE, report: await inspectCommand(invocation, signal) };
    case "diff":
      return { code: DONE, report: await diffCommand(invocation, signal) };
    case "extract-lora":
      return { code: DONE, report: await extractCommand(invocation, signal) };
    case "methods":
      return { code: DONE, report: methodsCommand(invocation) };
    case "presets":
      return { code: DONE, report: await presetsCommand(invocation) };
    case "pairs":
      return { code: DONE, report: pairsCommand(invocation) };
    case "average":
      return { code: DONE, report: averageCommand(invocation) };
    case "publish":
      return { code: DONE, report: await publishCommand(invocation, signal) };
    case "verify": {
      const report = await verifyCommand(invocation, signal);
      return { code: report.ok ? DONE : FAILED, report };
    }
    default:
      throw new UsageError(`There is no command "${invocation.command}".`);
  }
}

async function main(): Promise<number> {
  const controller = new AbortController();
  let interrupts = 0;
  const interrupt = () => {
    interrupts++;
    if (interrupts > 1) process.exit(CANCELLED);
    console.error("\nCancelling. Ctrl-C again to stop at once.");
    controller.abort(new DOMException("Cancelled.", "AbortError"));
  };
  // Whoever ends a process from outside, a scheduler or a closed terminal, did not say that the work is not wanted.
  let stopped: number | null = null;
  const stop = (code: number) => () => {
    stopped = code;
    controller.abort(new WeightloomError("MergeError", "Stopped from outside."));
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", stop(TERMINATED));
  process.on("SIGHUP", stop(HUNG_UP));
  let json = process.argv.includes("--json");
  try {
    const invocation = parse(process.argv.slice(2));
    if ("help" in invocation) {
      console.log(invocation.help);
      return DONE;
    }
    json = invocation.json;
    const { code, report } = await command(invocation, controller.signal);
    if (json) console.log(JSON.stringify({ ok: code === DONE, ...(report as object) }));
    return code;
  } catch (error) {
    const cancelled = controller.signal.aborted || isAbort(error) ? CANCELLED : null;
    const code = stopped ?? cancelled ?? (isMisuse(error) ? MISUSED : FAILED);
    const stays = error instanceof Interrupted ? messageOf(error) : null;
    const sentence =
      code === stopped
        ? `Stopped from outside.${stays === null ? "" : ` ${stays}`}`
        : code === CANCELLED
          ? `Cancelled. ${stays ?? "Nothing was left behind."}`
          : messageOf(error);
    if (json) console.log(JSON.stringify({ ok: false, code, error: sentence }));
    console.error(error instanceof UsageError ? `${sentence}\n\n${helpFor()}` : sentence);
    return code;
  }
}

const isMisuse = (error: unknown) =>
  error instanceof UsageError || error instanceof Refused || error instanceof BadRecipe || isPlanTrouble(error);

process.exitCode = await main();
