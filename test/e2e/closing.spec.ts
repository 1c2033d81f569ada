/** Faults while the small files are written behind the weights, and while the result is checked: nothing is lost, nothing looks checked that is not. */
import { type BrowserContext, expect, type Page, test } from "@playwright/test";
import {
  bar,
  crash,
  hashes,
  holdAt,
  killWorker,
  merged,
  ready,
  reopened,
  resume,
  start,
  stopped,
  times,
  undisturbed,
  unfinished,
} from "./kept.ts";

test.setTimeout(90_000);

/** 12 MB in three shards. */
const small = (context: BrowserContext) => ready(context, 4 << 20, 12);
const FINISHED = "12 of 12 tensors, 3 of 3 shards are finished and not done again";

/** What ends the page or its worker; leaves a page on which the merge is offered. */
type End = (page: Page) => Promise<Page>;

const CRASH: End = async (page) => {
  await crash(page);
  return reopened(page.context());
};
const WORKER: End = async (page) => {
  await killWorker(page);
  await stopped(page);
  return page;
};
const RELOAD: End = async (page) => {
  await page.reload();
  return page;
};
const CLOSED: End = async (page) => {
  await page.close();
  return reopened(page.context());
};

/** Ends a merge at one place after another, resuming it each time. */
async function through(
  page: Page,
  where: "private" | "folder",
  faults: readonly (readonly [at: string, end: End])[],
): Promise<void> {
  const path = where === "private" ? ["weightloom-result"] : ["picked", "Kept-mix"];
  let written: Record<string, number> = {};
  for (const [i, [at, end]] of faults.entries()) {
    const hold = await holdAt(page, at);
    await (i === 0 ? start(page, where) : resume(page));
    await hold.reached();
    page = await end(page);
    await expect(unfinished(page)).toContainText(FINISHED);
    if (i === 0) written = await times(page, ...path);
    else expect(await times(page, ...path), `${at}, fault ${i}`).toEqual(written);
  }
  expect(Object.keys(written)).toHaveLength(3);
  await resume(page);
  await merged(page);
  await expect(unfinished(page)).toHaveCount(0);
  expect(await times(page, ...path)).toEqual(written);
  const resumed = await hashes(page, where === "private" ? "weightloom-result" : "picked");
  expect(Object.keys(resumed)).toContain("config.json");
  expect(resumed).toEqual(await undisturbed(page));
}

test("in private storage: crashes, dead workers and closed tabs at its config, its record and its check", async ({
  context,
}) => {
  await through(await small(context), "private", [
    ["config.json", CRASH],
    ["weightloom.json", WORKER],
    ["check", CRASH],
    ["check", WORKER],
    ["check", CLOSED],
  ]);
});

test("in a picked folder: reloads, crashes and dead workers at its config, its record and its check", async ({
  context,
}) => {
  await through(await small(context), "folder", [
    ["config.json", RELOAD],
    ["weightloom.json", CRASH],
    ["check", RELOAD],
    ["check", WORKER],
  ]);
});

for (const where of ["private", "folder"] as const)
  test(`no room for the card, the config, the index, the record: sentences; with room it is finished (${where})`, async ({
    context,
    baseURL,
  }) => {
    const page = await small(context);
    const client = await context.newCDPSession(page);
    const origin = new URL(baseURL!).origin;
    for (const [i, name] of ["README.md", "config.json", "model.safetensors.index.json", "weightloom.json"].entries()) {
      const hold = await holdAt(page, name);
      await (i === 0 ? start(page, where) : resume(page));
      await hold.reached();
      await client.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
      await hold.go();
      await stopped(page);
      await expect(page.getByRole("alert").filter({ hasText: "The merge stopped" })).toContainText(
        new RegExp(`${name}: .*(full|allowance)`),
      );
      await client.send("Storage.overrideQuotaForOrigin", { origin });
      await expect(unfinished(page)).toContainText(FINISHED);
    }
    await resume(page);
    await merged(page);
    expect(await hashes(page, where === "private" ? "weightloom-result" : "picked")).toEqual(await undisturbed(page));
  });

test("cancelled while it is checked: nothing is left; there is nothing to pause", async ({ context }) => {
  const page = await small(context);
  const hold = await holdAt(page, "check");
  await start(page, "private");
  await hold.reached();
  await expect(bar(page)).toContainText("Checking the result");
  await expect(bar(page).getByRole("button", { name: "Pause" })).toBeDisabled();
  await bar(page).getByRole("button", { name: "Cancel" }).click();
  await hold.go();
  await expect(page.getByText("Cancelled. Nothing was left behind.")).toBeVisible();
  await expect(unfinished(page)).toHaveCount(0);
  const left = await page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const names: string[] = [];
    for await (const name of root.keys()) names.push(name);
    for await (const name of (await root.getDirectoryHandle("weightloom-jobs")).keys()) names.push(name);
    return names;
  });
  expect(left.sort()).toEqual(["models", "weightloom-jobs"]);
});

/** Other weights of one of the models, under the same header. */
const change = (page: Page) =>
  page.evaluate(async () => {
    const models = await (await navigator.storage.getDirectory()).getDirectoryHandle("models");
    const file = await (await models.getDirectoryHandle("left")).getFileHandle("model.safetensors");
    const bytes = new Uint8Array(await (await file.getFile()).arrayBuffer());
    for (let i = 100_000; i < bytes.length; i += 2) bytes[i]! ^= 0x7f;
    const writable = await file.createWritable();
    await writable.write(bytes);
    await writable.close();
  });

test("a model that changes while the result is checked: the report names it, and does not call the result checked", async ({
  context,
}) => {
  const page = await small(context);
  const hold = await holdAt(page, "check");
  await start(page, "private");
  await hold.reached();
  await change(page);
  await hold.go();
  await expect(page.getByRole("heading", { name: "Merged, but the check found something wrong" })).toBeVisible({
    timeout: 30_000,
  });
  await expect(page.locator(".check-bad")).toContainText(/model\.safetensors: reading bytes .+ may have changed/);
});

test("a model that changes while it is read: the merge stops or is found wrong, and says which file", async ({
  context,
}) => {
  const page = await ready(context, 4 << 20);
  const hold = await holdAt(page, "model-00003-of-00012.safetensors");
  await start(page, "private");
  await hold.reached();
  await change(page);
  await hold.go();
  // What the browser had opened before it goes on reading; what it opens later it refuses, in the check at the latest.
  await expect(page.getByRole("heading", { name: /^(The merge stopped|Merged, but the check found)/ })).toBeVisible({
    timeout: 40_000,
  });
  await expect(page.locator(".result-bad")).toContainText(/model\.safetensors: reading bytes .+ may have changed/);
});
