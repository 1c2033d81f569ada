/** Models from the Hub in real Chromium, against the mock: search, add, sign in, merge; what a shared recipe lacks. */
import { expect, test } from "@playwright/test";
import { add, bytesOf, card, digest, merge, openSheet, recipe, row, words, write } from "./hub.ts";
import { mockHub } from "./mock.ts";
import { loadSamples, method, pickPrivately, reloadIn, stopOnErrors, violations } from "./page.ts";

test.beforeEach(async ({ page }) => {
  await mockHub.reset();
  stopOnErrors(page);
  await pickPrivately(page);
  await page.goto("/");
});

test.afterEach(async () => {
  expect((await mockHub.log()).filter(({ host, authorized }) => host === "storage" && authorized)).toEqual([]);
});

test("found by typing, added by keys, remembered by commit; merged to the bytes of the files on disk", async ({
  page,
}) => {
  await openSheet(page);
  expect(await mockHub.log()).toEqual([]);
  await page.keyboard.type("weightloom");
  await expect(row(page, "weightloom/base")).toContainText("1.6");
  await expect(row(page, "weightloom/gated")).toContainText("gated");
  await expect(row(page, "weightloom/imagined-70b").first()).toContainText("llama3.1");
  for (const theme of ["light", "dark"]) {
    await page.evaluate((to) => {
      document.documentElement.dataset.theme = to;
    }, theme);
    expect(await violations(page)).toEqual([]);
  }
  await page.keyboard.press("Escape");
  await add(page, "weightloom/base", "weightloom/adder", "weightloom/sorter");
  await expect(card(page, "weightloom/base")).toContainText(/Hub [0-9a-f]{7}/);
  // What is open is remembered a moment after it was opened.
  await page.waitForTimeout(700);
  await page.reload();
  await expect(card(page, "weightloom/sorter")).toContainText(/Hub [0-9a-f]{7}/);
  const asked = (await mockHub.log()).filter(({ path }) => path.startsWith("/api/models/weightloom/sorter/revision/"));
  expect(asked.length).toBeGreaterThan(0);
  await page.keyboard.press("r");
  await write(page, recipe("weightloom/"));
  await merge(page, "Far");
  const far = await digest(page, "Far");
  await page.getByRole("button", { name: "Samples" }).click();
  // The samples come with a mix of their own, which is there when they are.
  await expect(method(page)).toHaveText("Task arithmetic");
  await expect(card(page, "reverser")).toBeVisible();
  await write(page, recipe(""));
  await merge(page, "Near");
  expect(await digest(page, "Near")).toBe(far);
});

test("a model of 70 B parameters: doctor and plan within megabytes, weights only when asked for", async ({ page }) => {
  await add(page, "weightloom/imagined-70b", "weightloom/imagined-70b-tuned");
  await expect(page.getByText("141 GB").first()).toBeVisible();
  await expect(page.getByRole("button", { name: "Merge", exact: true })).toBeEnabled();
  await expect(page.getByRole("region", { name: "Can these merge?" })).toContainText("Do they share an ancestor?");
  await expect(page.getByText(/Comparing weights would take a sample/)).toContainText(/MB from the Hub/);
  const before = await bytesOf();
  expect(before).toBeLessThan(8e6);
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await expect(page.getByText(/Weights compared with/)).toBeVisible({ timeout: 30_000 });
  expect((await bytesOf()) - before).toBeLessThan(40e6);
});

test("a gated model says where to accept its terms; signing in stays in the tab and ends with it", async ({ page }) => {
  await openSheet(page);
  await words(page).fill("weightloom/gated");
  await row(page, "weightloom/gated").click();
  const refusal = page.locator(".hub-underway");
  await expect(refusal).toContainText("the model is gated");
  await expect(refusal.getByRole("link").first()).toHaveAttribute("href", `${mockHub.origin}/weightloom/gated`);
  await page.getByRole("button", { name: "Sign in" }).click();
  const token = page.getByLabel(/An access token/i);
  await token.fill("hf_nobody");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("does not accept the token");
  expect(await violations(page)).toEqual([]);
  await token.fill("hf_demo");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Signed in as demo")).toBeVisible();
  await refusal.getByRole("button", { name: "Try again" }).click();
  await expect(row(page, "weightloom/gated")).toContainText("open");
  await page.waitForTimeout(700);
  // Nowhere but in this tab's session: not in the address, not in what stays.
  const elsewhere = await page.evaluate(async () => {
    const stored: unknown[] = [];
    for (const { name = "" } of await indexedDB.databases()) {
      const database = await new Promise<IDBDatabase>((resolve) => {
        const opening = indexedDB.open(name);
        opening.onsuccess = () => resolve(opening.result);
      });
      for (const store of database.objectStoreNames)
        stored.push(
          await new Promise((resolve) => {
            const all = database.transaction(store).objectStore(store).getAll();
            all.onsuccess = () => resolve(all.result);
          }),
        );
    }
    return JSON.stringify([stored, { ...localStorage }, location.href, history.state]);
  });
  expect(elsewhere).toContain("weightloom/gated");
  expect(elsewhere).not.toContain("hf_demo");
  await page.reload();
  await expect(card(page, "weightloom/gated")).toBeVisible();
  await openSheet(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByText("Not signed in")).toBeVisible();
  expect(await page.evaluate(() => ({ ...sessionStorage }))).toEqual({});
});

