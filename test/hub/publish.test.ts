/** Publishing a folder: what arrives is what was sent; what must not be published is not; and nothing is sent twice. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { Publishing, PublishProgress } from "../../core/hub/hub.ts";
import { hubHere, sample, sha256 } from "../support/hub/here.ts";
import type { Fault } from "../support/hub/server.mjs";

const here = hubHere();
const ann = () => here.client({ token: () => "hf_ann" });
const NAME = { repo: "ann/merged" };

beforeEach(() => {
  here.mock.repos.delete("ann/merged");
});

/** The files of a sample model; its weights are of 1.6 MB, sent in six parts. */
function folder(name = "base"): Map<string, Blob> {
  return new Map(
    readdirSync(sample(name)).map((file) => [file, new Blob([readFileSync(join(sample(name), file))])] as const),
  );
}

/** Weights that no other test has sent: the Hub knows what it has. */
async function fresh(mark: number): Promise<Map<string, Blob>> {
  const files = folder();
  const bytes = new Uint8Array(await files.get("model.safetensors")!.arrayBuffer());
  bytes[bytes.length - 1] = mark;
  bytes[bytes.length - 3] = mark;
  return files.set("model.safetensors", new Blob([bytes]));
}

const there = (name = "ann/merged", branch = "main") => {
  const repo = here.mock.repos.get(name);
  return repo?.commits.get(repo.branches.get(branch) ?? "") ?? new Map();
};

async function arrived(files: ReadonlyMap<string, Blob>, name?: string, branch?: string): Promise<void> {
  const got = there(name, branch);
  for (const [path, blob] of files) {
    const file = got.get(path);
    const want = sha256(new Uint8Array(await blob.arrayBuffer()));
    expect(file === undefined ? path : sha256(file.read(0, file.size)), path).toBe(want);
  }
}

const taken = () => here.mock.log.reduce((sum, { taken = 0 }) => sum + taken, 0);

const reason = (publishing: Publishing, token = "hf_ann") =>
  here
    .client({ token: () => token })
    .publish(publishing)
    .then(
      () => "",
      (error: Error) => `${error.name}: ${error.message}`,
    );

test("a new repository is private, holds every byte, and progress comes to its end", async () => {
  const files = await fresh(1);
  const steps: PublishProgress[] = [];
  const done = await ann().publish({ name: NAME, files, onProgress: (step) => steps.push(step) });
  expect(done).toMatchObject({ created: true, deleted: [], equal: [], url: `${here.mock.endpoint}/ann/merged` });
  expect(done.commit).toBe(here.mock.repos.get("ann/merged")?.branches.get("main"));
  expect(here.mock.repos.get("ann/merged")?.private).toBe(true);
  await arrived(files);
  expect(new Set(steps.map(({ step }) => step))).toEqual(new Set(["checking", "hashing", "uploading", "committing"]));
  expect(steps.filter(({ step }) => step === "uploading").length).toBeGreaterThan(6);
  expect(steps.at(-1)).toMatchObject({ step: "committing", done: steps.at(-1)?.total });
});

test("publishing the same again changes nothing and sends nothing", async () => {
  const files = await fresh(2);
  await ann().publish({ name: NAME, files, public: true });
  expect(here.mock.repos.get("ann/merged")?.private).toBe(false);
  here.mock.clear();
  const again = await ann().publish({ name: NAME, files });
  expect(again).toMatchObject({ created: false, commit: null, sent: [] });
  expect(again.equal.length).toBe(files.size);
  expect(taken()).toBe(0);
});

test("other weights are overwritten only when that is said, and none of the old ones stay", async () => {
  const two = new Map(
    [...folder("adder")].map(([path, blob]) => [path === "model.safetensors" ? "old.safetensors" : path, blob]),
  );
  await ann().publish({ name: NAME, files: two });
  const files = await fresh(3);
  expect(await reason({ name: NAME, files })).toBe(
    "HubError: ann/merged already holds a model (old.safetensors). Choose another name, or say that it may be overwritten; the old one stays in its history.",
  );
  expect(there().has("old.safetensors")).toBe(true);
  await expect(ann().checkTarget({ name: NAME })).rejects.toThrow("already holds a model");
  await ann().checkTarget({ name: NAME, overwrite: true });
  const done = await ann().publish({ name: NAME, files, overwrite: true });
  expect(done).toMatchObject({ created: false, deleted: ["old.safetensors"] });
  // What both models have, byte for byte, is not sent.
  expect(done.equal).toContain("tokenizer.json");
  await arrived(files);
  expect(there().has("old.safetensors")).toBe(false);
});

test("a branch is made, a pull request opened", async () => {
  await ann().publish({ name: NAME, files: folder() });
  const files = await fresh(4);
  await ann().publish({ name: { ...NAME, revision: "v2" }, files, overwrite: true });
  await arrived(files, "ann/merged", "v2");
  await arrived(folder());
  const asked = await ann().publish({ name: NAME, files, overwrite: true, pullRequest: true });
  expect(asked.pullRequest).toBe(`${here.mock.endpoint}/ann/merged/discussions/1`);
  await arrived(folder());
  await arrived(files, "ann/merged", "refs/pr/1");
});

