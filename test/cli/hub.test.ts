/** The built command line on a mock Hub: names instead of folders, the same results, and figures for a model of 70 B. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandLine } from "../support/hub/command.ts";
import { hubHere, sample, sha256 } from "../support/hub/here.ts";
import { llamaFiles, repository } from "../support/hub/repos.mjs";
import type { Fault } from "../support/hub/server.mjs";

const here = hubHere();
const work = mkdtempSync(join(tmpdir(), "weightloom-hub-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
beforeAll(() => {
  here.mock.repos.set("big/llama-70b", repository(llamaFiles("70b"), { licence: "llama3.1" }));
  here.mock.repos.set("big/llama-70b-tuned", repository(llamaFiles("70b tuned"), { licence: "llama3.1" }));
});

const weightloom = commandLine(here, work);

function recipe(name: string, text: string): string {
  writeFileSync(join(work, name), text);
  return name;
}

const ties = (place: (name: string) => string) => `merge_method: ties
base_model: ${place("base")}
models:
  - model: ${place("adder")}
    parameters: { weight: 0.6, density: 0.6 }
  - model: ${place("sorter")}
    parameters: { weight: 0.4, density: 0.6 }
dtype: bfloat16
`;

/** Weights without the header's metadata, which holds the recipe: tensors and their bytes. */
function dataOf(bytes: Buffer): string {
  const end = 8 + Number(bytes.readBigUInt64LE());
  const { __metadata__: _, ...tensors } = JSON.parse(bytes.subarray(8, end).toString());
  return sha256(Buffer.concat([Buffer.from(JSON.stringify(tensors)), bytes.subarray(end)]));
}

const weightsOf = (out: string) =>
  Object.fromEntries(
    readdirSync(join(work, out))
      .filter((name) => !/\.(md|yml)$|^weightloom\.json$/.test(name))
      .map((name) => {
        const bytes = readFileSync(join(work, out, name));
        return [name, name.endsWith(".safetensors") ? dataOf(bytes) : sha256(bytes)];
      }),
  );

const BIG =
  "merge_method: slerp\nbase_model: big/llama-70b\nmodels:\n  - model: big/llama-70b\n  - model: big/llama-70b-tuned\nparameters: { t: 0.3 }\ndtype: bfloat16\n";

test("inspect, by name and by address, reads headers only", { timeout: 60_000 }, async () => {
  for (const name of ["weft/base", "weft/base@main", `${here.mock.endpoint}/weft/base/tree/main`]) {
    here.mock.clear();
    const done = await weightloom(["inspect", name, "--json", "--no-cache"]);
    expect(done.stderr).toBe("");
    const report = JSON.parse(done.stdout);
    expect(report).toMatchObject({ ok: true, ref: name, family: "llama", origin: { repo: "weft/base" } });
    expect(here.mock.sent()).toBeLessThan(150_000);
  }
});

test("a plan of two models of 70 B takes seconds and megabytes", { timeout: 120_000 }, async () => {
  const name = recipe("big.yml", BIG);
  await weightloom(["methods", "--json"]);
  const done = await weightloom(["plan", name, "--json", "--no-cache"]);
  expect(done.stderr).toBe("");
  const report = JSON.parse(done.stdout);
  expect(report.merged).toBe(723);
  expect(report.readBytes).toBeGreaterThan(2.8e11);
  const megabytes = here.mock.sent() / 1e6;
  console.log(
    `70 B: ${done.seconds.toFixed(1)} s, ${megabytes.toFixed(1)} MB read, ${(done.peak / 1e6).toFixed(0)} MB of memory, ${here.mock.log.length} requests`,
  );
  expect(megabytes).toBeLessThan(64);
  expect(done.seconds).toBeLessThan(30);
  expect(done.peak).toBeLessThan(700e6);
});

const FAULTS: Readonly<Record<string, readonly Fault[]>> = {
  "nothing in the way": [],
  "busy and broken": [
    { kind: "busy", every: 4, after: 0.05 },
    { kind: "broken", every: 5 },
  ],
  "cut, short and expired": [
    { kind: "reset", every: 3, bytes: 400_000 },
    { kind: "short", every: 5, bytes: 200_000 },
    { kind: "expired", every: 4 },
  ],
};

test.each(Object.entries(FAULTS))(
  "a merge of names is the merge of folders: %s",
  { timeout: 120_000 },
  async (_, faults) => {
    const local = await weightloom([
      "merge",
      recipe("local.yml", ties(sample)),
      "local",
      "--engine",
      "cpu",
      "--overwrite",
    ]);
    expect(local.status).toBe(0);
    here.mock.set(...faults);
    const far = await weightloom([
      "merge",
      recipe(
        "far.yml",
        ties((name) => `weft/${name}`),
      ),
      "far",
      "--engine",
      "cpu",
      "--overwrite",
      "--no-cache",
    ]);
    expect(far.stderr).toContain("Wrote ");
    expect(weightsOf("far")).toEqual(weightsOf("local"));
    const card = readFileSync(join(work, "far/README.md"), "utf8");
    expect(card).toContain("base_model:\n  - weft/base\n  - weft/adder\n  - weft/sorter\nbase_model_relation: merge\n");
    expect(card).toContain(`weft/adder at ${here.mock.repos.get("weft/adder")?.branches.get("main")}`);
    expect(readdirSync(join(work, "far")).filter((name) => name.endsWith(".partial"))).toEqual([]);
  },
);

