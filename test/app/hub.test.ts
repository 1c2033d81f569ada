/** The Hub's side of the page without a browser: what a build may connect to, what a recipe may mean, what is said. */
import { describe, expect, test } from "vitest";
import { agoInWords, factsOf, waitInWords } from "../../app/hub/words.ts";
import { downloadOf } from "../../app/state/heat.ts";
import { hubNamesIn } from "../../app/state/hub.ts";
import { hubOfBuild } from "../../scripts/hub.mjs";
import type { ModelSummary } from "../../workers/api.ts";
import { identityAt } from "../../workers/identity.ts";

describe("what a build may connect to", () => {
  test("is the Hub and where it keeps its bytes", () => {
    const { endpoint, clientId, origins } = hubOfBuild({});
    expect(endpoint).toBe("https://huggingface.co");
    expect(clientId).toBeNull();
    expect(origins).toEqual(["https://huggingface.co", "https://*.hf.co"]);
  });
  test("is a mirror and its storage, and then not Hugging Face", () => {
    const env = { HF_ENDPOINT: "https://hub.example/", HF_STORAGE: "https://a.example  https://b.example:8443" };
    expect(hubOfBuild(env).origins).toEqual(["https://hub.example", "https://a.example", "https://b.example:8443"]);
  });
  test.each([
    "nothing",
    "https://hub.example/path",
    "javascript:alert(1)",
    "https://me:secret@hub.example",
    "https://a b",
  ])("is never %s", (text) => expect(() => hubOfBuild({ HF_ENDPOINT: text })).toThrow(/must be an origin/));
  test("nor a source that would end the policy's line", () => {
    expect(() => hubOfBuild({ HF_STORAGE: "https://a.example;script-src" })).toThrow(/must be an origin/);
  });
});

test("names that may be on the Hub are found in references, bases before adapters, once", () => {
  const refs = ["org/base", "org/base+org/lora@v2", "base", "./here", "/tmp/x", "org/open", "C:\\models\\one", "a/b/c"];
  expect(hubNamesIn(refs, ["org/open"])).toEqual(["org/base", "org/lora@v2"]);
});

test("what is said of a model, and of time", () => {
  const now = Date.parse("2026-06-01T00:00:00Z");
  const model = {
    repo: "org/name",
    task: "text-generation",
    parameters: 70_553_706_496,
    bytes: 141e9,
    licence: null,
    gated: "auto",
    private: false,
    updated: "2026-05-10T00:00:00Z",
    downloads: 0,
    likes: 0,
  } as const;
  expect(factsOf(model, now)).toBe("text generation · 70.6 B · licence not stated · changed 3 weeks ago");
  expect(agoInWords(now - 3600, now)).toBe("today");
  expect(agoInWords(now - 86_400_000, now)).toBe("1 day ago");
  expect(agoInWords(now - 800 * 86_400_000, now)).toBe("2 years ago");
  expect([waitInWords(11_200), waitInWords(240_000)]).toEqual(["12 s", "4 min"]);
});

test("a strip's download is counted of the models on the Hub alone", () => {
  const tensors = [
    { shape: [8192, 8192], bytes: 2 * 8192 * 8192 },
    { shape: [100], bytes: 200 },
    { shape: [0], bytes: 0 },
  ];
  const model = (hub: boolean) =>
    ({ name: "m", tensors, ...(hub ? { hub: { repo: "a/b", commit: "c" } } : {}) }) as unknown as ModelSummary;
  expect(downloadOf({ reference: model(true), models: [model(false)], isBased: true })).toBe(2 * 8192 + 200);
  expect(downloadOf({ reference: model(false), models: [model(false)], isBased: true })).toBe(0);
});

test("another commit, repository, folder or base is another identity", async () => {
  const place = { repo: "a/b", commit: "1".repeat(40) };
  const all = await Promise.all([
    identityAt(place, ["x"]),
    identityAt({ ...place, commit: "2".repeat(40) }, ["x"]),
    identityAt({ ...place, repo: "a/c" }, ["x"]),
    identityAt(place, ["y"]),
    identityAt(place, ["x"], "base"),
  ]);
  expect(new Set(all).size).toBe(5);
  expect(await identityAt(place, ["x"])).toBe(all[0]);
});
