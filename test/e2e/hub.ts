/** What the browser tests of the Hub do alike: add models by their names, write a recipe, merge, look at what was made. */
import { expect, type Page } from "@playwright/test";
import { mockHub } from "./mock.ts";
import { method, writeRecipe } from "./page.ts";

export const words = (page: Page) => page.getByRole("combobox", { name: "Find models on the Hub" });
export const row = (page: Page, name: string) => page.getByRole("option", { name: new RegExp(`^${name}\\b`) });
export const card = (page: Page, name: string) => page.locator(`[data-card="${name}"]`);
export const bytesOf = async () => (await mockHub.log()).reduce((sum, { bytes }) => sum + bytes, 0);

export async function openSheet(page: Page): Promise<void> {
  await page.getByRole("button", { name: "From the Hub" }).click();
  await expect(words(page)).toBeFocused();
}

/** Adds models by their whole names, with keys alone. */
export async function add(page: Page, ...names: string[]): Promise<void> {
  await openSheet(page);
  for (const name of names) {
    await words(page).fill(name);
    await expect(row(page, name).first()).toHaveAttribute("aria-selected", "true");
    await page.keyboard.press("Enter");
    await expect(row(page, name).first()).toContainText("open");
  }
  await page.keyboard.press("Escape");
}

/** The weights of a merge in the picked folder, as a digest; the header before them holds the recipe, and with it the models' names. */
export const digest = (page: Page, folder: string) =>
  page.evaluate(async (name) => {
    const picked = await (await navigator.storage.getDirectory()).getDirectoryHandle("picked");
    const made = await picked.getDirectoryHandle(name);
    const file = await (await made.getFileHandle("model.safetensors")).getFile();
    const header = new DataView(await file.slice(0, 8).arrayBuffer()).getUint32(0, true);
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.slice(8 + header).arrayBuffer()));
    return [...sum].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }, folder);

export const recipe = (where: string) =>
  `merge_method: ties\nbase_model: ${where}base\nmodels:\n${["adder", "sorter"]
    .map((name) => `  - model: ${where}${name}\n    parameters:\n      weight: 0.5\n      density: 0.6\n`)
    .join("")}`;

/** Into the open recipe drawer, in place of what is there. */
export async function write(page: Page, text: string): Promise<void> {
  await writeRecipe(page, text);
  await expect(method(page)).toHaveText("TIES");
}

export async function start(page: Page, title: string): Promise<void> {
  await page.getByRole("textbox", { name: "Name of this mix" }).fill(title);
  await page.getByRole("combobox", { name: "Compute on" }).selectOption("cpu");
  const dismiss = page.locator(".result").getByRole("button", { name: /Close the report/ });
  if ((await dismiss.count()) > 0) await dismiss.first().click();
  await page.getByRole("button", { name: "Merge", exact: true }).click();
}

export async function merge(page: Page, title: string): Promise<void> {
  await start(page, title);
  await expect(page.getByRole("heading", { name: "Merged and checked" })).toBeVisible({ timeout: 30_000 });
}

/** Whether a folder of the picked one could be taken for a finished model. */
export const looksComplete = (page: Page, folder: string) =>
  page.evaluate(async (name) => {
    const picked = await (await navigator.storage.getDirectory()).getDirectoryHandle("picked");
    const made = await picked.getDirectoryHandle(name).catch(() => null);
    if (made === null) return false;
    const has = (file: string) =>
      made.getFileHandle(file).then(
        () => true,
        () => false,
      );
    return (await has("config.json")) || (await has("model.safetensors.index.json"));
  }, folder);
