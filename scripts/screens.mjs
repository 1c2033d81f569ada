/**
 * Screenshots of every screen of the studio, for docs/: `node scripts/screens.mjs [name ...]`. The built page, the sample family,
 * and image models with the names of real ones and next to no weights.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoRepos, demoTokens } from "../test/support/hub/demo.mjs";
import { startHub } from "../test/support/hub/server.mjs";
import { findChromium } from "./chromium.mjs";
import { indexedPng } from "./indexed.mjs";
import { servePage } from "./serve.mjs";
import { root } from "./setup.mjs";

/** Where the pictures go. */
const OUT = process.env.SCREENS ?? join(root, "docs");
const PORT = process.env.PORT ?? "4177";
const wanted = process.argv.slice(2);
const work = mkdtempSync(join(tmpdir(), "weightloom-screens-"));
const range = (count) => Array.from({ length: count }, (_, i) => i);

/** A folder with a model of these tensors; models of one family move away from each other a little. */
function model(name, tensors, config, by) {
  const folder = join(work, name);
  mkdirSync(folder);
  const header = {};
  const parts = [];
  let at = 0;
  for (const [tensor, shape] of tensors) {
    const count = shape.reduce((a, b) => a * b, 1);
    const values = new Float32Array(count);
    const way = by * (1 + (tensor.length % 7)) * (1 + Math.sin(tensor.length * by));
    for (let i = 0; i < count; i++)
      values[i] = 0.1 * Math.sin(1.7 * i + tensor.length) + 0.0015 * way * Math.cos((0.3 + by) * i + tensor.length);
    header[tensor] = { dtype: "F32", shape, data_offsets: [at, at + 4 * count] };
    at += 4 * count;
    parts.push(Buffer.from(values.buffer));
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(join(folder, "model.safetensors"), Buffer.concat([length, json, ...parts]));
  if (config !== null) writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "README.md"), "---\nlicense: creativeml-openrail-m\n---\n");
  return folder;
}

function unet(inputs) {
  const inside = (block) =>
    ["0.in_layers.2", "1.transformer_blocks.0.attn1.to_q", "1.transformer_blocks.0.ff.net.2"].map((part) => [
      `model.diffusion_model.${block}.${part}.weight`,
      [8, 16],
    ]);
  const outer = ["time_embed.0", "out.2"].map((part) => [`model.diffusion_model.${part}.weight`, [8, 8]]);
  const blocks = range(inputs).flatMap((i) => [`input_blocks.${i}`, `output_blocks.${i}`]);
  return [...outer, ...["middle_block", ...blocks].flatMap(inside)];
}

const flux = () => [
  ...range(19).flatMap((i) =>
    ["img_attn.qkv", "txt_attn.qkv", "img_mlp.0", "txt_mlp.0"].map((part) => [
      `double_blocks.${i}.${part}.weight`,
      [8, 16],
    ]),
  ),
  ...range(38).flatMap((i) => ["linear1", "linear2"].map((part) => [`single_blocks.${i}.${part}.weight`, [8, 16]])),
  ...["img_in", "txt_in", "final_layer.linear"].map((part) => [`${part}.weight`, [8, 8]]),
];

/** A Hub for the pictures of the Hub. */
const hub = await startHub({ repos: demoRepos(), tokens: demoTokens() });
process.env.HF_ENDPOINT = hub.endpoint;
process.env.HF_STORAGE = hub.storage;

const server = await servePage(PORT);
const { chromium } = await import("@playwright/test");
const browser = await chromium.launch({
  executablePath: await findChromium(),
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});

/** Where pictures are taken apart into pixels. */
const blank = await browser.newPage();

