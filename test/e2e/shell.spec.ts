/** Around the views, in real Chromium: history, links, palette and keys, tour, help, recipe drawer, runs, offline. */
import AxeBuilder from "@axe-core/playwright";
import { type BrowserContext, expect, type Page, test } from "@playwright/test";
import { loadSamples, method, pickPrivately } from "./page.ts";

test.use({ permissions: ["clipboard-read", "clipboard-write"] });

/** Faults that nothing on the page shows; looked at when the test ends. */
let faults: string[] = [];

function prepare(page: Page): void {
  page.on("pageerror", (error) => faults.push(error.message));
}

test.beforeEach(async ({ page }) => {
  faults = [];
  prepare(page);
  await pickPrivately(page);
  await page.goto("/");
});

test.afterEach(() => expect(faults).toEqual([]));

/** Types into the palette and takes the first that fits. */
async function act(page: Page, words: string): Promise<void> {
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Find an action" }).fill(words);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Find an action" })).toBeHidden();
}

const message = (page: Page) => page.locator(".message");

/** No violations of what is shown, in both themes. */
async function accessible(page: Page): Promise<void> {
  for (const theme of ["light", "dark"]) {
    await page.evaluate((to) => {
      document.documentElement.dataset.theme = to;
    }, theme);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${theme} ${id}: ${nodes[0]?.html}`)).toEqual([]);
  }
}

test("every step is listed in words, and any of them is a press away", async ({ page }) => {
  await loadSamples(page);
  await act(page, "method: ties");
  await act(page, "write weights in bf16");
  await page.keyboard.press("h");
  const steps = page.getByRole("region", { name: "Steps" }).getByRole("button");
  await expect(steps).toHaveText([
    /^Weights BF16\s*now$/,
    "Method: TIES",
    "Name: Add, reverse, sort",
    /^Added base/,
    "Opened",
  ]);
  await steps.nth(2).click();
  await expect(method(page)).toHaveText("Task arithmetic");
  await expect(steps.nth(2)).toHaveAttribute("aria-current", "step");
  // What was undone is still there, and the keyboard reaches it.
  await steps.nth(0).focus();
  await page.keyboard.press("Enter");
  await expect(method(page)).toHaveText("TIES");
  await expect(page.getByRole("combobox", { name: "Weights in" })).toHaveValue("bfloat16");
  await accessible(page);
});

test("versions survive reloads; they are renamed, compared, restored as a step, deleted and brought back", async ({
  page,
}) => {
  await loadSamples(page);
  await page.getByRole("button", { name: "History" }).click();
  await page.getByRole("textbox", { name: "Name of the version" }).fill("Plain");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("button", { name: /^Plain/ })).toBeVisible();
  await act(page, "method: ties");
  await page.keyboard.press("Control+s");
  await expect(message(page).last()).toContainText('Saved as "Add, reverse, sort,');
  await page.reload();
  await expect(method(page)).toHaveText("TIES");
  await page.keyboard.press("h");
  await page.getByRole("button", { name: "Actions for version Plain" }).click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  await page.getByRole("textbox", { name: "New name of Plain" }).fill("As it began");
  await page.keyboard.press("Enter");

  await page.getByRole("button", { name: "Actions for version As it began" }).click();
  await page.getByRole("menuitem", { name: "Compare with now" }).click();
  const dialog = page.getByRole("dialog", { name: "Compare recipes" });
  await expect(dialog.locator("del")).toHaveText(/gone: merge_method: task_arithmetic/);
  await expect(dialog.locator("ins")).toHaveText(/new: merge_method: ties/);
  await expect(dialog.locator("mark")).toHaveText(["task_arithmetic", "ties"]);
  await accessible(page);
  await dialog.getByRole("button", { name: 'Restore "As it began"' }).click();
  await expect(method(page)).toHaveText("Task arithmetic");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(method(page)).toHaveText("TIES");

  await page.getByRole("button", { name: "Actions for version As it began" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await expect(page.getByRole("button", { name: "Actions for version As it began" })).toHaveCount(0);
  await page.getByRole("button", { name: "Bring it back" }).click();
  await expect(page.getByRole("button", { name: "Actions for version As it began" })).toBeVisible();
});

async function linkOf(page: Page): Promise<string> {
  await page.getByRole("button", { name: "Share" }).click();
  await expect(message(page).last()).toContainText("Link copied");
  return page.evaluate(() => navigator.clipboard.readText());
}

/** Somebody else's browser: nothing stored, nothing open. */
async function stranger(context: BrowserContext, address: string): Promise<Page> {
  const page = await context.newPage();
  prepare(page);
  await page.addInitScript(() => localStorage.setItem("weightloom-tour", "seen"));
  await page.goto(address);
  return page;
}

test("a link says what it would do and what is missing, and starts nothing", async ({ page, browser, baseURL }) => {
  await loadSamples(page);
  await act(page, "method: ties");
  const link = await linkOf(page);
  expect(link).toMatch(new RegExp(`^${baseURL}#recipe=[\\w-]+$`));
  const context = await browser.newContext({ serviceWorkers: "block" });
  const other = await stranger(context, link);
  const dialog = other.getByRole("dialog", { name: "Shared with you: Add, reverse, sort" });
  await expect(dialog).toContainText('Merges 3 models on the base "base" with TIES.');
  await expect(dialog.getByRole("listitem")).toHaveText([
    /base.*not open/,
    /adder.*not open/,
    /reverser.*not open/,
    /sorter.*not open/,
  ]);
  expect(other.url()).toBe(baseURL);
  await accessible(other);
  // Left alone it changes nothing.
  await dialog.getByRole("button", { name: "Leave it" }).click();
  await expect(other.getByLabel("Name of this mix")).toHaveValue("Untitled mix");
  // The same address in the same tab asks again; taken, the recipe waits for its models.
  await other.goto(link);
  await other.getByRole("button", { name: "Use this recipe" }).click();
  await expect(other.locator(".welcome-waiting")).toContainText("base, adder, reverser, sorter");
  await expect(other.locator(".cm-content")).toContainText("merge_method: ties");
  await loadSamples(other);
  await expect(method(other)).toHaveText("TIES");
  await expect(other.getByLabel("Name of this mix")).toHaveValue("Add, reverse, sort");
  await context.close();
});

