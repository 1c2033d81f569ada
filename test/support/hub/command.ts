/** The built command line on the mock Hub of a test file. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { join } from "node:path";
import type { Here } from "./here.ts";

const BIN = join(import.meta.dirname, "../../../bin/weightloom.mjs");

export interface Done {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  /** Largest resident memory, bytes. */
  readonly peak: number;
}

type Environment = Readonly<Record<string, string>>;
/** Told of the process while it runs. */
type OnStart = (child: ChildProcess) => unknown;

/** Runs beside this process, where the mock answers. The environment is empty but for what is given. */
export const commandLine =
  (here: Here, work: string) =>
  (
    args: readonly string[],
    env: Environment = {},
    onStart: OnStart = () => {},
    who: SpawnOptions = {},
  ): Promise<Done> => {
    const started = performance.now();
    const measured = [
      "--import",
      `data:text/javascript,process.on("exit",()=>process.stderr.write("\\npeak "+process.resourceUsage().maxRSS))`,
    ];
    const child = spawn(process.execPath, [...measured, BIN, ...args], {
      cwd: work,
      env: { PATH: process.env.PATH, HOME: work, HF_ENDPOINT: here.mock.endpoint, ...env },
      ...who,
    });
    let [stdout, stderr] = ["", ""];
    child.stdout?.on("data", (text) => {
      stdout += text;
    });
    child.stderr?.on("data", (text) => {
      stderr += text;
    });
    onStart(child);
    return new Promise((resolve) =>
      child.on("close", (status, signal) => {
        const peak = 1024 * Number(/\npeak (\d+)/.exec(stderr)?.[1] ?? 0);
        stderr = stderr.replace(/\npeak \d+/, "");
        resolve({ status, signal, stdout, stderr, seconds: (performance.now() - started) / 1000, peak });
      }),
    );
  };