/** A page of its own in a theme, with what screens need to be reached. */
async function open(theme, width = 1440) {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    serviceWorkers: "block",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  await page.addInitScript((wanted) => {
    localStorage.setItem("weightloom-theme", wanted);
    if (!location.search.includes("first")) localStorage.setItem("weightloom-tour", "seen");
    window.showDirectoryPicker = async () =>
      (await navigator.storage.getDirectory()).getDirectoryHandle("picked", { create: true });
  }, theme);
  await page.goto(`http://localhost:${PORT}/`);
  const button = (name, exact = true) => page.getByRole("button", { name, exact });
  return {
    page,
    button,
    wait: (ms) => page.waitForTimeout(ms),
    tab: (name) => page.getByRole("tab", { name }).click(),
    samples: async () => {
      await button("Try the sample family").click();
      await page.getByText("Weights compared with").waitFor();
      await page.getByText("Weights were sampled.").waitFor();
    },
    method: async (name) => {
      await page.getByRole("button", { name: /^Merge method/ }).click();
      await page.keyboard.type(name);
      await page.keyboard.press("Enter");
    },
    shape: async (letter, name, low, high) => {
      await button(letter).click();
      await button("Shapes", false).click();
      await page.getByLabel("From", { exact: true }).fill(String(low));
      await page.getByLabel("to", { exact: true }).fill(String(high));
      await page.keyboard.press("Enter");
      await button(name).click();
      await page.keyboard.press("Escape");
    },
    drop: async (...folders) => {
      const client = await context.newCDPSession(page);
      const data = { items: [], files: folders, dragOperationsMask: 1 };
      for (const type of ["dragEnter", "dragOver", "drop"])
        await client.send("Input.dispatchDragEvent", { type, x: 700, y: 300, data });
    },
    shot: async (name) => {
      await page.waitForTimeout(700);
      const taken = (await page.screenshot()).toString("base64");
      const { width, height, rgba } = await blank.evaluate(async (data) => {
        const picture = new Image();
        picture.src = `data:image/png;base64,${data}`;
        await picture.decode();
        const canvas = Object.assign(document.createElement("canvas"), {
          width: picture.width,
          height: picture.height,
        });
        const pen = canvas.getContext("2d");
        pen.drawImage(picture, 0, 0);
        const bytes = pen.getImageData(0, 0, picture.width, picture.height).data;
        let text = "";
        for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
        return { width: picture.width, height: picture.height, rgba: btoa(text) };
      }, taken);
      writeFileSync(join(OUT, `${name}.png`), indexedPng(width, height, Buffer.from(rgba, "base64")));
      console.log(name);
    },
    close: () => context.close(),
  };
}