test("links that are broken, huge or no recipe are a sentence, and nothing changes", async ({
  page,
  browser,
  baseURL,
}) => {
  await loadSamples(page);
  const link = await linkOf(page);
  const context = await browser.newContext({ serviceWorkers: "block" });
  const other = await stranger(context, baseURL!);
  const packed = (json: unknown) =>
    other.evaluate(async (text) => {
      const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
      const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
      return btoa(String.fromCharCode(...bytes))
        .replaceAll("+", "-")
        .replaceAll("/", "_")
        .replace(/=+$/, "");
    }, JSON.stringify(json));
  const bomb = await packed({ v: 1, title: "x", recipe: "a".repeat(5_000_000) });
  for (const [fragment, words] of [
    [link.slice(link.indexOf("#"), -9), "probably cut on its way"],
    ["#recipe=not%20ours", "characters that no link of ours has"],
    [`#recipe=${"A".repeat(90_000)}`, "has 90,000 characters"],
    [`#recipe=${bomb}`, "unpacks to more than 1,000,000 bytes"],
  ]) {
    await other.goto(`${baseURL}${fragment}`);
    await expect(message(other).filter({ hasText: words! })).toContainText("Nothing was changed.");
  }
  await other.goto(
    `${baseURL}#recipe=${await packed({ v: 1, title: "Odd", recipe: "merge_method: tise\nmodels: [{model: a}, {model: b}]\n" })}`,
  );
  await expect(other.getByRole("dialog")).toContainText('Line 1: Unknown merge_method "tise"');
  await expect(other.getByRole("button", { name: "Use this recipe" })).toHaveCount(0);
  await context.close();
});

