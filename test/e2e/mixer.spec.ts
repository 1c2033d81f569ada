/** The mixer in real Chromium, by mouse and by keyboard: lanes, strokes, locks, shapes, copies, blocks. */
import { expect, type Locator, type Page, test } from "@playwright/test";
import { dropModels, fluxNames, unetNames } from "./models.ts";
import { loadSamples, openRecipe, reloadIn, stopOnErrors, violations, writeRecipe } from "./page.ts";

test.beforeEach(async ({ page }) => {
  stopOnErrors(page);
  await page.goto("/");
});

const slider = (page: Page, lane: string, model = "A adder", param = "weight") =>
  page.getByRole("slider", { name: `${lane}, ${model}, ${param}` });
const lanes = (page: Page, detail: "All" | "Attention · MLP · Norms" | "Every projection") =>
  page.getByRole("button", { name: detail, exact: true }).click();

/** Where a column is in a lane's picture, as the axis says. */
async function place(page: Page, lane: string, label: string, share: number): Promise<{ x: number; y: number }> {
  const chart = page.getByRole("region", { name: lane }).locator(".chart");
  const box = (await chart.boundingBox())!;
  const mark = page.locator(".chart .tick", { hasText: new RegExp(`^${label}$`) }).last();
  const at = (await mark.boundingBox())!;
  const grid = await chart.locator(".grid").evaluateAll((all) => all.map((one) => Number(one.getAttribute("y1"))));
  const [bottom, top] = [Math.max(...grid), Math.min(...grid)];
  return { x: at.x + at.width / 2, y: box.y + bottom + share * (top - bottom) };
}

/** The value of a layer by asking the keyboard's curve. */
async function valueAt(page: Page, curve: Locator, layer: string): Promise<string> {
  await curve.focus();
  await page.keyboard.press("Home");
  for (let i = 0; i < 90; i++) {
    const text = (await curve.getAttribute("aria-valuetext")) ?? "";
    if (text.startsWith(`${layer},`)) return text.slice(layer.length + 2);
    await page.keyboard.press("ArrowRight");
  }
  throw new Error(`no ${layer}`);
}

test("a handle is dragged, a curve painted with a brush, a ramp drawn, a value reset", async ({ page }) => {
  await loadSamples(page);
  const curve = slider(page, "All layers");
  const handle = await place(page, "All layers", "2", 1);
  await page.mouse.move(handle.x, handle.y);
  await page.mouse.down();
  const to = await place(page, "All layers", "2", 0.25);
  await page.mouse.move(to.x, to.y, { steps: 4 });
  await page.mouse.up();
  expect(Number(await valueAt(page, curve, "layer 2"))).toBeCloseTo(0.25, 1);
  expect(await valueAt(page, curve, "layer 3")).toBe("1");

  await page.getByLabel("Brush").fill("2");
  await page.keyboard.press("Enter");
  const from = await place(page, "All layers", "5", 0.5);
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.up();
  expect(Number(await valueAt(page, curve, "layer 5"))).toBeCloseTo(0.5, 1);
  const near = Number(await valueAt(page, curve, "layer 6"));
  expect(near).toBeGreaterThan(0.55);
  expect(near).toBeLessThan(0.95);

  await page.keyboard.down("Shift");
  const [left, right] = [await place(page, "All layers", "0", 0), await place(page, "All layers", "7", 1)];
  await page.mouse.move(left.x, left.y);
  await page.mouse.down();
  await page.mouse.move(right.x, right.y, { steps: 8 });
  await page.mouse.up();
  await page.keyboard.up("Shift");
  await expect(await openRecipe(page)).toContainText("filter: embed_tokens");
  expect(Number(await valueAt(page, curve, "layer 0"))).toBeCloseTo(0, 1);
  expect(Number(await valueAt(page, curve, "layer 7"))).toBeCloseTo(1, 1);
  const middle = await place(page, "All layers", "4", Number(await valueAt(page, curve, "layer 4")));
  await page.mouse.dblclick(middle.x, middle.y);
  expect(await valueAt(page, curve, "layer 4")).toBe("0.4");
});

