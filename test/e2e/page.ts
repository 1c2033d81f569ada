/** What the browser tests do alike: fail on what the page throws, open the samples, look for accessibility violations. */
import AxeBuilder from "@axe-core/playwright";
import { expect, type Locator, type Page } from "@playwright/test";

export function stopOnErrors(page: Page): void {
  page.on("pageerror", (error) => {
    throw error;
  });
}

/** Pickers cannot be driven; a folder of private storage has the same interface. */
export async function pickPrivately(page: Page): Promise<void> {
  await page.addInitScript(() => {
    window.showDirectoryPicker = async () =>
      (await navigator.storage.getDirectory()).getDirectoryHandle("picked", { create: true });
  });
}

export async function loadSamples(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Try the sample family" }).click();
  // They are opened one after the other, and what can be planned before the last is not the sample mix yet.
  await expect(page.locator("[data-card]")).toHaveCount(4);
  await expect(page.getByRole("button", { name: "Merge", exact: true })).toBeEnabled();
}

/** Opens the page anew in a theme. */
export async function reloadIn(page: Page, theme: "dark" | "light"): Promise<void> {
  await page.evaluate((wanted) => localStorage.setItem("weightloom-theme", wanted), theme);
  await page.reload();
}

/** What axe finds wrong in a part of the page. */
export async function violations(page: Page, part = "html"): Promise<string[]> {
  const found = await new AxeBuilder({ page }).include(part).analyze();
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

export const openInspector = (page: Page) => page.getByRole("tab", { name: "Inspect" }).click();

/** The inspector's table. */
export const grid = (page: Page) => page.getByRole("grid", { name: "Tensors" });

/** Shows the method that is chosen, and opens the list of them. */
export const method = (page: Page) => page.getByRole("button", { name: /^Merge method/ });

/** Finds a method by typing and takes it. */
export async function choose(page: Page, title: string): Promise<void> {
  await method(page).click();
  await page.getByRole("combobox", { name: "Find a method" }).fill(title);
  await page.keyboard.press("Enter");
  await expect(method(page)).toHaveText(title);
}

/** The recipe's text, which is shown where it is not yet. */
export async function openRecipe(page: Page): Promise<Locator> {
  const editor = page.getByRole("textbox", { name: "Recipe in YAML" });
  if (!(await editor.isVisible())) await page.getByRole("button", { name: "Recipe", exact: true }).click();
  return editor;
}

/**
 * Writes over the open recipe as a person does. Playwright's `fill` selects behind the editor's back: where the editor
 * draws anew before it is told of that, its own cursor is back, and the text comes beside the old one.
 */
export async function writeRecipe(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "Recipe in YAML" }).press("Control+a");
  await page.keyboard.insertText(text);
}
