/** How much of a frame drawing in the mixer takes, with as many layers and models as people have. */
import { expect, test } from "@playwright/test";
import { dropModels, llamaConfig, llamaNames } from "./models.ts";
import { frameWork } from "./tracing.ts";

// Playwright's own recording looks at the whole page with every action, on the thread that is measured.
test.use({ trace: "off" });

test("80 layers and 6 models: drawing takes less than 16 ms of script and layout per frame", async ({
  page,
  browser,
}) => {
  test.setTimeout(120_000);
  await page.goto("/");
  await dropModels(page, ["base", "m1", "m2", "m3", "m4", "m5", "m6"], llamaNames(80), llamaConfig(80));
  await expect(page.getByRole("button", { name: "Merge", exact: true })).toBeEnabled();
  await expect(page.getByRole("slider", { name: "All layers, F m6, weight" })).toBeVisible();
  for (const detail of ["All", "Every projection"] as const) {
    await page.getByRole("button", { name: detail, exact: true }).click();
    await page.waitForTimeout(1500);
    const chart = (await page.locator(".chart").first().boundingBox())!;
    const at = (share: number) => chart.x + 150 + share * (chart.width - 330);
    const work = await frameWork(browser, page, async () => {
      await page.mouse.move(at(0), chart.y + 30);
      await page.mouse.down();
      for (let i = 0; i <= 60; i++) {
        await page.mouse.move(at(i / 60), chart.y + chart.height * (0.45 + 0.3 * Math.sin(i / 4)));
        await page.waitForTimeout(25);
      }
    });
    await page.mouse.up();
    const [median, high, worst] = [work.median, work.high, work.worst].map((ms) => ms.toFixed(1));
    console.log(`${detail}: ${work.frames} frames, median ${median} ms, 95 % below ${high} ms, worst ${worst} ms`);
    expect(work.frames).toBeGreaterThan(20);
    expect(work.median).toBeLessThan(16);
    expect(work.high).toBeLessThan(16);
  }
});
