/** The Stack board, the models on the left and the doctor, by mouse and by keyboard. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect, type Locator, type Page, test } from "@playwright/test";
import { loadSamples, pickPrivately, stopOnErrors } from "./page.ts";

const root = join(import.meta.dirname, "../..");
const samples = join(root, "public/samples");
const golden = join(root, "test/golden/models");

test.beforeEach(async ({ page }) => {
  stopOnErrors(page);
  await pickPrivately(page);
  await page.goto("/");
});

const mergeButton = (page: Page) => page.getByRole("button", { name: "Merge", exact: true });

async function openStack(page: Page): Promise<void> {
  await loadSamples(page);
  await page.getByRole("tab", { name: "Stack" }).click();
  await expect(page.getByRole("region", { name: "Stack board" })).toBeVisible();
}

async function dropFiles(page: Page, ...files: string[]): Promise<void> {
  const client = await page.context().newCDPSession(page);
  for (const type of ["dragEnter", "dragOver", "drop"] as const)
    await client.send("Input.dispatchDragEvent", {
      type,
      x: 700,
      y: 400,
      data: { items: [], files, dragOperationsMask: 1 },
    });
}

async function recipe(page: Page): Promise<string> {
  const drawer = page.getByRole("button", { name: "Recipe", exact: true });
  await drawer.click();
  const text = await page.locator(".cm-content").innerText();
  await drawer.click();
  return text;
}

async function typeRecipe(page: Page, yaml: string): Promise<void> {
  const drawer = page.getByRole("button", { name: "Recipe", exact: true });
  await drawer.click();
  await page.locator(".cm-content").click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.evaluate((text) => {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    document.activeElement?.dispatchEvent(
      new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }),
    );
  }, yaml);
  await page.waitForTimeout(600);
  await drawer.click();
}

const slices = (page: Page) => page.locator("[data-slice]");
const said = (page: Page) => slices(page).evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
const layersOf = (page: Page, model: string) => page.getByRole("listbox", { name: new RegExp(`^Layers of ${model}:`) });
const layer = (page: Page, model: string, n: number) => layersOf(page, model).getByRole("option").nth(n);

async function dragTo(page: Page, from: Locator, x: number, y: number): Promise<void> {
  const box = (await from.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(x, y, { steps: 8 });
  await page.mouse.up();
}

async function middle(of: Locator): Promise<{ x: number; y: number }> {
  const box = (await of.boundingBox())!;
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

test("by mouse: runs are dragged out, dropped between, moved, resized; the recipe says so and undo goes back", async ({
  page,
}) => {
  await openStack(page);
  const stack = page.getByRole("region", { name: "The stack" });
  // Choose layers 0 to 5 of the adder, and carry them over.
  const fifth = await middle(layer(page, "adder", 5));
  await dragTo(page, layer(page, "adder", 0), fifth.x, fifth.y);
  const target = await middle(stack);
  await dragTo(page, layer(page, "adder", 2), target.x, target.y);
  await expect(slices(page)).toHaveCount(1);
  // The sorter's last three go before it.
  const last = await middle(layer(page, "sorter", 7));
  await dragTo(page, layer(page, "sorter", 5), last.x, last.y);
  const first = (await slices(page).first().boundingBox())!;
  await dragTo(page, layer(page, "sorter", 6), first.x + 80, first.y + 4);
  expect(await said(page)).toEqual([
    "Slice 1 of 2: sorter, layers 5 to 7, 3 layers, layers 0 to 2 of the result",
    "Slice 2 of 2: adder, layers 0 to 5, 6 layers, layers 3 to 8 of the result",
  ]);
  // The grip moves the second above the first.
  const top = (await slices(page).first().boundingBox())!;
  await dragTo(page, page.getByRole("button", { name: /^Slice 2 of 2/ }), top.x + 80, top.y + 3);
  expect((await said(page))[0]).toContain("Slice 1 of 2: adder");
  // The lower end of the first is pulled up by two layers.
  const edge = slices(page).first().locator(".slice-edge").last();
  const at = await middle(edge);
  await dragTo(page, edge, at.x, at.y - 2 * 24);
  expect((await said(page))[0]).toContain("adder, layers 0 to 3, 4 layers");
  await page.getByRole("button", { name: "Duplicate slice 1" }).click();
  await expect(page.getByLabel("The result", { exact: true })).toContainText("11 layers");
  expect(await recipe(page)).toContain("layer_range: [0, 4]");
  await expect(mergeButton(page)).toBeEnabled();
  await expect(page.locator(".plan")).toContainText("11 layers");
  // Escape takes a drag back.
  const grip = await middle(page.getByRole("button", { name: /^Slice 3 of 3/ }));
  const before = await said(page);
  await page.mouse.move(grip.x, grip.y);
  await page.mouse.down();
  await page.mouse.move(top.x + 80, top.y + 3, { steps: 5 });
  await page.keyboard.press("Escape");
  await page.mouse.up();
  expect(await said(page)).toEqual(before);
  for (let i = 0; i < 5; i++) await page.getByRole("button", { name: "Undo" }).click();
  await expect(slices(page)).toHaveCount(0);
  expect(await recipe(page)).toContain("task_arithmetic");
});

test("by keyboard alone: choose, add, move, resize, scale, silence, remove", async ({ page }) => {
  await openStack(page);
  await layersOf(page, "adder").focus();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.press("Enter");
  await layersOf(page, "sorter").focus();
  await page.keyboard.press("End");
  await page.keyboard.press("Shift+ArrowUp");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("status").filter({ hasText: "Added" })).toHaveText(
    "Added layers 6 to 7, 2 layers of sorter as slice 2 of 2. The stack has 10 layers.",
  );
  const grip = (n: number) => page.getByRole("button", { name: new RegExp(`^Slice ${n} of`) });
  await grip(2).focus();
  await page.keyboard.press("ArrowUp");
  await expect(grip(1)).toBeFocused();
  expect((await said(page))[0]).toContain("sorter");
  await page.getByRole("textbox", { name: "First layer of slice 1" }).fill("3");
  await page.keyboard.press("Enter");
  await page.getByRole("textbox", { name: "Last layer of slice 2, included" }).focus();
  await page.keyboard.press("ArrowDown");
  expect(await said(page)).toEqual([
    "Slice 1 of 2: sorter, layers 3 to 7, 5 layers, layers 0 to 4 of the result",
    "Slice 2 of 2: adder, layers 0 to 6, 7 layers, layers 5 to 11 of the result",
  ]);
  await page.getByRole("textbox", { name: "scale of slice 2" }).fill("0.9");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /^Silence slice 1/ }).press("Enter");
  const text = await recipe(page);
  expect(text).toContain("scale: 0.9");
  expect(text).toMatch(/filter: o_proj\s+value: 0/);
  await page.getByRole("textbox", { name: "scale of slice 1 for down_proj" }).fill("0.5");
  await page.keyboard.press("Enter");
  expect(await recipe(page)).toMatch(/filter: down_proj\s+value: 0\.5/);
  await grip(1).focus();
  await page.keyboard.press("Delete");
  await expect(slices(page)).toHaveCount(1);
  await page.keyboard.press("ControlOrMeta+z");
  await expect(slices(page)).toHaveCount(2);
});

test("a recipe typed in is the board; what is wrong with it is explained and mended", async ({ page }) => {
  await openStack(page);
  await typeRecipe(
    page,
    "merge_method: passthrough\nslices:\n  - sources:\n      - {model: adder, layer_range: [4, 12]}\n  - sources:\n      - {model: sorter, layer_range: [0, 8], parameters: {scale: [{filter: o_proj, value: 0.5}, {value: 1}]}}\n",
  );
  expect(await said(page)).toEqual([
    "Slice 1 of 2: adder, layers 4 to 11, 8 layers, layers 0 to 7 of the result",
    "Slice 2 of 2: sorter, layers 0 to 7, 8 layers, layers 8 to 15 of the result",
  ]);
  await expect(slices(page).first()).toContainText(
    "adder has 8 layers, 0 to 7; layers 4 to 11, 8 layers go beyond the last.",
  );
  await expect(page.getByRole("textbox", { name: "scale of slice 2 for o_proj" })).toHaveValue("0.5");
  await page.getByRole("button", { name: "Cut to the model" }).click();
  expect((await said(page))[0]).toContain("adder, layers 4 to 7, 4 layers");
  await expect(mergeButton(page)).toBeEnabled();
  // Slices of two models, merged: sources are shown and stay of one length.
  await page.getByRole("combobox", { name: "How each slice is made" }).selectOption("linear");
  for (const n of [1, 2]) {
    await page.getByRole("button", { name: `Merge a model into slice ${n}` }).click();
    await page.getByRole("menuitem", { name: /reverser/ }).click();
  }
  await page.getByRole("textbox", { name: "Last layer of slice 1, source 2, included" }).fill("5");
  await page.keyboard.press("Enter");
  expect((await said(page))[0]).toContain(
    "adder, layers 4 to 5, 2 layers merged with reverser, layers 4 to 5, 2 layers",
  );
  await expect(mergeButton(page)).toBeEnabled();
  await expect(page.locator(".plan")).toContainText("10 layers");
});

test("well-known stacks are a click away, and a stack merges to the layers it shows", async ({ page }) => {
  await openStack(page);
  await page.getByRole("button", { name: "Start from ..." }).click();
  await page.getByRole("menuitem", { name: /Passthrough 9B/ }).click();
  await expect(page.getByLabel("The result", { exact: true })).toContainText("10 layers");
  await page.getByRole("tab", { name: "Mix" }).click();
  await page.getByRole("button", { name: "Stack board" }).click();
  await expect(slices(page)).toHaveCount(2);
  await mergeButton(page).click();
  await expect(page.getByRole("heading", { name: "Merged and checked" })).toBeVisible({ timeout: 30_000 });
  await page.getByRole("button", { name: "Merge whole models instead" }).click();
  await expect(slices(page)).toHaveCount(0);
  await expect(mergeButton(page)).toBeEnabled();
});

test("models: many at once, cards that say what they are, order by drag and by keys, closed and taken back", async ({
  page,
}) => {
  await dropFiles(page, join(samples, "base"), join(samples, "adder"), join(samples, "sorter"));
  const names = page.locator(".card-name");
  await expect(names).toHaveText(["base", "adder", "sorter"]);
  const card = page.locator('[data-card="adder"]');
  for (const fact of ["Llama", "821 K", "8 layers", "BF16", "1.65 MB", "apache-2.0", "tokenizer ", "folder adder"])
    await expect(card).toContainText(fact);
  const above = (await card.boundingBox())!;
  await dragTo(page, page.locator('[data-card="sorter"] .card-name'), above.x + 40, above.y + 4);
  await expect(names).toHaveText(["base", "sorter", "adder"]);
  await page.getByRole("button", { name: /^B adder, 2 of 2/ }).focus();
  await page.keyboard.press("ArrowUp");
  await expect(names).toHaveText(["base", "adder", "sorter"]);
  await page.getByRole("button", { name: "Actions for sorter" }).click();
  await page.getByRole("menuitem", { name: "Make it the base" }).click();
  await expect(names).toHaveText(["sorter", "base", "adder"]);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("button", { name: "Actions for adder" }).click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  await page.getByRole("textbox", { name: "New name of adder" }).fill("sums");
  await page.keyboard.press("Enter");
  await expect(names).toHaveText(["base", "sums", "sorter"]);
  const before = await recipe(page);
  await page.getByRole("button", { name: "Actions for sums" }).click();
  await page.getByRole("menuitem", { name: "Close" }).click();
  await expect(names).toHaveText(["base", "sorter"]);
  await page.getByRole("button", { name: "Open again" }).click();
  await expect(names).toHaveText(["base", "sums", "sorter"]);
  expect(await recipe(page)).toBe(before);
});

test("models come back after a reload when the browser is asked again", async ({ page }) => {
  const files = ["base", "sorter"].flatMap((model) =>
    readdirSync(join(samples, model)).map((name) => ({
      model,
      name,
      base64: readFileSync(join(samples, model, name)).toString("base64"),
    })),
  );
  await page.evaluate(async (all) => {
    const picked = await (await navigator.storage.getDirectory()).getDirectoryHandle("picked", { create: true });
    for (const { model, name, base64 } of all) {
      const folder = await picked.getDirectoryHandle(model, { create: true });
      const writable = await (await folder.getFileHandle(name, { create: true })).createWritable();
      await writable.write(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
      await writable.close();
    }
  }, files);
  await page.getByRole("button", { name: "Folder" }).click();
  await expect(page.locator(".card-name")).toHaveText(["base", "sorter"]);
  await page.waitForTimeout(700);
  await page.reload();
  await expect(page.getByText("2 models were open when you were here last")).toBeVisible();
  await page.getByRole("button", { name: "Reopen" }).click();
  await expect(page.locator(".card-name")).toHaveText(["base", "sorter"]);
  await expect(mergeButton(page)).toBeEnabled();
});

const verdict = (page: Page) => page.getByRole("region", { name: "Can these merge?" });

test("the doctor: yes with reasons and relatives; a fix with one click; who was trained apart", async ({ page }) => {
  await loadSamples(page);
  await expect(verdict(page)).toContainText("Yes.");
  await expect(verdict(page)).toContainText("All are Llama with 8 layers.");
  await expect(verdict(page)).toContainText("Licence of the result: apache-2.0, as of all.");
  const took = await verdict(page).locator(".verdict-head").getAttribute("title");
  expect(Number(/in (\d+) ms/.exec(took ?? "")?.[1])).toBeLessThan(1000);
  await verdict(page).getByText("Do they share an ancestor?").click();
  await expect(verdict(page)).toContainText(/adder and base share an ancestor: cosine 0\.\d+, change \d/);
  for (const name of ["base", "adder", "reverser", "sorter"]) {
    await page.getByRole("button", { name: `Actions for ${name}` }).click();
    await page.getByRole("menuitem", { name: "Close" }).click();
  }
  await dropFiles(page, join(golden, "tok-base"), join(golden, "tok-other"));
  await expect(page.locator(".card-name")).toHaveText(["tok-base", "tok-other"]);
  await expect(verdict(page)).toContainText("Yes, after a fix.");
  await expect(verdict(page)).toContainText("tok-base has 40 tokens, tok-other has 48 tokens");
  await expect(verdict(page)).toContainText("Licence not known: tok-base and tok-other.");
  await expect(verdict(page)).toContainText("tok-other and tok-base were trained apart");
  await verdict(page).getByRole("button", { name: "Line up by token" }).click();
  await expect(verdict(page).locator(".verdict-head")).toHaveText("Yes.");
  expect(await recipe(page)).toContain("source: union");
});

test("the doctor says no where layers do not fit, and takes the model out", async ({ page }) => {
  const work = mkdtempSync(join(tmpdir(), "weightloom-doctor-"));
  try {
    const other = join(work, "wide");
    mkdirSync(other);
    for (const name of readdirSync(join(samples, "sorter")))
      writeFileSync(join(other, name), readFileSync(join(samples, "sorter", name)));
    const config = JSON.parse(readFileSync(join(other, "config.json"), "utf8"));
    writeFileSync(join(other, "config.json"), JSON.stringify({ ...config, hidden_size: 2 * config.hidden_size }));
    await dropFiles(page, join(samples, "base"), join(samples, "adder"), other);
    await expect(verdict(page).locator(".verdict-head")).toHaveText("No.");
    await expect(verdict(page)).toContainText("so no layer of one fits the other");
    await verdict(page).getByRole("button", { name: "Take wide out" }).click();
    await expect(verdict(page).locator(".verdict-head")).toHaveText("Yes.");
  } finally {
    rmSync(work, { recursive: true });
  }
});

for (const theme of ["dark", "light"] as const) {
  test(`axe finds nothing on the board, the cards and the verdict, ${theme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme });
    await page.reload();
    await openStack(page);
    const check = async () => {
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(
        violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`),
      ).toEqual([]);
    };
    await check();
    await layersOf(page, "adder").focus();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: /^Silence slice 1/ }).click();
    await check();
    await typeRecipe(
      page,
      "merge_method: linear\nslices:\n  - sources:\n      - {model: adder, layer_range: [4, 12], parameters: {weight: 1}}\n      - {model: base, layer_range: [4, 12], parameters: {weight: [0, 1]}}\n",
    );
    await expect(slices(page).first()).toContainText("go beyond the last");
    await verdict(page).getByText("Do they share an ancestor?").click();
    await page.getByRole("button", { name: "Actions for sorter" }).click();
    await page.getByRole("menuitem", { name: "Close" }).click();
    await check();
  });
}

test("the board is usable at 1024", async ({ page }) => {
  await page.setViewportSize({ width: 1024, height: 768 });
  await openStack(page);
  await page.getByRole("button", { name: "Start from ..." }).click();
  await page.getByRole("menuitem", { name: /self-merge/ }).click();
  await expect(slices(page)).toHaveCount(7);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide).toBeLessThanOrEqual(1024);
  const board = (await page.getByRole("region", { name: "The stack" }).boundingBox())!;
  expect(board.x + board.width).toBeLessThanOrEqual(1024 - 240);
});