/** Each makes one or more pictures. */
const SCREENS = {
  welcome: async () => {
    const studio = await open("light");
    await studio.page.goto(`http://localhost:${PORT}/?first`);
    await studio.page.evaluate(() => localStorage.removeItem("weightloom-tour"));
    await studio.page.reload();
    await studio.shot("studio-welcome");
    return studio;
  },
  mix: async (theme = "light", name = "studio-mix") => {
    const studio = await open(theme);
    await studio.samples();
    await studio.method("ties");
    await studio.button("density").click();
    for (const letter of ["A", "B", "C"]) {
      await studio.button(letter).click();
      await studio.page.getByLabel("=", { exact: true }).fill("0.6");
      await studio.page.keyboard.press("Enter");
    }
    await studio.button("weight").click();
    await studio.shape("A", "smoothstep", 0.35, 1);
    await studio.shape("B", "cosine", 0.15, 0.8);
    await studio.shape("C", "arch", 0.1, 0.55);
    await studio.page.evaluate(() => document.activeElement?.blur());
    await studio.wait(2500);
    const chart = await studio.page.locator(".chart").first().boundingBox();
    await studio.page.mouse.move(chart.x + 0.62 * chart.width, chart.y + 210);
    await studio.shot(name);
    return studio;
  },
  dark: () => SCREENS.mix("dark", "studio-dark"),
  lanes: async () => {
    const studio = await SCREENS.mix("light", "studio-mix");
    await studio.button("Attention · MLP · Norms").click();
    const strip = studio.page.locator(".strip-cells").first();
    const box = await strip.boundingBox();
    await studio.page.mouse.click(box.x + 0.52 * box.width, box.y + 8);
    await studio.shot("studio-lanes");
    return studio;
  },
  method: async () => {
    const studio = await open("light");
    await studio.samples();
    await studio.page.getByRole("button", { name: /^Merge method/ }).click();
    await studio.shot("studio-method");
    return studio;
  },
  blocks: async () => {
    const studio = await open("light");
    const folders = ["sd-base", "anime", "photo"].map((name, i) => model(name, unet(12), null, i));
    await studio.drop(...folders);
    await studio.page.getByText("Weights compared with").waitFor();
    await studio.button("Block weights", false).click();
    await studio.button("GRAD_V").click();
    await studio.page.keyboard.press("Escape");
    await studio.shot("studio-blocks");
    return studio;
  },
  flux: async () => {
    const studio = await open("light");
    await studio.drop(...["flux", "portrait"].map((name, i) => model(name, flux(), null, i)));
    await studio.page.getByText("Weights compared with").waitFor();
    await studio.button("Block weights", false).click();
    await studio.button("REVERSE_COSINE").click();
    await studio.page.keyboard.press("Escape");
    await studio.shot("studio-flux");
    return studio;
  },
  stack: async (theme = "light", name = "studio-stack") => {
    const studio = await open(theme);
    await studio.samples();
    await studio.tab("Stack");
    const run = async (model, from, to) => {
      const list = studio.page.getByRole("listbox", { name: new RegExp(`^Layers of ${model}`) });
      await list.focus();
      await studio.page.keyboard.press("Home");
      for (let i = 0; i < from; i++) await studio.page.keyboard.press("ArrowDown");
      for (let i = from; i < to; i++) await studio.page.keyboard.press("Shift+ArrowDown");
      await studio.page.keyboard.press("Enter");
    };
    await run("adder", 0, 3);
    await run("sorter", 2, 5);
    await run("adder", 4, 7);
    await studio.wait(2500);
    await studio.shot(name);
    return studio;
  },
  "stack-dark": () => SCREENS.stack("dark", "studio-stack-dark"),
  inspect: async () => {
    const studio = await open("light");
    await studio.samples();
    await studio.tab("Inspect");
    await studio.page.getByRole("searchbox").fill("layer 5 mlp");
    await studio.page.getByRole("searchbox").press("ArrowDown");
    await studio.page
      .getByRole("region", { name: /^Tensor/ })
      .getByRole("button", { name: "Find", exact: true })
      .click();
    await studio.page.getByRole("button", { name: "Moved" }).click();
    await studio.shot("studio-inspect");
    return studio;
  },
  heatmap: async (theme = "light", name = "studio-heatmap") => {
    const studio = await open(theme);
    await studio.samples();
    await studio.tab("Inspect");
    await studio.button("Heat map").click();
    await studio.page.getByRole("gridcell", { name: /^self_attn\.o_proj, 5/ }).click();
    await studio.shot(name);
    return studio;
  },
  "heatmap-dark": () => SCREENS.heatmap("dark", "studio-heatmap-dark"),
  papers: async () => {
    const studio = await open("light");
    await studio.samples();
    await studio.tab("Inspect");
    await studio.button("Metadata").click();
    await studio.shot("studio-papers");
    return studio;
  },
  recipe: async () => {
    const studio = await SCREENS.mix("light", "studio-mix");
    await studio.button("Recipe").click();
    await studio.shot("studio-recipe");
    await studio.button("History").click();
    await studio.page.getByRole("textbox", { name: "Name of the version" }).fill("Smooth hand-over");
    await studio.button("Save").click();
    await studio.page.getByText('Saved as "Smooth hand-over"').waitFor();
    await studio.method("dare_ties");
    await studio.shot("studio-history");
    await studio.page.getByRole("button", { name: "Compare versions" }).click();
    await studio.shot("studio-compare");
    return studio;
  },
  share: async () => {
    const studio = await SCREENS.mix("light", "studio-mix");
    await studio.button("Share").click();
    await studio.page.getByText("Link copied").waitFor();
    const link = await studio.page.evaluate(() => navigator.clipboard.readText());
    const other = await open("light");
    await other.page.goto(link);
    await other.page.getByRole("dialog").waitFor();
    await other.shot("studio-share");
    await other.close();
    return studio;
  },
  report: async () => {
    const studio = await SCREENS.mix("light", "studio-mix");
    await studio.button("Merge").click();
    await studio.page.getByRole("heading", { name: "Merged and checked" }).waitFor();
    await studio.shot("studio-report");
    await studio.button("Close the report").click();
    await studio.tab("Runs");
    await studio.shot("studio-runs");
    return studio;
  },
  doctor: async () => {
    const studio = await open("light");
    await studio.samples();
    const config = { model_type: "llama", num_hidden_layers: 8, hidden_size: 64, vocab_size: 43 };
    const tensors = range(8).map((i) => [`model.layers.${i}.mlp.up_proj.weight`, [128, 64]]);
    await studio.drop(model("stranger", [["model.embed_tokens.weight", [43, 64]], ...tensors], config, 1));
    await studio.page.getByText("numbers per token").waitFor();
    await studio.page.locator(".verdict").scrollIntoViewIfNeeded();
    await studio.shot("studio-doctor");
    return studio;
  },
  palette: async () => {
    const studio = await open("light");
    await studio.samples();
    await studio.page.keyboard.press("Control+k");
    await studio.page.keyboard.type("heat");
    await studio.shot("studio-palette");
    await studio.page.keyboard.press("Escape");
    await studio.page.keyboard.press("?");
    await studio.shot("studio-keys");
    return studio;
  },
  hub: async () => {
    const studio = await open("light");
    await studio.samples();
    await studio.button("From the Hub").click();
    const words = studio.page.getByRole("combobox", { name: "Find models on the Hub" });
    for (const name of ["weightloom/imagined-70b-tuned", "weightloom/gated"]) {
      await words.fill(name);
      await studio.page.locator('.hub-row[data-selected="true"]', { hasText: name }).waitFor();
      await studio.page.waitForTimeout(1000);
      await studio.page.keyboard.press("Enter");
      await studio.page.waitForTimeout(1500);
    }
    await words.fill("weightloom");
    await studio.page.locator(".hub-row", { hasText: "reverser" }).waitFor();
    await studio.shot("studio-hub");
    return studio;
  },
  publish: async () => {
    const studio = await SCREENS.mix("light", "studio-mix");
    await studio.button("Merge").click();
    await studio.page.getByRole("heading", { name: "Merged and checked" }).waitFor();
    await studio.button("Publish to the Hub").click();
    await studio.button("Sign in").click();
    const token = studio.page.getByLabel(/access token/i);
    await token.fill("hf_demo");
    await studio.page.keyboard.press("Enter");
    await studio.page.getByText("Signed in as").waitFor();
    await studio.page.getByLabel("Repository, organisation/name").fill("demo/add-reverse-sort");
    await studio.shot("studio-publish");
    return studio;
  },
  unfinished: async () => {
    const studio = await open("light");
    const layers = range(32).map((i) => [`model.layers.${i}.mlp.up_proj.weight`, [512, 1024]]);
    const config = { model_type: "llama", num_hidden_layers: 32, hidden_size: 1024 };
    await studio.drop(...["base", "prose", "code"].map((name, i) => model(name, layers, config, i)));
    await studio.page.getByText("Weights compared with").waitFor();
    await studio.method("ties");
    await studio.button("Where to save").click();
    await studio.page.getByRole("menuitem", { name: "Merge, then download" }).click();
    await studio.page.getByText(/ left$/).waitFor();
    await studio.page.reload();
    await studio.page.getByRole("region", { name: /^Unfinished merge/ }).waitFor();
    await studio.shot("studio-unfinished");
    return studio;
  },
  narrow: async () => {
    const studio = await open("light", 1024);
    await studio.samples();
    await studio.button("Recipe").click();
    await studio.shot("studio-1024");
    return studio;
  },
};

try {
  for (const [name, take] of Object.entries(SCREENS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const studio = await take();
    await studio.close();
  }
} finally {
  await browser.close();
  server.kill();
  await hub.close();
}