test("the wheel takes fine steps over a handle, and several turns are one step", async ({ page }) => {
  await loadSamples(page);
  const curve = slider(page, "All layers");
  const handle = await place(page, "All layers", "3", 1);
  await page.mouse.move(handle.x, handle.y);
  for (let i = 0; i < 3; i++) await page.mouse.wheel(0, 100);
  await page.waitForTimeout(500);
  expect(await valueAt(page, curve, "layer 3")).toBe("0.97");
  await page.getByRole("button", { name: "Undo" }).click();
  expect(await valueAt(page, curve, "layer 3")).toBe("1");
});

test("keys move, select, change, jump between models and lanes", async ({ page }) => {
  await loadSamples(page);
  const curve = slider(page, "All layers");
  await curve.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("PageDown");
  await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("ArrowUp");
  await expect(page.getByRole("textbox", { name: "Layers" })).toHaveValue("0-2");
  for (const layer of ["layer 0", "layer 1", "layer 2"]) expect(await valueAt(page, curve, layer)).toBe("0.81");
  expect(await valueAt(page, curve, "layer 3")).toBe("1");
  await page.keyboard.press("]");
  await expect(slider(page, "All layers", "B reverser")).toBeFocused();
  await page.keyboard.press("c");
  await expect(slider(page, "All layers", "C sorter")).toBeFocused();
  await page.keyboard.press("End");
  await expect(slider(page, "All layers", "C sorter")).toHaveAttribute("aria-valuetext", /^head, /);
  await page.keyboard.press("Enter");
  await page.keyboard.type("0.125");
  await page.keyboard.press("Enter");
  await expect(slider(page, "All layers", "C sorter")).toHaveAttribute("aria-valuetext", "head, 0.125");
  await slider(page, "All layers", "C sorter").focus();
  await page.keyboard.press("Delete");
  await expect(slider(page, "All layers", "C sorter")).toHaveAttribute("aria-valuetext", "head, 0.4");
  await lanes(page, "Attention · MLP · Norms");
  await slider(page, "Attention", "C sorter").focus();
  await expect(page.getByRole("button", { name: "Weights compared, Attention" })).toBeVisible({ timeout: 20_000 });
  // Two stops per lane: the curve and its heat strip, then the next lane's lock and menu, then its curve.
  for (let i = 0; i < 4; i++) await page.keyboard.press("Tab");
  await expect(slider(page, "MLP", "C sorter")).toBeFocused();
});

test("exact numbers for a layer, a range, all; what is no layer gets a sentence", async ({ page }) => {
  await loadSamples(page);
  const layers = page.getByRole("textbox", { name: "Layers" });
  const value = page.getByRole("textbox", { name: "=", exact: true });
  await expect(layers).toHaveValue("all");
  await layers.fill("2-4");
  await layers.press("Enter");
  await value.fill("0.3");
  await value.press("Enter");
  const curve = slider(page, "All layers");
  expect(await valueAt(page, curve, "layer 4")).toBe("0.3");
  expect(await valueAt(page, curve, "layer 5")).toBe("1");
  await layers.fill("all");
  await layers.press("Enter");
  await value.fill("0.6");
  await value.press("Enter");
  await expect(await openRecipe(page)).toContainText("weight: 0.6");
  await layers.fill("7-9");
  await layers.press("Enter");
  await expect(page.locator(".message-error")).toContainText('"7-9" names no layers of All layers');
  await expect(layers).toHaveValue("all");
});

