/** The inspector and the heat strips in real Chromium, on the sample family. */
import { expect, type Page, test } from "@playwright/test";
import { grid, loadSamples, openInspector, reloadIn, stopOnErrors, violations } from "./page.ts";

test.beforeEach(async ({ page }) => {
  stopOnErrors(page);
  await page.goto("/");
});

const row = (page: Page, name: string) => grid(page).getByRole("row").filter({ hasText: name });
const panel = (page: Page) => page.getByRole("region", { name: /^Tensor / });

/** The cells of a row in the table, by column. */
const cellsOf = (page: Page, name: string) => row(page, name).getByRole("gridcell").allTextContents();

test("tensors are found by plain words, sorted by every column, and compared with the base", async ({ page }) => {
  await loadSamples(page);
  await openInspector(page);
  await expect(page.getByLabel("Model", { exact: true })).toHaveValue("adder");
  await expect(page.getByLabel("Compared with")).toHaveValue("base");
  await expect(grid(page)).toHaveAttribute("aria-rowcount", "76");
  const find = page.getByRole("searchbox", { name: "Find tensors" });
  await find.fill("layer 3 mlp");
  await expect(page.getByText("3 of 75 tensors", { exact: true })).toBeVisible();
  await expect(row(page, "model.layers.3.mlp.up_proj.weight")).toBeVisible();
  // What `weightloom diff` says of the same tensor.
  await expect.poll(async () => (await cellsOf(page, "model.layers.3.mlp.up_proj.weight"))[5]).toMatch(/^\d+\.\d+ %$/);
  await find.fill("no such tensor");
  await expect(page.getByText("No tensor has all of these words.")).toBeVisible();
  await find.fill("");
  for (const title of ["Tensor", "Kind", "Type", "Shape", "Size", "Moved", "Cosine", "Signs differ"]) {
    const header = page.getByRole("columnheader", { name: title });
    await header.getByRole("button").click();
    const first = await header.getAttribute("aria-sort");
    expect(first).toMatch(/^(ascending|descending)$/);
    const top = await grid(page).getByRole("row").nth(1).getByRole("gridcell").first().textContent();
    await header.getByRole("button").click();
    await expect(header).not.toHaveAttribute("aria-sort", first ?? "");
    // Equal keys keep the files' order turned round, so even a column of one value changes.
    await expect(grid(page).getByRole("row").nth(1).getByRole("gridcell").first()).not.toHaveText(top ?? "");
  }
});

test("a tensor chosen by the keyboard shows where it lies, its figures, and the difference", async ({ page }) => {
  await loadSamples(page);
  await openInspector(page);
  await page.getByRole("searchbox", { name: "Find tensors" }).fill("layer 0 q_proj");
  await page.keyboard.press("ArrowDown");
  await expect(grid(page)).toBeFocused();
  await expect(row(page, "q_proj")).toHaveAttribute("aria-selected", "true");
  await expect(panel(page)).toContainText("model.layers.0.self_attn.q_proj.weight");
  await expect(panel(page)).toContainText("96 × 96");
  await expect(panel(page)).toContainText("model.safetensors");
  await expect(panel(page)).toContainText("all 9.22 K elements");
  await expect(panel(page).getByRole("img")).toHaveCount(2);
  await expect(panel(page).locator(".row", { hasText: "NaN, Inf" })).toContainText("0, 0");
  await expect(panel(page)).toContainText(/adder moved [\d.]+ % from base/);
  await page.getByLabel("Compared with").selectOption({ label: "nothing" });
  await expect(panel(page).getByRole("img")).toHaveCount(1);
  await expect(page.getByRole("columnheader")).toHaveCount(5);
});

test("every cell of the heat map leads to its tensor, by mouse and by arrow keys", async ({ page }) => {
  await loadSamples(page);
  await openInspector(page);
  await page.getByRole("button", { name: "Heat map" }).click();
  const map = page.getByRole("grid", { name: "Relative change" });
  const cell = map.getByRole("gridcell", { name: /^self_attn.v_proj, 6: [\d.]+ %$/ });
  await cell.click();
  await expect(panel(page)).toContainText("model.layers.6.self_attn.v_proj.weight");
  await expect(page.locator(".heat-reading")).toHaveText(/^Layer 6, self_attn.v_proj: relative change [\d.]+ %$/);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowUp");
  await expect(page.locator(".heat-reading")).toHaveText(/^Layer 7, self_attn.q_proj: /);
  await page.keyboard.press("Enter");
  await expect(panel(page)).toContainText("model.layers.7.self_attn.q_proj.weight");
  await expect(page.locator(".legend")).toContainText(/alike\s*[\d.]+ %\s*[\d.]+ %\s*moved most/);
  // Of two fine-tunes the changes are compared as well.
  await page.getByLabel("Compared with").selectOption("sorter");
  await page.getByRole("button", { name: "Sign conflict" }).click();
  await expect(page.getByRole("grid", { name: "Sign conflict" })).toBeVisible();
  await expect(map.getByRole("gridcell")).toHaveCount(0);
  await expect.poll(() => page.getByRole("gridcell", { name: /^mlp.up_proj, 2: [\d.]+ %$/ }).count()).toBe(1);
});

