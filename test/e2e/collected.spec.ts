/** A busy worker collects garbage at any moment: nothing that a merge waits for may go with it. */
import { expect, type Page, test } from "@playwright/test";
import { add, merge, recipe, write } from "./hub.ts";
import { mockHub } from "./mock.ts";
import { loadSamples, pickPrivately, stopOnErrors, writeRecipe } from "./page.ts";
import config from "./playwright.config.ts";

const options = config.use?.launchOptions;
test.use({ launchOptions: { ...options, args: [...(options?.args ?? []), "--js-flags=--expose-gc"] } });

/** What answers later, and a merge may wait for. */
const LATER = {
  FileSystemFileHandle: ["createSyncAccessHandle", "createWritable", "getFile"],
  FileSystemDirectoryHandle: ["getFileHandle", "getDirectoryHandle", "removeEntry"],
  FileSystemWritableFileStream: ["write"],
  WritableStream: ["close"],
  Blob: ["arrayBuffer"],
  ReadableStreamBYOBReader: ["read"],
  ReadableStreamDefaultReader: ["read"],
  Response: ["arrayBuffer", "json", "text"],
};

/** From now on the worker collects garbage whenever it has begun to wait for something; returns how often it did. */
async function collectGarbage(page: Page): Promise<() => Promise<number>> {
  const [worker] = page.workers();
  if (worker === undefined) throw new Error("The studio has no worker.");
  await worker.evaluate((later) => {
    const scope = globalThis as unknown as { gc(): void; collected: number };
    scope.gc();
    scope.collected = 0;
    const wrap = (holder: object, method: string) => {
      const original = Reflect.get(holder, method);
      Reflect.set(holder, method, function (this: unknown, ...given: unknown[]) {
        const answer = original.apply(this, given);
        setTimeout(() => {
          scope.gc();
          scope.collected++;
        }, 0);
        return answer;
      });
    };
    for (const [type, methods] of Object.entries(later))
      for (const method of methods) wrap(Reflect.get(globalThis, type).prototype, method);
    wrap(globalThis, "fetch");
  }, LATER);
  return () => worker.evaluate(() => (globalThis as unknown as { collected: number }).collected);
}

const merged = (page: Page) =>
  expect(page.getByRole("heading", { name: "Merged and checked" })).toBeVisible({ timeout: 30_000 });

test.beforeEach(async ({ page }) => {
  stopOnErrors(page);
  await pickPrivately(page);
  await page.goto("/");
});

test("a merge into private storage", async ({ page }) => {
  await loadSamples(page);
  const collected = await collectGarbage(page);
  await page.getByRole("button", { name: "Where to save" }).click();
  await page.getByRole("menuitem", { name: "Merge, then download" }).click();
  await merged(page);
  expect(await collected()).toBeGreaterThan(10);
});

test("a merge into a folder that leaves streams for others", async ({ page }) => {
  await loadSamples(page);
  // Experts lie apart in their files: every few tensors another stream is opened.
  await page.getByRole("button", { name: "Recipe", exact: true }).click();
  await writeRecipe(
    page,
    "base_model: base\ngate_mode: random\nexperts:\n  - source_model: adder\n  - source_model: sorter\n",
  );
  await expect(page.getByRole("heading", { name: "A mixture of 2 experts" })).toBeVisible();
  await page.getByRole("combobox", { name: "Compute on" }).selectOption("cpu");
  const collected = await collectGarbage(page);
  await page.getByRole("button", { name: "Merge", exact: true }).click();
  await merged(page);
  expect(await collected()).toBeGreaterThan(30);
});

test("a merge of what is on the Hub", async ({ page }) => {
  await mockHub.reset();
  await add(page, "weightloom/base", "weightloom/adder", "weightloom/sorter");
  await page.keyboard.press("r");
  await write(page, recipe("weightloom/"));
  const collected = await collectGarbage(page);
  await merge(page, "Far");
  expect(await collected()).toBeGreaterThan(10);
});