test("single projections are drawn apart and written as filters by their names", async ({ page }) => {
  await loadSamples(page);
  await lanes(page, "Every projection");
  for (const name of ["q_proj", "o_proj", "down_proj", "input_layernorm", "Embeddings, final norm and head"])
    await expect(page.getByRole("heading", { name, exact: true })).toBeVisible();
  await slider(page, "q_proj").focus();
  await page.keyboard.press("Shift+End");
  await page.keyboard.press("PageDown");
  const editor = await openRecipe(page);
  await expect(editor).toContainText("filter: q_proj");
  await expect(editor).toContainText("value: 0.9");
  await lanes(page, "All");
  await expect(page.getByText("Bars show where parts of a layer differ")).toBeVisible();
  await expect(slider(page, "All layers")).toHaveAttribute("aria-valuetext", /^(?:layer 0|embeddings), /);
  expect(await valueAt(page, slider(page, "All layers"), "layer 1")).toBe("mixed, 0.9 to 1");
});

test("what is locked stays: a lane, a layer; shapes and numbers go round it", async ({ page }) => {
  await loadSamples(page);
  await lanes(page, "Attention · MLP · Norms");
  await page.getByRole("button", { name: "Lock MLP" }).click();
  const attention = slider(page, "Attention");
  await attention.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("l");
  await expect(attention).toHaveAttribute("aria-valuetext", "layer 1, 1, locked");
  await page.getByRole("button", { name: "Shapes" }).click();
  await page.getByRole("switch", { name: "Every lane" }).click();
  await page.getByRole("button", { name: "ramp down" }).click();
  await page.keyboard.press("Escape");
  expect(await valueAt(page, attention, "layer 7")).toBe("0");
  expect(await valueAt(page, attention, "layer 1")).toBe("1, locked");
  expect(await valueAt(page, slider(page, "MLP"), "layer 7")).toBe("1, locked");
  expect(await valueAt(page, slider(page, "Norms"), "layer 7")).toBe("0");
  await page.getByRole("button", { name: /^Unlock all/ }).click();
  await expect(page.getByRole("button", { name: "Lock MLP" })).toHaveAttribute("aria-pressed", "false");
});

test("a lane is copied to another, a curve to another model, and turned round; each is one step", async ({ page }) => {
  await loadSamples(page);
  await lanes(page, "Attention · MLP · Norms");
  await slider(page, "Attention").focus();
  await page.getByRole("button", { name: "Shapes" }).click();
  await page.getByRole("button", { name: "ramp up" }).click();
  await page.keyboard.press("Escape");
  const menu = page.getByRole("button", { name: "Copy and turn Attention" });
  await menu.click();
  await page.getByRole("menuitem", { name: "Copy to lane" }).press("ArrowRight");
  await page.getByRole("menuitem", { name: "MLP" }).click();
  expect(await valueAt(page, slider(page, "MLP"), "layer 0")).toBe("0");
  expect(await valueAt(page, slider(page, "Norms"), "layer 0")).toBe("1");
  await menu.click();
  await page.getByRole("menuitem", { name: "Copy to model" }).press("ArrowRight");
  await page.getByRole("menuitem", { name: "All of them" }).click();
  expect(await valueAt(page, slider(page, "Attention", "B reverser"), "layer 0")).toBe("0");
  expect(await valueAt(page, slider(page, "Attention", "C sorter"), "layer 7")).toBe("1");
  await page.getByRole("button", { name: "Undo" }).click();
  expect(await valueAt(page, slider(page, "Attention", "C sorter"), "layer 0")).toBe("0.4");
  await slider(page, "Attention").focus();
  await menu.click();
  await page.getByRole("menuitem", { name: "Reverse, last layer first" }).click();
  expect(await valueAt(page, slider(page, "Attention"), "layer 0")).toBe("1");
});