test("what was read is kept: the second plan downloads nothing of the weights", { timeout: 60_000 }, async () => {
  const env = { WEIGHTLOOM_CACHE: join(work, "kept") };
  const text = recipe("kept.yml", BIG);
  const first = await weightloom(["plan", text, "--json"], env);
  const weights = () => here.mock.log.filter(({ path }) => path.endsWith(".safetensors")).length;
  expect(weights()).toBeGreaterThan(0);
  here.mock.clear();
  const second = await weightloom(["plan", text, "--json"], env);
  expect(weights()).toBe(0);
  expect(second.stdout).toBe(first.stdout);
  await weightloom(["plan", text, "--json", "--no-cache"], env);
  expect(weights()).toBeGreaterThan(0);
});

test("a folder of that name wins; a revision of it is refused", { timeout: 60_000 }, async () => {
  mkdirSync(join(work, "weft/reverser"), { recursive: true });
  const done = await weightloom(["inspect", "weft/reverser"]);
  expect(done.stderr).toContain("The folder is empty");
  const asked = await weightloom(["inspect", "weft/reverser@main"]);
  expect(asked.stderr).toContain('asks for revision "main" of weft/reverser, but there is a folder of that name here');
  expect(here.mock.log).toEqual([]);
});

test("the token comes from HF_TOKEN or from the file the Hub's tools keep", { timeout: 60_000 }, async () => {
  const page = `${here.mock.endpoint}/gate/auto`;
  const nobody = await weightloom(["inspect", "gate/auto"]);
  expect(nobody.status).toBe(1);
  expect(nobody.stderr).toContain(`gate/auto: the model is gated. Accept its terms on ${page}, then use a token`);
  const bob = await weightloom(["inspect", "gate/auto"], { HF_TOKEN: "hf_bob" });
  expect(bob.stderr).toContain(`Accept its terms on ${page} with the account of your token`);
  expect((await weightloom(["inspect", "gate/auto"], { HF_TOKEN: "hf_ann" })).status).toBe(0);
  mkdirSync(join(work, "hf"), { recursive: true });
  writeFileSync(join(work, "hf/token"), "hf_ann\n");
  expect((await weightloom(["inspect", "ann/secret"], { HF_HOME: join(work, "hf") })).status).toBe(0);
});

test("what is not there, and a Hub out of reach, is said with where it was looked for", {
  timeout: 60_000,
}, async () => {
  const missing = await weightloom(["inspect", "weft/nothing"]);
  expect(missing.stderr).toContain(
    `weft/nothing: the Hub has no such model, or it is private. Check the name; if it is private, a token is needed (${here.mock.endpoint}/settings/tokens). On this disk there is none of that name either: looked for ${join(work, "weft/nothing")}.`,
  );
  const revision = await weightloom(["inspect", "weft/base@v3"]);
  expect(revision.stderr).toContain('weft/base: there is no revision "v3".');
  const offline = await weightloom(["inspect", "weft/base"], { HF_ENDPOINT: "http://127.0.0.1:9" });
  expect(offline.stderr).toMatch(/127\.0\.0\.1:9 could not be reached \(.*\), after 4 tries/);
  const told = await weightloom(["inspect", "weft/base"], { HF_HUB_OFFLINE: "1" });
  expect(told.stderr).toContain("HF_HUB_OFFLINE is set");
  const plain = await weightloom(["inspect", "nothing"]);
  expect(plain.stderr).toContain("a model on the Hub is written org/name");
});

test("publish, and merge --publish: a private repository that opens again under its name", {
  timeout: 120_000,
}, async () => {
  const env = { HF_TOKEN: "hf_ann" };
  const text = recipe(
    "published.yml",
    ties((name) => `weft/${name}`),
  );
  const merged = await weightloom(
    ["merge", text, "published", "--engine", "cpu", "--publish", "ann/woven", "--json"],
    env,
  );
  expect(merged.stderr).toMatch(/\/ann\/woven published, private: \d+ files, 1\.6\d MB\./);
  expect(JSON.parse(merged.stdout).published).toMatchObject({ repo: "ann/woven", created: true });
  const opened = await weightloom(["inspect", "ann/woven", "--json"], env);
  const report = JSON.parse(opened.stdout);
  expect(report).toMatchObject({
    ok: true,
    origin: { commit: JSON.parse(merged.stdout).published.commit },
  });

  const again = await weightloom(["publish", "published", "ann/woven"], env);
  expect(again.stderr).toContain("/ann/woven is there already, byte for byte.");
  const early = await weightloom(["merge", text, "later", "--engine", "cpu", "--publish", "ann/woven"], env);
  expect(early.status).toBe(1);
  expect(early.stderr).toContain("ann/woven already holds a model (model.safetensors).");
  // Refused before anything was merged.
  expect(readdirSync(work)).not.toContain("later");
  const wrong = await weightloom(["publish", "published", "no-organisation"], env);
  expect(wrong.stderr).toContain('"no-organisation" is no name on the Hub');
  const nobody = await weightloom(["publish", "published", "ann/other"]);
  expect(nobody.stderr).toContain("ann/other: publishing needs a token that may write.");
});
