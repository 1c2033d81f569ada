/** The whole browser is killed while it merges and started again with the same profile; and what a power cut would leave of its files. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, expect, type Page, test } from "@playwright/test";
import {
  crash,
  hashes,
  holdAt,
  merged,
  ready,
  reopened,
  resume,
  start,
  TENSORS,
  undisturbed,
  unfinished,
  written,
} from "./kept.ts";

test.setTimeout(120_000);

/** The browser's own process, not those of its tabs. */
function processOf(profile: string): number {
  const lines = execFileSync("ps", ["-A", "-ww", "-o", "pid=,args="], { encoding: "utf8", maxBuffer: 1e8 }).split("\n");
  const mine = lines.filter((line) => line.includes(`--user-data-dir=${profile}`) && !line.includes(" --type="));
  expect(mine).toHaveLength(1);
  return Number.parseInt(mine[0]!, 10);
}

async function kill(context: BrowserContext, profile: string): Promise<void> {
  const gone = context.waitForEvent("close");
  process.kill(processOf(profile), "SIGKILL");
  await gone;
}

test("a browser that is killed while it merges and while it checks goes on behind the last tensor", async ({
  baseURL,
  viewport,
  launchOptions,
}) => {
  const profile = mkdtempSync(join(tmpdir(), "weightloom-profile-"));
  const launch = async () => {
    const context = await chromium.launchPersistentContext(profile, {
      ...launchOptions,
      baseURL: baseURL!,
      viewport,
      serviceWorkers: "block",
    });
    await context.addInitScript(() => localStorage.setItem("weightloom-tour", "seen"));
    return context;
  };
  let context = await launch();
  try {
    const page = await ready(context);
    await start(page, "private");
    await written(page, 0.35);
    await kill(context, profile);

    context = await launch();
    const second = await reopened(context);
    await expect(unfinished(second)).toContainText(/[1-9]\d* of 48 tensors are finished and not done again/);
    const hold = await holdAt(second, "check");
    await resume(second);
    await hold.reached();
    await kill(context, profile);

    context = await launch();
    const third = await reopened(context);
    await expect(unfinished(third)).toContainText("48 of 48 tensors are finished and not done again");
    await resume(third);
    await merged(third);
    await expect(unfinished(third)).toHaveCount(0);
    expect(await hashes(third, "weightloom-result")).toEqual(await undisturbed(third));
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
});

/**
 * What a power cut leaves where the disk had kept no more than it was asked to: the journal's last line is torn, behind
 * what the lines before it speak of the weights are zeros, and a small file that only that line speaks of is empty.
 * Returns how many tensors are left.
 */
const POWER_CUT = async (tensorBytes: number) => {
  const root = await navigator.storage.getDirectory();
  const jobs = await root.getDirectoryHandle("weightloom-jobs");
  let journal: FileSystemFileHandle | undefined;
  for await (const handle of jobs.values()) journal = handle as FileSystemFileHandle;
  const lines = (await (await journal!.getFile()).text()).split("\n").slice(0, -1);
  const entries = lines.map((line) => JSON.parse(line.slice(9)) as { tensors?: number; extra?: string });
  const counts = entries.map(({ tensors = 0 }) => tensors);
  const last = lines.length - 1;
  const tensors = Math.max(0, ...counts.slice(0, last));
  const torn = await journal!.createWritable();
  await torn.write(`${lines.slice(0, last).join("\n")}\n${lines[last]!.slice(0, -7)}`);
  await torn.close();
  const result = await root.getDirectoryHandle("weightloom-result");
  const { extra } = entries[last]!;
  if (extra !== undefined) await (await (await result.getFileHandle(extra)).createWritable()).close();
  const weights = await result.getFileHandle("model.safetensors");
  const file = await weights.getFile();
  const header = new DataView(await file.slice(0, 8).arrayBuffer()).getUint32(0, true);
  const kept = 8 + header + tensors * tensorBytes;
  const zeros = await weights.createWritable();
  await zeros.write(file.slice(0, kept));
  await zeros.write(new Uint8Array(Math.max(0, file.size - kept)));
  await zeros.close();
  return tensors;
};

/** What is left of it is gone on with, and ends as an undisturbed merge does. */
async function powerCut(page: Page): Promise<number> {
  const context = page.context();
  await crash(page);
  const other = await context.newPage();
  await other.goto("/icon.svg");
  const tensors = await other.evaluate(POWER_CUT, 1 << 20);
  const again = await reopened(context);
  await expect(unfinished(again)).toContainText(
    tensors === 0 ? "Nothing is finished yet." : `${tensors} of ${TENSORS} tensors are finished and not done again`,
  );
  await resume(again);
  await merged(again);
  expect(await hashes(again, "weightloom-result")).toEqual(await undisturbed(again));
  return tensors;
}

test("a power cut while it merges: behind the last whole line of the journal everything is written again", async ({
  context,
}) => {
  const page = await ready(context);
  await start(page, "private");
  await written(page, 0.6);
  await powerCut(page);
});

test("a power cut while it closes: the small file of the torn line is written again", async ({ context }) => {
  const page = await ready(context);
  const hold = await holdAt(page, "weightloom.json");
  await start(page, "private");
  await hold.reached();
  expect(await powerCut(page)).toBe(TENSORS);
});
