/** The inspector on a model of thirty thousand tensors: how much of a frame a key and scrolling take. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { grid, openInspector, stopOnErrors } from "./page.ts";
import { frameWork } from "./tracing.ts";

// Playwright's own recording looks at the whole page with every action, on the thread that is measured.
test.use({ trace: "off" });
// Processor time, too, grows where neighbours fill the caches: what is slow by itself is slow three times.
test.describe.configure({ retries: 2 });

test.beforeEach(async ({ page }) => {
  stopOnErrors(page);
  await page.goto("/");
});

/** A mixture-of-experts model of some thirty thousand tensors; the file is sparse, so it takes no room. */
function largeModel(folder: string): { path: string; tensors: number } {
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> = {};
  const [side, layers, experts] = [32, 48, 207];
  const size = 2 * side * side;
  let at = 0;
  const add = (name: string) => {
    header[name] = { dtype: "BF16", shape: [side, side], data_offsets: [at, at + size] };
    at += size;
  };
  for (let layer = 0; layer < layers; layer++) {
    for (const part of ["q", "k", "v", "o"]) add(`model.layers.${layer}.self_attn.${part}_proj.weight`);
    for (let expert = 0; expert < experts; expert++)
      for (const part of ["gate", "up", "down"]) add(`model.layers.${layer}.mlp.experts.${expert}.${part}_proj.weight`);
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const path = join(folder, "large.safetensors");
  const file = openSync(path, "w");
  writeSync(file, Buffer.concat([length, text]));
  ftruncateSync(file, 8 + text.length + at);
  closeSync(file);
  return { path, tensors: Object.keys(header).length };
}

test("thirty thousand tensors: a key and a frame of scrolling stay within 16 ms", async ({ page, browser }) => {
  const folder = mkdtempSync(join(tmpdir(), "weightloom-large-"));
  const { path, tensors } = largeModel(folder);
  try {
    const client = await page.context().newCDPSession(page);
    const data = { items: [], files: [path], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"] as const)
      await client.send("Input.dispatchDragEvent", { type, x: 300, y: 300, data });
    await expect(page.locator(".card-name")).toHaveText(["large"], { timeout: 30_000 });
    await openInspector(page);
    await expect(page.getByText(`${tensors.toLocaleString("en")} tensors`, { exact: true })).toBeVisible();
    expect(await grid(page).getByRole("row").count()).toBeLessThan(60);
    await page.waitForTimeout(1000);

    const find = page.getByRole("searchbox", { name: "Find tensors" });
    const typing = await frameWork(browser, page, () =>
      find.evaluate(async (field: HTMLInputElement) => {
        // A key per frame, as React hears of it.
        const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value") ?? {};
        const query = "layer 31 experts.20";
        for (let keys = 1; keys <= query.length; keys++) {
          await new Promise((next) => requestAnimationFrame(next));
          set?.call(field, query.slice(0, keys));
          field.dispatchEvent(new InputEvent("input", { bubbles: true }));
        }
        await new Promise((next) => requestAnimationFrame(next));
      }),
    );
    await expect(page.getByText(`24 of ${tensors.toLocaleString("en")} tensors`, { exact: true })).toBeVisible();
    await find.fill("");

    const scrolling = await frameWork(browser, page, () =>
      page.evaluate(async () => {
        const table = document.querySelector(".grid-table") as HTMLElement;
        for (let i = 0; i < 90; i++) {
          // Faster than any wheel: half of the rows are other ones in every frame.
          table.scrollTop += 350;
          await new Promise((next) => requestAnimationFrame(next));
        }
      }),
    );
    for (const [what, { frames, median, high }] of Object.entries({ typing, scrolling })) {
      console.log(`${what}: ${frames} frames, median ${median.toFixed(1)} ms, 95 % below ${high.toFixed(1)} ms`);
      expect(frames, what).toBeGreaterThan(15);
      expect(median, what).toBeLessThan(16);
    }

    await grid(page).focus();
    await page.keyboard.press("End");
    await expect(grid(page).getByRole("row").last()).toHaveAttribute("aria-selected", "true");
    await page.keyboard.press("Home");
    await expect(grid(page).getByRole("row").nth(1)).toHaveAttribute("aria-selected", "true");

    // A survey of all of them goes on in the worker, and ends when told to.
    await page.getByRole("button", { name: "Heat map" }).click();
    await expect(page.locator("p.survey")).toContainText("tensors");
    await page.locator("p.survey").getByRole("button", { name: "Stop" }).click();
    await expect(page.locator("p.survey")).toContainText("Stopped after");
    await expect(page.getByRole("gridcell", { name: /^mlp.experts/ }).first()).toBeVisible();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