test("hovering says what a value comes to and which rule gave it", async ({ page }) => {
  await loadSamples(page);
  await openRecipe(page);
  await writeRecipe(
    page,
    "merge_method: linear\nmodels:\n  - model: adder\n    parameters:\n      weight:\n        - {filter: self_attn, value: [1, 3]}\n" +
      "        - value: 1\n  - {model: sorter, parameters: {weight: 1}}\n",
  );
  await lanes(page, "Attention · MLP · Norms");
  const end = await place(page, "Attention", "7", 0.5);
  const box = (await page.getByRole("region", { name: "Attention" }).locator(".chart").boundingBox())!;
  await page.mouse.move(end.x, box.y + box.height / 2);
  const tip = page.locator(".tip");
  await expect(tip).toContainText("layer 7 · Attention");
  await expect(tip).toContainText("A 3");
  await expect(tip).toContainText("75 % of the mix");
  await expect(tip).toContainText("filter self_attn of adder, a gradient of 2");
  await expect(tip).toContainText("one value of sorter");
  await page.mouse.move(5, 5);
  await expect(tip).toHaveCount(0);
  await slider(page, "Attention").focus();
  await page.keyboard.press("Home");
  await expect(tip).toContainText("50 % of the mix");
});

test("recipes with gradients and filters are drawn, and come back as they were", async ({ page }) => {
  await loadSamples(page);
  const editor = await openRecipe(page);
  await writeRecipe(
    page,
    "merge_method: slerp\nbase_model: base\nmodels:\n  - model: adder\nparameters:\n  t:\n    - filter: self_attn\n" +
      "      value: [0, 0.5, 0.3, 0.7, 1]\n    - filter: mlp\n      value: [1, 0.5, 0.7, 0.3, 0]\n    - value: 0.5\n",
  );
  await lanes(page, "Attention · MLP · Norms");
  const norms = page.getByRole("slider", { name: "Norms, t, t" });
  await norms.focus();
  await page.keyboard.press("ArrowUp");
  await expect(editor).toContainText("[0, 0.5, 0.3, 0.7, 1]");
  await expect(editor).toContainText("0.51");
  await page.keyboard.press("ArrowDown");
  await expect(editor).not.toContainText("0.51");
  await expect(editor).toContainText("[1, 0.5, 0.7, 0.3, 0]");
});

test("layers by name for tools that know no gradients", async ({ page }) => {
  await loadSamples(page);
  await page.getByRole("switch", { name: "Write layers by name" }).click();
  await slider(page, "All layers").focus();
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
  await page.keyboard.press("PageDown");
  await expect(await openRecipe(page)).toContainText("filter: layers.2.");
});

test("blocks say how their weights compare, and their cells boost, drop and lock", async ({ page }) => {
  await dropModels(page, ["sd", "anime", "photo"], unetNames(), null);
  const heat = page.getByRole("button", { name: "Weights compared, block IN04" });
  await heat.focus();
  await expect(page.getByRole("tooltip")).toContainText("photo moved");
  await heat.press("Enter");
  await page.getByRole("menuitem", { name: "Drop photo: weight 0" }).press("Enter");
  await page.getByRole("button", { name: "B", exact: true }).click();
  await expect(page.getByRole("slider", { name: "IN04, B photo, weight" })).toHaveValue("0");
  await heat.click();
  await page.getByRole("menuitem", { name: "Lock block IN04 in all lanes" }).click();
  await expect(page.getByRole("slider", { name: "IN04, B photo, weight" })).toBeDisabled();
});

test("Flux has its 57 blocks in columns, and strings of 57, 59 or 61 numbers", async ({ page }) => {
  await dropModels(page, ["flux", "fine"], fluxNames(), null);
  const block = (name: string) => page.getByRole("slider", { name: `${name}, A fine, weight` });
  const [double, single, last] = [block("D00"), block("S00"), block("S19")];
  const tops = await Promise.all([double, single, last].map(async (one) => (await one.boundingBox())!));
  expect(Math.max(...tops.map(({ y }) => y)) - Math.min(...tops.map(({ y }) => y))).toBeLessThan(2);
  expect(tops[0]!.x < tops[1]!.x && tops[1]!.x < tops[2]!.x).toBe(true);
  await expect(page.locator(".verdict")).toContainText("All are Flux with 57 layers.");
  // Image models have no tokens to choose.
  await expect(page.getByRole("combobox", { name: "Tokenizer" })).toHaveCount(0);
  await page.getByRole("button", { name: "Block weights" }).click();
  await page
    .getByRole("textbox")
    .last()
    .fill(Array.from({ length: 61 }, (_, i) => i / 100).join(","));
  await page.getByRole("button", { name: "Use these" }).click();
  await page.keyboard.press("Escape");
  await expect(block("IN")).toHaveValue("0.02");
  await expect(block("D00")).toHaveValue("0.03");
  await expect(block("OUT")).toHaveValue("0.6");
  await expect(await openRecipe(page)).toContainText("filter: single_blocks.10.");
});

