/** What the Hub knows of models, and how it says no. */
import { expect, test } from "vitest";
import { openModel } from "../../core/model/open.ts";
import { hubHere } from "../support/hub/here.ts";

const here = hubHere();

test("search shows models with safetensors, most downloaded first", async () => {
  const found = await here.client().search("weft");
  expect(found.map(({ repo }) => repo)).toEqual(["weft/base", "weft/adder", "weft/sorter", "weft/reverser"]);
  expect(found[0]).toEqual({
    repo: "weft/base",
    task: "text-generation",
    parameters: 824_820,
    bytes: 1_649_640,
    licence: "apache-2.0",
    gated: null,
    private: false,
    updated: "2026-01-15T12:00:00.000Z",
    downloads: 50,
    likes: 3,
  });
  expect((await here.client().search("weft", { limit: 3 })).length).toBe(3);
  expect((await here.client().search("", { task: "text-classification" })).map(({ repo }) => repo)).toEqual([
    "weft/sorter",
  ]);
  expect((await here.client().search("auto")).map(({ repo, gated, licence }) => [repo, gated, licence])).toEqual([
    ["gate/auto", "auto", "llama3.1"],
  ]);
  expect(await here.client().search("secret")).toEqual([]);
  expect(await here.client().search("bare")).toEqual([]);
});

test("a model is pinned to the commit its branch was at", async () => {
  const { info, files } = await here.client().open({ repo: "weft/base" });
  expect(info.commit).toBe(here.mock.repos.get("weft/base")?.branches.get("main"));
  expect([...files.keys()]).toContain("model.safetensors");
  const paths = here.mock.log.map(({ path }) => path);
  expect(paths.filter((path) => path.includes("/tree/"))).toEqual([`/api/models/weft/base/tree/${info.commit}`]);
  expect(paths.filter((path) => path.includes("/resolve/")).every((path) => path.includes(info.commit))).toBe(true);
});

test("whose token it is", async () => {
  expect(await here.client().whoAmI()).toBeNull();
  expect(await here.client({ token: () => "hf_ann" }).whoAmI()).toBe("ann");
  await expect(here.client({ token: () => "hf_old" }).whoAmI()).rejects.toThrow(
    /does not accept the token \(Invalid credentials/,
  );
});

test("a no of the Hub says what to do", async () => {
  const { endpoint } = here.mock;
  const anybody = here.client();
  const ann = here.client({ token: () => "hf_ann" });
  const bob = here.client({ token: () => "hf_bob" });
  const reason = (work: Promise<unknown>) =>
    work.then(
      () => "",
      (error: Error) => `${error.name}: ${error.message}`,
    );
  expect(await reason(anybody.open({ repo: "gate/auto" }))).toBe(
    `AccessError: gate/auto: the model is gated. Accept its terms on ${endpoint}/gate/auto, then use a token of that account (${endpoint}/settings/tokens).`,
  );
  expect(await reason(bob.open({ repo: "gate/auto" }))).toBe(
    `AccessError: gate/auto: the model is gated. Accept its terms on ${endpoint}/gate/auto with the account of your token, then try again. Some authors approve requests by hand, which takes time.`,
  );
  expect((await ann.open({ repo: "gate/auto" })).info.gated).toBe("auto");
  expect(await reason(anybody.open({ repo: "weft/bse" }))).toBe(
    `AccessError: weft/bse: the Hub has no such model, or it is private. Check the name; if it is private, a token is needed (${endpoint}/settings/tokens).`,
  );
  expect(await reason(bob.open({ repo: "ann/secret" }))).toBe(
    "HubError: ann/secret: the Hub has no such model, or it is private. Check the name; the token must belong to somebody who may read it.",
  );
  expect((await ann.open({ repo: "ann/secret" })).info.private).toBe(true);
  expect(await reason(anybody.open({ repo: "weft/base", revision: "v9" }))).toBe(
    `HubError: weft/base: there is no revision "v9". ${endpoint}/weft/base/tree/main lists branches and tags.`,
  );
  expect(await reason(anybody.open({ repo: "weft/base", folder: "unet" }))).toMatch(
    /^HubError: weft\/base: there is no/,
  );
  expect(await reason(here.client({ token: () => "hf_old" }).open({ repo: "weft/base" }))).toMatch(
    /does not accept the token/,
  );
  const { files } = await anybody.open({ repo: "bare/empty" });
  expect(await reason(openModel("bare/empty", files))).toMatch(/no weights, only "README.md"/);
});

test("a Hub that is not there, is busy or breaks down is said so, soon", async () => {
  const nowhere = here.client({ endpoint: "http://127.0.0.1:9" });
  await expect(nowhere.open({ repo: "weft/base" })).rejects.toThrow(
    /^127\.0\.0\.1:9 could not be reached \(.+\), after 4 tries/,
  );
  here.mock.set({ kind: "broken", where: "api" });
  await expect(here.client().open({ repo: "weft/base" })).rejects.toThrow(/\(status 503\), after 4 tries/);
  here.mock.set({ kind: "busy", where: "api", times: 2, after: 0.05 });
  expect((await here.client().open({ repo: "weft/base" })).files.size).toBe(7);
  here.mock.set({ kind: "offline", where: "api", times: 2 });
  expect((await here.client().open({ repo: "weft/base" })).files.size).toBe(7);
});

test("a long list of files comes in pages", async () => {
  // The page size of the mock is the server's own choice, as on the Hub.
  const { startHub } = await import("../support/hub/server.mjs");
  const mock = await startHub({ repos: here.mock.repos, page: 2 });
  const { files } = await here.client({ endpoint: mock.endpoint }).open({ repo: "weft/base" });
  expect(files.size).toBe(7);
  expect(mock.log.filter(({ path }) => path.includes("/tree/")).length).toBe(4);
  await mock.close();
});