test("a recipe that names models of the Hub offers to open them, and fetches nothing before", async ({ page }) => {
  await loadSamples(page);
  await page.keyboard.press("r");
  await write(page, recipe("weightloom/").replace("/adder", "/adder@main"));
  const offer = page.getByRole("button", { name: "Open all 3 from the Hub" });
  await expect(offer).toBeVisible();
  expect(await mockHub.log()).toEqual([]);
  await offer.click();
  await expect(card(page, "weightloom/adder@main")).toBeVisible();
  await expect(page.getByRole("button", { name: "Merge", exact: true })).toBeEnabled();
});

test("the Hub that is not there, a name that is not, no network: sentences, and another try", async ({
  page,
  context,
}) => {
  await openSheet(page);
  await words(page).fill("weightloom/base@nowhere");
  await expect(page.getByText(/there is no revision "nowhere"/)).toBeVisible();
  await words(page).fill("weightloom/nothing-like-it");
  await expect(page.getByText(/no such model, or it is private/)).toBeVisible();
  await words(page).fill("zzz");
  await expect(page.getByText(/No model with safetensors weights/)).toBeVisible();
  await mockHub.set({ kind: "busy", where: "api", after: 2, times: 1 });
  await words(page).fill("adder");
  await expect(page.getByText(/The Hub asks to wait [12] s/)).toBeVisible();
  await expect(row(page, "weightloom/adder")).toBeVisible();
  await context.setOffline(true);
  await words(page).fill("sorter");
  await expect(page.getByText("There is no network.")).toBeVisible();
  await context.setOffline(false);
  await expect(row(page, "weightloom/sorter")).toBeVisible();
  await reloadIn(page, "light");
});

test("a merge is published: private, resumed, replaced only when that is said, refused without the right", async ({
  page,
}) => {
  await loadSamples(page);
  await merge(page, "To publish");
  await page.getByRole("button", { name: "Publish to the Hub" }).click();
  const sheet = page.getByRole("dialog", { name: "Publish to the Hub" });
  const signIn = async (token: string) => {
    await sheet.getByRole("button", { name: "Sign in" }).click();
    await sheet.getByLabel(/access token/i).fill(token);
    await page.keyboard.press("Enter");
    await expect(sheet.getByText("Signed in as")).toBeVisible();
  };
  await signIn("hf_reader");
  await sheet.getByLabel("Repository, organisation/name").fill("demo/published");
  await sheet.getByRole("button", { name: "Publish privately" }).click();
  await expect(sheet.getByRole("alert")).toContainText(/may not|token/);
  await sheet.getByRole("button", { name: "Sign out" }).click();
  await signIn("hf_demo");
  expect(await violations(page)).toEqual([]);
  const own = `demo/published-${Date.now()}`;
  await sheet.getByLabel("Repository, organisation/name").fill(own);
  await mockHub.set({ kind: "broken", where: "upload", times: 1 });
  await sheet.getByRole("button", { name: "Publish privately" }).click();
  await expect(sheet.getByRole("status").last()).toContainText("The repository was made, private.", {
    timeout: 20_000,
  });
  await expect(sheet.getByRole("link")).toHaveAttribute("href", `${mockHub.origin}/${own}`);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Publish to the Hub" }).click();
  await sheet.getByLabel("Repository, organisation/name").fill(own);
  await sheet.getByRole("button", { name: "Publish privately" }).click();
  await expect(sheet.getByText("It was there already, byte for byte.")).toBeVisible();
  await sheet.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Recipe", exact: true }).click();
  await write(page, recipe(""));
  await merge(page, "Another");
  await page.getByRole("button", { name: "Publish to the Hub" }).click();
  await sheet.getByLabel("Repository, organisation/name").fill(own);
  await sheet.getByRole("button", { name: "Publish privately" }).click();
  await expect(sheet.getByRole("alert")).toContainText("already holds a model");
  await sheet.getByRole("button", { name: "Replace the model that is there" }).click();
  await expect(sheet.getByText(/Published:/)).toBeVisible({ timeout: 20_000 });
});

test("downloads are kept up to a limit, used again and cleared", async ({ page }) => {
  await openSheet(page);
  await page.getByRole("combobox", { name: "Downloads to keep" }).selectOption({ label: "Keep up to 1 GB" });
  await page.keyboard.press("Escape");
  await add(page, "weightloom/base", "weightloom/adder", "weightloom/sorter");
  await page.keyboard.press("r");
  await write(page, recipe("weightloom/"));
  await merge(page, "First");
  await page.waitForTimeout(700);
  await page.reload();
  await expect(card(page, "weightloom/sorter")).toBeVisible();
  await mockHub.reset();
  await merge(page, "Second");
  expect(await digest(page, "Second")).toBe(await digest(page, "First"));
  expect(await bytesOf()).toBeLessThan(500_000);
  await openSheet(page);
  const kept = page.locator(".hub-keeping");
  await expect(kept).toContainText("MB");
  await kept.getByRole("button", { name: "Clear" }).click();
  await expect(kept).toContainText("none");
});

test("signing in through the Hub: the code leaves the address, the token stays in the tab", async ({ page }) => {
  await openSheet(page);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: "Sign in with Hugging Face" }).click();
  await expect(page.getByText("Signed in to the Hub, in this tab only.")).toBeVisible({ timeout: 15_000 });
  expect(page.url()).not.toContain("code=");
  expect(page.url()).not.toContain("state=");
  await openSheet(page);
  await expect(page.getByText("Signed in as demo")).toBeVisible();
});