test("Stable Diffusion has its blocks in a U, and strings of block weights", async ({ page }) => {
  await dropModels(page, ["sd", "anime"], unetNames(), null);
  const block = (name: string) => page.getByRole("slider", { name: `${name}, A anime, weight` });
  await expect(block("IN00")).toBeVisible();
  const [left, right] = [(await block("IN11").boundingBox())!, (await block("OUT00").boundingBox())!];
  expect(Math.abs(left.y - right.y)).toBeLessThan(2);
  expect(right.x).toBeGreaterThan(left.x + left.width);
  expect((await block("M00").boundingBox())!.y).toBeGreaterThan(left.y);
  await block("IN04").focus();
  await page.keyboard.press("Home");
  const editor = await openRecipe(page);
  await expect(editor).toContainText("filter: input_blocks.4.");
  await page.getByRole("button", { name: "Block weights" }).click();
  const text = page.getByRole("textbox", { name: "Numbers for A anime: 25, or 26 with BASE first" });
  await expect(text).toHaveValue(/^0\.4(,0\.4){4},0(,0\.4){20}$/);
  await text.fill("0,1,1");
  await page.getByRole("button", { name: "Use these" }).click();
  await expect(page.getByRole("alert")).toContainText("There are 3 numbers; this model has 25 blocks");
  await text.fill(Array.from({ length: 25 }, (_, i) => i / 25).join(", "));
  await page.getByRole("button", { name: "Use these" }).click();
  await expect(block("OUT11")).toHaveValue("0.96");
  await expect(block("BASE")).toHaveValue("0.4");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Lock OUT03", exact: true }).click();
  await expect(block("OUT03")).toBeDisabled();
  await page.getByRole("button", { name: "Block weights" }).click();
  await page.getByRole("button", { name: "GRAD_V", exact: true }).click();
  await page.keyboard.press("Escape");
  await expect(block("M00")).toHaveValue("0");
  await expect(block("OUT03")).toHaveValue("0.64");
  await page.getByRole("button", { name: "Curve", exact: true }).click();
  expect(await valueAt(page, page.getByRole("slider", { name: "All layers, A anime, weight" }), "block OUT11")).toBe(
    "1",
  );
});

for (const theme of ["dark", "light"] as const) {
  test(`no accessibility violations, ${theme}`, async ({ page }) => {
    await reloadIn(page, theme);
    const scan = (part?: string) => violations(page, part);
    await loadSamples(page);
    await lanes(page, "Every projection");
    await page.getByRole("button", { name: "Lock q_proj" }).click();
    expect(await scan()).toEqual([]);
    for (const name of ["Shapes", "How to draw"]) {
      await page.getByRole("button", { name }).click();
      // What opens stands outside the page's landmarks.
      expect(await scan(".menu > *")).toEqual([]);
      await page.keyboard.press("Escape");
    }
    await page.getByRole("button", { name: "Copy and turn q_proj" }).click();
    expect(await scan(".menu > *")).toEqual([]);
    await page.keyboard.press("Escape");
  });

  test(`no accessibility violations in blocks, ${theme}`, async ({ page }) => {
    await reloadIn(page, theme);
    await dropModels(page, ["sd", "anime"], unetNames(), null);
    await expect(page.getByRole("slider", { name: "M00, A anime, weight" })).toBeVisible();
    const scan = (part: string) => violations(page, part);
    expect(await scan("html")).toEqual([]);
    await page.getByRole("button", { name: "Block weights" }).click();
    expect(await scan(".menu > *")).toEqual([]);
  });
}
