/** A busy worker collects garbage at any moment: nothing that a merge waits for may go with it. */
import { expect, test } from "@playwright/test";
import { loadSamples, stopOnErrors } from "./page.ts";
import config from "./playwright.config.ts";

const options = config.use?.launchOptions;
test.use({ launchOptions: { ...options, args: [...(options?.args ?? []), "--js-flags=--expose-gc"] } });

test("a merge into private storage ends though garbage is collected whenever a file is opened", async ({ page }) => {
  stopOnErrors(page);
  await page.goto("/");
  await loadSamples(page);
  const [worker] = page.workers();
  const collected = await worker?.evaluate(() => {
    const { createSyncAccessHandle } = FileSystemFileHandle.prototype;
    FileSystemFileHandle.prototype.createSyncAccessHandle = function () {
      const answer = createSyncAccessHandle.call(this);
      setTimeout(() => (globalThis as unknown as { gc(): void }).gc(), 0);
      return answer;
    };
    return typeof Reflect.get(globalThis, "gc");
  });
  expect(collected).toBe("function");
  await page.getByRole("button", { name: "Where to save" }).click();
  await page.getByRole("menuitem", { name: "Merge, then download" }).click();
  await expect(page.getByRole("heading", { name: "Merged and checked" })).toBeVisible({ timeout: 20_000 });
});