const FAULTS: Readonly<Record<string, readonly Fault[]>> = {
  "5xx and 429": [
    { kind: "broken", where: "upload", every: 3 },
    { kind: "busy", where: "upload", every: 5, after: 0.02 },
  ],
  "connections cut": [{ kind: "offline", where: "upload", every: 3 }],
  "parts cut in the middle": [{ kind: "reset", where: "upload", every: 2 }],
  "addresses that have expired": [{ kind: "expired", where: "upload", times: 2 }],
  "the answer to the commit lost": [{ kind: "lost", where: "upload", times: 1 }],
};

test.each(Object.entries(FAULTS))("through faults everything arrives, once: %s", async (name, faults) => {
  const files = await fresh(10 + Object.keys(FAULTS).indexOf(name));
  here.mock.set(...faults);
  const done = await ann().publish({ name: NAME, files });
  await arrived(files);
  expect(done.commit).toBe(here.mock.repos.get("ann/merged")?.branches.get("main"));
  expect(here.mock.repos.get("ann/merged")?.commits.size).toBe(2);
});

test("what was interrupted goes on: files that have arrived are not sent again", async () => {
  const files = await fresh(20);
  const stop = new AbortController();
  const interrupted = ann().publish({
    name: NAME,
    files,
    signal: stop.signal,
    onProgress: ({ step }) => {
      if (step === "committing") stop.abort(new DOMException("Cancelled.", "AbortError"));
    },
  });
  await expect(interrupted).rejects.toThrow("Cancelled.");
  expect([...there().keys()]).toEqual([".gitattributes"]);
  expect(taken()).toBeGreaterThan(1_600_000);
  here.mock.clear();
  const done = await ann().publish({ name: NAME, files });
  expect(done.created).toBe(false);
  expect(taken()).toBe(0);
  await arrived(files);
});

test("who may not, has no room, or is overtaken is told so, and nothing is changed", async () => {
  const files = await fresh(30);
  const { endpoint } = here.mock;
  const nobody = here.client().publish({ name: NAME, files });
  await expect(nobody).rejects.toThrow(
    `publishing needs a token that may write. Make one on ${endpoint}/settings/tokens`,
  );
  expect(await reason({ name: { repo: "rea/merged" }, files }, "hf_read")).toMatch(
    /^AccessError: rea\/merged: the token may not write there \(You don't have the rights .*\)\. Use one with write access to rea/,
  );
  expect(await reason({ name: { repo: "weft/merged" }, files })).toMatch(
    /^AccessError: weft\/merged: the token may not write/,
  );
  expect(await reason({ name: { repo: "weft/base" }, files, overwrite: true })).toMatch(
    /^AccessError: weft\/base: the token may not write/,
  );
  here.mock.set({ kind: "quota", where: "upload" });
  expect(await reason({ name: NAME, files })).toMatch(
    /^HubError: ann\/merged: there is no room for it on the Hub \(.*storage limit reached/,
  );
  here.mock.set({ kind: "rival", where: "upload" });
  expect(await reason({ name: NAME, files })).toMatch(
    /somebody else has changed it since this began, so nothing was published/,
  );
  expect(there().has("model.safetensors")).toBe(false);
  here.mock.set({ kind: "expired", where: "upload" });
  expect(await reason({ name: NAME, files: await fresh(31) })).toMatch(
    /publishing stopped \(the storage answered with status 403\)\. Nothing was changed there/,
  );
  here.mock.set({ kind: "broken", where: "upload" });
  expect(await reason({ name: NAME, files: await fresh(32) })).toMatch(/could not be reached \(status 503\)/);
});

test("what is not whole, or holds a token, is not published", async () => {
  const whole = folder();
  const without = (path: string) => new Map([...whole].filter(([name]) => name !== path));
  const weights = whole.get("model.safetensors")!;
  const cases: readonly (readonly [Map<string, Blob>, RegExp])[] = [
    [without("config.json"), /config\.json is missing/],
    [without("model.safetensors"), /no weights/],
    [
      new Map(whole).set("model.safetensors.partial", weights),
      /model\.safetensors\.partial: the folder holds a file that was not finished/,
    ],
    [
      new Map(whole).set("model.safetensors", weights.slice(0, 900_000)),
      /model\.safetensors: .*but the file has 900,000 bytes/,
    ],
    [new Map(without("model.safetensors")).set("model-00001-of-00002.safetensors", weights), /has 1 of the 2 shards/],
    [new Map([["adapter_config.json", new Blob(["{}"])]]), /adapter_model\.safetensors is missing/],
    [
      new Map(whole).set("notes.txt", new Blob([`export HF_TOKEN=hf_${"a1".repeat(17)}`])),
      /notes\.txt holds what looks like an access token/,
    ],
  ];
  for (const [files, sentence] of cases) {
    expect(await reason({ name: NAME, files })).toMatch(sentence);
    expect(here.mock.repos.has("ann/merged")).toBe(false);
  }
});
