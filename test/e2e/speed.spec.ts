/**
 * How much of a frame drawing in the mixer takes, with as many layers and models as people have, alone and while a merge runs
 * behind it. What it prints is what docs/performance.md says:
 * `npx playwright test --config test/e2e/playwright.config.ts test/e2e/speed.spec.ts`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, expect, type Page, test } from "@playwright/test";
import { makeSparse } from "../../bench/checkpoints.mjs";
import { dropFolders, dropModels, llamaConfig, llamaNames } from "./models.ts";
import { choose, pickPrivately } from "./page.ts";
import { type FrameWork, frameWork } from "./tracing.ts";

// Playwright's own recording looks at the whole page with every action, on the thread that is measured.
test.use({ trace: "off" });
// Processor time, too, grows where neighbours fill the caches: what is slow by itself is slow three times.
test.describe.configure({ retries: 2 });

const NAMES = ["base", "m1", "m2", "m3", "m4", "m5", "m6"];

/** A stroke from the press to a moment after the release, when its curve has become the recipe and the recipe was planned. */
async function stroke(browser: Browser, page: Page, steps: number): Promise<FrameWork> {
  const chart = (await page.locator(".chart").first().boundingBox())!;
  const at = (share: number) => chart.x + 150 + share * (chart.width - 330);
  // Already there when the tracing starts, which takes time of its own.
  await page.mouse.move(at(0), chart.y + 30);
  await page.waitForTimeout(200);
  return frameWork(browser, page, async () => {
    await page.waitForTimeout(300);
    await page.mouse.down();
    for (let i = 0; i <= steps; i++) {
      await page.mouse.move(at(i / steps), chart.y + chart.height * (0.45 + 0.3 * Math.sin(i / 4)));
      await page.waitForTimeout(25);
    }
    await page.mouse.up();
    await page.waitForTimeout(600);
  });
}

const said = ({ frames, median, high, worst, longest }: FrameWork) => {
  const [a, b, c, d, e] = [median, high, worst, longest.own, longest.clock].map((ms) => ms.toFixed(1));
  return `${frames} frames, median ${a} ms, 95 % below ${b} ms, worst ${c} ms; longest task ${d} ms (${e} ms by the clock)`;
};

test("80 layers and 6 models: drawing takes less than 16 ms of script and layout per frame", async ({
  page,
  browser,
}) => {
  test.setTimeout(120_000);
  await page.goto("/");
  await dropModels(page, NAMES, llamaNames(80), llamaConfig(80));
  await expect(page.getByRole("button", { name: "Merge", exact: true })).toBeEnabled();
  await expect(page.getByRole("slider", { name: "All layers, F m6, weight" })).toBeVisible();
  await expect(page.getByText("Weights compared with")).toBeVisible({ timeout: 30_000 });
  for (const detail of ["All", "Every projection"] as const) {
    await page.getByRole("button", { name: detail, exact: true }).click();
    await page.waitForTimeout(1500);
    const work = await stroke(browser, page, 60);
    console.log(`${detail}: ${said(work)}`);
    expect(work.frames).toBeGreaterThan(20);
    expect(work.median).toBeLessThan(16);
    expect(work.high).toBeLessThan(16);
    expect(work.longest.own).toBeLessThan(50);
  }
});

test("a merge running behind causes no task of over 50 ms, and the stroke keeps its frames", async ({
  page,
  browser,
}) => {
  test.setTimeout(120_000);
  const work = mkdtempSync(join(tmpdir(), "weightloom-speed-"));
  // Large enough that the merge outlasts the stroke; the files are empty and take no disk.
  const size = { hidden: 640, layers: 80, inner: 1728, vocab: 4096, kv: 128 };
  const folders = NAMES.map((name) => join(work, name));
  for (const folder of folders) makeSparse(folder, size);
  try {
    await pickPrivately(page);
    await page.goto("/");
    await dropFolders(page, folders);
    await choose(page, "TIES");
    await expect(page.getByText("Weights compared with")).toBeVisible({ timeout: 60_000 });
    await page.waitForTimeout(1500);
    await page.getByRole("button", { name: "Merge", exact: true }).click();
    const cancel = page.getByRole("button", { name: "Cancel" });
    await expect(cancel).toBeVisible();
    const drawn = await stroke(browser, page, 30);
    // It was running all the while.
    await expect(cancel).toBeVisible();
    console.log(`With a merge behind it: ${said(drawn)}`);
    expect(drawn.frames).toBeGreaterThan(10);
    expect(drawn.median).toBeLessThan(16);
    expect(drawn.longest.own).toBeLessThan(50);
    await cancel.click();
  } finally {
    rmSync(work, { recursive: true });
  }
});