test("the palette finds every action by keyboard, and says why one cannot be done", async ({ page }) => {
  await page.keyboard.press("Control+k");
  const search = page.getByRole("combobox", { name: "Find an action" });
  await expect(search).toBeFocused();
  await accessible(page);
  await search.fill("merge folder");
  await expect(page.getByRole("option", { name: /^Merge to a folder/ })).toContainText("There is no plan");
  await expect(page.getByRole("option", { name: /^Merge to a folder/ })).toHaveAttribute("aria-disabled", "true");
  await search.fill("smpl fmly");
  await expect(page.getByRole("option").first()).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Merge", exact: true })).toBeEnabled();
  await act(page, "start from ties");
  await expect(method(page)).toHaveText("TIES");
  await act(page, "dark theme");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await act(page, "make sorter the base");
  await expect(page.locator(".card-head").first()).toContainText("sorter");
  await act(page, "begin a stack with all of base");
  await expect(page.getByRole("region", { name: "The stack" })).toContainText("layers 0 to 7 of the result");
  await act(page, "duplicate slice 1");
  await act(page, "stack all layers of adder");
  await act(page, "move slice 3 up");
  await act(page, "remove slice 1");
  await expect(page.getByRole("listitem", { name: /^Slice 1 of 2: adder/ })).toBeVisible();
  await act(page, "merge whole models instead");
  await act(page, "show the heat map");
  await expect(page.getByRole("grid", { name: "Relative change" })).toBeVisible();
  await act(page, "inspect reverser");
  await expect(page.getByRole("combobox", { name: "Model", exact: true })).toHaveValue("reverser");
  await act(page, "go to runs");
  await expect(page.getByRole("tab", { name: "Runs" })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Control+k");
  await page.keyboard.press("Escape");
  await expect(search).toBeHidden();
});

test("the map lists the keys that work; single letters keep out of text and can be switched off", async ({ page }) => {
  await page.keyboard.press("?");
  const map = page.getByRole("dialog", { name: "Keyboard map" });
  await expect(map.getByRole("region", { name: "Page" })).toContainText("Find an action");
  await expect(map.getByRole("region", { name: "Slices" })).toContainText("Make it the first, the last");
  await accessible(page);
  await page.keyboard.press("Escape");
  await page.keyboard.press("r");
  await expect(page.getByRole("region", { name: "Recipe" })).toBeVisible();
  await page.keyboard.press("r");
  await expect(page.getByRole("region", { name: "Recipe" })).toBeHidden();
  await page.keyboard.press("4");
  await expect(page.getByRole("tab", { name: "Runs" })).toHaveAttribute("aria-selected", "true");
  // In a text field a letter is a letter.
  await page.getByLabel("Name of this mix").fill("");
  await page.keyboard.type("rh?");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Name of this mix")).toHaveValue("rh?");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.getByRole("button", { name: "Help" }).click();
  await page.getByRole("menuitem", { name: "Keyboard map" }).click();
  await map.getByRole("switch", { name: "Single letters start actions" }).click();
  await page.keyboard.press("Escape");
  await page.reload();
  await expect(page.getByLabel("Name of this mix")).toHaveValue("rh?");
  await page.keyboard.press("h");
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: "Find an action" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("region", { name: "History" })).toHaveCount(0);
});

test.describe("the first visit", () => {
  test.use({ storageState: { cookies: [], origins: [] } });

  test("brings a tour of four steps beside a page that works; it comes once, and again from help", async ({ page }) => {
    const tour = page.locator(".tour");
    await expect(tour).toContainText("1 of 4");
    await expect(page.getByRole("button", { name: "Next" })).toBeFocused();
    await accessible(page);
    for (const n of [2, 3, 4]) {
      await page.keyboard.press("Enter");
      await expect(tour).toContainText(`${n} of 4`);
    }
    // The page behind it can be used.
    await page.getByRole("button", { name: "Try the sample family" }).click();
    await expect(page.getByRole("button", { name: "Merge", exact: true })).toBeEnabled();
    await expect(tour).toContainText("4 of 4");
    await page.getByRole("button", { name: "Done" }).click();
    await expect(tour).toHaveCount(0);
    await page.reload();
    await expect(method(page)).toBeVisible();
    await expect(tour).toHaveCount(0);
    await page.getByRole("button", { name: "Help" }).click();
    await page.getByRole("menuitem", { name: "Take the tour" }).click();
    await expect(tour).toContainText("1 of 4");
    await page.keyboard.press("Escape");
    await expect(tour).toHaveCount(0);
  });
});

test("terms and fields explain themselves on hover and on focus", async ({ page }) => {
  await loadSamples(page);
  await act(page, "method: dare-ties");
  const tip = page.getByRole("tooltip");
  const term = page.getByRole("button", { name: "Vocabulary", exact: true });
  await term.hover();
  await expect(tip).toContainText("All tokens a model knows.");
  await page.mouse.move(700, 850, { steps: 6 });
  await expect(tip).toHaveCount(0);
  await term.focus();
  await expect(tip).toContainText("All tokens a model knows.");
  await page.keyboard.press("Escape");
  await expect(tip).toHaveCount(0);
  const lambda = page.getByRole("textbox", { name: "lambda" });
  await expect(lambda).toHaveAccessibleDescription(/.{20,}/);
  await page.keyboard.press("Tab");
  await lambda.focus();
  await expect(tip).toBeVisible();
  await page.getByRole("button", { name: "Help" }).click();
  await page.getByRole("menuitem", { name: "Glossary" }).click();
  await page.getByRole("textbox", { name: "Find a term" }).fill("task vec");
  await expect(page.getByRole("dialog", { name: "Glossary" }).locator("dt").first()).toHaveText("task vector");
  await accessible(page);
});

