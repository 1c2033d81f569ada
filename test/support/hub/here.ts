/** A mock Hub with the sample models and a client on it, for the tests in Node. */
import { createHash } from "node:crypto";
import { setMaxListeners } from "node:events";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import { createHub, type Hub, type HubOptions, type HubWait } from "../../../core/hub/hub.ts";
import { folderFiles, llamaFiles, memoryFile, repository } from "./repos.mjs";
import { type MockHub, startHub } from "./server.mjs";

// As on the command line: every read of a run listens to its one signal.
setMaxListeners(0);

export const SAMPLES = join(import.meta.dirname, "../../../public/samples");
export const sample = (name: string) => join(SAMPLES, name);

/** Waits that are the right ones but for their length. */
export const HURRY = { first: 4, most: 30, stall: 1500 };

/** A model of some megabytes in three shards, so that there is something to read ahead. */
export const small = (seed: string) =>
  llamaFiles(seed, { layers: 3, hidden: 256, inner: 512, heads: 4, kv: 2, vocabulary: 2048, shards: 3 });

export interface Here {
  readonly mock: MockHub;
  readonly waits: HubWait[];
  client(options?: HubOptions): Hub;
}

/** Starts a mock Hub for the tests of a file; faults are off before each, and no token may have leaked after it. */
export function hubHere(): Here {
  let mock: MockHub | null = null;
  const here = () => {
    if (mock === null) throw new Error("The mock Hub runs only while tests do.");
    return mock;
  };
  const waits: HubWait[] = [];
  beforeAll(async () => {
    mock = await startHub({
      repos: new Map([
        ["weft/base", repository(folderFiles(sample("base")), { downloads: 50, likes: 3 })],
        ["weft/adder", repository(folderFiles(sample("adder")), { downloads: 40 })],
        ["weft/sorter", repository(folderFiles(sample("sorter")), { downloads: 30, task: "text-classification" })],
        ["weft/reverser", repository(folderFiles(sample("reverser")), { downloads: 20 })],
        ["gate/auto", repository(folderFiles(sample("base")), { gated: "auto", licence: "llama3.1" })],
        ["ann/secret", repository(folderFiles(sample("base")), { private: true })],
        ["size/one", repository(small("one"))],
        ["size/two", repository(small("two"))],
        ["bare/empty", repository(new Map([["README.md", memoryFile("README.md", "nothing here")]]))],
      ]),
      tokens: new Map([
        ["hf_ann", { name: "ann", accepted: ["gate/auto"] }],
        ["hf_bob", { name: "bob" }],
        ["hf_read", { name: "rea", role: "read" }],
      ]),
    });
  });
  afterEach(() => {
    const leaks = here().leaks();
    here().set();
    here().signFor(3_600_000);
    here().clear();
    waits.length = 0;
    if (leaks > 0) throw new Error(`${leaks} requests to the storage carried a token.`);
  });
  afterAll(() => here().close());
  return {
    get mock() {
      return here();
    },
    waits,
    client: (options = {}) =>
      createHub({
        endpoint: here().endpoint,
        patience: HURRY,
        onWait: (wait) => waits.push(wait),
        ...options,
      }),
  };
}

export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