test("stable ranks: of one tensor when asked, of all as a map that can be stopped", async ({ page }) => {
  await loadSamples(page);
  await page.getByRole("tab", { name: "Inspect" }).click();
  await page.getByRole("searchbox", { name: "Find tensors" }).fill("layer 3 up_proj");
  await page.getByRole("searchbox", { name: "Find tensors" }).press("ArrowDown");
  const panel = page.getByRole("region", { name: /^Tensor model\.layers\.3/ });
  await panel.getByRole("button", { name: "Find", exact: true }).click();
  await expect(panel.getByText(/^[\d.]+ of 96$/)).toBeVisible();
  await page.getByRole("button", { name: "Heat map" }).click();
  await page.getByRole("group", { name: "Figure" }).getByRole("button", { name: "Stable rank" }).click();
  const cell = page.getByRole("gridcell", { name: /^mlp\.up_proj, 7: [\d.]+$/ });
  await expect(cell).toBeVisible({ timeout: 20_000 });
  // Of a vector there is none to speak of.
  await expect(page.getByRole("gridcell", { name: "input_layernorm, 7: nothing known" })).toBeVisible();
  await cell.click();
  await expect(page.getByRole("region", { name: /^Tensor model\.layers\.7\.mlp\.up_proj/ })).toContainText(
    /[\d.]+ of 96/,
  );
  expect(await violations(page, ".inspect")).toEqual([]);
});

test("the papers of a model are read, and its card leads here", async ({ page }) => {
  await loadSamples(page);
  await page.getByRole("button", { name: "Actions for sorter" }).click();
  await page.getByRole("menuitem", { name: "Inspect" }).click();
  await expect(page.getByLabel("Model", { exact: true })).toHaveValue("sorter");
  await page.getByRole("button", { name: "Metadata", exact: true }).click();
  await expect(page.getByRole("region", { name: "config.json" })).toContainText('"model_type": "llama"');
  await page.getByRole("button", { name: /^README.md/ }).click();
  await expect(page.getByRole("region", { name: "README.md" })).toContainText("license");
  await page.getByRole("button", { name: /^Weight file metadata/ }).click();
  await expect(page.getByRole("region", { name: "Weight file metadata" })).toContainText("format");
});

test("heat strips tell in words, boost and drop as undoable steps, and are kept over a reload", async ({ page }) => {
  await loadSamples(page);
  const strip = page.getByRole("button", { name: "Weights compared, All layers" });
  await expect(page.getByText("Weights compared with the base “base”")).toBeVisible({
    timeout: 20_000,
  });
  await strip.focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.locator(".strip-tip")).toHaveText(/^Layer 0, All layers: adder moved [\d.]+ % from base\.$/);
  const words = await page.locator(".strip-tip").textContent();
  // The menu gives the strip the focus back when it is closed; keys pressed before that are the menu's.
  const choose = async (name: string) => {
    await expect(strip).toBeFocused();
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem", { name }).press("Enter");
    await expect(page.getByRole("menu")).toHaveCount(0);
    await expect(strip).toBeFocused();
  };
  await choose("Drop adder");
  const curve = page.getByRole("slider", { name: "All layers, A adder, weight" });
  const read = async () => {
    await curve.focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    return curve.getAttribute("aria-valuetext");
  };
  expect(await read()).toMatch(/, 0$/);
  await page.getByRole("button", { name: "Undo" }).click();
  expect(await read()).toMatch(/, 1$/);
  // A locked layer keeps its value, of whatever is done to it.
  await strip.focus();
  await choose("Lock layer 0 in all lanes");
  await choose("Drop adder");
  expect(await read()).toMatch(/, 1/);
  await page.getByRole("button", { name: "Unlock all (1)" }).click();
  // By mouse, on the second model's row.
  const box = (await strip.boundingBox())!;
  await page.mouse.click(box.x + box.width * 0.5, box.y + 18);
  await page.getByRole("menuitem", { name: "Boost reverser" }).click();
  await page.getByRole("button", { name: "Recipe", exact: true }).click();
  await expect(page.getByRole("textbox", { name: "Recipe in YAML" })).toContainText("0.5");
  await page.getByRole("button", { name: "Undo" }).click();
  await page.waitForTimeout(700);
  // The figures of this party are kept, once, whatever was drawn meanwhile.
  const kept = await page.evaluate(
    () =>
      new Promise<number>((resolve, reject) => {
        const opening = indexedDB.open("keyval-store");
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const keys = opening.result.transaction("keyval").objectStore("keyval").getAllKeys();
          keys.onsuccess = () => resolve(keys.result.filter((key) => String(key).startsWith("heat ")).length);
        };
      }),
  );
  expect(kept).toBe(1);
  await page.reload();
  await expect(strip).toBeVisible({ timeout: 20_000 });
  await strip.focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.locator(".strip-tip")).toHaveText(words ?? "");
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Inspect adder here" }).click();
  await expect(panel(page)).toContainText("model.layers.0.");
});

for (const theme of ["dark", "light"] as const) {
  test(`no accessibility violations, ${theme}`, async ({ page }) => {
    await reloadIn(page, theme);
    const scan = (part?: string) => violations(page, part);
    await loadSamples(page);
    const strip = page.getByRole("button", { name: "Weights compared, All layers" });
    await expect(strip).toBeVisible({ timeout: 20_000 });
    await strip.focus();
    expect(await scan()).toEqual([]);
    await page.keyboard.press("Enter");
    expect(await scan(".strip-menu")).toEqual([]);
    await page.keyboard.press("Escape");
    await expect(strip).toBeFocused();
    await openInspector(page);
    await grid(page).focus();
    await page.keyboard.press("ArrowDown");
    await expect(panel(page).getByRole("img")).toHaveCount(2);
    expect(await scan()).toEqual([]);
    await page.getByRole("button", { name: "Heat map" }).click();
    await expect(page.locator(".legend")).toBeVisible();
    expect(await scan()).toEqual([]);
    await page.getByRole("button", { name: "Metadata", exact: true }).click();
    await expect(page.getByRole("region", { name: "config.json" })).toContainText("model_type");
    expect(await scan()).toEqual([]);
  });
}