test("the recipe completes by place, explains on hover, and names lines", async ({ page }) => {
  await loadSamples(page);
  await page.keyboard.press("r");
  const editor = page.locator(".cm-content");
  const offers = page.locator(".cm-tooltip-autocomplete li");
  /** Takes the first offer; the editor takes none in the first moment that a list is there. */
  const accept = async (first: RegExp) => {
    await expect(offers.first()).toHaveText(first);
    await page.waitForTimeout(150);
    await page.keyboard.press("Enter");
    await expect(offers).toHaveCount(0);
  };
  await editor.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("merge_method: dare_t");
  await accept(/^dare_ties/);
  await page.keyboard.insertText("\nbase_model: base\nmodels:\n  - model:");
  await page.keyboard.type(" ");
  await expect(offers).toHaveText(["base", "adder", "reverser", "sorter"]);
  await page.keyboard.type("add");
  await accept(/^adder/);
  await page.keyboard.insertText("\nparameters:\n  weight: 1\n");
  await page.keyboard.type("  dens");
  await accept(/^density/);
  await page.keyboard.type("2");
  const fault = page.locator(".fault");
  await expect(fault).toContainText(/Line 7\..*density/);
  await expect(page.locator(".faults")).toContainText("The mix stays as it was");
  await expect(method(page)).toHaveText("Task arithmetic");
  // What is not finished is there again after the drawer was closed.
  await page.getByRole("button", { name: "Close the recipe" }).click();
  await page.getByRole("button", { name: "Recipe", exact: true }).click();
  await expect(editor).toContainText("density: 2");
  await fault.first().click();
  await expect(editor).toBeFocused();
  await page.keyboard.press("End");
  await page.keyboard.press("Backspace");
  await page.keyboard.type("0.5");
  await expect(method(page)).toHaveText("DARE-TIES");
  await page.locator(".cm-line", { hasText: "merge_method" }).getByText("merge_method").hover();
  await expect(page.locator(".cm-tooltip-hover")).toContainText("How the models become one.");
  await accessible(page);
});

test("recipes are pasted anywhere; formatting keeps their comments", async ({ page }) => {
  const paste = (text: string) =>
    page.evaluate((data) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", data);
      document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }, text);
  await paste("just some words");
  await expect(page.getByRole("region", { name: "Recipe" })).toHaveCount(0);
  await paste(
    "# mine\nmerge_method:   linear\nmodels:\n- model: base # first\n  parameters: {weight: 0.5}\n- model: adder\n  parameters: {weight: [0,1]}\n",
  );
  const editor = page.locator(".cm-content");
  await expect(editor).toContainText("merge_method:   linear");
  await expect(page.locator(".welcome-waiting")).toContainText("base, adder");
  await page.getByRole("button", { name: "Format the recipe" }).click();
  await expect(editor).toContainText("merge_method: linear");
  await expect(editor).toContainText("# mine");
  await expect(editor).toContainText("- model: base # first");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download the recipe" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("Untitled-mix.yml");
  await paste("merge_method: linear\nmodels:\n- model: base\n  parameters: {wieght: 1}\n");
  await expect(message(page).last()).toContainText("What was pasted, line 3:");
});

test("the report is a line where somebody looks at something else, and whole again when asked for", async ({
  page,
}) => {
  await loadSamples(page);
  await page.getByRole("combobox", { name: "Compute on" }).selectOption("cpu");
  await page.getByRole("button", { name: "Merge", exact: true }).click();
  const report = page.getByRole("region", { name: "Result" });
  await expect(report).toContainText("Merged and checked", { timeout: 30_000 });
  await expect(report.getByRole("list", { name: "Files" })).toBeVisible();
  await page.getByRole("tab", { name: "Inspect" }).click();
  await expect(report.getByRole("list", { name: "Files" })).toHaveCount(0);
  await expect(page.getByRole("searchbox")).toBeInViewport();
  await accessible(page);
  await report.getByRole("button", { name: "Show the report" }).press("Enter");
  await expect(report.getByRole("list", { name: "Files" })).toBeVisible();
  await page.getByRole("tab", { name: "Mix" }).click();
  await expect(report.getByRole("list", { name: "Files" })).toHaveCount(0);
  await report.getByRole("button", { name: "Close the report" }).click();
  await expect(report).toHaveCount(0);
});

