/** The built command line, run as a person would. */
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { makeSparse } from "../../bench/checkpoints.mjs";
import { METHODS } from "../../methods/index.ts";

const root = join(import.meta.dirname, "../..");
const samples = join(root, "public/samples");
const specialists = readdirSync(samples, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "base")
  .map((entry) => entry.name)
  .sort();
const work = mkdtempSync(join(tmpdir(), "weightloom-cli-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const BIN = join(root, "bin/weightloom.mjs");
const weightloom = (...args: string[]) => spawnSync(process.execPath, [BIN, ...args], { cwd: work, encoding: "utf8" });
const recipe = (name: string, text: string) => {
  writeFileSync(join(work, name), text);
  return name;
};

const TIES = `# kept as written
merge_method: ties
base_model: ${join(samples, "base")}
models:
${specialists.map((name, i) => `  - model: ${join(samples, name)}\n    parameters: {weight: [0.2, ${0.5 + i / 10}], density: 0.6}`).join("\n")}
`;

describe("merge", () => {
  test("--profile says where the time went, as a table and in the report", { timeout: 60_000 }, () => {
    const done = weightloom("merge", recipe("profile.yml", TIES), "profiled", "--engine", "cpu", "--json", "--profile");
    expect(done.stderr).toMatch(/\nreading +[\d.]+ +\d+%.*MB +.*\/s\n/);
    expect(done.stderr).toMatch(/\nsweep 3: [\d.]+ s of one lane, [\d.]+ ns per element\n/);
    const { profile, readBytes } = JSON.parse(done.stdout.trim().split("\n").at(-1) ?? "");
    expect(profile.activities.find(({ activity }: { activity: string }) => activity === "read").bytes).toBe(readBytes);
    expect(profile.sweeps).toHaveLength(3);
  });

  test("writes a model that verifies, with the recipe as it was written", { timeout: 60_000 }, () => {
    const done = weightloom("merge", recipe("ties.yml", TIES), "out", "--engine", "cpu", "--json");
    expect(done.stderr).toContain("tensors");
    expect(done.status).toBe(0);
    const report = JSON.parse(done.stdout.trim().split("\n").at(-1) ?? "");
    expect(report).toMatchObject({ ok: true, engine: { kind: "cpu" } });
    expect(readFileSync(join(work, "out/mergekit_config.yml"), "utf8")).toBe(TIES);
    const names = readdirSync(join(work, "out"));
    expect(names).toEqual(
      expect.arrayContaining([
        "model.safetensors",
        "config.json",
        "tokenizer.json",
        "README.md",
        "generation_config.json",
      ]),
    );
    expect(names.filter((name) => name.endsWith(".partial"))).toEqual([]);

    const checked = weightloom("verify", "out", "--json");
    expect(
      JSON.parse(checked.stdout)
        .checks.map((check: { text: string }) => check.text)
        .join("\n"),
    ).toContain("Recomputed");
    expect(checked.status).toBe(0);
  });

  test("shards by size, with an index, and the same bytes for any lanes, memory and shards", () => {
    const plain = readFileSync(join(work, "out/model.safetensors"));
    const sharded = weightloom(
      "merge",
      "ties.yml",
      "sharded",
      "--engine",
      "cpu",
      "--shard-size",
      "300KB",
      "--lanes",
      "1",
      "--memory",
      "32MB",
    );
    expect(sharded.status).toBe(0);
    const index = JSON.parse(readFileSync(join(work, "sharded/model.safetensors.index.json"), "utf8"));
    const files = [...new Set(Object.values<string>(index.weight_map))].sort();
    expect(files.length).toBeGreaterThan(2);
    const dataOf = (bytes: Buffer) => bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
    const together = Buffer.concat(files.map((file) => dataOf(readFileSync(join(work, "sharded", file)))));
    expect(Buffer.compare(together, dataOf(plain))).toBe(0);
    expect(index.metadata.total_size).toBe(together.length);
  });

  test("a mixture of experts, from plan to verify", { timeout: 60_000 }, () => {
    const text = `base_model: ${join(samples, "base")}
gate_mode: cheap_embed
experts:
${specialists.map((name, i) => `  - source_model: ${join(samples, name)}\n    positive_prompts: ["${"ab1"[i]}${i}"]\n    noise_scale: 0.01`).join("\n")}
`;
    const planned = weightloom("plan", recipe("moe.yml", text), "--json");
    expect(JSON.parse(planned.stdout)).toMatchObject({ method: "moe", layers: 8 });
    const done = weightloom("merge", "moe.yml", "moe", "--engine", "cpu", "--json");
    expect(done.status).toBe(0);
    expect(readFileSync(join(work, "moe/mergekit_moe_config.yml"), "utf8")).toBe(text);
    expect(JSON.parse(readFileSync(join(work, "moe/config.json"), "utf8"))).toMatchObject({
      model_type: "mixtral",
      num_local_experts: specialists.length,
    });
    expect(readFileSync(join(work, "moe/README.md"), "utf8")).toContain("Mixture of experts");
    const checked = JSON.parse(weightloom("verify", "moe", "--json").stdout);
    expect(checked.ok).toBe(true);
    expect(checked.checks.map((check: { text: string }) => check.text).join("\n")).toContain("Recomputed");
  });

  test("a mixture whose router needs a running model is refused where it says so", () => {
    const done = weightloom(
      "plan",
      recipe(
        "hidden.yml",
        "base_model: a\ngate_mode: hidden\nexperts:\n  - {source_model: a}\n  - {source_model: b}\n",
      ),
    );
    expect(done.status).toBe(2);
    expect(done.stderr).toMatch(/hidden\.yml:2:12: error: .*cheap_embed/);
  });

  test("does not overwrite a model unless told to", () => {
    const again = weightloom("merge", "ties.yml", "out", "--engine", "cpu");
    expect(again.status).toBe(2);
    expect(again.stderr).toContain("already holds a model");
    expect(weightloom("merge", "ties.yml", "out", "--engine", "cpu", "--overwrite").status).toBe(0);
  });

  test("says where a recipe is wrong, and exits with 2", () => {
    const done = weightloom("merge", recipe("bad.yml", TIES.replace("density: 0.6", "densty: 0.6")), "nowhere");
    expect(done.status).toBe(2);
    expect(done.stderr).toMatch(/bad\.yml:6:\d+: error: .*densty.*density/s);
    expect(existsSync(join(work, "nowhere"))).toBe(false);
  });

  test("a missing model is one sentence, and exits with 1", () => {
    const done = weightloom(
      "merge",
      recipe("missing.yml", "merge_method: linear\nmodels:\n  - model: ./not/here\n    parameters: {weight: 1}\n"),
      "nowhere",
    );
    expect(done.status).toBe(1);
    expect(done.stderr).toContain('Model "./not/here" was not found');
  });

  test("bad usage exits with 2 and shows how", () => {
    expect(weightloom("merge", "ties.yml").status).toBe(2);
    expect(weightloom("merge", "ties.yml", "x", "--engine", "tpu").stderr).toContain("auto, gpu or cpu");
    expect(weightloom("dance").stderr).toContain("merge, plan, inspect");
  });

  test("Ctrl-C cancels with 130 and leaves nothing", async () => {
    makeSparse(join(work, "big-a"), "8GB");
    makeSparse(join(work, "big-b"), "8GB");
    recipe(
      "big.yml",
      "merge_method: linear\nmodels:\n  - model: big-a\n    parameters: {weight: 0.5}\n  - model: big-b\n    parameters: {weight: 0.5}\n",
    );
    const child = spawn(process.execPath, [BIN, "merge", "big.yml", "cancelled", "--engine", "cpu"], { cwd: work });
    const begun = Date.now();
    while (!existsSync(join(work, "cancelled")) && Date.now() - begun < 20_000)
      await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const asked = performance.now();
    child.kill("SIGINT");
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code).toBe(130);
    expect(performance.now() - asked).toBeLessThan(1500);
    expect(existsSync(join(work, "cancelled")) ? readdirSync(join(work, "cancelled")) : []).toEqual([]);
  });
});

describe("the other commands", () => {
  test("plan reads no weights and agrees with the merge", () => {
    const planned = JSON.parse(weightloom("plan", "ties.yml", "--json").stdout);
    const [size] = planned.files.map((file: { size: number }) => file.size);
    expect(size).toBe(readFileSync(join(work, "out/model.safetensors")).length);
  });

  test("inspect tells family and layers", () => {
    const seen = JSON.parse(weightloom("inspect", join(samples, "base"), "--json").stdout);
    const { num_hidden_layers } = JSON.parse(readFileSync(join(samples, "base/config.json"), "utf8"));
    expect(seen).toMatchObject({ family: "llama", stacks: [{ prefix: "model.layers", layers: num_hidden_layers }] });
  });

  test("diff of a model with itself is zero, of base and specialist is not", () => {
    const base = join(samples, "base");
    expect(JSON.parse(weightloom("diff", base, base, "--engine", "cpu", "--json").stdout)).toMatchObject({
      change: 0,
      apart: [],
    });
    const moved = JSON.parse(
      weightloom("diff", base, join(samples, specialists[0]!), "--engine", "cpu", "--json").stdout,
    );
    expect(moved.change).toBeGreaterThan(0.001);
    expect(moved.cosine).toBeLessThan(1);
  });

  test("presets are listed, explained and made for models", () => {
    expect(weightloom("presets").stdout).toContain("slerp-gradient");
    expect(weightloom("presets", "ties").stdout).toContain("weightloom presets ties BASE MODEL1 MODEL2");
    const made = weightloom("presets", "ties", "base", "./a", "b");
    expect(made.stdout).toContain("base_model: base\n");
    expect(made.status).toBe(0);
    const model = join(samples, "base");
    const { layers } = JSON.parse(weightloom("inspect", model, "--json").stdout).stacks[0];
    expect(weightloom("presets", "passthrough-9b", model, model).stdout).toContain(`layer_range: [0, ${layers}]`);
    const few = weightloom("presets", "ties", "base");
    expect([few.status, few.stderr]).toEqual([2, expect.stringContaining("ties takes a base model and then 2 models")]);
    expect(weightloom("presets", "tise").stderr).toContain('There is no preset "tise"');
  });

  test("average prints a recipe that plans", () => {
    const models = ["base", ...specialists].map((name) => join(samples, name));
    const made = weightloom("average", "--how", "ema", "--alpha", ".2", ...models);
    expect(made.stdout).toContain("merge_method: linear");
    expect(made.stdout).toContain("weight: 0.2\n");
    expect(weightloom("plan", recipe("ema.yml", made.stdout)).status).toBe(0);
    const misused = weightloom("average", "--alpha", ".2", "a");
    expect([misused.status, misused.stderr]).toEqual([2, expect.stringContaining("--alpha belongs to --how ema")]);
    expect(weightloom("average").status).toBe(2);
  });

  test("a chain's earlier results are written where that is asked for", () => {
    const path = (name: string) => join(samples, name);
    const chain = recipe(
      "chain.yml",
      `name: half\nmerge_method: slerp\nbase_model: ${path("adder")}\nmodels: [{model: ${path("sorter")}}]\nparameters: {t: 0.5}\n---\nmerge_method: linear\nmodels: [{model: half}, {model: ${path("reverser")}}]\nparameters: {weight: 1}\n`,
    );
    expect(weightloom("merge", chain, "chained").status).toBe(0);
    expect(existsSync(join(work, "half"))).toBe(false);
    const made = JSON.parse(weightloom("merge", chain, "chained-2", "--intermediates", "parts", "--json").stdout);
    expect(made.intermediates).toEqual([join(realpathSync(work), "parts/half")]);
    expect(weightloom("verify", "parts/half").status).toBe(0);
    const [one, other] = ["chained", "chained-2"].map((out) => readFileSync(join(work, out, "model.safetensors")));
    expect(one).toEqual(other);
  });

  test("methods lists every method", () => {
    const { methods } = JSON.parse(weightloom("methods", "--json").stdout);
    expect(methods.map((method: { id: string }) => method.id)).toEqual([...METHODS.keys()]);
    const text = weightloom("methods").stdout;
    for (const id of METHODS.keys()) expect(text).toContain(`${id}  (`);
  });

  test("verify notices a damaged result", () => {
    mkdirSync(join(work, "damaged"));
    for (const name of readdirSync(join(work, "out")))
      writeFileSync(join(work, "damaged", name), readFileSync(join(work, "out", name)));
    const bytes = readFileSync(join(work, "damaged/model.safetensors"));
    bytes.writeUInt16LE(0x7fc0, bytes.length - 2);
    writeFileSync(join(work, "damaged/model.safetensors"), bytes);
    const nan = weightloom("verify", "damaged");
    expect(nan.status).toBe(1);
    expect(nan.stdout).toContain("NaN or infinite");
    expect(nan.stdout).toMatch(/WRONG\s+1 of \d+ tensors are not what was computed: /);
    // A result with NaN in it is a model like any other: what is made of it says where they came from.
    const text = `merge_method: linear\nmodels:\n  - {model: damaged, parameters: {weight: 1}}\n  - {model: out, parameters: {weight: 1}}\n`;
    const made = weightloom("merge", recipe("nan.yml", text), "nan", "--engine", "cpu");
    expect(made.stderr).toMatch(/warning: "damaged" has 1 value that is NaN or infinite: 1 in model\./);
    expect(made.stderr).toContain("warning: In these tensors the result has 1 value that is NaN");
    writeFileSync(join(work, "nan/config.json"), "{}");
    expect(weightloom("verify", "nan").stdout).toContain("Since the merge: config.json was changed.");
    writeFileSync(join(work, "damaged/model.safetensors"), bytes.subarray(0, bytes.length - 100));
    expect(weightloom("verify", "damaged").stdout).toMatch(/but the file has [\d,]+ bytes/);
  });
});

describe("adapters", () => {
  const base = join(samples, "base");
  const adder = join(samples, "adder");

  test("a fine-tune becomes an adapter, which with the base is the fine-tune again", { timeout: 60_000 }, () => {
    const done = weightloom("extract-lora", adder, base, "adder-lora", "--rank", "96", "--json");
    expect([done.status, done.stderr]).toEqual([0, ""]);
    const report = JSON.parse(done.stdout);
    expect(report).toMatchObject({ ok: true, biases: 0, left: 0, notes: [] });
    expect(report.modules).toHaveLength(56);
    expect(report.rest).toBeLessThan(1e-6);
    expect(readdirSync(join(work, "adder-lora")).sort()).toEqual([
      "README.md",
      "adapter_config.json",
      "adapter_model.safetensors",
    ]);
    const again = weightloom("extract-lora", adder, base, "adder-lora");
    expect([again.status, again.stderr]).toEqual([2, expect.stringContaining("--overwrite")]);

    const ref = `${base}+adder-lora`;
    const apart = weightloom("diff", adder, ref, "--engine", "cpu", "--json");
    expect(JSON.parse(apart.stdout).change).toBeLessThan(1e-6);
    const text = `merge_method: passthrough\nmodels: [{model: "${ref}"}]\n`;
    expect(weightloom("merge", recipe("adapted.yml", text), "adapted", "--engine", "cpu").status).toBe(0);
    // Written in the base's type, BF16, which is also the fine-tune's: only weights next to zero may round otherwise.
    const same = weightloom("diff", adder, "adapted", "--engine", "cpu", "--json");
    const { change, apart: missing } = JSON.parse(same.stdout);
    expect(missing).toEqual([]);
    expect(change).toBeLessThan(1e-9);
    expect(JSON.parse(weightloom("verify", "adapted", "--json").stdout).ok).toBe(true);
  });

  test("mistakes cost nothing", { timeout: 30_000 }, () => {
    const mistakes = [
      [["--rank", "0"], 2, '--rank is "0"; it must be a whole number from 1 to 65536.'],
      [["--threshold=-1"], 2, '--threshold is "-1"; it must be a number from 0.'],
      [["--include", "("], 2, '--include is "(", which is not a regular expression.'],
      [["--include", "nothing_is_called_so"], 2, "does not differ from"],
    ] as const;
    for (const [args, code, sentence] of mistakes) {
      const done = weightloom("extract-lora", adder, base, "none", ...args);
      expect([done.status, done.stderr]).toEqual([code, expect.stringContaining(sentence)]);
    }
    expect(existsSync(join(work, "none"))).toBe(false);
  });
});