test("merges are written down, made again, and opened as models", async ({ page }) => {
  await loadSamples(page);
  await page.keyboard.press("4");
  await expect(page.getByRole("heading", { name: "No merge was made here yet" })).toBeVisible();
  await page.keyboard.press("Control+Enter");
  const run = page.locator(".run");
  await expect(run).toContainText("Checked, everything as planned", { timeout: 30_000 });
  await expect(run).toContainText("base, adder, reverser, sorter");
  await expect(run).toContainText("1.65 MB");
  await accessible(page);
  await act(page, "method: ties");
  await page.reload();
  await expect(method(page)).toHaveText("TIES");
  await page.keyboard.press("4");
  await run.getByRole("button", { name: "Open as a model" }).click();
  await expect(message(page).last()).toContainText("The result is open as Add, reverse, sort.");
  await expect(page.locator(".card-name").last()).toHaveText("Add, reverse, sort");
  await run.getByRole("button", { name: "Merge again" }).click();
  await expect(run).toHaveCount(2, { timeout: 30_000 });
  await expect(run.first()).toContainText("Task arithmetic");
  // To private storage; the open result there is not overwritten.
  await act(page, "merge, then download");
  await expect(run).toHaveCount(3, { timeout: 30_000 });
  await run.first().getByRole("button", { name: "Open as a model" }).click();
  await expect(page.locator(".card-name").last()).toHaveText("Add, reverse, sort-2");
  await act(page, "merge, then download");
  await expect(message(page).last()).toContainText("is read from private storage");
  await page.getByRole("button", { name: "More for the merge Add, reverse, sort" }).first().click();
  await page.getByRole("menuitem", { name: "Remove from the list" }).click();
  await expect(run).toHaveCount(2);
});

test("at 1024 the plan and its button are there beside the open drawer", async ({ page }) => {
  await page.setViewportSize({ width: 1024, height: 768 });
  await loadSamples(page);
  for (const name of ["Recipe", "History"]) {
    await page.getByRole("button", { name, exact: true }).click();
    await expect(page.getByRole("region", { name })).toBeVisible();
    await expect(page.getByRole("complementary", { name: "Plan" })).toBeInViewport();
    await expect(page.getByRole("button", { name: "Merge", exact: true })).toBeInViewport({ ratio: 1 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(1024);
    await accessible(page);
  }
  await page.getByRole("button", { name: "Merge", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Merged and checked" })).toBeVisible({ timeout: 30_000 });
});

test.describe("without a network", () => {
  test.use({ serviceWorkers: "allow" });

  test("the studio opens after the first visit, isolated as before, and no model was stored", async ({
    page,
    context,
  }) => {
    await page.evaluate(() => navigator.serviceWorker.ready);
    await loadSamples(page);
    const stored = await page.evaluate(async () => {
      const names = await caches.keys();
      const urls: string[] = [];
      for (const name of names) for (const { url } of await (await caches.open(name)).keys()) urls.push(url);
      return { names, urls };
    });
    expect(stored.names).toHaveLength(1);
    expect(stored.urls.length).toBeGreaterThan(15);
    expect(stored.urls.filter((url) => /samples|safetensors/.test(url))).toEqual([]);
    // Which models are open is remembered a moment after they are.
    await page.waitForTimeout(1000);
    await context.setOffline(true);
    await page.reload();
    await expect(page.getByLabel("Name of this mix")).toHaveValue("Add, reverse, sort");
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    // The samples are models: they are not kept, and that is said.
    await expect(message(page).first()).toContainText("sample");
    await page.keyboard.press("r");
    await expect(page.locator(".cm-content")).toContainText("task_arithmetic");
    await act(page, "keyboard map");
    await expect(page.getByRole("dialog", { name: "Keyboard map" })).toBeVisible();
    await context.setOffline(false);
  });
});

test("where the browser offers it, the studio is installed from the help menu, once", async ({ page, context }) => {
  const client = await context.newCDPSession(page);
  const { errors, data } = await client.send("Page.getAppManifest");
  expect(errors).toEqual([]);
  const { name, display, icons } = JSON.parse(data ?? "{}");
  expect([name, display]).toEqual(["Weightloom", "standalone"]);
  for (const { src } of icons) expect((await page.request.get(src)).ok(), src).toBe(true);
  const install = page.getByRole("menuitem", { name: "Install as an app" });
  await page.getByRole("button", { name: "Help" }).click();
  await expect(install).toHaveCount(0);
  await page.keyboard.press("Escape");
  // Headless browsers make no offer of their own; this is what one looks like.
  await page.evaluate(() => {
    const offer = Object.assign(new Event("beforeinstallprompt", { cancelable: true }), {
      prompt: async () => Object.assign(window, { asked: true }),
    });
    window.dispatchEvent(offer);
    if (!offer.defaultPrevented) throw new Error("The browser would ask by itself.");
  });
  await page.getByRole("button", { name: "Help" }).click();
  await install.click();
  expect(await page.evaluate(() => "asked" in window)).toBe(true);
  await page.getByRole("button", { name: "Help" }).click();
  await expect(install).toHaveCount(0);
});
